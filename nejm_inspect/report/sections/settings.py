"""The runs behind a chapter: identifiers and settings."""

from nejm_inspect.report.chapter import SETTINGS
from nejm_inspect.report.sections.section import Chapter, Section, Table


def section(chapter: Chapter) -> Section:
    """What was run, how and when."""
    told = chapter.runs.reset_index().drop(columns=["case_ids", "judges"])
    variants = [", ".join(f"{k}={v}" for k, v in one.items()) for one in told.pop("variant")]
    told["settings"] = [one or "default" for one in variants]
    told["started"] = told["created"].map("{:%Y-%m-%d %H:%M} UTC".format)
    varied = [name for name in SETTINGS if told[name].nunique() > 1]
    columns = ["name", "model", "settings", *varied, "started"]
    common = " · ".join(f"{k.replace('_', ' ')}: {v}" for k, v in chapter.settings.items())
    table = Table("runs", "The runs of this chapter", told, columns)
    return Section("Models and settings", [table], notes=[common])

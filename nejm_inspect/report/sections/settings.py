"""The runs behind a chapter: identifiers and settings."""

from nejm_inspect.report.chapter import SETTINGS
from nejm_inspect.report.sections.section import Chapter, Section, Table

UNSAID = ["case_ids", "judges", "variant"]


def section(chapter: Chapter) -> Section:
    """What was run, how and when."""
    runs = chapter.runs.reset_index()
    variants = [", ".join(f"{k}={v}" for k, v in one.items()) for one in runs["variant"]]
    told = runs.drop(columns=UNSAID).assign(settings=[one or "default" for one in variants])
    told["started"] = runs["created"].map("{:%Y-%m-%d %H:%M} UTC".format)
    varied = [name for name in SETTINGS if runs[name].nunique() > 1]
    columns = ["name", "model", "settings", *varied, "started"]
    table = Table("runs", "The runs of this chapter", told, columns)
    common = [f"{k.replace('_', ' ')}: {v}" for k, v in chapter.settings.items()]
    return Section("Models and settings", [table], notes=[" · ".join(common)])

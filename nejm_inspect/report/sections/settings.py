"""The runs behind a chapter: identifiers and settings."""

from nejm_inspect.report.chapter import SETTINGS, Chapter
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import Table

UNSAID = ["case_ids", "judges", "variant", "baseline", "colour"]


def section(chapter: Chapter) -> Section | None:
    """What was run, how and when."""
    runs = chapter.runs.reset_index()
    variants = [", ".join(f"{k}={v}" for k, v in v.items()) for v in runs["variant"]]
    started = runs["created"].map("{:%Y-%m-%d %H:%M} UTC".format)
    told = runs.assign(settings=variants, started=started).drop(columns=UNSAID)
    told["settings"] = told["settings"].replace("", "default")
    told["created"] = told["created"].map(str)
    varied = [name for name in SETTINGS if runs[name].nunique() > 1]
    columns = ["name", "model", "settings", *varied, "started"]
    table = Table("runs", "The runs of this chapter", told, columns)
    common = [f"{k.replace('_', ' ')}: {v}" for k, v in chapter.settings.items()]
    return Section("Models and settings", [table], notes=[" · ".join(common)])

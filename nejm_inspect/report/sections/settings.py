"""The runs behind a chapter: identifiers and settings."""

from nejm_inspect.report.comparing import SETTINGS, Chapter
from nejm_inspect.report.formats import short
from nejm_inspect.report.sections.section import Section
from nejm_inspect.report.table import Table, model, text


def section(chapter: Chapter) -> Section | None:
    """What was run, how and when."""
    runs = chapter.runs.reset_index()
    told = runs.assign(
        settings=[
            ", ".join(f"{key}={value}" for key, value in variant.items())
            for variant in runs["variant"]
        ],
        started=[f"{created:%Y-%m-%d %H:%M} UTC" for created in runs["created"]],
    )
    varied = [name for name in SETTINGS if runs[name].nunique() > 1]
    return Section(
        title="Models and settings",
        tables=[
            Table(
                name="runs",
                caption="The runs of this chapter",
                frame=told.drop(columns=["case_ids", "skipped", "baseline", "variant"]),
                columns=[
                    *(
                        model(),
                        text("Model", "model"),
                        text("Settings", "settings", lambda s: short(s or "default")),
                    ),
                    *(
                        text(name.replace("_", " ").capitalize(), name)
                        for name in varied
                    ),
                    text("Started", "started"),
                ],
            )
        ],
        notes=[
            " · ".join(
                f"{name.replace('_', ' ')}: {value}"
                for name, value in chapter.settings.items()
            )
        ],
    )

"""From Inspect logs to a report. Reads logs only; imports no task."""

import base64
import datetime
from collections.abc import Sequence
from pathlib import Path

from nejm_inspect.grading.grades import read_grades
from nejm_inspect.report.chapter import Chapter, Options
from nejm_inspect.report.comparing import chapters_of, differences
from nejm_inspect.report.files import make_folder, write_files
from nejm_inspect.report.formats import as_csv
from nejm_inspect.report.page import Report, Told, pages
from nejm_inspect.report.reading import TEXTS, read_logs
from nejm_inspect.report.sections import SECTIONS
from nejm_inspect.report.titles import report_title, title_of

MOST_WITHIN = 3_000_000  # bytes of images that report.html holds; more go to files


def write_report(
    places: Sequence[str],
    folder: Path,
    options: Options = Options(),  # noqa: B008 - frozen
    exams: Sequence[str] = (),
    grades: Sequence[str] = (),
) -> Report:
    """Reads logs, writes pages, tables and figures about them, and returns what they say.

    Args:
        places: Logs or folders of logs, local or any URL that fsspec opens.
        folder: Where to. Files of an earlier report are replaced, others never.
        options: What the report shows.
        exams: Logs of the judge's exam or folders of some.
        grades: Files of physicians' grades of these logs' responses.

    Raises:
        NejmInspectError: If logs or grades cannot be read, do not belong together or hold nothing
            to report, or the folder cannot be written to.
    """
    make_folder(folder)  # before the work of reading
    full = options.with_texts or bool(options.cutoffs)  # these need the length of histories
    runs, responses, images = read_logs(places, exams, full)
    given = read_grades(grades, runs, responses) if grades else None
    images = images if options.with_texts else {}
    sources = {case: f"images/{n}.jpg" for n, case in enumerate(images, start=1)}
    pictures = {sources[case]: image for case, image in images.items()}
    if sum(map(len, images.values())) <= MOST_WITHIN:
        encoded = {case: base64.b64encode(image).decode() for case, image in images.items()}
        sources = {case: f"data:image/jpeg;base64,{text}" for case, text in encoded.items()}
        pictures = {}
    report = build_report(chapters_of(runs, responses, options, sources, given))
    texts = [] if options.with_texts else [*TEXTS]
    rows = as_csv(responses.drop(columns=texts, errors="ignore"))
    write_files(folder, {**pages(report, pictures), "responses.csv": rows})
    return report


def build_report(chapters: Sequence[Chapter]) -> Report:
    """Tells every chapter in sections."""
    told = []
    for chapter in chapters:
        sections = [found for tell in SECTIONS[chapter.topic] if (found := tell(chapter))]
        prefix = f"{chapter.number}-" * (len(chapters) > 1)
        told.append(Told(chapter.number, title_of(chapter), sections, prefix))
    created = datetime.datetime.now(datetime.UTC)
    with_texts, notes = chapters[0].options.with_texts, differences(chapters)
    return Report(*report_title(chapters, created), told, created, with_texts, notes)

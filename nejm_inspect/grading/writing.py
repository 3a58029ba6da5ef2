"""Writes a page, a sheet and a note for each rater, without the names of model and judge."""

import base64
import functools
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from inspect_ai.log import read_eval_log_sample

from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.images import PreparedImage, prepare_image
from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.files import COLUMNS, GIVEN, TEXTS
from nejm_inspect.prompts import GRADING_RULES
from nejm_inspect.report.files import make_folder
from nejm_inspect.report.formats import CELL_LIMIT, as_csv
from nejm_inspect.report.headers import JUDGED
from nejm_inspect.report.page import environment
from nejm_inspect.report.reading import UNREAD, image_urls, naming, response_of
from nejm_inspect.rubric import RUBRIC
from nejm_inspect.text import visible

MOST_WITHIN = 30_000_000  # bytes; a page with more images has them as files beside it
MEDIA = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
RIGHTS = (
    "Texts and images are here for your grading alone: do not pass them on, and delete them "
    "afterwards. Those of the NEJM Image Challenge belong to the Massachusetts Medical Society."
)
_LEVELS = "\n".join(f"{level.points}: {level.meaning}" for level in RUBRIC)
README = f"""\
Open grade.html in a browser (any, also on a phone), grade, save, and send the file back. Keep the
folder images beside it, if there is one. Or fill in grade.csv: points are whole numbers from 0 to
10, or cannot_judge is yes; remarks are optional. Leave the other columns as they are.

The reference is right by definition, even if you disagree.

{_LEVELS}

{GRADING_RULES}

{RIGHTS}
"""
_PAGE = environment("nejm_inspect.grading").get_template("grade.html.jinja")


def check_folder(folder: Path) -> None:
    """Makes the folder; raises `NejmInspectError` if that fails or the folder has files."""
    make_folder(folder)
    if any(folder.iterdir()):
        raise NejmInspectError(
            f"--out {folder} has files, which may hold grades. Choose another folder."
        )


def write_raters(raters: Sequence[pd.DataFrame], folder: Path) -> None:
    """Writes a folder for each rater.

    Args:
        raters: What `draw` returns.
        folder: Where to; see `check_folder`.

    Raises:
        NejmInspectError: If a log cannot be read, or the folder cannot be written to.
    """
    images, items = dict[str, bytes](), dict[str, dict[str, Any]]()
    prepare = functools.cache(_prepared)  # the models saw the same images
    drawn = pd.concat(raters).drop_duplicates("response_id")
    for id, log, uuid in drawn[["response_id", "log", "uuid"]].to_numpy():
        items[id] = {"id": id, **_item(log, uuid, images, prepare)}
    try:
        for number, own in enumerate(raters, start=1):
            own_items = [items[id] for id in own["response_id"]]
            data = {"draw": own["draw"].iloc[0], "rater": number, "items": own_items}
            _write(folder / f"rater-{number}", data, images)
    except OSError as error:
        raise NejmInspectError(f"--out {folder} cannot be written to: {error.strerror}.") from error


def _item(
    log: str, uuid: str, images: dict[str, bytes], prepare: Callable[[str], PreparedImage | None]
) -> dict[str, Any]:
    """The texts of a response and the names of its images; adds the images to `images`."""
    with naming(log):
        sample = read_eval_log_sample(log, uuid=uuid, exclude_fields=UNREAD - {"attachments"})
        row = response_of(sample, JUDGED, log)
    names = []
    for image in filter(None, map(prepare, image_urls(sample))):
        # The name of a file in the log may give the case away.
        name = sha256(image.data).hexdigest()[:12] + image.suffix
        images[name] = image.data
        names.append(name)
    # `as_csv` would cut a longer text a second time, and say something else about its length.
    texts = {name: visible(row[name], CELL_LIMIT - 100) for name in TEXTS}
    return {**texts, "images": names}


def _prepared(url: str) -> PreparedImage | None:
    """The image in a data URL or a file; None, which the page reports, if it cannot be used."""
    try:
        # A log may name any file: `prepare_image` accepts only images.
        if url.startswith("data:"):
            return prepare_image(base64.b64decode(url.partition(";base64,")[2]))
        return prepare_image(Path(url).read_bytes()) if Path(url).is_file() else None
    except (OSError, ValueError, ImageError):
        return None


def _write(folder: Path, data: dict[str, Any], images: Mapping[str, bytes]) -> None:
    """Writes a rater's folder; `data` has the `draw`, the `rater` and the `items` to grade."""
    folder.mkdir()
    names = dict.fromkeys(name for item in data["items"] for name in item["images"])
    sources = {name: f"images/{name}" for name in names}
    beside = sum(len(images[name]) for name in names) > MOST_WITHIN
    if beside:
        (folder / "images").mkdir()
    for name in names:
        if beside:
            (folder / sources[name]).write_bytes(images[name])
        else:
            encoded = base64.b64encode(images[name]).decode()
            sources[name] = f"data:{MEDIA[Path(name).suffix]};base64,{encoded}"
    data = {**data, "images": sources}
    page = _PAGE.render(data=data, beside=beside, rubric=RUBRIC, rules=GRADING_RULES, rights=RIGHTS)
    (folder / "grade.html").write_text(page, "utf-8")
    sheet = pd.DataFrame(data["items"]).rename(columns={"id": "response_id"})
    told = {"draw": data["draw"], "rater": data["rater"], **dict.fromkeys(GIVEN, "")}
    sheet = sheet.assign(**told)[[*COLUMNS]]
    # Excel recognizes UTF-8 by this mark.
    (folder / "grade.csv").write_bytes(b"\xef\xbb\xbf" + as_csv(sheet))
    (folder / "README.txt").write_text(README, "utf-8")

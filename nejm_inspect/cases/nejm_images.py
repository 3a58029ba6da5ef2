"""Images of NEJM cases: the journal's, the user's own, or those of a dataset of the Hub."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from nejm_inspect.cases.cache import cache_folder, tell_rights_once
from nejm_inspect.cases.download import download_images, new_client, with_progress
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import CaseImage, checked_image, forget
from nejm_inspect.cases.own_images import stored_images
from nejm_inspect.cases.schema import Case, as_id
from nejm_inspect.cases.source import CaseImages, collect_images
from nejm_inspect.cases.tables import Table, open_table, user_path
from nejm_inspect.errors import NejmInspectError, masked

IMAGES_URL = "https://csvc.nejm.org/ContentServer/images?id=IC{date}"
HUB_EXAMPLE = "hf:OctoMed/NEJM-Image-Challenge"
ENDINGS = re.compile(r"\.(jp(eg?|[2cfgx])|jfif|j2[ck]|a?png|webp|gif|bmp|tiff?)", re.IGNORECASE)
"""The files of a folder that count as images."""

_PINNED = re.compile(r"hf:[^@:]+@[0-9a-f]{40}(:[^@:]+)?")


def own_folder(images: str) -> Path | None:
    """Returns the user's folder of image files, if the parameter `images` names one.

    Raises:
        NejmInspectError: If it is not `journal`, a folder or `hf:…`.
    """
    if images == "journal" or images.startswith("hf:"):
        return None
    if not os.path.isdir(folder := user_path(images)):
        raise NejmInspectError(
            f"images={masked(images)}: Input should be 'journal', a folder of image files, or a "
            f"dataset such as {HUB_EXAMPLE}; {masked(str(folder))} is not a folder."
        )
    return folder


def find_images(
    cases: Sequence[Case], images: str, *, fetch: bool = True, verify: bool = False
) -> CaseImages:
    """Finds the user's and the cached images of cases, and fetches the missing ones.

    Args:
        cases: The cases.
        images: Where their images come from, as in `nejm_source`.
        fetch: Whether to fetch what is missing.
        verify: Whether to read and decode files even if they seem unchanged.

    Raises:
        NejmInspectError: If a dataset cannot be used or the cache cannot be written to.
    """
    own = {path.name: file for path, file in _image_files(own_folder(images)).items()}
    folder, table, dataset = cache_folder() / "images", None, None
    if is_hub := images.startswith("hf:"):
        # A pinned dataset is not opened if everything is in the cache.
        table = None if _PINNED.fullmatch(images) else _open_dataset(images)
        dataset = table.name if table else images
        folder = cache_folder() / "hub" / re.sub("[:/]", "--", dataset)
    stems = {c.id: folder / (str(c.id) if is_hub else _journal_name(c)) for c in cases}
    files: dict[Path, Path | str] = {**_image_files(folder)}

    def own_file(case: Case) -> Path | None:
        return own.get(str(case.id)) or own.get(_journal_name(case))

    if own_folder(images) and cases and not any(map(own_file, cases)):
        click.echo(f"{masked(images)} has no ID.* or ICYYYYMMDD.* of these cases.", err=True)

    def get(case: Case) -> list[CaseImage]:
        own_path = own_file(case)
        path = own_path or files.get(stems[case.id], "its file is not in the cache")
        return [checked_image(path, is_ours=not own_path, verify=verify)]

    found = collect_images(cases, get)
    absent = [case.id for case in cases if case.id in found.missing and not own_file(case)]
    if fetch and absent:
        for id in absent:
            if stems[id] in files:
                click.echo(f"{found.missing[id]}. It is fetched again.", err=True)
        tell_rights_once()
        wanted = [stems[id] for id in absent]
        fetched = _unpack(table or _open_dataset(images), wanted) if is_hub else _download(wanted)
        for stem, file in fetched.items():
            if isinstance(file, Path):
                forget(file)
                # In another format, damaged or foreign.
                others = {*folder.glob(f"{stem.name}.*")} - {file} if stem in files else ()
                for other in others:
                    if ENDINGS.fullmatch(other.suffix) and other.is_file():
                        other.unlink(missing_ok=True)
        files |= fetched
        verify = False
        found = collect_images(cases, get)
    return replace(found, dataset=dataset)


def _image_files(folder: Path | None) -> dict[Path, Path]:
    """Returns the image files of a folder by their paths without the ending."""
    files = sorted(folder.iterdir()) if folder and folder.is_dir() else []
    return {path.with_suffix(""): path for path in files if ENDINGS.fullmatch(path.suffix)}


def _journal_name(case: Case) -> str:
    """Returns the journal's name of a case's image."""
    return f"IC{case.date:%Y%m%d}"


def _download(stems: Sequence[Path]) -> dict[Path, Path | str]:
    template = os.environ.get("NEJM_INSPECT_IMAGES_URL", IMAGES_URL)
    if "{date}" not in template:
        raise NejmInspectError(
            f"NEJM_INSPECT_IMAGES_URL={masked(template)} must contain {{date}}, which stands for "
            "the date of a case."
        )
    dates = {stem: stem.name.removeprefix("IC") for stem in stems}
    urls = {stem: template.replace("{date}", date) for stem, date in dates.items()}
    with new_client() as client:
        return download_images(client, urls)


def _open_dataset(images: str) -> Table:
    try:
        table = open_table(images)
    except NejmInspectError as error:
        raise NejmInspectError(error.message.replace("cases=", "images=")) from error
    if not {"image_id", "image"} <= set(table.columns):
        raise NejmInspectError(
            f"images={images}: a dataset must have the columns image_id and image. This one has "
            f"{', '.join(table.columns)}."
        )
    return table


def _unpack(table: Table, stems: Sequence[Path]) -> dict[Path, Path | str]:
    from nejm_inspect.cases.images import keep_image  # imports Pillow and numpy

    uses = Counter(_name(row["image_id"]) for row in table.rows(["image_id"]))
    if twice := [id for id, count in uses.items() if id and count > 1]:
        raise NejmInspectError(f"{table.name}: image_id {twice[0]} is used twice.")
    wanted = {stem.name: stem for stem in stems}
    files: dict[Path, Path | str] = dict.fromkeys(
        stems, f"{table.name} has no row with its image_id"
    )
    rows = table.rows(["image_id", "image"])
    for row in with_progress(rows, uses.total(), "Unpacking images"):
        if stem := wanted.get(_name(row["image_id"])):
            try:
                (stored,) = stored_images(row["image"])
                files[stem] = keep_image(stem, _bytes(table, stored))
            except (ImageError, OSError, ValueError) as error:  # also of several images or none
                files[stem] = f"{table.name}: {error}"
    return files


def _name(id: object) -> str:
    """Returns the name of a case's file, whatever type its id has in a table; "" for no id."""
    try:
        return str(as_id(id))
    except ValueError:
        return ""


def _bytes(table: Table, stored: object) -> bytes:
    """Returns the bytes of an image in the table or in a file of the dataset."""
    if isinstance(stored, bytes):
        return stored
    path = Path(os.path.realpath(str(stored)))
    if table.folder and path.is_relative_to(os.path.realpath(table.folder)):
        return path.read_bytes()
    raise ImageError("the row does not hold an image")

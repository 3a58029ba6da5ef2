"""Images of NEJM cases: the journal's, the user's own, or those of a dataset of the Hub."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from nejm_inspect.cases.cache import cache_folder, tell_rights_once, write_atomically
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.image_places import stored_images
from nejm_inspect.cases.manifest import CaseImage, checked_image, forget
from nejm_inspect.cases.progress import with_progress
from nejm_inspect.cases.schema import Case, CaseId
from nejm_inspect.cases.source import CaseImages, collect_images
from nejm_inspect.cases.tables import Table, open_table, user_path
from nejm_inspect.errors import NejmInspectError, masked

IMAGES_URL = "https://csvc.nejm.org/ContentServer/images?id=IC{date}"
HUB_EXAMPLE = "hf:OctoMed/NEJM-Image-Challenge"
ENDINGS = re.compile(
    r"\.(jpe?g|jpe|jfif|a?png|webp|gif|bmp|tiff?|jp2|j2k|j2c|jp[cfx])", re.IGNORECASE
)
"""Of the files of a folder that may be images."""

_PINNED = re.compile(r"hf:[^@:]+@[0-9a-f]{40}(:[^@:]+)?")


@dataclass(frozen=True)
class _Store:
    """Fetched images in the cache."""

    folder: Callable[[], Path]
    name: Callable[[Case], str]
    """The name of a case's file without the ending."""
    fetch: Callable[[Mapping[CaseId, Path]], dict[CaseId, str]]
    """Fetches images to paths, to which it adds the ending; returns the reasons for failures."""
    dataset: str | None = None
    """The name of a dataset of the Hub, with its commit."""


def own_folder(images: str) -> Path | None:
    """The user's folder of image files, if the parameter `images` names one.

    Raises:
        NejmInspectError: If it is not `journal`, a folder or `hf:…`.
    """
    if images == "journal" or images.startswith("hf:"):
        return None
    if not os.path.isdir(folder := user_path(images)):
        raise NejmInspectError(
            f"images={images}: Input should be 'journal', a folder of image files, or a dataset "
            f"such as {HUB_EXAMPLE}; {folder} is not a folder."
        )
    return folder


def find_images(
    cases: Sequence[Case], images: str, *, fetch: bool = True, verify: bool = False
) -> CaseImages:
    """Finds the images of cases, and fetches those that are neither the user's nor in the cache.

    Args:
        cases: The cases whose images are wanted.
        images: Where they come from, as in `nejm_source`.
        fetch: Whether to fetch at all.
        verify: Whether to read and decode files even if they seem unchanged.

    Raises:
        NejmInspectError: If a dataset cannot be used or the cache cannot be written to.
    """
    own = _image_files(own_folder(images))
    store = _dataset_store(images) if images.startswith("hf:") else _JOURNAL
    kept = _image_files(store.folder())
    failed: dict[CaseId, str] = {}

    def own_file(case: Case) -> Path | None:
        return own.get(str(case.id)) or own.get(_journal_name(case))

    def get(case: Case) -> list[CaseImage]:
        if path := own_file(case):
            return [checked_image(path, verify=verify)]
        if case.id not in failed and (path := kept.get(store.name(case))):
            return [checked_image(path, is_ours=True, verify=verify)]
        raise ImageError(failed.get(case.id, "its file is not in the cache"))

    found = collect_images(cases, get)
    absent = [case for case in cases if case.id in found.missing and not own_file(case)]
    if not (fetch and absent):
        return replace(found, dataset=store.dataset)
    for case in absent:
        if store.name(case) in kept:
            click.echo(f"{found.missing[case.id]}. It is fetched again.", err=True)
    tell_rights_once()
    failed |= store.fetch({case.id: store.folder() / store.name(case) for case in absent})
    for case in absent:
        if case.id not in failed:
            files = store.folder().glob(f"{store.name(case)}.*")
            *others, fetched = sorted(files, key=lambda path: path.stat().st_mtime_ns)
            forget(fetched)
            for other in others:  # in another format, damaged or foreign
                other.unlink()
    kept, verify = _image_files(store.folder()), False
    return replace(collect_images(cases, get), dataset=store.dataset)


def _image_files(folder: Path | None) -> dict[str, Path]:
    """The image files of a folder by their names without the ending."""
    files = sorted(folder.iterdir()) if folder and folder.is_dir() else []
    return {path.stem: path for path in files if ENDINGS.fullmatch(path.suffix)}


def _journal_name(case: Case) -> str:
    """The journal's name of a case's image, and that of its file without the ending."""
    return f"IC{case.date:%Y%m%d}"


def _download(paths: Mapping[CaseId, Path]) -> dict[CaseId, str]:
    # Not needed where everything is in the cache.
    from nejm_inspect.cases.download import download_images, new_client

    template = os.environ.get("NEJM_INSPECT_IMAGES_URL", IMAGES_URL)
    if "{date}" not in template:
        raise NejmInspectError(
            f"NEJM_INSPECT_IMAGES_URL={masked(template)} must contain {{date}}, which stands for "
            "the date of a case."
        )
    dates = {id: path.name.removeprefix("IC") for id, path in paths.items()}
    urls = {id: template.replace("{date}", date) for id, date in dates.items()}
    with new_client() as client:
        return download_images(client, urls, paths.__getitem__)


_JOURNAL = _Store(lambda: cache_folder() / "images", _journal_name, _download)


def _dataset_store(images: str) -> _Store:
    # A pinned dataset is not opened if everything is in the cache.
    table = None if _PINNED.fullmatch(images) else _open_dataset(images)
    name = table.name if table else images
    folder = cache_folder() / "hub" / re.sub("[:/]", "--", name)
    return _Store(
        lambda: folder,
        lambda case: str(case.id),
        lambda paths: _unpack(table or _open_dataset(images), paths),
        name,
    )


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


def _unpack(table: Table, paths: Mapping[CaseId, Path]) -> dict[CaseId, str]:
    from nejm_inspect.cases.images import check_image

    uses = Counter(str(row["image_id"]) for row in table.rows(["image_id"]))
    if twice := [id for id, count in uses.items() if count > 1]:
        raise NejmInspectError(f"{table.name}: image_id {twice[0]} is used twice.")
    failed = dict.fromkeys(paths, f"{table.name} has no row with its image_id")
    wanted = {str(id): id for id in paths}
    rows = table.rows(["image_id", "image"])
    for row in with_progress(rows, uses.total(), "Unpacking images"):
        if (id := wanted.get(str(row["image_id"]))) is not None:
            try:
                data = _bytes(table, stored_images(row["image"])[0])
                path = paths[id]
                write_atomically(path.with_name(f"{path.name}{check_image(data)}"), data)
                del failed[id]
            except (ImageError, OSError) as error:
                failed[id] = f"{table.name}: {error}"
    return failed


def _bytes(table: Table, stored: object) -> bytes:
    """The bytes of an image in the table, or of a file among those of the dataset."""
    if isinstance(stored, bytes):
        return stored
    path = Path(os.path.realpath(str(stored)))
    if table.folder and path.is_relative_to(os.path.realpath(table.folder)):
        return path.read_bytes()
    raise ImageError("the row does not hold an image")

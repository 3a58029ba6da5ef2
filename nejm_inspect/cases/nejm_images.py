"""Images of NEJM cases: the journal's, the user's own, or those of a dataset of the Hub."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import click

from nejm_inspect.cases.cache import cache_folder, tell_rights_once, write_atomically
from nejm_inspect.cases.download import new_client
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.manifest import ENDINGS, checked_image, kept_image
from nejm_inspect.cases.progress import with_progress
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.source import IMAGES_AT_ONCE, CaseId, CaseImage, CaseImages
from nejm_inspect.cases.tables import Table, open_table, user_path
from nejm_inspect.errors import NejmInspectError

IMAGES_URL = "https://csvc.nejm.org/ContentServer/images?id=IC{date}"
HUB_EXAMPLE = "hf:OctoMed/NEJM-Image-Challenge"

_PINNED = re.compile(r"hf:[^@:]+@[0-9a-f]{40}(:[^@:]+)?")

Place = Path | str | None
"""Where images come from: a folder, a dataset of the Hub as the user names it, or the journal."""
Found = CaseImage | str | None
"""An image, or why it cannot be used, or None where there is none."""
Fetch = Callable[[Sequence[CaseId]], dict[CaseId, str]]
"""Puts images into the cache; returns the reason for each that failed."""


def image_place(images: str | None) -> Place:
    """Reads the parameter `images`.

    Raises:
        NejmInspectError: If it is not `journal`, a folder or `hf:…`.
    """
    if not images or images == "journal":
        return None
    if images.startswith("hf:"):
        return images
    folder = user_path(images)
    if not os.path.isdir(folder):
        raise NejmInspectError(
            f"images={images}: Input should be 'journal', a folder of image files, or a dataset "
            f"such as {HUB_EXAMPLE}; {folder} is not a folder."
        )
    return folder


def find_images(
    cases: Sequence[Case], place: Place, *, fetch: bool = True, verify: bool = False
) -> CaseImages:
    """Finds the images of cases, and fetches those that are not in the cache.

    Args:
        cases: The cases whose images are wanted.
        place: From `image_place`. A folder's files are named `{image_id}.*` or `IC{YYYYMMDD}.*`;
            for cases that have none there, the journal's images are taken.
        fetch: Whether to fetch at all.
        verify: Whether to read and decode cached files even if they seem unchanged.

    Raises:
        NejmInspectError: If a dataset cannot be used or the cache cannot be written to.
    """
    found: dict[CaseId, Found] = dict.fromkeys(case.id for case in cases)
    if isinstance(place, str):
        found |= _images_of_hub(place, list(found), fetch, verify)
    else:
        found |= _own_images(cases, place) if place else {}
        absent = [case for case in cases if found[case.id] is None]
        stems = {case.id: cache_folder() / "images" / _journal_name(case) for case in absent}
        dates = {case.id: f"{case.date:%Y%m%d}" for case in absent}
        found |= _kept_images(stems, verify, lambda ids: _download(ids, dates, stems), fetch)
    return CaseImages(
        {id: (image,) for id, image in found.items() if isinstance(image, CaseImage)},
        {
            id: image or "its file is not in the cache"
            for id, image in found.items()
            if not isinstance(image, CaseImage)
        },
    )


def _journal_name(case: Case) -> str:
    """The journal's name of a case's image, and that of its file without the ending."""
    return f"IC{case.date:%Y%m%d}"


def _own_images(cases: Iterable[Case], folder: Path) -> dict[CaseId, Found]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ENDINGS:
            files.setdefault(path.stem, path)
    names = {case.id: (str(case.id), _journal_name(case)) for case in cases}
    own = {id: files[n] for id, pair in names.items() for n in reversed(pair) if n in files}
    return _each(checked_image, own)


def _each(
    check: Callable[[Path], CaseImage | None], paths: Mapping[CaseId, Path]
) -> dict[CaseId, Found]:
    def image_or_reason(path: Path) -> Found:
        try:
            return check(path)
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
        return dict(zip(paths, pool.map(image_or_reason, paths.values()), strict=True))


def _kept_images(
    stems: Mapping[CaseId, Path], verify: bool, fetch_absent: Fetch, fetch: bool
) -> dict[CaseId, Found]:
    """The images that the cache has under the given paths, those to be fetched included."""
    found = _each(lambda stem: kept_image(stem, verify=verify), stems)
    absent = [id for id, image in found.items() if not isinstance(image, CaseImage)]
    if not (fetch and absent):
        return found
    for id in absent:
        if found[id]:
            click.echo(f"{found[id]}. It is fetched again.", err=True)
    tell_rights_once()
    failed = fetch_absent(absent)
    fetched = {id: stems[id] for id in absent if id not in failed}
    found |= failed
    return found | _each(lambda stem: kept_image(stem, fetched=True), fetched)


def _download(
    ids: Iterable[CaseId], dates: Mapping[CaseId, str], stems: Mapping[CaseId, Path]
) -> dict[CaseId, str]:
    from nejm_inspect.cases.image_downloads import download_images

    template = os.environ.get("NEJM_INSPECT_IMAGES_URL", IMAGES_URL)
    if "{date}" not in template:
        raise NejmInspectError(
            f"NEJM_INSPECT_IMAGES_URL={template} must contain {{date}}, which stands "
            "for the date of a case."
        )
    urls = {id: template.replace("{date}", dates[id]) for id in ids}
    with new_client() as client:
        return download_images(client, urls, stems.__getitem__)


def _images_of_hub(
    place: str, ids: Sequence[CaseId], fetch: bool, verify: bool
) -> dict[CaseId, Found]:
    try:
        table = None if _PINNED.fullmatch(place) else open_table(place)
        name = table.name if table else place  # with the commit, either way
        folder = cache_folder() / "hub" / re.sub("[:/]", "--", name)
        stems = {id: folder / str(id) for id in ids}

        def unpack(absent: Sequence[CaseId]) -> dict[CaseId, str]:
            return _unpack(table or open_table(place), {id: stems[id] for id in absent})

        found = _kept_images(stems, verify, unpack, fetch)
    except NejmInspectError as error:
        raise NejmInspectError(error.message.replace("cases=", "images=")) from error
    return {
        id: replace(image, dataset=name) if isinstance(image, CaseImage) else image
        for id, image in found.items()
    }


def _unpack(table: Table, stems: Mapping[CaseId, Path]) -> dict[CaseId, str]:
    """Writes images of a dataset into the cache, each as soon as it is read."""
    from nejm_inspect.cases.images import image_suffix

    if not {"image_id", "image"} <= set(table.columns):
        raise NejmInspectError(
            f"{table.where}: it must have the columns image_id and image. Its columns are "
            f"{', '.join(table.columns)}."
        )
    uses = Counter(str(row["image_id"]) for row in table.rows(["image_id"]))
    if twice := [id for id, count in uses.items() if count > 1]:
        raise NejmInspectError(f"{table.where}: image_id {twice[0]} is used twice.")
    failed = dict.fromkeys(stems, f"{table.name} has no such image_id")
    wanted = {str(id): id for id in stems}
    rows = table.rows(["image_id", "image"])
    for row in with_progress(rows, uses.total(), "Unpacking images"):
        id = wanted.get(str(row["image_id"]))
        if id is None:
            continue
        try:
            data = _stored_bytes(table, row["image"])
            write_atomically(stems[id].with_name(f"{id}{image_suffix(data)}"), data)
            del failed[id]
        except (ImageError, OSError) as error:
            failed[id] = f"{table.name}: {error}"
    return failed


def _stored_bytes(table: Table, cell: object) -> bytes:
    match cell:
        case bytes(data) | {"bytes": bytes(data)}:
            return data
        case {"path": str(path)} if table.downloads:
            file = Path(os.path.realpath(path))
            if file.is_relative_to(os.path.realpath(table.downloads)):
                return file.read_bytes()
    raise ImageError("its row does not hold an image")

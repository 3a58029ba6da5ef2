"""Images of NEJM cases: the journal's, the user's own, or those of a dataset of the Hub."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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
"""An image, or why it cannot be used, or None if it is not here."""
Stems = Mapping[CaseId, Path]
"""For each case, the path of its image in the cache without the ending."""


def image_place(images: str | None) -> Place:
    """Reads the parameter `images`.

    Raises:
        NejmInspectError: If it is not `journal`, a folder or `hf:…`.
    """
    if not images or images == "journal":
        return None
    folder = user_path(images)
    if not images.startswith("hf:") and not os.path.isdir(folder):
        raise NejmInspectError(
            f"images={images}: Input should be 'journal', a folder of image files, or a dataset "
            f"such as {HUB_EXAMPLE}; {folder} is not a folder."
        )
    return images if images.startswith("hf:") else folder


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
    dataset = None
    if isinstance(place, str):
        dataset, stems, fetch_absent = _in_dataset(place, found)
    else:
        if place:
            found |= _own_images(cases, place)
        absent = [case for case in cases if found[case.id] is None]
        stems = {case.id: cache_folder() / "images" / _journal_name(case) for case in absent}
        fetch_absent = _download
    found |= _kept_images(stems, fetch_absent if fetch else None, verify)
    return CaseImages(
        {id: (image,) for id, image in found.items() if isinstance(image, CaseImage)},
        {
            id: image or "its file is not in the cache"
            for id, image in found.items()
            if not isinstance(image, CaseImage)
        },
        dataset,
    )


def _journal_name(case: Case) -> str:
    """The journal's name of a case's image, and that of its file without the ending."""
    return f"IC{case.date:%Y%m%d}"


def _own_images(cases: Iterable[Case], folder: Path) -> dict[CaseId, Found]:
    files = {
        p.stem: p for p in sorted(folder.iterdir(), reverse=True) if p.suffix.lower() in ENDINGS
    }
    names = [(case.id, name) for case in cases for name in (_journal_name(case), str(case.id))]
    return _each(checked_image, {id: files[name] for id, name in names if name in files})


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
    stems: Stems, fetch: Callable[[Stems], Mapping[CaseId, str]] | None, verify: bool
) -> dict[CaseId, Found]:
    """The images in the cache, after those that are absent or damaged have been fetched.

    Args:
        stems: Where they are.
        fetch: Puts images there; returns the reason for each that failed.
        verify: As for `find_images`.
    """
    found = _each(lambda stem: kept_image(stem, verify=verify), stems)
    absent = {id: stems[id] for id, image in found.items() if not isinstance(image, CaseImage)}
    if fetch and absent:
        for problem in filter(None, map(found.get, absent)):
            click.echo(f"{problem}. It is fetched again.", err=True)
        tell_rights_once()
        failed = fetch(absent)
        fetched = {id: stem for id, stem in absent.items() if id not in failed}
        found |= _each(lambda stem: kept_image(stem, fetched=True), fetched)
        found.update(failed)
    return found


def _download(stems: Stems) -> Mapping[CaseId, str]:
    from nejm_inspect.cases.image_downloads import download_images

    template = os.environ.get("NEJM_INSPECT_IMAGES_URL", IMAGES_URL)
    if "{date}" not in template:
        raise NejmInspectError(
            f"NEJM_INSPECT_IMAGES_URL={template} must contain {{date}}, which stands "
            "for the date of a case."
        )
    dates = {id: stem.name.removeprefix("IC") for id, stem in stems.items()}
    with new_client() as client:
        urls = {id: template.replace("{date}", date) for id, date in dates.items()}
        return download_images(client, urls, stems.__getitem__)


def _in_dataset(
    place: str, ids: Iterable[CaseId]
) -> tuple[str, Stems, Callable[[Stems], Mapping[CaseId, str]]]:
    """The name of a dataset of the Hub with its commit, and where and how its images are kept."""
    # A pinned one is not opened if everything is in the cache.
    table = None if _PINNED.fullmatch(place) else _open_dataset(place)
    name = table.name if table else place
    folder = cache_folder() / "hub" / re.sub("[:/]", "--", name)
    stems = {id: folder / str(id) for id in ids}
    return name, stems, lambda absent: _unpack(table or _open_dataset(place), absent)


def _open_dataset(place: str) -> Table:
    try:
        table = open_table(place)
    except NejmInspectError as error:
        raise NejmInspectError(error.message.replace("cases=", "images=")) from error
    if not {"image_id", "image"} <= set(table.columns):
        raise NejmInspectError(
            f"images={place}: a dataset must have the columns image_id and image. This one has "
            f"{', '.join(table.columns)}."
        )
    return table


def _unpack(table: Table, stems: Stems) -> Mapping[CaseId, str]:
    """Writes images of a dataset into the cache; returns the reasons for those that it lacks."""
    from nejm_inspect.cases.images import image_suffix

    uses = Counter(str(row["image_id"]) for row in table.rows(["image_id"]))
    if twice := [id for id, count in uses.items() if count > 1]:
        raise NejmInspectError(f"{table.name}: image_id {twice[0]} is used twice.")
    failed = dict.fromkeys(stems, f"{table.name} has no row with its image_id")
    wanted = {str(id): id for id in stems}
    rows = table.rows(["image_id", "image"])
    for row in with_progress(rows, uses.total(), "Unpacking images"):
        if (id := wanted.get(str(row["image_id"]))) is not None:
            try:
                data = _stored_bytes(table, row["image"])
                path = stems[id].with_name(f"{id}{image_suffix(data)}")
            except (ImageError, OSError) as error:
                failed[id] = f"{table.name}: {error}"
            else:
                write_atomically(path, data)
                del failed[id]
    return failed


def _stored_bytes(table: Table, cell: object) -> bytes:
    match cell:
        case bytes(data) | {"bytes": bytes(data)}:
            return data
        case {"path": str(place)} if table.downloads:  # a file of a dataset that is a folder
            path = Path(os.path.realpath(place))
            if path.is_relative_to(os.path.realpath(table.downloads)):
                return path.read_bytes()
    raise ImageError("the row does not hold an image")

"""The user's own cases as a source, and the demo cases, which are such a file."""

import functools
import hashlib
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nejm_inspect.cases.cache import cache_folder, write_once
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.records import Embedded, ImagePlace, Record, read_records, stored_images
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.source import (
    IMAGES_AT_ONCE,
    CaseId,
    CaseImage,
    CaseImages,
    CaseSource,
    user_image,
)
from nejm_inspect.cases.tables import Table, open_table
from nejm_inspect.cases.web_images import fetch_web_images

DEMO_FILE = Path(__file__).parent / "demo" / "cases.json"


def own_source(cases: str, columns: Mapping[str, str]) -> CaseSource:
    """The cases of a file, a folder or a dataset.

    Args:
        cases: Where they are; see `open_table`.
        columns: For fields whose column has another name, that name.

    Raises:
        NejmInspectError: If they cannot be read or a row is malformed.
    """
    table = open_table(cases)
    records = {record.case.id: record for record in read_records(table, columns)}
    return CaseSource(
        table.name,
        [record.case for record in records.values()],
        functools.partial(_images, table, records),
    )


def _images(table: Table, records: Mapping[CaseId, Record], wanted: Sequence[Case]) -> CaseImages:
    chosen = [records[case.id] for case in wanted]
    places = {place for record in chosen for place in record.images}
    files: dict[ImagePlace, Path | str] = {p: p for p in places if isinstance(p, Path)}
    files.update(fetch_web_images(p for p in places if isinstance(p, str)))
    files |= _unpack(table, {p for p in places if isinstance(p, Embedded)})
    with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
        images = dict(zip(files, pool.map(_prepared, files.values()), strict=True))
    found, missing = {}, {}
    for record in chosen:
        own = [images[place] for place in record.images]
        usable = [image for image in own if isinstance(image, CaseImage)]
        reasons = [image for image in own if isinstance(image, str)]
        if reasons:
            missing[record.case.id] = f"row {record.row}: {'; '.join(reasons)}"
        else:
            found[record.case.id] = usable
    return CaseImages(found, missing)


def _prepared(file: Path | str) -> CaseImage | str:
    """The image, or why there is none."""
    if isinstance(file, str):
        return file
    try:
        return user_image(file)
    except ImageError as error:
        return str(error)


def _unpack(table: Table, wanted: Collection[Embedded]) -> dict[ImagePlace, Path | str]:
    """Writes images of the table into the cache, named by a hash of their bytes."""
    rows = {place.row: place.column for place in wanted}
    if not rows:
        return {}
    files: dict[ImagePlace, Path | str] = {}
    (column,) = set(rows.values())
    for number, row in enumerate(table.rows([column]), start=1):
        if number in rows:
            for position, image in enumerate(stored_images(row[column])):
                place = Embedded(column, number, position)
                if place in wanted:
                    files[place] = _kept(image)
    return files


def _kept(data: bytes) -> Path | str:
    from nejm_inspect.cases.images import image_suffix

    name = hashlib.sha256(data).hexdigest()[:32]
    try:
        path = cache_folder() / "embedded" / f"{name}{image_suffix(data)}"
    except ImageError as error:
        return f"image in the table: {error}"
    write_once(path, data)
    return path

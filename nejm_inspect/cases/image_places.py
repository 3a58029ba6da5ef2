"""Where the images of the user's own cases are: files, https URLs, or the table itself."""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from nejm_inspect.cases.cache import cache_folder, write_once
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.web_images import check_url


def from_json(cell: Any) -> Any:
    """A list that a cell of text holds as JSON; any other cell as it is."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell


def stored_images(cell: Any) -> list[Any]:
    """What a cell with an image or a list of images holds, one by one: bytes or a place.

    Raises:
        ValueError: If the list is empty.
    """
    value = from_json(cell)
    if value == []:
        raise ValueError("Input should hold an image")
    return [
        (v["path"] if v["bytes"] is None else v["bytes"])
        if isinstance(v, dict) and v.keys() == {"bytes", "path"}
        else v
        for v in (value if isinstance(value, list | tuple) else [value])
    ]


def _as_image_place(value: object, info: ValidationInfo) -> Path | str:
    """A file, after what is in the table has been kept in the cache; or an https URL.

    The validation context is the `Table`, whose folder no path leaves: a table may come from
    anybody.
    """
    if isinstance(value, bytes):
        return _kept(value)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("Input should be a path, an https URL or bytes")
    if "://" in value or value.startswith("data:"):
        check_url(value)
        return value
    folder = info.context.folder if info.context else None
    if folder is None:
        raise ValueError(
            "is a path, but no files lie beside these rows. A dataset at a URL must hold the "
            "images or their https URLs"
        )
    # Unlike Path.resolve, which raises errors for links that lead in a circle.
    path = Path(folder, value)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"the path leaves the folder {folder}")
    return path


ImagePlace = Annotated[Path | str, BeforeValidator(_as_image_place)]


def _kept(data: bytes) -> Path:
    """The image as a file of the cache, named by a hash of its bytes."""
    from nejm_inspect.cases.images import check_image  # imports Pillow and numpy

    try:
        suffix = check_image(data)
    except ImageError:  # said when the image is asked for, as of any broken file
        suffix = ""
    path = cache_folder() / "embedded" / f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"
    write_once(path, data)
    return path

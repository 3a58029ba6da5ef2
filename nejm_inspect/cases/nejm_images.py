"""Images of NEJM cases: the user's own, those in the cache, then the journal's."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from PIL import Image

from nejm_inspect.cases.cache import cache_folder, tell_rights_once
from nejm_inspect.cases.download import download_images, new_client
from nejm_inspect.cases.image_bytes import ImageError
from nejm_inspect.cases.images import READ_FORMATS, CaseImage
from nejm_inspect.cases.schema import Case, CaseId
from nejm_inspect.cases.source import IMAGES_AT_ONCE, CaseImages, user_image
from nejm_inspect.errors import NejmInspectError, masked

IMAGES_URL = "https://csvc.nejm.org/ContentServer/images?id=IC{date}"


def fetch_images(cases: Sequence[Case], image_dir: Path | None) -> CaseImages:
    """Gets the images of cases: the user's own, the cached, then the journal's.

    Args:
        cases: The cases whose images are wanted.
        image_dir: A folder of files named `{image_id}.*` or `IC{YYYYMMDD}.*`.

    Raises:
        NejmInspectError: If the cache cannot be written to.
    """
    found = _local_images(cases, image_dir)
    absent = [case for case in cases if found[case.id] is None]
    failed = _download_absent(absent)
    found |= failed | _local_images([case for case in absent if case.id not in failed], image_dir)
    return _case_images(found)


def local_images(cases: Sequence[Case], image_dir: Path | None) -> CaseImages:
    """Finds the images that `fetch_images` would not download.

    Args:
        cases: The cases whose images are wanted.
        image_dir: As for `fetch_images`.
    """
    return _case_images(_local_images(cases, image_dir))


def _case_images(images: Mapping[CaseId, CaseImage | str | None]) -> CaseImages:
    return CaseImages(
        {k: (image,) for k, image in images.items() if isinstance(image, CaseImage)},
        {
            k: image or "its file is not in the cache"
            for k, image in images.items()
            if not isinstance(image, CaseImage)
        },
    )


def _local_images(
    cases: Sequence[Case], image_dir: Path | None
) -> dict[CaseId, CaseImage | str | None]:
    """For each case, the user's own image, or why it is none; else the cached one."""
    own = _image_files(image_dir) if image_dir else {}
    cached = _image_files(_images_folder())

    def local(case: Case) -> CaseImage | str | None:
        for name in (str(case.id), _image_name(case)):
            if name in own:
                try:
                    return user_image(own[name][0])
                except ImageError as error:
                    return str(error)
        for path in cached.get(_image_name(case), ()):
            # A damaged file, as a crash may leave, is as good as none: fetched anew.
            with suppress(ImageError):
                return user_image(path)
        return None

    with ThreadPoolExecutor(IMAGES_AT_ONCE) as pool:
        return dict(zip((c.id for c in cases), pool.map(local, cases), strict=True))


def _images_folder() -> Path:
    return cache_folder() / "images"


def _image_name(case: Case) -> str:
    """The journal's name of a case's image, and that of its file without the ending."""
    return f"IC{case.date:%Y%m%d}"


def _image_files(folder: Path) -> dict[str, list[Path]]:
    """The image files of a folder by their names without the ending."""
    Image.init()
    endings = {e for e, format in Image.EXTENSION.items() if format in READ_FORMATS}
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in endings:
            files.setdefault(path.stem, []).append(path)
    return files


def _download_absent(cases: Sequence[Case]) -> dict[CaseId, str]:
    """Downloads the images of cases into the cache; gives the reasons for failures."""
    if not cases:
        return {}
    template = os.environ.get("NEJM_INSPECT_IMAGES_URL", IMAGES_URL)
    if "{date}" not in template:
        raise NejmInspectError(
            f"NEJM_INSPECT_IMAGES_URL={masked(template)} must contain {{date}}, which stands "
            "for the date of a case."
        )
    tell_rights_once()
    names = {case.id: _image_name(case) for case in cases}
    urls = {c.id: template.replace("{date}", f"{c.date:%Y%m%d}") for c in cases}
    with new_client() as client:
        return download_images(client, urls, lambda id: _images_folder() / names[id])

"""The NEJM source: the pinned case list."""

import hashlib
import json
import os

from nejm_inspect.cases.cache import cache_folder, tell_rights_once, write_atomically
from nejm_inspect.cases.download import DownloadError, describe_body, download, new_client
from nejm_inspect.cases.nejm_images import HUB_EXAMPLE, find_images, own_folder
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.source import CaseSource
from nejm_inspect.errors import NejmInspectError, masked

CASES_URL = (
    "https://raw.githubusercontent.com/cx0/nejm-image-challenge/"
    "1c4c37388a0a644c601ac95f93b3ded892d8822a/image_challenge_dataset_20231223.json"
)
CASES_BYTES = 707_258
CASES_SHA256 = "fa8a5b46c349196370400997f8ac98ddf2cea0fdcabce36067e0818d3a416de5"


def nejm_source(images: str = "journal") -> CaseSource:
    """Reads the 947 cases of the NEJM Image Challenge from 2005 to 2023.

    The case list is downloaded on first use, images when they are needed. The cache keeps both.

    Args:
        images: Where images come from: `journal`; a folder of files named `{image_id}.*` or
            `IC{YYYYMMDD}.*`, with the journal's images for other cases; or a dataset of the Hub,
            `hf:owner/name[@revision]`, with the columns `image_id` and `image`.

    Raises:
        NejmInspectError: If the case list cannot be downloaded, or `images` names another place.
    """
    own_folder(images)  # refuses what is not a place
    cases = [Case.model_validate(record) for record in json.loads(_case_list())]
    return CaseSource(
        "nejm",
        cases,
        lambda wanted: find_images(wanted, images),
        f"take them from a dataset of the Hub with images={HUB_EXAMPLE}; give your own files with "
        "images=FOLDER (named ID.* or ICYYYYMMDD.*); ",
    )


def _case_list() -> bytes:
    cached = cache_folder() / "image_challenge_dataset_20231223.json"
    if cached.is_file():
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == CASES_SHA256:
            return data
    tell_rights_once()
    url = os.environ.get("NEJM_INSPECT_CASES_URL", CASES_URL)
    try:
        with new_client() as client:
            data = download(client, url, _checked_case_list)
    except DownloadError as error:
        raise NejmInspectError(
            f"The case list could not be downloaded from {masked(url)}: {error}. Try again later, "
            f"set NEJM_INSPECT_CASES_URL to a mirror of the same file, or save it as {cached}."
        ) from error
    write_atomically(cached, data)
    return data


def _checked_case_list(data: bytes) -> bytes:
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != CASES_SHA256:
        raise DownloadError(
            f"what came is not the pinned file of {CASES_BYTES:,} bytes (sha256 "
            f"{CASES_SHA256[:12]}…) but {describe_body(data)} (sha256 {sha256[:12]}…)"
        )
    return data

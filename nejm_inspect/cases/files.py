"""Cases from a file of the user's own, and the demo cases, which are such a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nejm_inspect.cases.images import ImageError
from nejm_inspect.cases.schema import Case, question_type
from nejm_inspect.cases.source import CaseImages, CaseSource, user_image
from nejm_inspect.errors import NejmInspectError, describe_validation

DEMO_FILE = Path(__file__).parent / "demo" / "cases.json"


def file_source(file: Path, name: str) -> CaseSource:
    """The cases of a JSON file: a list of objects with images beside it.

    The fields of an object are those of `Case` (`id`, `history` and `reference` at
    least; dates as ISO dates, `reader_votes` as fractions) and `image`, a path
    relative to the file.

    Args:
        file: The file.
        name: What the source is called in logs.

    Raises:
        NejmInspectError: If the file cannot be read or a record is malformed; names
            the record, the field and the value.
    """
    try:
        records = json.loads(file.read_bytes())
    except OSError as error:
        raise NejmInspectError(f"cases={file}: {error.strerror}") from error
    except ValueError as error:
        raise NejmInspectError(f"cases={file} is not JSON: {error}") from error
    if not isinstance(records, list) or not records:
        raise NejmInspectError(f"cases={file} must hold a JSON list of cases.")
    parsed = [_parse_record(file, n, r) for n, r in enumerate(records, start=1)]
    cases = [case for case, _ in parsed]
    paths = {case.id: path for case, path in parsed}
    if len(paths) < len(cases):
        ids = [case.id for case in cases]
        twice = sorted({str(i) for i in ids if ids.count(i) > 1})
        raise NejmInspectError(f"cases={file}: ids used twice: {', '.join(twice)}")

    def images(wanted: Sequence[Case]) -> CaseImages:
        found, missing = {}, {}
        for case in wanted:
            try:
                found[case.id] = user_image(paths[case.id])
            except ImageError as error:
                missing[case.id] = str(error)
        return CaseImages(found, missing)

    return CaseSource(name, cases, images)


def _parse_record(file: Path, position: int, record: Any) -> tuple[Case, Path]:
    where = f"cases={file}, record {position}"
    if not isinstance(record, dict):
        raise NejmInspectError(f"{where}: must be an object, not {record!r:.80}")
    fields = {"question_type": question_type(str(record.get("history"))), **record}
    image = fields.pop("image", None)
    if not isinstance(image, str) or "\0" in image:
        raise NejmInspectError(f"{where}: image={image!r} must be a path")
    folder = file.parent.resolve()
    path = (folder / image).resolve()
    if not path.is_relative_to(folder):
        raise NejmInspectError(f"{where}: image={image!r} leaves the file's folder")
    try:
        return Case.model_validate(fields), path
    except ValidationError as error:
        raise NejmInspectError(f"{where}: {describe_validation(error)}") from error

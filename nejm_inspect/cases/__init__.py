"""The cases: what a case is, where cases come from, and which cases a run takes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nejm_inspect.cases.nejm import nejm_source
from nejm_inspect.cases.own import own_source
from nejm_inspect.cases.source import CaseSource
from nejm_inspect.errors import NejmInspectError, masked

DEMO_FILE = Path(__file__).parent / "demo" / "cases.json"


def open_source(
    cases: str, images: str | None = None, columns: Mapping[str, str] | None = None
) -> CaseSource:
    """Opens the source of cases that the parameter `cases` names.

    Args:
        cases: `nejm`, `demo`, or the place of the user's own cases: the path of a JSON, JSONL, CSV
            or Parquet file, or of an image folder with metadata; the path or URL of a folder saved
            by `datasets`; `hf:owner/name@revision`, a dataset of the Hugging Face Hub. `:split` at
            the end chooses among several splits.
        images: Where images of NEJM cases come from; see `nejm_source`.
        columns: For fields of the user's own cases whose column has another name, that name.

    Raises:
        NejmInspectError: If there is no such source or it cannot be read.
    """
    if columns and cases in ("nejm", "demo"):
        raise NejmInspectError(f"columns are for your own cases, not for cases={cases}.")
    if cases == "nejm":
        return nejm_source(images or "journal")
    if images not in (None, "journal"):
        raise NejmInspectError(
            f"images={masked(images)} is for cases=nejm; the column image of cases={masked(cases)} "
            "names its own."
        )
    if cases == "demo":
        return replace(own_source(str(DEMO_FILE), {}), name="demo")
    return own_source(cases, columns or {})

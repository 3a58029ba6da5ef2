"""The user's own tables: files, folders and datasets.

Parquet and datasets are read by `datasets`; JSON and CSV by Inspect's readers, which guess no
types: "007" and "2020-01-02" stay text.
"""

import csv
import glob
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.errors import NejmInspectError, masked
from nejm_inspect.text import one_line, unique_keys

METADATA_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""The names that `datasets` gives to the table of an image folder."""
ROWS_AT_ONCE = 16  # few, since each may hold images

_SPLIT = re.compile(r"(?P<place>.+):(?P<split>\w[\w.-]*)")
_HUB_ID = re.compile(r"hf:(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[^:@\s]+))?(:(?P<split>[\w.-]+))?")
_BLANK: dict[str, Any] = {}
_NO_FOLDER = re.compile(r"(https?|zip|tar):|.*::", re.IGNORECASE)
"""URLs that fsspec opens, but that are not folders to `datasets`."""


@dataclass(frozen=True)
class Table:
    """Rows with named columns, not yet validated."""

    name: str
    """The name of the source in logs; with the commit of a dataset of the Hub."""
    columns: Sequence[str]
    read: Callable[[Sequence[str]], Iterator[dict[str, Any]]]
    folder: Path | None = None
    """The folder that no path of an image may leave; None if no files lie beside the rows."""
    where: str = ""
    """The start of messages about it."""

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Reads these columns of all rows: images as stored, classes by name.

        Raises:
            NejmInspectError: If the rows cannot be read.
        """
        with readable(self.where):
            yield from self.read(columns)


def open_table(cases: str) -> Table:
    """Opens the table that the parameter `cases` names (see `open_source`).

    Raises:
        NejmInspectError: If there is no such table or it cannot be read.
    """
    where = f"cases={masked(cases)}"
    with readable(where):
        return replace(_opened(cases), where=where)


def user_path(path: str) -> Path:
    """Returns the absolute path; Inspect builds a task in the folder of the task's file."""
    return Path(os.path.expanduser(path)).absolute()


def _opened(cases: str) -> Table:
    if cases.startswith("hf:"):
        return _hub_table(cases)
    whole = "://" not in cases and os.path.exists(user_path(cases))
    match = None if whole else _SPLIT.fullmatch(cases)
    place, split = (match["place"], match["split"]) if match else (cases, None)
    if "://" in cases:
        return _saved_table(place, split)
    path = user_path(place)
    if cases and os.path.isdir(path):
        return _folder_table(path, split)
    if os.path.isfile(path) and split is None:
        return _file_table(path)
    raise ValueError(
        "Input should be 'nejm', 'demo', the path of a JSON, JSONL, CSV or Parquet file or of a "
        "folder (with metadata, or saved by datasets), the URL of such a saved folder, or "
        f"hf:owner/name; none of these is at {user_path(cases)}"
    )


def _file_table(file: Path) -> Table:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        from datasets import IterableDataset

        # Streamed, since it may hold many images. With an id of its own for each file, datasets
        # would report each.
        data = IterableDataset.from_parquet(
            glob.escape(str(file)), config_id="default", batch_size=ROWS_AT_ONCE
        )
        return _data_table(file.name, data, file.parent)
    readers = {".csv": _csv_rows, ".json": json_rows, ".jsonl": json_rows}
    if suffix not in readers:
        raise ValueError(f"its name should end in one of {', '.join((*readers, '.parquet'))}")
    try:
        rows = readers[suffix](file)
    except UnicodeDecodeError as error:
        raise ValueError(f"save it as UTF-8 ({error})") from error
    if not rows:
        raise ValueError("it has no rows")

    def read(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        return ({column: row.get(column) for column in columns} for row in rows)

    return Table(file.name, list(dict.fromkeys(c for row in rows for c in row)), read, file.parent)


def _csv_rows(file: Path) -> list[dict[str, Any]]:
    from inspect_ai.dataset import csv_dataset

    with open(file, encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        names = next(reader, [])
        # Inspect's reader would take rows after a quote that is not closed for a part of a value.
        for _ in reader:
            pass
    if len(names) == 1 and (other := re.search("[;\t]", names[0])):
        raise ValueError(f"save it with commas between values, not {other[0]!r}")
    if len(set(names)) < len(names):
        twice = dict.fromkeys(repr(name) for name in names if names.count(name) > 1)
        raise ValueError(f"two columns have one name: {', '.join(twice)}")
    return _kept_rows(csv_dataset, file)


def json_rows(file: Path) -> list[dict[str, Any]]:
    """Reads a list of objects, or one object a line from a file named .jsonl."""
    from inspect_ai.dataset import json_dataset

    options: dict[str, Any] = {"object_pairs_hook": unique_keys}
    if file.suffix.lower() == ".jsonl":
        options = {"loads": _line_of_json}
    try:
        return _kept_rows(json_dataset, file, encoding="utf-8-sig", **options)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"it should hold a list of objects, or be named .jsonl and hold one a line. {error}"
        ) from error


def _line_of_json(line: str) -> Any:
    return json.loads(line, object_pairs_hook=unique_keys) if line.strip() else _BLANK


def _kept_rows(read: Callable[..., Any], file: Path, **options: Any) -> list[dict[str, Any]]:
    """Returns the rows that one of Inspect's readers reads, without making samples of them."""
    rows: list[dict[str, Any]] = []

    def keep(row: Any) -> list[Any]:
        if not isinstance(row, dict):
            raise ValueError(f"every row must be an object, but row {len(rows) + 1} is not")
        if row is not _BLANK:
            rows.append(row)
        return []

    read(str(file), keep, **options)
    return rows


def _data_table(name: str, data: Any, folder: Path | None = None) -> Table:
    """Returns the table of a `Dataset` or `IterableDataset`."""

    def read(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        from datasets import ClassLabel

        # In Arrow's format, images stay encoded, and a class is its number.
        rows = data.select_columns(list(columns)).with_format("arrow")
        classes = {c: f for c in columns if isinstance(f := data.features[c], ClassLabel)}
        for batch in rows.iter(ROWS_AT_ONCE):
            for row in batch.to_pylist():
                for column, feature in classes.items():
                    if row[column] is not None:
                        row[column] = feature.int2str(row[column])
                yield row

    return Table(name, list(data.features), read, folder)


def _folder_table(folder: Path, split: str | None) -> Table:
    if any((folder / f).is_file() for f in ("state.json", "dataset_dict.json")):
        return replace(_saved_table(str(folder), split), folder=folder)
    files = [f for f in METADATA_FILES if (folder / f).is_file()]
    if len(files) == 1 and split is None:
        return replace(_file_table(folder / files[0]), name=folder.name)
    if len(files) > 1:
        raise ValueError(f"it holds {' and '.join(files)}. Keep one of them")
    splits = {f.parent.name: f.parent for n in METADATA_FILES for f in folder.glob(f"*/{n}")}
    if splits and not files:
        return _folder_table(_chosen(splits, split), None)
    raise ValueError(
        f"a folder must hold one of {', '.join(METADATA_FILES)}, or be saved by datasets "
        "(save_to_disk). If it holds a file of cases, give the file's own path"
    )


def _saved_table(place: str, split: str | None) -> Table:
    if _NO_FOLDER.match(place):
        raise ValueError(
            "saved folders are read from buckets (s3://…, gs://…) and disks, not from web servers "
            "or archives. Download it first"
        )
    from datasets import load_from_disk

    loaded = load_from_disk(place)
    splits = loaded if isinstance(loaded, Mapping) else {str(loaded.split or "train"): loaded}
    name = masked(place) if "://" in place else Path(place).name
    return _split_table(name, splits, split)


def _hub_table(cases: str) -> Table:
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    match = _HUB_ID.fullmatch(cases)
    if not match:
        raise ValueError(
            "a dataset of the Hub is given as hf:owner/name, hf:owner/name:split, "
            "hf:owner/name@revision or hf:owner/name@revision:split"
        )
    id, revision, split = match["id"], match["revision"], match["split"]
    try:
        builder = load_dataset_builder(
            f"hf://datasets/{id}", revision=revision, cache_dir=str(cache_folder() / "datasets")
        )
        if revision and len(revision) == 40 and builder.hash != revision:
            # If the Hub cannot be reached, datasets takes any version that it has.
            raise ConnectionError(f"the Hub cannot be reached for {revision}")
        builder.download_and_prepare()
    except DatasetNotFoundError as error:
        hint = "For a private or gated dataset, log in (hf auth login) or set HF_TOKEN"
        raise ValueError(f"{_said(error)}. {hint}") from error
    except DatasetGenerationError as error:  # its message gives no reason, but its cause does
        raise error.__cause__ or error from None
    folder = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=id, repo_type="dataset")
    return _split_table(f"hf:{id}@{builder.hash}", builder.as_dataset(), split, folder)


def _split_table(
    name: str, splits: Mapping[str, Any], split: str | None, folder: Path | None = None
) -> Table:
    return _data_table(f"{name}:{split}" if split else name, _chosen(splits, split), folder)


def _chosen(splits: Mapping[str, Any], split: str | None) -> Any:
    """Returns the split that is asked for, or the only one."""
    if split is None and len(splits) == 1:
        (split,) = splits
    if split in splits:
        return splits[str(split)]
    names = ", ".join(sorted(repr(str(name)) for name in splits))
    raise ValueError(
        f"its splits are {names}. Choose one by its name at the end, as in cases=…:NAME"
    )


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turns every error of reading into one whose message starts with the place."""
    try:
        yield
    except NejmInspectError:
        raise
    # Every parser, file system and server behind datasets has errors of its own.
    except Exception as error:
        raise NejmInspectError(f"{where} cannot be read: {_said(error)}.") from error


def _said(error: BaseException) -> str:
    return one_line(masked(str(error)), 1_000).rstrip(".") or type(error).__name__

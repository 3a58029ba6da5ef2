"""Tables of the user's own: files, folders and datasets.

Parquet and datasets are read by `datasets`. JSON and CSV are not: it guesses a type for
each column, and changes what does not fit (the id "007" becomes 7 beside a 1, and
"2020-01-02" a point in time).
"""

import csv
import glob
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.cases.source import printable
from nejm_inspect.errors import NejmInspectError

TEXT_FILES = (".json", ".jsonl", ".csv")
FILES = (*TEXT_FILES, ".parquet")
METADATA_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""What `datasets` calls the table of an image folder."""
ROWS_AT_ONCE = 16
"""Few, since each may hold images."""

_SPLIT = re.compile(r"(?P<place>.+):(?P<split>\w[\w.-]*)")
_HUB_ID = re.compile(r"hf:(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[^:@\s]+))?(:(?P<split>[\w.-]+))?")
_NO_FOLDER = re.compile(r"(https?|zip|tar):|.*::", re.IGNORECASE)
"""URLs that fsspec opens, but under which `datasets` finds no saved folder."""


@dataclass(frozen=True)
class Table:
    """Rows with named columns, not yet looked at."""

    name: str
    """What the source is called in logs: with a dataset's commit, if it has one."""
    where: str
    """How messages begin that are about it."""
    columns: Sequence[str]
    read: Callable[[Sequence[str]], Iterator[dict[str, Any]]]
    """Gives all rows with the columns that are asked for."""
    folder: Path | None = None
    """What paths of images start from; None if no files lie beside the rows."""
    downloads: Path | None = None
    """Where the Hub's files of this dataset are, named by absolute paths if at all."""

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Reads the rows, their images as stored and their classes by name.

        Args:
            columns: Those to be read.

        Raises:
            NejmInspectError: If the rows cannot be read.
        """
        with _readable(self.where):
            yield from self.read(columns)


def open_table(cases: str) -> Table:
    """Opens a table by the name that users give it.

    Args:
        cases: The path of a file or folder or the URL of a folder, with `:split` if it
            has several; or `hf:owner/name@revision:split`, a dataset of the Hub.

    Raises:
        NejmInspectError: If there is no such table or it cannot be read.
    """
    if cases.startswith("hf:"):
        return _hub_table(cases)
    if "://" in cases:
        if _NO_FOLDER.match(cases):
            raise NejmInspectError(
                f"cases={cases}: saved folders are read from buckets (s3://…, gs://…) "
                "and disks, not from web servers or archives. Download it first."
            )
        return _saved_table(cases, *_parted(cases), f"cases={cases}")
    place, split = (cases, None) if os.path.exists(user_path(cases)) else _parted(cases)
    path = user_path(place)
    problem = f"there is none at {path}" if cases else "this is empty"
    if cases and os.path.isdir(path):
        return _folder_table(path, split)
    if os.path.isfile(path):
        if path.suffix.lower() in FILES and split is None:
            return _file_table(path, path.name)
        problem = f"{path} is a file, but its name ends in none of {', '.join(FILES)}"
        if split is not None:
            problem = f"{path} is a file, which has no splits"
    raise NejmInspectError(
        f"cases={cases!r}: Input should be 'nejm', 'demo', the path of a JSON, JSONL, "
        "CSV or Parquet file or of a folder (with metadata, or saved by datasets), the "
        f"URL of such a saved folder, or hf:owner/name; {problem}."
    )


def user_path(path: str) -> Path:
    """The whole path, so that messages show where a relative one led.

    Inspect builds a task in the folder of its file.
    """
    return Path(os.path.expanduser(path)).absolute()


def _parted(cases: str) -> tuple[str, str | None]:
    match = _SPLIT.fullmatch(cases)
    return (match["place"], match["split"]) if match else (cases, None)


def _file_table(file: Path, name: str) -> Table:
    where = f"cases={file}"
    suffix = file.suffix.lower()
    with _readable(where):
        if suffix == ".parquet":
            from datasets import IterableDataset

            # Read row by row: it may be large, with images in it. An id of its own
            # for each file would be announced.
            data = IterableDataset.from_parquet(
                glob.escape(str(file)), config_id="default", batch_size=ROWS_AT_ONCE
            )
            return _data_table(name, where, data, file.parent)
        text = _text(file)
        rows = _csv_rows(text) if suffix == ".csv" else _json_rows(text)
    if not rows:
        raise NejmInspectError(f"{where}: it has no rows.")

    def read(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        return ({column: row.get(column) for column in columns} for row in rows)

    columns = list(dict.fromkeys(column for row in rows for column in row))
    return Table(name, where, columns, read, file.parent)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"save it as UTF-8 ({error})") from error


def _json_rows(text: str) -> list[dict[str, Any]]:
    """Reads a list of objects, or one object a line, whatever the file's ending."""
    if text.lstrip().startswith("["):
        rows: list[Any] = json.loads(text)
    else:
        rows = []
        # Not splitlines: strings may hold other line ends as they are.
        for number, line in enumerate(text.split("\n"), start=1):
            try:
                rows += [json.loads(line)] if line.strip() else []
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"it must hold a list of objects, or one object a line. In line "
                    f"{number}, column {error.colno}: {error.msg}"
                ) from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ValueError(f"every row must be an object, but row {number} is none")
    return rows


def _csv_rows(text: str) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next(reader, [])
    if len(names) == 1 and (other := re.search("[;\t]", names[0])):
        raise ValueError(f"save it with commas between values, not {other[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"two columns have one name: {', '.join(map(repr, names))}")
    rows = []
    for values in filter(None, reader):
        if len(values) > len(names):
            raise ValueError(
                f"line {reader.line_num} has {len(values)} values, but the first line "
                f"{len(names)} names. Put values with a comma between double quotes"
            )
        rows.append(dict(zip(names, values, strict=False)))
    return rows


def _data_table(
    name: str, where: str, data: Any, folder: Path | None = None, downloads: Path | None = None
) -> Table:
    """The table of a `Dataset` or `IterableDataset`."""

    def read(columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        from datasets import ClassLabel

        # As Arrow has them: images are their bytes, not decoded to pixels.
        rows = data.select_columns(list(columns)).with_format("arrow")
        classes = {
            column: data.features[column]
            for column in columns
            if isinstance(data.features[column], ClassLabel)
        }
        for batch in rows.iter(ROWS_AT_ONCE):
            for row in batch.to_pylist():
                for column, feature in classes.items():
                    if row[column] is not None:
                        row[column] = feature.int2str(row[column])
                yield row

    return Table(name, where, list(data.features), read, folder, downloads)


def _folder_table(folder: Path, split: str | None) -> Table:
    name = folder.name if split is None else f"{folder.name}:{split}"
    if any((folder / f).is_file() for f in ("state.json", "dataset_dict.json")):
        return _saved_table(name, str(folder), split, f"cases={folder}", folder)
    files = [f for f in METADATA_FILES if (folder / f).is_file()]
    if len(files) == 1 and split is None:
        return _file_table(folder / files[0], name)
    if len(files) > 1:
        raise NejmInspectError(f"cases={folder}: it holds {' and '.join(files)}. Keep one of them.")
    splits = {f.parent.name: f.parent for n in METADATA_FILES for f in folder.glob(f"*/{n}")}
    if splits and not files:
        return _folder_table(_chosen(splits, split, f"cases={folder}"), None)
    raise NejmInspectError(
        f"cases={folder if split is None else f'{folder}:{split}'}: a folder must hold "
        f"one of {', '.join(METADATA_FILES)}, or be saved by datasets (save_to_disk). "
        "If it holds a file of cases, give the file's own path."
    )


def _saved_table(
    name: str, place: str, split: str | None, where: str, folder: Path | None = None
) -> Table:
    from datasets import load_from_disk

    with _readable(where):
        loaded = load_from_disk(place)
    splits = loaded if isinstance(loaded, Mapping) else {str(loaded.split or "train"): loaded}
    return _data_table(name, where, _chosen(splits, split, where), folder)


def _hub_table(cases: str) -> Table:
    from datasets import load_dataset_builder
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    where = f"cases={cases}"
    match = _HUB_ID.fullmatch(cases)
    if not match:
        raise NejmInspectError(
            f"{where}: a dataset of the Hub is given as hf:owner/name, hf:owner/name:"
            "split, hf:owner/name@revision or hf:owner/name@revision:split."
        )
    revision, split = match["revision"], match["split"]
    with _readable(where):
        try:
            builder = load_dataset_builder(
                f"hf://datasets/{match['id']}",
                revision=revision,
                cache_dir=str(cache_folder() / "datasets"),
            )
            if revision and len(revision) == 40 and builder.hash != revision:
                # Without the Hub, datasets takes any version that it has.
                raise ConnectionError(f"the Hub cannot be reached for {revision}")
            builder.download_and_prepare()
            splits = builder.as_dataset()
        except DatasetNotFoundError as error:
            raise ValueError(
                f"{_said(error)}. For a private or gated dataset, log in (hf auth "
                "login) or set HF_TOKEN"
            ) from error
        except DatasetGenerationError as error:  # which says no more than that
            raise error.__cause__ or error from None
        except ValueError as error:
            if "Config name is missing" not in str(error):
                raise
            raise ValueError(
                "it has several configurations, of which none can be chosen here. Save "
                "one by datasets (save_to_disk), and give that folder"
            ) from error
    data = _chosen(splits, split, where)
    name = f"hf:{match['id']}@{builder.hash}"
    downloads = repo_folder_name(repo_id=match["id"], repo_type="dataset")
    return _data_table(
        name if split is None else f"{name}:{split}",
        where,
        data,
        downloads=Path(HF_HUB_CACHE) / downloads,
    )


def _chosen(splits: Mapping[str, Any], split: str | None, where: str) -> Any:
    """The split that is asked for, or the only one."""
    if split in splits:
        return splits[str(split)]
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    names = ", ".join(sorted(repr(str(name)) for name in splits))
    raise NejmInspectError(
        f"{where}: its splits are {names}. Choose one by its name at the end, as in cases=…:NAME."
    )


@contextmanager
def _readable(where: str) -> Iterator[None]:
    try:
        yield
    except NejmInspectError:
        raise
    # Every parser, file system and server behind datasets has errors of its own.
    except Exception as error:
        raise NejmInspectError(f"{where} cannot be read: {_said(error)}.") from error


def _said(error: BaseException) -> str:
    """What went wrong, on one line."""
    text = " ".join(str(error).split()).rstrip(".")
    return printable(text) or type(error).__name__

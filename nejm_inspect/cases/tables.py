"""Tables of the user's own: files, folders and datasets, all read by `datasets`."""

import glob
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nejm_inspect.cases.cache import cache_folder
from nejm_inspect.errors import NejmInspectError

READERS = {".json": "json", ".jsonl": "json", ".csv": "csv", ".parquet": "parquet"}
METADATA_FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""What `datasets` calls the table of an image folder."""
CSV_OPTIONS = {
    # Cells stay as they are written: an id 007 is no number, and the answer "None" is
    # no missing value. A column beyond the last one is no mistake here.
    "converters": dict.fromkeys(range(1_000), str),
    "keep_default_na": False,
    "na_filter": False,
}
PANDAS_INDEX = "__index_level_0__"
"""The column that pandas makes of a CSV row's first cell if there is one too many."""

_SPLIT = re.compile(r"(?P<place>.+):(?P<split>\w[\w.-]*)")
_HUB_ID = re.compile(
    r"hf:(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[^:@\s]+))?(:(?P<split>[\w.-]+))?"
)


@dataclass(frozen=True)
class Table:
    """Rows with named columns, not yet looked at."""

    name: str
    """What the source is called in logs: with a dataset's commit, if it has one."""
    where: str
    """How messages begin that are about it."""
    data: Any
    """A `Dataset` or `IterableDataset`."""
    folder: Path | None
    """What paths of images start from; None if no files lie beside the rows."""

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.data.features)

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Reads the rows, their images as stored and their classes by name.

        Args:
            columns: Those to be read.

        Raises:
            NejmInspectError: If the rows cannot be read.
        """
        from datasets import ClassLabel, Dataset

        data = self.data.select_columns(list(columns))
        features = data.features
        if isinstance(data, Dataset):
            data = data.to_iterable_dataset()  # whose casts are lazy
        for name, feature in features.items():
            if (stored := _undecoded(feature)) != feature:
                data = data.cast_column(name, stored)
        classes = {k: f for k, f in features.items() if isinstance(f, ClassLabel)}
        with _readable(self.where):
            for row in data:
                for name, feature in classes.items():
                    if row[name] is not None:
                        row[name] = feature.int2str(row[name])
                yield row


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
        return _saved_table(*_parted(cases), f"cases={cases}")
    place, split = (cases, None) if user_path(cases).exists() else _parted(cases)
    path = user_path(place)
    if path.is_dir():
        return _folder_table(path, split)
    if path.is_file() and path.suffix.lower() in READERS and split is None:
        return _file_table(path, path.name)
    raise NejmInspectError(
        f"cases={cases!r}: Input should be 'nejm', 'demo', the path of a JSON, JSONL, "
        "CSV or Parquet file or of a folder (with metadata, or saved by datasets), the "
        f"URL of such a saved folder, or hf:owner/name; there is none at {path}."
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
    from datasets import load_dataset

    where = f"cases={file}"
    reader = READERS[file.suffix.lower()]
    # Text is read whole, into memory: what datasets would keep of it on disk is no
    # smaller. Parquet may be large, with images in it, and is read row by row.
    with (
        tempfile.TemporaryDirectory() as folder,
        _locally(),
        _readable(where),
    ):
        data = load_dataset(
            reader,
            data_files=glob.escape(str(file)),
            split="train",
            cache_dir=folder,
            keep_in_memory=True,
            streaming=reader == "parquet",
            **(CSV_OPTIONS if reader == "csv" else {}),
        )
    if reader == "csv" and PANDAS_INDEX in data.features:
        raise NejmInspectError(
            f"{where}: rows have more values than the first line has names. Put values "
            "with a comma between double quotes."
        )
    return Table(name, where, data, file.parent)


def _folder_table(folder: Path, split: str | None) -> Table:
    name = folder.name if split is None else f"{folder.name}:{split}"
    if any((folder / f).is_file() for f in ("state.json", "dataset_dict.json")):
        table = _saved_table(str(folder), split, f"cases={folder}")
        return Table(name, table.where, table.data, folder)
    files = [f for f in METADATA_FILES if (folder / f).is_file()]
    if len(files) == 1 and split is None:
        return _file_table(folder / files[0], name)
    splits = {
        f.parent.name: f.parent for n in METADATA_FILES for f in folder.glob(f"*/{n}")
    }
    if splits and not files:
        return _folder_table(_chosen(splits, split, f"cases={folder}"), None)
    raise NejmInspectError(
        f"cases={folder if split is None else f'{folder}:{split}'}: a folder must hold "
        f"one of {', '.join(METADATA_FILES)}, or be saved by datasets (save_to_disk). "
        "If it holds a file of cases, give the file's own path."
    )


def _saved_table(place: str, split: str | None, where: str) -> Table:
    from datasets import load_from_disk

    with _locally(), _readable(where):
        loaded = load_from_disk(place)
    splits = (
        loaded
        if isinstance(loaded, Mapping)
        else {str(loaded.split or "train"): loaded}
    )
    name = place if split is None else f"{place}:{split}"
    return Table(name, where, _chosen(splits, split, where), None)


def _hub_table(cases: str) -> Table:
    from datasets import load_dataset_builder

    where = f"cases={cases}"
    match = _HUB_ID.fullmatch(cases)
    if not match:
        raise NejmInspectError(
            f"{where}: a dataset of the Hub is given as hf:owner/name, hf:owner/name:"
            "split, hf:owner/name@revision or hf:owner/name@revision:split."
        )
    revision, split = match["revision"], match["split"]
    with _readable(where):
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
    data = _chosen(splits, split, where)
    name = f"hf:{match['id']}@{builder.hash}"
    return Table(name if split is None else f"{name}:{split}", where, data, None)


def _chosen(splits: Mapping[str, Any], split: str | None, where: str) -> Any:
    """The split that is asked for, or the only one."""
    if split in splits:
        return splits[str(split)]
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    names = ", ".join(sorted(repr(str(name)) for name in splits))
    raise NejmInspectError(
        f"{where}: its splits are {names}. Choose one by its name at the end, as in "
        "cases=…:NAME."
    )


def _undecoded(feature: Any) -> Any:
    """The same feature, but images as their bytes and not as pixels."""
    from datasets import Image, List

    if isinstance(feature, Image):
        return Image(decode=False)
    return List(_undecoded(feature.feature)) if isinstance(feature, List) else feature


@contextmanager
def _locally() -> Iterator[None]:
    """Without what `datasets` does beside reading a file.

    It would count the use of its readers on a server, show bars for files that are read
    in no time, and log errors that are raised as well.
    """
    import datasets
    from datasets.utils import logging

    counts, datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = (
        datasets.config.HF_UPDATE_DOWNLOAD_COUNTS,
        False,
    )
    verbosity, bars = logging.get_verbosity(), not datasets.are_progress_bars_disabled()
    logging.set_verbosity(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = counts
        logging.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


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
    """What went wrong, in words for users."""
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError

    if isinstance(error, DatasetGenerationError):  # which says no more than that
        error = error.__cause__ or error
    text = str(error).strip().rstrip(".")
    if isinstance(error, DatasetNotFoundError):
        return (
            f"{text}. For a private or gated dataset, log in (hf auth login) or set "
            "HF_TOKEN"
        )
    if isinstance(error, StopIteration) or "corresponds to no data" in text:
        return "it has no rows"
    if "Column() changed from object" in text:
        return "every row must be an object"
    # Arrow counts rows from 0, messages here count them from 1.
    text = re.sub(r"\.? in row (\d+)", lambda m: f", in row {int(m[1]) + 1}", text)
    printable = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    return printable or type(error).__name__

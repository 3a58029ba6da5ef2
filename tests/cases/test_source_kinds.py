"""The same three cases give the same samples whatever they are kept in."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict, Features, Image, Value
from pydantic import ValidationError

from nejm_inspect.cases.samples import case_metadata
from nejm_inspect.cases.schema import Case
from nejm_inspect.cases.tables import Table
from tests.cases.described import described
from tests.cases.hub import COMMIT, DATASET, asked_of_hub, hub
from tests.conftest import nejm_record
from tests.loopback import encoded, picture

OPTIONS = ["Gout", "Bunion", "Lupus", "Mumps", 'He said "Rabies", twice']
CASES: list[dict[str, Any]] = [
    {
        "id": 7,
        "history": "A man, 45, has a swollen toe.\nWhat is the diagnosis?",
        "reference": "Gout",
        "image": "7.png",
        "options": OPTIONS,
        "correct_option": "A",
        "date": "2020-02-03",
        "reader_votes": [0.5, 0.1, 0.2, 0.1, 0.11],
        "total_votes": 96521,
        "brier_score": 0.0371,
        "has_history": True,
    },
    {
        "id": "b-007",
        "history": "Größe 1,60 m. Which vector?",
        "reference": "None of these",
        "image": "sub/x.jpg",
        "difficulty": "hard",
        "has_history": False,
    },
    {
        "id": "2020-01-02",
        "history": "A rash. What is it?",
        "reference": "Lupus",
        "image": "7.png",
        "date": "1999-12-31",
        "question_type": "diagnosis",
    },
]
IMAGES = {"7.png": encoded(picture(7), "PNG"), "sub/x.jpg": encoded(picture(8))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the images."""
    folder = tmp_path / "own"
    for name, data in IMAGES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def lines(cases: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(case)}\n" for case in cases)


def as_text(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """What stands in a CSV file."""
    return pd.DataFrame(
        [
            {k: json.dumps(v) if isinstance(v, list) else v for k, v in case.items()}
            for case in cases
        ]
    ).astype({"total_votes": "Int64"})


def uniform(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For formats in which a column has one type."""
    return [{**case, "id": str(case["id"])} for case in cases]


def named(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As in the metadata of an image folder."""
    return [{"file_name" if k == "image" else k: v for k, v in case.items()} for case in cases]


def embedded() -> Dataset:
    images = [{"bytes": IMAGES[case["image"]], "path": None} for case in CASES]
    table = pd.DataFrame(uniform(CASES)).drop(columns="image")
    return Dataset.from_pandas(table).add_column("image", images, feature=Image())


def write_typed_parquet(file: Path) -> None:
    table = pd.DataFrame(uniform(CASES))
    table["date"] = pd.to_datetime(table["date"])
    table["image"] = [IMAGES[name] for name in table["image"]]
    table.to_parquet(file)


def save_splits_to_disk(file: Path) -> None:
    whole = embedded()
    DatasetDict({"train": whole.select([0]), "test": whole}).save_to_disk(file)


def several_folders(parent: Path) -> None:
    (parent / "train").mkdir(parents=True)
    (parent / "train" / "metadata.jsonl").write_text(lines(named(CASES[:1])))
    shutil.copytree(parent.parent, parent / "test", ignore=lambda *_: [parent.name])
    (parent / "test" / "metadata.jsonl").write_text(lines(named(CASES)))


KINDS: dict[str, Callable[[Path], object]] = {
    "cases.json": lambda file: file.write_text(json.dumps(CASES, indent=2)),
    "cases.jsonl": lambda file: file.write_text(lines(CASES)),
    "cases.csv": lambda file: as_text(CASES).to_csv(file, index=False),
    "cases.parquet": lambda file: pd.DataFrame(uniform(CASES)).to_parquet(file),
    "typed.parquet": write_typed_parquet,
    "embedded.parquet": lambda file: embedded().to_parquet(file),
    "metadata.csv": lambda file: as_text(named(CASES)).to_csv(file, index=False),
    "metadata.jsonl": lambda file: file.write_text(lines(named(CASES))),
    "saved": lambda file: embedded().save_to_disk(file),
    "splits:test": save_splits_to_disk,
    "parent:test": several_folders,
}


def written(kind: str, folder: Path) -> str:
    """Writes the cases; gives the name of their source."""
    KINDS[kind](folder / kind.partition(":")[0])
    return str(folder if kind.startswith("metadata") else folder / kind)


@pytest.mark.parametrize("kind", [*KINDS][1:])
def test_samples_are_those_of_json(
    kind: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = described(written("cases.json", folder))
    assert [sample["id"] for sample in expected["samples"]] == [7, "b-007", "2020-01-02"]
    source = written(kind, folder)
    capfd.readouterr()
    assert described(source)["samples"] == expected["samples"]
    assert capfd.readouterr() == ("", "")


def folder_repository() -> dict[str, bytes]:
    return {**IMAGES, "metadata.jsonl": lines(named(uniform(CASES))).encode()}


def test_samples_of_the_hub_are_those_of_json(folder: Path) -> None:
    expected = described(written("cases.json", folder))
    table = Path(written("embedded.parquet", folder)).read_bytes()
    repositories = {
        "owner/table": {"data/test-00000-of-00001.parquet": table},
        "owner/folder": folder_repository(),
    }
    sources = {
        "hf:owner/table:test": f"hf:owner/table@{COMMIT}:test",
        f"hf:owner/table@{COMMIT}": f"hf:owner/table@{COMMIT}",
        "hf:owner/folder": f"hf:owner/folder@{COMMIT}",
    }
    with hub(repositories) as url:
        found = asked_of_hub(url, *(("described", source) for source in sources))
    for told, name in zip(found, sources.values(), strict=True):
        assert told == {"name": name, "samples": expected["samples"]}


def test_a_dataset_of_nejm_cases_is_read_as_it_stands(tmp_path: Path) -> None:
    """Rows with the schema of OctoMed/NEJM-Image-Challenge."""
    records = [nejm_record(1), nejm_record(2, relevant_context="no", total_number_votes="85,230.")]
    rows = []
    for record in records:
        row = {k: v for k, v in record.items() if k[:6] != "option" or k.endswith("_votes")}
        options = [record[f"option_{letter}"] for letter in "ABCDE"]
        row |= {"options": options, "answer": options["ABCDE".index(row.pop("correct_answer"))]}
        row |= {"image": {"bytes": IMAGES["7.png"], "path": None}, "image_hash": "c0ffee"}
        rows.append({**row, "date": row["date"].title()})
    assert rows[0]["date"] == "Jan-02-2010"
    schema = Features(Dataset.from_list(rows).features | {"image": Image()})
    Dataset.from_list(rows, features=schema).to_parquet(tmp_path / "test.parquet")
    files = {"data/test-00000-of-00001.parquet": (tmp_path / "test.parquet").read_bytes()}
    with hub({DATASET: files}) as url:
        ((_, samples),) = (x.values() for x in asked_of_hub(url, ("described", f"hf:{DATASET}")))
    cases = [Case.model_validate(record) for record in records]
    assert [sample["id"] for sample in samples] == [1, 2]
    assert [sample["target"] for sample in samples] == ["Gout", "Gout"]
    assert [sample["metadata"] for sample in samples] == [case_metadata(case) for case in cases]
    assert samples[0]["metadata"]["reader_accuracy"] == 0.62


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("file://{folder}/7.png::{hub}/x", "should be a path or an https URL"),
        ("ftp://127.0.0.1/7.png::{hub}/x", "should be a path or an https URL"),
        ("{folder}/7.png", "leaves the folder"),
        ("{hub}/datasets--other--set/7.png", "leaves the folder"),
        ("{hub}/datasets--owner--cases/../7.png", "leaves the folder"),
    ],
)
def test_a_row_reaches_no_files_outside_its_folder(
    image: str, message: str, folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "hub"
    place = image.format(folder=folder, hub=home)
    table = Table(
        "a", ["image"], read=lambda columns: iter(()), folder=home / "datasets--owner--cases"
    )
    row = {"id": 1, "history": "What?", "answer": "Gout", "image": {"bytes": None, "path": place}}
    for stored in (place, [place], row["image"]):
        with pytest.raises(ValidationError, match=message):
            Case.model_validate({**row, "image": stored}, context=table)


def reaching(path: str, file: Path) -> bytes:
    """A table whose image is a file elsewhere."""
    row = {"history": "What?", "answer": "Gout", "image": {"bytes": None, "path": path}}
    features = Features({"history": Value("string"), "answer": Value("string"), "image": Image()})
    # Not by Dataset.to_parquet, which looks for the image.
    data = Dataset.from_list([row], features=features).data.table
    pq.write_table(data.replace_schema_metadata(features.arrow_schema.metadata), file)
    return file.read_bytes()


def test_a_dataset_of_the_hub_stays_readable_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    call = ("described", f"hf:{DATASET}")
    with hub({DATASET: folder_repository()}) as url:
        online = asked_of_hub(url, call)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wrong, never = f"hf:{DATASET}@{'0' * 40}", "hf:owner/never-fetched"
    *offline, unknown, absent = asked_of_hub(url, call, *(("described", x) for x in (wrong, never)))
    assert online[0]["samples"]
    assert offline == online
    assert "the Hub cannot be reached for 000" in unknown["error"]
    assert "Couldn't reach" in absent["error"]


CONFIGS = b"""---
configs:
- {config_name: a, data_files: a.csv}
- {config_name: b, data_files: b.csv}
---
"""
ROW = "history,answer,image\nWhat?,Gout,"


def test_what_the_hub_does_not_have_is_said(folder: Path, tmp_path: Path) -> None:
    repositories: dict[str, Any] = {
        "owner/gated": "GatedRepo",
        "owner/scripted": {"scripted.py": b"print()"},
        "owner/configs": {"README.md": CONFIGS, "a.csv": b"history\n?\n", "b.csv": b"history\n?\n"},
        "owner/bare": {"a.csv": b"history\nWhat?\n"},
        "owner/imageless": {"a.csv": f"{ROW}1.png\n".encode()},
        "owner/chained": {"a.csv": f"{ROW}zip://1.png::/etc/x.zip\n".encode()},
        "owner/reaching": {"a.parquet": reaching(str(folder / "7.png"), tmp_path / "a.parquet")},
    }
    messages = {
        "gated": "is a gated dataset on the Hub. You must be authenticated",
        "absent": "log in (hf auth login) or set HF_TOKEN",
        "bare@v2": "Revision 'v2' doesn't exist",
        "scripted": "scripts are no longer supported",
        "configs": "pick one among the available configs",
        "bare:test": "its splits are 'train'",
        "imageless": "datasets--owner--imageless/1.png: No such file or directory",
        "chained": "row 1: image.0='zip://1.png::/etc/x.zip'",
        "reaching": "the path leaves the folder",
    }
    with hub(repositories) as url:
        answers = asked_of_hub(url, *(("described", f"hf:owner/{name}") for name in messages))
    for name, told in zip(messages, answers, strict=True):
        assert messages[name] in told["error"], name

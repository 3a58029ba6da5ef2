"""The same three cases give the same samples whatever they are kept in."""

import json
import os
import subprocess
import sys
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
from tests.cases.hub import COMMIT, DATASET, hub
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


def write_json(folder: Path) -> str:
    (folder / "cases.json").write_text(json.dumps(CASES, indent=2))
    return "cases.json"


def write_jsonl(folder: Path) -> str:
    (folder / "cases.jsonl").write_text(lines(CASES))
    return "cases.jsonl"


def write_csv(folder: Path) -> str:
    as_text(CASES).to_csv(folder / "cases.csv", index=False)
    return "cases.csv"


def write_parquet(folder: Path) -> str:
    pd.DataFrame(uniform(CASES)).to_parquet(folder / "cases.parquet")
    return "cases.parquet"


def write_typed_parquet(folder: Path) -> str:
    table = pd.DataFrame(uniform(CASES))
    table["date"] = pd.to_datetime(table["date"])
    table["image"] = [IMAGES[name] for name in table["image"]]
    table.to_parquet(folder / "typed.parquet")
    return "typed.parquet"


def write_embedded_parquet(folder: Path) -> str:
    embedded().to_parquet(folder / "embedded.parquet")
    return "embedded.parquet"


def write_metadata_csv(folder: Path) -> str:
    as_text(named(CASES)).to_csv(folder / "metadata.csv", index=False)
    return ""


def write_metadata_jsonl(folder: Path) -> str:
    (folder / "metadata.jsonl").write_text(lines(named(CASES)))
    return ""


def save_to_disk(folder: Path) -> str:
    embedded().save_to_disk(folder / "saved")
    return "saved"


def save_splits_to_disk(folder: Path) -> str:
    whole = embedded()
    DatasetDict({"train": whole.select([0]), "test": whole}).save_to_disk(folder / "splits")
    return "splits:test"


def several_folders(folder: Path) -> str:
    parent = folder / "parent"
    (parent / "train").mkdir(parents=True)
    (parent / "train" / "metadata.jsonl").write_text(lines(named(CASES[:1])))
    for name, data in IMAGES.items():
        (parent / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        (parent / "test" / name).write_bytes(data)
    (parent / "test" / "metadata.jsonl").write_text(lines(named(CASES)))
    return "parent:test"


@pytest.mark.parametrize(
    "write",
    [
        write_jsonl,
        write_csv,
        write_parquet,
        write_typed_parquet,
        write_embedded_parquet,
        write_metadata_csv,
        write_metadata_jsonl,
        save_to_disk,
        save_splits_to_disk,
        several_folders,
    ],
)
def test_samples_are_those_of_json(
    write: Callable[[Path], str], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected = described(str(folder / write_json(folder)))
    assert [sample["id"] for sample in expected["samples"]] == [7, "b-007", "2020-01-02"]
    written = write(folder)
    capfd.readouterr()
    assert described(str(folder / written))["samples"] == expected["samples"]
    assert capfd.readouterr() == ("", "")


def on_hub(cases: str, url: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Describes a source in a process that takes a loopback server for the Hub."""
    return subprocess.run(
        [sys.executable, "-m", "tests.cases.described", cases],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "hf")},
    )


def parquet_repository(folder: Path) -> dict[str, bytes]:
    table = (folder / write_embedded_parquet(folder)).read_bytes()
    return {"data/test-00000-of-00001.parquet": table}


def folder_repository(folder: Path) -> dict[str, bytes]:
    return {**IMAGES, "metadata.jsonl": lines(named(uniform(CASES))).encode()}


@pytest.mark.parametrize(
    ("repository", "choice"),
    [(parquet_repository, ":test"), (parquet_repository, f"@{COMMIT}"), (folder_repository, "")],
)
def test_samples_of_the_hub_are_those_of_json(
    repository: Callable[[Path], dict[str, bytes]], choice: str, folder: Path, tmp_path: Path
) -> None:
    expected = described(str(folder / write_json(folder)))
    with hub(repository(folder)) as url:
        process = on_hub(f"hf:{DATASET}{choice}", url, tmp_path)
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)
    assert found["samples"] == expected["samples"]
    split = ":test" if choice == ":test" else ""
    assert found["name"] == f"hf:{DATASET}@{COMMIT}{split}"


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
    with hub(files) as url:
        process = on_hub(f"hf:{DATASET}@{COMMIT}", url, tmp_path)
    assert process.returncode == 0, process.stderr
    samples = json.loads(process.stdout)["samples"]
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


def test_a_dataset_of_the_hub_reaches_no_other_files(folder: Path, tmp_path: Path) -> None:
    path = str(folder / "7.png")
    row = {"history": "What?", "answer": "Gout", "image": {"bytes": None, "path": path}}
    features = Features({"history": Value("string"), "answer": Value("string"), "image": Image()})
    # Not by Dataset.to_parquet, which looks for the image.
    data = Dataset.from_list([row], features=features).data.table
    data = data.replace_schema_metadata(features.arrow_schema.metadata)
    pq.write_table(data, tmp_path / "a.parquet")
    with hub({"a.parquet": (tmp_path / "a.parquet").read_bytes()}) as url:
        process = on_hub(f"hf:{DATASET}", url, tmp_path)
    last_line = process.stderr.strip().splitlines()[-1]
    assert f"row 1: image.0={path[:20]!r}"[:-1] in last_line
    assert "leaves the folder" in last_line


def test_a_dataset_of_the_hub_stays_readable_without_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub(folder_repository(folder)) as url:
        online = on_hub(f"hf:{DATASET}", url, tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    offline = on_hub(f"hf:{DATASET}", url, tmp_path)
    assert online.stdout
    assert offline.stdout == online.stdout, offline.stderr
    wrong = on_hub(f"hf:{DATASET}@{'0' * 40}", url, tmp_path)
    assert "the Hub cannot be reached for 000" in wrong.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("files", "choice", "error", "message"),
    [
        ({}, "", "GatedRepo", "is a gated dataset on the Hub. You must be authenticated"),
        ({}, "", "RepoNotFound", "log in (hf auth login) or set HF_TOKEN"),
        ({}, "@v2", None, "Revision 'v2' doesn't exist"),
        ({"cases.py": b"print()"}, "", None, "scripts are no longer supported"),
        (
            {
                "README.md": b"---\nconfigs:\n"
                b"- {config_name: a, data_files: a.csv}\n"
                b"- {config_name: b, data_files: b.csv}\n---\n",
                "a.csv": b"history\nWhat?\n",
                "b.csv": b"history\nWhat?\n",
            },
            "",
            None,
            "pick one among the available configs",
        ),
        ({"a.csv": b"history\nWhat?\n"}, ":test", None, "its splits are 'train'"),
        (
            {"a.csv": b"history,answer,image\nWhat?,Gout,1.png\n"},
            "",
            None,
            "datasets--owner--cases/1.png: No such file or directory",
        ),
        (
            {"a.csv": b"history,answer,image\nWhat?,Gout,zip://1.png::/etc/x.zip\n"},
            "",
            None,
            "row 1: image.0='zip://1.png::/etc/x.zip'",
        ),
    ],
)
def test_what_the_hub_does_not_have_is_said(
    files: dict[str, bytes], choice: str, error: str | None, message: str, tmp_path: Path
) -> None:
    with hub(files, error) as url:
        process = on_hub(f"hf:{DATASET}{choice}", url, tmp_path)
    assert "NejmInspectError: " in process.stderr
    assert message in process.stderr


def test_without_the_hub_there_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    process = on_hub(f"hf:{DATASET}", "http://127.0.0.1:9", tmp_path)
    last_line = process.stderr.strip().splitlines()[-1]
    assert "NejmInspectError" in last_line
    assert "Couldn't reach" in last_line

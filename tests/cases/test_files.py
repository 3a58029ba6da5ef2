"""What can be wrong with cases of one's own, and what is said about it."""

import base64
import csv
import json
import os
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Image, LargeList, List, Value
from hypothesis import given, settings, strategies as st
from inspect_ai import eval
from pydantic import TypeAdapter

from nejm_inspect import nejm_image_challenge
from nejm_inspect.cases import open_source
from nejm_inspect.cases.schema import Text
from nejm_inspect.errors import NejmInspectError
from tests.cases.described import described
from tests.loopback import OpenRouter, encoded, picture

OPTIONS = ["Gout", "Bunion", "Lupus", "Mumps", "Rabies"]


def own_case(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"own-{number}",
        "history": "A man has a swollen toe. What is the diagnosis?",
        "reference": "Gout",
        "image": f"{number}.png",
        **changes,
    }


def write(folder: Path, *cases: Any) -> str:
    for number in range(1, 4):
        (folder / f"{number}.png").write_bytes(encoded(picture(number), "PNG"))
    file = folder / "cases.json"
    file.write_text(json.dumps(cases))
    return str(file)


def refusal(cases: str, columns: dict[str, str] | None = None) -> str:
    """The message of a source that is refused."""
    with pytest.raises(NejmInspectError) as error:
        open_source(cases, columns=columns)
    return str(error.value)


def test_a_file_of_cases_with_images_beside_it(tmp_path: Path) -> None:
    source = open_source(
        write(
            tmp_path,
            own_case(1, options=OPTIONS, correct_option="A", date="2020-02-03"),
            own_case(2, history="Which vector?"),
        )
    )
    first, second = source.cases
    assert source.name == "cases.json"
    assert str(first.date) == "2020-02-03"
    assert (first.question_type, second.question_type) == ("diagnosis", "other")
    (image,) = source.images(source.cases).found["own-2"]
    assert image.path == tmp_path / "2.png"


def test_whether_there_is_a_history_is_said_and_not_read_from_the_text(tmp_path: Path) -> None:
    write(tmp_path)
    words = ["yes", "no", "True", "false", ""]
    rows = [
        own_case(n, image="1.png", history="What is the diagnosis?", context=word)
        for n, word in enumerate(words)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "cases.csv", index=False)
    columns = {"has_history": "context"}
    samples = described(str(tmp_path / "cases.csv"), columns)["samples"]
    said = [sample["metadata"].get("has_history") for sample in samples]
    assert said == [True, False, True, False, None]


def test_several_images_are_all_sent_in_their_order(tmp_path: Path) -> None:
    file = write(
        tmp_path, own_case(1, image=["3.png", "1.png", "2.png"]), own_case(2, image=["2.png"])
    )
    (tmp_path / "1.png").write_bytes(encoded(picture(1), "TIFF"))
    several, one = described(file)["samples"]
    assert [part["type"] for part in several["input"][0]["content"]] == [
        "text",
        "image",
        "image",
        "image",
    ]
    assert several["metadata"]["image_conversion"] == "image 2: TIFF → PNG RGB 64×48"
    assert "image_conversion" not in one["metadata"]
    table = pd.DataFrame([own_case(1, image='["3.png", "1.png", "2.png"]')])
    table.to_csv(tmp_path / "cases.csv", index=False)
    assert described(str(tmp_path / "cases.csv"))["samples"] == [several]
    images = [(tmp_path / f"{n}.png").read_bytes() for n in (3, 1, 2)]
    row = own_case(1, images=[{"bytes": data, "path": None} for data in images])
    del row["image"]
    for kind in (List, LargeList):
        features = Features({**dict.fromkeys(row, Value("string")), "images": kind(Image())})
        saved = tmp_path / kind.__name__
        Dataset.from_list([row], features=features).save_to_disk(saved)
        assert described(str(saved))["samples"] == [several]


def test_a_model_is_sent_every_image(tmp_path: Path, openrouter: OpenRouter) -> None:
    file = write(tmp_path, own_case(1, image=["3.png", "1.png"]))
    task = nejm_image_challenge(sample_size=None, cases=file, scorer="verbatim")
    (log,) = eval(task, model="openrouter/some/model")
    assert log.status == "success"
    assert log.eval.dataset.name == "cases.json"
    (call,) = openrouter.calls
    sent = [base64.b64decode(url.partition(",")[2]) for url in call.images]
    assert sent == [(tmp_path / f"{n}.png").read_bytes() for n in (3, 1)]


def test_images_that_are_missing_or_broken_are_named(tmp_path: Path) -> None:
    reasons = {
        "1.png": "1.png: not an image",
        "none.png": "none.png: No such file or directory",
        "pipe.png": "pipe.png: not a regular file",
        "loop.png": "symbolic links",
        "\x1b[2J\n.png": "\ufffd[2J .png: No such file or directory",
        "x" * 300: "File name too long",
    }
    rows = [own_case(n, image=["3.png", name]) for n, name in enumerate(reasons)]
    file = write(tmp_path, *rows)
    (tmp_path / "1.png").write_bytes(b"no picture")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    source = open_source(file)
    images = source.images(source.cases)
    assert not images.found
    for n, reason in enumerate(reasons.values()):
        assert reason in images.missing[f"own-{n}"]


def test_a_broken_image_in_the_table_is_named_and_a_damaged_copy_mended(tmp_path: Path) -> None:
    good = encoded(picture(), "PNG")
    images = [good, b"no picture", good[:60]]
    table = pd.DataFrame([own_case(n, image=data) for n, data in enumerate(images)])
    table.to_parquet(tmp_path / "cases.parquet")
    for _ in range(2):
        source = open_source(str(tmp_path / "cases.parquet"))
        found = source.images(source.cases)
        assert list(found.found) == ["own-0"]
        assert found.missing["own-1"].endswith(": not an image")
        assert "damaged PNG image" in found.missing["own-2"]
        (image,) = found.found["own-0"]
        assert image.path.read_bytes() == good
        image.path.write_bytes(good[:-20])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7, 8.0, 0], [7, 8, 0]),
        (["7", "-8", "9.0"], [7, -8, 9]),
        (["007", "1", "-0", " 7 "], ["007", 1, "-0", 7]),
        (["2020-01-02", "2020-01-03"], ["2020-01-02", "2020-01-03"]),
        (["1.5", "1e5", "true", "x"], ["1.5", "1e5", "true", "x"]),
        ([10**17, 2**62], [10**17, str(2**62)]),
    ],
)
def test_an_id_is_the_same_from_every_kind_of_file(
    values: list[Any], expected: list[Any], tmp_path: Path
) -> None:
    rows = [own_case(id=value) for value in values]
    for kind in write_kinds(tmp_path, rows):
        assert [case.id for case in open_source(kind).cases] == expected, kind


def write_kinds(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """The same rows as JSON, JSONL, CSV and Parquet."""
    (folder / "cases.json").write_text(json.dumps(rows), encoding="utf-8-sig")
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\r\n\n" for row in rows)
    (folder / "cases.jsonl").write_bytes(lines.encode())
    cells = [
        {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows
    ]
    with open(folder / "cases.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(cells)
    pd.DataFrame(rows).to_parquet(folder / "cases.parquet")
    return [str(folder / f"cases.{k}") for k in ("json", "jsonl", "csv", "parquet")]


def test_without_ids_rows_are_numbered_and_two_fields_may_share_a_column(tmp_path: Path) -> None:
    file = write(tmp_path, *({"text": "What?", "image": f"{n}.png"} for n in (1, 2)))
    cases = open_source(file, columns={"history": "text", "reference": "text"}).cases
    told = [(case.id, case.history, case.reference) for case in cases]
    assert told == [(1, "What?", "What?"), (2, "What?", "What?")]


def test_columns_may_have_other_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"question": "What?", "final_dx": "Gout", "scan": "1.png", "ward": 3, "\x1b[2J": 1}
    columns = {"reference": "final_dx", "image": "scan"}
    file = write(tmp_path, row)
    for _ in range(2):
        (case,) = open_source(file, columns=columns).cases
    assert (case.history, case.reference) == ("What?", "Gout")
    assert capsys.readouterr().err == f"cases={file}: columns not used: '\\x1b[2J', 'ward'.\n"


def test_a_column_that_is_mapped_may_resemble_a_field(tmp_path: Path) -> None:
    file = write(tmp_path, {"Question": "What?", "image": "1.png", "answer": "Gout"})
    assert "column 'Question', but history has none" in refusal(file)
    assert open_source(file, columns={"history": "Question"}).cases


def test_of_two_columns_for_one_field_the_first_name_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [own_case(n, question=f"Why {n}?", images="3.png") for n in (1, 2)]
    rows[1]["history"] = "What?"
    file = write(tmp_path, *rows)
    assert [case.history for case in open_source(file).cases] == [rows[0]["history"], "What?"]
    assert capsys.readouterr().err == f"cases={file}: columns not used: 'images', 'question'.\n"
    cases = open_source(file, columns={"history": "question"}).cases
    assert [case.history for case in cases] == ["Why 1?", "Why 2?"]


def test_classes_are_read_by_their_names(tmp_path: Path) -> None:
    features = Features(
        {
            "history": Value("string"),
            "image": Value("string"),
            "label": ClassLabel(names=["Gout", "Lupus"]),
        }
    )
    rows = [{"history": "What?", "image": "1.png", "label": n} for n in (1, 0, None)]
    dataset = Dataset.from_list(rows, features=features)
    dataset.select([0, 1]).save_to_disk(tmp_path / "saved")
    source = open_source(str(tmp_path / "saved"), columns={"reference": "label"})
    assert [case.reference for case in source.cases] == ["Lupus", "Gout"]
    dataset.save_to_disk(tmp_path / "unlabelled")
    said = refusal(str(tmp_path / "unlabelled"), {"reference": "label"})
    assert "row 3: reference='': String should have" in said


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    table = pd.DataFrame([own_case()])[:0]
    table.to_parquet(tmp_path / "cases.parquet")
    assert refusal(str(tmp_path / "cases.parquet")).endswith(": it has no rows.")


def test_the_reference_follows_from_the_option(tmp_path: Path) -> None:
    row = own_case(options=OPTIONS, answer="C")
    del row["reference"]
    file = write(tmp_path, row)
    assert "answer='C': looks like an option's letter" in refusal(file)
    (case,) = open_source(file, columns={"correct_option": "answer"}).cases
    assert (case.reference, case.correct_option) == ("Lupus", "C")
    row["correct_option"] = row.pop("answer")
    assert open_source(write(tmp_path, row)).cases[0].reference == "Lupus"


def test_a_file_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    file = write(tmp_path, own_case(1))
    changed = os.stat(file).st_mtime_ns
    open_source(file)
    write(tmp_path, own_case(2))
    os.utime(file, ns=(changed, changed))
    assert [case.id for case in open_source(file).cases] == ["own-2"]


@pytest.mark.parametrize("kind", ["json", "csv", "parquet"])
def test_nobody_is_told_of_a_local_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame([own_case(1)])
    table.to_json(tmp_path / "cases.json", orient="records")
    table.to_csv(tmp_path / "cases.csv")
    table.to_parquet(tmp_path / "cases.parquet")
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: asked.append(a) or [])
    monkeypatch.setattr(socket.socket, "connect", lambda *a: asked.append(a))
    open_source(str(tmp_path / f"cases.{kind}"))
    assert not asked


def test_names_with_patterns_in_them_are_names(tmp_path: Path) -> None:
    folder = tmp_path / "a[1] *?:b"
    folder.mkdir()
    assert len(open_source(write(folder, own_case(1))).cases) == 1


@pytest.mark.parametrize(
    ("cases", "messages"),
    [
        ([own_case(1), own_case(1)], ["id='own-1' is used twice, in rows 1, 2"]),
        ([own_case(1), own_case(2, id=None)], ["row 2: id: Field required"]),
        ([own_case(id="\x1b[2J")], ["row 1: id='\\x1b[2J': Input should be printable"]),
        ([own_case(id="a/b")], ["id='a/b': Input should be printable, without / and"]),
        ([own_case(id="a\\b")], ["without / and"]),
        ([own_case(reference="None")], ["reference='None': stands for a missing value"]),
        ([own_case(reference="nan")], ["reference='nan': stands for a missing value"]),
        ([own_case(options="[" * 50_000)], ["row 1: options='[[[", "should be a list"]),
        ([own_case(image="../1.png")], ["row 1: image.0='../1.png': the path leaves the folder"]),
        ([own_case(image="/etc/1.png")], ["image.0='/etc/1.png': the path leaves the folder"]),
        ([own_case(image="link.png")], ["image.0='link.png': the path leaves the folder"]),
        ([own_case(image=None)], ["row 1: image: Field required"]),
        ([own_case(image=[])], ["row 1: image=[]: Input should hold an image"]),
        ([own_case(image=["1.png", ""])], ["row 1: image.1='': Input should be a path"]),
        ([own_case(image=7)], ["row 1: image.0=7: Input should be a path"]),
        ([own_case(image="http://a.org/1.png")], ["should be a path or an https URL"]),
        ([own_case(image="file:///1.png")], ["should be a path or an https URL"]),
        ([own_case(image="data:image/png;base64,")], ["or an https URL"]),
        ([own_case(image="https://[::1]/1.png")], ["::1 is not a public address"]),
        ([own_case(), own_case(2, history="")], ["row 2: history=''"]),
        ([own_case(), own_case(2, history=" ")], ["row 2: history=' '"]),
        ([own_case(reference=3)], ["row 1: reference=3: Input should be a valid str"]),
        ([own_case(reference="  ")], ["row 1: reference='  ': ", "at least 1 character"]),
        ([own_case(date="soon")], ["row 1: date='soon': Input should be a date"]),
        ([own_case(date="2020-01-02T03:04:05")], ["row 1: date=", "such as 2020-01-31"]),
        ([own_case(options=OPTIONS[:4])], ["there must be five options, not 4"]),
        ([own_case(options=[*OPTIONS[:4], OPTIONS[0]])], ["two options are the same"]),
        ([own_case(options="Gout, Lupus")], ["options='Gout, Lupus': Input should be a list"]),
        (
            [own_case(options=OPTIONS, correct_option="F")],
            ["row 1: correct_option='F': Input should be 'A', 'B', 'C', 'D' or 'E'"],
        ),
        ([own_case(correct_option="A")], ["correct_option is given but options are"]),
        *(
            ([own_case(options=OPTIONS, reference=name)], [f"reference={name!r}: looks like an"])
            for name in ("C", "c", "C.", "2")
        ),
        (
            [own_case(options=OPTIONS, reference="Gout", correct_option="C")],
            ["the reference is option A, but correct_option is C"],
        ),
        ([own_case(option_A="Gout", option_B="Lupus")], ["there must be five options, not 2"]),
        (
            [own_case(options=OPTIONS, **{f"option_{letter}_votes": 20 for letter in "ABCD"})],
            ["reader_votes.0=20: Input should be a share"],
        ),
        ([own_case(image="a::1.png")], ["image.0='a::1.png': Input should be a path"]),
        ([own_case(id="x" * 201)], ["of at most 200 characters"]),
        ([own_case(reference="#N/A")], ["reference='#N/A': stands for a missing value"]),
        (
            [own_case(options=OPTIONS, reader_votes=[0.5, 0.5])],
            ["reader_votes must hold one share for each option"],
        ),
        (
            [own_case(options=OPTIONS, reader_votes=[12, 62, 10, 11, 6])],
            ["row 1: reader_votes.0=12: Input should be a share from 0 to 1"],
        ),
        (
            [own_case(options=OPTIONS, reader_votes=["120%", 0, 0, 0, 0])],
            ["reader_votes.0='120%': Input should be a share from 0 to 1"],
        ),
        ([own_case(difficulty="tough")], ["'easy', 'medium', 'hard' or 'expert'"]),
        (
            [own_case(difficulty="easy", brier_score=0.2)],
            ["difficulty is easy, but the Brier score 0.2 is expert"],
        ),
        ([own_case(brier_score=2)], ["row 1: brier_score=2", "less than or equal"]),
        ([own_case(question_type="why")], ["question_type='why': Input should be"]),
        ([own_case(has_history="maybe")], ["has_history='maybe': Input should be"]),
        ([{"a": 1}], ["no column history and no column image and no column reference"]),
        ([own_case(), "Gout"], ["every row must be an object, but row 2 is not"]),
        ([None, own_case()], ["every row must be an object, but row 1 is not"]),
        ([own_case(id=True)], ["row 1: id=True: Input should be a whole number or text"]),
        ([own_case(id=1.5)], ["row 1: id=1.5: Input should be a whole number or text"]),
        ([own_case(id=9e15 + 2**53)], ["Input should be a whole number or text"]),
        ([own_case(id=[1])], ["row 1: id=[1]: Input should be a whole number or text"]),
        ([own_case(date="20200203zz")], ["row 1: date='20200203zz': Input should"]),
        ([own_case(date=20200203.0)], ["row 1: date=20200203.0: Input should"]),
        ([own_case(Date="2020-02-03")], ["a column 'Date', but date has none. Rename it"]),
        ([{**own_case(), " date": 1}], ["say columns='{date: \" date\"}'"]),
        ([], ["it has no rows"]),
    ],
)
def test_malformed_cases_are_refused(cases: list[Any], messages: list[str], tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(encoded(picture()))
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    file = write(folder, *cases)
    said = refusal(file)
    assert said.startswith(f"cases={file}")
    for message in messages:
        assert message in said


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.json", b"", "it should hold a list of objects"),
        ("empty.csv", b"", "it has no rows"),
        ("empty.parquet", b"", "Parquet file size is 0 bytes"),
        ("words.json", b"id,history", "Expecting value: line 1 column 1"),
        ("cut.json", b'[{"id": 1},', "Expecting value: line 1 column 12"),
        ("one.jsonl", b'{"id": 1}\n{oops\n', "column 2 (char 1) (line 2)"),
        ("latin.json", '[{"id": "é"}]'.encode("latin-1"), "save it as UTF-8"),
        ("latin.csv", "id\né".encode("latin-1"), "save it as UTF-8"),
        ("wide.csv", "id\né".encode("utf-16"), "save it as UTF-8"),
        ("lines.json", b'{"id": 1}\n{"id": 2}\n', "or be named .jsonl and hold one a line"),
        ("twice.json", b'[{"id": 1, "id": 2}]', "an object has a key twice"),
        ("twice.jsonl", b'{"id": 1, "id": 2}', "an object has a key twice"),
        ("deep.json", b"[" * 100_000, "recursion"),
        ("twice.csv", b"id,history,id\n1,2,3\n", "two columns have one name: 'id'"),
        ("tab.csv", b"id\thistory\n1\t2\n", "commas between values, not '\\t'"),
        ("header.csv", b"id,history\n", "it has no rows"),
        ("long.csv", b"id,history\n1,2,3\n", "line 2 has 3 fields, the header has 2"),
        ("uneven.csv", b"id,history\n1,2\n1,2,3\n", "line 3 has 3 fields"),
        ("cut.csv", b'id,history\n"1,2', "unexpected end of data"),
        ("open.csv", b'id,history\n1,"2\n2,3\n', "unexpected end of data"),
        ("inner.csv", b'id,history\n"12\n2,a "b" c\n', "cannot be read: "),
        ("excel.csv", b"id,history,,\n1,2,,\n", "two columns have one name: ''."),
        ("semicolon.csv", b"id;history\n1;2\n", "save it with commas between values, not ';'"),
        ("no.parquet", b"PAR1 but no more of it PAR1", "arquet"),
    ],
)
def test_files_that_are_no_tables_are_refused(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    said = refusal(str(tmp_path / name))
    assert said.startswith(f"cases={tmp_path / name}")
    assert message in said


def test_a_wrong_map_of_columns_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, own_case(dx=" "))
    unknown, nowhere = {"diagnosis": "reference"}, {"reference": "dx?"}
    assert "'diagnosis' is not one of id, history, has_history" in refusal(file, unknown)
    assert "reference='dx?', but the columns of cases=" in refusal(file, nowhere)
    row = {"question": "What?", "dx": " ", "image": "1.png"}
    said = refusal(write(tmp_path, row), {"reference": "dx"})
    assert said.endswith("at least 1 character (reference is column 'dx')")


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("njem", "'nejm', 'demo', the path of"),
        ("nowhere.json", "none of these is at /"),
        ("cases.txt", "none of these is at /"),
        ("owner/name", "or hf:owner/name"),
        ("", "Input should be 'nejm', 'demo'"),
        ("x" * 5_000, "none of these is at /"),
        ("https://example.org/saved", "not from web servers or archives"),
        ("zip://saved::/data/saved.zip", "not from web servers or archives"),
        ("s4://bucket/cases", "Protocol not known: s4"),
        ("memory://nowhere", "not found"),
        ("hf:name", "is given as hf:owner/name"),
        ("hf://datasets/owner/name", "is given as hf:owner/name"),
    ],
)
def test_unknown_sources_are_refused(cases: str, message: str) -> None:
    assert message in refusal(cases)


def test_a_folder_must_hold_a_table(tmp_path: Path) -> None:
    assert "a folder must hold one of metadata.csv" in refusal(str(tmp_path))
    for name in ("train/metadata.csv", "test/metadata.csv", "a/metadata.csv", "a/metadata.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("id\n1\n")
    assert "metadata.csv and metadata.jsonl. Keep one" in refusal(str(tmp_path / "a"))
    shutil.rmtree(tmp_path / "a")
    said = refusal(str(tmp_path))
    assert "its splits are 'test', 'train'" in said
    assert said.endswith("as in cases=…:NAME.")
    assert "its splits are 'test', 'train'" in refusal(f"{tmp_path}:dev")
    assert "no column history" in refusal(f"{tmp_path}:train")
    file = write(tmp_path, own_case())
    assert f"none of these is at {file}:train" in refusal(f"{file}:train")
    (tmp_path / "cases.xlsx").touch()
    said = refusal(str(tmp_path / "cases.xlsx"))
    assert "should end in one of .csv, .json, .jsonl, .parquet" in said


def test_a_saved_dataset_must_be_whole(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    Dataset.from_list([own_case()]).save_to_disk(saved)
    assert "its splits are 'train'" in refusal(f"{saved}:test")
    (saved / "data-00000-of-00001.arrow").write_bytes(b"cut")
    assert refusal(str(saved)).startswith(f"cases={saved} cannot be read: ")
    (saved / "dataset_info.json").unlink()
    assert "neither a `Dataset` directory nor" in refusal(str(saved))


def test_images_and_columns_are_for_other_sources(tmp_path: Path) -> None:
    for cases in ("demo", write(tmp_path, own_case())):
        with pytest.raises(NejmInspectError, match="images=images is for cases=nejm"):
            open_source(cases, "images")
    for cases in ("demo", "nejm"):
        with pytest.raises(NejmInspectError, match="for your own cases"):
            open_source(cases, columns={"history": "question"})


# The CSV reader of Inspect makes every line end \n.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")).filter(
    str.strip
)
lookalikes = st.one_of(
    st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,2})?", fullmatch=True),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["NA", "true", "inf", "1e5", "[1]", "{}"]),
)
tricky = st.one_of(texts, lookalikes)
NOT_A_REFERENCE = re.compile(r"[A-E1-5][.)]?|none|nan|nat|null|<na>|#.*", re.IGNORECASE)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.one_of(lookalikes, texts.filter(str.isprintable)).filter(
                    lambda text: not set("/\\") & set(text)
                ),
                "history": tricky,
                "reference": tricky.filter(
                    lambda text: not NOT_A_REFERENCE.fullmatch(text.strip())
                ),
                "options": st.lists(tricky, min_size=5, max_size=5, unique_by=str.strip),
            }
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row["id"].strip().removesuffix(".0"),
    )
)
def test_texts_are_the_same_from_every_kind_of_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    text = TypeAdapter(Text).validate_python
    for kind in write_kinds(folder, [{**row, "image": "1.png"} for row in rows]):
        for case, row in zip(open_source(kind).cases, rows, strict=True):
            whole = re.fullmatch(r"(0|-?[1-9]\d{0,17})(\.0)?", text(row["id"]), re.A)
            assert case.id == (int(whole[1]) if whole else text(row["id"]))
            assert case.history == text(row["history"])
            assert case.reference == text(row["reference"])
            assert case.options == tuple(map(text, row["options"]))

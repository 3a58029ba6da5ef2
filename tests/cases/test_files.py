import json
from pathlib import Path
from typing import Any

import pytest

from nejm_inspect.cases import open_source
from nejm_inspect.errors import NejmInspectError
from tests.loopback import encoded, picture


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


def test_a_file_of_cases_with_images_beside_it(tmp_path: Path) -> None:
    options = ["Gout", "Bunion", "Lupus", "Mumps", "Rabies"]
    source = open_source(
        write(
            tmp_path,
            own_case(1, options=options, correct_option="A", date="2020-02-03"),
            own_case(2, history="Which vector?"),
        )
    )
    first, second = source.cases
    assert source.name == "cases.json"
    assert str(first.date) == "2020-02-03"
    assert (first.question_type, second.question_type) == ("diagnosis", "other")
    images = source.images(source.cases)
    assert images.found["own-2"].path == tmp_path / "2.png"


def test_images_that_are_missing_or_broken_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, own_case(1), own_case(2, image="none.png"))
    (tmp_path / "1.png").write_bytes(b"no picture")
    source = open_source(file)
    missing = source.images(source.cases).missing
    assert missing["own-1"].endswith("1.png: not an image")
    assert missing["own-2"].endswith("none.png: No such file or directory")


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([own_case(1), own_case(1)], "ids used twice: own-1"),
        ([own_case(image="../1.png")], r"record 1: image='\.\./1.png' leaves"),
        ([own_case(image="/etc/1.png")], "leaves the file's folder"),
        ([own_case(image=None)], "image=None must be a path"),
        ([own_case(), own_case(2, history="")], "record 2: history=''"),
        ([own_case(vote=1)], "vote=1: Extra inputs"),
        ([own_case(date="soon")], "date='soon'"),
        (["Gout"], "record 1: must be an object, not 'Gout'"),
        ([], "must hold a JSON list of cases"),
    ],
)
def test_malformed_files_are_refused(
    cases: list[Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NejmInspectError, match=message):
        open_source(write(tmp_path, *cases))


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text("id,history")
    with pytest.raises(NejmInspectError, match="is not JSON"):
        open_source(str(file))


@pytest.mark.parametrize("cases", ["njem", "nowhere.json", "cases.txt"])
def test_unknown_sources_are_refused(cases: str) -> None:
    with pytest.raises(NejmInspectError, match="'nejm', 'demo' or the path"):
        open_source(cases)


def test_image_dir_is_for_nejm_cases() -> None:
    with pytest.raises(NejmInspectError, match="image_dir is for cases=nejm"):
        open_source("demo", "images")

"""The case list that the tests use: the journal's where it is, else a stand-in for it.

The stand-in repeats the facts of the 947 records, which are numbers, letters and dates, from
`case_list_facts.csv`. Its texts are invented and have the lengths of the real ones. Importing this
module puts it in the place of the pinned list, if it is used.
"""

import csv
import hashlib
import json
from pathlib import Path

from nejm_inspect.cases import nejm
from nejm_inspect.cases.schema import OPTION_LETTERS

REAL_CASE_LIST = (
    Path(__file__).parents[2] / "shared" / "data" / "image_challenge_dataset_20231223.json"
)
FACTS = Path(__file__).with_name("case_list_facts.csv")

# How a text begins and ends, by what it asks for and whether it consists of its question alone.
FORMS = {
    ("diagnosis", "yes"): ("What is the diagnosis", "?"),
    ("diagnosis", "no"): ("A boy came", ". What is the diagnosis?"),
    ("other", "yes"): ("Which finding is shown", "?"),
    ("other", "no"): ("A boy came", ". Which finding is shown?"),
    ("nothing", "no"): ("A boy came", "."),
}


def read_stand_in() -> bytes:
    """Returns a case list with the real facts and invented texts."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        records = [_record(row) for row in csv.DictReader(file)]
    return json.dumps(records, indent=2).encode()


def _record(row: dict[str, str]) -> dict[str, object]:
    id, form = row["image_id"], (row.pop("asks"), row.pop("question_alone"))
    text = _text(id, form, int(row.pop("characters")))
    names = {f"option_{letter}": f"Disease {letter} of case {id}" for letter in OPTION_LETTERS}
    numbers = {"image_id": int(id), "brier_score": float(row["brier_score"])}
    return {**row, **numbers, "question": text, **names}


def _text(id: str, form: tuple[str, str], characters: int) -> str:
    opening, closing = FORMS[form]
    middle = f" with sign {id}" + " and with another sign" * 40
    return opening + middle[: characters - len(opening) - len(closing)] + closing


HAS_REAL_CASE_LIST = REAL_CASE_LIST.exists()
CASE_LIST = REAL_CASE_LIST.read_bytes() if HAS_REAL_CASE_LIST else read_stand_in()

if not HAS_REAL_CASE_LIST:
    nejm.CASES_BYTES = len(CASE_LIST)
    nejm.CASES_SHA256 = hashlib.sha256(CASE_LIST).hexdigest()


def pin_at_start(folder: Path) -> None:
    """Lets every Python that starts with `folder` in PYTHONPATH take the same list."""
    if not HAS_REAL_CASE_LIST:
        (folder / "sitecustomize.py").write_text(
            "from nejm_inspect.cases import nejm\n"
            f"nejm.CASES_BYTES = {nejm.CASES_BYTES}\n"
            f"nejm.CASES_SHA256 = {nejm.CASES_SHA256!r}\n",
            encoding="utf-8",
        )

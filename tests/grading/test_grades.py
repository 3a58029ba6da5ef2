"""Files of grades, read back and checked against the logs."""

import csv
import io
import json
import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
from inspect_ai.log import read_eval_log, write_eval_log

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design
from nejm_inspect.grading.drawing import draw
from nejm_inspect.grading.files import COLUMNS, read_files
from nejm_inspect.grading.grades import read_grades
from nejm_inspect.report.reading import read_logs
from tests.report.conftest import Logs

Row = dict[str, str]
DESIGN = Design(12, 2, 4, 1)


def read(logs: Logs, *files: Path) -> pd.DataFrame:
    runs, responses, _ = read_logs([str(logs.folder)])
    return read_grades([str(file) for file in files], runs, responses)


@pytest.fixture
def sheets(logs: Logs) -> list[list[Row]]:
    """The rows of each rater's sheet, with grades for the first five."""
    runs, responses, _ = read_logs([str(logs.folder)])
    sheets = []
    for rater, own in enumerate(draw(runs, responses, DESIGN), start=1):
        rows = own.reindex(columns=COLUMNS, fill_value="").assign(rater=rater, points="")
        sheets.append(rows.astype(str).to_dict("records"))
        for n, row in enumerate(sheets[-1][:5]):
            row["points"] = str(n + rater)
    return sheets


def write(path: Path, rows: list[Row], delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding)
    return path


def test_grades_find_their_responses(logs: Logs, sheets: list[list[Row]], tmp_path: Path) -> None:
    one, two = sheets
    one[0]["points"], one[1]["points"], one[2]["points"] = "10.0", " 7,0 ", "0"
    one[3] |= {"points": "", "cannot_judge": "TRUE", "remark": "zu klein; größer?"}
    files = (
        write(tmp_path / "1.csv", [*one, dict.fromkeys(COLUMNS, "")], ";", "cp1252"),
        tmp_path / "2.json",
    )
    told = [{**row, "rater": 2, "points": int(row["points"] or 0) or None} for row in two]
    files[1].write_text(json.dumps(told))
    assert read_files([str(files[0])])[1][3].remark == "zu klein; größer?"
    grades = read(logs, *files)
    assert grades.attrs["design"] == DESIGN
    assert grades["rater"].tolist() == [1] * 5 + [2] * 5
    assert grades["points"].tolist()[:3] == [10, 7, 0]
    assert math.isnan(grades["points"][3])
    assert grades["points"].tolist()[5:] == [2, 3, 4, 5, 6]
    runs, responses, _ = read_logs([str(logs.folder)])
    drawn = [row for own in draw(runs, responses, DESIGN) for row in own[:5].to_dict("records")]
    key = ["run", "case_id", "epoch"]
    assert grades[key].to_dict("records") == [{k: row[k] for k in key} for row in drawn]


def test_what_is_refused(logs: Logs, sheets: list[list[Row]], tmp_path: Path) -> None:
    one, _ = sheets

    def refused(message: str, *changes: Row, rows: list[Row] = one) -> None:
        changed = [{**row, **more} for row, more in zip(rows, changes, strict=False)]
        with pytest.raises(NejmInspectError, match=message):
            read(logs, write(tmp_path / "g.csv", changed))

    for points in ("11", "7.5", "-1", "seven", "1e1", "nan", "7-8", "1.0.0"):
        refused(rf"g\.csv, row 3: points is '{points}', must be a whole", {}, {"points": points})
    refused("row 2: cannot_judge is 'maybe'", {"cannot_judge": "maybe"})
    refused("row 2: cannot_judge is 'yes', must be empty where", {"cannot_judge": "yes"})
    refused("row 2: rater is '3', must be a number from 1 to 2", {"rater": "3"})
    refused("row 3: no response in these logs has the id r0-1", {}, {"response_id": "r0-1"})
    refused("row 2: the draw 'x' is not as", {"draw": "x"})
    other = {"draw": one[0]["draw"].replace("seed=1", "seed=2")}
    refused(r"row 3 is of another draw .*seed=2.* than .*row 2", {}, other)
    again = {"response_id": one[0]["response_id"]}
    refused(r"row 3: rater 1 has graded r.* before, in .*g\.csv, row 2", {}, again)
    without = {"draw": one[0]["draw"], "rater": "1", "response_id": "r0-1"}
    refused("row 2: has no points, cannot_judge, remark", {}, rows=[without])
    refused(r"g\.csv: nothing is graded yet", {"points": ""}, rows=one[:1])
    with pytest.raises(NejmInspectError, match="rater 1 has graded"):
        read(logs, write(tmp_path / "a.csv", one), write(tmp_path / "b.csv", one))
    header, row = ",".join(one[0]), ",".join(map(str, one[0].values()))
    (tmp_path / "more.csv").write_text(f"{header}\n{row}late, but right\n")
    with pytest.raises(NejmInspectError, match=r"more\.csv, row 2: has more cells than the header"):
        read(logs, tmp_path / "more.csv")
    (tmp_path / "twice.csv").write_text(f"{header},points\n{row},3\n")
    (tmp_path / "twice.json").write_text(f'[{json.dumps(one[0])[:-1]}, "points": 3}}]')
    (tmp_path / "b.json").write_text("[1]")
    for file in ("twice.csv", "twice.json", "b.json", "missing.csv"):
        with pytest.raises(NejmInspectError, match=f"{file} cannot be read as grades"):
            read(logs, tmp_path / file)


def test_a_log_judged_anew_is_noticed(logs: Logs, sheets: list[list[Row]], tmp_path: Path) -> None:
    file = write(tmp_path / "g.csv", sheets[0])
    before = read(logs, file)
    log = logs.folder / "001.eval"
    shutil.copy(log, tmp_path / "before.eval")
    judged = read_eval_log(str(log))
    for sample in judged.samples or []:
        sample.scores["diagnosis_rubric"].metadata["judge"] = "j/other"
    write_eval_log(judged, str(log))
    with pytest.raises(NejmInspectError, match=r"g\.csv, row \d+: .*001\.eval was judged anew"):
        read(logs, file)
    # Beside the log as it was, the copy of another judge may stand.
    shutil.copy(log, logs.folder / "004.eval")
    shutil.copy(tmp_path / "before.eval", log)
    assert read(logs, file)["points"].equals(before["points"])

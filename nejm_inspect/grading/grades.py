"""Reads files of grades into a frame, checked against the logs."""

import math
from collections.abc import Sequence

import pandas as pd

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import identify
from nejm_inspect.grading.files import read_files


def read_grades(files: Sequence[str], runs: pd.DataFrame, responses: pd.DataFrame) -> pd.DataFrame:
    """Reads grades and finds their responses.

    Args:
        files: CSV or JSON files of one draw.
        runs: From `read_logs`: the runs that the responses were drawn from, and any others.
        responses: Their responses.

    Returns:
        A row for each grade: `run`, `case_id`, `epoch`, `rater` and `points`, NaN where the rater
        cannot judge. Its `attrs["design"]` is the `Design` of the draw.

    Raises:
        NejmInspectError: As `read_files` does, and if a response is not in the logs or was judged
            anew since it was drawn. Names file and row.
    """
    design, grades = read_files(files)
    known = responses.join(runs["log"], "run")
    known["whole"] = identify(known, design.seed)
    known["response_id"] = known["whole"].str.partition("-")[0]
    # Of several logs of one run, the last counts, as in the report.
    by_whole = known.drop_duplicates("whole", keep="last").set_index("whole")
    logs = known.drop_duplicates("response_id", keep="last").set_index("response_id")["log"]
    found = []
    for grade in grades:
        if grade.response_id not in by_whole.index:
            log = logs.get(grade.response_id.partition("-")[0])
            raise NejmInspectError(f"{grade.place}: {_why_unknown(grade.response_id, log)}")
        row = by_whole.loc[grade.response_id]
        points = math.nan if grade.points is None else float(grade.points)
        found.append((row["run"], row["case_id"], row["epoch"], grade.rater, points))
    frame = pd.DataFrame(found, columns=["run", "case_id", "epoch", "rater", "points"])
    frame.attrs["design"] = design
    return frame


def _why_unknown(id: str, log: str | None) -> str:
    if log is None:
        return (
            f"no response in these logs has the id {id}. Give the logs that the responses were "
            "drawn from."
        )
    return (
        f"{log} was judged anew since {id} was drawn from it. Grades that helped to choose a judge "
        "would flatter it. Give the log as it was when the responses were drawn (another judge's "
        "copy may stand beside it), or draw again and grade anew."
    )

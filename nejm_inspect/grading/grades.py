"""Reads files of grades into a frame, checked against the logs."""

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
    known["response_id"] = identify(known, design.seed)
    # Of several logs of one run, the last counts, as in the report.
    last = known.drop_duplicates("response_id", keep="last")
    last = last[["response_id", "run", "case_id", "epoch"]]
    found = pd.DataFrame(grades).merge(last, "left", "response_id")
    for place, id in found.loc[found["run"].isna(), ["place", "response_id"]].to_numpy():
        raise NejmInspectError(f"{place}: {_why_unknown(id, known)}")
    frame = found[["run", "case_id", "epoch", "rater", "points"]].astype({"points": float})
    frame.attrs["design"] = design
    return frame


def _why_unknown(id: str, known: pd.DataFrame) -> str:
    same = known["response_id"].str.partition("-")[0] == id.partition("-")[0]
    if not same.any():
        return (
            f"no response in these logs has the id {id}. Give the logs that the responses were "
            "drawn from."
        )
    return (
        f"{known['log'][same].iloc[-1]} was judged anew since {id} was drawn from it. Grades that "
        "helped to choose a judge would flatter it. Give the log as it was when the responses were "
        "drawn (another judge's copy may stand beside it), or draw again and grade anew."
    )

"""Which responses are drawn, and who gets them."""

from collections import Counter

import pandas as pd
import pytest

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.grading.design import Design
from nejm_inspect.grading.drawing import draw
from nejm_inspect.report.reading import read_logs
from tests.report.conftest import Logs


def drawn(logs: Logs, *numbers: int, again: bool = False) -> list[pd.DataFrame]:
    runs, responses, _ = read_logs([str(logs.folder)])
    if again:
        responses = responses.sample(frac=1, random_state=9)
    return draw(runs, responses, Design(*numbers))


def test_models_have_equal_shares_mostly_of_the_same_cases(logs: Logs) -> None:
    raters = drawn(logs, 37, 3, 10, 1)
    everything = pd.concat(raters).drop_duplicates("response_id")
    assert len(everything) == 37
    assert not everything.duplicated(["name", "case_id"]).any()
    cases = {n: {*own["case_id"]} for n, own in everything.groupby("name")}
    assert sorted(map(len, cases.values())) == [18, 19]
    assert len(cases["alpha"] & cases["beta"]) >= 17
    assert "20" not in cases["beta"]
    assert everything["points"].notna().all()
    assert {*everything["epoch"][everything["name"] == "alpha"]} == {1, 2}


def test_the_overlap_is_everybodys_and_the_rest_is_dealt(logs: Logs) -> None:
    raters = drawn(logs, 38, 2, 10, 1)
    graded = Counter(id for own in raters for id in own["response_id"])
    assert Counter(graded.values()) == {2: 10, 1: 28}
    assert Design(38, 2, 10, 1).gradings == graded.total()
    for own in raters:
        assert own["name"].value_counts().tolist() == [12, 12]
    shared = [id for id in raters[0]["response_id"] if graded[id] == 2]
    assert shared != [id for id in raters[1]["response_id"] if graded[id] == 2]


def test_the_same_logs_give_the_same_draw(logs: Logs) -> None:
    first, again, other = (
        [own["uuid"].tolist() for own in drawn(logs, 20, 2, 4, seed, again=again)]
        for seed, again in ((1, False), (1, True), (2, False))
    )
    assert first == again
    assert {*first[0]} != {*other[0]}


def test_a_response_without_a_diagnosis_is_not_drawn(logs: Logs) -> None:
    logs.write("m/beta", [0] * 20, score=lambda n: {"attempts": int(n < 6)})
    (own,) = drawn(logs, 12, 1, 0, 1)
    assert {*own["case_id"][own["name"] == "beta"]} == {"1", "2", "3", "4", "5", "6"}
    (all_there_is,) = drawn(logs, 100, 1, 0, 1)
    assert all_there_is["name"].value_counts().to_dict() == {"alpha": 20, "beta": 6}
    assert all_there_is["draw"].iloc[0].startswith("responses=26 ")


def test_a_models_sample_is_random_whatever_the_others_have(logs: Logs) -> None:
    logs.write("m/beta", [0] * 20, score=lambda n: {"attempts": int(n < 10)})
    frames = read_logs([str(logs.folder)])[:2]
    ids = pd.concat(draw(*frames, Design(10, 1, 0, seed))[0] for seed in range(40))
    of_alpha = ids["case_id"][ids["name"] == "alpha"].astype(int)
    assert len(of_alpha) == 200
    assert (of_alpha > 10).mean() == pytest.approx(0.5, abs=0.1)


def test_what_cannot_be_drawn(logs: Logs) -> None:
    with pytest.raises(NejmInspectError, match="--overlap 5 is more than the 4 responses drawn"):
        drawn(logs, 4, 2, 5, 1)
    with pytest.raises(NejmInspectError, match="--raters 5 is more than the 4 responses drawn"):
        drawn(logs, 4, 5, 0, 1)
    logs.write("m/gamma", [1] * 20, judge="j/other")
    with pytest.raises(NejmInspectError, match=r"(?s)one comparison.*differ in judge"):
        drawn(logs, 4, 2, 1, 1)
    verbatim = Logs(logs.folder / "verbatim")
    verbatim.write("m/a", [10] * 12, scorer="verbatim_diagnosis")
    with pytest.raises(NejmInspectError, match="No response in these logs"):
        drawn(verbatim, 4, 2, 1, 1)

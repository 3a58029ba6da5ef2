from nejm_inspect.rubric import MAX_POINTS, RUBRIC


def test_every_number_of_points_has_one_level() -> None:
    points = [p for level in RUBRIC for p in range(level.lowest, level.highest + 1)]
    assert sorted(points) == list(range(MAX_POINTS + 1))
    assert len({level.category for level in RUBRIC}) == len(RUBRIC)
    assert [level.points for level in RUBRIC[:5]] == ["10", "9", "8", "7", "5-6"]

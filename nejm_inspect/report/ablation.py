"""What the image adds, and the text: a model with both against the same with one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from nejm_inspect.report.contents import Ablation, AblationEffect
from nejm_inspect.report.entrants import (
    Entrant,
    distinct_runs,
    entrant_names,
    pair_of,
    points_by_case,
    score_estimate,
)
from nejm_inspect.report.reading import NO_SOLVER, Run
from nejm_inspect.report.statistics import adjust_pairs

BOTH = "both"
ADDED: Mapping[str, Literal["image", "text"]] = {"history": "image", "image": "text"}
"""What seeing both adds to what is seen alone."""


def find_ablations(runs: Sequence[Run], repeats: bool) -> list[Ablation]:
    """Compares runs of a model that agree in everything but what it saw.

    Args:
        runs: All runs, oldest first.
        repeats: Whether several runs of a model count as repeats; else the newest
            counts.

    Returns:
        An ablation for every set of settings under which a model saw both and, in
        another run, one of them alone.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        if run.settings["solver"] != NO_SOLVER:  # a baseline sees neither
            groups.setdefault(run.settings_but("inputs"), []).append(run)
    return [
        Ablation(dict(settings), effects)
        for settings, group in groups.items()
        if (effects := _effects(group, repeats))
    ]


def _effects(runs: Sequence[Run], repeats: bool) -> list[AblationEffect]:
    conditions: dict[str, dict[str, list[Run]]] = {}
    for run, name in zip(runs, entrant_names(runs), strict=True):
        seen = conditions.setdefault(name, {})
        seen.setdefault(run.settings["inputs"], []).append(run)
    effects = [
        effect
        for name, seen in conditions.items()
        if BOTH in seen
        for effect in _effects_on(name, seen, repeats)
    ]
    effects.sort(key=lambda effect: _last_if_undefined(effect.both.value))
    # The pairs of all models are one family of tests.
    pairs = adjust_pairs([effect.pair for effect in effects])
    return [replace(e, pair=pair) for e, pair in zip(effects, pairs, strict=True)]


def _last_if_undefined(score: float) -> tuple[bool, float]:
    return math.isnan(score), -score


def _effects_on(
    name: str, runs: Mapping[str, Sequence[Run]], repeats: bool
) -> list[AblationEffect]:
    entrants = {}
    for seen, logs in runs.items():
        same = distinct_runs(logs)
        entrants[seen] = Entrant(name, same if repeats else same[-1:])
    points = {seen: points_by_case(one.rows) for seen, one in entrants.items()}
    scale = entrants[BOTH].scale
    scores = {
        seen: score_estimate(found, found, scale) for seen, found in points.items()
    }
    return [
        AblationEffect(
            model=name,
            adds=added,
            both=scores[BOTH],
            alone=scores[alone],
            pair=pair_of(BOTH, alone, points, scale),
        )
        for alone, added in ADDED.items()
        if alone in points
    ]

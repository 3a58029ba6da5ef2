"""Making sure, before the first request to the examinee, that there is a judge."""

import asyncio
import contextvars
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import anyio
import click
from inspect_ai.model import Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from nejm_inspect.errors import NejmInspectError, ProviderFailure, plain_message
from nejm_inspect.judging.asking import ask_judge
from nejm_inspect.judging.panel import DEFAULT_GRADER, bound_judges
from nejm_inspect.judging.verdict import Question

KNOWN_PAIR = Question(
    history="A 30-year-old woman has had itchy red plaques with silvery scales on both "
    "elbows for two years. What is the diagnosis?",
    reference="Plaque psoriasis",
    response="Atopic dermatitis",
)
"""A response whose points are plain: another inflammatory disease of the skin."""
PLAUSIBLE_POINTS = range(2, 10)
"""What a judge may give for `KNOWN_PAIR`, which the rubric gives 5 or 6: up to three points off.
Judges that always give 0, or always 10, are refused."""
PATIENCE = 180
"""Seconds that a judge may take for the known pair, Inspect's retries included."""

WAYS_TO_CONTINUE = (
    "To continue: bind another judge by --model-role grader=PROVIDER/MODEL, or do "
    "without one by -T scorer=verbatim or --no-score."
)
SCRIPTED = ("mockllm/", "none/")
"""What the names of Inspect's models without a provider start with. These always pass."""

_checked: set[str] = set()
"""The judges that have passed in this process."""


def preflight() -> Solver | None:
    """Ends a run before the first request to the examinee if a judge is not usable.

    Each judge grades one bundled pair of known points, once a process. Inspect's command line binds
    the roles before it builds the task, so that judges are checked here: an unusable one ends the
    command with exit code 1 and without a traceback. With `--no-score` no judge is needed.

    Returns:
        Elsewhere a solver for the task's `setup`, since scorers run last, when everything has been
        paid for. A run started from Python with `score=False` looks to a task like any other; it
        can do without a judge by `model_roles={"grader": "none"}`.
    """
    command = click.get_current_context(silent=True)
    options = command.params if command else {}
    if "no_score" not in options:
        return require_judges()
    if not options["no_score"]:
        check_judges(_judges())
    return None


@solver
def require_judges() -> Solver:
    """Fails every sample if a judge is not usable; see `preflight`."""
    lock = anyio.Lock()
    failed: list[NejmInspectError] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        judges = _judges()
        async with lock:  # samples start together; one check serves all
            if failed:
                raise failed[0]
            try:
                await _check(judges)
            except NejmInspectError as error:
                failed.append(error)
                raise
        return state

    return solve


def check_judges(judges: Sequence[Model]) -> None:
    """Has each judge grade the known pair, unless it has in this process; also in an event loop.

    Raises:
        NejmInspectError: If a judge is not usable; says what its provider said, and how to
            continue.
    """

    async def check() -> None:
        # A connection belongs to the event loop in which it was opened, and this one ends here:
        # the check has models of its own.
        copies = [_copy(judge) for judge in judges if not _passes(judge)]
        for copy in copies:
            click.echo(f"Checking the judge {copy} on a known pair.", err=True)
        try:
            await _check(copies)
        finally:
            for copy in copies:
                await copy.api.aclose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(contextvars.copy_context().run, asyncio.run, check()).result()


async def _check(judges: Sequence[Model]) -> None:
    for judge in judges:
        if _passes(judge):
            continue
        if problem := await _problem(judge):
            raise NejmInspectError(
                f"The judge {judge} is not usable: {problem.rstrip('.')}. Nothing was "
                f"asked of the model under test.\n\n{WAYS_TO_CONTINUE}"
            )
        _checked.add(_key(judge))


async def _problem(judge: Model) -> str | None:
    """Why a judge is not usable; None if it is."""
    try:
        with anyio.fail_after(PATIENCE):
            judgment = await ask_judge(judge, KNOWN_PAIR)
    except TimeoutError:
        return f"it gave no verdict in {PATIENCE} seconds"
    except Exception as error:  # providers each raise their own
        return f"its provider said: {ProviderFailure.of(error)}"
    if judgment.verdict is None:
        return (
            f"it gave no valid verdict in {judgment.attempts} attempts "
            f"({judgment.problem}); its last reply begins {judgment.reply[:200]!r}"
        )
    points = judgment.verdict.score
    return (
        None
        if points in PLAUSIBLE_POINTS
        else (
            f"it gave {points} points for {KNOWN_PAIR.response!r} where the reference is "
            f"{KNOWN_PAIR.reference!r}, which the rubric gives 5 or 6"
        )
    )


def _passes(judge: Model) -> bool:
    return _key(judge) in _checked or str(judge).startswith(SCRIPTED)


def _key(judge: Model) -> str:
    return f"{judge} {judge.api.base_url} {judge.api.api_key} {judge.config} {judge.model_args}"


def _copy(judge: Model) -> Model:
    # A solver or scorer has already resolved the model.
    return get_model(  # inspect-evals-lint: ignore[IEBP001] -- see above
        str(judge),
        config=judge.config,
        base_url=judge.api.base_url,
        api_key=judge.api.api_key,
        memoize=False,
        **judge.model_args,
    )


def _judges() -> list[Model]:
    try:
        return bound_judges()
    except Exception as error:  # providers each raise their own
        raise NejmInspectError(
            f"There is no judge: {plain_message(error)}\n\nThe judge is {DEFAULT_GRADER} unless "
            f"another is bound. Set the variable, or continue without it.\n\n{WAYS_TO_CONTINUE}"
        ) from None

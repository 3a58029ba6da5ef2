"""Checks, before the first request to the examinee, that the judge is usable."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy

import anyio
import click
from anyio.from_thread import start_blocking_portal
from inspect_ai.model import Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from tenacity import RetryError

from nejm_inspect.errors import NejmInspectError, ProviderFailure, plain_message
from nejm_inspect.judging.asking import Judgment, ask_judge
from nejm_inspect.judging.panel import DEFAULT_GRADER, bound_judges
from nejm_inspect.judging.vendors import SCRIPTED
from nejm_inspect.judging.verdict import Question

KNOWN_PAIR = Question(
    history="A 30-year-old woman has had itchy red plaques with silvery scales on both "
    "elbows for two years. What is the diagnosis?",
    reference="Plaque psoriasis",
    response="Atopic dermatitis",
)
"""By the rubric, 5 or 6 points: another inflammatory disease of the skin."""
PLAUSIBLE_POINTS = range(2, 10)
"""What a judge may give for `KNOWN_PAIR`: up to three points off. A judge that always gives 0, or
always 10, is refused."""
PATIENCE = 180
"""Seconds that a judge has for the known pair, an outage of its provider included."""
PAUSE = 10
"""Seconds between two attempts while the provider is down."""

WAYS_TO_CONTINUE = (
    "To continue: bind another judge by --model-role grader=PROVIDER/MODEL, or do without one by "
    "-T scorer=verbatim or --no-score."
)

_checked: set[str] = set()
"""The judges that have passed in this process."""


def preflight() -> Solver | None:
    """Ends a run before the first request to the examinee if a judge is not usable.

    Each judge grades one bundled pair with known points, once per process. Inspect's command line
    binds the roles before it builds the task, and judges are checked here: an unusable one ends the
    command with exit code 1 and without a traceback. `--no-score` needs no judge.

    Returns:
        None on Inspect's command line. Elsewhere a solver for the task's `setup` that checks the
        judges: scorers run last, when the responses are paid for. A task cannot see that Python
        started it with `score=False`; `model_roles={"grader": "none"}` then avoids the check.
    """
    command = click.get_current_context(silent=True)
    options = command.params if command else {}
    if "no_score" not in options:
        return require_judges()
    if not options["no_score"]:
        check_judges(_judges())
    return None


@solver(name="preflight")
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
    """Has each judge grade the known pair, once per process; works inside an event loop, too.

    Raises:
        NejmInspectError: If a judge is not usable; says what its provider said, and how to
            continue.
    """

    async def check() -> None:
        # A connection belongs to the event loop in which it was opened, and this loop ends here:
        # the check uses copies of the models.
        copies = [_copy(judge) for judge in judges if not _passes(judge)]
        for judge in copies:
            click.echo(f"Checking the judge {judge} on a known pair.", err=True)
        try:
            await _check(copies)
        finally:
            for judge in copies:
                await judge.api.aclose()

    # In a thread with its own event loop, since the caller's may be running.
    try:
        with _interruptible(), start_blocking_portal() as portal:
            portal.call(check)
    except KeyboardInterrupt:
        raise NejmInspectError("Interrupted while the judge was checked.") from None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Has Ctrl-C raise KeyboardInterrupt: a running event loop would only note it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


async def _check(judges: Sequence[Model]) -> None:
    for judge in judges:
        if _passes(judge):
            continue
        if problem := await _problem(judge):
            raise NejmInspectError(
                f"The judge {judge} is not usable: {problem.rstrip('.')}. Nothing was asked of the "
                f"model under test.\n\n{WAYS_TO_CONTINUE}"
            )
        _checked.add(_key(judge))


async def _problem(judge: Model) -> str | None:
    """Returns why a judge is not usable; None if it is."""
    outages: list[ProviderFailure] = []
    try:
        with anyio.fail_after(PATIENCE):
            judgment = await _ask_patiently(judge, outages)
    except TimeoutError:
        said = f"; its provider said: {outages[-1]}" if outages else ""
        return f"it gave no verdict in {PATIENCE} seconds{said}"
    except Exception as error:  # each provider has its own
        return f"its provider said: {ProviderFailure.of(error)}"
    if judgment.verdict is None:
        return (
            f"it gave no valid verdict in {judgment.attempts} attempts "
            f"({judgment.problem}); its last reply begins {judgment.output.completion[:200]!r}"
        )
    points = judgment.verdict.score
    if points in PLAUSIBLE_POINTS:
        return None
    return (
        f"it gave {points} points for {KNOWN_PAIR.response!r} where the reference is "
        f"{KNOWN_PAIR.reference!r}, which the rubric gives 5 or 6"
    )


async def _ask_patiently(judge: Model, outages: list[ProviderFailure]) -> Judgment:
    """Asks about the known pair until the provider is up; prints and collects its outages.

    Inspect's own retries would be silent, with pauses that double. The request is never part of a
    batch, which may take 24 hours.
    """
    once = copy(judge)
    once.config = judge.config.model_copy(update={"max_retries": 0, "batch": False})
    while True:
        try:
            return await ask_judge(once, KNOWN_PAIR)
        except Exception as error:  # each provider has its own
            cause = error.__cause__ if isinstance(error, RetryError) else error
            if cause is None or not judge.should_retry(cause):
                raise
            outages.append(ProviderFailure.of(cause))
        click.echo(
            f"Asking {judge} again in {PAUSE} seconds, for up to {PATIENCE}: its provider said: "
            f"{outages[-1]}",
            err=True,
        )
        await anyio.sleep(PAUSE)


def _passes(judge: Model) -> bool:
    return _key(judge) in _checked or str(judge).startswith(SCRIPTED)


def _key(judge: Model) -> str:
    return f"{judge} {judge.api.base_url} {judge.api.api_key} {judge.config} {judge.model_args}"


def _copy(judge: Model) -> Model:
    # A solver or scorer has resolved the model before.
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
    except Exception as error:  # each provider has its own
        raise NejmInspectError(
            f"There is no judge: {plain_message(error)}\n\nThe judge is {DEFAULT_GRADER} unless "
            f"another is bound. Set the variable, or continue without it.\n\n{WAYS_TO_CONTINUE}"
        ) from None

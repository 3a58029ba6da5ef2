"""Commands in processes of their own that need not import Inspect each time."""

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import tests.case_list  # noqa: F401 - the commands take the same case list as the tests

ROOT = Path(__file__).parents[1]
TIMEOUT = 600

_programs = {
    name: entry_points(group="console_scripts", name=name)[name]
    for name in ("inspect", "nejm-inspect")
}
_extensions = [extension.module for extension in entry_points(group="inspect_ai")]
# A server imports once what every command would import, and each command is a fork of it.
_processes = multiprocessing.get_context("forkserver")
_preloaded = [program.module for program in _programs.values()]
_processes.set_forkserver_preload([*_preloaded, *_extensions, "anthropic", "acp", "openai"])


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; takes the options of `started`."""
    with started(*command, **options) as (_, done):
        return done()


@contextmanager
def started(
    program: str,
    *arguments: str,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    user: int = 0,
) -> Iterator[tuple[Any, Callable[[], subprocess.CompletedProcess[str]]]]:
    """Starts a command with the environment of this process, Inspect's plain display, and more.

    Gives its process, and a function that waits for its end.
    """
    environment = {**os.environ, "INSPECT_DISPLAY": "plain", **(environment or {})}
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _processes.Process(
            target=_main, args=(program, arguments, cwd, environment, out, err, user)
        )

        def done() -> subprocess.CompletedProcess[str]:
            process.join(TIMEOUT)
            if process.exitcode is None:
                raise subprocess.TimeoutExpired(arguments, TIMEOUT)
            return subprocess.CompletedProcess(
                arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
            )

        process.start()
        try:
            yield process, done
        finally:
            process.kill()
            process.join()


def _main(
    program: str,
    arguments: tuple[str, ...],
    cwd: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
    user: int,
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # The server has looked at its own TMPDIR.
    os.chdir(cwd)
    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    sys.argv = [program, *arguments]
    try:
        sys.exit(_programs[program].load()())
    finally:
        atexit._run_exitfuncs()  # which a process of `multiprocessing` leaves out

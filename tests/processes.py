"""The command `inspect` in processes of its own that need not import Inspect each time."""

import atexit
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import tests.case_list  # noqa: F401 - the commands take the same case list as the tests

TIMEOUT = 600

(_inspect,) = entry_points(group="console_scripts", name="inspect")
_extensions = [extension.module for extension in entry_points(group="inspect_ai")]
# A server imports once what every command would import, and each command is a fork of it.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([_inspect.module, *_extensions, "anthropic", "acp", "openai"])


def run_inspect(
    *arguments: str, cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs `inspect` with the environment of this process and more."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _processes.Process(
            target=_main, args=(arguments, cwd, {**os.environ, **environment}, out, err)
        )
        process.start()
        process.join(TIMEOUT)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, TIMEOUT)
        return subprocess.CompletedProcess(
            arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _main(
    arguments: tuple[str, ...], cwd: Path, environment: dict[str, str], out: Path, err: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    sys.argv = ["inspect", *arguments]
    try:
        sys.exit(_inspect.load()())
    finally:
        atexit._run_exitfuncs()  # which a process of `multiprocessing` leaves out

"""Runs the benchmarks that are named, or all of them, and prints what they measured."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, NamedTuple

from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log
from PIL import Image

from nejm_inspect import nejm_image_challenge
from nejm_inspect.judging.verdict import Question
from nejm_inspect.prompts import DIAGNOSIS_QUESTION, SYSTEM_PROMPT
from tests.case_list import CASE_LIST, pin_at_start
from tests.loopback import Call, Journal, OpenRouter, Reply, encoded, serve, verdict

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MODEL, JUDGE = "openrouter/a/examinee", "openrouter/a/judge"
ASKED = ("--model", MODEL, "--model-role", f"grader={JUDGE}")
OURS = ("eval", "nejm_inspect/nejm_image_challenge", *ASKED)
BARE = ("eval", "tests/benchmarks/bare.py", *ASKED)
DEMO = ROOT / "nejm_inspect/run_configs/demo.yaml"
OPTIONS = ["Gout", "Lupus", "Mumps", "Scurvy", "Yaws"]


class Cost(NamedTuple):
    """What a process took: seconds, seconds, and MiB at most."""

    wall: float
    cpu: float
    memory: float


class World:
    """Loopback servers, a cache of images, and commands that use them."""

    def __init__(self, folder: Path) -> None:
        pin_at_start(folder)
        image = encoded(Image.effect_noise((320, 240), 40).resize((800, 600)).convert("RGB"))
        days = [datetime.strptime(r["date"], "%b-%d-%Y") for r in json.loads(CASE_LIST)]
        self.journal = Journal(Reply(CASE_LIST), images={f"{day:%Y%m%d}": image for day in days})
        self.router = OpenRouter(*[self._answer] * 3)
        self.folder, self.image = folder, image
        self.delay = self.first = 0.0  # seconds a call; when the first request arrived

    def _answer(self, call: Call) -> str:
        if not call.token:
            self.first = self.first or time.perf_counter()
        time.sleep(self.delay)
        return verdict(5) if call.token else "Gout"

    def environment(self, journal: str, router: str) -> dict[str, str]:
        return {
            "NEJM_INSPECT_CASES_URL": f"{journal}/cases.json",
            "NEJM_INSPECT_IMAGES_URL": f"{journal}/images?id=IC{{date}}",
            "NEJM_INSPECT_CACHE": str(self.folder / "cache"),
            "OPENROUTER_BASE_URL": f"{router}/api/v1",
            "OPENROUTER_API_KEY": "loopback",
            "INSPECT_CACHE_DIR": str(self.folder / "inspect-cache"),
            "INSPECT_DISPLAY": "plain",
            # Compiled once, whatever the user's settings: starts are measured.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
        }

    def new(self) -> Path:
        return Path(mkdtemp(dir=self.folder))

    def run(self, command: str, *arguments: object) -> Cost:
        """Runs `inspect`, `nejm-inspect` or `python`, with logs of its own."""
        self.router.calls.clear()
        self.first, began = 0.0, time.perf_counter()
        os.environ["INSPECT_LOG_DIR"] = str(self.new())
        words, output = [BIN / command, *map(str, arguments)], self.folder / "output.txt"
        with output.open("w") as file:
            process = subprocess.Popen(words, cwd=ROOT, stdout=file, stderr=file)
            peak = 0  # in KiB; that in `used` is at least this process's own
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                told = Path(f"/proc/{process.pid}/status").read_text("utf-8")
                peak = max([peak, *map(int, re.findall(r"VmHWM:\s+(\d+)", told))])
                time.sleep(0.02)
        _, status, used = ended
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} {arguments}: {output.read_text()[-3_000:]}")
        return Cost(wall, used.ru_utime + used.ru_stime, peak / 1024)

    def write_cases(self, **parameters: Any) -> None:
        """Writes what the minimal task asks: what ours asks, about images of the cache."""
        cases = []
        for sample in nejm_image_challenge(scorer="verbatim", **parameters).dataset:
            content = [part.model_dump() for part in sample.input[0].content]  # type: ignore
            judge = Question(content[0]["text"], str(sample.target), "Gout").messages()
            if sample.metadata["question_type"] == "diagnosis":
                content.append({"type": "text", "text": DIAGNOSIS_QUESTION})
            system = {"role": "system", "content": SYSTEM_PROMPT}
            asked = [system, {"role": "user", "content": content}]
            told = {"target": sample.target, "metadata": {"judge": [m.text for m in judge]}}
            cases.append({"id": sample.id, "input": asked, **told})
        os.environ["BENCHMARK_CASES"] = str(self.folder / "cases.json")
        (self.folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")


def pairs(times: int, ours: Callable[[], Any], other: Callable[[], Any]) -> list[tuple[Any, Any]]:
    """Measures both in turns. The first of several pairs only warms up."""
    return [(ours(), other()) for _ in range(times)][times > 1 :]


def tell(what: str, measured: list[tuple[float, float]], unit: str = "s") -> None:
    ours, other = (median(side) for side in zip(*measured, strict=True))
    ratios = sorted(one / another for one, another in measured)
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}; {ours:.2f} {unit} against {other:.2f}"
    print(f"  {what}: {median(ratios):.2f} ({spread})", flush=True)


def overhead(world: World, small: bool) -> None:
    """Our task against a minimal one with the same calls and images; ours also checks the judge."""
    world.delay = 0.1
    for size, times in ((5, 2),) if small else ((50, 4), (947, 3)):
        world.run("nejm-inspect", "fetch", "--sample-size", size)
        world.write_cases(sample_size=size)
        ours = lambda: world.run("inspect", *OURS, "-T", f"sample_size={size}")  # noqa: B023, E731
        measured = pairs(times, ours, lambda: world.run("inspect", *BARE))
        for n, what in enumerate(("wall", "CPU", "memory")):
            tell(f"{size} cases, {what}", [(a[n], b[n]) for a, b in measured], ("s", "s", "MiB")[n])


def start(world: World, small: bool) -> None:
    """From the command to the first request to the examinee, and help, against Inspect's own."""
    world.write_cases(cases="demo")

    def first(*arguments: str) -> float:
        began = time.perf_counter()
        world.run("inspect", *arguments, "--limit", "1")
        return world.first - began

    world.delay, times = 0, 2 if small else 4
    demo = (*OURS, "-T", "cases=demo")
    tell("to the first request", pairs(times, lambda: first(*demo), lambda: first(*BARE)))
    ours = lambda: world.run("nejm-inspect", "--help").wall  # noqa: E731
    tell("--help", pairs(times, ours, lambda: world.run("inspect", "--help").wall))


def benchmark(world: World, small: bool) -> None:
    """Five models side by side at a second a call, against one alone and five in turn."""
    size, models = (4, 2) if small else (50, 5)
    command = ("benchmark", "--judge", JUDGE, "-T", f"sample_size={size}")
    names = [word for n in range(models) for word in ("--model", f"openrouter/a/model-{n}")]
    world.run("nejm-inspect", "fetch", "--sample-size", size)
    world.delay = 1
    alone = world.run("nejm-inspect", *command, *names[:2], "--log-dir", world.new()).wall
    all_of_them = world.run("nejm-inspect", *command, *names, "--log-dir", world.new()).wall
    tell(f"{models} models against one", [(all_of_them, alone)])
    tell(f"{models} models against one after another", [(all_of_them, models * alone)])


def fetch(world: World, small: bool) -> None:
    """Images at 50 ms each, against eight at once without a pause, and against a full cache."""
    shutil.rmtree(os.environ["NEJM_INSPECT_CACHE"], ignore_errors=True)
    world.journal.delay, size = 0.05, 40 if small else 947
    cold, warm = (world.run("nejm-inspect", "fetch", "--sample-size", size) for _ in range(2))
    world.journal.delay = 0
    tell("against the ideal", [(cold.wall, size / 8 * 0.05)])
    tell("less what a full cache takes", [(cold.wall - warm.wall, size / 8 * 0.05)])


def report(world: World, small: bool) -> None:
    """The report on five runs of all cases, against Inspect's samples_df of the same logs."""
    (size, runs), logs, world.delay = (10, 2) if small else (947, 5), world.new(), 0
    world.run("nejm-inspect", "fetch", "--sample-size", size)
    world.run("inspect", *OURS, "-T", f"sample_size={size}", "--log-dir", logs)
    (made,) = list_eval_logs(str(logs))
    log = read_eval_log(made)
    for n in range(1, runs):
        log.eval.model, log.eval.eval_id = f"{MODEL}-{n}", f"copy-{n}"
        write_eval_log(log, str(logs / f"copy-{n}.eval"))
    frame = f"from inspect_ai.analysis import samples_df; samples_df({str(logs)!r})"
    ours = lambda: world.run("nejm-inspect", "report", logs, "--out", world.new())  # noqa: E731
    ((a, b),) = pairs(1, ours, lambda: world.run("python", "-c", frame))
    tell(f"{runs} runs of {size} cases, wall", [(a.wall, b.wall)])
    tell("memory", [(a.memory, b.memory)], "MiB")


def growth(world: World, small: bool) -> None:
    """Time and memory a case as the number of own cases grows; no model is asked."""
    folder = world.new()
    (folder / "images").mkdir()
    costs: dict[int, Cost] = {}
    for size in (5, 20, 80) if small else (50, 500, 5_000):
        rows = []
        for n in range(size):
            (folder / "images" / f"{n}.jpg").write_bytes(world.image)
            told = {"history": f"Patient {n} has a swollen toe.", "image": f"images/{n}.jpg"}
            rows.append({"id": n, **told, "reference": "Gout", "options": OPTIONS})
        cases = folder / "cases.jsonl"
        cases.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        given = ("-T", f"cases={cases}", "-T", "sample_size=null", "-T", "scorer=verbatim")
        solver = ("--solver", "nejm_inspect/random_option", "--model", "none")
        costs[size] = world.run("inspect", *OURS[:2], *given, *solver)
    (least, base), *others = costs.items()
    for size, cost in others:
        wall, _, memory = ((a - b) / (size - least) for a, b in zip(cost, base, strict=True))
        told = f"{1000 * wall:.1f} ms and {memory:.3f} MiB a case more than with {least}"
        print(f"  {size} cases: {cost.wall:.1f} s, {cost.memory:.0f} MiB; {told}")


BENCHMARKS = {f.__name__: f for f in (fetch, overhead, start, benchmark, report, growth)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--small", action="store_true", help="a few cases, to see that it works")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        with serve(world.journal.respond) as journal, serve(world.router.respond) as router:
            os.environ |= world.environment(journal, router)
            world.run("inspect", "eval", "--run-config", DEMO)  # compiles what the others import
            for name in given.name or BENCHMARKS:
                print(f"{name}: {BENCHMARKS[name].__doc__}", flush=True)
                BENCHMARKS[name](world, given.small)


main()

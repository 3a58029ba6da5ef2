"""One case, its responses and verdicts, for the terminal."""

from collections.abc import Sequence

from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.formats import points, short
from nejm_inspect.report.headers import last_attempts, log_headers, scorer_of
from nejm_inspect.report.reading import UNREAD, naming, response_of
from nejm_inspect.text import visible


def print_case(places: Sequence[str], case_id: str, console: Console) -> None:
    """Prints the history, the reference and every model's response to a case of logs or folders.

    Raises:
        NejmInspectError: If a log cannot be read, or none has the case.
    """
    found = []
    for header in last_attempts([h for place in places for h in log_headers(place)]):
        log, model, scorer = header.location, short(header.eval.model), scorer_of(header)
        with naming(log):
            for one in read_eval_log_sample_summaries(log) if scorer else ():
                if scorer and str(one.id) == case_id:
                    sample = read_eval_log_sample(log, one.id, one.epoch, exclude_fields=UNREAD)
                    name = f"{model}, epoch {one.epoch}" if one.epoch > 1 else model
                    found.append((name, response_of(sample, scorer, log)))
    if not found:
        raise NejmInspectError(f"--case {case_id}: no log has this case with a score.")
    first = found[0][1]
    console.print(Text(f"Case {short(case_id)}", style="bold"))
    console.print(Text(f"{visible(first['history'])}\nReference: {visible(first['reference'])}\n"))
    for name, row in found:
        console.print(Text(f"{name}: {points(row['points'])} points", style="bold"))
        for words in (row["response"], row["reasoning"]):
            console.print(Padding(Text(visible(words)), (0, 0, 0, 2)))

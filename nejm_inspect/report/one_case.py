"""One case, its responses and verdicts, for the terminal."""

from collections.abc import Sequence

from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from nejm_inspect.errors import NejmInspectError
from nejm_inspect.report.formats import points, short
from nejm_inspect.report.headers import last_attempts, log_headers, scorer_of
from nejm_inspect.report.reading import UNREAD, response_of
from nejm_inspect.text import visible


def print_case(places: Sequence[str], case_id: str, console: Console) -> None:
    """Prints the history, the reference and every model's response to a case.

    Args:
        places: Logs or folders of logs.
        case_id: The case's id.
        console: Where to.

    Raises:
        NejmInspectError: If a log cannot be read, or none has the case.
    """
    told = False
    headers = [header for place in places for header in log_headers(place)]
    for header in last_attempts(headers):
        scorer = scorer_of(header)
        for found in read_eval_log_sample_summaries(header.location) if scorer else ():
            if str(found.id) != case_id or not scorer:
                continue
            sample = read_eval_log_sample(
                header.location, found.id, found.epoch, exclude_fields=UNREAD
            )
            row = response_of(sample, scorer, header.location)
            if not told:
                console.print(Text(f"Case {short(case_id)}", style="bold"))
                console.print(Text(visible(row["history"])))
                console.print(Text(f"Reference: {visible(row['reference'])}\n"))
            told = True
            epoch = f", epoch {found.epoch}" if found.epoch > 1 else ""
            title = f"{short(header.eval.model)}{epoch}: {points(row['points'])} points"
            console.print(Text(title, style="bold"))
            for words in (row["response"], row["reasoning"]):
                console.print(Padding(Text(visible(words)), (0, 0, 0, 2)))
    if not told:
        raise NejmInspectError(f"--case {case_id}: no log has this case with a score.")

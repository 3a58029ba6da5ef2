"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")

LINES = 10
"""How many plain lines the whole of a piece of work prints, about."""


def with_progress(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Passes items on and shows on standard error how far the work has come.

    Args:
        items: What is worked through.
        total: How many they are.
        description: What is being done, as a heading.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, description, total=total, console=console)
        return
    step = max(1, total // LINES)
    for done, item in enumerate(items, start=1):
        yield item
        if done % step == 0 or done == total:
            console.print(f"{description}: {done} of {total}", highlight=False)

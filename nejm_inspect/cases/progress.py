"""Progress of long work: a bar on a terminal, about ten plain lines elsewhere."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


def with_progress(items: Iterable[T], total: int, description: str) -> Iterator[T]:
    """Passes items on and shows on standard error how many of the total have been passed."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, description, total=total, console=console)
        return
    for done, item in enumerate(items, start=1):
        yield item
        if done % max(1, total // 10) == 0 or done == total:
            console.print(f"{description}: {done} of {total}", highlight=False)

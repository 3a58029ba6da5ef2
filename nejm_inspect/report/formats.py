"""Texts and numbers as a report shows them."""

import functools
import math
from collections.abc import Callable

from nejm_inspect.report.contents import Estimate

NAME_LIMIT = 80
"""Characters shown of a name: a model's, a case's, a group's."""

TEXT_LIMIT = 2_000
"""Characters shown of any other text."""

UNDEFINED = "–"


def visible(text: str, limit: int = TEXT_LIMIT) -> str:
    """Cuts a text, and shows as � every character that could hide or steer.

    Those are controls (which take escape sequences of terminals with them), zero-width
    characters, changes of direction, and half surrogate pairs. Line breaks stay; other
    white space becomes a blank.
    """
    cut = len(text) - limit
    if cut > 0:
        text = f"{text[:limit]}… ({cut:,} characters cut)"
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text.replace("\r\n", "\n")))


def _visible_character(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return " " if character.isspace() else "�"


def one_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """The visible text with its white space collapsed."""
    return " ".join(visible(text, limit).split())


def short(name: str) -> str:
    """A name on one line, cut where it is longer than any sensible one."""
    return one_line(name, NAME_LIMIT)


def _or_dash(write: Callable[[float], str]) -> Callable[[float | None], str]:
    @functools.wraps(write)
    def written(number: float | None) -> str:
        return UNDEFINED if number is None or math.isnan(number) else write(number)

    return written


@_or_dash
def percent(share: float) -> str:
    """For example 69.8%."""
    return f"{100 * share:z.1f}%".replace("-", "−")


@_or_dash
def hundredfold(share: float) -> str:
    """In percentage points, for example 7.4."""
    return f"{100 * share:z.1f}".replace("-", "−")


@_or_dash
def signed(difference: float) -> str:
    """In percentage points with the sign, for example +7.4."""
    return f"{100 * difference:+z.1f}".replace("-", "−")


@_or_dash
def p_value(p: float) -> str:
    """For example 0.012, or < 0.001."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


@_or_dash
def dollars(cost: float) -> str:
    """For example $1.23."""
    return f"${cost:,.2f}" if cost >= 0.005 or cost == 0 else "< $0.01"


@_or_dash
def duration(seconds: float) -> str:
    """For example 3 min 20 s, or 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@_or_dash
def points(number: float) -> str:
    """Mean points of a case in two digits, for example 10 or 6.3."""
    return f"{number:.2g}"


def bounds(estimate: Estimate) -> str:
    """The interval in percent, (61.2–78.4); nothing where it is undefined."""
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return ""
    # A dash before a minus could not be told from it.
    dash = "–" if estimate.lower >= 0 else " to "
    return f"({hundredfold(estimate.lower)}{dash}{hundredfold(estimate.upper)})"


def out_of(number: int, total: int) -> str:
    """For example 22/50."""
    return f"{number:,}/{total:,}" if total else UNDEFINED


def rank(places: tuple[int, int] | None) -> str:
    """For example 1, or 1–3."""
    return UNDEFINED if places is None else "–".join(map(str, sorted(set(places))))


def shade(number: float | None, most: int) -> str:
    """The CSS class of so many points out of the most possible: p0 to p10, or none."""
    if number is None or math.isnan(number):
        return "none"
    return f"p{round(10 * min(max(number / most, 0), 1))}"


@_or_dash
def signed_points(number: float) -> str:
    """Points with the sign, for example −3 or +0.5."""
    return f"{number:+.2g}".replace("-", "−")


@_or_dash
def decimals(number: float) -> str:
    """With two digits behind the point, for example 0.87."""
    return f"{number:z.2f}".replace("-", "−")


def share(estimate: Estimate) -> str:
    """With its interval in percent, for example 69.8% (61.2–78.4)."""
    return f"{percent(estimate.value)} {bounds(estimate)}".rstrip()


def difference(estimate: Estimate) -> str:
    """In percentage points with its interval, for example +7.4 (−1.2 to 16.0)."""
    return f"{signed(estimate.value)} {bounds(estimate)}".rstrip()


def in_points(estimate: Estimate) -> str:
    """In points with its interval, for example −0.42 (−0.94 to 0.10)."""
    value = decimals(estimate.value)
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return value
    return f"{value} ({decimals(estimate.lower)} to {decimals(estimate.upper)})"

"""Texts and numbers as a report shows them. Text of others never acts."""

import functools
import math
import re
from collections.abc import Callable, Iterable

from markupsafe import Markup

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


def short(name: object) -> str:
    """A name on one line, cut where it is longer than any sensible one."""
    return UNDEFINED if is_missing(name) else one_line(str(name), NAME_LIMIT)


def is_missing(value: object) -> bool:
    """Whether there is nothing to show: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_markdown(text: str) -> Markup:
    """The text on one line of Markdown, or in a cell of a table, without any effect."""
    acting = r"[\\`*~$|\[\]]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    line = re.sub(acting, r"\\\g<0>", one_line(text))
    line = re.sub(r"^(\d*)(#|[-+=](?!\w)|(?<=\d)[.)](?!\S))", r"\1\\\2", line)
    # Markdown lets HTML through: only references write these characters safely.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(line)  # noqa: S704 - nothing is left that acts


def as_csv(cell: object) -> object:
    """The cell, empty if undefined, and with no text that a spreadsheet computes."""
    if is_missing(cell) or (isinstance(cell, float) and math.isinf(cell)):
        return ""
    if isinstance(cell, bool | int | float):
        return cell
    text = one_line(str(cell))
    return f"'{text}" if text.startswith(tuple("=+-@＝＋－＠")) else text


def _or_dash(write: Callable[[float], str]) -> Callable[[float | None], str]:
    @functools.wraps(write)
    def written(number: float | None) -> str:
        return UNDEFINED if number is None or math.isnan(number) else write(number)

    return written


@_or_dash
def whole(number: float) -> str:
    """For example 1,234."""
    return f"{number:,.0f}"


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


@_or_dash
def signed_points(number: float) -> str:
    """Points with the sign, for example −3 or +0.5."""
    return f"{number:+.2g}".replace("-", "−")


@_or_dash
def decimals(number: float) -> str:
    """With two digits behind the point, for example 0.87."""
    return f"{number:z.2f}".replace("-", "−")


def bounds(
    lower: float, upper: float, write: Callable[[float], str] = hundredfold
) -> str:
    """An interval, (61.2–78.4); nothing where it is undefined."""
    if is_missing(lower) or is_missing(upper):
        return ""
    # A dash before a minus could not be told from it.
    dash = "–" if lower >= 0 else " to "
    return f"({write(lower).rstrip('%')}{dash}{write(upper).rstrip('%')})"


def listing(words: Iterable[str], last: str = "and") -> str:
    """For example: a, b and c."""
    *rest, end = [*words] or [""]
    return f"{', '.join(rest)} {last} {end}" if rest else end


def counted(number: int, noun: str, plural: str = "") -> str:
    """For example 1 case, or 1,234 cases."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"

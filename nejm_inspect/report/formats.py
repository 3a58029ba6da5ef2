"""Texts and numbers as a report shows them. Text of others never acts."""

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    import pandas as pd

NAME_LIMIT = 80  # characters shown of a name: a model's, a case's, a group's
TEXT_LIMIT = 2_000  # characters shown of any other text
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


def safe_records(frame: "pd.DataFrame") -> "pd.DataFrame":
    """A frame as a CSV file holds it."""
    numbers = {*frame.select_dtypes("number")}
    texts = {name: frame[name].map(as_csv) for name in frame if name not in numbers}
    return frame.assign(**texts).rename(columns=as_csv)  # type: ignore[arg-type]


def as_csv(cell: object) -> object:
    """The cell, empty if undefined, and with no text that a spreadsheet computes."""
    if is_missing(cell) or cell in (math.inf, -math.inf):
        return ""
    if isinstance(cell, bool | int | float):
        return cell
    text = one_line(str(cell))
    return f"'{text}" if text.startswith(tuple("=+-@＝＋－＠")) else text


Write = Callable[[float | None], str]


def _writer(form: str, factor: int = 1, unit: str = "") -> Write:
    def write(number: float | None) -> str:
        if number is None or math.isnan(number):
            return UNDEFINED
        return f"{factor * number:{form}}{unit}".replace("-", "−")

    return write


percent = _writer("z.1f", 100, "%")  # 69.8%
hundredfold = _writer("z.1f", 100)  # percentage points: 7.4
signed = _writer("+z.1f", 100)  # the same with the sign: +7.4
whole = _writer(",.0f")  # 1,234
decimals = _writer("z.2f")  # 0.87
points = _writer(".2g")  # mean points of a case: 10 or 6.3
signed_points = _writer("+.2g")  # -3 or +0.5
in_dollars = _writer(",.2f")


def p_value(p: float | None) -> str:
    """For example 0.012, or < 0.001."""
    return "< 0.001" if p is not None and p < 0.001 else _writer(".3f")(p)


def dollars(cost: float | None) -> str:
    """For example $1.23."""
    small = cost is not None and 0 < cost < 0.005
    return "< $0.01" if small else f"${in_dollars(cost)}".replace("$–", "–")


def duration(seconds: float | None) -> str:
    """For example 3 min 20 s, or 2 h 5 min."""
    if seconds is None or math.isnan(seconds):
        return UNDEFINED
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def bounds(lower: float | None, upper: float | None, write: Write = hundredfold) -> str:
    """An interval with a blank before it, (61.2–78.4); nothing if undefined."""
    if lower is None or upper is None or math.isnan(lower + upper):
        return ""
    # A dash before a minus could not be told from it.
    return f" ({write(lower)}{'–' if lower >= 0 else ' to '}{write(upper)})"


def listing(words: Iterable[str], last: str = "and") -> str:
    """For example: a, b and c."""
    *rest, end = [*words] or [""]
    return f"{', '.join(rest)} {last} {end}" if rest else end


def counted(number: int, noun: str) -> str:
    """For example 1 case, or 1,234 cases."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

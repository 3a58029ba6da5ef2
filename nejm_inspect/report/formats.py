"""Texts and numbers as a report shows them. Text from logs can neither run nor format."""

import math
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from nejm_inspect.text import one_line

NAME_LIMIT = 80  # characters shown of a name: a model's, a case's, a group's
CELL_LIMIT = 32_000  # characters in a cell of a CSV file: what spreadsheets take
UNDEFINED = "–"


def short(name: object) -> str:
    """A name on one line, cut where it is longer than any sensible one."""
    return UNDEFINED if is_missing(name) else one_line(str(name), NAME_LIMIT)


def is_missing(value: object) -> bool:
    """Whether there is nothing to show: None or NaN."""
    return value is None or value != value


def as_markdown(text: str) -> Markup:
    """The text on one line of Markdown, or in a cell of a table, without any effect."""
    acting = r"[\\`*~$|\[\]]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\."
    line = re.sub(acting, r"\\\g<0>", one_line(text))
    line = re.sub(r"^(\d*)(#|[-+=](?!\w)|(?<=\d)[.)](?!\S))", r"\1\\\2", line)
    # Markdown lets HTML through: only references write these characters safely.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(line)  # noqa: S704 - nothing is left that acts


def as_csv(frame: pd.DataFrame) -> bytes:
    """A frame as a CSV file, with no text that a spreadsheet computes."""

    def safe(cell: Any) -> Any:
        if is_missing(cell) or isinstance(cell, bool | int | float):
            return cell
        return re.sub("^(?=[-=+@＝＋－＠])", "'", one_line(str(cell), CELL_LIMIT))

    told = frame.map(safe).rename(columns=safe)
    return told.to_csv(index=False, lineterminator="\n").encode("utf-8", "replace")


Write = Callable[[float | None], str]


def _number(form: str, number: float | None, factor: int = 1, unit: str = "") -> str:
    if number is None or math.isnan(number):
        return UNDEFINED
    return f"{factor * number:{form}}{unit}".replace("-", "−")


percent = partial(_number, "z.1f", factor=100, unit="%")  # 69.8%
hundredfold = partial(_number, "z.1f", factor=100)  # percentage points: 7.4
signed = partial(_number, "+z.1f", factor=100)  # the same with the sign: +7.4
whole = partial(_number, ",.0f")  # 1,234
decimals = partial(_number, "z.2f")  # 0.87
points = partial(_number, ".2g")  # mean points of a case: 10 or 6.3
signed_points = partial(_number, "+.2g")  # with the sign: +0.5


def p_value(p: float | None) -> str:
    """For example 0.012, or < 0.001."""
    return "< 0.001" if p is not None and p < 0.001 else _number(".3f", p)


def dollars(cost: float | None) -> str:
    """For example $1.23, or < $0.01."""
    told = "< $0.01" if cost and 0 < cost < 0.005 else f"${_number(',.2f', cost)}"
    return told.replace("$–", "–")


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds, for example 0:03:20."""
    return "–" if seconds is None or math.isnan(seconds) else f"{timedelta(seconds=round(seconds))}"


def bounds(row: Any, name: str, write: Write = hundredfold) -> str:
    """The interval of a row's value with a blank before it: (61.2–78.4); nothing if undefined."""
    lower, upper = row.get(f"{name}_lower"), row.get(f"{name}_upper")
    if is_missing(lower) or is_missing(upper):
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

"""Text of models, providers and data, made safe to show anywhere."""

from typing import Any

TEXT_LIMIT = 2_000  # characters shown


def visible(text: str, limit: int = TEXT_LIMIT) -> str:
    """Cuts a text, and replaces by � every character that could hide or disturb other text.

    These are control characters (which start the escape sequences of terminals), zero-width
    characters, changes of direction, and half surrogate pairs. Line breaks stay; other white space
    becomes a blank.
    """
    cut = len(text) - limit
    text = f"{text[:limit]}… ({cut:,} characters cut)" if cut > 0 else text
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c == "\n" else " " if c.isspace() else "�"
        for c in text.replace("\r\n", "\n")
    )


def one_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """The visible text with its white space collapsed."""
    return " ".join(visible(text, limit).split())


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Builds an object of JSON (`object_pairs_hook`); raises `ValueError` if it has a key twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("an object has a key twice")
    return dict(pairs)

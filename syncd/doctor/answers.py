"""Reading what a system answered, whatever it holds: a table, a list, a word, a number, or nothing. Pure.

A doctor meets systems that are set up in any way, behind any proxy; no answer may end in a trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 60  # characters of a system's own words that are shown


def table(value: object) -> Mapping[str, Any]:
    """A table with names, empty for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return value if all(isinstance(name, str) for name in value) else {str(name): one for name, one in value.items()}


def rows(value: object) -> list[Any]:
    """A list, empty for anything else."""
    return list(value) if isinstance(value, list | tuple) else []


def words(value: object) -> list[str]:
    """The texts in a list."""
    return [one for one in rows(value) if isinstance(one, str)]


def word(value: object) -> str:
    """A text on one line that is not too long; "" for anything else."""
    if not isinstance(value, str):
        return ""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in value[: 4 * LONGEST]).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def number(value: object) -> int | None:
    """A whole number, also as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value) if isinstance(value, str) or abs(value) < 10**15 else ""
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 15 else None


def listed(names: list[str], most: int = 6) -> str:
    """Names for a line, the first of many."""
    shown = ", ".join(word(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

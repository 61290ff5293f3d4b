"""Prints the stories the planner is held to, for people of the firm: what happened, why so, what is done."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

STORIES = Path(__file__).parent.parent / "tests" / "golden"


def stories() -> str:
    """Every story, in the order of their numbers."""
    return "\n\n".join(_told(number, story) for number, story in enumerate(_read(), 1))


def _read() -> Iterator[Mapping[str, Any]]:
    for path in sorted(STORIES.glob("*.toml")):
        yield tomllib.loads(path.read_text("utf-8"))


def _told(number: int, story: Mapping[str, Any]) -> str:
    steps = "\n".join(f"- {step.strip()}" for step in story["plan"]["steps"])
    return f"### {number}. {story['title']}\n\n{story['why']}\n\n{steps}"

"""What `syncd doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was seen, and in one sentence what to do ("" if nothing)."""

    name: str
    grade: Literal["ok", "warn", "fail"]
    seen: str
    todo: str = ""
    code: int = 0


def ok(name: str, seen: str) -> Finding:
    """As it should be."""
    return Finding(name, "ok", seen)


def warn(name: str, seen: str, todo: str) -> Finding:
    """Works, but should be looked at."""
    return Finding(name, "warn", seen, todo)


def fail(name: str, seen: str, todo: str, code: int = 1) -> Finding:
    """Must be put right; `code` is the exit code it asks for."""
    return Finding(name, "fail", seen, todo, code)

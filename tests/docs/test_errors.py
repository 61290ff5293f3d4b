"""Every error a person may read in one line is in TROUBLESHOOTING, in its own words, as the code has them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from scripts.docs_update import ROOT
from services.espocrm_answers import _HARMLESS

PAGE = "docs/TROUBLESHOOTING.md"
# What is raised with words of its own; a Refusal says itself what to give instead.
ERRORS = frozenset(
    {
        "Outage", "TimedOut", "CircuitOpen", "Retryable", "Refused", "Denied", "Credentials", "Missing", "Modified",
        "Duplicate", "garbage", "LedgerUnavailable", "WrongRevision", "CannotListen", "RedisServerError",
        "RedisUnavailable", "NoLedger",
    }
)  # fmt: skip
SOURCES = ("services", "syncd")
BLANK = "\0"


@cache
def page() -> str:
    return " ".join((ROOT / PAGE).read_text("utf-8").split())


@cache
def sayings() -> tuple[tuple[str, str], ...]:
    """Where, and the first piece of fixed words of each error."""
    return tuple(_sayings())


def _sayings() -> Iterator[tuple[str, str]]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "sandbox" in path.parts:
                continue
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(call, ast.Call) and _name(call.func) in ERRORS:
                    for text in (one for argument in call.args for one in _texts(argument)):
                        pieces = [one.strip() for one in re.split(r"[\0:;(]|`[^`]*`", text)]
                        for piece in [one for one in pieces if " " in one][:1]:
                            yield f"{path.name}:{call.lineno}", piece


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _texts(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(str(one.value) if isinstance(one, ast.Constant) else BLANK for one in values)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_texts(body), *_texts(orelse)]
        case ast.BoolOp(values=values):
            return [text for one in values for text in _texts(one)]
    return []


def test_every_error_of_one_line_is_explained() -> None:
    missing = [f"{where}: {words}" for where, words in sayings() if words not in page()]
    assert not missing, f"say in {PAGE} what it means"


def test_errors_were_found_at_all() -> None:
    words = {words for _, words in sayings()}
    assert {"the answer is not JSON", "the ledger has an older form", "the list is cut short"} <= words


def test_every_reason_of_espocrm_that_is_passed_on_is_explained() -> None:
    pieces = re.split(r"\(\?:|\)\??|\||\\[wd]\+|\[[^]]*\]\+?|\\\.", _HARMLESS.pattern)
    words = {piece.strip(" '`.,:?") for piece in pieces}
    fixed = {one for one in words if " " in one}
    assert "Can't relate with non-existing record" in fixed
    missing = [one for one in sorted(fixed) if one not in page()]
    assert not missing, f"say in {PAGE} what it means"

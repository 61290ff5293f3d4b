"""What the daemon says to clerks."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers.spec import Side
from syncd.messages import CODES, MAX_LENGTH, sentence, text
from syncd.model import Notice

ROOT = Path(__file__).parents[2] / "syncd"
LANGUAGES = ("de", "en")
UMLAUTS = "äöüßÄÖÜ"


def notices() -> Iterator[tuple[str, ast.Call]]:
    """Every `Notice(...)` in the program."""
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)) if "Notice(" in source else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice":
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def literal(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else next(word.value for word in call.keywords if word.arg == "code")
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


NOTICES = tuple(notices())
USED = {code for _, call in NOTICES if (code := literal(call)) is not None}


def test_every_notice_in_the_program_has_a_sentence() -> None:
    assert USED
    assert USED <= CODES


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence_that_says_fields_and_detail_it_is_given(code: str, language: str) -> None:
    said = sentence(Notice(code, ("lastName", "titel"), "104860"), language)
    assert said.endswith((".", "?", "!"))
    assert "{" not in said
    assert said[0].isupper() or said.startswith(("lastName", "104860"))


@pytest.mark.parametrize(("place", "call"), [pytest.param(*item, id=item[0]) for item in NOTICES])
def test_whoever_says_a_sentence_gives_it_what_it_needs(place: str, call: ast.Call) -> None:
    code = literal(call)
    if code is None:
        return
    said = sentence(Notice(code, ("FELD",), "EINZELHEIT"), "de")
    given: dict[str | None, ast.expr] = {word.arg: word.value for word in call.keywords}
    given |= dict(zip(("code", "fields", "detail"), call.args, strict=False))
    for name, mark in (("fields", "FELD"), ("detail", "EINZELHEIT")):
        if mark in said:
            argument = given.get(name)
            assert argument is not None, place
            assert not (isinstance(argument, ast.Tuple) and not argument.elts), place


@pytest.mark.parametrize("code", sorted(CODES))
def test_both_languages_say_the_same_things(code: str) -> None:
    german, english = (sentence(Notice(code, ("FELD",), "EINZELHEIT"), language) for language in LANGUAGES)
    assert german != english
    assert ("FELD" in german) == ("FELD" in english)
    assert ("EINZELHEIT" in german) == ("EINZELHEIT" in english)
    assert not any(letter in UMLAUTS for letter in english)


def test_curly_brackets_in_a_detail_are_text() -> None:
    assert "{fields} {0}" in sentence(Notice("failed", (), "{fields} {0}"), "de")


def test_every_language_but_german_is_english() -> None:
    assert sentence(Notice("unnamed", ("lastName",)), "fr") == sentence(Notice("unnamed", ("lastName",)), "en")


def test_several_notices_are_one_text_with_a_line_each() -> None:
    both = text([Notice("by_hand", ("registergericht",)), Notice("dispute", ("titel",))], "de")
    assert both is not None
    assert len(both.splitlines()) == 2


def test_nothing_to_say_is_null() -> None:
    assert text([], "de") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_never_longer_than_espocrms_field(language: str) -> None:
    many = [Notice(code, tuple(string.ascii_letters), "9" * 500) for code in sorted(CODES)]
    long = text(many, language)
    assert long is not None
    assert len(long) == MAX_LENGTH == 2000


def test_no_sentence_is_there_for_nothing() -> None:
    chosen_at_run_time = {"dispute", "by_hand", "refused_espo", "twin_stays", "empty_by_hand"}
    chosen_at_run_time |= {"list_full", "kept", "lost_entry", "double", "rows", "row_gone", "deleted_in_advoware"}
    chosen_at_run_time |= {f"refused_by_{side}" for side in Side}
    assert chosen_at_run_time == CODES - USED

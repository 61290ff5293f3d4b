"""Whatever the ledger refuses is told in the reader's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import syncd.ledger
from syncd.ui.refusals import told

FOLDER = Path(syncd.ledger.__file__).parent
SOURCES = [FOLDER / f"{name}.py" for name in ("choices", "requests", "undo", "discard")]
# Pieces that only fill a place in another sentence.
PARTS = ("remove the number", "correct ", "enter a name", "see `syncd guard`", "confirm it")


def text_of(node: ast.expr) -> str | None:
    """A literal or f-string, with 7 in place of what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return None


def sentences() -> Iterator[str]:
    """What these modules raise as `Refusal`, or keep to do so."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="Refusal"), args=[ast.expr() as first]):
                    yield from filter(None, [text_of(first)])
                case ast.Assign(targets=[ast.Name(id="_INSTEAD" | "_STATES")], value=ast.Dict(values=values)):
                    own = "guard 7: {}" if path.stem == "discard" else "{}"
                    found = [own.format(text) for text in map(text_of, values) if text]
                    yield from (text for text in found if not text.startswith(PARTS))
                case ast.FunctionDef(name="_changed_again"):
                    returned = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
                    yield from filter(None, map(text_of, returned))


FOUND = sorted({text for text in sentences() if text not in ("7", "guard 7: 7")})


def test_the_sentences_are_found() -> None:
    assert len(FOUND) > 35


@pytest.mark.parametrize("sentence", FOUND)
def test_every_refusal_has_words_in_german(sentence: str) -> None:
    german = told(sentence, "de")
    assert german != sentence
    assert "{" not in german
    assert "`syncd" not in told(sentence, "en")


def test_what_nobody_has_put_in_words_is_shown_as_it_is() -> None:
    assert told("something new", "de") == "something new"

"""The clerks' guide explains every status they can see, and quotes every sentence they can read as it is written."""

from __future__ import annotations

import re

import pytest

from scripts.docs_update import ROOT
from syncd import courier, messages
from syncd.model import Notice, Status
from syncd.setup.words import STATES

PAGE = (ROOT / "docs" / "SCHNELLSTART_SACHBEARBEITUNG.md").read_text("utf-8")
ROW = re.compile(r"^\| (?P<first>[^|]+?) \|(?P<rest>.+)\|$", re.MULTILINE)


def rows() -> dict[str, str]:
    """First cell of every row of a table -> the rest of it."""
    return {found["first"]: found["rest"].strip() for found in ROW.finditer(PAGE)}


@pytest.mark.parametrize("code", sorted(messages.CODES))
def test_every_sentence_is_quoted_and_explained(code: str) -> None:
    said = messages.sentence(Notice(code, ("…",), "…"), "de")
    assert rows().get(said), said


def test_no_sentence_is_quoted_that_is_not_said() -> None:
    said = {messages.sentence(Notice(code, ("…",), "…"), "de") for code in messages.CODES}
    quoted = {first for first in rows() if first.endswith(".")}
    assert quoted <= said


@pytest.mark.parametrize("status", Status)
def test_every_status_is_explained(status: Status) -> None:
    explained = rows().get(STATES[status].de, "")
    assert f"`{status}`" in explained, "under the words EspoCRM shows"


def test_the_task_has_the_name_it_is_given() -> None:
    assert courier._TITLES["waiting"][0] in " ".join(PAGE.split())

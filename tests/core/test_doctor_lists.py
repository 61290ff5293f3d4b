"""What the doctor says of phones and e-mails: each thing that is missing, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION
from mappers.spec import Direction
from syncd.doctor_lists import answered, needed, unseen

TYPES = ["Mobile", "Office", "Home", "Fax", "Other"]
GOOD: dict[str, Any] = {
    "phoneNumber": {"type": "phone", "typeList": TYPES},
    "emailAddress": {"type": "email"},
    "kommunikationHash": {"type": "varchar", "maxLength": 16},
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"phoneNumber": {"type": "phone"}},
        {"phoneNumber": {"type": "phone", "typeList": [*TYPES, "Zentrale"]}},
        {"kommunikationHash": {"type": "varchar"}},
        {"kommunikationHash": {"type": "text", "maxLength": 100}},
    ],
)
def test_what_can_hold_the_lists_is_well(changes: dict[str, Any]) -> None:
    [finding] = needed(BETEILIGTE, GOOD | changes)
    assert (finding.grade, finding.name) == ("ok", "kommunikation of CBeteiligte")


@pytest.mark.parametrize(
    ("name", "definition", "about", "seen", "todo"),
    [
        ("phoneNumber", None, "field phoneNumber", "does not exist", "type Person or Company"),
        ("emailAddress", None, "field emailAddress", "does not exist", 'direction = "off" for kommunikation'),
        ("emailAddress", {"type": "varchar"}, "field emailAddress", "is of type varchar", "must be of type email"),
        (
            "phoneNumber",
            {"type": "phone", "typeList": ["Office", "Mobile"]},
            "types of phoneNumber",
            "lack Fax, Home, Other",
            "add them to the field's types",
        ),
        ("kommunikationHash", None, "field kommunikationHash", "does not exist", "varchar of length 16"),
        ("kommunikationHash", {"type": "int"}, "field kommunikationHash", "is of type int", "varchar of length 16"),
        (
            "kommunikationHash",
            {"type": "varchar", "maxLength": 10},
            "field kommunikationHash",
            "holds 10 characters",
            "make it 16 long",
        ),
    ],
)
def test_what_is_missing_is_told_with_its_remedy(
    name: str, definition: dict[str, Any] | None, about: str, seen: str, todo: str
) -> None:
    defined = {field: one for field, one in (GOOD | {name: definition}).items() if one is not None}
    [finding] = needed(BETEILIGTE, defined)
    assert (finding.grade, finding.name, finding.seen) == ("fail", about, seen)
    assert todo in finding.todo


@pytest.mark.parametrize("body", [{}, {"kommunikation": "?"}, {"kommunikation": {"id": 1}}])
def test_an_answer_without_the_list_is_told(body: dict[str, Any]) -> None:
    [finding] = answered(BETEILIGTE, body)
    assert (finding.grade, finding.name) == ("fail", "assumption kommunikation")
    assert "left alone" in finding.todo


@pytest.mark.parametrize("rows", [None, [], [{"id": 1, "tlf": "0511 1", "bemerkung": "", "online": True, "kommKz": 0}]])
def test_an_answer_with_the_list_is_well(rows: object) -> None:
    assert answered(BETEILIGTE, {"kommunikation": rows}) == []


def test_a_formula_must_look_at_both_forms_of_each_list() -> None:
    both = "isAttributeChanged('phoneNumberData') || isAttributeChanged('emailAddressData')"
    assert unseen(BETEILIGTE, both) == ["phoneNumber", "emailAddress"]
    assert unseen(BETEILIGTE, f"{both} || f('phoneNumber') || f('emailAddress')") == []


def test_a_list_that_is_switched_off_needs_nothing() -> None:
    off = replace(BETEILIGTE, lists=(replace(KOMMUNIKATION, direction=Direction.OFF),))
    assert needed(off, {}) == []
    assert answered(off, {}) == []
    assert unseen(off, "") == []

"""The independent judge of one pair's phones and e-mails: it accepts a healthy pair and names each fault."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from syncd.sandbox import Sandbox
from syncd.sandbox.reachability import (
    advoware_values,
    differences,
    espo_values,
    meaning,
    readable,
    user_text,
)

OFFICE, MAIL = "+49511123456", "a@example.org"


def _mark(value: str, kind: int, text: str = "") -> str:
    return f"[ESPOCRM:{base64.b64encode(value.encode()).decode()}:{kind}]{' ' if text else ''}{text}"


def _phone(value: str, primary: bool = True) -> dict[str, Any]:
    return {"phoneNumber": value, "type": "Office", "primary": primary, "optOut": False, "invalid": False}


def _mail(value: str, primary: bool = True) -> dict[str, Any]:
    return {"emailAddress": value, "lower": value.lower(), "primary": primary, "optOut": False, "invalid": False}


def _entry(
    number: int, kind: int, tlf: str | None, bemerkung: str | None = None, online: bool = False
) -> dict[str, Any]:
    return {"id": number, "kommKz": kind, "tlf": tlf, "bemerkung": bemerkung, "online": online}


def _espo(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "phoneNumberData": [one for one in entries if "phoneNumber" in one],
        "emailAddressData": [one for one in entries if "emailAddress" in one],
    }


def _advoware(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"kommunikation": list(entries)}


ESPO = _espo(_phone(OFFICE), _mail(MAIL))
ENTRIES = (_entry(1, 1, "0511/12 34-56", _mark(OFFICE, 1, "nur vormittags"), True), _entry(2, 4, "A@example.org"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0511/12345-60", "+495111234560"),
        ("0511 1234560 ext. 12", "+495111234560"),
        ("+49 (0)511 1234560;ext=9", "+495111234560"),
        ("0043 1 5880-0", "+43158800"),
        (" Max.Muster@Example.ORG ", "max.muster@example.org"),
        (" nach 18 Uhr fragen ", "nach 18 Uhr fragen"),
        ("siehe Akte", "siehe Akte"),
        ("0511 1234567890123456", "0511 1234567890123456"),
        ("  ", None),
        ("", None),
        (None, None),
    ],
)
def test_two_spellings_of_one_number_mean_the_same(text: str | None, expected: str | None) -> None:
    assert meaning(text) == expected
    assert expected is None or meaning(expected) == expected


@pytest.mark.parametrize(("value", "expected"), [(OFFICE, True), (MAIL, True), ("siehe Akte", False), (None, False)])
def test_a_text_is_no_number(value: str | None, expected: bool) -> None:
    assert readable(value) is expected


@pytest.mark.parametrize(
    ("bemerkung", "expected"),
    [
        (_mark(OFFICE, 1, "nur vormittags"), "nur vormittags"),
        (_mark(OFFICE, 1), ""),
        ("[ESPOCRM-SLOT:3] alt", "alt"),
        ("[ESPOCRM-SLOT:3]", ""),
        ("[RA] Zentrale", "[RA] Zentrale"),
        ("[ESPOCRM:kaputt", "[ESPOCRM:kaputt"),
        ("Mutter [ESPOCRM-SLOT:3]", "Mutter [ESPOCRM-SLOT:3]"),
        (None, ""),
    ],
)
def test_what_people_wrote_stands_behind_the_marker(bemerkung: str | None, expected: str) -> None:
    assert user_text(bemerkung) == expected


def test_a_healthy_pair_gives_no_difference() -> None:
    beteiligter = _advoware(
        *ENTRIES,
        _entry(3, 3, "", "[ESPOCRM-SLOT:3] alter Text"),
        _entry(4, 2, "0511 123456"),  # the same number as a fax, typed by somebody
        _entry(5, 5, "www.example.org"),
        _entry(6, 11, "post@example.org"),
        _entry(7, 12, "DE.BRAK.1"),
        _entry(8, 6, None, _mark("+49511999", 6)),  # emptied by a person: the old marker may stay
        _entry(9, 3, " ", "[ESPOCRM-SLOT:0]"),
    )
    assert differences(ESPO, beteiligter) == []
    assert sorted(advoware_values(beteiligter)) == [OFFICE, OFFICE, MAIL]
    assert espo_values(ESPO) == [OFFICE, MAIL]


def test_a_seeded_pair_gives_no_difference(sandbox: Sandbox) -> None:
    for record, betnr in sandbox.seed.synced(20):
        record_now, beteiligter = sandbox.people.espo.see(record), sandbox.people.advoware.see(betnr)
        assert differences(record_now, beteiligter) == []
        assert sorted(espo_values(record_now)) == sorted(advoware_values(beteiligter))


def test_two_sides_without_any_number_agree() -> None:
    assert differences(_espo(), _advoware()) == []
    assert differences({}, {}) == []


FAULTS: list[tuple[str, dict[str, Any], tuple[dict[str, Any], ...], str]] = [
    ("missing in Advoware", _espo(_phone(OFFICE), _mail(MAIL)), ENTRIES[:1], f"{MAIL} is in EspoCRM only"),
    ("missing in EspoCRM", _espo(_phone(OFFICE)), ENTRIES, f"{MAIL} is in Advoware only"),
    (
        "another number on each side",
        _espo(_phone("+49511999999"), _mail(MAIL)),
        ENTRIES,
        f"+49511999999 is in EspoCRM only; {OFFICE} is in Advoware only; ",
    ),
    (
        "twice in EspoCRM",
        _espo(_phone(OFFICE), _phone("+49 511 123456", False), _mail(MAIL)),
        ENTRIES,
        f"{OFFICE} is 2 times in EspoCRM",
    ),
    (
        "two primaries",
        _espo(_phone(OFFICE), _mail(MAIL), _mail("b@example.org")),
        (*ENTRIES, _entry(3, 4, "b@example.org")),
        "2 of 2 entries of emailAddressData are primary",
    ),
    (
        "no primary",
        _espo(_phone(OFFICE, False), _mail(MAIL)),
        ENTRIES,
        "0 of 1 entries of phoneNumberData are primary",
    ),
    (
        "made twice",
        ESPO,
        (*ENTRIES, _entry(3, 1, OFFICE, _mark(OFFICE, 1))),
        f"{OFFICE} (kommKz 1) is 2 times in Advoware with our marker",
    ),
    (
        "no end of the marker",
        ESPO,
        (_entry(1, 1, OFFICE, "[ESPOCRM:abc"), ENTRIES[1]),
        "entry 1 has a marker that cannot be read: '[ESPOCRM:abc'",
    ),
    (
        "a value that is no base64",
        ESPO,
        (_entry(1, 1, OFFICE, "[ESPOCRM:abc:1]"), ENTRIES[1]),
        "entry 1 has a marker whose value cannot be decoded: '[ESPOCRM:abc:1]'",
    ),
    (
        "a value that is no text",
        ESPO,
        (_entry(1, 1, OFFICE, "[ESPOCRM:/w==:1]"), ENTRIES[1]),
        "entry 1 has a marker whose value cannot be decoded: '[ESPOCRM:/w==:1]'",
    ),
    (
        "an older value in the marker",
        ESPO,
        (_entry(1, 1, OFFICE, _mark("+49511999999", 1)), ENTRIES[1]),
        f"entry 1 is marked as '+49511999999' and says '{OFFICE}'",
    ),
    (
        "another kind in the marker",
        ESPO,
        (_entry(1, 1, OFFICE, _mark(OFFICE, 2)), ENTRIES[1]),
        "entry 1 of kommKz 1 is marked as 2",
    ),
    (
        "a slot that says something",
        ESPO,
        (_entry(1, 1, OFFICE, "[ESPOCRM-SLOT:1]"), ENTRIES[1]),
        f"entry 1 is marked as a free slot and says '{OFFICE}'",
    ),
    (
        "a slot that is shown",
        ESPO,
        (*ENTRIES, _entry(3, 1, "", "[ESPOCRM-SLOT:1]", True)),
        "entry 3 is a free slot and still online",
    ),
    (
        "a slot of another kind",
        ESPO,
        (*ENTRIES, _entry(3, 1, "", "[ESPOCRM-SLOT:3]")),
        "entry 3 of kommKz 1 is marked as 3",
    ),
]


@pytest.mark.parametrize(("record", "entries", "line"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_each_fault_is_named(record: dict[str, Any], entries: tuple[dict[str, Any], ...], line: str) -> None:
    assert "; ".join(differences(record, _advoware(*entries))).startswith(line.strip("; "))


def test_only_what_is_excused_may_be_missing() -> None:
    beteiligter = _advoware(*ENTRIES, _entry(3, 10, "nach 18 Uhr fragen", _mark("0511 999", 10)))
    assert differences(ESPO, beteiligter) == [
        "nach 18 Uhr fragen is in Advoware only",
        "entry 3 is marked as '0511 999' and says 'nach 18 Uhr fragen'",
    ]
    assert differences(ESPO, beteiligter, {"nach 18 Uhr fragen"}) == []
    assert differences(ESPO, beteiligter, {"nach 19 Uhr fragen"})


def test_people_may_type_one_number_twice_themselves() -> None:
    twins = (_entry(3, 1, "0511 123456"), _entry(4, 2, OFFICE, _mark(OFFICE, 2)))
    assert differences(ESPO, _advoware(*ENTRIES, *twins)) == []


def test_a_guessed_kind_is_written_as_0() -> None:
    assert differences(_espo(_phone(OFFICE)), _advoware(_entry(1, 6, OFFICE, _mark(OFFICE, 0)))) == []

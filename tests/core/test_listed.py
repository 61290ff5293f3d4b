"""Entries of lists as people see them: side by side, in words, with what is known of them and what waits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION, PHONES, advoware_raw, espo_raw
from mappers.spec import Side
from syncd.listed import Known, Listed, columns, entry_words, listed, raw_words, remembered
from syncd.model import Base, EntryWrite, Key, Memory

OFFICE, MOBILE, FAX = "+4951112345", "+491712345678", "+4951112346"
KEY = "beteiligte/a"


def marker(value: str, kind: int) -> str:
    return f"[ESPOCRM:{base64.b64encode(value.encode()).decode()}:{kind}]"


def row(id: int, tlf: str, kind: int, remark: str = "", *, online: bool = False) -> dict[str, Any]:
    return {"id": id, "tlf": tlf, "bemerkung": remark, "online": online, "kommKz": kind}


def raw(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "id"}


ESPO = {
    "phoneNumberData": [espo_raw(PHONES, OFFICE, "Office", True), espo_raw(PHONES, FAX, "Fax", False)],
    "emailAddressData": [{"emailAddress": "Anna@example.com", "primary": True, "optOut": False, "invalid": False}],
}
LINKED = row(501, "0511/12345", 1, marker("0511/12345", 1) + " Zentrale", online=True)
TWIN = row(502, "0511 12345", 6)
SLOT = row(503, "", 3, "[ESPOCRM-SLOT:3] alt")
EMPTY = row(504, "", 2)
NEW = row(505, MOBILE, 0, "nur abends")
ADVOWARE = {"kommunikation": [LINKED, TWIN, SLOT, EMPTY, NEW]}
BASE = {
    "kommunikation:501": Base(ESPO["phoneNumberData"][0], raw(LINKED), KOMMUNIKATION.rule),
    "kommunikation:502": Base(None, raw(TWIN), KOMMUNIKATION.rule),
}
MEMORY = Memory(Key.parse(KEY), base=BASE)


def by_name(lines: tuple[Listed, ...]) -> dict[str | None, Listed]:
    return {line.entry: line for line in lines if line.entry}


def test_every_entry_of_both_sides_is_told_once() -> None:
    lines = listed(BETEILIGTE, MEMORY, ESPO, ADVOWARE)
    assert {name: line.known for name, line in by_name(lines).items()} == {
        "kommunikation:501": Known.LINKED,
        "kommunikation:502": Known.TWIN,
        "kommunikation:503": Known.SLOT,
        "kommunikation:504": Known.EMPTY,
        "kommunikation:505": Known.UNKNOWN,
    }
    alone = [line.espocrm for line in lines if line.entry is None]
    assert alone == [
        {"value": FAX, "kind": "Fax", "main": False},
        {"value": "Anna@example.com", "kind": None, "main": True},
    ]


@pytest.mark.parametrize(
    ("name", "german", "english"),
    [
        (
            "kommunikation:501",
            (f"{OFFICE} Office (primary)", "0511/12345 TelGesch (online)", "verknüpft", "Zentrale", "–"),
            "linked",
        ),
        ("kommunikation:502", ("–", "0511 12345 TelPrivat", "Zwilling", "–", "–"), "twin"),
        ("kommunikation:503", ("–", "(empty) Mobil", "Slot", "alt", "–"), "slot"),
        ("kommunikation:504", ("–", "(empty) FaxGesch", "leer", "–", "–"), "empty"),
        ("kommunikation:505", ("–", f"{MOBILE} Mobil?", "unbekannt", "nur abends", "–"), "unknown"),
    ],
)
def test_an_entry_is_one_row_of_words(name: str, german: tuple[str, ...], english: str) -> None:
    line = by_name(listed(BETEILIGTE, MEMORY, ESPO, ADVOWARE))[name]
    assert columns(line, "de") == german
    assert columns(line, "en")[2] == english


def test_a_linked_entry_without_its_marker_is_said_to_be_so() -> None:
    bare = {**ADVOWARE, "kommunikation": [{**LINKED, "bemerkung": "Zentrale"}]}
    line = by_name(listed(BETEILIGTE, MEMORY, ESPO, bare))["kommunikation:501"]
    assert columns(line, "de")[2] == "verknüpft, ohne Marker"
    assert columns(line, "en")[2] == "linked, unmarked"


def test_what_waits_and_what_was_refused_stands_beside_the_entry() -> None:
    waiting = replace(
        MEMORY,
        waiting={"kommunikation:501": "manual"},
        quarantine={(Side.ESPO, "kommunikation:505"): "Zentrale", (Side.ADVOWARE, "kommunikation:501.online"): "True"},
    )
    lines = by_name(listed(BETEILIGTE, waiting, ESPO, ADVOWARE))
    assert columns(lines["kommunikation:501"], "de")[4] == "manual"
    assert lines["kommunikation:505"].refused == {Side.ESPO: "Zentrale"}
    assert columns(lines["kommunikation:505"], "de")[4] == "refused_espocrm"


def test_a_side_that_cannot_be_read_shows_nothing() -> None:
    assert [line.espocrm for line in listed(BETEILIGTE, MEMORY, None, ADVOWARE)] == [None] * 5
    assert [line.advoware for line in listed(BETEILIGTE, MEMORY, ESPO, None)] == [None] * 3


def test_what_the_ledger_remembers_is_told_without_asking_anybody() -> None:
    rows = [
        {"field": name, "espo": base.espo, "advoware": base.advoware, "rule": base.rule, "shared": None}
        for name, base in BASE.items()
    ]
    other = {"field": "titel", "espo": "Dr.", "advoware": "Dr.", "rule": "x", "shared": None}
    record = {
        "base": [other, *rows],
        "conflicts": [
            {"field": "kommunikation:501", "kind": "manual", "state": "open"},
            {"field": "kommunikation:502", "kind": "twin_stays", "state": "settled"},
        ],
        "quarantine": [],
    }
    lines = by_name(remembered(BETEILIGTE, KEY, record))
    assert lines["kommunikation:501"].waiting == "manual"
    assert lines["kommunikation:501"].advoware is not None
    assert lines["kommunikation:501"].advoware["value"] == "0511/12345"
    assert (lines["kommunikation:502"].known, lines["kommunikation:502"].waiting) == (Known.TWIN, None)
    assert len(lines) == 2


def write(before: Mapping[str, Any] | None, tlf: str, remark: str, online: bool, id: int | None = 501) -> EntryWrite:
    kind = {} if id is not None else {"kommKz": 3}
    body = advoware_raw(tlf, remark, online) | kind
    return EntryWrite("kommunikation:501", PHONES, before, tlf or None, None, id, body)


@pytest.mark.parametrize(
    ("planned", "words"),
    [
        (write(None, MOBILE, marker(MOBILE, 3), True, None), f"add {MOBILE} Mobil (online)"),
        (
            write(raw(LINKED), "+49511999", marker("+49511999", 1) + " Zentrale", True),
            "501: 0511/12345 TelGesch (online) becomes +49511999 and gets a marker",
        ),
        (
            write(raw(LINKED), "0511/12345", LINKED["bemerkung"], False),
            "501: 0511/12345 TelGesch (online) is online no more",
        ),
        (
            write(raw(TWIN), "", "[ESPOCRM-SLOT:6]", False),
            "501: 0511 12345 TelPrivat is emptied and becomes a slot",
        ),
        (
            write(raw(NEW), MOBILE, marker(MOBILE, 0) + " nur abends", True),
            f"501: {MOBILE} is online and gets a marker",
        ),
        (
            write(raw(SLOT), "0511 1", marker("0511 1", 3), False),
            "501: (empty) Mobil becomes 0511 1 and gets a marker",
        ),
        (
            write({**raw(TWIN), "bemerkung": "cu"}, "0511 12345", "cut no more", False),
            "501: 0511 12345 TelPrivat gets its remark back",
        ),
        (EntryWrite("kommunikation:501", PHONES, None, MOBILE), f"phoneNumberData: add {MOBILE}"),
        (
            EntryWrite("kommunikation:501", PHONES, ESPO["phoneNumberData"][1], None),
            f"phoneNumberData: remove {FAX} Fax",
        ),
        (
            EntryWrite("kommunikation:501", PHONES, ESPO["phoneNumberData"][1], MOBILE),
            f"phoneNumberData: {FAX} Fax becomes {MOBILE}",
        ),
        (
            EntryWrite("kommunikation:501", PHONES, ESPO["phoneNumberData"][1], FAX),
            f"phoneNumberData: {FAX} Fax is primary",
        ),
    ],
)
def test_what_is_done_to_an_entry_is_one_line(planned: EntryWrite, words: str) -> None:
    assert entry_words(KOMMUNIKATION, planned) == words


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("kommunikation:501", raw(LINKED), "0511/12345 TelGesch (online)"),
        ("kommunikation:501", ESPO["phoneNumberData"][0], f"{OFFICE} Office (primary)"),
        ("kommunikation:501", ESPO["emailAddressData"][0], "Anna@example.com (primary)"),
        ("kommunikation:501", FAX, FAX),
        ("kommunikation:501", None, None),
        ("titel", "Dr.", "Dr."),
    ],
)
def test_a_value_of_the_history_is_told_in_words(field: str, value: object, words: object) -> None:
    assert raw_words(BETEILIGTE, field, value) == words

"""Phones, faxes and e-mails of a story in few words: what was agreed on, and what people did since.

A row is `Büro +4951112345`, in Advoware with its id before and a remark behind: `2. Mobil 0171/2345678 – nur abends`;
`(Haupt)` is the main one, `2. Mobil frei` a slot. What is agreed on has our marker, what people add has none, unless
`(ohne Merkzeichen)` or `(Merkzeichen)` says otherwise.

`agreed` holds the rows both sides had, `espocrm` and `advoware` what people did to them there since: `neu:` with a row,
`weg:` with an entry, or `Mobil wird …` with a number, a kind, `leer`, `Haupt`, `nicht Haupt` or `ohne Merkzeichen`; an
entry is named by its number or the start of its row. Where nothing was agreed on, the rows each side has stand there
alone. `elsewhere`: numbers another record holds; `lost`: entries whose POST got no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappers.kommunikation import COPIES, KOMMUNIKATION, MAILS, PHONES, TYPES, VALUES, espo_raw, form, split
from mappers.spec import Mark, Side
from syncd.model import ADD, Base, FieldWrite, Intent, IntentState
from syncd.pairing import Place, place, shared_name

Numbers = Mapping[str, Any]

KINDS = {
    "Büro": 1,
    "Fax": 2,
    "Mobil": 3,
    "E-Mail": 4,
    "Internet": 5,
    "Privat": 6,
    "Fax privat": 7,
    "E-Mail privat": 8,
    "Autotelefon": 9,
    "Sonstige": 10,
    "EPost": 11,
    "beA": 12,
}
WORDS = {kind: word for word, kind in KINDS.items()}
EMPTY, SLOT = "leer", "frei"

_ROW = re.compile(
    rf"(?:(?P<id>\d+)\. )?(?P<kind>{'|'.join(sorted(KINDS, key=len, reverse=True))}) (?P<tlf>.+?)"
    r"(?P<main> \(Haupt\))?(?P<mark> \((?P<bare>ohne )?Merkzeichen\))?(?: – (?P<remark>.*))?"
)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry on either side, with the kind Advoware hides."""

    id: int
    kind: int
    tlf: str
    remark: str
    main: bool

    def is_named(self, words: str) -> bool:
        what = self.tlf or (SLOT if "SLOT" in self.remark else EMPTY)
        told = f"{WORDS[self.kind]} {what} "
        return words == self.tlf or any(text.startswith(f"{words} ") for text in (told, f"{self.id}. {told}"))


def bodies(numbers: Numbers) -> Mapping[Side, dict[str, Any]]:
    """What either record holds besides its fields."""
    agreed = _agreed(numbers)
    here, there = _first_of_each(agreed), agreed
    for line in numbers.get("espocrm", ()):
        here = _changed(here, line, exclusive=True)
    for line in numbers.get("advoware", ()):
        there = _changed(there, line, exclusive=False)
    shown = {KOMMUNIKATION.shown_in: KOMMUNIKATION.fingerprint(_advoware_body(agreed))} if agreed else {}
    lists = {channel: [raw for raw in map(_espo_raw, here) if VALUES[channel] in raw] for channel in VALUES}
    return {Side.ESPO: {**shown, **lists}, Side.ADVOWARE: _advoware_body(there)}


def base(numbers: Numbers) -> dict[str, Base]:
    """What the ledger remembers of the entries; one that says what another one says is its twin."""
    rows = {row.id: row for row in _agreed(numbers)}
    first = [row.id for row in _first_of_each(rows.values())]
    found = {}
    for entry in KOMMUNIKATION.read_advoware(_advoware_body(rows.values()), {}) or ():
        name, where = KOMMUNIKATION.entry_name(entry.id), place(entry)
        if where is not None and entry.id in first:
            raw = _espo_raw(rows[entry.id])
            found[name] = Base(raw, dict(entry.raw), KOMMUNIKATION.rule, shared_name(where))
        elif where is not None:
            found[name] = Base(None, dict(entry.raw), KOMMUNIKATION.rule)
    return found


def elsewhere(numbers: Numbers) -> dict[Place, Any]:
    """Numbers another known record holds, with the type they have there."""
    entries = [KOMMUNIKATION.read_espo_entry(_espo_raw(_row(text))) for text in numbers.get("elsewhere", ())]
    return {(entry.channel, entry.form): entry.raw for entry in entries}


def lost(numbers: Numbers, sent_at: float) -> tuple[Intent, ...]:
    """POSTs of entries whose answer never came."""
    rows = [_row(text) for text in numbers.get("lost", ())]
    writes = [FieldWrite(KOMMUNIKATION.entry_name("new:0"), _espo_raw(row), form(row.tlf)) for row in rows]
    return tuple(
        Intent(f"e{index}", Side.ADVOWARE, ADD, (write,), sent_at, IntentState.IN_DOUBT)
        for index, write in enumerate(writes)
    )


def _agreed(numbers: Numbers) -> list[Row]:
    """What both sides had."""
    return [_row(text, marked=True) for text in numbers.get("agreed", ())]


def _row(text: str, *, marked: bool = False) -> Row:
    found = _ROW.fullmatch(text)
    assert found is not None, f"not a row: {text}"
    kind, tlf, remark = KINDS[found["kind"]], found["tlf"], found["remark"] or ""
    if found["mark"]:
        marked = found["bare"] is None
    if tlf == SLOT:
        remark = KOMMUNIKATION.remark(Mark(None, kind), remark) or ""
    elif marked and tlf != EMPTY:
        remark = KOMMUNIKATION.remark(Mark(tlf, kind), remark) or ""
    return Row(int(found["id"] or 0), kind, "" if tlf in (EMPTY, SLOT) else tlf, remark, found["main"] is not None)


def _changed(rows: Sequence[Row], line: str, *, exclusive: bool) -> list[Row]:
    """The rows after one thing a person did; `exclusive`: just one can be the main one."""
    if line.startswith("weg: "):
        gone = _named(rows, line.removeprefix("weg: "))
        return [row for row in rows if row is not gone]
    words, becomes, what = line.partition(" wird ")
    if not becomes:
        return [*rows, _row(line.removeprefix("neu: "))]
    old = _named(rows, words)
    new = _become(old, what)
    lost = [row for row in rows if exclusive and new.main and ("@" in row.tlf) == ("@" in new.tlf)]
    others = [replace(row, main=False) if row in lost else row for row in rows]
    return [new if row is old else other for row, other in zip(rows, others, strict=True)]


def _become(row: Row, what: str) -> Row:
    match what:
        case "Haupt" | "nicht Haupt":
            return replace(row, main=what == "Haupt")
        case "leer":
            return replace(row, tlf="")
        case "ohne Merkzeichen":
            return replace(row, remark=split(row.remark)[1])
        case _ if what in KINDS:
            return replace(row, kind=KINDS[what])
        case _:
            return replace(row, tlf=what)


def _named(rows: Iterable[Row], words: str) -> Row:
    found = [row for row in rows if row.is_named(words)]
    assert len(found) == 1, f"{len(found)} entries are {words}"
    return found[0]


def _first_of_each(rows: Iterable[Row]) -> list[Row]:
    """What EspoCRM has of Advoware's rows: each number once, none that is empty."""
    found: dict[str, Row] = {}
    for row in rows:
        value = form(row.tlf)
        if value is not None:
            found.setdefault(value, row)
    return list(found.values())


def _espo_raw(row: Row) -> dict[str, Any]:
    mail = "@" in row.tlf
    kind = None if mail else TYPES[row.kind]
    return espo_raw(MAILS if mail else PHONES, row.tlf if mail else form(row.tlf) or "", kind, row.main)


def _advoware_body(rows: Iterable[Row]) -> dict[str, Any]:
    """Entries as Advoware answers them: the kind reads back as 0, of which the copies in the record still tell."""
    rows = list(rows)
    copies = {
        name: next((row.tlf for row in rows if row.kind == kind and row.tlf), None) for name, kind in COPIES.items()
    }
    entries = [
        {"id": row.id, "rowId": repr(row), "kommKz": 0, "tlf": row.tlf, "bemerkung": row.remark, "online": row.main}
        for row in rows
    ]
    return {**copies, "kommunikation": entries}

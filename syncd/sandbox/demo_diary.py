"""What people typed in the demonstration, in order, and when the other system showed it.

Has a view of the fields of its own, written down from the documents: what judges the engine must not share its code.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from syncd.sandbox import reachability
from syncd.sandbox.demo_children import ChildEdit
from syncd.sandbox.sandbox import ADVOWARE, ESPO, Sandbox

FIELDS = {
    "name": ("lastName", "name"),
    "vorname": ("firstName", "vorname"),
    "rechtsform": ("rechtsform", "rechtsform"),
    "anrede": ("salutationName", "anrede"),
    "titel": ("titel", "titel"),
    "zusatz": ("zusatz", "zusatz"),
    "briefanrede": ("briefanrede", "bAnrede"),
    "geburtsdatum": ("geburtsdatum", "geburtsdatum"),
    "handelsregisternummer": ("handelsregisterNummer", "handelsRegisterNummer"),
    "registergericht": ("registergericht", "registergericht"),
}
"""name in the ledger -> (attribute in EspoCRM, attribute in Advoware)"""
NUMBERS = "kommunikation"
"""what the diary calls all phones and e-mails of a record; the ledger names each entry `kommunikation:<id>`"""
SALUTATIONS = {"Mr.": "Herr", "Ms.": "Frau", "Mrs.": "Frau"}
SIDES = (ESPO, ADVOWARE)
LABELS = {ESPO: "EspoCRM", ADVOWARE: "Advoware"}


def other(side: str) -> str:
    """The system opposite."""
    return ADVOWARE if side == ESPO else ESPO


def meaning(name: str, raw: Any) -> str | None:
    """What a raw value of either system means to a reader; blank and missing are None."""
    text = unicodedata.normalize("NFC", "" if raw is None else str(raw)).replace("\r\n", "\n").strip()
    if name == "geburtsdatum":
        text = text[:10]
    if name == "anrede":
        text = SALUTATIONS.get(text, text)
    return text or None


def shown(name: str, side: str, body: Mapping[str, Any]) -> str | None:
    """What a record of one system says in a field."""
    return meaning(name, body.get(FIELDS[name][SIDES.index(side)]))


@dataclass(frozen=True)
class Typed:
    """One value a person entered. `before` is what that person saw there."""

    number: int
    at: float
    side: str
    record: str
    field: str
    value: str | None
    before: str | None

    def __str__(self) -> str:
        return f"{LABELS[self.side]} {self.record} {self.field} = {self.value!r} (edit {self.number})"


class Did(StrEnum):
    """What a person did to a phone, a fax or an e-mail."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RETYPED = "retyped"
    """another type in EspoCRM"""
    PREFERRED = "preferred"
    """made the primary one in EspoCRM"""
    NOTED = "noted"
    """text in Advoware's bemerkung"""


@dataclass(frozen=True)
class Number(Typed):
    """One act on a phone or an e-mail; `value` and `before` are meanings, equal where the value itself stayed."""

    did: Did = Did.ADDED
    raw: str | None = None
    """as that system stored it"""
    kind: str | None = None
    """type of a phone in EspoCRM"""
    entry: int | None = None
    """id in Advoware"""
    text: str = ""
    """what the bemerkung says behind our marker"""

    def __str__(self) -> str:
        what = f"{self.text!r} at {self.value}" if self.did is Did.NOTED else f"{self.before} → {self.value}"
        return f"{LABELS[self.side]} {self.record} {self.did} {what} (edit {self.number})"


def values(side: str, body: Mapping[str, Any]) -> set[str]:
    """Meanings of all phones and e-mails a record of one system has."""
    read = reachability.espo_values if side == ESPO else reachability.advoware_values
    return set(read(body))


def shows(one: Typed, side: str, body: Mapping[str, Any]) -> bool:
    """Whether a record of one system says what a person wanted."""
    if not isinstance(one, Number):
        return shown(one.field, side, body) == one.value
    there = values(side, body)
    return one.before not in there if one.value is None else one.value in there


@dataclass
class Diary:
    """Lets people act and writes down what they typed. `tell` hears of each act in words."""

    sandbox: Sandbox
    tell: Callable[[str], None]
    typed: list[Typed] = field(default_factory=list)
    born: dict[str, dict[str, Any]] = field(default_factory=dict)
    """records people created in EspoCRM, as they were then"""
    deleted: set[str] = field(default_factory=set)
    vanished: set[int] = field(default_factory=set)
    children: list[ChildEdit] = field(default_factory=list)
    """what people typed into addresses and accounts"""
    dropped: set[str] = field(default_factory=set)
    """addresses and accounts they deleted in EspoCRM"""
    waiting: dict[int, Typed] = field(default_factory=dict)
    """by number: what the other system does not show yet"""
    delays: dict[int, float] = field(default_factory=dict)
    disturbed: set[int] = field(default_factory=set)
    """by number: what was typed, or still on its way, while the daemon or a system was down"""
    calm: bool = True

    def disturb(self) -> None:
        """Something is down from now on, until `calm` is set again."""
        self.calm = False
        self.disturbed |= self.waiting.keys()

    def espo(self, record: str) -> dict[str, Any]:
        """The record in EspoCRM."""
        return self.sandbox.people.espo.see(record)

    def betnr(self, record: str) -> int | None:
        """Its number in Advoware."""
        found = self.espo(record)["betnr"]
        return int(found) if found else None

    def advoware(self, record: str) -> dict[str, Any] | None:
        """The Beteiligter of an EspoCRM record."""
        betnr = self.betnr(record)
        if betnr is None or betnr not in self.sandbox.advoware.beteiligte:
            return None
        return self.sandbox.people.advoware.see(betnr)

    def create(self, values: Mapping[str, Any], by: str) -> str:
        """A clerk enters a new record in EspoCRM."""
        record = self.sandbox.people.espo.create(values, by=by)
        self.adopt(record, by)
        return record

    def adopt(self, record: str, by: str) -> None:
        """All values of a record that only EspoCRM has were just typed."""
        body = self.espo(record)
        self.born[record] = copy.deepcopy(body)
        self.tell(f"{by} · EspoCRM · new: {body['name']}")
        for name in FIELDS:
            value = shown(name, ESPO, body)
            if value is not None:
                self._note(ESPO, record, name, value, None)
        for data, attribute in reachability.LISTS.items():
            for one in body[data]:
                self.note_number(
                    ESPO, record, None, one[attribute], Did.ADDED, raw=one[attribute], kind=one.get("type")
                )

    def edit(self, side: str, record: str, values: Mapping[str, str | None], by: str) -> None:
        """A person changes fields, by their names in the ledger, to values as that system writes them."""
        now = self.espo(record) if side == ESPO else self.advoware(record)
        if now is None:
            return
        for name, raw in values.items():
            self._note(side, record, name, meaning(name, raw), shown(name, side, now))
        raw_values = {FIELDS[name][SIDES.index(side)]: raw for name, raw in values.items()}
        if side == ESPO:
            self.sandbox.people.espo.edit(record, raw_values, by=by)
        else:
            self.sandbox.people.advoware.edit(now["betNr"], raw_values, by=by)
        what = ", ".join(f"{name} = {raw or '(cleared)'}" for name, raw in values.items())
        self.tell(f"{by} · {LABELS[side]} · {now['name']}: {what}")

    def delete(self, record: str, by: str) -> None:
        """A clerk puts a record into the bin."""
        self.tell(f"{by} · EspoCRM · deletes {self.espo(record)['name']}")
        self.sandbox.people.espo.delete(record, by=by)
        self.deleted.add(record)

    def vanish(self, record: str, by: str) -> None:
        """Somebody deletes the Beteiligter in Advoware."""
        betnr = self.betnr(record)
        assert betnr is not None
        self.tell(f"{by} · Advoware · deletes {self.espo(record)['name']}")
        self.sandbox.people.advoware.vanish(betnr)
        self.vanished.add(betnr)

    def look(self) -> None:
        """Note which values the other system shows by now."""
        now = self.sandbox.now()
        for number, one in list(self.waiting.items()):
            espo, advoware = self.espo(one.record), self.advoware(one.record)
            bodies = {ESPO: espo, ADVOWARE: advoware}
            there, here = bodies[other(one.side)], bodies[one.side]
            if there is not None and shows(one, other(one.side), there):
                self.delays[number] = now - one.at
                del self.waiting[number]
            elif here is None or not shows(one, one.side, here):
                del self.waiting[number]  # replaced before it got there

    def note_number(self, side: str, record: str, before: str | None, value: str | None, did: Did, **how: Any) -> None:
        """Write down an act on a phone or an e-mail, in whatever spelling; `how` are the further fields of Number."""
        was, now = reachability.meaning(before), reachability.meaning(value)
        one = Number(len(self.typed), self.sandbox.now(), side, record, NUMBERS, now, was, did, **how)
        self._add(one, travels=now != was and (now is None or reachability.readable(now)))

    def _note(self, side: str, record: str, name: str, value: str | None, before: str | None) -> None:
        one = Typed(len(self.typed), self.sandbox.now(), side, record, name, value, before)
        self._add(one, travels=value != before)

    def _add(self, one: Typed, travels: bool) -> None:
        self.typed.append(one)
        if not self.calm:
            self.disturbed.add(one.number)
        if travels:
            self.waiting[one.number] = one

"""What people typed in the demonstration, in order, and when the other system showed it.

Has a view of the fields of its own, written down from the documents: what judges the engine must not share its code.
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
            if there is not None and shown(one.field, other(one.side), there) == one.value:
                self.delays[number] = now - one.at
                del self.waiting[number]
            elif here is None or shown(one.field, one.side, here) != one.value:
                del self.waiting[number]  # replaced before it got there

    def _note(self, side: str, record: str, name: str, value: str | None, before: str | None) -> None:
        one = Typed(len(self.typed), self.sandbox.now(), side, record, name, value, before)
        self.typed.append(one)
        if not self.calm:
            self.disturbed.add(one.number)
        if value != before:
            self.waiting[one.number] = one

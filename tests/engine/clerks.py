"""People who edit phones and e-mails on both sides at random, and the memory of what each of them wanted.

Every value and every text is typed once only, so that the end can be judged: what became of each.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.ledger import journal, people
from syncd.ledger.store import Ledger
from syncd.sandbox.people import People
from syncd.sandbox.reachability import LISTS, TYPES, differences, living, marker, meaning, user_text

PHONES, MAILS = LISTS
KINDS = {"Office": 1, "Fax": 2, "Mobile": 3, "Home": 6, "Other": 10}
ENOUGH = 8  # numbers a person has; EspoCRM takes ten
FIELD = "kommunikation:"  # how the ledger names entries

Pair = tuple[str, int]
Entry = dict[str, Any]
Complaint = tuple[str, frozenset[str | None]]  # one line, and the values and texts it is about


@dataclass(frozen=True)
class Deed:
    """One thing a person did: `before` is what it said then, `value` what it says now; both as meanings."""

    order: int
    pair: Pair
    did: str
    before: str | None = None
    value: str | None = None
    kind: str | None = None
    entry: int | None = None
    text: str = ""

    @property
    def about(self) -> frozenset[str | None]:
        """The values and the text it is about."""
        return frozenset((self.before, self.value, self.text)) - {None, ""}


@dataclass
class Clerks:
    """The people of both systems, as far as numbers go."""

    people: People
    chance: random.Random
    deeds: list[Deed] = field(default_factory=list)
    given: int = 0

    # --- values that were never there before --------------------------------------------------

    def number(self) -> str:
        """A new telephone number as EspoCRM writes it, now and then a mobile one."""
        self.given += 1
        return f"+49{self.chance.choice(['511', '176'])}{6_000_000 + self.given}"

    def spelled(self) -> str:
        """A new telephone number as people write it in Advoware."""
        self.given += 1
        return self.chance.choice(["0511/6{:06d}", "0176 6{:06d}", "(0511) 6{:06d}"]).format(self.given)

    def address(self) -> str:
        """A new e-mail address."""
        self.given += 1
        return f"Ida{self.given}@example.org"

    def fresh(self) -> dict[str, Any]:
        """Lists of a record that somebody is about to create."""
        main, other = self.number(), self.number()
        phones = [{"phoneNumber": main, "type": "Mobile", "primary": True}, {"phoneNumber": other, "type": "Office"}]
        return {PHONES: phones, MAILS: [{"emailAddress": self.address(), "primary": True}]}

    # --- what anybody may do ------------------------------------------------------------------

    def anything(self, pair: Pair) -> None:
        """One to four acts on numbers of a pair, by people who do not see each other's."""
        for _ in range(self.chance.choice([1, 1, 2, 4])):
            (self.in_espocrm if self.chance.random() < 0.5 else self.in_advoware)(pair)

    def in_espocrm(self, pair: Pair) -> None:
        """Add, change, remove, give another type, make another one primary."""
        data = self.chance.choice([PHONES, PHONES, MAILS])
        record = self.people.espo.see(pair[0])
        rows = [dict(one) for one in record[data]]
        act = self.chance.choice(["add", "change", "change", "remove", "prefer", "retype"])
        if act == "add" or not rows:
            if self._has_room(pair):
                self._add(pair, data, rows)
            return
        row = self.chance.choice(rows)
        before = meaning(row[LISTS[data]])
        if act == "change":
            row[LISTS[data]] = self.number() if data == PHONES else self.address()
            self._save(pair, data, rows)
            self._note(pair, "changed", before, meaning(row[LISTS[data]]))
        elif act == "remove":
            rows.remove(row)
            self._save(pair, data, rows)
            self._note(pair, "removed", before)
        elif act == "prefer":
            self._save(pair, data, [{**one, "primary": one is row} for one in rows])
            self._note(pair, "preferred", before, before)
        elif data == PHONES:
            row["type"] = self.chance.choice([kind for kind in KINDS if kind != row["type"]])
            self._save(pair, data, rows)
            self._note(pair, "retyped", before, before, kind=row["type"])

    def _add(self, pair: Pair, data: str, rows: list[Entry]) -> None:
        value = self.number() if data == PHONES else self.address()
        kind = self.chance.choice(list(KINDS)) if data == PHONES else None
        new = {LISTS[data]: value, "primary": not rows} | ({"type": kind} if kind else {})
        self._save(pair, data, [*rows, new])
        self._note(pair, "added", None, meaning(value), kind=kind)

    def _save(self, pair: Pair, data: str, rows: list[Entry]) -> None:
        self.people.espo.edit(pair[0], {data: rows}, by=self.chance.choice(["anna", "bernd"]))

    def in_advoware(self, pair: Pair) -> None:
        """Add, change, empty, delete, write a text, type into a slot."""
        advoware, by = self.people.advoware, self.chance.choice(["AB", "CD"])
        beteiligter = advoware.see(pair[1])
        there = [dict(one) for one in living(beteiligter)]
        slots = [one for one in beteiligter["kommunikation"] if is_slot(one)]
        act = self.chance.choice(["add", "change", "change", "empty", "delete", "write"])
        if act == "add" and slots and self.chance.random() < 0.7:
            slot = self.chance.choice(slots)
            value = self.address() if slot["kommKz"] in (4, 8) else self.spelled()
            advoware.edit_kommunikation(pair[1], slot["id"], {"tlf": value}, by=by)
            self._note(pair, "added", None, meaning(value), entry=slot["id"])
        elif act == "add" or not there:
            if self._has_room(pair):
                kind = self.chance.choice([*KINDS.values(), 7, 9, 4, 8])
                value, text = self.address() if kind in (4, 8) else self.spelled(), self._text()
                body = {"tlf": value, "kommKz": kind, "bemerkung": text, "online": self.chance.random() < 0.2}
                number = advoware.add_kommunikation(pair[1], body, by=by)
                self._note(pair, "added", None, meaning(value), entry=number, text=text)
        else:
            self._at_entry(pair, act, self.chance.choice(there), by)

    def _at_entry(self, pair: Pair, act: str, one: Entry, by: str) -> None:
        advoware, before = self.people.advoware, meaning(one["tlf"])
        if act == "change":
            value = self.address() if one["kommKz"] in (4, 8) else self.spelled()
            advoware.edit_kommunikation(pair[1], one["id"], {"tlf": value}, by=by)
            self._note(pair, "changed", before, meaning(value), entry=one["id"])
        elif act == "empty":
            advoware.edit_kommunikation(pair[1], one["id"], {"tlf": ""}, by=by)
            self._note(pair, "removed", before, entry=one["id"])
        elif act == "delete":
            advoware.remove_child(pair[1], "kommunikation", one["id"])
            self._note(pair, "removed", before, entry=one["id"])
        else:
            text, old = self._text(), str(one["bemerkung"] or "")
            whole = f"{old[: len(old) - len(user_text(old))].rstrip()} {text}".lstrip()
            advoware.edit_kommunikation(pair[1], one["id"], {"bemerkung": whole}, by=by)
            self._note(pair, "written", before, before, entry=one["id"], text=text)

    def _text(self) -> str:
        self.given += 1
        return f"Text {self.given}"

    def _has_room(self, pair: Pair) -> bool:
        record, beteiligter = self.people.espo.see(pair[0]), self.people.advoware.see(pair[1])
        return all(len(record[data]) < ENOUGH for data in LISTS) and len(living(beteiligter)) < ENOUGH

    def _note(self, pair: Pair, did: str, before: str | None, value: str | None = None, kind: str | None = None,
              entry: int | None = None, text: str = "") -> None:  # fmt: skip
        self.deeds.append(Deed(len(self.deeds), pair, did, before, value, kind, entry, text))

    # --- what became of it --------------------------------------------------------------------

    async def complaints(self, pair: Pair, ledger: Ledger, original: set[str]) -> list[str]:
        """One line for everything that people would complain about; `original` was there before them."""
        record, beteiligter = self.people.espo.see(pair[0]), self.people.advoware.see(pair[1])
        key = f"beteiligte/{pair[0]}"
        states = [people.KEPT, people.SETTLED, *people.WAITING]
        rows = await ledger.read(people.list_conflicts, states, key, 100_000)
        told = await ledger.read(journal.of_record, key, 100_000)
        values = frozenset(meaning(row[side]) for row in rows for side in ("espo", "advoware") if _is_entry(row))
        bodies = [body for row in told if _is_entry(row) for body in (row["before"], row["after"])]
        texts = frozenset(user_text(body.get("bemerkung")) for body in bodies if isinstance(body, Mapping))
        found = list(differences(record, beteiligter))
        found += [line for line, _ in self.judged(pair, record, beteiligter, values, texts)]
        typed = {deed.value for deed in self.deeds if deed.pair == pair} | original
        shown = {meaning(one[name]) for data, name in LISTS.items() for one in record[data]}
        found += [f"{value} was typed by nobody" for value in sorted(map(str, shown - typed))]
        return [f"{pair}: {line}" for line in found]

    def judged(
        self,
        pair: Pair,
        record: Mapping[str, Any],
        beteiligter: Mapping[str, Any],
        values: frozenset[str | None],
        texts: frozenset[str],
    ) -> list[Complaint]:
        """What became of each deed; `values` and `texts` are kept in the ledger."""
        deeds = [deed for deed in self.deeds if deed.pair == pair]
        return [
            *_lost_values(deeds, record, beteiligter, values),
            *_lost_texts(deeds, beteiligter, texts),
            *_came_back(deeds, record),
            *_other_types(deeds, record, beteiligter),
        ]


def is_slot(one: Mapping[str, Any]) -> bool:
    """Whether an entry of Advoware is a place that was emptied for the next number."""
    mark = marker(one["bemerkung"])
    return mark is not None and mark.value is None and meaning(one["tlf"]) is None


def _is_entry(row: Mapping[str, Any]) -> bool:
    return str(row["field"]).startswith(FIELD)


def _overtaken(deed: Deed, deeds: list[Deed]) -> bool:
    """Somebody who saw this value changed it again or took it away."""
    return any(one.order > deed.order and one.before == deed.value and one.did in ("changed", "removed")
               for one in deeds)  # fmt: skip


def _lost_values(
    deeds: list[Deed], record: Mapping[str, Any], beteiligter: Mapping[str, Any], kept: frozenset[str | None]
) -> list[Complaint]:
    here = {meaning(one[name]) for data, name in LISTS.items() for one in record[data]}
    there = {meaning(one["tlf"]) for one in living(beteiligter)}
    return [
        (f"lost: {deed}", deed.about)
        for deed in deeds
        if deed.did in ("added", "changed") and deed.value not in here & there | kept and not _overtaken(deed, deeds)
    ]


def _lost_texts(deeds: list[Deed], beteiligter: Mapping[str, Any], kept: frozenset[str]) -> list[Complaint]:
    shown = {user_text(one["bemerkung"]) for one in beteiligter["kommunikation"]}
    found = []
    for deed in deeds:
        over = any(one.order > deed.order and one.entry == deed.entry and one.did in ("written", "removed")
                   for one in deeds)  # fmt: skip
        if deed.text and deed.text not in shown | kept and not over:
            found.append((f"text lost: {deed}", deed.about))
    return found


def _came_back(deeds: list[Deed], record: Mapping[str, Any]) -> list[Complaint]:
    """A value that was changed or taken away is shown again, although nobody touched it on the other side."""
    shown = {meaning(one[name]) for data, name in LISTS.items() for one in record[data]}
    touched = {deed.value for deed in deeds if deed.did in ("retyped", "preferred")}
    gone = [deed for deed in deeds if deed.did in ("changed", "removed") and deed.before in shown - touched]
    return [(f"came back: {deed}", deed.about) for deed in gone]


def _other_types(deeds: list[Deed], record: Mapping[str, Any], beteiligter: Mapping[str, Any]) -> list[Complaint]:
    """A type a person chose last for a number that is still there is on both sides."""
    chosen = {deed.value: deed for deed in deeds if deed.did == "retyped"}
    types = {meaning(one["phoneNumber"]): one["type"] for one in record[PHONES]}
    found = []
    for value, deed in chosen.items():
        if value not in types:
            continue
        stored = [TYPES.get(one["kommKz"]) for one in living(beteiligter) if meaning(one["tlf"]) == value]
        if types[value] != deed.kind or deed.kind not in stored:
            found.append((f"type lost: {deed}, now {types[value]} and {stored}", deed.about))
    return found

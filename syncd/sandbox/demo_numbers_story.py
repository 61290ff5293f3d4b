"""Who does what to which phone or e-mail in the demonstration: acts on records of their own, and what anybody may do.

Every value is typed once only, so that the check at the end can tell whose it is. Knows nothing of the daemon.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from syncd.sandbox import defaults
from syncd.sandbox.demo_diary import Diary, values
from syncd.sandbox.demo_numbers import EMAILS, PHONES, Entry, Numbers, Unused
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.reachability import LISTS, living, meaning
from syncd.sandbox.sandbox import ADVOWARE, ESPO

PARTS = 15
KINDS = {"Office": 1, "Fax": 2, "Mobile": 3, "Home": 6, "Other": 10}
ENOUGH = 7  # EspoCRM takes ten per list
SLOT_LOOKS, LOOK_SECONDS = 100, 0.05  # how long somebody waits for a slot to type into
UNREADABLE = "nach 18 Uhr fragen"

Act = tuple[float, Callable[[], Awaitable[None]]]


class NumberActs:
    """The acts on numbers; `parts` are records nobody else edits."""

    def __init__(self, diary: Diary, parts: Sequence[str], rng: random.Random) -> None:
        self.diary = diary
        self.numbers = Numbers(diary)
        self.parts = parts
        self.rng = rng
        self.unused = Unused(rng)

    def acts(self) -> list[Act]:
        """(part of the time that has passed, what happens then)."""
        return [
            (0.03, self.removed_in_espo),
            (0.04, self.written_down),
            (0.05, self.added_in_espo),
            (0.06, self.added_in_advoware),
            (0.07, self.changed_in_espo),
            (0.09, self.changed_in_advoware),
            (0.10, self.removed_in_advoware),
            (0.12, self.another_type),
            (0.13, self.second_phone),
            (0.15, self.extensions),
            (0.16, self.unreadable),
            (0.18, self.different_numbers),
            (0.19, self.same_number),
            (0.21, self.lost_answer),
            (0.22, self.gone_and_changed),
            (0.27, self.slot_typed_into),
            (0.28, self.changed_under_a_text),
            (0.29, self.another_primary),
            (0.81, self.same_number),
        ]

    def fresh(self) -> dict[str, object]:
        """Phones and e-mails of a record that somebody is about to create."""
        return {
            PHONES: [
                {"phoneNumber": self.unused.mobile(ESPO), "type": "Mobile", "primary": True},
                {"phoneNumber": self.unused.landline(ESPO), "type": "Office", "primary": False},
            ],
            EMAILS: [{"emailAddress": self.unused.mail(), "primary": True}],
        }

    # --- acts on records of their own ---------------------------------------------------------

    async def added_in_espo(self) -> None:
        """A fax and a further e-mail."""
        self.numbers.add(self.parts[0], self.unused.landline(ESPO), "Fax", "anna")
        self.numbers.add(self.parts[0], self.unused.mail(), None, "bernd")

    async def added_in_advoware(self) -> None:
        """In the spelling of clerks, which stays as it is."""
        self.numbers.enter(self.parts[1], self.unused.landline(ADVOWARE), 1, "AB", "Zentrale")
        self.numbers.enter(self.parts[1], self.unused.mail().title(), 4, "CD")

    async def changed_in_espo(self) -> None:
        """One number of a kind gone, one new: it was changed."""
        self.numbers.change(self.parts[2], self._phone(2), self.unused.landline(ESPO), "anna")

    async def changed_in_advoware(self) -> None:
        """The entry stays, its value changes."""
        entry = self.numbers.entry_of(self.parts[3], self._phone(3))
        self.numbers.correct(self.parts[3], entry, self.unused.landline(ADVOWARE), "CD")

    async def removed_in_espo(self) -> None:
        """Advoware cannot delete: its entry becomes a free slot."""
        self.numbers.remove(self.parts[4], self._phone(4), "bernd")

    async def slot_typed_into(self) -> None:
        """Somebody uses the emptied entry for a number of his own."""
        for _ in range(SLOT_LOOKS):
            if slots := self.numbers.slots(self.parts[4]):
                self.numbers.correct(self.parts[4], slots[0], self.unused.landline(ADVOWARE), "AB")
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def removed_in_advoware(self) -> None:
        """One value is rubbed out, one entry is deleted."""
        self.numbers.empty(self.parts[5], self.numbers.entry_of(self.parts[5], self._phone(5)), "AB")
        self.numbers.strike(self.parts[5], self.numbers.entry_of(self.parts[5], self._email(5)), "CD")

    async def another_type(self) -> None:
        """Advoware cannot change kommKz: a new entry, and the old one becomes a slot."""
        self.numbers.retype(self.parts[6], self._phone(6), "Home", "anna")

    async def second_phone(self) -> None:
        """For `another_primary`."""
        self.numbers.add(self.parts[7], self.unused.landline(ESPO), "Home", "anna")

    async def another_primary(self) -> None:
        """The last phone of the list becomes the first."""
        last = self.numbers.shown(self.parts[7], PHONES)[-1]["phoneNumber"]
        self.numbers.prefer(self.parts[7], last, "bernd")

    async def written_down(self) -> None:
        """Text behind the marker, brackets included."""
        entry = self.numbers.entry_of(self.parts[8], self._phone(8))
        self.numbers.annotate(self.parts[8], entry, "[AB] nur vormittags; sonst Durchwahl -12", "AB")
        mail = self.numbers.entry_of(self.parts[8], self._email(8))
        self.numbers.annotate(self.parts[8], mail, "privat: nichts Vertrauliches", "CD")

    async def changed_under_a_text(self) -> None:
        """The marker must change, the text must not."""
        self.numbers.change(self.parts[8], self._phone(8), self.unused.landline(ESPO), "anna")

    async def extensions(self) -> None:
        """EspoCRM drops them; Advoware's stays, and that is no difference."""
        self.numbers.add(self.parts[9], f"{self.unused.landline(ESPO)} ext. 12", "Office", "bernd")
        self.numbers.enter(self.parts[9], f"{self.unused.landline(ADVOWARE)} ext. 7", 6, "CD")

    async def unreadable(self) -> None:
        """No number at all: EspoCRM would refuse it, so it stays where it is and a person is told."""
        self.numbers.enter(self.parts[10], UNREADABLE, 10, "AB")
        self.numbers.add(self.parts[10], self.unused.mail(), None, "anna")

    async def different_numbers(self) -> None:
        """Two people at once at two numbers of one record."""
        mail = self.numbers.entry_of(self.parts[11], self._email(11))
        self.numbers.change(self.parts[11], self._phone(11), self.unused.landline(ESPO), "anna")
        self.numbers.correct(self.parts[11], mail, self.unused.mail(), "CD")

    async def same_number(self) -> None:
        """Two people at once at the same number: EspoCRM wins, the other is kept."""
        record, value = self.parts[12], self._phone(12)
        if value not in values(ADVOWARE, self.diary.advoware(record) or {}):
            return  # the daemon has not brought it there yet: they do not see the same
        entry = self.numbers.entry_of(record, value)
        self.numbers.change(record, value, self.unused.landline(ESPO), "bernd")
        self.numbers.correct(record, entry, self.unused.landline(ADVOWARE), "AB")

    async def lost_answer(self) -> None:
        """Advoware stores the new entry, but its answer never arrives: there must not be two."""
        record = self.parts[13]
        route = f"/api/v1/advonet/Beteiligte/{self.diary.betnr(record)}/Kommunikationen"
        self.diary.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, ADVOWARE, "POST", route))
        self.diary.tell("— the answer to a POST of a phone number gets lost")
        self.numbers.add(record, self.unused.landline(ESPO), "Home", "anna")

    async def gone_and_changed(self) -> None:
        """Removed on one side, changed on the other: what was changed stays."""
        record, phone, mail = self.parts[14], self._phone(14), self._email(14)
        entries = [self.numbers.entry_of(record, value) for value in (phone, mail)]
        self.numbers.remove(record, phone, "anna")
        self.numbers.correct(record, entries[0], self.unused.landline(ADVOWARE), "AB")
        self.numbers.empty(record, entries[1], "CD")
        self.numbers.change(record, mail, self.unused.mail(), "bernd")

    # --- anybody ------------------------------------------------------------------------------

    def anything(self, side: str, record: str) -> None:
        """Any act on any number of a record."""
        if side == ESPO:
            self._at_espo(record, self.rng.choice(defaults.CLERKS))
        elif self.diary.betnr(record) is not None:
            self._at_advoware(record, self.rng.choice(defaults.ADVOWARE_PEOPLE))

    def _at_espo(self, record: str, by: str) -> None:
        data = self.rng.choice(list(LISTS))
        lines = self.numbers.shown(record, data)
        phone = data == PHONES
        act = self.rng.choice(("add", "change", "change", "remove", "prefer", *(("retype",) if phone else ())))
        if act == "add" or not lines:
            if len(lines) < ENOUGH:
                kind = self.rng.choice(list(KINDS)) if phone else None
                self.numbers.add(record, self.unused.either(ESPO, phone), kind, by)
            return
        line = self.rng.choice(lines)
        value = str(meaning(line[LISTS[data]]))
        match act:
            case "change":
                self.numbers.change(record, value, self.unused.either(ESPO, phone), by)
            case "remove":
                self.numbers.remove(record, value, by)
            case "prefer" if not line["primary"]:
                self.numbers.prefer(record, value, by)
            case "retype":
                kinds = [kind for kind in KINDS if kind != line["type"]]
                self.numbers.retype(record, value, self.rng.choice(kinds), by)

    def _at_advoware(self, record: str, by: str) -> None:
        entries = living({"kommunikation": self.numbers.entries(record)})
        slots = self.numbers.slots(record)
        act = self.rng.choice(("enter", "correct", "correct", "empty", "strike", "annotate"))
        if slots and act == "enter":
            slot = self.rng.choice(slots)
            self.numbers.correct(record, slot, self.unused.either(ADVOWARE, slot["kommKz"] not in (4, 8)), by)
        elif act == "enter" or not entries:
            if len(entries) < ENOUGH:
                phone = self.rng.random() < 0.5
                kind = self.rng.choice(list(KINDS.values())) if phone else 4
                self.numbers.enter(record, self.unused.either(ADVOWARE, phone), kind, by)
        else:
            self._at_entry(act, record, self.rng.choice(entries), by)

    def _at_entry(self, act: str, record: str, entry: Entry, by: str) -> None:
        match act:
            case "correct":
                self.numbers.correct(record, entry, self.unused.either(ADVOWARE, entry["kommKz"] not in (4, 8)), by)
            case "empty":
                self.numbers.empty(record, entry, by)
            case "strike":
                self.numbers.strike(record, entry, by)
            case _:
                self.numbers.annotate(record, entry, f"Notiz {self.unused.number()}", by)

    # --- values -------------------------------------------------------------------------------

    def _phone(self, part: int) -> str:
        return str(meaning(self.numbers.shown(self.parts[part], PHONES)[0]["phoneNumber"]))

    def _email(self, part: int) -> str:
        return str(meaning(self.numbers.shown(self.parts[part], EMAILS)[0]["emailAddress"]))

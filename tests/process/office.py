"""The people of both systems in a storm: they do anything to anybody, and every value is typed once only.

Knows no daemon; the diary writes down what they do.
"""

from __future__ import annotations

import random
from typing import Any

from syncd.sandbox import defaults
from syncd.sandbox.demo_diary import Diary, shown
from syncd.sandbox.demo_numbers_story import NumberActs
from syncd.sandbox.sandbox import ADVOWARE, ESPO, Sandbox

DELETED_AT_MOST = 3  # on each side: more would be a mass deletion
FIELDS = ("zusatz", "titel", "briefanrede", "name", "vorname", "geburtsdatum")
CLEARABLE = ("zusatz", "titel", "briefanrede")


class Office:
    """The people of both systems."""

    def __init__(self, sandbox: Sandbox, diary: Diary, linked: list[str], chance: random.Random) -> None:
        self.sandbox, self.diary, self.chance = sandbox, diary, chance
        self.numbers = NumberActs(diary, (), chance)
        self.crowd = linked[: len(linked) * 9 // 10]  # the others are touched by nobody
        self.count = 0

    def anything(self, created: float, fields: float) -> None:
        """Somebody does something; `created` and `fields` are parts of all there is to do, numbers the rest."""
        dice, record = self.chance.random(), self.chance.choice(self.crowd)
        side = self.chance.choice((ESPO, ADVOWARE))
        if dice < 0.01:
            self._delete(side, record)
        elif dice < 0.01 + created:
            self.create()
        elif dice < 0.01 + created + fields:
            self._edit(side, record)
        else:
            self.numbers.anything(side, record)

    def create(self) -> None:
        """A clerk enters a new person, of whom Advoware knows nothing."""
        number = self._number()
        born = f"{1940 + number % 60}-{1 + number % 12:02d}-{1 + number % 28:02d}"
        values: dict[str, Any] = {"firstName": "Nele", "lastName": f"Neumann-{number}", "geburtsdatum": born}
        values |= {"salutationName": "Ms.", "rechtsform": "Frau"}
        self.crowd.append(self.diary.create({**values, **self.numbers.fresh()}, self.chance.choice(defaults.CLERKS)))

    def _delete(self, side: str, record: str) -> None:
        gone = self.diary.deleted if side == ESPO else self.diary.vanished
        if len(gone) >= DELETED_AT_MOST or self.diary.betnr(record) is None:
            return
        self.crowd.remove(record)
        (self.diary.delete if side == ESPO else self.diary.vanish)(record, "anna" if side == ESPO else "AB")

    def _edit(self, side: str, record: str) -> None:
        name = self.chance.choice(FIELDS if self.diary.espo(record)["firstName"] else FIELDS[:4])
        people = defaults.CLERKS if side == ESPO else defaults.ADVOWARE_PEOPLE
        body = self.diary.espo(record) if side == ESPO else self.diary.advoware(record)
        filled = body is not None and shown(name, side, body) is not None  # nobody clears what is blank
        cleared = name in CLEARABLE and filled and self.chance.random() < 0.1
        self.diary.edit(side, record, {name: None if cleared else self._value(side, name)}, self.chance.choice(people))

    def _value(self, side: str, name: str) -> str:
        """What nobody else types, as that system writes it."""
        number = self._number()
        if name == "geburtsdatum":
            day = f"{1900 + number // 336 % 100}-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"
            return day if side == ESPO else f"{day}T00:00:00"
        return f"{name.capitalize()} Nr. {number}"

    def _number(self) -> int:
        self.count += 1
        return self.count

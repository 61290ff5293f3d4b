"""The story of the demonstration: who does what when, the same for the same seed.

Knows the two systems and the diary; of the daemon only that it can be killed and started.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from syncd.sandbox import defaults
from syncd.sandbox.demo_children_story import ChildActs
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.demo_numbers_story import PARTS, NumberActs
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.sandbox import ADVOWARE, ESPO, Sandbox

SYLLABLES = ("Ahl", "Brei", "Dorn", "Eich", "Fal", "Hol", "Lin", "Mar", "Rau", "Stein", "Thal", "Wes")
ENDINGS = ("bach", "berg", "brück", "feld", "hoff", "kamp", "mann", "rode", "stätter", "weiß")
BURST = 12
EDITS_PER_SECOND = 2.0
PART_OF_NUMBERS = 0.4  # of what anybody edits
PART_OF_CHILDREN = 0.15
POST = "/api/v1/advonet/Beteiligte"
SEEN_SECONDS = 5.0  # how long a kill waits for the burst to be under way


class Killable(Protocol):
    """The daemon as the story sees it."""

    async def kill(self) -> None:
        """SIGKILL, at once."""

    async def start(self) -> None:
        """Start it again."""


@dataclass(frozen=True)
class Cast:
    """The records that have a part of their own, and those everybody may edit."""

    people: tuple[str, ...]
    companies: tuple[str, ...]
    numbers: tuple[str, ...]
    crowd: tuple[str, ...]


def cast(sandbox: Sandbox, linked: list[str], rng: random.Random) -> Cast:
    """Give out the parts; a tenth at least is never touched by anybody."""
    order = list(linked)
    rng.shuffle(order)
    rows = {record: sandbox.people.espo.see(record) for record in order}
    people = [record for record in order if rows[record]["firstName"]]
    companies = [record for record in order if not rows[record]["firstName"]]
    parts, firms = people[:9], companies[:2]
    rest = [record for record in order if record not in {*parts, *firms}]
    numbers, crowd = rest[:PARTS], rest[PARTS:]
    return Cast(tuple(parts), tuple(firms), tuple(numbers), tuple(crowd[: max(1, len(crowd) - len(order) // 10)]))


class Story:
    """Plays all acts over `seconds`."""

    def __init__(
        self, sandbox: Sandbox, diary: Diary, daemon: Killable, linked: list[str], seed: int, seconds: float
    ) -> None:
        self.sandbox = sandbox
        self.diary = diary
        self.daemon = daemon
        self.rng = random.Random(f"{seed}/story")
        self.cast = cast(sandbox, linked, self.rng)
        self.numbers = NumberActs(diary, self.cast.numbers, random.Random(f"{seed}/numbers"))
        self.children = ChildActs(diary, self.cast.numbers, random.Random(f"{seed}/children"))
        self.seconds = seconds
        self.count = 0

    async def play(self) -> None:
        """Everything in its order; while the daemon starts people wait, so that later acts keep their distance."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for fraction, act in self.acts():
            await asyncio.sleep(max(0.0, started + fraction * self.seconds - loop.time()))
            began = loop.time()
            await act()
            started += loop.time() - began

    def acts(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """(part of the time that has passed, what happens then), in order of time."""
        scripted: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0.02, self.different_fields),
            (0.05, self.same_field),
            (0.08, self.clears),
            (0.11, self.company),
            (0.14, self.salutation),
            (0.17, self.lost_answer),
            (0.20, self.ignored_field),
            (0.23, self.refused_field),
            (0.26, self.changed_register),
            (0.32, self.burst_and_kill),
            (0.40, self.restart),
            (0.55, self.outage),
            (0.70, self.outage_ends),
            (0.73, self.vanishes),
            (0.76, self.deletes),
            (0.80, self.same_field),
            (0.85, self.as_usual),
            *self.numbers.acts(),
            *self.children.acts(),
        ]
        number = int(self.seconds * EDITS_PER_SECOND)
        edits = [(0.95 * self.rng.random(), self.anybody) for _ in range(number)]
        return sorted([*scripted, *edits], key=lambda act: act[0])

    # --- acts ---------------------------------------------------------------------------------

    async def anybody(self) -> None:
        """Anybody edits anything on either side."""
        side, record = self.rng.choice((ESPO, ADVOWARE)), self.rng.choice(self.cast.crowd)
        dice = self.rng.random()
        if dice < PART_OF_NUMBERS:
            self.numbers.anything(side, record)
            return
        if dice < PART_OF_NUMBERS + PART_OF_CHILDREN:
            self.children.anything(side, record)
            return
        own = ["vorname", "geburtsdatum"] if self.diary.espo(record)["firstName"] else []
        names = ["zusatz", "titel", "briefanrede", "name", *own]
        self._edit(side, record, self.rng.choice(names))

    async def different_fields(self) -> None:
        """Two people at once in different fields of one record: both values stay."""
        record = self.cast.people[0]
        self._edit(ESPO, record, "titel")
        self._edit(ADVOWARE, record, "zusatz")

    async def same_field(self) -> None:
        """Two people at once in the same field: EspoCRM wins, the other value is kept."""
        record = self.cast.people[1]
        self._edit(ESPO, record, "zusatz")
        self._edit(ADVOWARE, record, "zusatz")

    async def clears(self) -> None:
        """Emptying a field is a change like any other."""
        self.diary.edit(ESPO, self.cast.people[2], {"briefanrede": None}, "bernd")
        self.diary.edit(ADVOWARE, self.cast.people[3], {"briefanrede": None}, "CD")

    async def company(self) -> None:
        """A new company, with register number and court."""
        number = self._number()
        values = {"lastName": f"{self._surname()} Anlagen {number} GmbH", "rechtsform": "GmbH"}
        values |= {"handelsregisterNummer": f"HRB {90_000 + number}", "registergericht": "Hannover"}
        self.diary.create(values, "anna")

    async def salutation(self) -> None:
        """`Mrs.` is `Frau` in Advoware, and that is no reason to write `Ms.` back."""
        self.diary.edit(ESPO, self.cast.people[4], {"anrede": "Mrs.", "rechtsform": "Frau"}, "bernd")

    async def lost_answer(self) -> None:
        """Advoware creates the Beteiligter, but its answer never arrives."""
        self.sandbox.faults.add(Rule(Kind.TIMEOUT_APPLIED, ADVOWARE, "POST", POST))
        self.diary.tell("— the answer to the next POST to Advoware gets lost")
        self._new("anna")

    async def ignored_field(self) -> None:
        """Advoware answers 200 and keeps the old value of this field."""
        record = self.cast.people[5]
        route = f"{POST}/{self.diary.betnr(record)}"
        self.sandbox.faults.add(Rule(Kind.REFUSE, ADVOWARE, "PUT", route, times=None, field="zusatz"))
        self.diary.tell("— Advoware silently ignores zusatz of one Beteiligter from now on")
        self._edit(ESPO, record, "zusatz")
        self._edit(ESPO, record, "titel")

    async def refused_field(self) -> None:
        """EspoCRM's option list lacks this salutation; the rest of the record goes through."""
        record = self.cast.people[6]
        self.diary.edit(ADVOWARE, record, {"anrede": "Herrn Rechtsanwalt"}, "AB")
        self._edit(ADVOWARE, record, "zusatz")

    async def changed_register(self) -> None:
        """Advoware's PUT cannot change the register number: a Task for a person."""
        number = f"HRB {80_000 + self._number()}"
        self.diary.edit(ESPO, self.cast.companies[0], {"handelsregisternummer": number}, "anna")

    async def burst_and_kill(self) -> None:
        """Many new records at once, and the daemon is killed when some have been created."""
        before = len(self.sandbox.advoware.beteiligte)
        self.diary.disturb()
        for _ in range(BURST):
            self._new("bernd")
        end = asyncio.get_running_loop().time() + SEEN_SECONDS
        while len(self.sandbox.advoware.beteiligte) < before + BURST // 3:
            if asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(0.002)
        await self.daemon.kill()
        created = len(self.sandbox.advoware.beteiligte) - before
        self.diary.tell(f"— SIGKILL of the daemon: {created} of {BURST} created so far")

    async def restart(self) -> None:
        """The daemon comes back."""
        self.diary.tell("— the daemon is started again")
        await self.daemon.start()
        self.diary.calm = True

    async def outage(self) -> None:
        """Advoware is away; EspoCRM's people do not care."""
        self.diary.disturb()
        self.sandbox.faults.down.add(ADVOWARE)
        self.diary.tell("— Advoware is down")
        for record in self.rng.sample(self.cast.crowd, min(4, len(self.cast.crowd))):
            self._edit(ESPO, record, "zusatz")
            self.numbers.anything(ESPO, record)
        self._new("anna")

    async def outage_ends(self) -> None:
        """Advoware is back."""
        self.sandbox.faults.down.discard(ADVOWARE)
        self.diary.tell("— Advoware is back")

    async def as_usual(self) -> None:
        """The daemon has had time to notice: delays count again."""
        self.diary.calm = True

    async def vanishes(self) -> None:
        """A Beteiligter is deleted in Advoware."""
        self.diary.vanish(self.cast.people[7], "CD")

    async def deletes(self) -> None:
        """A record is deleted in EspoCRM: nothing is deleted in Advoware."""
        self.diary.delete(self.cast.people[8], "anna")

    # --- values -------------------------------------------------------------------------------

    def _new(self, by: str) -> None:
        number = self._number()
        born = f"{1940 + number % 60}-{1 + number % 12:02d}-{1 + number % 28:02d}"
        values = {"firstName": "Nele", "lastName": f"{self._surname()}-{number}", "geburtsdatum": born}
        values |= {"salutationName": "Ms.", "rechtsform": "Frau"}
        self.diary.create({**values, **self.numbers.fresh()}, by)

    def _edit(self, side: str, record: str, name: str) -> None:
        """Type a value nobody else types."""
        number = self._number()
        match name:
            case "geburtsdatum":
                day = f"{1930 + number % 70}-{1 + number % 12:02d}-{1 + number // 12 % 28:02d}"
                value = day if side == ESPO else f"{day}T00:00:00"
            case "titel":
                value = f"Dr. ({number})"
            case "vorname":
                value = f"Ada-{number}"
            case "name":
                value = f"{self._surname()}-{number}"
            case "briefanrede":
                value = f"Hallo Nummer {number},"
            case _:
                value = f"{name.capitalize()} Nr. {number}"
        people = defaults.CLERKS if side == ESPO else defaults.ADVOWARE_PEOPLE
        self.diary.edit(side, record, {name: value}, self.rng.choice(people))

    def _surname(self) -> str:
        return self.rng.choice(SYLLABLES) + self.rng.choice(ENDINGS)

    def _number(self) -> int:
        self.count += 1
        return self.count

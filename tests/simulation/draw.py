"""Draws scripts from seeds: which world, who types what when, and what goes wrong meanwhile.

A profile says how likely each kind of event is. The same profile and seed give the same script.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.faults import Kind
from tests.simulation.profiles import PROFILES, SWITCHES, Profile
from tests.simulation.script import A_DAY, AUTUMN_NIGHT, SPRING_NIGHT, Event, Script
from tests.simulation.witness import ADVOWARE, ESPO

SIDES = (ESPO, ADVOWARE)
TYPED = ("name", "vorname", "titel", "zusatz", "briefanrede", "geburtsdatum", "anrede", "rechtsform")
LEFT_ALONE = ("name", "vorname")  # never emptied by our clerks
BURST = 1.5  # seconds in which several events come together

TROUBLES: tuple[tuple[Kind, Mapping[str, Any]], ...] = (
    (Kind.OFFLINE, {}),
    (Kind.HANG_UP, {}),
    (Kind.HANG_UP_APPLIED, {}),
    (Kind.TIMEOUT, {}),
    (Kind.TIMEOUT_APPLIED, {}),
    (Kind.APPLIED_LATE, {"seconds": 4.0}),
    (Kind.APPLIED_LATE, {"seconds": 9.0}),
    (Kind.LATENCY, {"seconds": 2.0}),
    (Kind.LATENCY, {"seconds": 4.5}),
    (Kind.LATENCY, {"seconds": 7.0}),
    (Kind.STATUS, {"status": 400}),
    (Kind.STATUS, {"status": 401}),
    (Kind.STATUS, {"status": 403}),
    (Kind.STATUS, {"status": 404}),
    (Kind.STATUS, {"status": 409}),
    (Kind.STATUS, {"status": 429, "retry_after": "3"}),
    (Kind.STATUS, {"status": 500}),
    (Kind.STATUS, {"status": 502}),
    (Kind.STATUS, {"status": 503, "retry_after": "2"}),
    (Kind.STATUS_APPLIED, {"status": 500}),
    (Kind.STATUS_APPLIED, {"status": 502}),
    (Kind.HTML, {}),
    (Kind.EMPTY, {}),
    (Kind.TRUNCATED, {}),
    (Kind.SHORT_PAGE, {}),
    (Kind.STALE, {}),
)
METHODS = (None, None, "GET", "PUT", "POST", "PATCH")


def draw(profile: str, seed: int) -> Script:
    """The script of a seed."""
    return Drawing(profile, PROFILES[profile], seed).script()


class Drawing:
    """One script in the making."""

    def __init__(self, name: str, profile: Profile, seed: int) -> None:
        self.name = name
        self.profile = profile
        self.seed = seed
        self.chance = random.Random(f"{name}/{seed}")
        self.given = 0
        self.persons = self.chance.randint(*profile.persons)
        self.daemons = self.chance.randint(*profile.daemons)

    def script(self) -> Script:
        """All of it."""
        chance, profile = self.chance, self.profile
        events: list[Event] = []
        for _ in range(chance.randint(*profile.events)):
            if events and chance.random() < 0.5:  # things that happen at the same time are the interesting ones
                at = max(0.0, events[-1].at + chance.uniform(-BURST, BURST))
            else:
                at = chance.uniform(0.0, profile.seconds)
            kind = chance.choices(list(profile.weights), list(profile.weights.values()))[0]
            drawn: Callable[[], Event | dict[str, Any]] = getattr(self, kind)
            event = drawn()
            events.append(Event(round(at, 3), event.do, event.args) if isinstance(event, Event)
                          else Event(round(at, 3), kind, event))  # fmt: skip
        skewed = chance.random() < profile.skewed
        hours = [chance.choice([0.0, 90.0, -3600.0, 7200.0, -25 * 3600.0]) for _ in range(5)]
        policy = chance.choice(["espocrm", "espocrm", "advoware", "newest", "manual"])
        return Script(
            self.seed,
            self.name,
            self.persons,
            profile.seconds,
            tuple(hours[: self.daemons]) if skewed else (0.0,) * self.daemons,
            chance.choice(profile.latencies),
            {ESPO: hours[3], ADVOWARE: hours[4]} if skewed else {},
            self._begins(events),
            {**profile.settings, "SYNCD_DEFAULT_POLICY": policy},
            {name: chance.choice(values) for name, values in SWITCHES.items()} if profile.switched else {},
            chance.random() < 0.8,
            tuple(sorted(events, key=lambda event: event.at)),
        )

    def _begins(self, events: list[Event]) -> float:
        """When it begins: in the doubled hour nobody can tell by Advoware's times what is old."""
        old = any(event.do == "go_back" or event.args.get("rule", {}).get("kind") == Kind.STALE for event in events)
        nights = [SPRING_NIGHT] if old else [AUTUMN_NIGHT, SPRING_NIGHT]
        return self.chance.choice([A_DAY, A_DAY, A_DAY, *nights])

    # --- kinds of events --------------------------------------------------------------------

    def person(self) -> int:
        """Somebody; the first is busier than the others."""
        return int(self.chance.choice([0, 0, *range(self.persons + 2)]))

    def value(self, name: str) -> str | None:
        """Something nobody has typed before."""
        self.given += 1
        if name not in LEFT_ALONE and self.chance.random() < 0.15:
            return None
        if name == "geburtsdatum":
            return f"19{self.given % 60 + 10}-{self.chance.randint(1, 12):02d}-{self.chance.randint(1, 28):02d}"
        if name == "anrede":
            return self.chance.choice(["Herr", "Frau"])
        return f"{self.chance.choice(['Wert', 'Größe', 'Łuß', 'O’Neill'])} {self.given}"

    def type(self) -> Event:
        """A clerk types one field."""
        side, name = self.chance.choice(SIDES), self.chance.choice(TYPED)
        value = self.value(name)
        if name == "geburtsdatum" and side == ADVOWARE and value is not None:
            value = f"{value}T00:00:00"
        if name == "anrede" and side == ESPO and value is not None:
            value = {"Herr": "Mr.", "Frau": "Ms."}[value]
        args = {"side": side, "person": self.person(), "field": name, "value": value, "by": self.chance.randint(0, 1)}
        return Event(0.0, "type", args)

    def number(self) -> dict[str, Any]:
        """A clerk does something to a number."""
        self.given += 1
        return {"side": self.chance.choice(SIDES), "person": self.person(), "dice": self.seed % 1000 * 100 + self.given}

    def create(self) -> dict[str, Any]:
        """A clerk makes a record, mostly in EspoCRM."""
        self.given += 1
        born = f"19{self.given % 60 + 10}-03-04"
        if self.chance.random() < 0.2:
            values = {"name": f"Dort {self.given}", "vorname": "Ida", "geburtsdatum": f"{born}T00:00:00"}
            return {"side": ADVOWARE, "values": values}
        phones = [{"phoneNumber": f"+49511{7_000_000 + self.given}", "type": "Office", "primary": True}]
        values = {"lastName": f"Neu {self.given}", "firstName": "Ida", "geburtsdatum": born}
        return {"side": ESPO, "values": {**values, "phoneNumberData": phones}}

    def choose(self) -> dict[str, Any]:
        """A person decides a conflict."""
        self.given += 1
        take = self.chance.choice([ESPO, ADVOWARE, f"value:Wahl {self.given}"])
        return {"person": self.person(), "pick": round(self.chance.random(), 3), "take": take}

    def ambush(self) -> Event:
        """Somebody types at the very instant of a request."""
        typed = self.type() if self.chance.random() < 0.6 else Event(0.0, "number", self.number())
        side, method = self.chance.choice([(ESPO, "PATCH"), (ESPO, "GET"), (ADVOWARE, "PUT"), (ADVOWARE, "GET"),
                                           (ADVOWARE, "POST")])  # fmt: skip
        kind = self.chance.choice([Kind.EDIT_BEFORE, Kind.EDIT_AFTER])
        act = {"at": 0.0, "do": typed.do, "args": typed.args}
        rule = {"kind": kind, "system": side, "method": method, "route": "*Beteiligte*", "act": act,
                "after": self.chance.choice([0, 0, 1, 3])}  # fmt: skip
        return Event(0.0, "fault", {"rule": rule})

    def child(self) -> dict[str, Any]:
        """Somebody does something to an address or account."""
        return self.number()

    def child_ambush(self) -> Event:
        """The same, at the very instant of a request about addresses."""
        side, method = self.chance.choice([(ESPO, "PATCH"), (ESPO, "GET"), (ESPO, "POST"), (ADVOWARE, "PUT"),
                                           (ADVOWARE, "GET"), (ADVOWARE, "POST")])  # fmt: skip
        kind = self.chance.choice([Kind.EDIT_BEFORE, Kind.EDIT_AFTER])
        act = {"at": 0.0, "do": "child", "args": self.child()}
        rule = {"kind": kind, "system": side, "method": method, "route": "*Adressen*", "act": act,
                "after": self.chance.choice([0, 0, 1, 3])}  # fmt: skip
        return Event(0.0, "fault", {"rule": rule})

    def fault(self) -> dict[str, Any]:
        """A request that goes wrong."""
        kind, options = self.chance.choice(TROUBLES)
        where = {"system": self.chance.choice(SIDES), "method": self.chance.choice(METHODS)}
        when = {"after": self.chance.choice([0, 0, 1, 2]), "times": self.chance.choice([1, 1, 2, 5])}
        return {"rule": {"kind": kind, **where, **when, **options}}

    def down(self) -> dict[str, Any]:
        """A system is away."""
        return {"system": self.chance.choice(SIDES), "seconds": self.chance.choice([3.0, 15.0])}

    def kill(self) -> dict[str, Any]:
        """A daemon dies soon."""
        return {"daemon": self.chance.randrange(self.daemons), "effects": self.chance.randint(0, 40),
                "down": self.chance.choice([0.0, 1.0, 10.0, 40.0])}  # fmt: skip

    def pause(self) -> dict[str, Any]:
        """A daemon is stopped for a while, mostly longer than its claim lasts."""
        return {"daemon": self.chance.randrange(self.daemons), "effects": self.chance.randint(0, 20),
                "seconds": self.chance.choice([3.0, 35.0, 70.0])}  # fmt: skip

    def ledger(self) -> dict[str, Any]:
        """The ledger refuses, or its answers get lost."""
        count = self.chance.randint(1, 6)
        return {"daemon": self.chance.randrange(self.daemons), self.chance.choice(["refused", "cut_off"]): count}

    def flush(self) -> dict[str, Any]:
        """Redis forgets."""
        return {}

    def redis(self) -> dict[str, Any]:
        """Redis is away."""
        return {"seconds": self.chance.choice([1.0, 8.0, 20.0])}

    def lose_ledger(self) -> dict[str, Any]:
        """The ledger is gone."""
        return {}

    def delete(self) -> dict[str, Any]:
        """A record goes to the bin."""
        return {"person": self.person()}

    def vanish(self) -> dict[str, Any]:
        """A Beteiligter is deleted."""
        return {"person": self.person()}

    def hold(self) -> dict[str, Any]:
        """Writing is paused for a while."""
        return {"side": self.chance.choice([None, *SIDES]), "seconds": self.chance.choice([2.0, 12.0, 25.0])}

    def retry(self) -> dict[str, Any]:
        """A person wants another try."""
        return {"person": self.person()}

    def exclude(self) -> dict[str, Any]:
        """A record does not take part for a while."""
        return {"person": self.person(), "seconds": self.chance.choice([2.0, 12.0, 25.0])}

    def undo(self) -> dict[str, Any]:
        """A person takes a change back."""
        return {"person": self.person(), "pick": round(self.chance.random(), 3)}

    def answer(self) -> dict[str, Any]:
        """A person confirms a doubtful link."""
        return {"person": self.person()}

    def webhooks(self) -> dict[str, Any]:
        """EspoCRM's webhooks get lost, come twice, and in any order."""
        return {"loss": self.chance.choice([0.0, 0.5, 1.0]), "twice": self.chance.choice([0.0, 0.5]),
                "shuffle": self.chance.random() < 0.5}  # fmt: skip

    def poison(self) -> dict[str, Any]:
        """A record all of whose calls fail."""
        return {
            "side": self.chance.choice(SIDES),
            "person": self.person(),
            "status": self.chance.choice([400, 409, 500]),
        }

    def refuse(self) -> dict[str, Any]:
        """A field a system does not take."""
        return {"side": self.chance.choice(SIDES), "field": self.chance.choice(["titel", "zusatz", "briefanrede"])}

    def cut(self) -> dict[str, Any]:
        """A field of which a system keeps little."""
        return {"side": self.chance.choice(SIDES), "field": "zusatz", "length": self.chance.choice([5, 7])}

    def twin(self) -> dict[str, Any]:
        """The same person in both systems, linked by nothing."""
        self.given += 1
        name, born = f"Zwilling {self.given}", f"19{self.given % 60 + 10}-05-06"
        return {
            "values": {"lastName": name, "firstName": "Ida", "geburtsdatum": born},
            "there": {"name": name, "vorname": "Ida", "geburtsdatum": f"{born}T00:00:00"},
            "seconds": self.chance.choice([0.0, 1.0, 12.0]),
        }

    def mistype(self) -> dict[str, Any]:
        """A wrong number."""
        return {"person": self.person(), "other": self.person(), "seconds": self.chance.choice([1.0, 12.0, 25.0])}

    def unlink(self) -> dict[str, Any]:
        """A cleared number."""
        return {"person": self.person(), "seconds": self.chance.choice([0.0, 1.0, 12.0])}

    def copy(self) -> dict[str, Any]:
        """A copied record."""
        return {"person": self.person()}

    def backup(self) -> dict[str, Any]:
        """A backup of both systems."""
        return {}

    def go_back(self) -> dict[str, Any]:
        """One system's backup comes back."""
        return {"side": self.chance.choice(SIDES), "right": self.chance.choice(SIDES)}

"""Scripts that bring about what a safeguard is for: random people and moments around one kind of accident.

For each safeguard that plain seeds would seldom put to the test there is a trap; the same name and seed give the same
script. With the safeguard the world must end well, without it some seed must not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from syncd.sandbox.faults import Kind
from tests.simulation.draw import Drawing
from tests.simulation.profiles import Profile
from tests.simulation.script import A_DAY, Event, Script
from tests.simulation.witness import ADVOWARE, ESPO

CLERKS = {"type": 3.0, "number": 1.0}  # what goes on besides
TYPING = {"type": 1.0}
PERSON = {"name": "Okänd", "vorname": "Otto", "geburtsdatum": "1971-05-06T00:00:00"}
RECORD = {"lastName": "Okänd", "firstName": "Otto", "geburtsdatum": "1971-05-06"}
BETEILIGTE, OBJECT = "*/Beteiligte", "*/Beteiligte/*"
SELDOM = {"SYNCD_SWEEP_MIN_SECONDS": "300", "SYNCD_SWEEP_MAX_SECONDS": "86400"}
RARELY = {"SYNCD_SWEEP_MIN_SECONDS": "30", "SYNCD_SWEEP_MAX_SECONDS": "60"}
STRICT = {"SYNCD_DELETE_GUARD_MIN": "3", "SYNCD_DELETE_GUARD_PERCENT": "5"}

NOTHING: Mapping[str, str] = {}

Set = Callable[["Trapper"], list[Event]]


class Trapper(Drawing):
    """Draws the moments and values of a trap."""

    @property
    def at(self) -> float:
        """Some moment early enough for everything that follows."""
        return self.chance.uniform(1.0, 12.0)

    def word(self) -> str:
        """A value nobody has typed before."""
        self.given += 1
        return f"Wort {self.given}"

    def types(self, at: float, side: str, field: str, person: int = 0, value: str | None = None) -> Event:
        """Somebody types a field."""
        args = {"side": side, "person": person, "field": field, "value": value or self.word(), "by": 0}
        return Event(at, "type", args)

    def creates(self, at: float) -> Event:
        """A clerk makes a record that Advoware does not know."""
        return Event(at, "create", {"side": ESPO, "values": {**RECORD, "lastName": self.word()}})


@dataclass(frozen=True)
class Trap:
    """What there is besides, and what happens."""

    profile: Profile
    set: Set


def draw_trap(name: str, seed: int) -> Script:
    """The script of a seed."""
    trap = TRAPS[name]
    drawing = Trapper(f"trap {name}", trap.profile, seed)
    script = drawing.script()
    events = [*script.events, *trap.set(drawing)]
    events = [replace(event, at=round(event.at, 3)) for event in events]
    return replace(script, start=A_DAY, events=tuple(sorted(events, key=lambda event: event.at)))


def fault(at: float, kind: Kind, system: str, method: str | None, route: str = "*", **options: Any) -> Event:
    """A request that goes wrong."""
    return Event(at, "fault", {"rule": {"kind": kind, "system": system, "method": method, "route": route, **options}})


def ambush(at: float, kind: Kind, system: str, method: str, act: Event) -> Event:
    """Somebody acts at the very instant of a request."""
    told = {"at": 0.0, "do": act.do, "args": act.args}
    rule = {"kind": kind, "system": system, "method": method, "route": "*Beteiligte*", "after": 0, "act": told}
    return Event(at, "fault", {"rule": rule})


def _profile(
    weights: Mapping[str, float] = CLERKS, events: tuple[int, int] = (0, 3), persons: tuple[int, int] = (1, 2),
    daemons: tuple[int, int] = (1, 2), seconds: float = 40.0, also: Mapping[str, str] = NOTHING, **settings: str,
) -> Profile:  # fmt: skip
    return Profile(weights, events, persons, seconds, daemons, (0.02, 0.2), 0.0, {**also, **settings})


# --- who may write --------------------------------------------------------------------------------


def _late_post(trapper: Trapper) -> list[Event]:
    at = trapper.at
    lost = fault(at, Kind.APPLIED_LATE, ADVOWARE, "POST", BETEILIGTE, seconds=trapper.chance.choice([8.5, 9.0, 9.5]))
    return [lost, trapper.creates(at)]


def _long_pause(trapper: Trapper) -> list[Event]:
    """A daemon is stopped between announcing a create and sending it, until another has long taken over."""
    at = trapper.at
    halt = {"daemon": 0, "after": "announce", "seconds": trapper.chance.uniform(13.0, 20.0)}
    return [Event(at, "halt", halt), trapper.creates(at), trapper.creates(at)]


def _long_job(trapper: Trapper) -> list[Event]:
    at = trapper.at
    slow = fault(at, Kind.LATENCY, ADVOWARE, None, seconds=trapper.chance.uniform(2.0, 3.0), times=999)
    phones = [{"phoneNumber": f"+49511{6_100_000 + number}", "type": "Office", "primary": not number}
              for number in range(8)]  # fmt: skip
    made = Event(
        at, "create", {"side": ESPO, "values": {**RECORD, "lastName": trapper.word(), "phoneNumberData": phones}}
    )
    return [slow, made]


def _poison(trapper: Trapper) -> list[Event]:
    at = trapper.at
    return [Event(at, "kills", {"person": 0}), trapper.types(at, ESPO, "titel")]


def _forgetful_redis(trapper: Trapper) -> list[Event]:
    at = trapper.at
    slow = fault(at, Kind.LATENCY, ADVOWARE, "GET", OBJECT, seconds=3.0, times=6)
    edits = [trapper.types(at, ESPO, "titel", person) for person in range(trapper.persons)]
    return [slow, *edits, *(Event(at + trapper.chance.uniform(0.0, 9.0), "flush") for _ in range(4))]


# --- what was read, and what was written ---------------------------------------------------------


def _slow_read(trapper: Trapper) -> list[Event]:
    at = trapper.at
    slow = fault(at, Kind.LATENCY, ESPO, "GET", "*/CBeteiligte/*", seconds=trapper.chance.uniform(7.0, 11.0), times=3)
    return [slow, trapper.types(at, ESPO, "titel")]


def _emptied(trapper: Trapper) -> list[Event]:
    """Somebody empties or deletes numbers in Advoware."""
    moments = [trapper.at + 10.0 * number for number in range(3)]
    return [Event(at, "take_away_there", {"person": 0, "pick": trapper.chance.randint(0, 9)}) for at in moments]


def _silent_refusal(trapper: Trapper) -> list[Event]:
    at, name = trapper.at, trapper.chance.choice(["titel", "zusatz", "rechtsform"])
    return [fault(at, Kind.REFUSE, ADVOWARE, "PUT", OBJECT, field=name, times=99), trapper.types(at, ESPO, name)]


def _too_long(trapper: Trapper) -> list[Event]:
    at = trapper.at
    long = trapper.types(at, ADVOWARE, "titel", value=f"{trapper.word()} {'lang ' * 30}".strip())
    return [long, trapper.types(at, ADVOWARE, "zusatz")]


def _late_put(trapper: Trapper) -> list[Event]:
    at = trapper.at
    late = fault(at, Kind.APPLIED_LATE, ADVOWARE, "PUT", OBJECT, seconds=trapper.chance.uniform(20.0, 26.0))
    return [late, trapper.types(at, ESPO, "titel"), trapper.types(at + 10.0, ESPO, "titel")]


def _both_type(trapper: Trapper) -> list[Event]:
    at, name = trapper.at, trapper.chance.choice(["titel", "zusatz", "briefanrede"])
    return [trapper.types(at, ESPO, name), trapper.types(at + 0.2, ADVOWARE, name)]


def _same_second(trapper: Trapper) -> list[Event]:
    at = trapper.at
    act = trapper.types(0.0, ESPO, "zusatz")
    return [Event(0.1, "deaf"), trapper.types(at, ESPO, "titel"), ambush(at, Kind.EDIT_AFTER, ESPO, "PATCH", act)]


def _an_edit(trapper: Trapper) -> list[Event]:
    return [trapper.types(trapper.at, ESPO, "titel")]


def _late_row(trapper: Trapper) -> list[Event]:
    chance, at = trapper.chance, trapper.at
    other = trapper.types(at + 15.0, ESPO, "titel", 1)
    late = {"person": 0, "field": "zusatz", "value": trapper.word(), "seconds": chance.uniform(20.0, 40.0)}
    return [Event(0.1, "deaf"), other, Event(at + 25.0, "late_row", late)]


# --- who belongs to whom --------------------------------------------------------------------------


def _stranger(trapper: Trapper) -> list[Event]:
    args = {"there": {**PERSON, "name": trapper.word()}, "here": {**RECORD, "firstName": "Ida"}}
    return [Event(trapper.at, "wrong_number", args)]


def _copied(trapper: Trapper) -> list[Event]:
    return [Event(trapper.at, "copy", {"person": 0})]


def _cleared(trapper: Trapper) -> list[Event]:
    at = trapper.at
    return [Event(at, "unlink", {"person": 0, "seconds": 0.0}), trapper.types(at, ESPO, "name")]


def _old_records(trapper: Trapper) -> list[Event]:
    return [Event(trapper.at, "old_record", {"values": {**RECORD, "lastName": trapper.word()}}) for _ in range(2)]


def _known_there(trapper: Trapper) -> list[Event]:
    at, name = trapper.at, trapper.word()
    there = {"side": ADVOWARE, "values": {**PERSON, "name": name}}
    here = {"side": ESPO, "values": {**RECORD, "lastName": name}}
    return [Event(at, "create", there), Event(at + trapper.chance.uniform(0.1, 3.0), "create", here)]


def _blind_search(trapper: Trapper) -> list[Event]:
    blind = fault(0.1, Kind.STATUS, ADVOWARE, "GET", BETEILIGTE, status=200, text="[]", times=99)
    return [blind, *_known_there(trapper)]


def _lost_post(trapper: Trapper) -> list[Event]:
    at, chance = trapper.at, trapper.chance
    kind = chance.choice([Kind.TIMEOUT_APPLIED, Kind.HANG_UP_APPLIED, Kind.EMPTY, Kind.HTML, Kind.TRUNCATED])
    return [fault(at, kind, ADVOWARE, "POST", BETEILIGTE), trapper.creates(at)]


# --- numbers --------------------------------------------------------------------------------------


def _joined(trapper: Trapper) -> list[Event]:
    number = f"+49511{6_200_000 + trapper.seed % 1000}"
    there = {**PERSON, "kommunikation": [{"tlf": number, "kommKz": 6, "bemerkung": "", "online": False}]}
    here = {**RECORD, "phoneNumberData": [{"phoneNumber": number, "type": "Office", "primary": True}]}
    return [Event(trapper.at, "join", {"there": there, "here": here})]


def _twins(trapper: Trapper) -> list[Event]:
    at, number = trapper.at, f"0511 6{trapper.seed % 1000 + 300_000}"
    return [Event(at, "twice", {"person": 0, "tlf": number}), Event(38.0, "take_away", {"person": 0, "tlf": number})]


# --- what is gone, and what is too much -----------------------------------------------------------


def _one_404(trapper: Trapper) -> list[Event]:
    return [fault(trapper.at, Kind.STATUS, ADVOWARE, "GET", OBJECT, status=404, text="weg", times=1)]


def _proxy(trapper: Trapper) -> list[Event]:
    return [fault(trapper.at, Kind.STATUS, ADVOWARE, "GET", OBJECT, status=404, times=40)]


def _short_listing(trapper: Trapper) -> list[Event]:
    return [fault(trapper.at, Kind.SHORT_PAGE, ESPO, "GET", "*/CBeteiligte", times=99)]


def _nobody_there(trapper: Trapper) -> list[Event]:
    return [Event(trapper.at, "lie")]


def _flood(trapper: Trapper) -> list[Event]:
    at = trapper.at
    return [trapper.creates(at) for _ in range(7)]


def _blanked_everywhere(trapper: Trapper) -> list[Event]:
    side, at = trapper.chance.choice([ESPO, ADVOWARE]), trapper.at
    return [trapper.types(at, side, "briefanrede", person) for person in range(trapper.persons)]


def _restored(trapper: Trapper) -> list[Event]:
    system, name = trapper.chance.choice([ESPO, ADVOWARE]), trapper.chance.choice(["titel", "zusatz"])
    other = ADVOWARE if system == ESPO else ESPO
    return [
        Event(0.1, "backup"),
        trapper.types(5.0 + trapper.at / 6, other, name),
        Event(25.0, "go_back", {"side": system, "right": other}),
    ]


# --- limits ---------------------------------------------------------------------------------------


def _busy(trapper: Trapper) -> list[Event]:
    return [trapper.types(trapper.at, ESPO, name, person)
            for name in ("titel", "zusatz", "briefanrede") for person in range(trapper.persons)]  # fmt: skip


def _away(trapper: Trapper) -> list[Event]:
    return [Event(2.0, "down", {"system": ADVOWARE, "seconds": 70.0}), *_busy(trapper)]


QUIET = _profile(TYPING, (0, 0))
ALONE = _profile(TYPING, (0, 2), persons=(2, 3))
TRAPS: dict[str, Trap] = {
    "journal": Trap(_profile(), _late_post),
    "fencing": Trap(_profile(daemons=(2, 3), SYNCD_LEASE_SECONDS="6"), _long_pause),
    "lease renewal": Trap(
        _profile(events=(0, 1), daemons=(2, 3), seconds=110.0, SYNCD_LEASE_SECONDS="5", SYNCD_AUTO_RESET_HOURS="24"),
        _long_job,
    ),
    "crash counted as a try": Trap(
        _profile(events=(0, 0), seconds=80.0, SYNCD_LEASE_SECONDS="3", SYNCD_AUTO_RESET_HOURS="0.03"), _poison
    ),
    "work copied from the ledger": Trap(
        _profile(TYPING, persons=(5, 6), daemons=(1, 1), also=SELDOM), _forgetful_redis
    ),
    "re-check before write": Trap(
        _profile(ESPOCRM_API_TIMEOUT_SECONDS="15", ADVOWARE_API_TIMEOUT_SECONDS="15"), _slow_read
    ),
    "last look before sending": Trap(
        _profile(persons=(3, 3), seconds=60.0, SYNCD_ADVOWARE_CALLS_PER_MINUTE="40"), _busy
    ),
    "list re-read before PATCH": Trap(_profile(), _emptied),
    "read-back": Trap(_profile(), _silent_refusal),
    "base per confirmed field": Trap(_profile(), _silent_refusal),
    "quarantine": Trap(_profile(), _too_long),
    "own late write": Trap(_profile(events=(0, 1)), _late_put),
    "losing value kept": Trap(_profile(), _both_type),
    "late check": Trap(_profile(events=(0, 0), also=SELDOM), _same_second),
    "own-write recognition": Trap(_profile(also=RARELY), _an_edit),
    "watermark overlap": Trap(_profile(events=(0, 0), persons=(2, 2), also=SELDOM), _late_row),
    "link check": Trap(_profile(), _stranger),
    "one record per Beteiligter": Trap(_profile(), _copied),
    "cleared link asks": Trap(_profile(events=(0, 0)), _cleared),
    "admission": Trap(_profile(), _old_records),
    "search before create": Trap(_profile(), _known_there),
    "proof of the search": Trap(_profile(), _blind_search),
    "lost create is looked up": Trap(_profile(), _lost_post),
    "patience with a lost create": Trap(_profile(), _late_post),
    "matching by value": Trap(_profile(), _joined),
    "twins": Trap(_profile(TYPING), _twins),
    "404 confirmed twice": Trap(QUIET, _one_404),
    "unknown is not absent": Trap(QUIET, _proxy),
    "listing trust": Trap(replace(ALONE, settings={"SYNCD_FULL_PASS_HOURS": "0.003"}), _short_listing),
    "mass-delete guard": Trap(_profile(TYPING, (0, 0), persons=(6, 8), also=STRICT), _nobody_there),
    "create guard": Trap(_profile(TYPING, SYNCD_CREATE_GUARD="3"), _flood),
    "change guard": Trap(
        _profile(TYPING, (0, 0), persons=(7, 8), SYNCD_CHANGE_GUARD_MIN="4", SYNCD_CHANGE_GUARD_PERCENT="25"),
        _blanked_everywhere,
    ),
    "restored-backup hold": Trap(QUIET, _restored),
    "token single-flight": Trap(_profile(daemons=(2, 3)), _an_edit),
    "call budget": Trap(_profile(persons=(4, 5), seconds=60.0, SYNCD_ADVOWARE_CALLS_PER_MINUTE="30"), _busy),
    "circuit": Trap(_profile(persons=(3, 3), seconds=90.0), _away),
}

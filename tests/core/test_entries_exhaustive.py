"""Small lists, every one there is: each entry in each state, all combinations at once, carried out to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any

import pytest

from mappers.kommunikation import PHONES, split
from mappers.spec import Policy
from tests.core.entries_laws import Before, check
from tests.core.entries_world import Row, World, entity, phone, remembered_numbers

OLD = ("+495111000001", "+495111000002", "+495111000003")
HERE = ("+495112000001", "+495112000002", "+495112000003")
THERE = ("+495113000001", "+495113000002", "+495113000003")
KINDS = {"Office": 1, "Fax": 2}


@dataclass
class Draft:
    """One entry while people type: what becomes of it in EspoCRM's list, and what new values are called."""

    world: World
    at: int
    type: str
    id: int | None  # in Advoware, where it is known already
    here: str
    there: str
    rows: list[Row] = field(default_factory=list)
    main: bool = False

    @property
    def raw(self) -> Row:
        """EspoCRM's entry as it was."""
        return next(row for row in self.world.lists[PHONES] if row["phoneNumber"] == OLD[self.at])

    @property
    def number(self) -> int:
        assert self.id is not None
        return self.id

    def stays(self) -> None:
        self.rows.append(dict(self.raw))

    def becomes(self, given: str) -> None:
        self.rows.append({**self.raw, "phoneNumber": given})

    def edit(self, **values: Any) -> None:
        self.world.edit(self.number, **values)


State = Callable[[Draft], None]


def unchanged(one: Draft) -> None:
    one.stays()


def new_here(one: Draft) -> None:
    one.rows.append(phone(one.here, one.type))


def new_there(one: Draft) -> None:
    one.world.type_in(KINDS[one.type], one.there, "typed")


def new_on_both(one: Draft) -> None:
    one.rows.append(phone(one.here, one.type))
    one.world.type_in(KINDS[one.type], one.here, "typed")


def gone_here(one: Draft) -> None:
    pass


def changed_here(one: Draft) -> None:
    one.becomes(one.here)


def retyped(one: Draft) -> None:
    one.rows.append({**one.raw, "type": "Fax" if one.type == "Office" else "Office"})


def gone_there(one: Draft) -> None:
    one.stays()
    one.world.remove(one.number)


def emptied_there(one: Draft) -> None:
    one.stays()
    one.edit(tlf="")


def changed_there(one: Draft) -> None:
    one.stays()
    one.edit(tlf=one.there)


def changed_on_both(one: Draft) -> None:
    one.becomes(one.here)
    one.edit(tlf=one.there)


def changed_to_the_same(one: Draft) -> None:
    one.becomes(one.here)
    one.edit(tlf=one.here)


def changed_here_gone_there(one: Draft) -> None:
    one.becomes(one.here)
    one.world.remove(one.number)


def changed_here_emptied_there(one: Draft) -> None:
    one.becomes(one.here)
    one.edit(tlf="")


def gone_here_changed_there(one: Draft) -> None:
    one.edit(tlf=one.there)


def gone_on_both(one: Draft) -> None:
    one.edit(tlf="")


def slot(one: Draft) -> None:
    pass  # taken away in EspoCRM long ago


def typed_into_slot(one: Draft) -> None:
    one.edit(tlf=one.there)


def slot_and_new_here(one: Draft) -> None:
    one.rows.append(phone(one.here, one.type))


def respelled_there(one: Draft) -> None:
    one.stays()
    one.edit(tlf=f"0{OLD[one.at][3:6]}/{OLD[one.at][6:]}")


def extended_there(one: Draft) -> None:
    one.stays()
    one.edit(tlf=f"{OLD[one.at]};ext=12")


def text_there(one: Draft) -> None:
    one.stays()
    one.edit(bemerkung=one.world.rows[one.number]["bemerkung"] + ", please")


def unmarked_there(one: Draft) -> None:
    one.stays()
    one.edit(bemerkung=split(one.world.rows[one.number]["bemerkung"])[1])


def twin_there(one: Draft) -> None:
    one.stays()
    one.world.type_in(KINDS[one.type], OLD[one.at], "twin")


def twin_of_other_kind_there(one: Draft) -> None:
    one.stays()
    one.world.type_in(3 - KINDS[one.type], OLD[one.at], "twin")


def moved_there(one: Draft) -> None:
    one.stays()
    one.world.remove(one.number)
    one.world.type_in(KINDS[one.type], OLD[one.at], "moved")


def main_here(one: Draft) -> None:
    one.stays()
    one.main = True


def turned_there(one: Draft) -> None:
    one.stays()
    one.edit(online=not one.world.rows[one.number]["online"])


NEW: tuple[State, ...] = (new_here, new_there, new_on_both)
SLOT: tuple[State, ...] = (slot, typed_into_slot, slot_and_new_here)
OURS: tuple[State, ...] = (
    unchanged, gone_here, changed_here, retyped, gone_there, emptied_there, changed_there, changed_on_both,
    changed_to_the_same, changed_here_gone_there, changed_here_emptied_there, gone_here_changed_there, gone_on_both,
    respelled_there, extended_there, text_there, unmarked_there, twin_there, twin_of_other_kind_there, moved_there,
    main_here, turned_there,
)  # fmt: skip
STATES = (*OURS, *NEW, *SLOT)
FEWER = (
    unchanged, gone_here, changed_here, retyped, gone_there, changed_there, changed_on_both, new_here, new_there,
    slot_and_new_here,
)  # fmt: skip

TYPES = ("Office", "Fax")


def apart(at: int) -> tuple[str, str]:
    return HERE[at], THERE[at]


def crowded(at: int) -> tuple[str, str]:
    """Everybody types the same few new numbers."""
    return HERE[0], (HERE[0] if at == 1 else THERE[0])


def crossed(at: int) -> tuple[str, str]:
    """Everybody types the numbers other entries had."""
    return OLD[(at + 1) % 3], OLD[(at + 2) % 3]


ALPHABETS = {"apart": apart, "crowded": crowded, "crossed": crossed}


@cache
def agreed(types: tuple[str, ...], known: tuple[str, ...], policy: Policy) -> World:
    """A record both sides agree on; `known` tells which entries there are: here, only a slot, or not yet."""
    world = World(entity(policy))
    rows = [phone(OLD[at], kind) for at, kind in enumerate(types) if known[at] != "new"]
    world.save_espo(PHONES, rows)
    world.settle()
    for number in world.rows:
        world.edit(number, bemerkung=world.rows[number]["bemerkung"] + f" Text {number}")
    slots = [OLD[at] for at, what in enumerate(known) if what == "slot"]
    world.save_espo(PHONES, [row for row in world.lists[PHONES] if row["phoneNumber"] not in slots])
    world.settle()
    return world.copy()


def situation(states: Sequence[State], types: tuple[str, ...], policy: Policy, alphabet: str) -> World:
    known = tuple("new" if state in NEW else "slot" if state in SLOT else "here" for state in states)
    world = agreed(types, known, policy).copy()
    ids: dict[int, int] = {}
    for at, what in enumerate(known):
        if what != "new":
            ids[at] = 1 + sum(1 for other in known[:at] if other != "new")
    drafts = [Draft(world, at, types[at], ids.get(at), *ALPHABETS[alphabet](at)) for at, _ in enumerate(states)]
    for state, draft in zip(states, drafts, strict=True):
        state(draft)
    rows = [row for draft in drafts for row in draft.rows]
    mains = [row for draft in drafts if draft.main for row in draft.rows]
    if mains:
        rows = [{**row, "primary": row is mains[-1]} for row in rows]
    before = sorted(world.lists[PHONES], key=str)
    if sorted(rows, key=str) != before:
        world.save_espo(PHONES, rows)
    return world


@pytest.fixture(autouse=True, scope="module")
def _fast() -> Iterator[None]:
    with remembered_numbers():
        yield


def judge(states: Sequence[State], types: tuple[str, ...], policy: Policy, alphabet: str) -> None:
    """Lead one situation to its end; what fails is told as a story."""
    world = situation(states, types, policy, alphabet)
    before = Before(world)
    story = f"{[state.__name__ for state in states]} {types} {policy} {alphabet}"
    try:
        world.settle()
        check(before, world)
    except AssertionError as error:
        raise AssertionError(f"{story}: {error}") from error


SOAKED = pytest.mark.soak
PAIRS = [
    (Policy.MANUAL, "apart"),
    (Policy.ADVOWARE, "crowded"),
    (Policy.ESPOCRM, "crossed"),
    pytest.param(Policy.ESPOCRM, "apart", marks=SOAKED),
    pytest.param(Policy.ADVOWARE, "apart", marks=SOAKED),
    pytest.param(Policy.ESPOCRM, "crowded", marks=SOAKED),
    pytest.param(Policy.MANUAL, "crossed", marks=SOAKED),
]


@pytest.mark.parametrize(("policy", "alphabet"), PAIRS)
def test_every_list_of_two_entries(policy: Policy, alphabet: str) -> None:
    for states in product(STATES, repeat=2):
        for second in TYPES:  # of the same type, and of another: either entry is in each state
            judge(states, ("Office", second), policy, alphabet)


@SOAKED
@pytest.mark.parametrize(("policy", "alphabet"), PAIRS)
def test_every_list_of_two_entries_the_types_exchanged(policy: Policy, alphabet: str) -> None:
    for states in product(STATES, repeat=2):
        for second in TYPES:
            judge(states, ("Fax", second), policy, alphabet)


@pytest.mark.parametrize("first", FEWER, ids=lambda state: str(state.__name__))
@pytest.mark.parametrize("alphabet", ["apart", pytest.param("crossed", marks=SOAKED)])
def test_every_list_of_three_entries(first: State, alphabet: str) -> None:
    for others in product(FEWER, repeat=2):
        for types in (("Office", "Office", "Office"), ("Office", "Fax", "Office")):
            judge((first, *others), types, Policy.ESPOCRM, alphabet)

"""Lists that are just what is remembered are not paired: pairing them would have said the same, which is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mappers.kommunikation import KOMMUNIKATION, MAILS, PHONES, VALUES
from mappers.spec import Policy, Side
from syncd.entries import EntryPlan, plan_pairs
from syncd.model import BY_HAND, RECORD, Base, Decision, Intent, IntentState, Memory, Version
from syncd.pairing import entries_there, in_question, is_settled
from tests.core.entries_world import World, entity, remembered_numbers
from tests.core.test_entries_properties import NUMBERS, Case, agreed, cases

ODD: tuple[Any, ...] = (
    None,
    "",
    "x",
    True,
    False,
    0,
    1,
    1.0,
    3,
    "Office",
    "Mobile",
    NUMBERS[0],
    NUMBERS[1],
    "a@b.example",
)


@pytest.fixture(autouse=True, scope="module")
def _fast() -> Iterator[None]:
    with remembered_numbers():
        yield


@dataclass(frozen=True)
class Oddity:
    """Something that is not as it was: an attribute of an entry of either side, or of its base, or what is known."""

    where: str
    at: int
    name: str
    value: Any

    def __call__(self, world: World) -> None:
        names = sorted(name for name in world.memory.base if KOMMUNIKATION.owns(name))
        match self.where:
            case Side.ESPO:
                rows = world.lists[PHONES] + world.lists[MAILS]
                if rows:
                    row = rows[self.at % len(rows)]
                    row[VALUES[PHONES if "phoneNumber" in row else MAILS] if self.name == "tlf" else self.name] = (
                        self.value
                    )
            case Side.ADVOWARE if world.rows:
                world.rows[sorted(world.rows)[self.at % len(world.rows)]][self.name] = self.value
            case "base" if names:
                name = names[self.at % len(names)]
                world.memory = replace(
                    world.memory, base={**world.memory.base, name: self._odd(world.memory.base[name])}
                )
            case "forgotten" if names:
                left = {name: base for name, base in world.memory.base.items() if name != names[self.at % len(names)]}
                world.memory = replace(world.memory, base=left)
            case "memory":
                world.memory = self._known(world.memory, names[self.at % len(names)] if names else "kommunikation:1")

    def _odd(self, base: Base) -> Base:
        match self.at % 4:
            case 0:
                return replace(base, espo={**(base.espo or {}), self.name: self.value})
            case 1:
                return replace(base, advoware={**(base.advoware or {}), self.name: self.value})
            case 2:
                return replace(base, espo=None)
            case _:
                return replace(base, shared=f"{PHONES} {self.value}")

    def _known(self, memory: Memory, name: str) -> Memory:
        more: tuple[dict[str, Any], ...] = (
            {"believe": Side.ESPO},
            {"believe": Side.ADVOWARE},
            {"waiting": {name: BY_HAND}},
            {"quarantine": {(Side.ADVOWARE, name): None, (Side.ESPO, name): "x"}},
            {"stuck": frozenset({name, RECORD})},
            {"one_by_one": frozenset({PHONES})},
            {"base_at_start": {}},
            {"shared": {(PHONES, NUMBERS[0]): None}},
        )
        return replace(memory, **more[self.at % len(more)])


oddities = st.builds(
    Oddity,
    st.sampled_from([Side.ESPO, Side.ADVOWARE, "base", "forgotten", "memory", "memory"]),
    st.integers(0, 15),
    st.sampled_from(["tlf", "type", "primary", "bemerkung", "online"]),
    st.sampled_from(ODD),
)


def is_at_rest(world: World) -> bool:
    """Whether nothing has to be paired; if so, pairing everything must come to the same."""
    memory, espo = world.memory, world.espo()
    [entries] = world.entity.lists
    here, there = entries.read_espo(espo.body), entries_there(entries, memory, world.advoware().body) or ()
    if not is_settled(entries, memory, here, there):
        return False
    assert in_question(entries, memory, here, there) == set()
    for saved_since in (False, True):
        for newer in (None, *Side):
            planned = plan_pairs(
                entries, memory, here, there, newer, saved_since=saved_since, unchanged_there=saved_since
            )  # fmt: skip
            assert planned == EntryPlan()
    return True


@settings(max_examples=250, deadline=None, derandomize=True)
@given(cases(many=1), st.lists(oddities, max_size=2))
def test_of_lists_that_are_as_remembered_pairing_would_say_nothing(case: Case, odd: list[Oddity]) -> None:
    world = agreed(case)
    world.copies = False
    for one in odd:
        one(world)
    event("at rest" if is_at_rest(world) else "to be paired")


def three_entries() -> World:
    world = World(entity(Policy.ESPOCRM))
    world.type_in(1, NUMBERS[0])
    world.type_in(3, "+491711234567", "Sekretariat", online=True)
    world.type_in(4, "anna@example.com")
    world.settle()
    return world.copy()


def test_lists_just_kept_the_same_are_at_rest_and_so_is_a_slot_beside_them() -> None:
    world = three_entries()
    assert is_at_rest(world)
    world.save_espo(PHONES, world.lists[PHONES][:1])
    assert not is_at_rest(world)
    world.settle()
    assert "" in [row["tlf"] for row in world.rows.values()]
    assert is_at_rest(world)


def _takes_out(world: World) -> None:
    world.lists[PHONES] = world.lists[PHONES][1:]


EDITS: dict[str, Callable[[World], Any]] = {
    "typed in EspoCRM": lambda world: world.lists[PHONES][0].update(phoneNumber=NUMBERS[5]),
    "given another type": lambda world: world.lists[PHONES][0].update(type="Home"),
    "opted out": lambda world: world.lists[PHONES][0].update(optOut=True),
    "another main one": lambda world: [row.update(primary=not row["primary"]) for row in world.lists[PHONES]],
    "two main ones": lambda world: [row.update(primary=True) for row in world.lists[PHONES]],
    "taken out": _takes_out,
    "list not shown": lambda world: world.lists.pop(MAILS),
    "typed in Advoware": lambda world: world.edit(1, tlf=NUMBERS[5]),
    "spelt otherwise": lambda world: world.edit(1, tlf="0511 / 12345 00"),
    "emptied": lambda world: world.edit(1, tlf=""),
    "a remark": lambda world: world.edit(1, bemerkung="nur vormittags"),
    "switched": lambda world: world.edit(1, online=not world.rows[1]["online"]),
    "new in Advoware": lambda world: world.type_in(1, NUMBERS[6]),
    "a twin": lambda world: world.type_in(1, NUMBERS[0]),
    "deleted": lambda world: world.remove(1),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_whatever_a_person_changes_is_paired(edit: Callable[[World], Any]) -> None:
    world = three_entries()
    edit(world)
    assert not is_at_rest(world)


def test_an_entry_that_is_one_of_two_main_ones_is_paired() -> None:
    """EspoCRM should have just one; the second is taken for none, and so is no more what is remembered."""
    world = three_entries()
    for row in world.lists[PHONES]:
        row["primary"] = True
    for name in ("kommunikation:1", "kommunikation:2"):
        _base(world, name, espo={"primary": True})
    assert not is_at_rest(world)


@pytest.mark.parametrize("side", Side)
def test_numbers_that_are_equal_but_do_not_read_the_same_are_paired(side: Side) -> None:
    """As text 4951 and 4951.0 are two values, although Python holds them to be equal."""
    world = three_entries()
    world.copies = False
    row = next(row for row in world.lists[PHONES] if row["phoneNumber"] == NUMBERS[0])
    shown, known = (4951.0, 4951) if side is Side.ESPO else ("4951.0", "4951.0")
    row["phoneNumber"] = shown
    _base(world, "kommunikation:1", espo={"phoneNumber": known})
    shown, known = (4951.0, 4951) if side is Side.ADVOWARE else ("4951.0", "4951.0")
    world.rows[1]["tlf"] = shown
    _base(world, "kommunikation:1", advoware={"tlf": known}, shared=f"{PHONES} 4951.0")
    assert not is_at_rest(world)
    row["phoneNumber"] = world.rows[1]["tlf"] = "4951.0"
    _base(world, "kommunikation:1", espo={"phoneNumber": "4951.0"}, advoware={"tlf": "4951.0"})
    assert is_at_rest(world)


def test_under_another_rule_a_base_says_nothing() -> None:
    world = three_entries()
    base = replace(world.memory.base["kommunikation:1"], rule="kommunikation|other|both")
    world.memory = replace(world.memory, base={**world.memory.base, "kommunikation:1": base})
    assert not is_at_rest(world)


def _base(world: World, name: str, shared: str | None = None, **raw: dict[str, Any]) -> None:
    base = world.memory.base[name]
    changed = replace(
        base,
        espo={**base.espo, **raw.get("espo", {})},
        advoware={**base.advoware, **raw.get("advoware", {})},
        shared=shared or base.shared,
    )
    world.memory = replace(world.memory, base={**world.memory.base, name: changed})


DOUBT = Intent("i1", Side.ADVOWARE, "update", (), 0.0, IntentState.IN_DOUBT)


@pytest.mark.parametrize(
    "known",
    [
        {"decisions": {"titel": Decision("c1", None, "Dr.", None)}},
        {"intents": (DOUBT,)},
        {"advoware_version": Version()},
    ],
    ids=["a choice", "a write in doubt", "never kept the same"],
)
def test_where_more_is_known_than_the_bases_everything_is_paired(known: dict[str, Any]) -> None:
    world = three_entries()
    world.memory = replace(world.memory, **known)
    assert not is_at_rest(world)

"""Records of three fields, every one there is, planned and carried out to the end.

`test_merge_exhaustive` shows that only equality of values counts, so the 15 patterns of blank, x, y and
z over base, EspoCRM and Advoware stand for all 64 values of a field.
"""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from mappers.beteiligte import reachable_at
from mappers.normal import TEXT
from mappers.spec import Canonical, Entity, Field, Policy, Role, Side
from scripts.truth_table import patterns
from syncd.model import (
    Action,
    Agree,
    Base,
    Dispute,
    Keep,
    Key,
    Memory,
    PairState,
    Settle,
    Status,
    Trust,
    Update,
    Version,
)
from tests.core.simulator import Firm
from tests.core.situation import ID, advoware, espo, only, settled, updates

Pattern = tuple[Canonical, ...]
PATTERNS = tuple(patterns(3))
NAMES = ("one", "two", "three")
VERSION = Version("v", None, 1_790_000_000.0, "anna")


def entity(*policies: Policy) -> Entity:
    fields = tuple(
        Field(name, name, name, TEXT, role=Role.NAME if name == "one" else None, policy=policy)
        for name, policy in zip(NAMES, policies, strict=False)
    )
    return Entity("small", "CSmall", "small", "betnr", "betNr", fields, reachable_at)


def firm(small: Entity, record: tuple[Pattern, ...]) -> Firm:
    """Both sides and the base of a record, a pattern (base, EspoCRM, Advoware) for each field."""
    base, one, other = ({f.name: p[i] for f, p in zip(small.fields, record, strict=True)} for i in range(3))
    known = {
        field.name: Base(
            field.codec.render(Side.ESPO, base[field.name]),
            field.codec.render(Side.ADVOWARE, base[field.name]),
            field.rule,
        )
        for field in small.fields
    }
    memory = Memory(Key("small", "e"), PairState.LINKED, True, ID, Trust.CONFIRMED, True, known, VERSION, VERSION)
    sides = {
        Side.ESPO: dict(espo(one, entity=small).body),
        Side.ADVOWARE: dict(advoware(other, entity=small).body),
    }
    return Firm(small, memory, sides, {Side.ESPO: VERSION, Side.ADVOWARE: VERSION})


def decisions(actions: tuple[Action, ...]) -> set[object]:
    """What is decided of each field, whatever it is bundled with."""
    agreed = {("agree", name) for action in only(actions, Agree) for name in action.fields}
    others = set(only(actions, Keep)) | set(only(actions, Dispute))
    return agreed | others | set(updates(actions).items())


@pytest.mark.parametrize("policy", Policy)
def test_fields_are_decided_one_by_one_and_never_touch_each_other(policy: Policy) -> None:
    alone: dict[tuple[str, Pattern], set[object]] = {}
    whole = entity(policy, policy, policy)
    for index, name in enumerate(NAMES):
        for pattern in PATTERNS:
            unchanged: list[Pattern] = [(None, None, None)] * 3
            unchanged[index] = pattern
            alone[name, pattern] = decisions(firm(whole, tuple(unchanged)).plan())
    for record in product(PATTERNS, repeat=3):
        actions = firm(whole, record).plan()
        parts = [alone[name, pattern] for name, pattern in zip(NAMES, record, strict=True)]
        assert decisions(actions) == set().union(*parts), record
        waits = any(isinstance(action, Dispute) for action in actions)
        end = settled(actions)
        assert end is not None
        assert end.status is (Status.CONFLICT if waits else Status.CLEAN), record


@pytest.mark.parametrize("policies", list(product(Policy, repeat=2)), ids="-".join)
def test_every_record_of_two_fields_comes_to_rest_with_nobodys_input_lost(policies: tuple[Policy, Policy]) -> None:
    small = entity(*policies)
    for record in product(PATTERNS, repeat=2):
        world = firm(small, record)
        world.run(Random(0))
        assert all(isinstance(action, Settle | Dispute) for action in world.plan()), record
        for field, (base, one, other) in zip(small.fields, record, strict=True):
            now = {side: world.value(side, field.name) for side in Side}
            kept = {value for keep in world.kept if keep.field == field.name for value in (keep.espo, keep.advoware)}
            disputed = field.name in world.waiting
            assert disputed == (field.policy is Policy.MANUAL and len({base, one, other}) == 3), record
            if disputed:
                assert (now[Side.ESPO], now[Side.ADVOWARE]) == (one, other), record
                continue
            assert now[Side.ESPO] == now[Side.ADVOWARE], record
            assert now[Side.ESPO] in ({one, other} - {base} or {base}), record
            for side, typed in ((Side.ESPO, one), (Side.ADVOWARE, other)):
                assert typed == base or now[side] == typed or typed in kept, record


def test_a_plan_of_a_record_is_one_update_per_side_at_most() -> None:
    small = entity(Policy.ESPOCRM, Policy.ADVOWARE, Policy.MANUAL)
    for record in product(PATTERNS, repeat=3):
        sides = [update.side for update in only(firm(small, record).plan(), Update)]
        assert len(set(sides)) == len(sides), record

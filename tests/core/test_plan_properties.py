"""One record, perturbed twice: whatever happened to it, the plans come to rest, and nobody's input is lost.

The plans are carried out on two dicts, in any order, with deaf, cutting and refusing systems, and
with processes that die half way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from mappers.normal import DAY
from mappers.spec import Can, Canonical, Direction, Entity, Field, Policy, Raw, Side
from syncd.model import (
    Agree,
    Ask,
    Base,
    Create,
    Dispute,
    Keep,
    Memory,
    PairState,
    Quarantine,
    Settle,
    Status,
    Trust,
    Update,
    Version,
)
from tests.core.simulator import Firm, Habits
from tests.core.situation import ID, KEY, MORNING, POLICY, US_IN_ESPO

NAMES = tuple(field.name for field in BETEILIGTE.fields)
WORDS: tuple[Canonical, ...] = (None, "Müller-Lüdenscheidt", "Weiß", "O’Neill 𠮷", "M")
DAYS: tuple[Canonical, ...] = (None, "1980-02-29", "2024-03-31", "1945-05-24", "2000-01-01")
SALUTATIONS: tuple[Canonical, ...] = (None, "Herr", "Frau", "Divers", "Firma")

POLICIES = st.tuples(*[st.sampled_from(Policy)] * len(NAMES))
DIRECTIONS = st.tuples(*[st.sampled_from([*[Direction.BOTH] * 3, *Direction])] * len(NAMES))

Record = Mapping[str, Canonical]


class Past:
    """What is known of a pair's past."""

    KNOWN, FIRST, LOST, NEWLY_MAPPED = "known", "first", "lost", "newly mapped"


@dataclass(frozen=True)
class Case:
    """A record both sides agreed on once, and what people made of it since."""

    entity: Entity
    base: Record
    espo: Record
    advoware: Record
    past: str
    unmapped: frozenset[str]
    habits: Habits
    newer: Side | None
    kills: tuple[int, ...]
    seed: int

    def now(self, side: Side) -> Record:
        return self.espo if side is Side.ESPO else self.advoware

    def changed(self, side: Side, name: str) -> bool:
        return self.now(side)[name] != self.base[name]


def pool(field: Field) -> tuple[Canonical, ...]:
    if field.codec is DAY:
        return DAYS
    return SALUTATIONS if field.name == "anrede" else WORDS


@st.composite
def entities(draw: st.DrawFn) -> Entity:
    """Mostly the settings every firm has, some with directions and policies of their own."""
    if draw(st.booleans()):
        return BETEILIGTE
    policies = draw(POLICIES)
    directions = draw(DIRECTIONS)
    return BETEILIGTE.with_fields(
        {
            name: {"policy": policy, "direction": direction}
            for name, policy, direction in zip(NAMES, policies, directions, strict=True)
        }
    )


@st.composite
def perturbed(draw: st.DrawFn, entity: Entity, base: Record) -> dict[str, Canonical]:
    """The record after some of its fields were typed over or cleared."""
    touched = draw(st.sets(st.sampled_from(NAMES), max_size=4))
    return {**base, **{name: draw(st.sampled_from(pool(entity.field(name)))) for name in sorted(touched)}}


@st.composite
def cases(draw: st.DrawFn, past: str | None = None, *, kills: bool = True) -> Case:
    entity = draw(entities())
    base = {field.name: draw(st.sampled_from(pool(field))) for field in entity.fields}
    base["name"] = base["name"] or "Meier"
    espo, advoware = draw(perturbed(entity, base)), draw(perturbed(entity, base))
    return Case(
        entity,
        base,
        espo,
        advoware,
        past=past or draw(st.sampled_from([Past.KNOWN, Past.FIRST, Past.LOST, Past.NEWLY_MAPPED])),
        unmapped=draw(st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=3)),
        habits=draw(habits()),
        newer=draw(st.sampled_from([None, *Side])),
        kills=tuple(draw(st.lists(st.integers(0, 6), max_size=3))) if kills else (),
        seed=draw(st.integers(0, 2**16)),
    )


@st.composite
def habits(draw: st.DrawFn) -> Habits:
    """Half of the firms have systems that do as they are told."""
    if draw(st.booleans()):
        return Habits()
    texts = [name for name in NAMES if name not in ("geburtsdatum", "anrede")]
    cut = draw(st.dictionaries(st.tuples(st.sampled_from(Side), st.sampled_from(texts)), st.integers(3, 8), max_size=2))
    deaf = draw(st.frozensets(st.sampled_from(NAMES), max_size=2))
    refused = draw(st.frozensets(st.tuples(st.sampled_from(Side), st.sampled_from(NAMES)), max_size=2))
    return Habits(cut, deaf, refused)


def spelled(field: Field, side: Side, value: Canonical, random: Random) -> Raw:
    """The value as a person may have typed it: decomposed, between blanks, as `Mrs.`."""
    rendered = field.codec.render(side, value)
    if not isinstance(rendered, str) or field.codec is DAY:
        return rendered if random.random() < 0.8 or rendered is not None else ""
    if rendered == "Ms.":
        return random.choice(["Ms.", "Mrs.", "Frau"])
    return random.choice([rendered, unicodedata.normalize("NFD", rendered), f"{rendered} ", f"\u00a0{rendered}\r\n"])


def firm(case: Case) -> Firm:
    random = Random(case.seed)
    entity = case.entity
    sides: dict[Side, dict[str, Raw]] = {}
    base: dict[str, Base] = {}
    for field in entity.fields:
        old = {side: spelled(field, side, case.base[field.name], random) for side in Side}
        base[field.name] = Base(old[Side.ESPO], old[Side.ADVOWARE], field.rule)
        for side in Side:
            value = spelled(field, side, case.now(side)[field.name], random)
            if not case.changed(side, field.name) and random.random() < 0.5:
                value = old[side]
            sides.setdefault(side, {})[field.attribute(side)] = value
    touched = {side: any(case.changed(side, name) for name in NAMES) for side in Side}
    saved_by_us = not touched[Side.ESPO] and case.past != Past.FIRST
    later = {side: MORNING + (60 if case.newer is side else 0) for side in Side}
    versions = {
        Side.ESPO: Version("e1", 1, later[Side.ESPO], US_IN_ESPO if saved_by_us else "anna"),
        Side.ADVOWARE: Version("a1" if touched[Side.ADVOWARE] else "a0", None, later[Side.ADVOWARE], "AB"),
    }
    if case.newer is None:
        versions[Side.ADVOWARE] = replace(versions[Side.ADVOWARE], changed_at=None)
    sides[Side.ESPO] |= {entity.link: ID, entity.status.status: "dirty" if touched[Side.ESPO] else "clean"}
    sides[Side.ADVOWARE] |= {entity.advoware_id: ID}
    memory = Memory(KEY, PairState.LINKED, True, ID, Trust.CONFIRMED, True)
    match case.past:
        case Past.KNOWN:
            memory = replace(memory, base=base, advoware_version=Version("a0"))
        case Past.NEWLY_MAPPED:
            known = {name: value for name, value in base.items() if name not in case.unmapped}
            memory = replace(memory, base=known, advoware_version=Version("a0"))
        case Past.LOST:
            sides[Side.ESPO] |= {entity.status.last_sync: "2026-09-21 09:00:00", entity.status.row_id: "a0"}
    return Firm(entity, memory, sides, versions, case.habits, POLICY)


def run(case: Case) -> Firm:
    world = firm(case)
    world.run(Random(case.seed), case.kills)
    return world


def explained(world: Firm, case: Case, field: Field) -> bool:
    """Whether people are told of a difference, or have forbidden to even it out, or a system cannot hold the value."""
    if field.name in world.waiting or field.direction is not Direction.BOTH:
        return True
    return any(name == field.name for _, name in case.habits.cut)


def is_at_rest(world: Firm) -> bool:
    return not any(isinstance(action, Update | Create | Agree | Keep) for action in world.plan())


plenty = settings(max_examples=60, deadline=None)


@plenty
@given(cases())
def test_it_comes_to_rest_and_both_sides_are_equal_or_people_know_why_not(case: Case) -> None:
    world = run(case)
    for field in case.entity.fields:
        espo, advoware = (world.value(side, field.name) for side in (Side.ESPO, Side.ADVOWARE))
        assert espo == advoware or explained(world, case, field), field.name


@plenty
@given(cases())
def test_a_second_pass_plans_nothing_but_the_status(case: Case) -> None:
    world = run(case)
    actions = world.plan()
    assert all(isinstance(action, Settle | Dispute | Ask | Quarantine) for action in actions)
    assert isinstance(actions[-1], Settle)
    waits = any(not isinstance(action, Settle) for action in actions)
    assert actions[-1].status is (Status.CONFLICT if waits else Status.CLEAN)
    before = list(world.written)
    world.run(Random(0))
    assert world.written == before


@plenty
@given(cases(past=Past.KNOWN))
def test_what_one_person_changed_on_one_side_wins(case: Case) -> None:
    world = run(case)
    for field in case.entity.fields:
        changed = [side for side in Side if case.changed(side, field.name)]
        if len(changed) != 1 or field.direction is Direction.OFF:
            continue
        (source,) = changed
        value = case.now(source)[field.name]
        assert world.value(source, field.name) == value
        takes = field.direction.allows(source.other) and (source is Side.ADVOWARE or field.can is Can.UPDATE)
        awkward = field.name in case.habits.deaf or any(n == field.name for _, n in case.habits.refused)
        cut = (source.other, field.name) in case.habits.cut
        if takes and not awkward and not cut:
            assert world.value(source.other, field.name) == value
            assert field.name not in world.waiting


@plenty
@given(cases(past=Past.KNOWN))
def test_a_field_nobody_touched_is_never_written_and_neither_is_one_that_is_equal(case: Case) -> None:
    world = run(case)
    written = {write.field for _, write in world.written}
    for field in case.entity.fields:
        untouched = not any(case.changed(side, field.name) for side in Side)
        if untouched or case.espo[field.name] == case.advoware[field.name] or field.direction is Direction.OFF:
            assert field.name not in written


@plenty
@given(cases())
def test_nothing_is_written_against_the_direction_or_where_advowares_interface_is_deaf(case: Case) -> None:
    for side, write in run(case).written:
        field = case.entity.field(write.field)
        assert field.direction.allows(side)
        assert side is Side.ESPO or field.can is Can.UPDATE


@plenty
@given(cases())
def test_every_value_a_person_typed_is_still_there_or_kept(case: Case) -> None:
    """Exactly as typed: on its own side, or in a Keep. Where nobody knows the past, every value may be a person's."""
    world = run(case)
    for field in case.entity.fields:
        known = case.past == Past.KNOWN or (case.past == Past.NEWLY_MAPPED and field.name not in case.unmapped)
        for side in Side:
            value = case.now(side)[field.name]
            if (known and not case.changed(side, field.name)) or (not known and value is None):
                continue
            if case.past == Past.LOST and not case.changed(side, field.name):
                continue
            kept = [
                keep.espo if side is Side.ESPO else keep.advoware for keep in world.kept if keep.field == field.name
            ]
            assert world.value(side, field.name) == value or value in kept, (side, field.name)


@plenty
@given(cases())
def test_no_value_appears_that_nobody_typed(case: Case) -> None:
    world = run(case)
    for field in case.entity.fields:
        typed = {case.espo[field.name], case.advoware[field.name]}
        for side in Side:
            end = case.habits.cut.get((side, field.name))
            cut = {value[:end] if value else None for value in typed} if end else set()
            seen = world.value(side, field.name)
            assert seen in typed or seen in {BETEILIGTE.field(field.name).codec.parse(side, value) for value in cut}


@plenty
@given(cases(past=Past.FIRST), st.data())
def test_under_manual_no_value_is_replaced_before_a_person_chose(case: Case, data: st.DataObject) -> None:
    manual = {name: {"policy": Policy.MANUAL, "direction": Direction.BOTH} for name in NAMES}
    world = run(replace(case, entity=case.entity.with_fields(manual), habits=Habits()))
    for field in world.entity.fields:
        espo, advoware = case.espo[field.name], case.advoware[field.name]
        if espo is not None and advoware is not None and espo != advoware:
            assert isinstance(world.waiting[field.name], Dispute)
            assert world.value(Side.ESPO, field.name) == espo
            assert world.value(Side.ADVOWARE, field.name) == advoware
    assert world.kept == []


@plenty
@given(cases(kills=False), st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple))
def test_a_process_that_dies_leaves_nothing_that_an_uninterrupted_one_would_not(
    case: Case, kills: tuple[int, ...]
) -> None:
    """With the base known, the end is the same; which of two values is proposed may hang on who saved last."""
    if case.past == Past.FIRST or case.past == Past.LOST:
        case = replace(case, past=Past.KNOWN)
    fixed = {f.name: {"policy": Policy.ESPOCRM} for f in case.entity.fields if f.policy is Policy.NEWEST}
    case = replace(case, entity=case.entity.with_fields(fixed))
    calm, killed = run(case), run(replace(case, kills=kills))
    for field in case.entity.fields:
        for side in Side:
            assert killed.value(side, field.name) == calm.value(side, field.name)


@plenty
@given(cases(past=Past.LOST))
def test_with_the_ledger_lost_a_change_on_one_side_alone_is_still_that_sides(case: Case) -> None:
    untouched = replace(case, advoware=case.base, habits=Habits(), kills=())
    world = run(untouched)
    for field in case.entity.fields:
        if field.direction is Direction.BOTH and field.can is Can.UPDATE:
            assert world.value(Side.ADVOWARE, field.name) == case.espo[field.name]
    world = run(replace(case, espo=case.base, habits=Habits(), kills=()))
    for field in case.entity.fields:
        if field.direction is Direction.BOTH:
            assert world.value(Side.ESPO, field.name) == case.advoware[field.name]


@plenty
@given(cases(past=Past.FIRST))
def test_a_first_sync_asks_nobody_but_where_the_firm_wants_to_be_asked(case: Case) -> None:
    world = run(replace(case, habits=Habits()))
    for name, action in world.waiting.items():
        if isinstance(action, Dispute):
            field = case.entity.field(name)
            assert field.policy is Policy.MANUAL
            assert action.why == "manual"
        else:
            assert isinstance(action, Ask)


@plenty
@given(cases(past=Past.FIRST, kills=False), st.sampled_from(Side))
def test_at_a_first_sync_the_newer_side_wins_to_the_end(case: Case, newer: Side) -> None:
    """Also after our own write to one side has stamped it with our time."""
    world = run(replace(case, newer=newer, habits=Habits()))
    for field in case.entity.fields:
        values = {side: case.now(side)[field.name] for side in Side}
        if None in values.values() or field.policy is Policy.MANUAL:
            continue
        if field.direction is Direction.BOTH and (field.can is Can.UPDATE or newer is Side.ADVOWARE):
            assert {world.value(side, field.name) for side in Side} == {values[newer]}


@plenty
@given(cases(past=Past.KNOWN, kills=False), st.sampled_from(Side))
def test_under_newest_the_newer_side_wins_to_the_end(case: Case, newer: Side) -> None:
    newest = {field.name: {"policy": Policy.NEWEST} for field in case.entity.fields}
    world = run(replace(case, entity=case.entity.with_fields(newest), newer=newer, habits=Habits()))
    for field in case.entity.fields:
        contested = all(case.changed(side, field.name) for side in Side) and field.direction is Direction.BOTH
        if contested and (field.can is Can.UPDATE or newer is Side.ADVOWARE):
            assert {world.value(side, field.name) for side in Side} == {case.now(newer)[field.name]}


EDIT = st.tuples(st.sampled_from(Side), st.sampled_from(NAMES), st.integers(1, 4))


@plenty
@given(cases(past=Past.KNOWN), st.lists(EDIT, min_size=1, max_size=6))
def test_of_many_edits_in_succession_the_last_ones_arrive(case: Case, edits: list[tuple[Side, str, int]]) -> None:
    """People go on typing between the jobs; every field travels both ways and is taken."""
    entity = BETEILIGTE
    world = firm(replace(case, entity=entity, habits=Habits()))
    random = Random(case.seed)
    for side, name, number in edits:
        world.run(random)
        if world.waiting:
            return  # a Task about register number or court waits for a person
        value = pool(entity.field(name))[number]
        world.type_in(side, name, value)
        world.run(random)
        if entity.field(name).can is Can.UPDATE or side is Side.ADVOWARE:
            assert {world.value(either, name) for either in Side} == {value}


@pytest.mark.parametrize("policy", Policy)
def test_a_dispute_ends_by_itself_once_the_values_are_equal(policy: Policy) -> None:
    entity = BETEILIGTE.with_fields({"titel": {"policy": policy}})
    record: dict[str, Canonical] = {**dict.fromkeys(NAMES), "name": "Meier"}
    case = Case(
        entity, record, {**record, "titel": "Dr."}, {**record, "titel": "Prof."},
        Past.KNOWN, frozenset(), Habits(), None, (), 0,
    )  # fmt: skip
    world = run(case)
    assert bool(world.waiting) == (policy is Policy.MANUAL)
    world.type_in(Side.ADVOWARE, "titel", "Dr.")
    world.run(Random(0))
    assert not world.waiting
    assert world.value(Side.ESPO, "titel") == world.value(Side.ADVOWARE, "titel") == "Dr."


SOAKED = {
    test_it_comes_to_rest_and_both_sides_are_equal_or_people_know_why_not: cases(),
    test_a_second_pass_plans_nothing_but_the_status: cases(),
    test_what_one_person_changed_on_one_side_wins: cases(past=Past.KNOWN),
    test_a_field_nobody_touched_is_never_written_and_neither_is_one_that_is_equal: cases(past=Past.KNOWN),
    test_every_value_a_person_typed_is_still_there_or_kept: cases(),
    test_no_value_appears_that_nobody_typed: cases(),
}


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("law", SOAKED, ids=lambda law: str(law.__name__))
def test_the_laws_hold_for_a_million_records(law: Any) -> None:
    rounds = settings(max_examples=1_000_000 // len(SOAKED), deadline=None)
    rounds(given(SOAKED[law])(law.hypothesis.inner_test))()

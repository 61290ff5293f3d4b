"""Random people, random faults, random deaths: afterwards nothing is lost, doubled or written unasked.

Each seed is one reproducible world: clerks edit both sides while calls time out (applied or not),
fail, answer nonsense, Redis is flushed and daemons die. Then the faults stop, and an oracle that
followed every typed value checks what is left.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Side
from syncd.ledger import journal, pairs, people, work
from syncd.sandbox.faults import Kind, Rule
from syncd.sandbox.reachability import differences, espo_values
from tests.daemon import World
from tests.engine.clerks import Clerks
from tests.virtual import run

SEEDS = int(os.environ.get("SYNCD_TEST_SEEDS", "5"))
PACE = 6.0
FIELDS = ("name", "titel", "zusatz", "briefanrede")
FAULTS: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (Kind.TIMEOUT, {}),
    (Kind.TIMEOUT_APPLIED, {}),
    (Kind.HANG_UP_APPLIED, {}),
    (Kind.OFFLINE, {}),
    (Kind.STATUS, {"status": 500}),
    (Kind.STATUS, {"status": 502}),
    (Kind.STATUS, {"status": 503, "retry_after": "5"}),
    (Kind.STATUS_APPLIED, {"status": 500}),
    (Kind.STATUS, {"status": 429, "retry_after": "3"}),
    (Kind.HTML, {}),
    (Kind.EMPTY, {}),
    (Kind.TRUNCATED, {}),
)


@dataclass
class Typed:
    """One value a person typed: where, when (order), and into which record."""

    order: int
    person: str
    field: str
    side: Side
    value: str | None


@dataclass
class Oracle:
    """Everything people did."""

    typed: list[Typed] = field(default_factory=list)
    created: list[str] = field(default_factory=list)

    def note(self, person: str, name: str, side: Side, value: str | None) -> None:
        self.typed.append(Typed(len(self.typed), person, name, side, value))


async def people_at_work(
    world: World, oracle: Oracle, clerks: Clerks, linked: list[tuple[str, int]], chance: random.Random
) -> None:
    """Clerks type at random moments for about ten minutes."""
    sandbox = world.sandbox
    for step in range(60):
        await world.clock.sleep(chance.uniform(0.0, 20.0))
        if chance.random() < 0.4:
            clerks.anything(chance.choice([linked[0], *linked]))
            continue
        value: str | None = f"Wert {step}"
        name = chance.choice(FIELDS)
        if name != "name" and chance.random() < 0.2:
            value = None
        mapped = BETEILIGTE.field(name)
        espo_id, betnr = chance.choice(linked)
        dice = chance.random()
        if dice < 0.4:
            sandbox.people.espo.edit(espo_id, {mapped.espo: value}, by=chance.choice(["anna", "bernd"]))
            oracle.note(espo_id, name, Side.ESPO, value)
        elif dice < 0.8:
            sandbox.people.advoware.edit(betnr, {mapped.advoware: value or ""}, by=chance.choice(["AB", "CD"]))
            oracle.note(espo_id, name, Side.ADVOWARE, value)
        elif dice < 0.9:
            person = {"firstName": f"Vor{step}", "lastName": f"Neu{step}", "geburtsdatum": "1990-02-03"}
            oracle.created.append(sandbox.people.espo.create({**person, **clerks.fresh()}, by="anna"))
        else:
            kind, options = chance.choice(FAULTS)
            system = chance.choice(["espocrm", "advoware"])
            sandbox.faults.add(Rule(kind, system=system, times=chance.randint(1, 4), **options))


async def mishaps(world: World, chance: random.Random) -> None:
    """Redis is flushed now and then."""
    while True:
        await world.clock.sleep(chance.uniform(30, 300))
        world.flush_redis()


async def play(seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        world = World(
            Path(directory), seed=seed, SYNCD_SWEEP_MIN_SECONDS="20", SYNCD_SWEEP_MAX_SECONDS="120",
            SYNCD_RETRY_MINUTES="0.1,0.2,0.5,1,2", SYNCD_AUTO_RESET_HOURS="0.2",
            ADVOWARE_API_TIMEOUT_SECONDS="5", ESPOCRM_API_TIMEOUT_SECONDS="5",
        )  # fmt: skip
        linked = world.sandbox.seed.synced(3)
        oracle, clerks = Oracle(), Clerks(world.sandbox.people, random.Random(f"{seed}/numbers"))
        original = {value for record in world.sandbox.people.espo.all() for value in espo_values(record)}
        assert await world.live(world.daemon("zero"), 20)
        working = asyncio.create_task(people_at_work(world, oracle, clerks, linked, chance))
        accidents = asyncio.create_task(mishaps(world, chance))
        number = 0
        while not working.done():
            number += 1
            if chance.random() < 0.75:
                world.effects.crash_after = world.effects.count + chance.randint(1, 60)
            await world.live(world.daemon(f"daemon-{number}"), chance.uniform(20, 200), PACE)
            world.effects.crash_after = None
        accidents.cancel()
        await working
        world.sandbox.faults.clear()
        for number in range(30):
            await world.live(world.daemon(f"last-{number}"), 100, PACE)
            counts = await world.daemon("reader").parts.ledger.read(work.counts, world.clock.now())
            if number and not counts["lanes"]:
                break
        await world.sandbox.settle()
        wrong = await judge(world, oracle, linked)
        ledger = world.daemon("judge").parts.ledger
        for pair in linked:
            wrong += await clerks.complaints(pair, ledger, original)
        written = dict(world.sandbox.log.writes)
        await world.live(world.daemon("quiet"), 300, PACE)
        if dict(world.sandbox.log.writes) != written:
            wrong.append(f"not quiet: {written} then {dict(world.sandbox.log.writes)}")
        assert not wrong, f"seed {seed}: " + "; ".join(wrong)


async def judge(world: World, oracle: Oracle, linked: list[tuple[str, int]]) -> list[str]:
    ledger = world.daemon("judge").parts.ledger
    wrong = []
    counts = await ledger.read(work.counts, world.clock.now())
    if counts["lanes"]:
        wrong.append(f"work is left: {counts}")
    espo = {record["id"]: record for record in world.sandbox.people.espo.all()}
    advoware = {record["betNr"]: record for record in world.sandbox.people.advoware.all()}
    betnrs = [record["betnr"] for record in espo.values()]
    if len(set(betnrs)) != len(betnrs) or None in betnrs:
        wrong.append(f"links: {betnrs}")
    if len(advoware) != len(espo):
        wrong.append(f"{len(espo)} records, {len(advoware)} Beteiligte")
    for espo_id, record in espo.items():
        if record["syncStatus"] != "clean":
            wrong.append(f"{espo_id} is {record['syncStatus']}: {record['syncErrorMessage']}")
        other = advoware.get(record["betnr"])
        if other is None:
            continue
        for mapped in BETEILIGTE.fields:
            left, right = mapped.parse(Side.ESPO, record), mapped.parse(Side.ADVOWARE, other)
            if left != right:
                wrong.append(f"{espo_id} {mapped.name}: {left!r} / {right!r}")
        wrong += [f"{espo_id}: {line}" for line in differences(record, other)]
        wrong += await lost_values(ledger, oracle, record)
    return wrong


async def lost_values(ledger: Any, oracle: Oracle, record: dict[str, Any]) -> list[str]:
    """Values that are neither there, nor replaced by a later one of the field, nor kept."""
    key = f"beteiligte/{record['id']}"
    kept = await ledger.read(people.list_conflicts, [people.KEPT, people.OPEN, people.SETTLED], key)
    told = await ledger.read(journal.of_record, key)
    assert await ledger.read(pairs.get, key)
    lost = []
    for item in oracle.typed:
        if item.person != record["id"]:
            continue
        mapped = BETEILIGTE.field(item.field)
        later = [other for other in oracle.typed if other.person == item.person and other.field == item.field]
        final = mapped.parse(Side.ESPO, record)
        superseded = any(other.order > item.order for other in later if other.side is item.side)
        if final == item.value or item.value is None or superseded:
            continue
        in_kept = any(item.value in (one["espo"], one["advoware"]) for one in kept if one["field"] == item.field)
        in_history = any(item.value in (one["before"], one["after"]) for one in told if one["field"] == item.field)
        if not in_kept and not in_history:
            lost.append(f"lost {item}")
        if final not in {other.value for other in later}:
            lost.append(f"{record['id']} {item.field} shows {final!r}, which nobody typed")
    return lost


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_random_world_ends_well(seed: int) -> None:
    run(play(seed))

"""Plays a script to its end: people at work, then all repaired and quiet, then the judgement."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from syncd.ledger import people, work
from tests.simulation import oracle
from tests.simulation.script import Script
from tests.simulation.stage import Stage
from tests.simulation.witness import YOUNG, Witness
from tests.simulation.world import SimulatedWorld
from tests.virtual import run

MOMENT = 0.5  # virtual seconds
SETTLING = 30.0  # virtual seconds in which everything has its turn (see `world.QUICK`)
ROUNDS = 10  # of settling, at most
PATIENCE = 4  # of it, while something is ill
QUIET = 40.0
MANY = 1000


@dataclass(frozen=True)
class Outcome:
    """What came of a script. `wrong`: violations, one line each; `digest` tells two runs apart."""

    script: Script
    wrong: tuple[str, ...]
    digest: str
    trace: tuple[str, ...] = ()
    figures: Counter[str] = field(default_factory=Counter)


def play(script: Script, acting: type[Stage] = Stage) -> Outcome:
    """Play a script in a world of its own, on virtual time."""
    with tempfile.TemporaryDirectory(prefix="syncd-simulation-") as directory:
        return run(_played(script, Path(directory), acting))


async def _played(script: Script, directory: Path, acting: type[Stage]) -> Outcome:
    stage = await begun(script, directory, acting)
    await stage.play()
    wrong = await ended(stage)
    world, witness = stage.world, stage.witness
    figures = Counter(
        edits=len(witness.edits), numbers=len(stage.clerks.deeds), writes=witness.writes,
        calls=len(world.sandbox.log.calls), clobbered=len(witness.clobbered), deaths=len(world.ended),
        seconds=int(world.loop.elapsed),
    )  # fmt: skip
    return Outcome(script, tuple(wrong), world.digest(), tuple(world.trace), figures)


async def begun(script: Script, directory: Path, acting: type[Stage] = Stage) -> Stage:
    """A world in which the daemons of a script know its persons by now."""
    world = SimulatedWorld(directory, script)
    witness = Witness(world.sandbox, lambda: world.loop.elapsed, _fences(world), YOUNG + script.latency)
    stage = acting(world, script, witness)
    stage.begin()
    witness.begin()
    world.register_webhooks()
    for number in range(len(script.daemons)):
        world.start(number)
    await asyncio.sleep(SETTLING)
    stage.began = world.loop.elapsed
    return stage


async def ended(stage: Stage) -> list[str]:
    """Repair what is broken, let the daemons finish, and judge; no daemon runs afterwards."""
    world = stage.world
    before = await _ill(stage)
    stage.heal()
    await stage.try_again()
    for number in range(len(stage.script.daemons)):
        world.start(number)
    await stage.after_healing()
    wrong = before + await _settled(stage)
    writes = dict(world.sandbox.log.writes)
    await asyncio.sleep(QUIET)
    if dict(world.sandbox.log.writes) != writes:
        wrong.append(f"not quiet: {writes}, then {dict(world.sandbox.log.writes)}")
    await world.close()
    return wrong


async def _ill(stage: Stage) -> list[str]:
    """What is wrong with others while a record or a field is ill: they wait for nothing."""
    wrong: list[str] = []
    stage.nothing_else()
    for _ in range(PATIENCE if stage.poisoned or stage.refusing or stage.witness.cuts else 0):
        await asyncio.sleep(SETTLING)
        wrong = [f"while others are ill: {line}" for line in await oracle.records(stage)]
        if not wrong:
            break
    return wrong


async def _settled(stage: Stage) -> list[str]:
    """Let the daemons work until nothing is wrong, or for so long that it will stay so."""
    wrong: list[str] = []
    for _ in range(ROUNDS):
        await asyncio.sleep(SETTLING)
        await stage.decide()
        left = await left_over(stage)
        wrong = await oracle.judge(stage) if not left else [f"work is left: {left}"]
        if not wrong or stage.witness.wrong:
            break
    return wrong


async def left_over(stage: Stage) -> dict[str, int]:
    """Work by lane, and what people are still to be told; a look round that has just begun gets the time to end."""
    left: dict[str, int] = {}
    reader = stage.world.reader()
    for _ in range(int(SETTLING / MOMENT)):
        left = (await reader.read(work.counts, stage.world.clock.now()))["lanes"]
        owed = await reader.read(people.owed_messages, float("inf"), MANY)
        left |= {"messages": len(owed)} if owed else {}
        if not left:
            break
        await asyncio.sleep(MOMENT)
    return left


def _fences(world: SimulatedWorld) -> Callable[[str], int | None]:
    """The fence of a record as the ledger has it, None if it does not know the record."""

    def fence(key: str) -> int | None:
        with sqlite3.connect(world.ledger_url.removeprefix("sqlite:///")) as ledger:
            row = ledger.execute("SELECT fence FROM pairs WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    return fence

"""The ledger refuses any one commit of a job, or all from there on for minutes: the daemon lives, and ends alike."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from syncd.app import App
from syncd.ledger import work
from syncd.ledger.schema import pairs
from syncd.ledger.store import LedgerUnavailable
from tests.daemon import World
from tests.engine.test_crashes import SCENARIOS, Edit, end_state, two_pairs
from tests.virtual import run

Refuse = Callable[[World, int], Callable[[int, bool], None]]


def locked(world: World, at: int) -> Callable[[int, bool], None]:
    """One commit meets a lock."""

    def refuse(number: int, after: bool) -> None:
        if number == at and not after:
            raise LedgerUnavailable("database is locked")

    return refuse


def full(world: World, at: int) -> Callable[[int, bool], None]:
    """From one commit on there is no room, for longer than a claim lasts."""
    since: list[float] = []

    def refuse(number: int, after: bool) -> None:
        if number >= at and not since:
            since.append(world.clock.now())
        if since and not after and world.clock.now() - since[0] < 150:
            raise LedgerUnavailable("database or disk is full")

    return refuse


def answer_lost(world: World, at: int) -> Callable[[int, bool], None]:
    """One commit is made, and the server goes away before it says so."""

    def refuse(number: int, after: bool) -> None:
        if number == at and after:
            raise LedgerUnavailable("server closed the connection unexpectedly")

    return refuse


REFUSALS: dict[str, Refuse] = {refuse.__name__: refuse for refuse in (locked, full, answer_lost)}


async def insist(world: World, what: Callable[[], Awaitable[Any]]) -> None:
    """As a daemon does: what the ledger refused is begun again a little later."""
    for _ in range(200):
        try:
            await what()
            return
        except LedgerUnavailable:
            await world.clock.sleep(2)
    raise AssertionError("refused for ever")


async def live(world: World, app: App) -> None:
    """One process at its work until nothing waits any more, whatever the ledger refuses."""
    await insist(world, app.open)
    for _ in range(60):
        for chore in (app.poll, lambda: app.sweep(600), app.full_pass_if_due, lambda: app.drain(60), app.deliver):
            await insist(world, chore)
        await world.clock.sleep(20)
        if not (await app.parts.ledger.read(work.counts, world.clock.now()))["lanes"]:
            return
    raise AssertionError("never settles")


async def play(edit: Edit, refuse: Refuse | None = None, at: int = 0) -> tuple[dict[str, Any], int]:
    """The end state after an edit, and how many commits it took; one process lives through it all."""
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), SYNCD_SWEEP_MIN_SECONDS="10", SYNCD_SWEEP_MAX_SECONDS="40")
        given = two_pairs(world)
        app = world.daemon()
        await live(world, app)
        await world.clock.sleep(40)  # all is due to be looked at in Advoware
        edit(world, given)
        world.effects.commits = 0
        if refuse is not None:
            world.effects.at_commit = refuse(world, at)
        await live(world, app)
        commits = world.effects.commits
        written = dict(world.sandbox.log.writes)
        await world.clock.sleep(100)
        await live(world, app)
        assert dict(world.sandbox.log.writes) == written, "a settled world is written to"
        assert await app.parts.ledger.read(_deaths) == 0, "a trouble of the ledger was taken for a death"
        return await end_state(world), commits


def _deaths(conn: Connection) -> int:
    return int(conn.execute(select(func.coalesce(func.sum(pairs.c.crashes), 0))).scalar_one())


def ends_alike(edit: Edit, refusal: str, first: int = 1, every: int = 1) -> None:
    """Fails where refusing a commit (each, or one in so many from the first on) leads elsewhere than refusing none."""
    expected, commits = run(play(edit))
    wrong = []
    for at in range(first, commits + 1, every):
        try:
            state, _ = run(play(edit, REFUSALS[refusal], at))
        except AssertionError as error:
            wrong.append((at, str(error)))
            continue
        if state != expected:
            wrong.append((at, str(state)))
    assert not wrong, f"{len(wrong)} of {commits} refusals end elsewhere; expected {expected}: {wrong[:3]}"


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_refusal_of_one_commit_in_24_changes_nothing_in_the_end(scenario: str, refusal: str) -> None:
    numbers = [*SCENARIOS]
    ends_alike(SCENARIOS[scenario], refusal, 1 + (numbers.index(scenario) + 3 * [*REFUSALS].index(refusal)) % 24, 24)


@pytest.mark.soak
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_refusal_of_any_commit_changes_nothing_in_the_end(scenario: str, refusal: str) -> None:
    ends_alike(SCENARIOS[scenario], refusal)


def test_a_ledger_that_takes_every_second_commit_for_half_an_hour_gives_no_record_up(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        (espo_id, number), _ = two_pairs(world)
        app = world.daemon()
        await live(world, app)
        begun = world.clock.now()

        def every_second(number: int, after: bool) -> None:
            if number % 2 and not after and begun < world.clock.now() < begun + 1800:
                raise LedgerUnavailable("database or disk is full")

        world.effects.at_commit = every_second
        world.sandbox.people.espo.edit(espo_id, {"lastName": "Neuname"}, by="anna")
        assert await world.live(app, 2000)
        assert world.sandbox.people.advoware.see(number)["name"] == "Neuname"
        assert world.sandbox.people.espo.see(espo_id)["syncStatus"] == "clean"
        assert await app.parts.ledger.read(_deaths) == 0

    run(story())

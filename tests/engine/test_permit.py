"""The right to write, moment by moment: how firm the claim is, how young the read, what is left of a refused write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mappers.spec import Side
from syncd.context import Context
from syncd.ledger import facts, pairs, steps
from syncd.model import IntentState, Present, Version
from syncd.permit import FIRMNESS, READ_LIFE, STILL_FIRM, Mismatch, Permit
from syncd.scribe import Scribe, Stopped

LEASE = 60.0
START = 1_800_000_000.0


class Ledger:
    """Notes what is written; `held`: whether the claim is still ours; `paused`: the scope of a pause."""

    def __init__(self) -> None:
        self.written: list[tuple[Any, ...]] = []
        self.held = True
        self.paused: str | None = None

    async def write(self, step: object, *args: Any) -> bool:
        """One transaction."""
        self.written.append((step, *args))
        return self.held

    async def read(self, step: object, *args: Any) -> str | None:
        """Only pauses are asked for."""
        assert step is facts.paused_by
        return self.paused


class Desk:
    """A permit under a claim made at 0, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 5.0
        self.ledger = Ledger()
        clock = SimpleNamespace(monotonic=lambda: self.at, now=lambda: START + self.at)
        context = SimpleNamespace(
            clock=clock, settings=SimpleNamespace(lease=LEASE), ledger=self.ledger, entity=SimpleNamespace(name="b")
        )
        claim = SimpleNamespace(key="b/a", fence=7, lock=None)
        scribe = SimpleNamespace(job=lambda: "job")
        self.permit = Permit(cast(Context, context), cast(pairs.Claim, claim), 0.0, cast(Scribe, scribe))

    def seen(self, ago: float = 0.0) -> Present:
        """What was read so many seconds ago."""
        return Present({}, Version(), self.at - ago, None)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_claim_is_renewed_only_when_half_of_it_is_over(desk: Desk) -> None:
    desk.at = LEASE * (1 - FIRMNESS) - 0.1
    await desk.permit.firm()
    assert desk.ledger.written == []
    desk.at += 0.2
    await desk.permit.firm()
    assert desk.ledger.written == [(pairs.renew, "b/a", 7, START + desk.at + LEASE, None)]
    await desk.permit.firm()
    assert len(desk.ledger.written) == 1, "it is as good as new"


async def test_a_claim_that_cannot_be_renewed_is_lost(desk: Desk) -> None:
    desk.ledger.held, desk.at = False, LEASE * 0.9
    with pytest.raises(pairs.FenceLost):
        await desk.permit.firm()


async def test_what_was_just_found_firm_may_be_sent_at_once(desk: Desk) -> None:
    desk.at = LEASE * (1 - FIRMNESS) - 0.1
    await desk.permit.firm()
    desk.permit.last_look(desk.seen())()


async def test_what_waited_is_sent_neither_under_an_old_claim_nor_over_an_old_read(desk: Desk) -> None:
    look, over_read = desk.permit.last_look(), desk.permit.last_look(desk.seen())
    desk.at += READ_LIFE
    over_read()
    desk.at += 0.1
    look()
    with pytest.raises(Mismatch):
        over_read()
    desk.at = LEASE * (1 - STILL_FIRM)
    with pytest.raises(Mismatch):
        look()


async def test_a_write_that_was_journalled_too_slowly_is_void_and_not_in_doubt(desk: Desk) -> None:
    await desk.permit.still_fresh(desk.seen(READ_LIFE), "i1")
    assert desk.ledger.written == []
    with pytest.raises(Mismatch):
        await desk.permit.still_fresh(desk.seen(READ_LIFE + 0.1), "i1")
    assert desk.ledger.written == [(steps.conclude, "job", "i1", IntentState.VOID)]


async def test_a_pause_stops_the_next_write_and_is_named(desk: Desk) -> None:
    await desk.permit.check_pause(Side.ESPO)
    desk.ledger.paused = "all"
    with pytest.raises(Stopped) as stopped:
        await desk.permit.check_pause(Side.ESPO)
    assert stopped.value.by == "pause:all"

"""Alarms in the ledger: whoever looks at the same moment, each is made once and told by one."""

from __future__ import annotations

import asyncio

from syncd.alarms import Alarm, Look, State, Trouble, difference, told
from syncd.ledger import alarms as book
from syncd.ledger.store import Ledger

HOLD_OFF = 300.0
TROUBLES = Look((Trouble("redis", "away"), Trouble("guard:0123456789ab", "stopped"), Trouble("conflicts", "4 waiting")))


async def looks(ledger: Ledger, look: Look, now: float) -> list[Alarm]:
    """One daemon's look; returns what it has to tell."""
    known = (await ledger.read(book.standing)).alarms
    await ledger.write(book.apply, difference(known, look, now, HOLD_OFF))
    mine = await ledger.write(book.claim, now)
    for alarm in mine:
        await ledger.write(book.settle, told(alarm, now))
    return mine


async def test_of_many_who_look_at_once_one_tells(ledger: Ledger) -> None:
    for now, look, state in ((1000.0, TROUBLES, State.RAISED), (2000.0, Look(), None), (3000.0, Look(), State.OVER)):
        heard = await asyncio.gather(*(looks(ledger, look, now) for _ in range(12)))
        causes = sorted(alarm.cause for mine in heard for alarm in mine)
        if state is None:
            assert causes == ["conflicts", "guard:0123456789ab"], "what only people end is over at once"
        else:
            assert len(set(causes)) == len(causes)
    listed = await ledger.read(book.listing)
    assert {(one["cause"], one["state"], one["waits_to_be_told"]) for one in listed} == {
        (cause, "over", False) for cause in ("redis", "conflicts", "guard:0123456789ab")
    }


async def test_what_ended_while_it_was_being_told_is_not_lost(ledger: Ledger) -> None:
    await ledger.write(book.apply, difference({}, TROUBLES, 1000.0, HOLD_OFF))
    under_way = await ledger.write(book.claim, 1000.0)
    known = (await ledger.read(book.standing)).alarms
    await ledger.write(book.apply, difference(known, Look(), 1001.0, HOLD_OFF))
    for alarm in under_way:
        await ledger.write(book.settle, told(alarm, 1002.0))
    over = {alarm.cause: alarm.state for alarm in await ledger.write(book.claim, 1003.0)}
    assert over == {"conflicts": State.OVER, "guard:0123456789ab": State.OVER}


async def test_one_that_was_told_without_the_ledger_is_kept_for_people(ledger: Ledger) -> None:
    ended = Alarm("ledger", "the ledger does not answer", State.OVER, 1000.0, over_at=2000.0, tell_at=2000.0)
    await ledger.write(book.keep, ended)
    await ledger.write(book.keep, ended)
    assert [one["cause"] for one in await ledger.read(book.listing)] == ["ledger"]
    assert await ledger.write(book.claim, 9000.0) == []

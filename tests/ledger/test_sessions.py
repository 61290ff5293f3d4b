"""With what the pages' sessions are signed: one key for all daemons, and who has signed out is out for all."""

from __future__ import annotations

import asyncio

from syncd.ledger import sessions
from syncd.ledger.sessions import Signing
from syncd.ledger.store import Ledger


async def test_of_many_daemons_that_need_a_key_at_once_all_get_the_same(ledger: Ledger) -> None:
    assert await ledger.read(sessions.signing) == Signing("", {})
    keys = await asyncio.gather(*(ledger.write(sessions.make_key, f"key{number}") for number in range(8)))
    assert len(set(keys)) == 1
    assert (await ledger.read(sessions.signing)).key == keys[0]
    assert keys[0] not in repr(await ledger.read(sessions.signing))


async def test_a_session_that_was_ended_is_remembered_until_it_had_run_out_anyway(ledger: Ledger) -> None:
    await ledger.write(sessions.end, "one", 200.0, 100.0)
    await ledger.write(sessions.end, "two", 300.0, 150.0)
    assert (await ledger.read(sessions.signing)).ended == {"one": 200.0, "two": 300.0}
    await ledger.write(sessions.end, "three", 400.0, 201.0)
    assert (await ledger.read(sessions.signing)).ended == {"two": 300.0, "three": 400.0}

"""Records to begin with: in the stand-in systems, and in a ledger."""

from __future__ import annotations

import time
from pathlib import Path

from syncd.ledger.engines import connect, sqlite_url
from syncd.ledger.upgrade import upgrade
from tests.seeding import seed
from tests.systems import Systems


def pairs(systems: Systems, count: int) -> list[tuple[str, int]]:
    """So many pairs in both systems; the control names no more than 200 at a time."""
    made: list[tuple[str, int]] = []
    while len(made) < count:
        made += [(espo_id, betnr) for espo_id, betnr in systems.seed("synced", min(200, count - len(made)))]
    return made


def edit(systems: Systems, records: list[tuple[str, int]], value: str) -> None:
    """A person gives every one of these records another title in EspoCRM."""
    for espo_id, _ in records:
        systems.act("espocrm", "edit", **{"as": "anna"}, record_id=espo_id, values={"titel": value})


def arrived(systems: Systems, records: list[tuple[str, int]], value: str) -> None:
    """Raise where the value is not in Advoware: figures of lost changes would be worth nothing."""
    there = {one["betNr"]: one["titel"] for one in systems.beteiligte()}
    if any(there[betnr] != value for _, betnr in records):
        raise SystemExit("a change did not arrive: these figures would be worth nothing")


def ledger(state: Path, count: int) -> str:
    """A SQLite ledger with so many invented pairs in this state directory; its URL."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = sqlite_url(state / "ledger.db")
    upgrade(url)
    engine = connect(url)
    with engine.connect().execution_options(syncd_write=True) as conn, conn.begin():
        seed(conn, count, min(50, count // 4), time.time())
    engine.dispose()
    return url

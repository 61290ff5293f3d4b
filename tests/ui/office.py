"""An office in the ledger for the pages to show: records in every status, a day of work, and what needs a person."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import Connection

from syncd.endings import Ended
from syncd.lanes import Lane
from syncd.ledger import brakes, facts, people, runs, tallies, work
from syncd.ledger.schema import deliveries, pairs, secrets
from syncd.model import PairState, Status
from syncd.tally import DELAYS, SLOT, call_name, delay_name, job_name

STATUSES = (
    (Status.CLEAN, 1180),
    (Status.DIRTY, 6),
    (Status.PENDING_SYNC, 21),
    (Status.FAILED, 3),
    (Status.PERMANENTLY_FAILED, 2),
    (Status.CONFLICT, 4),
    (Status.DELETED_IN_ADVOWARE, 5),
)


def key_of(number: int) -> str:
    """The ledger's key of the record of this number."""
    return f"beteiligte/65f0a1b2c3d4{number:05x}"


def settle(conn: Connection, now: float, troubled: bool = True) -> None:
    """Fill the ledger. Without `troubled` all is well."""
    rows, number = [], 0
    for status, count in STATUSES if troubled else STATUSES[:1]:
        for _ in range(count):
            number += 1
            rows.append(_pair(number, status, now))
    conn.execute(pairs.insert(), rows)
    _day(conn, now)
    for name, ago in (("polled_at", 8.0), ("swept_at", 41.0), ("full_pass_at", 6.2 * 3600), ("alive_at", 4.0)):
        facts.put(conn, name, now - ago)
    facts.put(conn, "examined", {"at": now - 1900, "webhooks": [], "setup": {"espocrm": [], "advoware": []}})
    for event in ("create", "update", "delete"):
        row = {"webhook_id": f"hook-{event}", "secret": "0" * 32, "event": f"CBeteiligte.{event}"}
        conn.execute(secrets.insert().values(**row))
    body = {"id": "65f0a1b2c3d400001", "name": "Neu"}
    conn.execute(deliveries.insert().values(at=now - 95, key=key_of(1), event="update", body=body))
    if troubled:
        _troubles(conn, now)


def _pair(number: int, status: Status, now: float) -> dict[str, Any]:
    return {
        "key": key_of(number),
        "entity": "beteiligte",
        "state": PairState.LINKED,
        "admitted_by": "linked",
        "advoware_id": 100_000 + number,
        "status": status,
        "next_check_at": now + 600,
        "check_every": 300.0,
    }


def _day(conn: Connection, now: float) -> None:
    """A day of work: little at night, more before noon, one bad quarter of an hour."""
    chance = random.Random(7)
    counted: dict[tuple[int, str], int] = {}
    for at in range(int(now - 26 * 3600) // SLOT * SLOT, int(now), SLOT):
        hour = at / 3600 % 24
        busy = max(0.0, 1 - abs(hour - 10) / 6) + max(0.0, 0.7 - abs(hour - 14.5) / 4)
        done = round(chance.random() * 2 + busy * 26 * (0.6 + chance.random()))
        bad = 9 if 10.4 < hour < 10.7 else int(chance.random() * busy * 1.2)
        counted |= {
            (at, job_name(Ended.SETTLED)): done,
            (at, job_name(Ended.FAILED)): bad,
            (at, job_name(Ended.HELD)): bad // 4,
            (at, call_name("espocrm")): done * 5,
            (at, call_name("advoware")): done * 4 + 60,
        }
        for side, pace in (("advoware", 1.6), ("espocrm", 7.0)):
            for _ in range(int(done * 0.4)):
                name = delay_name(side, min(pace * chance.lognormvariate(0, 0.5), DELAYS[-1]))
                counted[(at, name)] = counted.get((at, name), 0) + 1
    tallies.add(conn, counted)


def _troubles(conn: Connection, now: float) -> None:
    for number in range(4):
        values = {
            "espo": "Müller-Lüdenscheidt",
            "advoware": "Müller",
            "base": "Muller",
            "opened_at": now - 900 * number,
        }
        people.raise_conflict(conn, f"c{number}", key_of(1 + number), "name", "manual", values)
    many = [key_of(number) for number in range(30, 90)]
    brakes.stop(conn, "g1", "change:espocrm:titel", many, {"changed": 512}, now - 1800)
    facts.set_pause(conn, "side:advoware", "Datensicherung", now - 600)
    runs.start(conn, "r1", "backfill", {"total": 1221, "alive_at": now - 3}, now - 700)
    work.put(conn, [work.Due(key_of(5), Lane.LIVE, work.Cause.EVENT, now)], now - 14)

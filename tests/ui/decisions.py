"""What waits for people, put into a ledger: conflicts of every kind, stopped mass changes, runs, pauses, alarms."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from mappers.spec import Side
from syncd.alarms import Alarm, State
from syncd.ledger import alarms, brakes, facts, people, runs
from syncd.ledger.schema import bases, history, pairs
from syncd.model import HoldReason, PairState, Status, Trust

RULE = "text/0"
NASTY = '<script>alert("x")</script><img src=x onerror=alert(1)>'
FORMULA = '=HYPERLINK("http://evil.example","x")'


def key_of(number: int) -> str:
    """The ledger's key of the record of this number."""
    return f"beteiligte/65f0dec1dec1{number:05x}"


def record(conn: Connection, number: int, title: str = "", **values: Any) -> str:
    """A record that is kept the same; returns its key."""
    row = {
        "key": key_of(number),
        "entity": "beteiligte",
        "state": PairState.LINKED,
        "trust": Trust.CONFIRMED,
        "admitted_by": "linked",
        "advoware_id": 104_000 + number,
        "status": Status.CONFLICT,
        "title": title or f"Musterfrau-{number:03}, Erika",
    }
    conn.execute(pairs.insert().values(**row | values))
    return key_of(number)


def agreed(conn: Connection, key: str, field: str, espo: Any, advoware: Any) -> None:
    """What both sides agreed on last."""
    conn.execute(bases.insert().values(key=key, field=field, espo=espo, advoware=advoware, rule=RULE))


def dispute(
    conn: Connection, conflict_id: str, key: str, field: str, espo: str | None, advoware: str | None, now: float,
    kind: str = "manual", base: str | None = None,
) -> str:  # fmt: skip
    """Two values between which a person must choose; returns the conflict's id."""
    values = {
        "espo": espo,
        "advoware": advoware,
        "base": base,
        "espo_by": "64aa0000000000001",
        "advoware_by": "SB1",
        "espo_at": now - 3600,
        "advoware_at": now - 1800,
        "opened_at": now - 900,
    }
    return people.raise_conflict(conn, conflict_id, key, field, kind, values)


def many(conn: Connection, count: int, now: float) -> list[str]:
    """As many conflicts about names, of as many records; returns their ids."""
    return [
        dispute(
            conn, f"many{number:03}", record(conn, 100 + number), "name", f"Müller-{number}", f"Mueller-{number}", now,
            base=f"Muller-{number}",
        )
        for number in range(count)
    ]  # fmt: skip


def link(conn: Connection, conflict_id: str, key: str, reason: HoldReason, candidates: list[int], now: float) -> str:
    """A question who belongs to a record."""
    values = {"candidates": candidates, "opened_at": now - 500}
    return people.raise_conflict(conn, conflict_id, key, "", reason, values)


def kept(conn: Connection, conflict_id: str, key: str, field: str, espo: str, advoware: str, now: float) -> str:
    """A value that has lost: Advoware's."""
    agreed(conn, key, field, espo, espo)
    values = {
        "kind": "changed_on_both", "espo": espo, "advoware": advoware, "base": None, "winner": Side.ESPO,
        "opened_at": now - 7200, "espo_by": None, "advoware_by": "SB2", "espo_at": now - 7300,
        "advoware_at": now - 7400,
    }  # fmt: skip
    return people.keep(conn, conflict_id, key, field, values)


def mass_change(conn: Connection, guard_id: str, count: int, now: float) -> None:
    """A title changed in EspoCRM in many records, and stopped."""
    for number in range(count):
        key = record(conn, 1000 + number)
        brakes.stop(
            conn, guard_id, "change:espocrm:titel", [key], {"changed": 512, "checked": 1221}, now - 1800,
            ("Dr.", f"Prof. {number}"),
        )  # fmt: skip


def restored(conn: Connection, guard_id: str, now: float) -> None:
    """A backup was restored, it seems: all stands still."""
    keys = [record(conn, 2000 + number) for number in range(3)]
    brakes.stop(conn, guard_id, "went_back:advoware", keys, {"records": 3}, now - 600)
    facts.set_pause(conn, "all", f"guard {guard_id}: restored backup?", now - 600)


def change(conn: Connection, key: str, field: str, before: str, after: str, run: str, now: float) -> None:
    """A value written to Advoware in a run, and what both sides have since."""
    row = {
        "at": now - 300, "key": key, "job": f"job{run}", "run": run, "side": Side.ADVOWARE, "field": field,
        "before": before, "after": after, "why": "update",
    }  # fmt: skip
    conn.execute(history.insert().values(**row))
    agreed(conn, key, field, after, after)


def run_of(conn: Connection, run: str, count: int, now: float) -> None:
    """A run that has changed a title in as many records, one of which a person has changed again since."""
    runs.start(conn, run, "sync", {}, now - 400)
    for number in range(count):
        change(conn, record(conn, 3000 + number), "titel", "Dr.", f"Prof. {number}", run, now)
    conn.execute(bases.update().where(bases.c.key == key_of(3000)).values(espo="Mag.", advoware="Mag."))
    runs.end(conn, run, runs.RunState.DONE, now - 200)


def alarm(conn: Connection, cause: str, text: str, now: float) -> None:
    """Something that is raised."""
    alarms.keep(conn, Alarm(cause, text, State.RAISED, now - 4000))


def everything(conn: Connection, now: float) -> None:
    """Some of each."""
    many(conn, 50, now)
    first = record(conn, 1, "Müller-Lüdenscheidt, Erika")
    dispute(conn, "third0", first, "geburtsdatum", "1980-03-14", "1980-04-13", now, base="1980-03-15")
    dispute(conn, "phone0", first, "kommunikation:77", "+4951112345", None, now, kind="twin_stays")
    dispute(conn, "nasty0", record(conn, 2, NASTY), "titel", NASTY, FORMULA, now, base="Dr.")
    dispute(conn, "byhand", record(conn, 3), "handelsregisternummer", "HRB 1234", "HRB 1243", now, kind="by_hand")
    dispute(conn, "refus0", record(conn, 4), "titel", "Prof. Dr. Dr. h.c. mult.", None, now, kind="refused_advoware")
    agreed(conn, key_of(4), "titel", "Dr.", "Dr.")
    new = record(conn, 5, "Beispiel, Max", state=PairState.NEW, advoware_id=None)
    link(conn, "candi0", new, HoldReason.CANDIDATES, [104860, 104861], now)
    link(conn, "doubt0", record(conn, 6), HoldReason.LINK_DOUBTFUL, [104006], now)
    link(conn, "rival0", record(conn, 7), HoldReason.RIVAL, [], now)
    kept(conn, "kept00", record(conn, 8), "titel", "Dr.", "Professor", now)
    mass_change(conn, "guard0", 120, now)
    restored(conn, "guard1", now)
    run_of(conn, "run000000000", 5, now)
    runs.start(
        conn, "run111111111", "backfill", {"total": 1221, "fed": 700, "known": 20, "alive_at": now - 3}, now - 700
    )
    facts.set_pause(conn, "side:advoware", "Wartung bis 12 Uhr", now - 600)
    for cause, text in (
        ("outage:advoware", "advoware has been away for 10 minutes"),
        ("guard:guard0", "a guard has stopped a mass change"),
        ("conflicts", "60 conflicts wait"),
    ):
        alarm(conn, cause, text, now)

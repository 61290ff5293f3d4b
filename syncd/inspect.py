"""What people may look at, the same for API, dashboard and terminal. Reads the ledger only, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from syncd import activity as activity_of
from syncd.guard import told
from syncd.ledger import alarms as ledger_alarms
from syncd.ledger import brakes, people, privacy, tallies, views
from syncd.ledger import records as ledger_records
from syncd.ledger import runs as ledger_runs
from syncd.ledger.records import SORTS, Sort, Wanted
from syncd.ledger.store import Ledger
from syncd.model import ESPO_ID

__all__ = ["SORTS", "Sort"]

PAGE = 200
MAX_PAGE = 1000
MAX_HOURS = 744.0  # a month
WAITING = people.WAITING
CONFLICT_STATES = (people.OPEN, people.DECIDED, people.KEPT, people.SETTLED)


async def status(ledger: Ledger, now: float) -> dict[str, Any]:
    """How everything stands: counts, what waits, what is stopped, how fast edits arrive, how many calls are made."""
    found = await ledger.read(views.status, now)
    slots = await ledger.read(tallies.since, activity_of.since(now))
    told = {"delays": activity_of.delays(slots, now), "calls_per_minute": activity_of.calls_per_minute(slots, now)}
    return found | told


async def activity(ledger: Ledger, now: float, hours: float = 24.0) -> dict[str, Any]:
    """What was done over the last hours, part by part: jobs done, failed, held, postponed; calls; delays of edits.

    `points`, oldest first, each of `step` seconds from `at` on; `delays` by the side that was reached, in seconds.
    """
    seconds = min(hours, MAX_HOURS) * 3600
    slots = await ledger.read(tallies.since, activity_of.begin(now, seconds))
    return activity_of.series(slots, now, seconds)


async def records(
    ledger: Ledger, entity: str | None = None, status: str | None = None, after: str = "", limit: int = PAGE
) -> list[dict[str, Any]]:
    """Records that take part, by key from `after` on."""
    return await ledger.read(views.records, entity, status, after, min(limit, MAX_PAGE))


async def find(
    ledger: Ledger,
    entities: Iterable[str],
    text: str = "",
    statuses: Sequence[str] = (),
    sort: Sort = "id",
    after: str = "",
    limit: int = PAGE,
    entity: str | None = None,
) -> dict[str, Any]:
    """Records by name, number or id (part of a name is enough), by status, in an order, page by page.

    `records`, and `next` for `after` of the page that follows, None on the last. `sort`: id, name, number, or changed
    (the latest first). Raises `Refusal` for an `after` of another order.
    """
    espo_id = text.strip().rpartition("/")[2]
    keys = [f"{name}/{espo_id}" for name in entities] if ESPO_ID.match(espo_id) else []
    wanted = Wanted(text, keys, entity, tuple(statuses), sort, after, min(limit, MAX_PAGE))
    page = await ledger.read(ledger_records.find, wanted)
    return {"records": page.rows, "next": page.next}


async def record(ledger: Ledger, key: str, limit: int = PAGE) -> dict[str, Any] | None:
    """All about one record: pair, base, waiting fields, open writes, refused values, messages, history."""
    return await ledger.read(views.record, key, min(limit, MAX_PAGE))


async def conflicts(
    ledger: Ledger, states: tuple[str, ...] = people.WAITING, key: str | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """What waits for a person, or with other `states` what was kept or settled; oldest first."""
    return await ledger.read(people.list_conflicts, states, key, min(limit, MAX_PAGE))


async def conflict(ledger: Ledger, conflict_id: str) -> dict[str, Any] | None:
    """One conflict or kept value."""
    return await ledger.read(people.get_conflict, conflict_id)


async def guards(ledger: Ledger) -> list[dict[str, Any]]:
    """What guards have stopped, with the records they hold, what that means, and what allowing will do."""
    found = await ledger.read(brakes.listing)
    return [one | {"stopped": told(one["kind"]).stopped, "allowing": told(one["kind"]).allowing} for one in found]


async def alarms(ledger: Ledger) -> list[dict[str, Any]]:
    """What is raised now, longest first, and what was over lately, latest first."""
    return await ledger.read(ledger_alarms.listing)


async def history(
    ledger: Ledger, key: str | None = None, before: int | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """What was done, newest first, of one record or of all."""
    return await ledger.read(views.history_page, key, before, min(limit, MAX_PAGE))


async def runs(ledger: Ledger, limit: int = PAGE) -> list[dict[str, Any]]:
    """What was set going for many records, the latest first."""
    return await ledger.read(ledger_runs.listing, limit=min(limit, MAX_PAGE))


async def run(ledger: Ledger, named: str, limit: int = MAX_PAGE) -> dict[str, Any]:
    """A run, or the one job whose id begins so, with what it has done. Raises `NotKnown`."""
    return await ledger.read(views.run, named, limit)


async def events(
    ledger: Ledger, key: str | None = None, before: int | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """Webhook events received, newest first, without their values."""
    return await ledger.read(views.events_page, key, before, min(limit, MAX_PAGE))


async def export(ledger: Ledger, key: str) -> dict[str, list[dict[str, Any]]]:
    """Everything stored about a record."""
    return await ledger.read(privacy.export, key)

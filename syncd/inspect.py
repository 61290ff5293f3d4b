"""What people may look at, the same for API, dashboard and terminal. Reads the ledger only, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mappers.spec import Entity
from syncd import activity as activity_of
from syncd import csv_text
from syncd.guard import told
from syncd.lanes import Lane
from syncd.ledger import alarms as ledger_alarms
from syncd.ledger import asked as ledger_asked
from syncd.ledger import brakes, people, privacy, tallies, terminal, views
from syncd.ledger import questions as ledger_questions
from syncd.ledger import records as ledger_records
from syncd.ledger import runs as ledger_runs
from syncd.ledger import timeline as ledger_timeline
from syncd.ledger.choices import answers
from syncd.ledger.records import SORTS, Sort, Wanted
from syncd.ledger.store import Ledger
from syncd.listed import raw_words
from syncd.model import ESPO_ID
from syncd.record_facts import in_words

__all__ = ["SORTS", "Sort"]

PAGE = 200
MAX_PAGE = 1000
MAX_HOURS = 744.0  # a month
WAITING = people.WAITING
_EXPORTED = (
    "id", "side", "field", "before_words", "after_words", "why", "who", "cause", "job", "run", "before", "after",
)  # fmt: skip
CONFLICT_STATES = (people.OPEN, people.DECIDED, people.KEPT, people.SETTLED)


async def status(ledger: Ledger, now: float) -> dict[str, Any]:
    """How everything stands: counts, what waits, what is stopped, how fast edits arrive, how many calls are made."""
    found = await ledger.read(views.status, now)
    slots = await ledger.read(tallies.since, activity_of.since(now))
    told = {"delays": activity_of.delays(slots, now), "calls_per_minute": activity_of.calls_per_minute(slots, now)}
    return found | told


async def activity(ledger: Ledger, now: float, hours: float = 24.0, points: int = activity_of.POINTS) -> dict[str, Any]:
    """What was done over the last hours, part by part: jobs done, failed, held, postponed; calls; delays of edits.

    `points`, oldest first, each of `step` seconds from `at` on; `delays` by the side that was reached, in seconds.
    """
    seconds = min(hours, MAX_HOURS) * 3600
    slots = await ledger.read(tallies.since, activity_of.begin(now, seconds, points))
    return activity_of.series(slots, now, seconds, points)


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


async def family(ledger: Ledger, key: str) -> dict[str, Any]:
    """`parent`: the record it belongs to, or None; `children`: those that belong to it. Each as in `records`."""
    return await ledger.read(views.family, key)


async def timeline(
    ledger: Ledger, entity: Entity, key: str, before: float | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """What happened to a record, the latest first, from the time `before` on; see `ledger.timeline` for the kinds.

    Raw values of changes come in words too: `before_words`, `after_words`.
    """
    return in_words(entity, await ledger.read(ledger_timeline.of_record, key, before, min(limit, MAX_PAGE)))


async def requests(
    ledger: Ledger, key: str | None = None, before: int | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """What people asked for, of one record or at all, the latest first."""
    return await ledger.read(ledger_asked.listing, key, before, min(limit, MAX_PAGE))


async def history_csv(ledger: Ledger, entity: Entity, key: str) -> str:
    """The whole history of a record as a CSV file, the oldest first."""
    rows: list[dict[str, Any]] = []
    page = await history(ledger, key, None, MAX_PAGE)
    while page:
        rows += page
        page = await history(ledger, key, page[-1]["id"], MAX_PAGE)
    told = in_words(entity, rows[::-1])
    when = [datetime.fromtimestamp(one["at"], UTC).isoformat(timespec="seconds") for one in told]
    cells = ([at, *(csv_text.cell(one.get(name)) for name in _EXPORTED)] for at, one in zip(when, told, strict=True))
    return csv_text.table(["at", *_EXPORTED], cells)


async def conflicts(
    ledger: Ledger, states: tuple[str, ...] = people.WAITING, key: str | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """What waits for a person, or with other `states` what was kept or settled; oldest first."""
    return await ledger.read(people.list_conflicts, states, key, min(limit, MAX_PAGE))


async def conflict(ledger: Ledger, conflict_id: str) -> dict[str, Any] | None:
    """One conflict or kept value."""
    return await ledger.read(people.get_conflict, conflict_id)


async def questions(
    ledger: Ledger, entities: Mapping[str, Entity], states: Sequence[str] = people.WAITING, about: str | None = None,
    after: str | None = None, limit: int = PAGE,
) -> dict[str, Any]:  # fmt: skip
    """Conflicts page by page, each with the record's `title`, what `may` be answered, and `seen` to answer with.

    `about`: only of this field or list, or `link`; `groups`: how many of each there are; `after`: the last id before.
    """
    count = min(limit, MAX_PAGE)
    rows = await ledger.read(ledger_questions.page, states, about, after, count + 1)
    groups = await ledger.read(ledger_questions.groups, states)
    shown = [_answerable(entities, row) for row in rows[:count]]
    return {"conflicts": shown, "groups": groups, "next": shown[-1]["id"] if len(rows) > count else None}


async def question(ledger: Ledger, entities: Mapping[str, Entity], conflict_id: str) -> dict[str, Any] | None:
    """One conflict or kept value, as `questions` tells it; None where there is no such."""
    row = await ledger.read(ledger_questions.one, conflict_id)
    return None if row is None else _answerable(entities, row)


def _answerable(entities: Mapping[str, Entity], row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "may": answers(entities.get(row["key"].partition("/")[0]), row)}


async def titles(ledger: Ledger, keys: Iterable[str]) -> dict[str, str]:
    """Names of records, of those that have one."""
    return await ledger.read(ledger_questions.titles, list(dict.fromkeys(keys)))


async def attention(ledger: Ledger) -> dict[str, Any]:
    """For every page: `pauses` (scope, since, why, who); how many `conflicts` wait, how many `guards` have stopped."""
    return await ledger.read(ledger_questions.attention)


async def guards(ledger: Ledger) -> list[dict[str, Any]]:
    """What guards have stopped, with the records they hold, what that means, and what each answer will do."""
    found = await ledger.read(brakes.listing)
    return [one | {**told(one["kind"]).words()} for one in found]


async def guard(
    ledger: Ledger, entities: Mapping[str, Entity], guard_id: str, after: str = "", limit: int = PAGE
) -> dict[str, Any] | None:
    """One stopped guard with `records`, by key from `after` on: name, number, and of a mass change what would have
    replaced what; None where there is no such guard.
    """
    found = next((one for one in await guards(ledger) if one["id"] == guard_id), None)
    if found is None:
        return None
    name = found["kind"].rpartition(":")[2]
    rows = await ledger.read(brakes.held, guard_id, after, min(limit, MAX_PAGE))
    for row in rows:
        row["before"] = raw_words(entities[row["key"].partition("/")[0]], f"{name}:", row["before"])
    return {**found, "records": rows}


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


async def waiting(ledger: Ledger, limit: int = PAGE) -> list[dict[str, Any]]:
    """What waits, in the order in which it is taken: why, since when, who is at it, and what holds it."""
    rows = await ledger.read(terminal.waiting, limit)
    return [row | {"lane": Lane(row["lane"]).name.lower()} for row in rows]


async def export(ledger: Ledger, key: str) -> dict[str, list[dict[str, Any]]]:
    """Everything stored about a record."""
    return await ledger.read(privacy.export, key)

"""Both systems compared record by record, as they are now: every living pair, fields and lists. Changes nothing.

Calls count as background work within the budget, so that people's edits pass. What cannot be explained is looked at a
second time before it is told: an edit may have been on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mappers.spec import Side
from services.errors import Credentials, Outage, PeerError
from services.ports import Urgency, lane
from syncd import inspect
from syncd.abreast import Progress, counted, each
from syncd.app import App
from syncd.context import Context
from syncd.differences import Difference, Excuse, Reason, differences
from syncd.family import bound
from syncd.ledger import facts, pairs, views
from syncd.ledger.trial import trial_of
from syncd.load import digest, load
from syncd.model import Absent, Key, PairState, Present, Snapshot, Status, Unknown
from syncd.neighbours import informed
from syncd.plan import plan

AT_ONCE = 4  # records read at the same time
AGAIN_AFTER = 60.0  # seconds in which a poll, its job and the late look have had their turn
_GIVEN_UP = (Status.FAILED, Status.PERMANENTLY_FAILED)


@dataclass
class Comparison:
    """What came of it. `found` by key of the record; `trouble` stopped it before its end."""

    numbers: dict[str, int] = field(default_factory=dict)  # records compared, and the number each is linked to
    found: dict[str, tuple[Difference, ...]] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)  # records that take part but are no living pair, by state
    trouble: PeerError | None = None

    def of(self, reasons: Collection[Reason]) -> list[tuple[str, Difference]]:
        """Differences of these reasons, by record."""
        return [(key, one) for key in sorted(self.found) for one in self.found[key] if one.reason in reasons]

    @property
    def equal(self) -> int:
        """Records that are alike in everything."""
        return len(self.numbers) - len(self.found)

    def counts(self) -> Mapping[Reason, int]:
        """How many differences of which reason."""
        every = [one.reason for found in self.found.values() for one in found]
        return {reason: every.count(reason) for reason in Reason if reason in every}


async def compare(app: App, keys: Iterable[str] | None, progress: Progress, again_after: float) -> Comparison:
    """Compare these pairs, or all living ones; what is unexplained once more after so many seconds."""
    told = Comparison()
    if keys is None:
        keys = await _living(app, told)
    with lane(Urgency.BACKGROUND):
        started = app.parts.clock.monotonic()
        try:
            await _all(app, list(keys), told, progress)
            unclear = sorted({key for key, _ in told.of((Reason.UNEXPLAINED, Reason.UNREAD))})
            if unclear:
                passed = app.parts.clock.monotonic() - started
                await app.parts.clock.sleep(max(0.0, again_after - passed))
                await _all(app, unclear, told, progress)
        except PeerError as error:
            told.trouble = error
    return told


async def _living(app: App, told: Comparison) -> list[str]:
    keys: list[str] = []
    page = await inspect.records(app.parts.ledger, limit=inspect.MAX_PAGE)
    while page:
        keys += [row["key"] for row in page if row["state"] == PairState.LINKED]
        for row in page:
            if row["state"] != PairState.LINKED:
                told.apart[row["state"]] = told.apart.get(row["state"], 0) + 1
        page = await inspect.records(app.parts.ledger, after=page[-1]["key"], limit=inspect.MAX_PAGE)
    return keys


async def _all(app: App, keys: list[str], told: Comparison, progress: Progress) -> None:
    async def one(key: str) -> None:
        context, _ = await bound(app.contexts[Key.parse(key).entity], key)
        record = await context.ledger.read(views.record, key, inspect.PAGE)
        pair = (record or {}).get("pair")
        if record is None or pair is None or pair["state"] != PairState.LINKED:
            told.numbers.pop(key, None)
            told.found.pop(key, None)
            return
        told.numbers[key] = pair["advoware_id"]
        differing = await _of_record(context, record)
        if differing:
            told.found[key] = differing
        else:
            told.found.pop(key, None)

    await each(keys, counted(one, len(keys), progress), AT_ONCE)


async def _of_record(context: Context, record: Mapping[str, Any]) -> tuple[Difference, ...]:
    row = record["pair"]
    trial = replace(context, ledger=trial_of(context.ledger))  # a search that proves itself is remembered there
    memory = replace(await context.ledger.read(pairs.remember, row), admitted=True)
    try:
        shot = await informed(trial, await load(trial, memory, row))
    except (Outage, Credentials):
        raise
    except PeerError as error:
        return (_unread(error.side, error.reason),)
    for side, seen in ((Side.ESPO, shot.espo), (Side.ADVOWARE, shot.advoware)):
        if isinstance(seen, Unknown):
            return (_unread(side, seen.reason),)
    actions = plan(context.entity, shot.memory, shot.espo, shot.advoware, context.policy)
    return differences(context.entity, shot, actions, await _excuse(context, record, shot))


def _unread(side: str, reason: str) -> Difference:
    return Difference("", None, None, Reason.UNREAD, f"{side}: {reason}")


async def _excuse(context: Context, record: Mapping[str, Any], shot: Snapshot) -> Excuse | None:
    """What explains any difference of this record: a question about it as a whole, a pause, work, a failure."""
    row, waits = record["pair"], record["work"]
    asked = next((one for one in record["conflicts"] if not one["field"] and one["state"] in inspect.WAITING), None)
    if asked is not None:
        return Excuse(Reason.CONFLICT, f"waits for a person: {asked['kind']}")
    if waits is not None and waits["held"]:
        return Excuse(Reason.HELD, f"held by {waits['held']}")
    if row["status"] in _GIVEN_UP:
        return Excuse(Reason.FAILED, f"{row['status']}, {row['retries']} retries so far")
    if waits is not None:
        return Excuse(Reason.WORK, f"work waits: {waits['cause']}")
    missed = row["misses"] and isinstance(shot.advoware, Absent)
    if missed or (row["vanished_at"] is not None and isinstance(shot.espo, Absent)):
        return Excuse(Reason.NOT_YET, "seen missing once; looked at again before it is believed")
    return await _not_yet(context, row, shot)


async def _not_yet(context: Context, row: Mapping[str, Any], shot: Snapshot) -> Excuse | None:
    """Advoware does not tell what changed: until its turn in looking round nobody can know."""
    if not isinstance(shot.espo, Present) or not isinstance(shot.advoware, Present):
        return None
    as_left = digest(context.entity, Side.ESPO, shot.espo) == row["espo_digest"]
    edited = digest(context.entity, Side.ADVOWARE, shot.advoware) != row["advoware_digest"]
    due = row["next_check_at"]
    if not (as_left and edited) or due is None or due < context.clock.now():
        return None
    if await context.ledger.read(facts.list_pauses):
        return None
    minutes = (due - context.clock.now()) / 60
    return Excuse(Reason.NOT_YET, f"edited in Advoware since the last look round; the next is in {minutes:.0f} min")

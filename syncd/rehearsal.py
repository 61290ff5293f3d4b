"""What would be done with a record now: reads both sides, plans, and leaves no trace.

Everything the ledger would be told is told and taken back in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mappers.spec import Side, Unmappable
from syncd.context import Context
from syncd.job import Job
from syncd.ledger import pairs
from syncd.ledger.trial import trial_of
from syncd.load import load, read_advoware, read_espo
from syncd.messages import sentence
from syncd.model import (
    Absent,
    Action,
    AdvowareSeen,
    Dispute,
    EspoSeen,
    Hold,
    Present,
    Settle,
    Snapshot,
    Status,
    Unknown,
)
from syncd.plan import plan

FAR = 1e11  # epoch seconds: later than any claim ends


@dataclass(frozen=True)
class Rehearsed:
    """A plan and what it was made of. `busy`: a job works on the record; `takes_part`: without being asked to."""

    key: str
    takes_part: bool
    busy: bool
    snapshot: Snapshot
    actions: tuple[Action, ...]

    @property
    def waits_for_person(self) -> bool:
        """Whether the plan ends in something only a person can settle."""
        settled = [action.status for action in self.actions if isinstance(action, Settle)]
        return Status.CONFLICT in settled or any(isinstance(action, Hold | Dispute) for action in self.actions)


async def rehearse(context: Context, key: str) -> Rehearsed:
    """Plan a record without doing anything; one that does not take part is planned as if it did. Raises `PeerError`."""
    row = await context.ledger.read(pairs.get, key) or {}
    trial = replace(context, ledger=trial_of(context.ledger))
    taken = await trial.ledger.write(pairs.claim, key, context.owner, FAR, FAR)
    assert taken is not None, "no claim lasts that long"
    memory = replace(Job(trial, taken).snapshot.memory, admitted=True)
    snapshot = await load(trial, memory, taken.row)
    actions = plan(trial.entity, snapshot.memory, snapshot.espo, snapshot.advoware, trial.policy)
    busy = (row.get("claimed_until") or 0.0) > context.clock.now()
    return Rehearsed(key, row.get("admitted_by") is not None, busy, snapshot, actions)


def told(actions: Iterable[Action], language: str) -> list[dict[str, Any]]:
    """Actions as data: `do` names the kind; notices as the sentences people will read."""
    return [_told(action, language) for action in actions]


def _told(action: Action, language: str) -> dict[str, Any]:
    parts = asdict(action)
    if isinstance(action, Settle):
        parts["notices"] = [sentence(notice, language) for notice in action.notices]
    if isinstance(action, Hold):
        parts["notice"] = sentence(action.notice, language)
    return {"do": type(action).__name__.lower(), **parts}


async def both_sides(context: Context, key: str, advoware_id: int | None) -> dict[str, Mapping[str, Any] | str]:
    """What both sides show of the mapped fields now, or in a word why not. Raises `PeerError`."""
    espo: EspoSeen = await read_espo(context, key.partition("/")[2])
    advoware: AdvowareSeen | None = None if advoware_id is None else await read_advoware(context, advoware_id)
    return {
        str(Side.ESPO): _shown(context, Side.ESPO, espo),
        str(Side.ADVOWARE): _shown(context, Side.ADVOWARE, advoware),
    }


def _shown(context: Context, side: Side, seen: EspoSeen | AdvowareSeen | None) -> Mapping[str, Any] | str:
    match seen:
        case Present():
            return {field.name: _canonical(context, side, seen, field.name) for field in context.entity.fields}
        case Absent():
            return "no such record"
        case Unknown():
            return f"no believable answer ({seen.reason})"
        case _:
            return "not linked"


def _canonical(context: Context, side: Side, seen: Present, name: str) -> str | None:
    field = context.entity.field(name)
    try:
        return field.parse(side, seen.body)
    except Unmappable as error:
        return f"[unmappable: {error}] {field.raw(side, seen.body)}"

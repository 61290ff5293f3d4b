"""The eight values of `syncStatus`: which the daemon may write when, and when to try again. Pure.

Finding a value is never an error, people and formulas may leave any; writing is what this table
limits. The diagram in the docs is generated from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from syncd.model import Status


class Outcome(StrEnum):
    """What a job may have to report in EspoCRM."""

    WORKING = "working"  # before a create, or still at it after two seconds
    AGREED = "agreed"
    NEEDS_PERSON = "needs_person"
    FAILED = "failed"
    GAVE_UP = "gave_up"
    COUNTERPART_GONE = "counterpart_gone"
    AGAIN = "again"  # reset after a day, or by a person


MAY_WRITE: dict[Outcome, Status] = {
    Outcome.WORKING: Status.SYNCING,
    Outcome.AGREED: Status.CLEAN,
    Outcome.NEEDS_PERSON: Status.CONFLICT,
    Outcome.FAILED: Status.FAILED,
    Outcome.GAVE_UP: Status.PERMANENTLY_FAILED,
    Outcome.COUNTERPART_GONE: Status.DELETED_IN_ADVOWARE,
    Outcome.AGAIN: Status.DIRTY,
}

ASKS_FOR_WORK = frozenset({Status.PENDING_SYNC, Status.DIRTY})


class ForbiddenStatus(RuntimeError):
    """The daemon was about to write a status that does not belong to the outcome: a bug."""


def may_write(outcome: Outcome, status: Status) -> Status:
    """The status if it belongs to the outcome; raises `ForbiddenStatus` otherwise."""
    if MAY_WRITE[outcome] is not status:
        raise ForbiddenStatus(f"{status} may not be written when {outcome}")
    return status


def outcome_of(status: Status) -> Outcome:
    """The outcome under which the planner asks for this status; raises `ForbiddenStatus` for one it may not ask."""
    for outcome in (Outcome.AGREED, Outcome.NEEDS_PERSON, Outcome.COUNTERPART_GONE):
        if MAY_WRITE[outcome] is status:
            return outcome
    raise ForbiddenStatus(f"no plan ends in {status}")


def found(raw: object) -> Status:
    """The status a record shows; null and unknown values count as `dirty`."""
    try:
        return Status(str(raw))
    except ValueError:
        return Status.DIRTY


@dataclass(frozen=True, slots=True)
class NextTry:
    """What follows a failure: the status, the retries that have failed, and seconds until the next try."""

    status: Status
    retries: int
    wait: float


def after_failure(retries: int, was_retry: bool, waits: Sequence[float], reset_after: float, jitter: float) -> NextTry:
    """Backoff after a failed try.

    `retries` have failed before this one, `was_retry` says whether this was one; `waits` and
    `reset_after` in seconds; `jitter` in [0, 1) spreads the wait by ± 10 %.
    """
    failed = retries + 1 if was_retry else retries
    if failed >= len(waits):
        return NextTry(Status.PERMANENTLY_FAILED, failed, reset_after)
    return NextTry(Status.FAILED, failed, waits[failed] * (0.9 + 0.2 * jitter))


def table() -> str:
    """The table as Markdown, for the docs."""
    rows = [f"| {outcome} | `{status}` |" for outcome, status in MAY_WRITE.items()]
    return "\n".join(["| outcome of a job | the daemon writes |", "|---|---|", *rows])


def diagram() -> str:
    """The states as a Mermaid diagram, for the docs."""
    lines = ["stateDiagram-v2", "    [*] --> pending_sync: EspoCRM, on create"]
    for start in Status:
        for outcome, end in MAY_WRITE.items():
            if _leads(start, outcome) and start is not end:
                lines.append(f"    {start} --> {end}: {outcome}")
        if start is not Status.DIRTY:
            lines.append(f"    {start} --> dirty: EspoCRM, on update")
    return "\n".join(lines)


def _leads(start: Status, outcome: Outcome) -> bool:
    match outcome:
        case Outcome.AGAIN:
            return start in (Status.PERMANENTLY_FAILED, Status.FAILED)
        case Outcome.GAVE_UP:
            return start in (Status.FAILED, Status.SYNCING, Status.DIRTY)
        case _:
            return True

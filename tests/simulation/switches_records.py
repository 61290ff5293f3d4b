"""How the safeguards are switched off that decide who belongs to whom, what is gone, and what is too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from mappers.spec import AdvowareEntry, Entity
from services.advoware_token import TokenSource, usable
from services.ports import Admission, CircuitName, CircuitState, Token, Urgency, Verdict
from syncd import (
    act,
    context,
    counterpart,
    discovery,
    entries,
    guard,
    job,
    load,
    marks,
    pairing,
    plan,
    worker,
    write,
)
from syncd.endings import Ended, Result
from syncd.ledger import pairs, schema, steps
from syncd.ledger.work import Due
from syncd.model import (
    Absent,
    Action,
    Intent,
    IntentState,
    Memory,
    PairState,
    PlanPolicy,
    Present,
    Search,
    Settle,
    Status,
    Unlinked,
)
from syncd.shared import RedisBudget, RedisCircuit
from tests.ledger_on_the_spot import empty_ledger
from tests.simulation.switches import Names, always, nothing, swapped

# --- who belongs to whom, and what is gone -------------------------------------------------------


def _gone_at_once(entity: Entity, memory: Memory, named: int | None) -> tuple[Action, ...]:
    return (Settle(Status.DELETED_IN_ADVOWARE, ()),)


FIRST_404: tuple[Names, ...] = ((plan, "_without_advoware", _gone_at_once),)


class _Believed(dict[str, Mapping[str, Any]]):
    """A listing that counts however little it lists."""

    def __bool__(self) -> bool:
        return True


_listing = discovery.everything


async def _whatever_was_listed(about: context.Context, where: Sequence[Mapping[str, Any]] = ()) -> Any:
    return _Believed(await _listing(about, where))


async def _deleted(about: context.Context, espo_id: str) -> bool:
    return True


_look = job.Job._look


async def _bury_unseen(one: job.Job) -> Result:
    """Who is said to be deleted is not looked at once more."""
    if one.snapshot.memory.espo_deletion_confirmed:
        one.act.snapshot = replace(one.snapshot, espo=Absent())
        return await one.act.carry_out()
    return await _look(one)


LISTINGS: tuple[Names, ...] = (
    (discovery, "everything", _whatever_was_listed),
    (discovery, "_is_deleted", _deleted),
    (job.Job, "_look", _bury_unseen),
)


def _absent(reason: str) -> Absent:
    return Absent()


CERTAINTY: tuple[Names, ...] = ((load, "Unknown", _absent),)

GONE_BACK: tuple[Names, ...] = ((plan, "_went_back", nothing),)

LINK: tuple[Names, ...] = ((plan, "_doubt", nothing),)


@contextmanager
def any_number_of_rivals() -> Iterator[None]:
    """Two records may hold the same Beteiligter: the ledger made meanwhile does not forbid it either."""
    [unique] = [index for index in schema.pairs.indexes if index.name == "pairs_living"]
    schema.pairs.indexes.discard(unique)
    empty_ledger.cache_clear()
    try:
        with swapped((pairs, "holders", always({}))):
            yield
    finally:
        schema.pairs.indexes.add(unique)
        empty_ledger.cache_clear()


_find = counterpart.find


def _find_though_cleared(entity: Entity, memory: Memory, espo: Present, seen: Unlinked, policy: PlanPolicy) -> Any:
    return _find(entity, replace(memory, link_shown=False), espo, seen, policy)


CLEARED: tuple[Names, ...] = (
    (plan, "find", _find_though_cleared),
    (load, "counterpart_id", lambda entity, memory, espo: counterpart.named_id(entity, espo)),
)


def _post_again(
    entity: Entity, memory: Memory, espo: Present, seen: Unlinked, policy: PlanPolicy, intent: Intent
) -> tuple[Action, ...]:
    return counterpart._create(entity, memory, espo)


LOST_CREATE: tuple[Names, ...] = ((counterpart, "_resolve", _post_again),)


async def _nobody_found_is_enough(about: context.Context, memory: Memory, doubt: Intent, trust: Search) -> Memory:
    judged = replace(doubt, nones=2, repeatable=True, state=IntentState.IN_DOUBT)
    return replace(memory, intents=tuple(judged if item.id == doubt.id else item for item in memory.intents))


PATIENCE: tuple[Names, ...] = ((load, "_judge_doubt", _nobody_found_is_enough),)


def _create_unseen(entity: Entity, memory: Memory, espo: Present, seen: Unlinked) -> tuple[Action, ...]:
    return counterpart._create(entity, memory, espo)


SEARCH: tuple[Names, ...] = ((counterpart, "_match", _create_unseen),)


async def _trusted(about: context.Context) -> Search:
    return Search.TRUSTED


SEARCH_PROOF: tuple[Names, ...] = ((load, "search_trust", _trusted),)

ADMISSION: tuple[Names, ...] = (
    (load, "admitted_by", always("created")),
    (discovery, "admitted_by", always("created")),
)


# --- numbers and addresses -----------------------------------------------------------------------

SAME_VALUE: tuple[Names, ...] = (
    (pairing._Table, "by_value", nothing),
    (pairing._Table, "by_marker", nothing),
)


def _a_twin_is_new(planner: entries._Planner, twin: AdvowareEntry) -> None:
    planner._new_in_advoware(twin)


TWINS: tuple[Names, ...] = ((entries._Planner, "_twin", _a_twin_is_new),)

EVIDENCE: tuple[Names, ...] = ((entries, "lost_entries", always(())),)


# --- brakes, limits, and what is news ------------------------------------------------------------

MASS_DELETE: tuple[Names, ...] = ((guard, "too_many_missing", always(False)),)
CREATIONS: tuple[Names, ...] = ((guard, "too_many_creations", always(False)),)
CHANGES: tuple[Names, ...] = ((guard, "too_many_changes", always(False)),)


async def _looked_at_nothing(about: context.Context, key: str) -> tuple[Ended, Due | None] | None:
    known = await about.ledger.write(pairs.idle, key, about.clock.now())
    if known is None:
        return None
    looked = steps.Job(key, known.row["fence"], about.new_id(), about.clock.now(), claimed=False)
    return Ended.UNCHANGED, await about.ledger.write(steps.finish, looked, steps.Ending(), known.task.gen)


LATE_LOOK: tuple[Names, ...] = ((worker, "glance", _looked_at_nothing), (marks, "_is_old", always(True)))


def _all_is_news(about: context.Context, pair: Mapping[str, Any], row: Mapping[str, Any], now: float) -> bool:
    return bool(pair["state"] != PairState.EXCLUDED)


def _nobody_wrote(memory: Memory, *_: object) -> Memory:
    return memory


OWN_WRITES: tuple[Names, ...] = (
    (discovery, "_is_news", _all_is_news),
    (write, "written_over", _nobody_wrote),
    (act, "written_over", _nobody_wrote),
)

OVERLAP: tuple[Names, ...] = ((discovery, "OVERLAP", 0.0),)

KEPT: tuple[Names, ...] = ((steps, "_keep", nothing),)


async def _login_for_everybody(source: TokenSource) -> Token:
    """Whoever has no token fetches one."""
    held = source._held
    if held is None or not usable(held, source._pipeline.ports.now()):
        held = await source._login()
        source._held = held
    return held


TOKEN: tuple[Names, ...] = ((TokenSource, "get", _login_for_everybody),)


async def _call_taken(budget: RedisBudget, side: str, urgency: Urgency) -> float:
    return 0.0


def _no_limit(budget: RedisBudget, side: str, urgency: Urgency) -> tuple[str, ...]:
    return ()


BUDGET: tuple[Names, ...] = ((RedisBudget, "take", _call_taken), (RedisBudget, "asked", _no_limit))


async def _go(circuit: RedisCircuit, side: str, credentials: str, ticket: str, urgency: Urgency) -> Admission:
    wait = await circuit._budget.take(side, urgency)
    return Admission(Verdict.SPENT, wait) if wait > 0 else Admission(Verdict.GO)


async def _closed(circuit: RedisCircuit, side: str) -> CircuitState:
    return CircuitState(CircuitName.CLOSED)


CIRCUIT: tuple[Names, ...] = ((RedisCircuit, "admit", _go), (RedisCircuit, "look", _closed))

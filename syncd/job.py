"""One job: claim a record, read both sides, plan, act, read back, remember, say the status, release.

At most one write to Advoware happens between two plans, so every plan is made of what was just
read. Killed at any point, the next job starts from what the two sides and the journal show.
Decides nothing about fields: that is `plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import structlog

from mappers.spec import Side
from services.errors import Credentials, Outage, PeerError, Refused
from syncd import endings, projection
from syncd.context import Context
from syncd.lanes import Lane
from syncd.ledger import facts, pairs, steps, work
from syncd.ledger.work import Cause, Due
from syncd.load import digest, load, read_advoware, read_espo
from syncd.model import (
    Absent,
    Action,
    Bury,
    Create,
    Hold,
    HoldReason,
    Ignore,
    Link,
    Missed,
    Notice,
    PairState,
    Present,
    Settle,
    Snapshot,
    Status,
    Unlinked,
    Update,
    Vanished,
)
from syncd.plan import plan
from syncd.readback import written_over
from syncd.status import ASKS_FOR_WORK, Outcome, after_failure, found, may_write
from syncd.write import Mismatch, Stopped, Writer

log = structlog.get_logger()

MAX_PLANS = 24  # a record needs two or three; more means it changes under our hands
MAX_MISMATCHES = 3
MAX_CRASHES = 5
SLOW_JOB = 2.0  # seconds after which people see `syncing`
OUTAGE_WAIT = 10.0
NAME_BUSY_WAIT = 2.0


class Ended(StrEnum):
    """How a job ended, for metrics and for whoever asked."""

    BUSY = "busy"
    IDLE = "idle"
    IGNORED = "ignored"
    SETTLED = "settled"  # the plan came to its end, and nothing waits
    ASKED = "asked"  # the plan came to its end; a person must decide or do something
    POSTPONED = "postponed"  # a system is away
    UNCHANGED = "unchanged"
    WAITING = "waiting"
    HELD = "held"
    FAILED = "failed"
    LOST = "lost"
    STAGED = "staged"


async def claim(context: Context, key: str) -> Job | None:
    """Take a record; None while somebody else works on it."""
    now = context.clock.now()
    lease = context.settings.lease
    taken = await context.ledger.write(pairs.claim, key, context.owner, now, now + lease)
    return None if taken is None else Job(context, taken)


class Job:
    """The work on one claimed record."""

    def __init__(self, context: Context, taken: pairs.Claim) -> None:
        self.context = context
        self.claim = taken
        self.id = context.new_id()
        self.entity = context.entity
        memory = taken.memory
        missed_at = taken.row["missed_at"]
        if missed_at is not None:
            ripe = context.clock.now() - missed_at >= context.settings.sweep_min
            memory = replace(memory, miss_ripe=ripe)
        self.snapshot = Snapshot(memory, Absent())
        self.writer = Writer(context, taken, self.id)
        self.started = context.clock.monotonic()
        self.retries = int(taken.row["retries"])
        self.is_retry = False

    # --- what kind of look ------------------------------------------------------------------

    async def run(self) -> Ended:
        """Do what the record's waiting work asks for. Failures of the systems end in a status, not in an exception."""
        try:
            return await self._look()
        except (Outage, Credentials) as error:
            return await self._postpone(error)
        except pairs.FenceLost:
            return Ended.LOST
        except Stopped as stopped:
            return await self._end(steps.Ending(held=stopped.by), Ended.HELD)
        except Mismatch:  # outside a plan there is nothing to plan again: look at both sides soon
            follow = Due(self.claim.key, Lane.LIVE, Cause.EVENT, self.context.clock.now() + 1.0)
            return await self._end(steps.Ending(follow=follow), Ended.WAITING)
        except Refused as error:
            return await self.fail(Notice(f"refused_by_{error.side}", (error.field or "?",)), permanent=True)
        except PeerError as error:
            return await self.fail(Notice("failed", (), f"{error.side}: {error.reason}"))

    async def _look(self) -> Ended:
        task = self.claim.task
        if task is None:
            await self._release_untouched()
            return Ended.IDLE
        paused = next((scope for scope in ("all", f"entity:{self.entity.name}") if scope in self.claim.pauses), None)
        if paused is not None:
            return await self._end(steps.Ending(held=f"pause:{paused}"), Ended.HELD)
        if int(self.claim.row["crashes"]) > MAX_CRASHES:
            return await self.fail(Notice("gave_up", (), "process died"), permanent=True)
        match task.cause:
            case Cause.LATE:
                return await self._look_late()
            case Cause.SWEEP:
                return await self._look_round()
            case Cause.PROJECT:
                return await self._project()
            case Cause.RESET:
                self.retries = 0
                return await self._read_and_plan(say_dirty=True)
            case Cause.RETRY:
                self.is_retry = self.claim.row["status"] == Status.FAILED
                return await self._read_and_plan()
            case Cause.EVENT:
                return await self._read_and_plan()

    async def _look_late(self) -> Ended:
        """Did anybody type into EspoCRM at the instant of our own write?"""
        espo = await read_espo(self.context, self.snapshot.memory.key.espo_id)
        if isinstance(espo, Present) and self._is_known(espo):
            self.snapshot = replace(self.snapshot, espo=espo)
            return await self._end(endings.looked_late(self.context, self.claim.row, espo), Ended.UNCHANGED)
        return await self._read_and_plan(espo=espo)

    async def _look_round(self) -> Ended:
        """Does Advoware still show what it showed last time? Once in a while EspoCRM is asked too."""
        memory, row, now = self.snapshot.memory, self.claim.row, self.context.clock.now()
        if memory.advoware_id is None or memory.state is not PairState.LINKED:
            return await self._read_and_plan()
        overdue = row["espo_read_at"] is None or now - row["espo_read_at"] >= self.context.settings.sweep_max
        if overdue:
            return await self._read_and_plan()
        advoware = await read_advoware(self.context, memory.advoware_id)
        if isinstance(advoware, Present) and digest(self.entity, Side.ADVOWARE, advoware) == row["advoware_digest"]:
            ending = endings.looked_round(self.context, row, advoware)
            return await self._end(ending, Ended.UNCHANGED)
        self.snapshot = await load(self.context, memory, row, advoware=advoware)
        return await self._plan_and_act()

    async def _project(self) -> Ended:
        """Only the status is owed."""
        owed = self.claim.row["owed"]
        espo = await read_espo(self.context, self.snapshot.memory.key.espo_id)
        if not isinstance(espo, Present) or not self._is_known(espo, but_status=True):
            return await self._read_and_plan(espo=espo)
        self.snapshot = replace(self.snapshot, espo=espo)
        changes = projection.differing(espo.body, owed or {})
        try:
            if changes:
                espo = await self.writer.patch(espo, changes)
        except (Outage, Credentials, Mismatch):
            raise
        except PeerError as error:  # no try of the record: it is repeated by itself, ever more seldom
            log.info("projection.still_owed", side=error.side, reason=error.reason)
            return await self._end(endings.still_owed(self.context, self.claim.row), Ended.FAILED)
        return await self._end(endings.projected(self.context, self.claim.row, espo), Ended.SETTLED)

    def _is_known(self, espo: Present, *, but_status: bool = False) -> bool:
        """Whether EspoCRM shows just what the last job left there."""
        row = self.claim.row
        if digest(self.entity, Side.ESPO, espo) != row["espo_digest"]:
            return False
        return but_status or espo.body.get(self.entity.status.status) == row["status"]

    # --- the whole job ----------------------------------------------------------------------

    async def _read_and_plan(self, espo: Present | Absent | object | None = None, *, say_dirty: bool = False) -> Ended:
        memory, row = self.snapshot.memory, self.claim.row
        given = espo if isinstance(espo, Present | Absent) else None
        self.snapshot = await load(self.context, memory, row, espo=given)
        seen = self.snapshot.espo
        if isinstance(seen, Present) and row["status"] in (Status.FAILED, Status.PERMANENTLY_FAILED):
            if self._has_new_input(seen):
                self.retries, self.is_retry = 0, False
            elif not self.is_retry and not say_dirty and (row["next_try_at"] or 0) > self.context.clock.now():
                return await self._end(endings.still_waiting(self.context, row), Ended.WAITING)
        if say_dirty and isinstance(seen, Present):
            dirty = str(may_write(Outcome.AGAIN, Status.DIRTY))
            changes = projection.differing(seen.body, {self.entity.status.status: dirty, self.entity.status.retries: 0})
            if changes:
                self.snapshot = replace(self.snapshot, espo=await self.writer.patch(seen, changes))
        return await self._plan_and_act()

    def _has_new_input(self, espo: Present) -> bool:
        row, advoware = self.claim.row, self.snapshot.advoware
        if digest(self.entity, Side.ESPO, espo) != row["espo_digest"]:
            return True
        if found(espo.body.get(self.entity.status.status)) in ASKS_FOR_WORK:
            return True
        known = row["advoware_digest"]
        return isinstance(advoware, Present) and digest(self.entity, Side.ADVOWARE, advoware) != known

    async def _plan_and_act(self) -> Ended:
        mismatches = 0
        for _ in range(MAX_PLANS):
            shot = self.snapshot
            actions = plan(self.entity, shot.memory, shot.espo, shot.advoware, self.context.policy)
            log.debug("plan.made", actions=[type(action).__name__ for action in actions])
            if self.context.settings.dry_run and not isinstance(actions[0] if actions else None, Ignore):
                return await self._end(endings.staged(self.context, self.claim.row, shot, actions), Ended.STAGED)
            try:
                ended = await self._act(actions)
            except (Mismatch, steps.LinkTaken):
                mismatches += 1
                if mismatches > MAX_MISMATCHES:
                    break
                await self._read_again()
                continue
            except steps.NameBusy:
                follow = Due(self.claim.key, Lane.LIVE, Cause.EVENT, self.context.clock.now() + NAME_BUSY_WAIT)
                return await self._end(steps.Ending(follow=follow), Ended.WAITING)
            if ended is not None:
                return ended
        due = self.context.clock.now() + 1.0
        return await self._end(steps.Ending(follow=Due(self.claim.key, Lane.LIVE, Cause.EVENT, due)), Ended.WAITING)

    async def _read_again(self) -> None:
        self.snapshot = await load(self.context, self.snapshot.memory, self.claim.row)

    async def _act(self, actions: Sequence[Action]) -> Ended | None:
        """Carry out the first step of the plan; None means: plan again."""
        for action in actions:
            match action:
                case Ignore():
                    await self._release_untouched()
                    return Ended.IGNORED
                case Vanished():
                    await self.context.ledger.write(facts.put, "full_pass_asked", self.context.clock.now())
                    return await self._end(endings.vanished(self.context), Ended.WAITING)
                case Bury():
                    await self._count_missing(Side.ESPO)
                    return await self._end(endings.buried(self.context, self.claim.row), Ended.SETTLED)
                case Missed():
                    return await self._end(endings.missed(self.context, self.claim), Ended.WAITING)
                case Hold():
                    return await self._hold(action, actions)
                case Link():
                    await self._link(action)
                    return None
                case Create():
                    await self._say_working()
                    self.snapshot = await self.writer.create(self.snapshot, action)
                    return None
                case Update(side=Side.ADVOWARE):
                    if self.context.clock.monotonic() - self.started > SLOW_JOB:
                        await self._say_working()
                    self.snapshot = await self.writer.update_advoware(self.snapshot, action, actions)
                    return None
                case _:
                    continue
        return await self._settle(actions)

    async def _hold(self, hold: Hold, actions: Sequence[Action]) -> Ended | None:
        if hold.reason is HoldReason.UNREADABLE:
            return await self.fail(Notice("failed", (), hold.notice.detail))
        if hold.reason is HoldReason.CREATE_IN_DOUBT:
            due = self.context.clock.now() + max(1.0, self.context.settings.http_timeout / 2)
            follow = Due(self.claim.key, Lane.RETRY, Cause.EVENT, due)
            return await self._end(steps.Ending(follow=follow), Ended.WAITING)
        guard_id = None
        if hold.reason is HoldReason.WENT_BACK:
            guard_id = await self.context.ledger.write(steps.went_back, self.job(), hold.side, self.context.id12())
        return await self._settle(actions, hold, held=f"guard:{guard_id}" if guard_id else None)

    async def _link(self, link: Link) -> None:
        memory = self.snapshot.memory
        base = endings.base_of_intent(self.entity, memory, link.intent_id)
        values = {
            "trust": link.trust,
            "link_shown": False,
            "misses": 0,
            "missed_at": None,
            "deletion_confirmed": False,
        }
        await self.context.ledger.write(
            steps.link, self.job(), link.advoware_id, values, link.restart, link.intent_id, base
        )
        self.snapshot = replace(self.snapshot, memory=endings.linked(memory, link, base))
        log.info("pair.linked", trust=link.trust)
        if isinstance(self.snapshot.advoware, Unlinked):
            seen = await read_advoware(self.context, link.advoware_id)
            self.snapshot = replace(self.snapshot, advoware=seen)

    async def _settle(
        self, actions: Sequence[Action], hold: Hold | None = None, held: str | None = None
    ) -> Ended | None:
        """The end of the plan: one PATCH to EspoCRM, and everything remembered."""
        settle = next((action for action in actions if isinstance(action, Settle)), None)
        if settle is None or not isinstance(self.snapshot.espo, Present):
            return await self._end(steps.Ending(held=held), Ended.UNCHANGED)
        if settle.status is Status.DELETED_IN_ADVOWARE and self.snapshot.memory.state is not PairState.GONE:
            await self._count_missing(Side.ADVOWARE)
        self.snapshot, done = await self.writer.settle_espo(self.snapshot, actions, settle)
        if done is None:
            return None
        ending = endings.settled(self.context, self.claim, self.snapshot, actions, settle, done, hold, held)
        return await self._end(ending, Ended.SETTLED if settle.status is Status.CLEAN else Ended.ASKED)

    async def _count_missing(self, side: Side) -> None:
        limits = self.context.settings.limits
        guard_id = await self.context.ledger.write(steps.missing, self.job(), side, limits, self.context.id12())
        if guard_id is not None:
            raise Stopped(f"guard:{guard_id}")

    async def _say_working(self) -> None:
        """Let people see that a job is writing."""
        espo = self.snapshot.espo
        if not isinstance(espo, Present):
            return
        syncing = str(may_write(Outcome.WORKING, Status.SYNCING))
        if espo.body.get(self.entity.status.status) != syncing:
            patched = await self.writer.patch(espo, {self.entity.status.status: syncing})
            memory = written_over(self.snapshot.memory, Side.ESPO, espo.version, self.context.policy.our_espo_user)
            self.snapshot = replace(self.snapshot, memory=memory, espo=patched)

    # --- ends -------------------------------------------------------------------------------

    def job(self) -> steps.Job:
        """Who stores, for the ledger's steps."""
        return steps.Job(self.claim.key, self.claim.fence, self.id, self.context.clock.now())

    async def _end(self, ending: steps.Ending, ended: Ended) -> Ended:
        gen = self.claim.task.gen if self.claim.task else None
        await self.context.ledger.write(steps.finish, self.job(), ending, gen)
        return ended

    async def _release_untouched(self) -> None:
        gen = self.claim.task.gen if self.claim.task else None
        await self.context.ledger.write(steps.let_go, self.job(), gen)

    async def _postpone(self, error: Outage | Credentials) -> Ended:
        """The system is away: nobody's fault, no try used, the same work again later."""
        wait = getattr(error, "retry_after", None) or OUTAGE_WAIT * (0.5 + self.context.jitter())
        task = self.claim.task
        lane, cause = (task.lane, task.cause) if task else (Lane.LIVE, Cause.EVENT)
        follow = Due(self.claim.key, lane, cause, self.context.clock.now() + wait)
        log.info("job.postponed", side=error.side, reason=error.reason)
        try:
            return await self._end(steps.Ending(follow=follow), Ended.POSTPONED)
        except pairs.FenceLost:
            return Ended.LOST

    async def fail(self, notice: Notice, *, permanent: bool = False) -> Ended:
        """A try failed: say so in EspoCRM, or owe it, and wait longer each time."""
        settings, now = self.context.settings, self.context.clock.now()
        waits = () if permanent else settings.retry_waits
        following = after_failure(self.retries, self.is_retry, waits, settings.auto_reset, self.context.jitter())
        if following.status is Status.PERMANENTLY_FAILED and notice.code == "failed":
            notice = Notice("gave_up", notice.fields, notice.detail)
        log.warning("job.failed", status=following.status, retries=following.retries, reason=notice.detail)
        espo = self.snapshot.espo
        owed = None
        try:
            if not isinstance(espo, Present):
                espo = await read_espo(self.context, self.snapshot.memory.key.espo_id)
            if isinstance(espo, Present):
                changes = projection.failed(self.entity, espo.body, following, notice, now, settings.language)
                if changes:
                    espo = await self.writer.patch(espo, changes)
        except (PeerError, Mismatch, Stopped) as error:
            log.info("projection.owed", error=type(error).__name__)
            owed = projection.failed(self.entity, {}, following, notice, now, settings.language)
        try:
            ending = endings.failed(self.context, self.snapshot, espo, following, notice, owed, self.claim.key)
            return await self._end(ending, Ended.FAILED)
        except pairs.FenceLost:
            return Ended.LOST


async def ask(context: Context, keys: Sequence[str], *, cause: Cause = Cause.EVENT, lane: Lane = Lane.LIVE) -> None:
    """Note that these records shall be looked at now."""
    now = context.clock.now()
    await context.ledger.write(work.put, [Due(key, lane, cause, now) for key in keys], now)


async def run_once(context: Context, key: str) -> Ended:
    """Claim a record and do its job; `BUSY` where another one is at it."""
    job = await claim(context, key)
    return Ended.BUSY if job is None else await job.run()

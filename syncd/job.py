"""One job: claim a record, look as far as its waiting work asks for, carry out the plan, store the end, release.

Killed at any point, the next job starts from what the two sides and the journal show. Failures of
the systems end in a status, not in an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from mappers.spec import Child, Side
from services.errors import Credentials, Outage, PeerError, Refused
from syncd import endings, projection
from syncd.act import Act
from syncd.context import Context
from syncd.endings import Ended, Result
from syncd.family import bound, is_judged
from syncd.lanes import Lane
from syncd.ledger import pairs, steps
from syncd.ledger.work import Cause, Due
from syncd.load import digest, load, read_advoware, read_espo
from syncd.marks import interval_now, is_as_left, news
from syncd.model import (
    Absent,
    EspoSeen,
    Key,
    Notice,
    PairState,
    Present,
    Snapshot,
    Status,
    Unknown,
    Unlinked,
    Version,
)
from syncd.permit import Mismatch
from syncd.rounds import must_read_both
from syncd.scribe import Stopped
from syncd.status import ASKS_FOR_WORK, Outcome, after_failure, found, may_write
from syncd.write import Writer

log = structlog.get_logger()

MAX_CRASHES = 5
SET_ASIDE = 300.0  # seconds
OUTAGE_WAIT = 10.0  # seconds, give or take a half, where the system names no time


async def claim(context: Context, key: str) -> Job | None:
    """Take a record; None while somebody else works on it."""
    context, parent = await bound(context, key)
    now, began = context.clock.now(), context.clock.monotonic()
    lease = context.settings.lease
    taken = await context.ledger.write(pairs.claim, key, context.owner, now, now + lease, context.left.get(key), parent)
    if taken is None:
        return None
    context.left.pop(key, None)
    return Job(context, taken, began)


class Job:
    """The work on one claimed record; `began` is when the claim was asked for, by the monotonic clock.

    `left`: what waits for the record once the job has been stored.
    """

    def __init__(self, context: Context, taken: pairs.Claim, began: float) -> None:
        self.context = context
        self.claim = taken
        self.id = context.new_id()
        self.entity = context.entity
        memory = taken.memory
        missed_at = taken.row["missed_at"]
        if missed_at is not None:
            ripe = context.clock.now() - missed_at >= context.settings.sweep_min
            memory = replace(memory, miss_ripe=ripe)
        self.writer = Writer(context, taken, began, self.id)
        self.act = Act(context, taken, self.writer, Snapshot(memory, Absent()))
        self.retries = int(taken.row["retries"])
        self.is_retry = False
        self.left: Due | None = None

    @property
    def snapshot(self) -> Snapshot:
        """What was seen last."""
        return self.act.snapshot

    async def run(self) -> Ended:
        """Do what waits for the record, store how it ended, and release it."""
        return await self._store(await self._result())

    async def fail(self, notice: Notice) -> Ended:
        """End the job as a failed try."""
        return await self._store(await self._failed(notice, self.context.settings.retry_waits))

    async def set_aside(self) -> Ended:
        """Look at the record again later; nothing about it is said or judged."""
        due = self.context.clock.now() + SET_ASIDE
        follow = Due(self.claim.key, Lane.RETRY, Cause.EVENT, due)
        return await self._store(Result(Ended.FAILED, steps.Ending(follow=follow)))

    async def _store(self, result: Result) -> Ended:
        gen = self.claim.task.gen if self.claim.task else None
        ledger, job = self.context.ledger, self.writer.scribe.job()
        try:
            if result.ending is None:
                self.left = await ledger.write(steps.let_go, job, gen)
            else:
                ending = replace(
                    result.ending,
                    pair=news(self.claim.row, result.ending.pair),
                    judged=self._has_judged(result.ending.pair),
                    kin_lane=self._kin_lane(),
                )
                self.left = await ledger.write(steps.finish, job, ending, gen)
        except pairs.FenceLost:
            return Ended.LOST
        return result.ended

    def _has_judged(self, pair: Mapping[str, Any]) -> bool:
        """Whether this job has found out what in Advoware the record is, or that it is nothing there."""
        before = self.claim.row
        after = {**before, "state": self.snapshot.memory.state, **pair}
        return (after["state"] != before["state"] and after["state"] != PairState.NEW) or (
            is_judged(after) and not is_judged(before)
        )

    def _kin_lane(self) -> Lane:
        """For the records that this one puts to work: those of a first sync pass the rest of it, and no edit."""
        task = self.claim.task
        return Lane.SWEEP if task is not None and task.lane in (Lane.SWEEP, Lane.BACKFILL) else Lane.LIVE

    async def _result(self) -> Result:
        try:
            return await self._look()
        except (Outage, Credentials) as error:
            return self._postponed(error)
        except pairs.FenceLost:
            return Result(Ended.LOST, None)
        except Stopped as stopped:
            return Result(Ended.HELD, steps.Ending(held=stopped.by))
        except Mismatch:  # outside a plan there is nothing to plan again: look at both sides soon
            due = self.context.clock.now() + 1.0
            return Result(Ended.WAITING, steps.Ending(follow=Due(self.claim.key, Lane.LIVE, Cause.EVENT, due)))
        except Refused as error:
            return await self._failed(Notice(f"refused_by_{error.side}", (error.field or "?",)), ())
        except PeerError as error:
            notice = Notice("failed", (), f"{error.side}: {error.reason}")
            return await self._failed(notice, self.context.settings.retry_waits)

    # --- how much is looked at --------------------------------------------------------------

    async def _look(self) -> Result:
        task = self.claim.task
        if task is None:
            return Result(Ended.IDLE, None)
        paused = next((scope for scope in ("all", f"entity:{self.entity.name}") if scope in self.claim.pauses), None)
        if paused is not None:
            return Result(Ended.HELD, steps.Ending(held=f"pause:{paused}"))
        if int(self.claim.row["crashes"]) > MAX_CRASHES:
            return await self._failed(Notice("gave_up", (), "process died"), ())
        if self.entity.child is not None and self.context.whose is None:
            return await self._look_for_parent(self.entity.child)
        match task.cause:
            case Cause.SWEEP:
                return await self._look_round()
            case Cause.PROJECT:
                return await self._project()
            case Cause.RESET:
                return await self._start_anew()
            case Cause.RETRY:
                self.is_retry = self.claim.row["status"] == Status.FAILED
                return await self._look_at_both()
            case Cause.EVENT | Cause.LATE:  # a late look that found nothing needed no job
                return await self._look_at_both()

    async def _look_for_parent(self, child: Child) -> Result:
        """A child whose parent is not known, or not linked: there is nothing to do before it is."""
        espo = await read_espo(self.context, self.snapshot.memory.key.espo_id)
        if not isinstance(espo, Present):
            self.act.snapshot = replace(self.snapshot, espo=espo, advoware=Unlinked())
            return await self.act.carry_out()
        parent = Key.of_parent(child, espo.body)
        row = await self.context.ledger.read(pairs.get, parent) if parent else None
        if row is None or row["admitted_by"] is None:
            return Result(Ended.IGNORED, None)
        if parent == self.claim.row["parent"]:  # once that is linked its job sees by this that we wait
            return Result(Ended.WAITING, steps.Ending(pair={"advoware_digest": None}))
        task = self.claim.task
        lane, now = task.lane if task else Lane.LIVE, self.context.clock.now()
        pair = {"parent": parent, "admitted_by": self.claim.row["admitted_by"] or "parent"}
        return Result(Ended.WAITING, steps.Ending(pair=pair, follow=Due(self.claim.key, lane, Cause.EVENT, now)))

    async def _look_round(self) -> Result:
        """Does Advoware still show what it showed last time? Once in a while EspoCRM is asked too."""
        memory, row, now = self.snapshot.memory, self.claim.row, self.context.clock.now()
        if memory.advoware_id is None or memory.state is not PairState.LINKED or self._must_read_both(now):
            return await self._look_at_both()
        advoware = await read_advoware(self.context, memory.advoware_id)
        if isinstance(advoware, Present) and digest(self.entity, Side.ADVOWARE, advoware) == row["advoware_digest"]:
            return Result(Ended.UNCHANGED, endings.looked_round(self.context, row, advoware))
        self.act.snapshot = await load(self.context, memory, row, advoware=advoware)
        return await self.act.carry_out()

    def _must_read_both(self, now: float) -> bool:
        """Whether EspoCRM is asked at this look round: at the next one it may be later than is promised."""
        row, longest = self.claim.row, self.context.settings.sweep_max
        both, look = row["espo_read_at"], row["checked_at"]
        if both is None or look is None:
            return True
        following = interval_now(self.context, row, Version(**row["espo_version"]), Version(**row["advoware_version"]))
        return must_read_both(now - both, now - look, row["check_every"] or 0.0, following, longest)

    async def _project(self) -> Result:
        """Only the status is owed. Failing at that is no try of the record: it is repeated, ever more seldom."""
        if self.context.settings.dry_run:
            return Result(Ended.WAITING, endings.still_owed(self.context, self.claim.row))
        espo = await read_espo(self.context, self.snapshot.memory.key.espo_id)
        if not isinstance(espo, Present) or not is_as_left(self.context, self.claim.row, espo):
            return await self._look_at_both(espo)
        changes = projection.differing(espo.body, self.claim.row["owed"] or {})
        shown = espo
        try:
            if changes:
                shown = await self.writer.patch(espo, changes)
        except (Outage, Credentials):
            raise
        except PeerError as error:
            log.info("projection.still_owed", side=error.side, reason=error.reason)
            return Result(Ended.FAILED, endings.still_owed(self.context, self.claim.row))
        return Result(Ended.SETTLED, endings.projected(self.context, self.claim.row, espo, shown))

    async def _start_anew(self) -> Result:
        """The tries of long ago are forgotten, and people see that."""
        self.retries = 0
        self.act.snapshot = await load(self.context, self.snapshot.memory, self.claim.row)
        espo = self.snapshot.espo
        if isinstance(espo, Present) and not self.context.settings.dry_run:
            names = self.entity.status
            dirty = str(may_write(Outcome.AGAIN, Status.DIRTY))
            changes = projection.differing(espo.body, {names.status: dirty, names.retries: 0})
            if changes:
                self.act.snapshot = replace(self.snapshot, espo=await self.writer.patch(espo, changes))
        return await self.act.carry_out()

    async def _look_at_both(self, espo: EspoSeen | None = None) -> Result:
        row = self.claim.row
        try:
            self.act.snapshot = await load(self.context, self.snapshot.memory, row, espo=espo)
        except (Outage, Credentials):
            raise
        except PeerError as error:
            if error.side == Side.ESPO and self._was_given_up_for_now():  # nothing shows whether anything is new
                if not self._is_due():
                    return Result(Ended.WAITING, endings.still_waiting(self.context, row))
                self.is_retry = row["status"] == Status.FAILED
            raise
        seen, whose = self.snapshot.espo, self.context.whose
        if whose is not None and isinstance(self.snapshot.advoware, Unknown):  # is there such a Beteiligter?
            due = self.context.clock.now() + self.context.settings.sweep_min
            follow = Due(self.claim.key, Lane.RETRY, Cause.EVENT, due)
            return Result(Ended.WAITING, steps.Ending(follow=follow, stirred=(whose.key,)))
        if isinstance(seen, Present) and self._was_given_up_for_now():
            if self._shows_new_input(seen) or self._advoware_changed():
                self.retries, self.is_retry = 0, False
            elif not self.is_retry and not self._is_due():
                return Result(Ended.WAITING, endings.still_waiting(self.context, row))
        return await self.act.carry_out()

    def _was_given_up_for_now(self) -> bool:
        return self.claim.row["status"] in (Status.FAILED, Status.PERMANENTLY_FAILED)

    def _is_due(self) -> bool:
        """Whether it is time for the next try of a record that failed."""
        return float(self.claim.row["next_try_at"] or 0.0) <= self.context.clock.now()

    def _shows_new_input(self, espo: Present) -> bool:
        """Whether a person typed into EspoCRM, or asked there for another try."""
        if self.context.settings.dry_run:  # a status nobody answers asks for nothing new
            return not is_as_left(self.context, self.claim.row, espo)
        return (
            not is_as_left(self.context, self.claim.row, espo)
            or found(espo.body.get(self.entity.status.status)) in ASKS_FOR_WORK
        )

    def _advoware_changed(self) -> bool:
        advoware, known = self.snapshot.advoware, self.claim.row["advoware_digest"]
        return isinstance(advoware, Present) and digest(self.entity, Side.ADVOWARE, advoware) != known

    # --- failures ---------------------------------------------------------------------------

    def _postponed(self, error: Outage | Credentials) -> Result:
        """The system is away: nobody's fault, no try used, the same work again later."""
        wait = getattr(error, "retry_after", None) or OUTAGE_WAIT * (0.5 + self.context.jitter())
        task = self.claim.task
        lane, cause = (task.lane, task.cause) if task else (Lane.LIVE, Cause.EVENT)
        log.info("job.postponed", side=error.side, reason=error.reason)
        follow = Due(self.claim.key, lane, cause, self.context.clock.now() + wait)
        return Result(Ended.POSTPONED, steps.Ending(follow=follow))

    async def _failed(self, notice: Notice, waits: tuple[float, ...]) -> Result:
        """A try failed: say so in EspoCRM, or owe it, and wait longer each time; without waits it is given up."""
        settings, now = self.context.settings, self.context.clock.now()
        try:
            read = self.snapshot.espo
            if not isinstance(read, Present):
                read = await read_espo(self.context, self.snapshot.memory.key.espo_id)
        except PeerError:
            read = Absent()
        if isinstance(read, Present) and self._was_given_up_for_now() and self._shows_new_input(read):
            self.retries, self.is_retry = 0, False
        following = after_failure(self.retries, self.is_retry, waits, settings.auto_reset, self.context.jitter())
        if following.status is Status.PERMANENTLY_FAILED and notice.code == "failed":
            notice = Notice("gave_up", notice.fields, notice.detail)
        log.warning("job.failed", status=following.status, retries=following.retries, reason=notice.detail)
        shown, owed = read, None
        try:
            if isinstance(read, Present) and not settings.dry_run:
                changes = projection.failed(self.entity, read.body, following, notice, now, settings.language)
                if changes:
                    shown = await self.writer.patch(read, changes)
        except pairs.FenceLost:
            return Result(Ended.LOST, None)
        except (PeerError, Mismatch, Stopped) as error:
            log.info("projection.owed", error=type(error).__name__)
            owed = projection.failed(self.entity, {}, following, notice, now, settings.language)
        ending = endings.failed(self.context, self.snapshot, read, shown, following, notice, owed, self.claim.row)
        return Result(Ended.FAILED, ending)

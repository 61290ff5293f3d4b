"""Carrying out plans: plan, do the first step, plan again from what was read back, until nothing is left to do.

At most one write to Advoware happens between two plans, so every plan is made of what was just
read. Decides nothing about fields: that is `plan`; stores nothing about the end: that is `job`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from mappers.spec import Side
from services.errors import Retryable
from syncd import endings
from syncd.context import Context
from syncd.endings import Ended, Result
from syncd.foresight import foreseen, writes
from syncd.lanes import Lane
from syncd.ledger import children, facts, pairs, steps
from syncd.ledger.staged import Plan
from syncd.ledger.work import Cause, Due
from syncd.load import load, read_advoware
from syncd.model import (
    ADD,
    Action,
    Bear,
    Bury,
    Create,
    Hold,
    HoldReason,
    Ignore,
    Link,
    Missed,
    PairState,
    Present,
    Retire,
    Settle,
    Snapshot,
    Status,
    Unlinked,
    Update,
    Vanished,
    Wait,
    WriteEntry,
)
from syncd.neighbours import informed
from syncd.permit import Mismatch
from syncd.plan import plan, with_latest
from syncd.readback import written_over
from syncd.scribe import Stopped, agreed_entries
from syncd.status import Outcome, may_write
from syncd.telling import told
from syncd.write import Writer

log = structlog.get_logger()

MAX_PLANS = 100  # a record needs two or three, one more for each entry; more means it changes under our hands
MAX_MISMATCHES = 3
SLOW_JOB = 2.0  # seconds after which people see `syncing`
NAME_BUSY_WAIT = 2.0
AGAIN_WAIT = 1.0


class Act:
    """The course of one job's plans. `snapshot` is always what was seen last."""

    def __init__(self, context: Context, claim: pairs.Claim, writer: Writer, snapshot: Snapshot) -> None:
        self._context = context
        self._claim = claim
        self._entity = context.entity
        self._writer = writer
        self._started = context.clock.monotonic()
        self._looked_twice = False
        self.snapshot = snapshot

    async def carry_out(self) -> Result:
        """Plan, do the first step, plan again, until a plan comes to its end or must wait."""
        mismatches = 0
        for _ in range(MAX_PLANS):
            self.snapshot = with_latest(await self._writer.rows.mend(await self._writer.parts.mend(self.snapshot)))
            shot = self.snapshot = await informed(self._context, self.snapshot)
            actions = self._planned()
            log.debug("plan.made", actions=[type(action).__name__ for action in actions])
            if self._context.settings.dry_run and not isinstance(actions[0] if actions else None, Ignore):
                return Result(Ended.STAGED, await self._staged(shot, actions))
            try:
                result = await self._act(actions)
            except (Mismatch, steps.LinkTaken):
                mismatches += 1
                if mismatches > MAX_MISMATCHES:
                    due = self._context.clock.now() + AGAIN_WAIT
                    follow = Due(self._claim.key, Lane.LIVE, Cause.EVENT, due)
                    return Result(Ended.WAITING, steps.Ending(follow=follow))
                await self._read_again()
                continue
            except steps.NameBusy:
                follow = Due(self._claim.key, Lane.LIVE, Cause.EVENT, self._context.clock.now() + NAME_BUSY_WAIT)
                return Result(Ended.WAITING, steps.Ending(follow=follow))
            if result is not None:
                return result
        raise Retryable(Side.ADVOWARE, "the record does not come to rest")

    async def _staged(self, shot: Snapshot, actions: tuple[Action, ...]) -> steps.Ending:
        """What would be done, as far as it can be told without doing it."""
        context = self._context
        shot, actions = await foreseen(context, shot, actions)
        counted = writes(self._entity, shot, actions)
        words = told(self._entity, actions, context.settings.language)
        plan = Plan(words, counted.espo, counted.advoware, counted.creates, counted.asks)
        return endings.staged(context, self._claim.row, shot, actions, plan)

    async def _read_again(self) -> None:
        self.snapshot = await load(self._context, self.snapshot.memory, self._claim.row)

    async def _act(self, actions: Sequence[Action]) -> Result | None:
        """Carry out the first step of the plan; None means: plan again."""
        for action in actions:
            match action:
                case Ignore():
                    return Result(Ended.IGNORED, None)
                case Vanished():
                    await self._context.ledger.write(facts.put, "full_pass_asked", self._context.clock.now())
                    return Result(Ended.WAITING, endings.vanished(self._context))
                case Bury():
                    await self._count_missing(Side.ESPO)
                    return Result(Ended.SETTLED, endings.buried(self._context, self._claim.row))
                case Missed():
                    return Result(Ended.WAITING, endings.missed(self._context, self._claim))
                case Hold():
                    return await self._hold(action, actions)
                case Link():
                    await self._link(action)
                    return None
                case Retire():
                    return await self._retire(action)
                case Bear():
                    self.snapshot = await self._writer.births.bear(self.snapshot, action.unborn)
                    return None
                case Create():
                    if not await self._says_working():
                        self.snapshot = await self._writer.create(self.snapshot, action)
                    return None
                case Update(side=Side.ADVOWARE):
                    if not await self._says_working_if_slow():
                        self.snapshot = await self._writer.update_advoware(self.snapshot, action, actions)
                    return None
                case WriteEntry():
                    if action.entry.id is None and not self.snapshot.memory.base and not self._looked_twice:
                        self._looked_twice = True  # nothing is remembered: one old answer must double no entry
                        await self._read_again()
                    elif not await self._says_working_if_slow():
                        self.snapshot = await self._writer.entries.write(self.snapshot, action, tuple(actions))
                    return None
                case _:
                    continue
        return await self._settle(actions)

    async def _hold(self, hold: Hold, actions: Sequence[Action]) -> Result | None:
        if hold.reason is HoldReason.UNREADABLE:
            raise Retryable(hold.side or Side.ESPO, hold.notice.detail)
        if hold.reason is HoldReason.CREATE_IN_DOUBT:
            due = self._context.clock.now() + max(1.0, self._context.settings.http_timeout / 2)
            follow = Due(self._claim.key, Lane.RETRY, Cause.EVENT, due)
            return Result(Ended.WAITING, steps.Ending(follow=follow))
        stopped = None
        if hold.reason is HoldReason.WENT_BACK and hold.side is not None and not self._looked_twice:
            self._looked_twice = True  # one old answer, of a cache say, is no restored backup
            if hold.side not in self.snapshot.memory.went_back:
                await self._read_again()
                return None
        if hold.reason is HoldReason.WENT_BACK:
            judged = await self._context.ledger.write(
                steps.went_back, self._writer.scribe.job(), hold.side, self._context.id12()
            )
            if isinstance(judged, Side):
                self.snapshot = replace(self.snapshot, memory=replace(self.snapshot.memory, believe=judged))
                return None
            stopped = f"guard:{judged}"
        return await self._settle(actions, hold, held=stopped)

    async def _link(self, link: Link) -> None:
        memory = self.snapshot.memory
        base = endings.base_of_intent(self._entity, memory, link.intent_id)
        values = {
            "trust": link.trust,
            "link_shown": False,
            "misses": 0,
            "missed_at": None,
            "deletion_confirmed": False,
        }
        await self._context.ledger.write(
            steps.link, self._writer.scribe.job(), link.advoware_id, values, link.restart, link.intent_id, base
        )
        if link.advoware_id in memory.retired:
            await self._context.ledger.write(children.take_back, self._writer.scribe.job(), link.advoware_id)
        if self._context.whose is not None and self._claim.row["status"] == Status.CONFLICT:
            await self._context.ledger.write(children.look_again, self._context.whose.key, self._context.clock.now())
        self.snapshot = replace(self.snapshot, memory=endings.linked(memory, link, base))
        log.info("pair.linked", trust=link.trust)
        if isinstance(self.snapshot.advoware, Unlinked):
            seen = await read_advoware(self._context, link.advoware_id)
            self.snapshot = replace(self.snapshot, advoware=seen)

    async def _retire(self, retire: Retire) -> Result | None:
        """Part from a row, and tell a person what to do with it; the record goes on without one, or elsewhere."""
        context, memory = self._context, self.snapshot.memory
        message = endings.retired(context, memory, retire)
        job = self._writer.scribe.job()
        await context.ledger.write(children.retire, job, retire.advoware_id, retire.parent, message)
        if retire.parent is None:
            self.snapshot = replace(self.snapshot, memory=endings.parted(memory, retire))
            await self._read_again()
            return None
        if not retire.parent:
            return Result(Ended.WAITING, steps.Ending())
        follow = Due(self._claim.key, Lane.LIVE, Cause.EVENT, context.clock.now())
        return Result(Ended.WAITING, steps.Ending(follow=follow))

    async def _settle(
        self, actions: Sequence[Action], hold: Hold | None = None, held: str | None = None
    ) -> Result | None:
        """The end of the plan: one PATCH to EspoCRM, and everything remembered."""
        if self.snapshot.memory.stuck or any(isinstance(action, Wait) for action in actions):
            return await self._half_settled(actions)
        settle = next((action for action in actions if isinstance(action, Settle)), None)
        if settle is None or not isinstance(self.snapshot.espo, Present):
            return Result(Ended.UNCHANGED, steps.Ending(held=held))
        if settle.status is Status.DELETED_IN_ADVOWARE and self.snapshot.memory.state is not PairState.GONE:
            await self._count_missing(Side.ADVOWARE)
        self.snapshot, done = await self._writer.settle_espo(self.snapshot, actions, settle)
        if done is None:
            return None
        entries = agreed_entries(actions)
        if _sends_list(actions):  # what the plan before the PATCH found gone may be there again
            after = self._planned()
            if any(isinstance(action, WriteEntry) for action in after) or _sends_list(after):
                return None
            entries = agreed_entries(after)
        ending = endings.settled(self._context, self._claim, self.snapshot, actions, settle, done, hold, held, entries)
        return Result(Ended.SETTLED if settle.status is Status.CLEAN else Ended.ASKED, ending)

    async def _half_settled(self, actions: Sequence[Action]) -> Result | None:
        """Something could not be done: all else is, without a word about the status, and then comes why."""
        self.snapshot, done = await self._writer.settle_espo(self.snapshot, actions, None)
        if done is None:
            return None
        agreed = agreed_entries(self._planned())
        await self._context.ledger.write(steps.remember, self._writer.scribe.job(), agreed)
        failure = self._writer.failure or self._writer.entries.failure
        if failure is not None:
            raise failure
        sent = [intent.sent_at for intent in self.snapshot.memory.intents if intent.verb == ADD]
        due = max(self._context.clock.now(), max(sent) + self._context.settings.doubt) + AGAIN_WAIT
        cause = self._claim.task.cause if self._claim.task else Cause.EVENT
        return Result(Ended.WAITING, steps.Ending(follow=Due(self._claim.key, Lane.RETRY, cause, due)))

    def _planned(self) -> tuple[Action, ...]:
        """What the plan says to what was seen last."""
        shot = self.snapshot
        return plan(self._entity, shot.memory, shot.espo, shot.advoware, self._context.policy)

    async def _says_working_if_slow(self) -> bool:
        slow = self._context.clock.monotonic() - self._started > SLOW_JOB
        return slow and await self._says_working()

    async def _count_missing(self, side: Side) -> None:
        limits = self._context.settings.limits
        guard_id = await self._context.ledger.write(
            steps.missing, self._writer.scribe.job(), side, limits, self._context.id12()
        )
        if guard_id is not None:
            raise Stopped(f"guard:{guard_id}")

    async def _says_working(self) -> bool:
        """Let people see that a job is writing. True: that has just been said, and its answer shows the record anew."""
        espo = self.snapshot.espo
        syncing = str(may_write(Outcome.WORKING, Status.SYNCING))
        if not isinstance(espo, Present) or espo.body.get(self._entity.status.status) == syncing:
            return False
        patched = await self._writer.patch(espo, {self._entity.status.status: syncing})
        memory = written_over(self.snapshot.memory, Side.ESPO, espo.version, self._context.policy.our_espo_user)
        self.snapshot = replace(self.snapshot, memory=memory, espo=patched)
        return True


def _sends_list(actions: Sequence[Action]) -> bool:
    """Whether a plan writes one of EspoCRM's lists."""
    return any(isinstance(action, Update) and action.lists for action in actions)

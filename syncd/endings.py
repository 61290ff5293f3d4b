"""What each kind of end leaves in the ledger: tokens, next looks, what waits, what people are told.

Builds values for `ledger.steps.finish`; reads and writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mappers.spec import Entity, Side
from syncd import errands
from syncd.birth import left
from syncd.context import Context
from syncd.evidence import LOST_ENTRY
from syncd.lanes import Lane
from syncd.ledger import children, pairs
from syncd.ledger.staged import Plan
from syncd.ledger.steps import Ending, Message, Single, Waiting
from syncd.ledger.work import Cause, Due
from syncd.load import digest
from syncd.marks import espo_marks, late_look, next_look
from syncd.messages import text
from syncd.model import (
    ESPO_ID,
    Action,
    Agree,
    Ask,
    Base,
    Brood,
    Dispute,
    Hold,
    HoldReason,
    Keep,
    Link,
    Memory,
    Notice,
    PairState,
    Present,
    Quarantine,
    Retire,
    Settle,
    Snapshot,
    Status,
    Trust,
    Version,
)
from syncd.scribe import lost_value
from syncd.status import NextTry
from syncd.titles import named
from syncd.write import Patched


def assignee(espo: Present) -> str | None:
    """Whom EspoCRM names as responsible, for Tasks about the record."""
    named = espo.body.get("assignedUserId")
    return named if isinstance(named, str) and ESPO_ID.match(named) else None


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


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended and what that leaves behind; no ending: nothing, the record is not ours to look after."""

    ended: Ended
    ending: Ending | None


DOUBT_LIFE = 20  # HTTP time-outs after which an update that got no answer cannot apply any more
PROJECT_WAIT = 60.0  # seconds until an owed status is tried again, doubled each time
PROJECT_LONGEST = 6 * 3600.0


def settled(
    context: Context, claim: pairs.Claim, shot: Snapshot, actions: Sequence[Action], settle: Settle,
    patched: Patched, hold: Hold | None, held: str | None, entries: Mapping[str, Base | None],
) -> Ending:  # fmt: skip
    """The end of a job that came to a plan's end."""
    now, settings, row = context.clock.now(), context.settings, claim.row
    espo, advoware, memory = shot.espo, shot.advoware, shot.memory
    assert isinstance(espo, Present)
    gone = settle.status is Status.DELETED_IN_ADVOWARE
    changed = patched.wrote or row["status"] != settle.status
    pair: dict[str, Any] = {
        "status": settle.status,
        "owed": None,
        "owed_tries": 0,
        "retries": 0,
        "next_try_at": None,
        "error": text(settle.notices, settings.language),
        "assignee": assignee(espo),
        "link_shown": memory.link_shown or _shows_link(context, memory, espo),
        "checked_at": now,
        "espo_read_at": now,
        "admitted_by": row["admitted_by"] or "joined",
        **espo_marks(context, espo),
        **next_look(context, row, *_versions(espo, advoware), changed=changed),
    }
    if memory.evidence is not None:
        pair["judged_delivery"] = memory.evidence.last_id
    shown = patched.last_sync
    if not shown and settle.status is Status.CLEAN and hold is None:  # all is agreed: an earlier installation's as well
        shown = espo.body.get(context.entity.status.last_sync)
    if isinstance(shown, str):
        pair["last_sync"] = shown[:19]
    if changed:
        pair["changed_at"] = now
    present = [Side.ESPO]
    if gone:
        pair |= {"state": PairState.GONE, "advoware_digest": None}
    elif isinstance(advoware, Present):
        present.append(Side.ADVOWARE)
        fingerprint = digest(context.entity, Side.ADVOWARE, advoware)
        put_off = memory.brood is not None and memory.brood.put_off
        pair |= {"advoware_digest": None if put_off or left(memory) else fingerprint, "misses": 0, "missed_at": None}
        if hold is None:
            pair |= {
                "advoware_version": advoware.version.as_dict(),
                "espo_version": espo.version.as_dict(),
                "believe": None,
            }
            pair |= {"link_decision": None, "allow_new_fields": False}
    lost = tuple(
        lost_value(context, action, espo, advoware)
        for action in actions
        if isinstance(action, Keep) and action.why == LOST_ENTRY
    )
    waiting = [*_waiting(context, actions, espo, advoware), *_held(context, hold)]
    topic = "gone" if gone else "waiting"
    todo = _errands(context, actions, advoware)
    tell = text([one for one in settle.notices if not todo or one.code != "by_hand"], settings.language)
    body: dict[str, Any] = {"text": tell, "steps": todo} if todo else {"text": tell}
    message = Message(context.id12(), "task", topic, body) if settle.status is not Status.CLEAN else None
    brood = memory.brood or Brood()
    follow = late_look(context, claim.key, espo, wrote=patched.wrote)
    if left(memory):  # by then every answer has come; children that are looked at meanwhile put it to work themselves
        follow = Due(claim.key, Lane.RETRY, Cause.EVENT, follow.due_at if follow else now + settings.doubt)
    topics = {"gone", "waiting", "deleted"} - ({topic} if message else set())
    return Ending(
        pair=pair,
        agreed={**_agreed(context.entity, actions, espo, advoware), **patched.agreed},
        entries=entries,
        lost=lost,
        waiting=waiting,
        open_fields=None if hold is not None else settle.open_fields,
        decided=[one.conflict_id for one in memory.decisions.values()],
        question=str(hold.reason) if hold is not None else None,
        messages=(message,) if message else (),
        over=tuple(sorted(topics)),
        follow=follow,
        held=held,
        stirred=brood.stirred,
        ended=brood.ended,
        ended_messages=brood.over,
        single=_single(context, memory, espo),
        present=tuple(present),
        forget_updates_before=now - DOUBT_LIFE * settings.http_timeout,
    )


def failed(
    context: Context, shot: Snapshot, judged: object, espo: object, following: NextTry, notice: Notice,
    owed: Mapping[str, Any] | None, row: Mapping[str, Any],
) -> Ending:  # fmt: skip
    """A failed try: what is tried when, and whether the status is owed to EspoCRM.

    `judged` is the EspoCRM record the try was about, `espo` how it looks since the failure was written on it.
    """
    now = context.clock.now()
    at = now + following.wait
    pair: dict[str, Any] = {}
    if isinstance(espo, Present) and isinstance(judged, Present):
        pair |= {**espo_marks(context, espo, judged), "assignee": assignee(espo)}
    pair |= {
        "status": following.status,
        "retries": following.retries,
        "next_try_at": at,
        "error": text([notice], context.settings.language),
        "owed": dict(owed) if owed else None,
        "changed_at": now,
    }
    if shot.memory.admitted:
        pair["admitted_by"] = row["admitted_by"] or "joined"
    if isinstance(shot.advoware, Present):
        pair["advoware_digest"] = digest(context.entity, Side.ADVOWARE, shot.advoware)
    if owed:
        follow = Due(row["key"], Lane.LATE, Cause.PROJECT, now + PROJECT_WAIT)
    elif isinstance(espo, Present) and not context.settings.dry_run:
        follow = Due(row["key"], Lane.LATE, Cause.LATE, now + context.settings.late_after)
    else:
        follow = next_try(row["key"], following.status, at)
    return Ending(pair=pair, follow=follow, event=f"failed:{following.retries}")


def next_try(key: str, status: str | None, at: float) -> Due:
    """When a failed record is tried again."""
    return Due(key, Lane.RETRY, Cause.RESET if status == Status.PERMANENTLY_FAILED else Cause.RETRY, at)


def still_waiting(context: Context, row: Mapping[str, Any]) -> Ending:
    """Nothing is new about a failed record: its next try stays where it was."""
    return Ending(follow=next_try(row["key"], row["status"], row["next_try_at"] or context.clock.now()))


def still_owed(context: Context, row: Mapping[str, Any]) -> Ending:
    """EspoCRM will not take the owed status now: again later, ever more seldom."""
    wait = min(PROJECT_WAIT * 2 ** row["owed_tries"], PROJECT_LONGEST)
    follow = Due(row["key"], Lane.LATE, Cause.PROJECT, context.clock.now() + wait)
    return Ending(pair={"owed_tries": row["owed_tries"] + 1}, follow=follow)


def projected(context: Context, row: Mapping[str, Any], judged: Present, espo: Present) -> Ending:
    """The owed status has been written."""
    now = context.clock.now()
    pair = {"owed": None, "owed_tries": 0, **espo_marks(context, espo, judged)}
    return Ending(pair=pair, follow=Due(row["key"], Lane.LATE, Cause.LATE, now + context.settings.late_after))


def looked_late(context: Context, row: Mapping[str, Any], espo: Present) -> Ending:
    """Nobody typed while we wrote; from now on the poll may pass over this time stamp."""
    pair = espo_marks(context, espo)
    follow = late_look(context, row["key"], espo, wrote=False)
    if follow is None and row["next_try_at"]:
        follow = next_try(row["key"], row["status"], row["next_try_at"])
    return Ending(pair=pair | {"espo_read_at": context.clock.now()}, follow=follow, present=(Side.ESPO,))


def looked_round(context: Context, row: Mapping[str, Any], advoware: Present) -> Ending:
    """Advoware shows what it showed last time."""
    versions = Version(**row["espo_version"]), advoware.version
    pair = {"checked_at": context.clock.now(), "misses": 0, "missed_at": None}
    pair |= next_look(context, row, *versions, changed=False)
    follow = next_try(row["key"], row["status"], row["next_try_at"]) if row["next_try_at"] else None
    return Ending(pair=pair, present=(Side.ADVOWARE,), follow=follow)


def missed(context: Context, claim: pairs.Claim) -> Ending:
    """The counterpart answered 404 once: look again after the minimum sweep time."""
    now, wait = context.clock.now(), context.settings.sweep_min
    pair = {"misses": claim.memory.misses + 1, "checked_at": now, "admitted_by": claim.row["admitted_by"] or "joined"}
    if claim.row["missed_at"] is None:
        pair["missed_at"] = now
    return Ending(pair=pair, follow=Due(claim.key, Lane.SWEEP, Cause.EVENT, now + wait), present=(Side.ESPO,))


def vanished(context: Context) -> Ending:
    """EspoCRM says 404: a complete listing decides."""
    return Ending(pair={"vanished_at": context.clock.now()})


def buried(context: Context, row: Mapping[str, Any]) -> Ending:
    """Deleted in EspoCRM for certain."""
    told = text([Notice("deleted_in_espo", (), str(row["advoware_id"] or ""))], context.settings.language)
    if context.entity.child is not None:
        told = errands.deleted(context.entity, context.parent_number, row["title"], context.settings.language)
    body = {"text": told, "assignee": row["assignee"], "orphan": True}
    messages = (Message(context.id12(), "task", "deleted", body),) if row["advoware_id"] else ()
    over = dict.fromkeys(("next_check_at", "next_try_at", "owed"))
    pair = {"state": PairState.TOMBSTONE, "changed_at": context.clock.now(), **over}
    return Ending(pair=pair, messages=messages, event="deleted_in_espo", open_fields=())


def retired(context: Context, memory: Memory, retire: Retire) -> Message | None:
    """The Task about a row that is no record's counterpart any more."""
    if retire.advoware_id is None:
        return None
    told = errands.retired(context.entity, context.parent_number, retire.row, context.settings.language)
    return Message(context.id12(), "task", children.topic(retire.advoware_id), {"text": told})


def parted(memory: Memory, retire: Retire) -> Memory:
    """What is remembered of a record that has parted from its row."""
    left_behind = memory.retired if retire.advoware_id is None else memory.retired | {retire.advoware_id}
    return replace(
        memory, state=PairState.NEW, advoware_id=None, trust=Trust.UNCONFIRMED, link_shown=False, base={},
        espo_version=Version(), advoware_version=Version(), retired=left_behind, misses=0,
    )  # fmt: skip


def staged(context: Context, row: Mapping[str, Any], shot: Snapshot, actions: Sequence[Action], plan: Plan) -> Ending:
    """Dry run: what would be done is kept as the record's staged plan, and nothing else.

    Both sides count as looked at, so that only a change makes the record be planned again.
    """
    now, names = context.clock.now(), ",".join(type(action).__name__ for action in actions)
    pair = {"checked_at": now, **next_look(context, row, *_versions(shot.espo, shot.advoware), changed=False)}
    if isinstance(shot.espo, Present):
        fingerprint = digest(context.entity, Side.ESPO, shot.espo)
        pair |= {"seen_token": shot.espo.version.token, "espo_read_at": now, "espo_digest": fingerprint}
        pair |= named(context.entity, shot.espo.body)
    if isinstance(shot.advoware, Present):
        pair["advoware_digest"] = digest(context.entity, Side.ADVOWARE, shot.advoware)
    return Ending(event=f"staged:{names}"[:60], pair=pair, staged=plan)


def _versions(*seen: object) -> list[Version]:
    """Those of the sides that were seen."""
    return [one.version for one in seen if isinstance(one, Present)]


def _shows_link(context: Context, memory: Memory, espo: Present) -> bool:
    return memory.advoware_id is not None and espo.body.get(context.entity.link) == memory.advoware_id


# --- parts ------------------------------------------------------------------------------------


def _agreed(
    entity: Entity, actions: Sequence[Action], espo: Present, advoware: object
) -> dict[str, tuple[Any, Any, str]]:
    if not isinstance(advoware, Present):
        return {}
    return {
        name: (
            entity.field(name).raw(Side.ESPO, espo.body),
            entity.field(name).raw(Side.ADVOWARE, advoware.body),
            entity.field(name).rule,
        )
        for action in actions
        if isinstance(action, Agree)
        for name in action.fields
    }


def _errands(context: Context, actions: Sequence[Action], advoware: object) -> dict[str, dict[str, Any]]:
    """What a person must type in Advoware, line by line."""
    if not isinstance(advoware, Present) or context.entity.child is None:
        return {}
    asks = [action for action in actions if isinstance(action, Ask)]
    return errands.steps(context.entity, context.parent_number, advoware.body, asks, context.settings.language)


def _single(context: Context, memory: Memory, espo: Present) -> Single | None:
    """Whether the record has just become the one of its parent, as its default address."""
    child = context.entity.child
    if child is None or child.single is None or context.whose is None:
        return None
    field = context.entity.field(child.single)
    base = (memory.base_at_start or {}).get(field.name)
    value = context.entity.canonical(Side.ESPO, espo.body)[field.name]
    if value is None or (base is not None and field.codec.parse(Side.ESPO, base.espo) == value):
        return None
    return Single(field.name, value, context.whose.key, context.id12())


def _waiting(context: Context, actions: Sequence[Action], espo: Present, advoware: object) -> list[Waiting]:
    theirs = advoware.version if isinstance(advoware, Present) else Version()
    who = {
        "espo_by": espo.version.changed_by,
        "espo_at": espo.version.changed_at,
        "advoware_by": theirs.changed_by,
        "advoware_at": theirs.changed_at,
        "opened_at": context.clock.now(),
    }
    found = []
    for action in actions:
        match action:
            case Dispute():
                values = {"espo": action.espo, "advoware": action.advoware, "base": action.base}
                found.append(Waiting(context.id12(), action.field, action.why, {**values, **who}))
            case Ask():
                values = {"espo": action.value, "advoware": action.present, "base": None}
                found.append(Waiting(context.id12(), action.field, "by_hand", {**values, **who}))
            case Quarantine():
                values = {"espo": None, "advoware": None, "base": None, str(_key(action.side.other)): action.value}
                found.append(Waiting(context.id12(), action.field, f"refused_{_key(action.side)}", {**values, **who}))
            case _:
                continue
    return found


def _key(side: Side) -> str:
    return "espo" if side is Side.ESPO else "advoware"


def _held(context: Context, hold: Hold | None) -> list[Waiting]:
    if hold is None or hold.reason is HoldReason.CREATE_IN_DOUBT:
        return []
    values = {"candidates": list(hold.candidates), "opened_at": context.clock.now()}
    return [Waiting(context.id12(), "", hold.reason, values)]


def base_of_intent(entity: Entity, memory: Memory, intent_id: str | None) -> dict[str, tuple[Any, Any, str]]:
    """What an adopted create sent is what both sides agreed on."""
    for intent in memory.intents:
        if intent.id == intent_id:
            return {
                write.field: (
                    entity.field(write.field).codec.render(Side.ESPO, write.after),
                    entity.field(write.field).codec.render(Side.ADVOWARE, write.after),
                    entity.field(write.field).rule,
                )
                for write in intent.writes
            }
    return {}


def linked(memory: Memory, link: Link, base: Mapping[str, tuple[Any, Any, str]]) -> Memory:
    """What is remembered once two records are linked."""
    kept = {} if link.restart else dict(memory.base)
    return replace(
        memory,
        state=PairState.LINKED,
        advoware_id=link.advoware_id,
        trust=link.trust,
        base={**kept, **{name: Base(*values) for name, values in base.items()}},
        intents=tuple(item for item in memory.intents if item.id != link.intent_id),
        espo_version=Version() if link.restart else memory.espo_version,
        advoware_version=Version() if link.restart else memory.advoware_version,
        latest={},
        link_shown=False,
        rivals=(),
        misses=0,
    )

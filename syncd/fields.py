"""Planning the fields of two records known to belong together. Pure.

Reads each field's verdict from `merge` and turns all of them into one update per side, the values
to keep, the questions to people, and the status at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from mappers.spec import Can, Canonical, Direction, Entity, Field, Parsed, Policy, Side, Unmappable
from syncd.entries import TWIN_STAYS, EntryPlan, plan_entries
from syncd.merge import ByHand, Equal, Nothing, Stage, Unsettled, Values, Verdict, Write, is_by_hand, merge
from syncd.model import (
    BY_HAND,
    NEW_FIELD,
    RECORD,
    Action,
    Agree,
    Ask,
    Base,
    Bear,
    Brood,
    Decision,
    Dispute,
    EntryWrite,
    FieldWrite,
    IntentState,
    Keep,
    Memory,
    Notice,
    PlanPolicy,
    Present,
    Quarantine,
    Retire,
    Settle,
    Status,
    Unborn,
    Update,
    Version,
    Wait,
    WriteEntry,
)


@dataclass(slots=True)
class _Draft:
    """What has been decided so far, before it is put in order."""

    writes: dict[Side, list[FieldWrite]] = field(default_factory=lambda: {Side.ADVOWARE: [], Side.ESPO: []})
    agreed: list[str] = field(default_factory=list)
    kept: list[Keep] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    refused: list[Quarantine] = field(default_factory=list)
    entries: list[WriteEntry] = field(default_factory=list)
    entries_espo: list[EntryWrite] = field(default_factory=list)
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    partial: bool = False
    agreed_entries: dict[str, Base | None] = field(default_factory=dict)
    waits: list[str] = field(default_factory=list)
    replaced: bool = False  # only another record in Advoware can take a value

    def take(self, name: str, planned: EntryPlan) -> None:
        """Add what shall be done about a list."""
        self.kept += planned.kept
        self.disputes += planned.disputes
        self.asks += planned.asks
        self.refused += planned.refused
        self.entries += [WriteEntry(name, write) for write in planned.advoware]
        self.entries_espo += planned.espo
        self.lists |= planned.lists
        self.partial |= planned.partial
        self.agreed_entries |= planned.agreed
        self.waits += planned.waits


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both sides of the pair being planned, and what is known of their past."""

    entity: Entity
    memory: Memory
    espo: Present
    advoware: Present
    policy: PlanPolicy
    newer: Side | None
    recovered: tuple[bool, bool] | None  # ledger lost: whether (EspoCRM, Advoware) changed since the last sync


def plan_fields(
    entity: Entity, memory: Memory, espo: Present, advoware: Present, policy: PlanPolicy
) -> tuple[Action, ...]:
    """Decide every field of a confirmed, living pair."""
    recovered = None if memory.met else _recovered(entity, memory, espo, advoware, policy)
    pair = _Pair(
        entity,
        memory,
        espo,
        advoware,
        policy,
        _newer(memory, espo, advoware, policy),
        recovered,
    )
    draft = _Draft()
    here, there = espo.values(entity, Side.ESPO), advoware.values(entity, Side.ADVOWARE)
    for mapped, one, other in zip(entity.fields, here, there, strict=True):
        if mapped.direction is not Direction.OFF:
            _decide(pair, mapped, one, other, draft)
    if draft.replaced:
        return (Retire(memory.advoware_id, advoware.body),)
    for entries in entity.lists:
        # Shown while nothing was open, it proves that all entries of Advoware had been agreed on; asked only if
        # nothing is remembered.
        asked = not memory.met and not espo.body.get(entity.status.error)
        shown = espo.body.get(entries.shown_in) if asked else None
        unchanged_there = bool(shown) and shown == entries.fingerprint(advoware.body)
        planned = plan_entries(entries, memory, espo, advoware, unchanged_there=unchanged_there, newer=pair.newer)
        draft.take(entries.name, planned)
    return _ordered(entity, memory, draft)


def _decide(pair: _Pair, mapped: Field, espo: Parsed, advoware: Parsed, draft: _Draft) -> None:
    """Decide one field, of which the sides show these values."""
    if isinstance(espo, Unmappable):
        draft.refused.append(Quarantine(Side.ADVOWARE, mapped.name, None, str(espo)))
        return
    if isinstance(advoware, Unmappable):
        draft.refused.append(Quarantine(Side.ESPO, mapped.name, None, str(advoware)))
        return
    decision = pair.memory.decisions.get(mapped.name)
    if decision is not None and decision.here:
        if _gives_up(pair, mapped, espo, decision, draft):
            return
    elif decision is not None:
        fresh = espo in (decision.saw_espo, decision.value) and advoware in (
            decision.saw_advoware,
            decision.value,
        )
        if fresh and (espo != decision.value or advoware != decision.value):
            for side, value in ((Side.ADVOWARE, advoware), (Side.ESPO, espo)):
                if value != decision.value:
                    _carry_out(pair, mapped, side, decision.value, value, draft)
            return
    if espo != advoware:
        _settle(pair, mapped, espo, advoware, draft)
    elif _moved(pair, mapped):  # equal, whoever changed it: only the base may have to follow
        draft.agreed.append(mapped.name)


def _settle(pair: _Pair, mapped: Field, espo: Canonical, advoware: Canonical, draft: _Draft) -> None:
    """Decide what becomes of two values that differ."""
    stage, values = _past(pair, mapped, espo, advoware)
    if stage is not Stage.KNOWN and _still_waits(pair, mapped, values, draft):
        return
    if _own_late_write(pair, mapped, values):
        _write(pair, mapped, Side.ADVOWARE, espo, draft)
        return
    if _own_unheard_write(pair, mapped, values):
        _write(pair, mapped, Side.ESPO, advoware, draft)
        return
    base = values.base_espo if stage is Stage.KNOWN else None
    right = pair.memory.believe
    verdict = merge(mapped, values, stage, pair.newer) if right is None else _believed(mapped, values, right)
    match verdict:
        case Nothing() | Equal():
            if pair.recovered is not None and mapped.name not in pair.memory.base:
                draft.agreed.append(mapped.name)
        case Write(target, value, loses):
            if loses and not _is_quarantined(pair, mapped, target, value):
                why = "changed_on_both" if stage is Stage.KNOWN else "first_sync"
                draft.kept.append(Keep(mapped.name, target.other, espo, advoware, base, why))
            _write(pair, mapped, target, value, draft)
        case Unsettled():
            why = NEW_FIELD if stage is Stage.FILL else "manual"
            draft.disputes.append(Dispute(mapped.name, espo, advoware, base, why))
        case ByHand(value):
            draft.asks.append(Ask(mapped.name, value, advoware))
        case _:
            assert_never(verdict)


def _gives_up(pair: _Pair, mapped: Field, espo: Canonical, decision: Decision, draft: _Draft) -> bool:
    """Another record has what only one may have: this one gives it up in EspoCRM, and that is no edit of it."""
    base = pair.memory.base.get(mapped.name)
    if espo == decision.saw_espo:
        _write(pair, mapped, Side.ESPO, decision.value, draft)
        return True
    if base is None or mapped.codec.parse(Side.ESPO, base.espo) != decision.saw_espo:
        return False
    draft.agreed.append(mapped.name)
    return True


def _carry_out(pair: _Pair, mapped: Field, side: Side, chosen: Canonical, current: Canonical, draft: _Draft) -> None:
    """A person's choice for a field, as far as the side's interface can make it; `current` is what the side shows."""
    if side is Side.ADVOWARE and is_by_hand(mapped, chosen):
        draft.asks.append(Ask(mapped.name, chosen, current))
    else:
        _write(pair, mapped, side, chosen, draft)


def _write(pair: _Pair, mapped: Field, side: Side, value: Canonical, draft: _Draft) -> None:
    if _is_quarantined(pair, mapped, side, value):
        draft.refused.append(Quarantine(side, mapped.name, value, ""))
        return
    if side is Side.ADVOWARE and mapped.can is Can.REPLACE:
        draft.replaced = True
        return
    seen = pair.espo if side is Side.ESPO else pair.advoware
    draft.writes[side].append(FieldWrite(mapped.name, mapped.raw(side, seen.body), value))


def _believed(mapped: Field, values: Values, right: Side) -> Verdict:
    """After a restored backup a person said which side is right, blanks included; the other's values are kept."""
    policy = Policy.ESPOCRM if right is Side.ESPO else Policy.ADVOWARE
    both_changed = replace(values, base_espo=values.advoware, base_advoware=values.espo)
    return merge(replace(mapped, policy=policy), both_changed, Stage.KNOWN, None)


def _still_waits(pair: _Pair, mapped: Field, values: Values, draft: _Draft) -> bool:
    """Without a base nothing tells a second look from the first: what was refused or asked then still is."""
    for side in Side:
        if mapped.direction.allows(side) and _is_quarantined(pair, mapped, side, values.now(side.other)):
            _write(pair, mapped, side, values.now(side.other), draft)
            return True
    if pair.memory.waiting.get(mapped.name) == BY_HAND and mapped.can is Can.CREATE_ONLY:
        draft.asks.append(Ask(mapped.name, values.espo, values.advoware))
        return True
    return False


def _is_quarantined(pair: _Pair, mapped: Field, side: Side, value: Canonical) -> bool:
    key = (side, mapped.name)
    return key in pair.memory.quarantine and pair.memory.quarantine[key] == value


def _past(pair: _Pair, mapped: Field, espo: Canonical, advoware: Canonical) -> tuple[Stage, Values]:
    """Which stage a field is at, and its base values in today's canonical form."""
    base = pair.memory.base.get(mapped.name)
    if base is not None and base.rule == mapped.rule:
        try:
            base_espo = mapped.codec.parse(Side.ESPO, base.espo)
            base_advoware = mapped.codec.parse(Side.ADVOWARE, base.advoware)
        except Unmappable:
            return Stage.FIRST, Values(espo, advoware)
        return Stage.KNOWN, Values(espo, advoware, base_espo, base_advoware)
    if pair.memory.met and pair.memory.waiting.get(mapped.name, NEW_FIELD) == NEW_FIELD:
        return (Stage.FIRST if pair.memory.allow_new_fields else Stage.FILL), Values(espo, advoware)
    match pair.recovered:
        case (False, False):
            return Stage.KNOWN, Values(espo, advoware, espo, advoware)
        case (True, False):
            return Stage.KNOWN, Values(espo, advoware, advoware, advoware)
        case (False, True):
            return Stage.KNOWN, Values(espo, advoware, espo, espo)
        case _:
            return Stage.FIRST, Values(espo, advoware)


def _recovered(
    entity: Entity, memory: Memory, espo: Present, advoware: Present, policy: PlanPolicy
) -> tuple[bool, bool] | None:
    """Ledger lost: who changed since the last sync, judged by what the record itself still says of it.

    Once we have written to EspoCRM ourselves, the record says nothing any more of who wrote there before.
    """
    row_id = espo.body.get(entity.status.row_id)
    if not row_id or not espo.body.get(entity.status.last_sync):
        return None
    if espo.body.get(entity.status.status) == Status.CONFLICT:
        return None  # the token may be of a sync that left a question open
    clean = espo.body.get(entity.status.status) == Status.CLEAN and Side.ESPO not in memory.written_over
    ours = policy.our_espo_user is not None and espo.version.changed_by == policy.our_espo_user
    token = memory.written_over.get(Side.ADVOWARE, advoware.version).token
    return (not (clean and ours), row_id != token)


def _own_late_write(pair: _Pair, mapped: Field, values: Values) -> bool:
    """Advoware shows the value of a write of ours that we had given up: EspoCRM's is the later word, old or new."""
    if not values.changed(Side.ADVOWARE) or values.espo == values.advoware:
        return False
    if pair.policy.our_advoware_user is None or pair.advoware.version.changed_by != pair.policy.our_advoware_user:
        return False
    return any(
        intent.side is Side.ADVOWARE and write.field == mapped.name and write.after == values.advoware
        for intent in pair.memory.intents
        if intent.verb == "update" and intent.state is IntentState.IN_DOUBT
        for write in intent.writes
    )


def _own_unheard_write(pair: _Pair, mapped: Field, values: Values) -> bool:
    """EspoCRM shows what a PATCH of ours said whose answer never came, and Advoware was changed once more since.

    Whoever saved the record meanwhile, nobody typed that value there.
    """
    if not (values.changed(Side.ESPO) and values.changed(Side.ADVOWARE)) or values.espo == values.advoware:
        return False
    return any(
        mapped.codec.parse(Side.ESPO, write.before) == values.base_espo
        for intent in pair.memory.intents
        if intent.side is Side.ESPO and intent.verb == "update" and intent.state is IntentState.IN_DOUBT
        for write in intent.writes
        if write.field == mapped.name and write.after == values.espo
    )


def _moved(pair: _Pair, mapped: Field) -> bool:
    """Equal now, but not what the base holds: the base must follow."""
    base = pair.memory.base.get(mapped.name)
    if base is None or base.rule != mapped.rule:
        return True
    return bool(
        base.espo != pair.espo.body.get(mapped.espo) or base.advoware != pair.advoware.body.get(mapped.advoware)
    )


def _newer(memory: Memory, espo: Present, advoware: Present, policy: PlanPolicy) -> Side | None:
    one = _typed_at(espo, memory.written_over.get(Side.ESPO), policy.our_espo_user)
    other = _typed_at(advoware, memory.written_over.get(Side.ADVOWARE), policy.our_advoware_user)
    if one is None or other is None or abs(one - other) < policy.clock_slack + _clock_offset(espo, advoware):
        return None
    return Side.ESPO if one > other else Side.ADVOWARE


def _clock_offset(espo: Present, advoware: Present) -> float:
    """How far apart the two systems' clocks are, measured by the reads themselves; seconds."""
    if espo.served_at is None or advoware.served_at is None:
        return 0.0
    return abs((espo.served_at - espo.read_at) - (advoware.served_at - advoware.read_at))


def _typed_at(seen: Present, written_over: Version | None, ours: str | None) -> float | None:
    """When a person saved last, as far as that is known: our own saving is nobody's typing."""
    for version in (seen.version, written_over):
        if version is not None and (ours is None or version.changed_by != ours):
            return version.changed_at
    return None


def _ordered(entity: Entity, memory: Memory, draft: _Draft) -> tuple[Action, ...]:
    """Values are kept before anything is replaced; Advoware is written before EspoCRM reports on it."""
    there, here = tuple(draft.writes[Side.ADVOWARE]), tuple(draft.writes[Side.ESPO])
    updates: list[Update | WriteEntry] = []
    if there and RECORD not in memory.stuck:
        updates.append(Update(Side.ADVOWARE, there))
    updates += draft.entries
    if here or draft.lists:
        updates.append(Update(Side.ESPO, here, tuple(draft.entries_espo), draft.lists, draft.partial))
    draft.refused += _unborn_refused(memory)
    births = [Bear(one) for one in _to_bear(memory)]
    agreed = (Agree(tuple(draft.agreed), draft.agreed_entries),) if draft.agreed or draft.agreed_entries else ()
    waits = (Wait(tuple(draft.waits)),) if draft.waits else ()
    waiting: tuple[Dispute | Ask | Quarantine, ...] = (
        *draft.disputes,
        *draft.asks,
        *draft.refused,
    )
    notices = _notices(entity, draft) if waiting else ()
    if draft.waits:
        return (*draft.kept, *updates, *births, *agreed, *waits, *waiting)  # nothing can be said of the status yet
    status = Status.CONFLICT if waiting else Status.CLEAN
    settle = Settle(status, notices, tuple(item.field for item in waiting))
    return (*draft.kept, *updates, *births, *agreed, *waits, *waiting, settle)


def _notices(entity: Entity, draft: _Draft) -> tuple[Notice, ...]:
    """What people are told of that waits."""
    codes: dict[str, list[str]] = {
        "dispute": [item.field for item in draft.disputes if item.why != TWIN_STAYS],
        "twin_stays": [item.field for item in draft.disputes if item.why == TWIN_STAYS],
        "by_hand": [item.field for item in draft.asks if not _is_entry(entity, item.field)],
        "empty_by_hand": [item.field for item in draft.asks if _is_entry(entity, item.field)],
        "refused_advoware": [item.field for item in draft.refused if item.side is Side.ADVOWARE],
        "refused_espo": [item.field for item in draft.refused if item.side is Side.ESPO and item.reason != "full"],
        "list_full": [item.field for item in draft.refused if item.side is Side.ESPO and item.reason == "full"],
    }
    return tuple(
        Notice(code, tuple(entity.field(name).espo for name in names)) for code, names in codes.items() if names
    )


def _to_bear(memory: Memory) -> list[Unborn]:
    """Rows that come to EspoCRM now: what it refused is not tried again before it changes."""
    brood = memory.brood or Brood()
    return [one for one in brood.unborn if one.entity not in brood.unjudged and not _is_refused(memory, one)]


def _unborn_refused(memory: Memory) -> list[Quarantine]:
    brood = memory.brood or Brood()
    return [Quarantine(Side.ESPO, one.field, one.content, "") for one in brood.unborn if _is_refused(memory, one)]


def _is_refused(memory: Memory, one: Unborn) -> bool:
    return memory.quarantine.get((Side.ESPO, one.field)) == one.content


def _is_entry(entity: Entity, name: str) -> bool:
    return any(entries.owns(name) for entries in entity.lists)

"""Both systems and the ledger as plain dicts: carries out plans as the engine does, without any I/O.

Advoware ignores what it cannot change, either side may cut, refuse or overhear a field, and the
process may die between any two actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from mappers.spec import Can, Canonical, Entity, Raw, Side
from syncd.model import (
    Action,
    Agree,
    Ask,
    Base,
    Create,
    Dispute,
    FieldWrite,
    Hold,
    Keep,
    Link,
    Memory,
    PairState,
    PlanPolicy,
    Present,
    Quarantine,
    Search,
    Settle,
    Trust,
    Unlinked,
    Update,
    Version,
)
from syncd.plan import plan
from syncd.readback import Verdict, judge, written_over
from tests.core.situation import POLICY

MAX_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Habits:
    """How the systems treat values that are written: cut at n, silently not taken, answered with 400."""

    cut: Mapping[tuple[Side, str], int] = field(default_factory=dict)
    deaf: frozenset[str] = frozenset()
    refused: frozenset[tuple[Side, str]] = frozenset()


@dataclass
class Firm:
    """One record on both sides, what is remembered of it, and all that happened to it."""

    entity: Entity
    memory: Memory
    sides: dict[Side, dict[str, Raw]]
    versions: dict[Side, Version]
    habits: Habits = field(default_factory=Habits)
    policy: PlanPolicy = POLICY
    now: float = 1_800_000_000.0
    kept: list[Keep] = field(default_factory=list)
    written: list[tuple[Side, FieldWrite]] = field(default_factory=list)
    created: int = 0
    waiting: dict[str, Action] = field(default_factory=dict)
    last: tuple[Action, ...] = ()

    # --- what is seen -----------------------------------------------------------------------

    def seen(self, side: Side) -> Present:
        return Present(dict(self.sides[side]), self.versions[side])

    def value(self, side: Side, name: str) -> Canonical:
        return self.entity.field(name).parse(side, self.sides[side])

    def plan(self) -> tuple[Action, ...]:
        exists = self.memory.advoware_id is not None
        advoware = self.seen(Side.ADVOWARE) if exists else Unlinked((), Search.TRUSTED)
        return plan(self.entity, self.memory, self.seen(Side.ESPO), advoware, self.policy)

    # --- what is done -----------------------------------------------------------------------

    def run(self, random: Random, kills: Sequence[int] = ()) -> int:
        """Jobs until a plan changes nothing more; `kills` tells after how many actions the first jobs die.

        Returns the number of rounds; the actions of one plan are carried out in any order.
        """
        for count in range(1, MAX_ROUNDS + 1):
            actions = self.plan()
            assert actions == self.plan(), "the same situation always gives the same plan"
            body = [action for action in actions if not isinstance(action, Settle)]
            random.shuffle(body)
            if count <= len(kills):
                for action in body[: kills[count - 1]]:
                    self.carry_out(action, actions)
                self.forget_job()
                continue
            self.waiting = {}
            quarantine = self.memory.quarantine
            for action in body:
                self.carry_out(action, actions)
            again = any(isinstance(action, Link | Create) or _to_advoware(action) for action in body)
            if not again and self.memory.quarantine == quarantine:
                self.settle(*(end for end in actions if isinstance(end, Settle)))
            self.last = actions
            if not any(isinstance(action, Update | Create | Link | Agree | Keep) for action in body):
                return count
        raise AssertionError(f"still not at rest after {MAX_ROUNDS} rounds: {self.last}")

    def forget_job(self) -> None:
        """The process died: what only the job knew is gone."""
        self.memory = replace(self.memory, written_over={})

    def carry_out(self, action: Action, actions: Sequence[Action]) -> None:
        match action:
            case Update(side, writes):
                self._update(side, writes, actions)
            case Agree(names):
                self._agree(names)
            case Create(writes):
                self._create(writes)
            case Link(advoware_id, trust):
                base = {} if action.restart else self.memory.base
                self.memory = replace(
                    self.memory, state=PairState.LINKED, advoware_id=advoware_id, trust=trust, base=base
                )
            case Dispute() | Ask() | Quarantine():
                self.waiting[action.field] = action
            case Hold():
                self.waiting[""] = action
            case _:
                pass

    def settle(self, *ends: Settle) -> None:
        """What the end of a plan leaves; after a write to Advoware there is another plan first."""
        for settle in ends:
            self._settle(settle)

    def _settle(self, settle: Settle) -> None:
        quarantine = {key: value for key, value in self.memory.quarantine.items() if key[1] in settle.open_fields}
        self.memory = replace(
            self.memory,
            quarantine=quarantine,
            waiting={name: _why(action) for name, action in self.waiting.items()},
            espo_version=self.versions[Side.ESPO],
            advoware_version=self.versions[Side.ADVOWARE],
            believe=None,
        )
        self.forget_job()

    def type_in(self, side: Side, name: str, value: Canonical) -> None:
        """A person saves a value."""
        mapped = self.entity.field(name)
        self.sides[side][mapped.attribute(side)] = mapped.codec.render(side, value)
        self.now += 60
        self.versions[side] = Version(f"{self.now}", None, self.now, "somebody")

    def _agree(self, names: Sequence[str]) -> None:
        base = dict(self.memory.base)
        for name in names:
            mapped = self.entity.field(name)
            base[name] = Base(
                mapped.raw(Side.ESPO, self.sides[Side.ESPO]),
                mapped.raw(Side.ADVOWARE, self.sides[Side.ADVOWARE]),
                mapped.rule,
            )
        self.memory = replace(self.memory, base=base)

    def _update(self, side: Side, writes: Sequence[FieldWrite], actions: Sequence[Action]) -> None:
        for write in writes:
            if (side, write.field) in self.habits.refused:
                self._quarantine(side, write)
                return
        names = {write.field for write in writes}
        self.kept += [
            action
            for action in actions
            if isinstance(action, Keep) and action.winner is side.other and action.field in names
        ]
        before = self.seen(side)
        for write in writes:
            self.written.append((side, write))
            self._store(side, write, creating=False)
        self.now += 1
        ours = self.policy.our_espo_user if side is Side.ESPO else self.policy.our_advoware_user
        self.versions[side] = Version(f"{self.now}", None, self.now, ours)
        self._judge(side, tuple(writes), ours)
        self.memory = written_over(self.memory, side, before.version, ours)

    def _judge(self, side: Side, writes: tuple[FieldWrite, ...], ours: str | None) -> None:
        for judged in judge(self.entity, side, writes, self.seen(side), ours):
            match judged.verdict:
                case Verdict.CONFIRMED | Verdict.REWRITTEN:
                    self._agree((judged.write.field,))
                case Verdict.REFUSED:
                    self._quarantine(side, judged.write)
                case Verdict.EDITED:
                    raise AssertionError("nobody typed meanwhile")

    def _create(self, writes: tuple[FieldWrite, ...]) -> None:
        self.created += 1
        self.sides[Side.ADVOWARE] = {self.entity.advoware_id: 1}
        for write in writes:
            self._store(Side.ADVOWARE, write, creating=True)
        self.now += 1
        self.versions[Side.ADVOWARE] = Version(f"{self.now}", None, self.now, self.policy.our_advoware_user)
        self.memory = replace(self.memory, state=PairState.LINKED, advoware_id=1, trust=Trust.OWN)
        self._judge(Side.ADVOWARE, writes, self.policy.our_advoware_user)

    def _store(self, side: Side, write: FieldWrite, *, creating: bool) -> None:
        mapped = self.entity.field(write.field)
        if side is Side.ADVOWARE and (
            write.field in self.habits.deaf or (mapped.can is Can.CREATE_ONLY and not creating)
        ):
            return
        value = mapped.codec.render(side, write.after)
        end = self.habits.cut.get((side, write.field))
        self.sides[side][mapped.attribute(side)] = value[:end] if isinstance(value, str) else value

    def _quarantine(self, side: Side, write: FieldWrite) -> None:
        self.memory = replace(self.memory, quarantine={**self.memory.quarantine, (side, write.field): write.after})


def _why(action: Action) -> str:
    match action:
        case Dispute():
            return action.why
        case Ask():
            return "by_hand"
        case _:
            return "refused"


def _to_advoware(action: Action) -> bool:
    return isinstance(action, Update) and action.side is Side.ADVOWARE

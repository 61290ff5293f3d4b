"""A plan in the words of a clerk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Canonical, Side
from syncd.messages import sentence
from syncd.model import (
    Action,
    Agree,
    Ask,
    Bury,
    Create,
    Dispute,
    FieldWrite,
    Hold,
    Ignore,
    Keep,
    Link,
    Missed,
    Notice,
    Quarantine,
    Settle,
    Trust,
    Update,
    Vanished,
)

SYSTEM = {Side.ESPO: "EspoCRM", Side.ADVOWARE: "Advoware"}
TRUST = {
    Trust.OWN: "selbst angelegt",
    Trust.CONFIRMED: "bestätigt",
    Trust.UNCONFIRMED: "unbestätigt",
}


def told(actions: Sequence[Action]) -> list[str]:
    """One line for each thing that is done; an empty plan is `nichts zu tun`. Nothing is said twice."""
    lines: list[str] = []
    for line in (line for action in actions for line in _lines(action)):
        if not any(said.endswith(line.strip()) for said in lines):
            lines.append(line)
    return lines or ["nichts zu tun"]


def _lines(action: Action) -> list[str]:
    match action:
        case Ignore():
            return ["gehört nicht dazu, wird nicht angerührt"]
        case Vanished():
            return ["in EspoCRM nicht gefunden, eine vollständige Liste muss es bestätigen"]
        case Bury():
            return ["in EspoCRM gelöscht, in Advoware bleibt alles"]
        case Missed():
            return ["in Advoware nicht gefunden, wird später noch einmal nachgesehen"]
        case Hold(_, notice):
            return [f"angehalten: {_said(notice)}"]
        case Link(advoware_id, trust):
            return [f"verknüpfen mit {advoware_id} ({TRUST[trust]})"]
        case Create(writes):
            return ["in Advoware anlegen", *(f"  {_set(Side.ADVOWARE, write)}" for write in writes)]
        case Update(side, writes):
            return [f"in {SYSTEM[side]} ändern: {_set(side, write)}" for write in writes]
        case Agree(names):
            return [f"gilt als gleich: {', '.join(names)}"]
        case Keep():
            lost = action.advoware if action.winner is Side.ESPO else action.espo
            return [f"aufbewahren: {action.field} {_shown(lost)} aus {SYSTEM[action.winner.other]}"]
        case Dispute():
            values = f"{_shown(action.espo)} in EspoCRM, {_shown(action.advoware)} in Advoware"
            return [f"ein Mensch entscheidet: {action.field} {values}"]
        case Ask():
            return [f"von Hand in Advoware: {action.field} {_shown(action.value)} statt {_shown(action.present)}"]
        case Quarantine(side, name, None, reason) if reason:
            return [f"in {SYSTEM[side.other]} nicht zu lesen: {name}"]
        case Quarantine(side, name):
            return [f"{SYSTEM[side]} nimmt nicht an: {name} {_shown(action.value)}"]
        case Settle(status, notices):
            return [f"Status {status}", *(f"  {_said(notice)}" for notice in notices)]
        case _:
            assert_never(action)


def _set(side: Side, write: FieldWrite) -> str:
    mapped = BETEILIGTE.field(write.field)
    return f"{mapped.attribute(side)} = {_shown(mapped.codec.render(side, write.after))}"


def _shown(value: Canonical) -> str:
    return f"„{value}“" if value else "leer"


def _said(notice: Notice) -> str:
    return sentence(notice, "de")

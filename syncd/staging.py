"""What a dry run would have done until now: every record's last staged plan, and the totals. Reads the ledger only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncd.ledger import staged
from syncd.ledger.store import Ledger

PAGE = 500


@dataclass(frozen=True)
class Staged:
    """Plans by key, as stored; those that would write nothing are counted only."""

    plans: Sequence[Mapping[str, Any]]
    same: int

    @property
    def creates(self) -> int:
        """Beteiligte that would be created."""
        return sum(plan["creates"] for plan in self.plans)

    @property
    def asks(self) -> int:
        """Records that would wait for a person."""
        return sum(plan["asks"] for plan in self.plans)

    @property
    def fields(self) -> list[tuple[str, int, int]]:
        """Field or list, in how many places it would be set in EspoCRM and in Advoware."""
        espo, advoware = (Counter(name for plan in self.plans for name in plan[side]) for side in SIDES)
        return [(name, espo[name], advoware[name]) for name in sorted(espo.keys() | advoware.keys())]

    def told(self) -> dict[str, Any]:
        """As JSON."""
        fields = {name: {"to_espocrm": espo, "to_advoware": advoware} for name, espo, advoware in self.fields}
        counts = {"records": len(self.plans), "same": self.same, "creates": self.creates, "asks": self.asks}
        return counts | {"fields": fields, "plans": list(self.plans)}


SIDES = ("to_espo", "to_advoware")


async def everything(ledger: Ledger) -> Staged:
    """All that is staged now."""
    plans: list[Mapping[str, Any]] = []
    same = 0
    page = await ledger.read(staged.listing, "", PAGE)
    while page:
        telling = [plan for plan in page if plan["asks"] or plan["creates"] or any(plan[side] for side in SIDES)]
        plans += telling
        same += len(page) - len(telling)
        page = await ledger.read(staged.listing, page[-1]["key"], PAGE)
    return Staged(plans, same)

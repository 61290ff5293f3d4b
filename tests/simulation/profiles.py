"""The kinds of simulated worlds: how often what happens in each.

Knows the names of the drawing functions only (`draw.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Profile:
    """How many events there are, and how often each kind: name of a drawing function -> weight."""

    weights: Mapping[str, float]
    events: tuple[int, int] = (4, 14)
    persons: tuple[int, int] = (1, 3)
    seconds: float = 40.0
    daemons: tuple[int, int] = (1, 3)
    latencies: tuple[float, ...] = (0.02, 0.2, 0.2, 0.6)
    skewed: float = 0.15
    settings: Mapping[str, str] = field(default_factory=dict)
    switched: bool = False


SWITCHES: Mapping[str, tuple[Any, ...]] = {
    "put_keeps_missing": (False, True),
    "reads_as_list": (False, True),
    "writes_answer": ("object", "list", "empty"),
    "search": ("on", "on", "ignored", "off"),
    "empty_tlf": ("", None),
    "bemerkung_max": (None, None, 60),
    "kommkz_reads_back": (False, True),
}
"""what nobody knows of the real Advoware, both ways"""

OFFICE = {"hold": 1.0, "retry": 1.5, "exclude": 1.0, "undo": 2.5, "answer": 1.5}
PEOPLE = {"type": 8.0, "number": 6.0, "create": 1.0, "choose": 1.0, "ambush": 3.0}
PROFILES: dict[str, Profile] = {
    "calm": Profile(PEOPLE),
    "network": Profile({**PEOPLE, "fault": 8.0, "down": 1.0}),
    "deaths": Profile({**PEOPLE, "kill": 6.0, "pause": 3.0, "fault": 2.0}),
    "stores": Profile({**PEOPLE, "flush": 3.0, "redis": 2.0, "ledger": 3.0, "lose_ledger": 1.0, "kill": 2.0}),
    "office": Profile({**PEOPLE, **OFFICE, "webhooks": 1.0, "fault": 1.0}, events=(6, 18)),
    "switches": Profile({**PEOPLE, "fault": 3.0, "kill": 1.0}, switched=True),
    "illness": Profile({**PEOPLE, "poison": 1.0, "refuse": 1.5, "cut": 1.0, "retry": 0.5}, events=(6, 18)),
    "strangers": Profile(
        {**PEOPLE, "twin": 2.0, "mistype": 1.5, "copy": 1.0, "unlink": 1.0, "fault": 1.0}, persons=(2, 3)
    ),
    "backups": Profile(
        {"type": 8.0, "backup": 2.0, "go_back": 1.0, "kill": 0.5}, events=(8, 20), seconds=60.0
    ),
    "frugal": Profile(
        {**PEOPLE, "fault": 2.0, "kill": 1.0},
        settings={"SYNCD_ADVOWARE_CALLS_PER_MINUTE": "40", "SYNCD_ESPOCRM_CALLS_PER_MINUTE": "120"},
    ),
    "children": Profile(
        {"child": 12.0, "child_ambush": 3.0, "type": 2.0, "number": 1.0, "fault": 4.0, "kill": 1.5, "pause": 0.5,
         "flush": 0.3},
        events=(5, 14),
        settings={"SYNCD_TASK_USER": "anna", "SYNCD_FULL_PASS_HOURS": "0.01"},
    ),
    "everything": Profile(
        {
            **PEOPLE, **{kind: weight / 4 for kind, weight in OFFICE.items()}, "webhooks": 0.3, "fault": 4.0,
            "down": 0.5, "kill": 3.0, "pause": 1.5, "flush": 1.0, "redis": 0.7, "ledger": 1.0, "lose_ledger": 0.2,
            "delete": 0.5, "vanish": 0.3,
        },
        events=(6, 24),
    ),
}  # fmt: skip

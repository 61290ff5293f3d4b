"""The two systems as a doctor sees them: clients, what is mapped, and whatever the ledger knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import config
from mappers.spec import Entity
from services.advoware import AdvowareClient
from services.espocrm import EspoClient
from syncd.findings import Assumption, Check, Finding, ok, warn
from syncd.ledger.store import Ledger
from syncd.machine import MOST_OFFSET

PROBED = "probe"  # the ledger's name of what `syncd doctor --probe-betnr` has measured; no value of a record


@dataclass(frozen=True)
class Peers:
    """Both systems, the ledger where there is one, and the time in epoch seconds."""

    settings: config.Settings
    mapping: config.Mapping
    entities: Mapping[str, Entity]
    espo: EspoClient
    advoware: AdvowareClient
    ledger: Ledger | None
    now: Callable[[], float]


@dataclass
class Examined:
    """All findings, what is assumed of Advoware, and the exit code they make."""

    findings: list[Finding] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)

    @property
    def code(self) -> int:
        """2 for settings, 3 for what cannot be reached, 1 for anything else that must be done, else 0."""
        codes = {one.code for one in self.findings if one.grade == "fail"}
        return min(codes & {2, 3}, default=1) if codes else 0


def clock(check: Check, ahead: float) -> Finding:
    """Whether this machine's clock is near another one; `ahead` in seconds."""
    if abs(ahead) > MOST_OFFSET:
        where = "ahead" if ahead > 0 else "behind"
        return warn(check, f"this machine is {abs(ahead):.1f} s {where}", "switch on NTP on both machines")
    return ok(check, f"{ahead:+.1f} s")

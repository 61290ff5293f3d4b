"""What happens in one simulated world: who types what and which accident befalls whom, as plain data.

A script is drawn from a seed (`draw.py`), played (`play.py`), and cut down event by event when it ends badly
(`shrink.py`). Values stand in it as they are typed, so a kept script means the same for ever, whatever seeds draw then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

AUTUMN_NIGHT = 1_792_886_400.0  # 25 October 2026, 02:00 in Berlin: one hour before clocks go back
SPRING_NIGHT = 1_806_188_400.0  # 28 March 2027, 00:00 in Berlin: two hours before clocks go forward
A_DAY = 1_795_167_600.0  # an ordinary morning in November 2026


@dataclass(frozen=True)
class Event:
    """At `at` virtual seconds somebody or something does `do`, a method of `Stage`, with `args`."""

    at: float
    do: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """One world and all that happens in it.

    `persons` both systems know from the beginning. `daemons`: by how many seconds the clock of each daemon's machine is
    wrong. `latency`: longest way of a request or answer, in seconds. `skew`: by how many seconds each system's clock is
    wrong. `switches`: what this Advoware does in its own way. `start`: epoch seconds. People type and things break for
    `seconds`; then all is repaired.
    """

    seed: int
    profile: str
    persons: int
    seconds: float
    daemons: tuple[float, ...] = (0.0, 0.0)
    latency: float = 0.2
    skew: Mapping[str, float] = field(default_factory=dict)
    start: float = A_DAY
    settings: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)
    optimistic: bool = True
    events: tuple[Event, ...] = ()

    def only(self, kept: tuple[Event, ...]) -> Script:
        """The same world with fewer events."""
        return replace(self, events=kept)

    def dumped(self) -> str:
        """As a JSON text that `loaded` understands."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def loaded(text: str) -> Script:
    """A script from its JSON text."""
    data = json.loads(text)
    events = tuple(Event(**one) for one in data.pop("events"))
    return Script(**{**data, "daemons": tuple(data["daemons"]), "events": events})


def kept(path: Path) -> Script:
    """A script from a file."""
    return loaded(path.read_text(encoding="utf-8"))

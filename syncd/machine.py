"""What can be wrong with the machine and its clocks, and from when on it is."""

from __future__ import annotations

import shutil
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LEAST_DISK = 500 * 1024 * 1024  # bytes
MOST_OFFSET = 2.0  # seconds two clocks may differ before somebody should look
SAMPLES = 20


def host() -> str:
    """This machine's name, for people."""
    return socket.gethostname()[:40]


def free_bytes(place: Path) -> int:
    """What is free where the state directory is; raises OSError."""
    return shutil.disk_usage(place).free


class Clocks:
    """How far our clock is ahead of each system's, by what their answers say."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}

    def answered(self, side: str, ahead: float) -> None:
        """An answer arrived that was dated so many seconds before our time."""
        self._samples.setdefault(side, deque(maxlen=SAMPLES)).append(ahead)

    def offsets(self) -> dict[str, float]:
        """Seconds we are ahead, by side.

        The least is the truest: that answer was on its way shortest, and dated when its second had just begun.
        """
        return {side: min(samples) for side, samples in self._samples.items()}


@dataclass(frozen=True)
class Machine:
    """This machine as alarms and gauges see it. `ahead` of Redis in seconds, None = not measured yet."""

    state_dir: Path
    clocks: Clocks
    ahead: Callable[[], float | None]
    host: str = field(default_factory=host)
    measure: Callable[[Path], int] = free_bytes

    def free(self) -> int | None:
        """Bytes free for the state; None where that cannot be told."""
        try:
            return self.measure(self.state_dir)
        except OSError:
            return None

"""Who holds a right to work on a record, in words: which machine and process, and whether it is still there.

Knows owners' names as `runtime.owner` makes them. Another machine's process is known only by its renewals.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holder:
    """A process as its owner name tells; `process` None where the name is another's."""

    host: str
    process: int | None

    @property
    def alive(self) -> bool | None:
        """Whether the process runs; None where only its own machine can tell."""
        if self.process is None or self.host != socket.gethostname()[:40]:
            return None
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def holder(owner: str) -> Holder:
    """The holder of this name."""
    host, _, rest = owner.partition(":")
    number = rest.partition(":")[0]
    return Holder(host, int(number) if number.isdecimal() else None)


def judged(owner: str, ends_at: float, now: float) -> str:
    """Whether somebody still works under this name, in a few words."""
    alive = holder(owner).alive
    if alive is False:
        return "the process is gone"
    if ends_at < now:
        return "stuck: it runs, but has not renewed it" if alive else "run out: not renewed any more"
    return "works" if alive else "renewed lately"

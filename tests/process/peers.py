"""Which process is at the other end of a connection: asked of the kernel, so that no daemon has to be told apart by
what it sends."""

from __future__ import annotations

import os
from pathlib import Path

from syncd.sandbox.asgi import Scope

SOCKETS = Path("/proc/net/tcp")
TRIES = 3  # the kernel's list may lack a line while others come and go
LOOPBACK = "0100007F"  # as the kernel writes it


class Peers:
    """Names of known processes by the connection they come over. A process that has gone meanwhile is nobody.

    Both ends count: one port of a client may lead to both stand-ins at a time, and belong to two processes.
    """

    def __init__(self) -> None:
        self.processes: dict[int, str] = {}
        self._known: dict[tuple[int, int], str | None] = {}

    def know(self, pid: int, name: str) -> None:
        """From now on this process has this name."""
        self.processes[pid] = name

    def met(self, port: int, ours: int) -> None:
        """A new connection; its ports may have been somebody else's before."""
        self._known[port, ours] = self._owner(port, ours)

    def of(self, scope: Scope) -> str | None:
        """Who sent a request."""
        ends: tuple[int, int] = scope["client"][1], scope["server"][1]
        if self._known.get(ends) is None:
            self._known[ends] = self._owner(*ends)
        return self._known[ends]

    def _owner(self, port: int, ours: int) -> str | None:
        for _ in range(TRIES):
            socket = f"socket:[{_inode(port, ours)}]"
            for pid, name in self.processes.items():
                if _holds(pid, socket):
                    return name
        return None


def _inode(port: int, ours: int) -> str | None:
    """Of the client's end of a connection on the loopback."""
    wanted = [f"{LOOPBACK}:{port:04X}", f"{LOOPBACK}:{ours:04X}"]
    for line in SOCKETS.read_text().splitlines():
        columns = line.split()
        if columns[1:3] == wanted:
            return columns[9]
    return None


def _holds(pid: int, socket: str) -> bool:
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for number in numbers:
        try:
            if os.readlink(f"/proc/{pid}/fd/{number}") == socket:
                return True
        except OSError:
            continue
    return False

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
    """Names of known processes by the port they come from. A process that has gone meanwhile is nobody."""

    def __init__(self) -> None:
        self.processes: dict[int, str] = {}
        self._ports: dict[int, str | None] = {}

    def know(self, pid: int, name: str) -> None:
        """From now on this process has this name."""
        self.processes[pid] = name

    def met(self, address: tuple[str, int]) -> None:
        """A new connection; its port may have been somebody else's before."""
        self._ports[address[1]] = self._owner(address[1])

    def of(self, scope: Scope) -> str | None:
        """Who sent a request."""
        port: int = scope["client"][1]
        if self._ports.get(port) is None:
            self._ports[port] = self._owner(port)
        return self._ports[port]

    def _owner(self, port: int) -> str | None:
        for _ in range(TRIES):
            socket = f"socket:[{_inode(port)}]"
            for pid, name in self.processes.items():
                if _holds(pid, socket):
                    return name
        return None


def _inode(port: int) -> str | None:
    """Of the socket on our side of the loopback that is bound to this port."""
    wanted = f"{LOOPBACK}:{port:04X}"
    for line in SOCKETS.read_text().splitlines():
        columns = line.split()
        if columns[1] == wanted:
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

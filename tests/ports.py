"""Ports for servers that must be told theirs."""

from __future__ import annotations

import socket
from contextlib import closing
from random import SystemRandom

LOWEST, HIGHEST = 10_000, 30_000
_chance = SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens, and none that the system would meanwhile give to another server."""
    while True:
        port = _chance.randrange(LOWEST, HIGHEST)
        with closing(socket.socket()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port

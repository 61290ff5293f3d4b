"""Tells systemd how the daemon is (sd_notify(3)). Knows no state of the daemon but the words it is given."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Notifier:
    """Sends to the socket systemd named; "" = nobody listens, nothing is sent."""

    address: str

    def __call__(self, *words: str) -> None:
        """Send `NAME=value` words. A service manager that does not listen is no reason to stop."""
        if not self.address:
            return
        # An address in the abstract namespace is written with @ and begins with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            try:
                out.connect(address)
                out.sendall("\n".join(words).encode())
            except OSError:
                return

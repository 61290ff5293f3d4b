"""Tells systemd how the daemon is (sd_notify(3)). Knows no state of the daemon but the words it is given."""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Notifier:
    """Sends to the socket systemd named; "" = nobody listens, nothing is sent."""

    address: str

    def __call__(self, *words: str, patience: float = 1.0) -> None:
        """Send `NAME=value` words. A service manager that does not listen is no reason to stop.

        One that does not read for a while, and has its queue full (ten messages of all services, where nobody has set
        `net.unix.max_dgram_qlen`), is waited for so many seconds.
        """
        if not self.address:
            return
        # An address in the abstract namespace is written with @ and begins with a zero byte.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(patience)
            try:
                out.connect(address)
                out.sendall("\n".join(words).encode())
            except OSError:
                return

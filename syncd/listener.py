"""The listening socket of the daemon. Loads nothing heavy: an address in use is told at once."""

from __future__ import annotations

import socket

BACKLOG = 512


class CannotListen(Exception):
    """The address cannot be listened on; the text says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio recognises TCP; accepted connections inherit NODELAY, without which the head
    # and the body of an answer, two packets, cost 40 ms of delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        what = (error.strerror or "not possible").lower()
        instead = "stop what uses it, or set SYNCD_HTTP_HOST and SYNCD_HTTP_PORT"
        raise CannotListen(f"cannot listen on {host} port {port} ({what}): {instead}") from None
    bound.setblocking(False)
    return bound

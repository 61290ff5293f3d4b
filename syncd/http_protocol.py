"""What uvicorn leaves open: how long a request's head may be, and how long anybody may take to send a request.

Works below HTTP, so it holds for strangers, for every route and for what is no HTTP at all. Knows no route.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024  # bytes of request line and headers together
SEND_SECONDS = 40.0  # for a whole request, its body included: longer than the slowest route gives its own
_TOLD = b'{"error":"the head is too long"}'
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TOLD), _TOLD)
)


class Patient(HttpToolsProtocol):
    """A connection whose other end sends each request in bounded time, with a bounded head, or is hung up on."""

    send_seconds = SEND_SECONDS
    max_head = MAX_HEAD
    _since: float | None = None  # when we began to wait for what is being sent
    _looking: asyncio.TimerHandle | None = None
    _head: int | None = 0  # bytes of the head so far; None while a body is read
    _ended = False  # whether a request ended in the piece that is being read: it counts for no head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a piece; what is still a head after it has grown by it."""
        if self._since is None and self._head is not None:
            self._wait()
        self._ended = False
        super().data_received(data)
        if self._head is None or self._ended:
            return
        self._head += len(data)
        if self._head > self.max_head and not self.transport.is_closing():
            self.transport.write(TOO_LONG)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """What follows is the body, which has a limit of its own."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there; what comes next is another head."""
        self._head, self._ended, self._since = 0, True, None
        super().on_message_complete()

    def _wait(self) -> None:
        """One timer outlasts many requests: setting and stopping one for each costs more than reading it."""
        self._since = self.loop.time()
        if self._looking is None:
            self._looking = self.loop.call_later(self.send_seconds, self._look)

    def _look(self) -> None:
        self._looking = None
        if self._since is None:
            return
        left = self._since + self.send_seconds - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._looking = self.loop.call_later(left, self._look)

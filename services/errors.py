"""What can go wrong with a remote system, graded once at the HTTP edge.

Nobody above this package looks at a status code or an httpx exception again. Every text in here is safe to
log and to show: it never holds a body, a value of a record, a token or a query string.
"""

from __future__ import annotations


class PeerError(Exception):
    """A call to one side did not give what was asked.

    `reason` is safe text, `status` the HTTP status if there was one.
    """

    def __init__(self, side: str, reason: str, *, status: int | None = None) -> None:
        super().__init__(side, reason, status)
        self.side = side
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        tail = "" if self.status is None else f" (HTTP {self.status})"
        return f"{self.side}: {self.reason}{tail}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self!s})"


class Outage(PeerError):
    """The system as a whole is away; no record's fault.

    `retry_after`: seconds the system asked to be left alone, None if it said nothing.
    `in_doubt`: a write was sent and may have been applied although no usable answer came.
    """

    def __init__(
        self,
        side: str,
        reason: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        in_doubt: bool = False,
    ) -> None:
        super().__init__(side, reason, status=status)
        self.retry_after = retry_after
        self.in_doubt = in_doubt


class TimedOut(Outage):
    """No answer in time."""


class CircuitOpen(Outage):
    """Not sent at all: the circuit of this system is open. `retry_after` is when the next probe may go."""


class Retryable(PeerError):
    """This call failed in a way that another try may cure (500, 409, garbage). `in_doubt` as for Outage."""

    def __init__(self, side: str, reason: str, *, status: int | None = None, in_doubt: bool = False) -> None:
        super().__init__(side, reason, status=status)
        self.in_doubt = in_doubt


class Refused(PeerError):
    """The content was refused (400, 422).

    `field` and `rule` (valid, required, maxLength…) where the system names them.
    """

    def __init__(
        self,
        side: str,
        reason: str,
        *,
        status: int | None = None,
        field: str | None = None,
        rule: str | None = None,
    ) -> None:
        super().__init__(side, reason, status=status)
        self.field = field
        self.rule = rule


class Denied(PeerError):
    """We may not do this (403 with a reason, 405)."""


class Credentials(PeerError):
    """Our login is refused. Nobody may call this system again before a person has acted.

    `status` None = not even sent.
    """


class Missing(PeerError):
    """No such record (404).

    `certain` only where the system itself speaks of the record, not of a path or a proxy.
    """

    def __init__(self, side: str, reason: str, *, status: int | None = None, certain: bool) -> None:
        super().__init__(side, reason, status=status)
        self.certain = certain


class Modified(PeerError):
    """A conditional write met a newer version. `version` is the stored one, where the system tells it."""

    def __init__(self, side: str, reason: str, *, status: int | None = None, version: int | None = None) -> None:
        super().__init__(side, reason, status=status)
        self.version = version


class Duplicate(PeerError):
    """A create was refused as a duplicate of the records `ids`."""

    def __init__(self, side: str, reason: str, *, status: int | None = None, ids: tuple[str, ...] = ()) -> None:
        super().__init__(side, reason, status=status)
        self.ids = ids

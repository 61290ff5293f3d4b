"""One call, its answer, and what a status means whichever system it comes from. Sends nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from services.errors import Outage, PeerError, Retryable
from services.local import LONGEST_RETRY_AFTER

# Seconds to leave a system alone that says "too many requests" or "maintenance" without saying for how long.
DEFAULT_RETRY_AFTER = 30.0


@dataclass(frozen=True)
class Reply:
    """An answered object; `date` is the server's Date header in epoch seconds."""

    body: dict[str, Any] = field(repr=False)
    date: float | None = None


def no_objection() -> None:
    """Nothing has to be judged again before the request leaves."""


@dataclass(frozen=True)
class Call:
    """One request. `route` is the template without ids, for metrics. `url` is absolute.

    `last_look` is called directly before it is sent, after all waiting; what it raises is raised, and nothing was sent.
    """

    verb: str
    url: str = field(repr=False)
    route: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    last_look: Callable[[], None] = field(default=no_objection, repr=False)

    @property
    def safe(self) -> bool:
        """Whether the call changes nothing on the other side."""
        return self.verb == "GET"


@dataclass(frozen=True)
class Answer:
    """What came back, before anybody has judged it; `date` is the Date header in epoch seconds."""

    side: str
    call: Call
    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)
    date: float | None = None

    def retry_after(self, now: float) -> float | None:
        """The Retry-After header in seconds, given as seconds or as a date; LONGEST_RETRY_AFTER at most."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value[:9]), LONGEST_RETRY_AFTER)
        at = http_date(value)
        return None if at is None else min(max(0.0, at - (self.date or now)), LONGEST_RETRY_AFTER)

    def json(self) -> Any:
        """The parsed body, None for an empty one; anything but JSON is Retryable."""
        if not self.content.strip():
            return None
        try:
            return _JSON.decode(self.content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            pass
        raise self.garbage("the answer is not JSON")

    def garbage(self, reason: str) -> Retryable:
        """The error for a success that makes no sense: a write may have been applied all the same."""
        return Retryable(self.side, reason, status=self.status, in_doubt=not self.call.safe)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # could not be sent back, nor kept
        raise ValueError
    return number


_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


@lru_cache(maxsize=64)
def http_date(value: str | None) -> float | None:
    """An HTTP date as epoch seconds; None where there is none or it cannot be read."""
    try:
        if value:
            at: float = parsedate_to_datetime(value).timestamp()
            return at
    except (ValueError, OverflowError):
        pass
    return None


def common_failure(answer: Answer, now: float) -> PeerError | None:
    """The grade of a status that means the same everywhere; None for the others."""
    side, status = answer.side, answer.status
    doubt = not answer.call.safe
    if 300 <= status < 400:
        return Retryable(side, "redirected; is the base URL right?", status=status)
    if status in (429, 503):
        after = answer.retry_after(now)
        text = "asked us to slow down" if status == 429 else "temporarily not available"
        return Outage(side, text, status=status, retry_after=DEFAULT_RETRY_AFTER if after is None else after)
    if status == 408 or status >= 502:
        # A gateway gave up; what stands behind it may have done the work.
        return Outage(side, "a gateway got no answer", status=status, in_doubt=doubt)
    if status >= 500:
        return Retryable(side, "internal error of the server", status=status, in_doubt=doubt)
    if status < 200:
        return Retryable(side, "an answer that makes no sense", status=status, in_doubt=doubt)
    return None

"""Tells alarms: to the log, to the metrics, and to the address people have configured.

That one cannot be delivered is itself logged and counted, and disturbs nothing else. Does not remember what it told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

import structlog

from syncd.alarms import Alarm, Level, Sender, State, body, kind_of, label
from syncd.metrics import Metrics

log = structlog.get_logger()


class Sent(Protocol):
    @property
    def delivered(self) -> bool: ...

    @property
    def answer(self) -> str: ...


class Post(Protocol):
    def send(self, body: Mapping[str, Any]) -> Awaitable[Sent]: ...


class Teller:
    """`post` None: nobody is to be told but log and metrics."""

    def __init__(self, sender: Sender, metrics: Metrics, post: Post | None) -> None:
        self._sender = sender
        self._metrics = metrics
        self._post = post

    async def tell(self, alarm: Alarm) -> bool:
        """Tell it; False if it must be told again later. Log and counters hear of it at the first try only."""
        if alarm.tries <= 1:
            self._log(alarm)
        if self._post is None:
            return True
        sent = await self._post.send(body(alarm, self._sender))
        self._metrics.alarm_posted("delivered" if sent.delivered else "failed")
        if not sent.delivered:
            log.warning("alarm.not_delivered", cause=alarm.cause, attempt=alarm.tries, reason=sent.answer)
        return sent.delivered

    def _log(self, alarm: Alarm) -> None:
        if alarm.state is State.OVER:
            log.warning("alarm.over", cause=alarm.cause, seconds=round((alarm.over_at or alarm.since) - alarm.since))
        elif alarm.again:
            log.warning("alarm.still_raised", cause=alarm.cause, reason=alarm.text)
        elif kind_of(alarm.cause).level is Level.ERROR:
            log.error("alarm.raised", cause=alarm.cause, reason=alarm.text)
        else:
            log.warning("alarm.raised", cause=alarm.cause, reason=alarm.text)
        if alarm.state is State.RAISED and not alarm.again:
            self._metrics.alarm_raised(label(alarm.cause))

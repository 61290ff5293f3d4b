"""To whom alarms are posted and who says it, as configured; and one to try it with. Knows no cause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import config
from services.alarm_sender import AlarmSender, Sent
from syncd import __version__
from syncd.alarms import Sender, trial
from syncd.commands import Refusal
from syncd.machine import host


def sender(settings: config.Settings) -> Sender:
    """Who tells. An installation goes by the host name of its EspoCRM: several on one machine have different ones."""
    return Sender(urlsplit(settings.espocrm_api_base_url).netloc, __version__, host())


@asynccontextmanager
async def poster(settings: config.Settings) -> AsyncIterator[AlarmSender | None]:
    """Who posts alarms, None where nobody is to be told."""
    url = settings.syncd_alarm_url.get_secret_value()
    if not url:
        yield None
        return
    post = AlarmSender(url)
    try:
        yield post
    finally:
        await post.close()


async def post_trial(settings: config.Settings, now: float) -> Sent:
    """Send a test alarm now; raises `Refusal` where there is no address."""
    async with poster(settings) as post:
        if post is None:
            raise Refusal("SYNCD_ALARM_URL is not set: alarms go to the log and the metrics only")
        return await post.send(trial(sender(settings), now))

"""The look at EspoCRM soon after our own write: did anybody type at that instant?

Almost always nobody did. It writes to neither system, so it needs no claim: one call, one commit. Whatever else it
finds is for a job, which reads anew under its claim.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from services.errors import PeerError
from syncd import endings
from syncd.context import Context
from syncd.endings import Ended
from syncd.ledger import pairs, steps, work
from syncd.ledger.work import Due
from syncd.load import read_espo
from syncd.marks import is_as_left, news
from syncd.model import Key, Present

log = structlog.get_logger()


async def glance(context: Context, key: str) -> tuple[Ended, Due | None] | None:
    """Look, and store that there was nothing; what waits for the record then. None where a job has to be done."""
    known = await context.ledger.write(pairs.idle, key, context.clock.now())
    if known is None:
        return None
    try:
        espo = await read_espo(context, Key.parse(key).espo_id)
    except PeerError:  # a job meets it too, and knows what follows from it
        return None
    if not isinstance(espo, Present) or not _shows_what_we_wrote(context, known, espo):
        return None
    ending = endings.looked_late(context, known.row, espo)
    ending = replace(ending, pair=news(known.row, ending.pair))
    job = steps.Job(key, known.row["fence"], context.new_id(), context.clock.now(), known.task.run, claimed=False)
    try:
        left = await context.ledger.write(steps.finish, job, ending, known.task.gen)
    except pairs.FenceLost:
        return Ended.LOST, await context.ledger.read(work.next_due, key)
    log.info("job.ended", ended=Ended.UNCHANGED, job=job.id, fence=job.fence)
    return Ended.UNCHANGED, left


def _shows_what_we_wrote(context: Context, known: pairs.Idle, espo: Present) -> bool:
    status = espo.body.get(context.entity.status.status)
    return is_as_left(context, known.row, espo) and bool(status == known.row["status"])

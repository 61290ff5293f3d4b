"""Many numbers as one run: imported a few at a time, then synced, beside any daemon. Decides nothing about a number."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from syncd import stock
from syncd.abreast import Progress, each
from syncd.app import App
from syncd.context import Context
from syncd.importing import MADE, Imported, Wishes, import_one
from syncd.ledger import runs
from syncd.ledger.runs import RunState
from syncd.model import Key
from syncd.passes import Done, work_on
from syncd.patience import patiently

KIND = "import"
AT_A_TIME = 4


@dataclass(frozen=True)
class Outcome:
    """What became of the numbers, in their order, and of the records made; `run_id` is None for a dry run."""

    imported: Sequence[Imported]
    done: Sequence[Done]
    run_id: str | None
    left: int = 0


async def import_all(
    app: App, context: Context, numbers: Sequence[int], team: str | None, anyway: bool, stop: asyncio.Event,
    progress: Progress,
) -> Outcome:  # fmt: skip
    """Import these numbers until all are done or `stop` is set, and sync what was made. Raises `PeerError`."""
    ledger, clock, dry_run = app.parts.ledger, app.parts.clock, context.settings.dry_run
    await stock.size(context)  # a system that is away at the start is told at once; later it is waited for
    wishes = Wishes(context.id12(), team, anyway, dry_run)
    if not dry_run:
        detail = {"entity": context.entity.name, "total": len(numbers), "fed": 0}
        await ledger.write(runs.start, wishes.run, KIND, detail, clock.now())
    found: dict[int, Imported] = {}

    async def one(number: int) -> None:
        if stop.is_set():
            return
        found[number] = await patiently(context, lambda: import_one(context, number, wishes))
        progress(len(found), len(numbers))
        if not dry_run:
            fed = sum(one.fate in MADE for one in found.values())
            await ledger.write(runs.progress, wishes.run, {"fed": fed, "alive_at": clock.now()})

    try:
        await each(numbers, one, AT_A_TIME)
        imported = [found[number] for number in numbers if number in found]
        made = [one.espo_id for one in imported if one.fate in MADE and one.espo_id is not None]
        keys = [str(Key(context.entity.name, espo_id)) for espo_id in made]
        done = await work_on(app, keys, progress) if keys else []
    finally:
        if not dry_run:
            await ledger.write(runs.end, wishes.run, RunState.DONE, clock.now())
    return Outcome(imported, done, None if dry_run else wishes.run, len(numbers) - len(found))

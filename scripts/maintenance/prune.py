"""Removes old history before its time. The daemon does the same every hour with SYNCD_HISTORY_DAYS."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.maintenance.program import Apply, Debug, main, say_dry
from syncd.cli import output
from syncd.cli.output import Code, say, table
from syncd.clock import SystemClock
from syncd.ledger import pruning
from syncd.runtime import check_ledger_current, existing_ledger

Days = Annotated[
    float | None, typer.Option("--days", min=1, max=36500, help="Keep so many days. Without: SYNCD_HISTORY_DAYS.")
]


def prune(days: Days = None, apply: Apply = False, as_json: output.AsJson = False, debug: Debug = False) -> int:
    """Remove history, finished writes, settled conflicts and old webhook events; counts are shown first.

    What is open or in doubt stays, however old, and so do tombstones. What is removed cannot be undone by `syncd undo`.

    Example: `python -m scripts.maintenance.prune --days 30 --apply`
    """
    settings = output.ledger_settings()
    check_ledger_current(settings)
    kept = settings.syncd_history_days if days is None else days
    now = SystemClock().now()

    async def pruning_it() -> dict[str, int]:
        async with existing_ledger(settings) as ledger:
            if apply:
                return await pruning.prune(ledger, now, kept)
            return {rule.what: await ledger.read(pruning.count, rule) for rule in pruning.rules(now, kept)}

    counts = output.work(pruning_it())
    if as_json:
        output.show_json({"days": kept, "applied": apply, "rows": counts})
        return Code.DONE
    table(("older than its time", "rows"), counts.items())
    if apply:
        say(f"{sum(counts.values())} rows removed, all older than {kept:g} days or their own shorter time")
    else:
        say_dry()
    return Code.DONE


if __name__ == "__main__":
    main(prune)

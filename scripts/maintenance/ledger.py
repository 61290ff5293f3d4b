"""Checks the ledger, and EspoCRM for double links; puts right what can be without losing anything people entered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from scripts.maintenance.program import Apply, Debug, main, say_dry
from syncd.cli import output
from syncd.cli.output import Code, say, table
from syncd.ledger.check import Finding
from syncd.runtime import check_ledger_current, existing_ledger, opened
from syncd.upkeep import defects, linked_twice, mended

Offline = Annotated[bool, typer.Option("--offline", help="Ask only the ledger, not EspoCRM for double links.")]


@dataclass(frozen=True)
class _Checked:
    found: list[Finding]
    mended: list[Finding]


def ledger(apply: Apply = False, offline: Offline = False, as_json: output.AsJson = False, debug: Debug = False) -> int:
    """Find what is wrong in the ledger: damage, missing tables, orphans, doubles, forgotten work, pairs linked twice.

    Open conflicts, writes in doubt, tombstones and replaced values are told, never removed.
    Exit code 1 if something is left that a person must put right.

    Examples: `python -m scripts.maintenance.ledger` · `… --offline --apply`
    """
    checked = output.work(_in_ledger(apply))
    found = checked.found if offline else [*checked.found, *output.work(_in_espocrm())]
    if as_json:
        output.show_json({"findings": found, "mended": checked.mended})
    else:
        _print(found, checked.mended, apply)
    return Code.OPEN if [one for one in found if one not in checked.mended] else Code.DONE


async def _in_ledger(apply: bool) -> _Checked:
    from syncd.app import entities
    from syncd.clock import SystemClock

    settings = output.ledger_settings()
    check_ledger_current(settings)
    known, now = tuple(entities(settings, output.mapping(settings))), SystemClock().now()
    async with existing_ledger(settings) as opened_one:
        found = await defects(opened_one, known, now)
        sound = not any(one.defect in ("damaged", "shape") for one in found)
        return _Checked(found, await mended(opened_one, known, now) if apply and sound else [])


async def _in_espocrm() -> list[Finding]:
    settings = output.settings()
    async with opened(settings, output.mapping(settings)) as runtime:
        await runtime.app.look()
        return [one for context in runtime.app.contexts.values() for one in await linked_twice(context)]


def _print(found: list[Finding], done: list[Finding], apply: bool) -> None:
    rows = ((one.defect, one.key or "–", one.text, one.mend or "by a person") for one in found)
    table(("defect", "record", "found", "remedy"), rows)
    mendable = sum(one.mend is not None for one in found)
    if not found:
        say("nothing is wrong")
    elif apply:
        say(f"{len(done)} of {len(found)} put right")
    elif mendable:
        say(f"{mendable} of {len(found)} can be put right")
        say_dry()


if __name__ == "__main__":
    main(ledger)

"""Puts right records that show `syncing` in EspoCRM though nobody works on them."""

from __future__ import annotations

from scripts.maintenance.program import Apply, Debug, main, say_dry, with_systems
from syncd.cli import output
from syncd.cli.output import Code, say, table
from syncd.runtime import Runtime
from syncd.upkeep import Stuck, free, stuck


def syncing(apply: Apply = False, as_json: output.AsJson = False, debug: Debug = False) -> int:
    """Put records to work that are stuck in `syncing`; a job reads both sides and writes the right status.

    The daemon does it within seconds, or the next `syncd run`. Exit code 1 if a stuck record was not put to work.

    Example: `python -m scripts.maintenance.syncing --apply`
    """

    async def looking(runtime: Runtime) -> tuple[list[Stuck], int]:
        found: list[Stuck] = []
        freed = 0
        for context in runtime.app.contexts.values():
            some = await stuck(context)
            freed += await free(context, some) if apply else 0
            found += some
        return found, freed

    found, freed = with_systems(looking)
    if as_json:
        shown = [{"key": one.key, "why": one.why, "can_be_freed": one.due is not None} for one in found]
        output.show_json({"stuck": shown, "applied": apply, "freed": freed})
    else:
        rows = ((one.key, one.why, "put to work" if one.due else "by a person") for one in found)
        table(("record", "why", "remedy"), rows)
        if not found:
            say("no record is stuck in syncing")
        elif apply:
            say(f"{freed} records put to work, {len(found) - freed} left to a person")
        else:
            say_dry()
    return Code.DONE if freed == len(found) else Code.OPEN


if __name__ == "__main__":
    main(syncing)

"""Ends what processes that died still hold: leases in Redis and claims in the ledger that have run out."""

from __future__ import annotations

from scripts.maintenance.program import Apply, Debug, main, say_dry, with_redis
from syncd.cli import output
from syncd.cli.output import Code, say, table, when
from syncd.runtime import Runtime
from syncd.upkeep import Lock, end_stale_locks, stale_locks


def locks(apply: Apply = False, as_json: output.AsJson = False, debug: Debug = False) -> int:
    """End leases and claims that have run out; their records are looked at again.

    A daemon does the same by itself, whenever it comes to such a record. Who still holds his record keeps it.

    Example: `python -m scripts.maintenance.locks --apply`
    """

    async def looking(runtime: Runtime) -> tuple[list[Lock], tuple[int, int]]:
        now = runtime.clock.now()
        found = await stale_locks(runtime.queue, runtime.ledger, now)
        return found, await end_stale_locks(runtime.queue, runtime.ledger, now) if apply else (0, 0)

    found, (leases, claims) = with_redis(looking)
    if as_json:
        output.show_json({"stale": found, "applied": apply, "leases_ended": leases, "claims_ended": claims})
        return Code.DONE
    table(("kind", "record", "owner", "ran out"), ((one.kind, one.key, one.owner, when(one.ended_at)) for one in found))
    if apply:
        say(f"{leases} leases and {claims} claims ended")
    elif found:
        say_dry()
    else:
        say("nobody holds what has run out")
    return Code.DONE


if __name__ == "__main__":
    main(locks)

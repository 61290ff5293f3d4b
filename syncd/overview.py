"""How everything stands, from the ledger and Redis. Asks neither system, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import config
from syncd import inspect
from syncd.app import budgets, redis_prefix
from syncd.bell import Bell
from syncd.clock import SystemClock, new_id
from syncd.health import PEERS
from syncd.ledger.store import Ledger
from syncd.passes import NEEDS_PERSON
from syncd.queue import Queue
from syncd.redis_client import RedisUnavailable, connect
from syncd.redis_server import RedisServerError, embedded_redis
from syncd.shared import connect as share


async def overview(settings: config.Settings, ledger: Ledger) -> Mapping[str, Any]:
    """One JSON-able document; `redis.up` is False where Redis cannot be used, then queue and peers are unknown."""
    found = await inspect.status(ledger, SystemClock().now())
    found["budgets"] = budgets(settings)
    stuck = any(found["pairs"].get(status) for status in NEEDS_PERSON)
    found["open"] = bool(found["conflicts"] or found["guards"] or found["alarms"] or stuck)
    try:
        return found | await _from_redis(settings)
    except (RedisUnavailable, RedisServerError) as error:
        unknown = {"state": "unknown", "seconds": 0.0}
        redis = {"up": False, "reason": str(error)}
        return found | {"redis": redis, "queue": None, "peers": dict.fromkeys(PEERS, unknown)}


async def _from_redis(settings: config.Settings) -> dict[str, Any]:
    clock = SystemClock()
    with ExitStack() as stack:
        url = settings.redis_url.get_secret_value()
        redis = connect(url or stack.enter_context(embedded_redis(settings.state_dir)).url)
        try:
            queue = Queue(redis, bell=Bell(clock.sleep), new_id=new_id, prefix=redis_prefix(settings))
            await queue.try_writing()
            stats = await queue.stats()
            circuit = share(redis, clock, {}, prefix=redis_prefix(settings)).circuit
            states = {side: await circuit.look(side) for side in PEERS}
        finally:
            await redis.aclose()
    return {
        "redis": {"up": True},
        "queue": {
            "waiting": stats.waiting,
            "due": sum(lane.due for lane in stats.lanes.values()),
            "running": len(stats.running),
            "lanes": {lane.name.lower(): counts.waiting for lane, counts in stats.lanes.items()},
        },
        "peers": {side: {"state": str(state.state), "seconds": state.seconds} for side, state in states.items()},
    }

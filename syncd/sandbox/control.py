"""The control API under `/_control/` of both stand-in servers: faults, people, webhooks, log, backups, dump.

For tests and demos that talk to real sockets; in a process the same things are methods of Sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox.advoware_model import Missing, Rejected
from syncd.sandbox.espocrm_errors import EspoError
from syncd.sandbox.faults import rule_from

if TYPE_CHECKING:
    from syncd.sandbox.sandbox import Sandbox

SEEDS = ("synced", "only_espocrm", "only_advoware", "unlinked")
DESK_SETTINGS = ("lifetime_seconds", "answers", "signed_in", "password", "max_skew_seconds")


class Control:
    """The endpoints of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def act(self, request: Request, body: dict[str, Any]) -> Any:
        """Play a person: see People.act."""
        return {"result": self.sandbox.people.act(body)}

    async def faults(self, request: Request, body: dict[str, Any]) -> Any:
        """GET the rules, POST one, DELETE all."""
        if request.method == "POST":
            return {"id": self.sandbox.faults.add(rule_from(body))}
        if request.method == "DELETE":
            self.sandbox.faults.clear()
        standing = self.sandbox.faults.standing
        shown = {
            str(number): asdict(replace(one.rule, act=None)) | {"matched": one.matched, "fired": one.fired}
            for number, one in standing.items()
        }
        return {"rules": shown, "down": sorted(self.sandbox.faults.down)}

    async def down(self, request: Request, body: dict[str, Any]) -> Any:
        """Switch systems off and on: `{"espocrm": true, "advoware": false}`."""
        for system, is_down in body.items():
            (self.sandbox.faults.down.add if is_down else self.sandbox.faults.down.discard)(system)
        return {"down": sorted(self.sandbox.faults.down)}

    async def settings(self, request: Request, body: dict[str, Any]) -> Any:
        """Switches: `{"advoware": …, "webhooks": …, "token": …, "espocrm": {"maintenance", "optimistic"}}`."""
        sandbox = self.sandbox
        _set(sandbox.advoware.switches, body.get("advoware", {}), _names(sandbox.advoware.switches))
        _set(sandbox.webhooks.settings, body.get("webhooks", {}), _names(sandbox.webhooks.settings))
        _set(sandbox.tokens, body.get("token", {}), DESK_SETTINGS)
        espo = body.get("espocrm", {})
        sandbox.espo.door.maintenance = bool(espo.get("maintenance", sandbox.espo.door.maintenance))
        for name in espo.get("optimistic", ()):
            sandbox.espo.schema[name].optimistic = True
        return {"advoware": asdict(sandbox.advoware.switches)}

    async def backup(self, request: Request, body: dict[str, Any]) -> Any:
        """`{"do": "snapshot"|"restore", "name", "system"}`."""
        name = body.get("name", "backup")
        if body.get("do") == "restore":
            self.sandbox.restore(body["system"], name)
        else:
            self.sandbox.snapshot(name)
        return {"backups": sorted(self.sandbox.backups)}

    async def webhooks(self, request: Request, body: dict[str, Any]) -> Any:
        """POST runs the queue once."""
        queue = self.sandbox.webhooks
        done = await queue.run() if request.method == "POST" else 0
        waiting = {"events": len(queue.events), "items": len(queue.items)}
        return {"delivered_now": done, "delivered": queue.delivered, "failed": queue.failed} | waiting

    async def log(self, request: Request, body: dict[str, Any]) -> Any:
        """GET the call log and counts (`?counts=1` without calls), DELETE forgets them."""
        log = self.sandbox.log
        counts = {"reads": dict(log.reads), "writes": dict(log.writes), "tokens": self.sandbox.tokens.issued}
        calls = [] if "counts" in request.query_params else [asdict(one) for one in log.calls]
        if request.method == "DELETE":
            log.clear()
        return counts | {"calls": calls}

    async def dump(self, request: Request, body: dict[str, Any]) -> Any:
        """Both worlds, whole."""
        return self.sandbox.dump()

    async def seed(self, request: Request, body: dict[str, Any]) -> Any:
        """`{"count": n, "what": synced|only_espocrm|only_advoware|unlinked}`."""
        what = body.get("what", "synced")
        if what not in SEEDS:
            raise ValueError(f"unknown seed {what!r}")
        made = getattr(self.sandbox.seed, what)(int(body["count"]))
        return {"made": len(made), "keys": made[:200]}


def control_routes(sandbox: Sandbox) -> list[Route]:
    """The routes to put in front of a server's own."""
    control = Control(sandbox)
    table: list[tuple[str, list[str], Callable[[Request, dict[str, Any]], Awaitable[Any]]]] = [
        ("act", ["POST"], control.act),
        ("faults", ["GET", "POST", "DELETE"], control.faults),
        ("down", ["POST"], control.down),
        ("settings", ["POST"], control.settings),
        ("backup", ["POST"], control.backup),
        ("webhooks", ["GET", "POST"], control.webhooks),
        ("log", ["GET", "DELETE"], control.log),
        ("dump", ["GET"], control.dump),
        ("seed", ["POST"], control.seed),
    ]
    return [Route(f"/_control/{name}", _json(endpoint), methods=methods) for name, methods, endpoint in table]


def _json(
    endpoint: Callable[[Request, dict[str, Any]], Awaitable[Any]],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            sent = json.loads(await request.body() or b"{}")
            if not isinstance(sent, dict):
                raise TypeError("a JSON object is needed")
            value, status = await endpoint(request, sent), 200
        except EspoError as refused:
            value, status = {"error": str(refused)}, 422
        except (Missing, Rejected):
            value, status = {"error": "no such record, or a value Advoware cannot store"}, 422
        except (KeyError, TypeError, ValueError) as wrong:
            value, status = {"error": f"{type(wrong).__name__}: {wrong}"}, 400
        return Response(json.dumps(value, ensure_ascii=False), status, media_type="application/json")

    return answer


def _names(target: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(target))


def _set(target: object, values: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for name, value in values.items():
        if name not in allowed:
            raise ValueError(f"unknown setting {name!r}")
        setattr(target, name, frozenset(value) if isinstance(value, list) else value)

"""What passes between the wire and the endpoints behind it: ASGI's types, flags for the world, missing answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from syncd.sandbox.faults import Kind, Rule

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FLAGS = "syncd.sandbox.flags"
USER = "syncd.sandbox.user"
CLIENT_TIMEOUT = "syncd.sandbox.timeout"


class NoAnswer(Exception):
    """The client gets no answer: `kind` says how, `seconds` how long the server already kept it waiting."""

    def __init__(self, kind: Kind, seconds: float = 0.0) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.seconds = seconds


@dataclass(frozen=True)
class Flags:
    """Faults that only the world can play."""

    stale: bool = False
    short_page: bool = False
    refuse: frozenset[str] = frozenset()
    rewrite: tuple[tuple[str, int | None], ...] = ()

    def rewritten(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as the target would store it."""
        for name, length in self.rewrite:
            if isinstance(body.get(name), str):
                body = {**body, name: body[name].strip() if length is None else body[name][:length]}
        return body


NO_FLAGS = Flags()


def flags(scope: Mapping[str, Any]) -> Flags:
    """The faults of this request that the endpoint must play."""
    found = scope.get(FLAGS, NO_FLAGS)
    return found if isinstance(found, Flags) else NO_FLAGS


def note_user(scope: Scope, name: str) -> None:
    """Tell the call log who asked."""
    scope[USER][0] = name


def flags_of(rules: list[Rule]) -> Flags:
    """What the endpoint must play of these rules."""
    return Flags(
        stale=any(one.kind is Kind.STALE for one in rules),
        short_page=any(one.kind is Kind.SHORT_PAGE for one in rules),
        refuse=frozenset(one.field for one in rules if one.kind is Kind.REFUSE),
        rewrite=tuple((one.field, one.length) for one in rules if one.kind is Kind.REWRITE),
    )

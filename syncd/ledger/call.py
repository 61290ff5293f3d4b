"""A function of the ledger with what it is called with, on its way to where it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

F = TypeVar("F", bound=Callable[..., Any])


def brief(fn: F) -> F:
    """Marks a function that finds rows by their keys, or counts those of an hour: the event loop itself may run it."""
    vars(fn)["brief"] = True
    return fn


@dataclass(frozen=True, slots=True)
class Call:
    """`fn(conn, *args, **kwargs)`, to be run in one transaction."""

    fn: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None

    @property
    def brief(self) -> bool:
        """Whether the function is marked so."""
        return getattr(self.fn, "brief", False)

    def __call__(self, conn: Connection) -> Any:
        return self.fn(conn, *self.args, **(self.kwargs or {}))

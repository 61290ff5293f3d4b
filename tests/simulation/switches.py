"""How each safeguard of the engine is switched off: what stands in its place while it is.

Only tests do this. A switch swaps names of the engine for the duration of a `with` block and puts them back; nothing
in production knows that it can be switched off. Worlds are made inside the block: a few safeguards are part of the
ledger's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, update

from mappers.spec import Side
from services.advoware import AdvowareClient
from services.answer import no_objection
from services.espocrm import EspoClient
from syncd import (
    entries,
    fields,
    job,
    load,
    worker,
    write,
    write_entry,
)
from syncd.app import App
from syncd.ledger import journal, pairs, schema, work
from syncd.model import (
    Action,
    Present,
    Settle,
    Snapshot,
)
from syncd.permit import Permit
from syncd.queue import Waiting
from syncd.readback import Judged
from syncd.scribe import Scribe

DUE_BATCH = 500
Names = tuple[object, str, object]


@contextmanager
def swapped(*names: Names) -> Iterator[None]:
    """For the duration `(owner, name, other)` stands where `owner.name` stood."""
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in names]
    for owner, name, other in names:
        setattr(owner, name, other)
    try:
        yield
    finally:
        for owner, name, known in before:
            setattr(owner, name, known)


def nothing(*_: object, **__: object) -> None:
    """Does nothing."""


async def nothing_later(*_: object, **__: object) -> None:
    """Does nothing, when awaited."""


def always(value: object) -> Callable[..., Any]:
    """A function that answers this to everything."""
    return lambda *_, **__: value


# --- who may write ------------------------------------------------------------------------------


def _release_anyhow(conn: Connection, key: str, fence: int, values: Mapping[str, Any] = {}) -> None:
    free = {"claimed_until": 0.0, "claimed_by": None, "crashes": 0}
    conn.execute(update(schema.pairs).where(schema.pairs.c.key == key).values(**free, **values))


def _renew_anyhow(conn: Connection, key: str, fence: int, until: float, lock: pairs.Lock | None = None) -> bool:
    conn.execute(update(schema.pairs).where(schema.pairs.c.key == key).values(claimed_until=until))
    return True


FENCING: tuple[Names, ...] = (
    (pairs, "check_fence", nothing),
    (pairs, "release", _release_anyhow),
    (pairs, "renew", _renew_anyhow),
)

RENEWAL: tuple[Names, ...] = ((pairs, "renew", always(True)), (worker, "_keep", nothing_later))

CRASHES: tuple[Names, ...] = ((job, "MAX_CRASHES", float("inf")),)


async def _copy_what_is_new(app: App) -> None:
    """Every piece of work is copied to the queue just once: what Redis forgets nobody remembers."""
    await app.parts.queue.reclaim()
    ledger = app.parts.ledger
    copied: set[tuple[str, float]] = ledger.__dict__.setdefault("copied", set())
    due = await ledger.read(work.due, app.parts.clock.now(), DUE_BATCH)
    new = [item for item in due if (item.key, item.due_at) not in copied]
    copied |= {(item.key, item.due_at) for item in new}
    await app.parts.queue.add_all([Waiting(item.key, item.lane, item.due_at) for item in new])


COPYING: tuple[Names, ...] = ((App, "copy_due", _copy_what_is_new),)


# --- what was read, and what was written ---------------------------------------------------------


_update = EspoClient.update


async def _update_blindly(
    client: EspoClient, entity: str, id: str, changes: Mapping[str, Any], *, version: int | None = None, **how: Any
) -> Any:
    return await _update(client, entity, id, changes, **how)


RECHECK: tuple[Names, ...] = (
    (Permit, "age", always(0.0)),
    (Permit, "is_old", always(False)),
    (Permit, "still_fresh", nothing_later),
    (Present, "indirect", lambda seen: seen),
    (EspoClient, "update", _update_blindly),
)

LAST_LOOK: tuple[Names, ...] = ((Permit, "last_look", lambda *_: no_objection),)

_settle_espo = write.Writer.settle_espo


async def _settle_with_the_list_as_it_was(
    writer: write.Writer, shot: Snapshot, actions: Sequence[Action], settle: Settle | None
) -> Any:
    writer._reread = shot.espo
    return await _settle_espo(writer, shot, actions, settle)


LIST_READ: tuple[Names, ...] = ((write.Writer, "settle_espo", _settle_with_the_list_as_it_was),)


@contextmanager
def believing_answers() -> Iterator[None]:
    """After a write the record is taken to show what was sent."""
    sent: dict[int, dict[str, Any]] = {}
    children: dict[int, dict[str, Any]] = {}
    send, read, patch = AdvowareClient.replace, load.read_back, write.Writer._send

    async def remembering(client: AdvowareClient, path: str, body: Mapping[str, Any], **how: Any) -> Any:
        (children if "/Kommunikationen/" in path else sent)[int(path.rpartition("/")[2])] = dict(body)
        return await send(client, path, body, **how)

    async def believed(context: Any, advoware_id: int) -> Present:
        after = await read(context, advoware_id)
        rows = after.body.get("kommunikation") or []
        told = {"kommunikation": [{**row, **children.pop(row["id"], {})} for row in rows]}
        own = {name: value for name, value in sent.pop(advoware_id, {}).items() if name != "rowId"}
        return replace(after, body={**after.body, **own, **told})

    async def taken(
        writer: write.Writer, espo: Present, changes: Mapping[str, Any], last_look: Callable[[], None]
    ) -> Present:
        after = await patch(writer, espo, changes, last_look)
        return replace(after, body={**after.body, **changes})

    with swapped(
        (AdvowareClient, "replace", remembering),
        (write, "read_back", believed),
        (write_entry, "read_back", believed),
        (write.Writer, "_send", taken),
    ):
        yield


def _agreed_in_everything(
    scribe: Scribe, side: Side, judged: Sequence[Judged], espo: object, advoware: object
) -> dict[str, tuple[Any, Any, str]]:
    if not isinstance(espo, Present) or not isinstance(advoware, Present):
        return {}
    known = scribe._context.entity.fields
    return {one.name: (one.raw(Side.ESPO, espo.body), one.raw(Side.ADVOWARE, advoware.body), one.rule) for one in known}


BASE: tuple[Names, ...] = ((Scribe, "agreed", _agreed_in_everything),)

JOURNAL: tuple[Names, ...] = ((journal, "announce", nothing),)

QUARANTINE: tuple[Names, ...] = (
    (fields, "_is_quarantined", always(False)),
    (entries._Planner, "_is_quarantined", always(False)),
)

LATE_WRITES: tuple[Names, ...] = (
    (fields, "_own_late_write", always(False)),
    (entries._Planner, "_is_ours_applied_late", always(False)),
)

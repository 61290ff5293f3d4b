"""Reading both sides of a pair. Tells "no such record" from "no answer", and decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from mappers.spec import Child, Entity, EntryList, Parsed, Side, Unmappable
from services.advoware import local_time
from services.errors import Credentials, Denied, Missing, Outage, PeerError, Retryable
from syncd.admission import admitted_by, espo_time, first_start
from syncd.context import Context
from syncd.counterpart import counterpart_id
from syncd.ledger import facts, journal, pairs
from syncd.model import (
    Absent,
    AdvowareSeen,
    EspoSeen,
    Found,
    Intent,
    IntentState,
    Key,
    Memory,
    PairState,
    Present,
    Search,
    Snapshot,
    Unknown,
    Unlinked,
    Version,
)

SEARCH_PROOF_LIFE = 86400.0  # seconds a proven search stays trusted
PROOF_TRIES = 3  # Beteiligte at most that are read to prove the search with
PROBE_AHEAD = 25  # how many ids above the highest known one a probe looks at
DIGEST = 32  # hex digits
ROWS_KNOWN = 2048  # of so many different rows of children the fingerprint is kept at hand
LONGEST_NAME, LONGEST_TOKEN = 60, 40  # characters the ledger keeps of a user's name or id, and of a time stamp


def _word(raw: object, longest: int = LONGEST_NAME) -> str | None:
    """A token, an id or a name as text; None for what no system means by one."""
    return raw if isinstance(raw, str) and len(raw) <= longest and raw.isprintable() else None


async def read_espo(context: Context, espo_id: str) -> EspoSeen:
    """The EspoCRM record as it is now."""
    entity = context.entity
    try:
        reply = await context.espo.read(entity.espo_type, espo_id)
    except Missing as error:
        return Absent() if error.certain else Unknown(error.reason)
    except Denied as error:
        return Unknown(error.reason)
    return espo_present(context, espo_id, reply.body, reply.date)


def espo_present(context: Context, espo_id: str, body: Mapping[str, Any], date: float | None) -> Present:
    """An answer that carries the whole EspoCRM record; raises `Retryable` if it is about something else."""
    if body.get("id") != espo_id:
        raise Retryable("espocrm", "the answer is not the record that was asked for")
    number = body.get("versionNumber")
    version = Version(
        token=_word(body.get("modifiedAt"), LONGEST_TOKEN),
        number=number if type(number) is int else None,
        changed_at=espo_time(body.get("modifiedAt")),
        changed_by=_word(body.get("modifiedById")) or _word(body.get("createdById")),
    )
    return Present(body, version, context.clock.monotonic(), date)


async def read_advoware(context: Context, advoware_id: int) -> Present | Absent | Unknown:
    """The Advoware record as it is now."""
    entity = context.entity
    if entity.child is not None:
        return await _read_row(context, entity.child, advoware_id)
    try:
        reply = await context.advoware.read(entity.path(advoware_id))
    except Missing as error:
        return Absent() if error.certain else Unknown(error.reason)
    except Denied as error:
        return Unknown(error.reason)
    body = reply.body
    if str(body.get(entity.advoware_id)) != str(advoware_id):
        raise Retryable("advoware", "the answer is not the record that was asked for")
    return Present(body, _advoware_version(body), context.clock.monotonic(), reply.date)


def _advoware_version(body: Mapping[str, Any]) -> Version:
    return Version(
        token=_word(body.get("rowId")),
        changed_at=local_time(body.get("geaendertAm")),
        changed_by=_word(body.get("geaendertVon")),
    )


async def read_rows(context: Context, child: Child) -> tuple[Mapping[str, Any], ...] | Unknown:
    """All rows of a child list of the record that the job's record belongs to, as they are now."""
    whose = context.whose
    if whose is None:
        return Unknown("whose record it is, is not known yet")
    try:
        listed: Any = await context.advoware.read_list(f"{whose.path}/{child.path}")
        if not listed:  # so does an answer without a body read: the whole object says for certain
            listed = (await context.advoware.read(whose.path)).body.get(child.advoware)
    except (Missing, Denied) as error:
        return Unknown(error.reason)
    rows = context.entity.rows({child.advoware: listed})
    if rows is None:
        raise Retryable("advoware", "a row of the list does not say which it is")
    return rows


async def _read_row(context: Context, child: Child, advoware_id: int) -> Present | Absent | Unknown:
    rows = await read_rows(context, child)
    if isinstance(rows, Unknown):
        return rows
    row = next((one for one in rows if context.entity.row_id(one) == advoware_id), None)
    if row is None:
        return Absent()
    return Present(row, _advoware_version(row), context.clock.monotonic(), siblings=rows)


async def read_back(context: Context, advoware_id: int) -> Present:
    """The Advoware record after a write to it; raises `Retryable` where it cannot be read."""
    after = await read_advoware(context, advoware_id)
    if not isinstance(after, Present):
        raise Retryable("advoware", "the record could not be read back after a write")
    return after


async def load(
    context: Context,
    memory: Memory,
    row: Mapping[str, Any],
    espo: EspoSeen | None = None,
    advoware: AdvowareSeen | None = None,
) -> Snapshot:
    """Read what is not given yet of both sides, at once where both ids are known."""
    espo_id = memory.key.espo_id
    if espo is None and advoware is None and memory.advoware_id is not None:
        espo, advoware = await asyncio.gather(read_espo(context, espo_id), read_advoware(context, memory.advoware_id))
    if espo is None:
        espo = await read_espo(context, espo_id)
    if not isinstance(espo, Present):
        return Snapshot(memory, espo, advoware or Unlinked())
    memory = await _with_admission(context, memory, row, espo)
    if not memory.admitted:
        return Snapshot(memory, espo)
    try:
        wanted = counterpart_id(context.entity, memory, espo)
    except Unmappable:
        return Snapshot(memory, espo)
    if wanted is None and context.entity.child is not None:
        return await _look_beside(context, context.entity.child, memory, espo)
    if wanted is None:
        memory, found = await _look_for(context, memory, espo)
        return Snapshot(memory, espo, found)
    if advoware is None or wanted != memory.advoware_id:
        advoware = await read_advoware(context, wanted)
    if wanted != memory.advoware_id or memory.state is not PairState.LINKED:
        rivals = await context.ledger.read(pairs.holders, memory.key.entity, [wanted], str(memory.key))
        memory = replace(memory, rivals=tuple(rivals.values()))
    return Snapshot(memory, espo, advoware)


async def _look_beside(context: Context, child: Child, memory: Memory, espo: Present) -> Snapshot:
    """Look for a counterpart in the list it must be in, which is complete."""
    rows = await read_rows(context, child)
    if isinstance(rows, Unknown):
        return Snapshot(memory, espo, rows)
    entity = context.entity
    ids = [int(row[entity.advoware_id]) for row in rows]
    taken = await context.ledger.read(pairs.holders, entity.name, ids, str(memory.key))
    found = tuple(_found(entity, row, taken) for row in rows)
    others = await unlinked(context, entity, espo.body[child.espo], but=memory.key.espo_id) if found else ()
    doubt = next((item for item in memory.intents if item.verb == "create"), None)
    if doubt is not None:
        memory = await _judge_doubt(context, memory, doubt, Search.TRUSTED)
    return Snapshot(memory, espo, Unlinked(found, Search.TRUSTED, others))


async def unlinked(context: Context, entity: Entity, parent_id: str, but: str = "") -> tuple[dict[str, Any], ...]:
    """The records EspoCRM has under a parent that belong to nothing in Advoware yet."""
    assert entity.child is not None
    of_parent = {"type": "equals", "attribute": entity.child.espo, "value": parent_id}
    names = ["id", entity.link, *(field.espo for field in entity.fields)]
    page = await context.espo.list(
        entity.espo_type, where=[of_parent], select=[name for name in names if name], order_by="id"
    )
    rows = {str(Key(entity.name, row["id"])): row for row in page.rows if row.get("id") != but}
    known = await context.ledger.read(pairs.get_many, list(rows)) if rows else {}
    living = {key for key, row in known.items() if row["state"] == PairState.LINKED}
    return tuple(row for key, row in rows.items() if key not in living)


async def _with_admission(context: Context, memory: Memory, row: Mapping[str, Any], espo: Present) -> Memory:
    """Whether the record takes part, and whether this ledger remembers its last sync."""
    body, names = espo.body, context.entity.status
    changes: dict[str, Any] = {}
    if context.settings.espo_filter:
        page = await context.espo.list(
            context.entity.espo_type,
            where=[{"type": "equals", "attribute": "id", "value": memory.key.espo_id}, *context.settings.espo_filter],
            select=["id"],
        )
        if not page.rows:
            return replace(memory, admitted=False)
    if not memory.admitted and context.entity.child is not None:
        changes["admitted"] = context.whose is not None
    elif not memory.admitted:
        began = await first_start(context, espo.served_at)
        changes["admitted"] = admitted_by(context.entity, body, began) is not None
    last_sync = body.get(names.last_sync)
    if memory.base and last_sync and last_sync != row["last_sync"]:
        gaps = await context.ledger.read(facts.get, "gaps", [])
        at = espo_time(last_sync)
        known = espo_time(row["last_sync"]) if row["last_sync"] else None
        forgotten = at is not None and (known is None or at > known)
        changes["unremembered"] = forgotten and any(start < (at or 0.0) < end for start, end in gaps)
    return replace(memory, **changes) if changes else memory


async def _look_for(context: Context, memory: Memory, espo: Present) -> tuple[Memory, Unlinked]:
    """Search Advoware for a counterpart, and say how far "nobody" may be believed."""
    doubt = next((item for item in memory.intents if item.verb == "create"), None)
    person = context.entity.fields
    name, first_name = (_searchable(context.entity, espo, doubt, field.name) for field in person[:2])
    rows: list[dict[str, Any]] = []
    trust = Search.UNTRUSTED
    mode = context.settings.search
    if mode == "list" and name:
        try:
            rows = await context.advoware.search(name, first_name or "")
            trust = await search_trust(context)
        except (Missing, Denied):  # this installation has no search
            rows = []
    elif mode == "probe" and doubt is not None:
        rows, trust = await _probe(context)
    if trust is Search.UNTRUSTED and context.settings.create_unchecked:
        trust = Search.WAIVED
    ids = [int(row[context.entity.advoware_id]) for row in rows]
    taken = await context.ledger.read(pairs.holders, memory.key.entity, ids, str(memory.key)) if ids else {}
    found = tuple(_found(context.entity, row, taken) for row in rows)
    if doubt is not None:
        memory = await _judge_doubt(context, memory, doubt, trust)
    return memory, Unlinked(found, trust)


def _searchable(entity: Entity, espo: Present, doubt: Intent | None, field: str) -> str | None:
    """What to search for: after a lost answer the name that was sent, else the name as it is."""
    if doubt is not None:
        return next((write.after for write in doubt.writes if write.field == field), None)
    try:
        return entity.field(field).parse(Side.ESPO, espo.body)
    except Unmappable:
        return None


def _found(entity: Entity, row: Mapping[str, Any], taken: Mapping[int, str]) -> Found:
    number = int(row[entity.advoware_id])
    return Found(number, row, local_time(row.get("angelegtAm")), row.get("angelegtVon"), number in taken)


async def _judge_doubt(context: Context, memory: Memory, doubt: Intent, trust: Search) -> Memory:
    """When a lost create may be repeated: nobody found one and two HTTP time-outs after it was sent."""
    age = context.clock.now() - doubt.sent_at
    nones = doubt.nones
    if trust is Search.TRUSTED:
        if age >= context.settings.doubt and nones >= 1:
            nones = 2
        elif age >= context.settings.http_timeout and nones == 0:
            nones = 1
        if nones != doubt.nones:
            await context.ledger.write(journal.not_found, doubt.id, nones)
    judged = replace(doubt, nones=nones, repeatable=nones >= 2, state=IntentState.IN_DOUBT)
    return replace(memory, intents=tuple(judged if item.id == doubt.id else item for item in memory.intents))


async def search_trust(context: Context) -> Search:
    """Believe "nobody found" only of a search that has found somebody who is known to be there.

    Whoever cannot be read proves nothing, and is no fault of the record that is searched for: another one is tried.
    """
    if context.search_proven:
        return Search.TRUSTED
    now = context.clock.now()
    proof = await context.ledger.read(facts.get, "search_proof")
    if proof is not None and now - proof < SEARCH_PROOF_LIFE:
        return Search.TRUSTED
    for known in await _some_known(context):
        seen = await _looked_at(context, known)
        if not isinstance(seen, Present):
            continue
        if not await _is_found(context, known, seen):
            return Search.UNTRUSTED
        await context.ledger.write(facts.put, "search_proof", now)
        return Search.TRUSTED
    return Search.UNTRUSTED


async def _is_found(context: Context, known: int, seen: Present) -> bool:
    """Whether the search finds a Beteiligten by his name."""
    entity = context.entity
    try:
        name, first_name = (field.parse(Side.ADVOWARE, seen.body) for field in entity.fields[:2])
        rows = await context.advoware.search(name or "", first_name or "")
    except (Outage, Credentials):
        raise
    except (PeerError, Unmappable):
        return False
    return known in [int(row[entity.advoware_id]) for row in rows]


async def _some_known(context: Context) -> list[int]:
    """A few who should be there: the search is proven with the first of them that can be read."""
    pairs_known = await context.ledger.read(pairs.some_linked, context.entity.name, PROOF_TRIES)
    if pairs_known:
        return pairs_known
    page = await context.espo.list(
        context.entity.espo_type,
        where=[{"type": "isNotNull", "attribute": context.entity.link}],
        select=["id", context.entity.link],
        max_size=PROOF_TRIES,
    )
    return [int(row[context.entity.link]) for row in page.rows]


async def _probe(context: Context) -> tuple[list[dict[str, Any]], Search]:
    """Where there is no search: look at the ids above the highest one known [A: ascending].

    "Nobody" is believed only where each of them was answered for.
    """
    pair = await context.ledger.read(pairs.highest, context.entity.name)
    start = pair or 0
    seen = await asyncio.gather(*(_looked_at(context, start + step) for step in range(1, PROBE_AHEAD + 1)))
    trust = Search.UNTRUSTED if any(isinstance(item, Unknown) for item in seen) else Search.TRUSTED
    return [dict(item.body) for item in seen if isinstance(item, Present)], trust


async def _looked_at(context: Context, advoware_id: int) -> Present | Absent | Unknown:
    """Somebody else's Beteiligter: that he cannot be read is not the fault of the record a job is about."""
    try:
        return await read_advoware(context, advoware_id)
    except (Outage, Credentials):
        raise
    except PeerError as error:
        return Unknown(error.reason)


def _entries_content(entries: EntryList, side: Side, seen: Present) -> Any:
    """What is mapped of a list; people's remarks are not, letter case and order neither."""
    if side is Side.ESPO:
        lists = entries.read_espo(seen.body)
        return {
            channel: sorted([one.form, one.type or "", one.main] for one in rows) for channel, rows in lists.items()
        }
    there = entries.read_advoware(seen.body, {})
    if there is None:
        return "?"
    return [[one.id, one.value, one.main] for one in there if one.value is not None]


def _children_content(child: Entity, seen: Present) -> Any:
    rows = child.rows(seen.body)
    if rows is None:
        return "?"
    return [[row[child.advoware_id], content_of(child, row)] for row in rows]


def content_of(entity: Entity, row: Mapping[str, Any]) -> str:
    """Fingerprint of what is mapped of a row in Advoware."""
    return _row_content(entity, json.dumps([row.get(field.advoware) for field in entity.fields]))


@lru_cache(maxsize=ROWS_KNOWN)
def _row_content(entity: Entity, raws: str) -> str:
    """The same of the raw values as JSON: a look at a parent's lists finds nearly all rows as the last one did."""
    row = {field.advoware: raw for field, raw in zip(entity.fields, json.loads(raws), strict=True)}
    return _hashed(_fields_content(entity, Side.ADVOWARE, row, entity.parsed(Side.ADVOWARE, row)), DIGEST)


def digest(entity: Entity, side: Side, seen: Present) -> str:
    """Fingerprint of everything that is mapped, to tell cheaply whether anything is new. 32 hex digits.

    With children in Advoware the second half of it is theirs: see `of_children`.
    """
    name = ("digest", entity, side is Side.ESPO)
    known: str | None = seen.known.get(name)
    if known is None:
        if side is Side.ADVOWARE and entity.children:
            known = _hashed(content(entity, side, seen), DIGEST // 2) + children_digest(entity, seen)
        else:
            known = _hashed(content(entity, side, seen), DIGEST)
        seen.known[name] = known
    return known


def of_children(fingerprint: str) -> str:
    """The part of a digest that tells of the lists of children."""
    return fingerprint[DIGEST // 2 :]


def children_digest(entity: Entity, seen: Present) -> str:
    """The same part for a record of Advoware."""
    known: str | None = seen.known.get(("children", entity))
    if known is None:
        lists = [_children_content(child, seen) for child in entity.children]
        known = seen.known["children", entity] = _hashed(lists, DIGEST // 2)
    return known


def content(entity: Entity, side: Side, seen: Present) -> list[Any]:
    """What is mapped of a record, but for its children."""
    own = [seen.body.get(entity.link)] if side is Side.ESPO else []
    own += _fields_content(entity, side, seen.body, seen.values(entity, side))
    own += [_entries_content(entries, side, seen) for entries in entity.lists]
    if entity.child is not None and side is Side.ESPO:
        own.append(seen.body.get(entity.child.espo))
    return own


@lru_cache(maxsize=32)
def names_in_espo(entity: Entity) -> tuple[str, ...]:
    """The attributes of EspoCRM that `content` is made of."""
    lists = [channel for entries in entity.lists for channel in entries.channels]
    parent = [entity.child.espo] if entity.child is not None else []
    return (entity.link, *(field.espo for field in entity.fields), *lists, *parent)


def _fields_content(entity: Entity, side: Side, body: Mapping[str, Any], values: tuple[Parsed, ...]) -> list[Any]:
    """What is mapped of the fields; what cannot be mapped, as it is."""
    return [
        ["?", field.raw(side, body)] if isinstance(value, Unmappable) else value
        for field, value in zip(entity.fields, values, strict=True)
    ]


_as_text = json.JSONEncoder(sort_keys=True, default=str).encode


def _hashed(content: Any, length: int) -> str:
    return hashlib.blake2b(_as_text(content).encode(), digest_size=length // 2).hexdigest()

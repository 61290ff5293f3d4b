"""Entries of child lists as people see them: on either side, of which kind, what is known of them, what waits. Pure.

The same lines for terminal and API. Decides nothing: what belongs together is `pairing`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mappers.spec import AdvowareEntry, Entity, EntryList, EspoEntry, Raw, Side, Unmappable
from syncd.model import Base, EntryWrite, Key, Memory
from syncd.pairing import entries_there, pair_up


class Known(StrEnum):
    """What the ledger, or the entry's own marker, says of an entry."""

    LINKED = "linked"  # the same entry on both sides
    TWIN = "twin"  # says in Advoware what a linked one says; EspoCRM has it once
    SLOT = "slot"  # emptied by us, to be used again
    EMPTY = "empty"  # emptied by a person
    UNKNOWN = "unknown"  # nobody has seen it before


_WORDS = {
    Known.LINKED: ("verknüpft", "linked"),
    Known.TWIN: ("Zwilling", "twin"),
    Known.SLOT: ("Slot", "slot"),
    Known.EMPTY: ("leer", "empty"),
    Known.UNKNOWN: ("unbekannt", "unknown"),
}
_UNMARKED = ("ohne Marker", "unmarked")


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry. A side is None or tells `value`, `kind`, `main`; Advoware's also `sure`, `marked` and `remark`.

    `entry` is the ledger's name of it, `waiting` the kind of question about it, `refused` what a side would not take.
    """

    list: str
    entry: str | None
    known: Known
    espocrm: Mapping[str, Any] | None
    advoware: Mapping[str, Any] | None
    waiting: str | None
    refused: Mapping[Side, str | None]


def listed(
    entity: Entity, memory: Memory, espo: Mapping[str, Raw] | None, advoware: Mapping[str, Raw] | None
) -> tuple[Listed, ...]:
    """Every entry both sides show now; a side that cannot be read shows none."""
    return tuple(line for entries in entity.lists for line in _of_list(entries, memory, espo or {}, advoware or {}))


def remembered(entity: Entity, key: str, record: Mapping[str, Any]) -> tuple[Listed, ...]:
    """Every entry as both sides last agreed on it, from what the ledger knows of a record (`inspect.record`)."""
    base = {row["field"]: Base(row["espo"], row["advoware"], row["rule"], row["shared"]) for row in record["base"]}
    memory = Memory(
        Key.parse(key),
        base=base,
        waiting={row["field"]: row["kind"] for row in record["conflicts"] if row["state"] in ("open", "decided")},
        quarantine={(Side(row["side"]), row["field"]): row["value"] for row in record["quarantine"]},
    )
    espo: dict[str, list[Raw]] = {}
    advoware: dict[str, list[Raw]] = {}
    for entries in entity.lists:
        espo |= {channel: [] for channel in entries.channels}
        owned = {number: base[name] for name in base if entries.owns(name) and (number := entries.id_of(name))}
        for number, agreed in owned.items():
            if isinstance(agreed.espo, Mapping):
                espo[entries.read_espo_entry(agreed.espo).channel].append(agreed.espo)
            advoware.setdefault(entries.advoware, []).append({**(agreed.advoware or {}), "id": number})
    return listed(entity, memory, espo, advoware)


def _of_list(
    entries: EntryList, memory: Memory, espo: Mapping[str, Raw], advoware: Mapping[str, Raw]
) -> Iterator[Listed]:
    here = entries.read_espo(espo)
    there = entries_there(entries, memory, advoware) or ()
    pairing = pair_up(entries, memory, here, there, person_set_type=False, unchanged_there=False)
    told: set[int] = set()
    for line in pairing.lines:
        if line.advoware is not None:
            told.add(line.advoware.id)
        elif line.espo is None:
            continue
        yield _line(entries, memory, line.name, Known.LINKED, line.espo, line.advoware)
    for one in pairing.twins:
        told.add(one.id)
        yield _line(entries, memory, entries.entry_name(one.id), Known.TWIN, None, one)
    for one in there:
        if one.id not in told:
            known = Known.UNKNOWN if one.value is not None else Known.SLOT if one.is_slot else Known.EMPTY
            yield _line(entries, memory, entries.entry_name(one.id), known, None, one)
    for other in pairing.new_espo:
        yield _line(entries, memory, None, Known.UNKNOWN, other, None)


def _line(
    entries: EntryList, memory: Memory, name: str | None, known: Known, espo: EspoEntry | None,
    advoware: AdvowareEntry | None,
) -> Listed:  # fmt: skip
    return Listed(
        list=entries.name,
        entry=name,
        known=known,
        espocrm=None if espo is None else _espo(entries, espo),
        advoware=None if advoware is None else _advoware(entries, advoware),
        waiting=memory.waiting.get(name) if name is not None else None,
        refused={side: value for (side, field), value in memory.quarantine.items() if field == name},
    )


def _espo(entries: EntryList, one: EspoEntry) -> dict[str, Any]:
    return {"value": entries.advoware_text(one), "kind": one.type, "main": one.main}


def _advoware(entries: EntryList, one: AdvowareEntry) -> dict[str, Any]:
    return {
        "value": one.raw.get("tlf"),
        "kind": entries.kind_name(one.kind),
        "sure": one.sure,
        "main": one.main,
        "marked": one.mark is not None,
        "remark": one.text,
    }


# --- words ------------------------------------------------------------------------------------


def columns(line: Listed, language: str) -> tuple[str, str, str, str, str]:
    """An entry as one row: EspoCRM, Advoware, what is known of it, people's remark, what waits."""
    german = language == "de"
    known = _WORDS[line.known][0 if german else 1]
    if line.known is Known.LINKED and line.advoware is not None and not line.advoware["marked"]:
        known = f"{known}, {_UNMARKED[0 if german else 1]}"
    waits = [line.waiting] if line.waiting is not None else [f"refused_{side}" for side in line.refused]
    remark = line.advoware["remark"] if line.advoware is not None else ""
    return _cell(line.espocrm, "primary"), _cell(line.advoware, "online"), known, remark or "–", ", ".join(waits) or "–"


def _cell(side: Mapping[str, Any] | None, main: str) -> str:
    if side is None:
        return "–"
    kind = side["kind"] or "" if side.get("sure", True) else f"{side['kind']}?"
    return " ".join(part for part in (side["value"] or "(empty)", kind, f"({main})" if side["main"] else "") if part)


def raw_words(entity: Entity, field: str, raw: Raw) -> Raw:
    """An entry of either side as journal and history keep it, in a few words; other values as they are."""
    entries = next((one for one in entity.lists if one.owns(field)), None)
    if entries is None or not isinstance(raw, Mapping):
        return raw
    if any(name in raw for name in entries.channels.values()):
        return _told_espo(entries, raw)
    return _told_advoware(entries, raw)


def entry_words(entries: EntryList, write: EntryWrite) -> str:
    """What is done to one entry, in one line."""
    if not write.body:
        return _told_espo_write(entries, write)
    after = write.body
    if write.id is None:
        return f"add {_told_advoware(entries, after)}"
    before = write.before if isinstance(write.before, Mapping) else {}
    if write.after is None:
        return f"{write.id}: {_told_advoware(entries, before)} is emptied and becomes a slot"
    said = [_told_advoware(entries, before)]
    if (before.get("tlf") or "") != after["tlf"]:
        said.append(f"becomes {after['tlf']}")
    if bool(before.get("online")) != after["online"]:
        said.append("is online" if after["online"] else "is online no more")
    if entries.split(before.get("bemerkung"))[0] != entries.split(after["bemerkung"])[0]:
        said.append("gets a marker")
    return f"{write.id}: {said[0]} {' and '.join(said[1:]) or 'gets its remark back'}"


def _told_espo_write(entries: EntryList, write: EntryWrite) -> str:
    if write.before is None:
        return f"{write.channel}: add {write.after}"
    before = _told_espo(entries, write.before)
    if write.after is None:
        return f"{write.channel}: remove {before}"
    same = entries.codec.parse(Side.ESPO, write.before) == write.after
    return f"{write.channel}: {before} {'is primary' if same else f'becomes {write.after}'}"


def _told_espo(entries: EntryList, raw: Mapping[str, Raw]) -> str:
    try:
        return _cell(_espo(entries, entries.read_espo_entry(raw)), "primary")
    except Unmappable:
        return "(empty)"


def _told_advoware(entries: EntryList, raw: Mapping[str, Raw]) -> str:
    kind = raw.get("kommKz")
    side = {"value": raw.get("tlf"), "kind": entries.kind_name(kind) if kind else "", "main": bool(raw.get("online"))}
    return _cell(side, "online")

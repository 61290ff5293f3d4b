"""What both sides agree on once a write of ours is confirmed: the new base of the entries it was about. Pure.

Stored with the confirmation, so that a job killed right after leaves nothing that looks like a
person's edit. Facts a person changed and this write did not carry, as a type, stay to be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mappers.spec import AdvowareEntry, EntryList, EspoEntry, Raw, Side, Unmappable
from syncd.model import Base, EntryWrite, Memory, Present
from syncd.pairing import entries_there, pair_up, shared_name
from syncd.remarks import REMARK


def after_write(
    entries: EntryList, memory: Memory, entry: EntryWrite, found: AdvowareEntry, shown: Present
) -> dict[str, Base]:
    """After an entry was written to Advoware and read back: the base, where EspoCRM shows the same already.

    `shown` is EspoCRM's record. What it showed for the entry before must be gone from there, or it would look new.
    """
    if entry.after is None or found.form != entry.after or not isinstance(entry.other, Mapping):
        return {}
    espo = entries.read_espo_entry(entry.other)
    if espo.form != entry.after:
        return {}
    name = entries.entry_name(found.id)
    before = memory.base.get(name)
    if before is not None and isinstance(before.espo, Mapping):
        old = entries.read_espo_entry(before.espo)
        if old.form != espo.form and any(one.form == old.form for one in entries.read_espo(shown.body)[old.channel]):
            return {}
    known = _known_type(entries, memory, name, espo)
    raw = entries.with_type(espo.raw, known.type) if known is not None else dict(espo.raw)
    return {name: _base(entries, espo, raw, _with_kind(found.raw, entry.kind))}


def after_patch(
    entries: EntryList, memory: Memory, before: Present, advoware: object, sent: Sequence[EntryWrite], after: Present
) -> dict[str, Base | None]:
    """After lists were written to EspoCRM: bases of the entries sent and of those that became the main one, or no more.

    None forgets an entry that neither side has now. Nobody chose a main entry that our PATCH made one.
    """
    now = {(one.channel, one.form): one for rows in entries.read_espo(after.body).values() for one in rows}
    agreed: dict[str, Base | None] = {}
    for write in sent:
        if write.after is None and write.other is None:
            agreed.setdefault(write.name, None)
    agreed |= _main_moved(entries, memory, before, advoware, sent, now)
    for write in sent:
        value = _form(entries, write.other)
        espo = now.get((write.channel, value)) if value is not None and write.after in (value, None) else None
        if espo is not None and isinstance(write.other, Mapping):
            raw = dict(espo.raw)
            known = _known_type(entries, memory, write.name, espo)
            if known is not None and isinstance(write.before, Mapping) and _type(entries, write.before) == espo.type:
                raw = entries.with_type(raw, known.type)
            there = dict(write.other)
            if write.name in memory.stuck:  # its marker could not be written: without a remark, the base says so
                there.pop(REMARK, None)
            agreed[write.name] = _base(entries, espo, raw, there)
    return agreed


def _main_moved(
    entries: EntryList, memory: Memory, before: Present, advoware: object, sent: Sequence[EntryWrite],
    now: Mapping[tuple[str, str], EspoEntry],
) -> dict[str, Base]:  # fmt: skip
    there = entries_there(entries, memory, advoware.body) if isinstance(advoware, Present) else ()
    here = entries.read_espo(before.body)
    pairing = pair_up(entries, memory, here, there or (), person_set_type=False, unchanged_there=False)
    became = {write.name: (write.channel, write.after) for write in sent if write.after is not None}
    moved = {}
    for line in pairing.lines:
        base = memory.base.get(line.name)
        if line.espo is None or base is None or not isinstance(base.espo, Mapping):
            continue
        shown = now.get(became.get(line.name, (line.espo.channel, line.espo.form)))
        if shown is not None and shown.main != line.espo.main:
            moved[line.name] = replace(base, espo={**base.espo, entries.main: shown.main})
    return moved


def _base(entries: EntryList, espo: EspoEntry, raw: dict[str, Any], advoware: Mapping[str, Raw]) -> Base:
    return Base(raw, dict(advoware), entries.rule, shared_name((espo.channel, espo.form)))


def _with_kind(raw: Mapping[str, Raw], kind: int) -> dict[str, Raw]:
    """What is known of an entry's kind since we made it, although Advoware tells it of none."""
    return {**raw, "kommKz": kind} if kind and not raw.get("kommKz") else dict(raw)


def _known_type(entries: EntryList, memory: Memory, name: str, espo: EspoEntry) -> EspoEntry | None:
    """EspoCRM's entry as it was last agreed on, if its type is another one now."""
    base = memory.base.get(name)
    if base is None or not isinstance(base.espo, Mapping):
        return None
    known = entries.read_espo_entry(base.espo)
    return known if known.channel == espo.channel and known.type != espo.type else None


def _type(entries: EntryList, raw: Mapping[str, Raw]) -> str | None:
    return entries.read_espo_entry(raw).type


def _form(entries: EntryList, raw: Raw) -> str | None:
    try:
        return entries.codec.parse(Side.ADVOWARE, raw)
    except Unmappable:
        return None

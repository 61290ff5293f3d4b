"""Entries of a list that a person wants back as they were: how Advoware spelt them, which type they had. Pure.

Knows no ledger; a decision brings along the raw entry the history has kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from mappers.spec import AdvowareEntry, EntryList, EspoEntry, Side
from syncd.evidence import LOST
from syncd.model import Decision, EntryWrite, Memory
from syncd.remarks import wanted_remark


def gone_ones(entries: EntryList, memory: Memory) -> list[tuple[str, Decision]]:
    """Entries a person wants back that neither side had when that was decided."""
    return [
        (name, decision)
        for name, decision in memory.decisions.items()
        if entries.owns(name) and not name.startswith(entries.entry_name(LOST))
        if decision.value is not None and decision.saw_espo is None and decision.saw_advoware is None
    ]


def spelt(entries: EntryList, decision: Decision) -> str:
    """How the chosen value is written in Advoware: as it was there, where that is known."""
    before = decision.before
    written = before.get("tlf") if isinstance(before, Mapping) else None
    if written and entries.codec.parse(Side.ADVOWARE, written) == decision.value:
        return str(written)
    return decision.value or ""


def filled_again(entries: EntryList, one: AdvowareEntry, name: str, decision: Decision) -> EntryWrite | None:
    """The PUT that gives an emptied entry its value back; None where an entry of its kind is not for such a value."""
    if decision.value is None or entries.obstacle(one.channel, decision.value) is not None:
        return None
    tlf = spelt(entries, decision)
    body = entries.advoware_raw(tlf, wanted_remark(entries, one, tlf), False)
    return EntryWrite(name, one.channel, one.raw, decision.value, None, one.id, body)


def as_in_espo(entries: EntryList, decision: Decision) -> EspoEntry | None:
    """The entry as EspoCRM is to show it, with the type it had; None where no list of EspoCRM can keep it."""
    value, before = decision.value or "", decision.before if isinstance(decision.before, Mapping) else {}
    if any(name in before for name in entries.channels.values()):
        return entries.read_espo_entry(before)
    channel = next((one for one in entries.channels if entries.obstacle(one, value) is None), None)
    if channel is None:
        return None
    return entries.read_espo_entry(entries.espo_raw(channel, value, entries.type_of(before.get("kommKz") or 0), False))

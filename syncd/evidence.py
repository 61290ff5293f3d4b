"""What people typed into EspoCRM and what is nowhere now: found by the webhooks that told of it. Pure.

A list PATCH replaces the whole list, so a number a clerk adds between our read and our PATCH is
gone from EspoCRM without a trace. The webhook of her save still carries it, late as it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from mappers.spec import AdvowareEntry, EntryList, EspoEntry, Side, Unmappable
from syncd.model import Evidence, Keep, Memory
from syncd.pairing import Place, place

LOST_ENTRY = "lost_entry"
LOST = "lost:"  # tail of such an entry's name in the ledger
SPAN = 3600.0  # seconds before a webhook's arrival in which a PATCH of ours may have taken what it tells of


def lost_entries(
    entries: EntryList, memory: Memory, here: Mapping[str, tuple[EspoEntry, ...]], there: Iterable[AdvowareEntry]
) -> list[Keep]:
    """Entries of a webhook's list that neither side has and that were never kept the same: only our PATCH took them."""
    evidence = memory.evidence
    if evidence is None or not _may_have_been_us(evidence):
        return []
    told: dict[str, tuple[EspoEntry, ...]] = {}
    for body in evidence.told:
        told |= entries.read_espo({name: body[name] for name in entries.channels if name in body})
    known = {(one.channel, one.form) for rows in here.values() for one in rows}
    known |= {where for one in there if (where := place(one)) is not None}
    forms = _forms(entries, memory, evidence)
    lost = [one for rows in told.values() for one in rows if (one.channel, one.form) not in known]
    return [
        Keep(lost_name(entries, (one.channel, one.form)), Side.ADVOWARE, one.form, None, None, LOST_ENTRY)
        for one in lost
        if one.form not in forms
    ]


def lost_name(entries: EntryList, where: Place) -> str:
    """The ledger's name of an entry that is nowhere."""
    return entries.entry_name(LOST + hashlib.blake2b(" ".join(where).encode(), digest_size=6).hexdigest())


def _may_have_been_us(evidence: Evidence) -> bool:
    return evidence.patched_at is not None and evidence.patched_at > evidence.arrived_at - SPAN


def _forms(entries: EntryList, memory: Memory, evidence: Evidence) -> set[str | None]:
    """Values we have dealt with before: whoever took them away later meant it."""
    raws = [*evidence.traces]
    raws += [raw for base in memory.base.values() for raw in (base.espo, base.advoware) if isinstance(raw, Mapping)]
    forms = set()
    for raw in raws:
        try:
            forms.add(entries.codec.parse(Side.ESPO, raw))
        except Unmappable:
            continue
    return forms

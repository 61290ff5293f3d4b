"""The remark of an entry: our marker before people's text, which is never lost to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.spec import AdvowareEntry, EntryList, Mark, Side, Unmappable
from syncd.model import Base, FieldWrite

REMARK = "bemerkung"  # what Advoware calls it


def owes_marker(base: Base | None) -> bool:
    """Whether the value was agreed on by a job that could not write its marker: the base says nothing of the remark."""
    return base is not None and isinstance(base.advoware, Mapping) and REMARK not in base.advoware


def wanted_remark(entries: EntryList, one: AdvowareEntry, tlf: str) -> str:
    """The remark with the marker of the value `tlf`; people's text alone where both would not fit."""
    if _marks(entries, one, tlf):
        return str(one.raw.get(REMARK) or "")
    whole = entries.remark(Mark(tlf, one.kind if one.sure else 0), one.text)
    return one.text if whole is None else whole


def _marks(entries: EntryList, one: AdvowareEntry, tlf: str) -> bool:
    """Whether the remark has a marker of this value already, in whatever spelling."""
    if one.mark is None or one.mark.value is None:
        return False
    try:
        return entries.codec.parse(Side.ADVOWARE, one.mark.value) == entries.codec.parse(Side.ADVOWARE, tlf)
    except Unmappable:
        return False


def cut_text(entries: EntryList, one: AdvowareEntry | None, write: FieldWrite) -> str | None:
    """People's text in the remark a write of ours sent, where Advoware kept only the start of that; else None."""
    if one is None or write.sent is None:
        return None
    before = write.before.get(REMARK) if isinstance(write.before, Mapping) else None
    sent, now = str(write.sent.get(REMARK) or ""), str(one.raw.get(REMARK) or "")
    cut = now not in ("", sent, before) and sent.startswith(now)
    return entries.split(sent)[1] if cut else None

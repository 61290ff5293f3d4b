"""The remark of an entry: our marker before people's text, which is never lost to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.spec import AdvowareEntry, EntryList, Mark, Raw, Side, Unmappable


def wanted_remark(entries: EntryList, one: AdvowareEntry, tlf: str) -> str:
    """The remark with the marker of the value `tlf`; people's text alone where both would not fit."""
    if _marks(entries, one, tlf):
        return str(one.raw.get("bemerkung") or "")
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


def cut_text(entries: EntryList, one: AdvowareEntry | None, before: Raw) -> str | None:
    """People's text as it was before our write, where Advoware kept only the start of what we sent; else None."""
    if one is None or not isinstance(before, Mapping):
        return None
    text = entries.split(before.get("bemerkung"))[1]
    now = str(one.raw.get("bemerkung") or "")
    if one.mark is None and now and now != text and now.startswith("[ESPOCRM"):
        return text
    return text if one.mark is not None and one.text != text and text.startswith(one.text) else None

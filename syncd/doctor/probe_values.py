"""What a probe writes into a test record, and how everything gets back to what it was. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mappers.beteiligte import SALUTATION
from mappers.spec import Canonical, Entity, EntryList, Field, Side, Unmappable
from syncd.doctor.answers import number, rows, table

TEXT = "syncd probe"
OTHER_TEXT = "syncd probe 2"
DAY, OTHER_DAY = "1901-02-03", "1902-03-04"
MARK = "syncd probe"  # a Kommunikation with this remark may be emptied and filled for a moment
LENGTHS = (4000, 2000, 1000, 512, 255)  # characters of a remark, tried from the longest on
_STAMPS = ("rowId", "geaendertAm", "geaendertVon", "angelegtAm", "angelegtVon")

Body = Mapping[str, Any]


def trials(mapped: Field) -> tuple[str, ...]:
    """Canonical values a probe may write into a field."""
    if mapped.codec.name == "day":
        return (DAY, OTHER_DAY)
    return ("Herr", "Frau") if mapped.codec is SALUTATION else (TEXT, OTHER_TEXT)


def trial(mapped: Field, body: Body) -> str:
    """One of them that is not there already."""
    now = shown(mapped, body)
    return next(one for one in trials(mapped) if one != now)


def shown(mapped: Field, body: Body) -> Canonical:
    """A field's value; what cannot be read counts as none."""
    try:
        return mapped.parse(Side.ADVOWARE, body)
    except Unmappable:
        return None


def to_put_back(entity: Entity, before: Body, now: Body) -> dict[str, Any]:
    """Attributes that show a value of the probe, or none, where they held another. A person's value stays."""
    return {
        field.advoware: before.get(field.advoware)
        for field in entity.fields
        if shown(field, now) != shown(field, before) and shown(field, now) in (None, *trials(field))
    }


def still_other(entity: Entity, before: Body, now: Body) -> list[Field]:
    """Fields that are not as they were."""
    return [field for field in entity.fields if shown(field, now) != shown(field, before)]


def emptied(entity: Entity, before: Body, now: Body, sent: str) -> list[str]:
    """Plain values that were there before a PUT that did not carry them, and are not any more."""
    left_out = {entity.advoware_id, sent, *_STAMPS}
    names = [name for name, raw in before.items() if name not in left_out and _is_plain(raw)]
    lost = [name for name in names if not _is_plain(now.get(name))]
    for entries in entity.lists:
        if len(rows(now.get(entries.advoware))) < len(rows(before.get(entries.advoware))):
            lost.append(entries.advoware)
    return lost


def _is_plain(raw: object) -> bool:
    return isinstance(raw, str | int | float) and (not isinstance(raw, str) or bool(raw.strip()))


def marked(entries: EntryList, body: Body) -> list[Body]:
    """Entries a person has set aside for the probe by their remark."""
    found = [table(row) for row in rows(body.get(entries.advoware))]
    return [
        row
        for row in found
        if number(row.get("id")) is not None
        and isinstance(remark := row.get("bemerkung"), str)
        and remark.strip().lower() == MARK
    ]


def entry(entries: EntryList, body: Body, entry_id: int) -> Body:
    """An entry by its id; {} where it is gone."""
    return next((one for one in map(table, rows(body.get(entries.advoware))) if one.get("id") == entry_id), {})


def entry_body(row: Body) -> dict[str, Any]:
    """What a PUT of an entry carries."""
    return {"tlf": row.get("tlf"), "bemerkung": row.get("bemerkung"), "online": bool(row.get("online"))}


def differs(before: Body, now: Body) -> bool:
    """Whether an entry is not as it was; blanks are one value."""
    return any((before.get(name) or "") != (now.get(name) or "") for name in ("tlf", "bemerkung", "online"))


def long_remark(length: int) -> str:
    """A text of which one can see where it was cut."""
    return "".join(f"{place:>5}." for place in range(6, length + 12, 6))[:length].replace(" ", "-")


def instruction(number_: int, what: str, value: object) -> str:
    """What a person must type, where putting back did not work."""
    told = "nothing" if value in (None, "") else f"»{value}«"
    return f"Beteiligter {number_}, {what}: enter {told}"

"""The addresses of a Beteiligter: EspoCRM's `CAdressen`, Advoware's list `adressen`.

Advoware's PUT changes street, postal code, town and letter block; all else is stored by POST alone, and nothing can be
deleted. A row made by us carries EspoCRM's id at the start of its remark, which cannot be changed afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mappers.normal import DAY, TEXT, TICK, blank_for_none, same, text
from mappers.shape import Kind, Made, Parent, Shape, Words, line
from mappers.spec import Can, Canonical, Child, Codec, Entity, Field, Raw, StatusFields

_MARK = re.compile(r"\[ESPOCRM:([A-Za-z0-9_-]{1,40})\]\s*")


def signed_by(row: Mapping[str, Raw]) -> str | None:
    """EspoCRM's id in our mark at the start of a row's remark."""
    found = _MARK.match(str(row.get("bemerkung") or ""))
    return found[1] if found else None


def sign(espo_id: str, row: Mapping[str, Raw]) -> dict[str, Raw]:
    """A row to be created, with our mark before people's remark."""
    remark = str(row.get("bemerkung") or "")
    return {**row, "bemerkung": f"[ESPOCRM:{espo_id}] {remark}".rstrip()}


def _peoples_remark(raw: Raw) -> Canonical:
    """What people wrote, without our mark, and without those of rows it was copied from."""
    value = text(raw)
    while value is not None and (mark := _MARK.match(value)):
        value = text(value[mark.end() :])
    return value


REMARK = Codec("remark", _peoples_remark, _peoples_remark, same, blank_for_none)


def _place(row: Mapping[str, Raw]) -> str:
    return f"Nr. {row.get('reihenfolgeIndex') or '?'}"


ADRESSEN = Entity(
    name="adressen",
    espo_type="CAdressen",
    advoware_path="",
    link="",
    advoware_id="id",
    fields=(
        Field("strasse", "adresseStreet", "strasse", TEXT, shape=line("Straße", "Street", 255)),
        Field("plz", "adressePostalCode", "plz", TEXT, shape=line("PLZ", "Postal Code", 40)),
        Field("ort", "adresseCity", "ort", TEXT, shape=line("Ort", "City", 100)),
        Field("anschrift", "anschrift", "anschrift", TEXT, shape=Shape(Words("Anschrift", "Letter Block"), Kind.TEXT)),
        Field("land", "adresseCountry", "land", TEXT, Can.CREATE_ONLY, shape=line("Land", "Country", 100)),
        Field("postfach", "postfach", "postfach", TEXT, Can.CREATE_ONLY, shape=line("Postfach", "PO Box", 100)),
        Field(
            "postfachplz", "postfachPlz", "postfachPLZ", TEXT, Can.CREATE_ONLY,
            shape=line("PLZ des Postfachs", "PO Box Postal Code", 40),
        ),
        Field(
            "standard", "standard", "standardAnschrift", TICK, Can.CREATE_ONLY,
            shape=Shape(Words("Standardanschrift", "Default Address"), Kind.YES_NO),
        ),
        Field(
            "bemerkung", "bemerkung", "bemerkung", REMARK, Can.CREATE_ONLY,
            shape=Shape(Words("Bemerkung", "Remark"), Kind.TEXT),
        ),
        Field(
            "gueltigvon", "gueltigVon", "gueltigVon", DAY, Can.CREATE_ONLY,
            shape=Shape(Words("Gültig von", "Valid From"), Kind.DAY),
        ),
        Field(
            "gueltigbis", "gueltigBis", "gueltigBis", DAY, Can.CREATE_ONLY,
            shape=Shape(Words("Gültig bis", "Valid Until"), Kind.DAY),
        ),
    ),
    reachable_at=lambda side, body: frozenset(),
    status=StatusFields(error="", retries="", next_retry="", auto_reset=""),
    made=Made(
        "Base",
        Words("Adresse", "Address"),
        Words("Adressen", "Addresses"),
        parent=Parent("beteiligte", "adressen", "beteiligter"),
    ),
    child=Child(
        parent="beteiligte",
        espo="beteiligterId",
        advoware="adressen",
        path="Adressen",
        index="reihenfolgeIndex",
        alike=(
            ("strasse", "plz", "ort", "anschrift", "land", "postfach", "postfachplz"),
            ("strasse", "plz", "ort", "postfach", "postfachplz"),
        ),
        title=("strasse", "plz", "ort"),
        words=Words("Adressen", "Adressen"),
        place=_place,
        sign=sign,
        signed_by=signed_by,
        single="standard",
    ),
)  # fmt: skip

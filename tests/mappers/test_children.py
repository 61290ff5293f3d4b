"""Addresses and accounts as both systems show them, and what their declarations promise."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.adressen import ADRESSEN, signed_by
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.spec import Can, Entity, Policy, Side
from syncd.titles import titled

ADDRESS_HERE: dict[str, Any] = {
    "id": "6b00157885a79127e", "name": "Lange Gasse 3", "deleted": False, "beteiligterId": "6b0015787a120a0a7",
    "adresseStreet": "Lange Gasse 3", "adressePostalCode": "30159", "adresseCity": "Hannover", "adresseCountry": "D",
    "anschrift": "Frau\nIda Neumann\nLange Gasse 3\n30159 Hannover", "postfach": None, "postfachPlz": None,
    "standard": True, "bemerkung": "nur bis Mai", "gueltigVon": "2026-01-01", "gueltigBis": None,
    "syncStatus": "clean", "advowareRowId": "FBABAAAABJDPAOAAAAAAAAAAAAAAAAAAAAAAAAAB",
    "createdAt": "2026-11-20 08:00:00", "modifiedAt": "2026-11-20 08:00:00", "versionNumber": 3,
}  # fmt: skip
ADDRESS_THERE: dict[str, Any] = {
    "id": 88_412, "betnr": 104_860, "rowId": "FBABAAAABJDPAOAAAAAAAAAAAAAAAAAAAAAAAAAB", "reihenfolgeIndex": 2,
    "strasse": "Lange Gasse 3", "plz": "30159", "ort": "Hannover", "land": "D", "postfach": "", "postfachPLZ": "",
    "anschrift": "Frau\r\nIda Neumann\r\nLange Gasse 3\r\n30159 Hannover", "standardAnschrift": True,
    "bemerkung": "[ESPOCRM:6b00157885a79127e] nur bis Mai", "gueltigVon": "2026-01-01T00:00:00", "gueltigBis": None,
}  # fmt: skip
ACCOUNT_HERE: dict[str, Any] = {
    "id": "6b00157899bb01c42", "name": "DE89370400440532013000, Ida Neumann", "beteiligterId": "6b0015787a120a0a7",
    "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX", "bankname": "Sandkasse", "kontoinhaber": "Ida Neumann",
    "istAktiv": True, "istStandard": False, "advowareKontoId": 5_117, "syncStatus": "clean",
}  # fmt: skip
ACCOUNT_THERE: dict[str, Any] = {
    "id": 5_117, "rowId": "FBABAAAACJDPAOAAAAAAAAAAAAAAAAAAAAAAAAAB", "iban": "DE89370400440532013000",
    "bic": "COBADEFFXXX", "bank": "Sandkasse", "kontoinhaber": "Ida Neumann",
}  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "here", "there"),
    [(ADRESSEN, ADDRESS_HERE, ADDRESS_THERE), (BANKVERBINDUNGEN, ACCOUNT_HERE, ACCOUNT_THERE)],
    ids=["address", "account"],
)
def test_both_sides_say_the_same(entity: Entity, here: dict[str, Any], there: dict[str, Any]) -> None:
    assert entity.canonical(Side.ESPO, here) == entity.canonical(Side.ADVOWARE, there)
    assert titled(entity, Side.ESPO, here) == titled(entity, Side.ADVOWARE, there)
    assert entity.child is not None
    assert entity.child.espo in here
    listed = {entity.child.advoware: [there]}
    assert entity.rows(listed) == (there,)


def test_a_row_of_ours_tells_whose_it_is_and_another_does_not() -> None:
    assert signed_by(ADDRESS_THERE) == ADDRESS_HERE["id"]
    for remark in (None, "", "nur bis Mai", "siehe [ESPOCRM:6b00]", "[ESPOCRM:]", "[ESPOCRM-SLOT:3]"):
        assert signed_by({"bemerkung": remark}) is None


def test_what_a_put_changes_is_declared_and_nothing_of_an_account() -> None:
    changed = {field.name for field in ADRESSEN.fields if field.can is Can.UPDATE}
    assert changed == {"strasse", "plz", "ort", "anschrift"}
    assert {field.can for field in BANKVERBINDUNGEN.fields} == {Can.REPLACE, Can.CREATE_ONLY}
    assert BANKVERBINDUNGEN.field("iban").policy is Policy.MANUAL


def test_people_find_a_row_by_what_the_place_says() -> None:
    for entity, row, place in ((ADRESSEN, ADDRESS_THERE, "Nr. 2"), (BANKVERBINDUNGEN, ACCOUNT_THERE, "IBAN DE89")):
        assert entity.child is not None
        assert entity.child.place(row).startswith(place)


@pytest.mark.parametrize("listed", [None, "x", {}, [{"id": None}], [{"id": "7"}], [{"id": True}], [{}], [None]])
def test_a_list_that_cannot_be_told_is_none(listed: Any) -> None:
    assert ADRESSEN.rows({"adressen": listed}) is None


def test_every_child_is_its_parents_and_hangs_on_it_by_the_link_that_is_made() -> None:
    assert BETEILIGTE.children == (ADRESSEN, BANKVERBINDUNGEN)
    for entity in BETEILIGTE.children:
        assert entity.child is not None
        assert entity.made is not None
        assert entity.made.parent is not None
        assert entity.child.parent == entity.made.parent.entity == BETEILIGTE.name
        assert entity.child.espo == f"{entity.made.parent.foreign}Id"
        names = {field.name for field in entity.fields}
        assert {*entity.child.title, *(name for group in entity.child.alike for name in group)} <= names

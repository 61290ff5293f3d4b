"""Contract with Advoware: Kommunikation, Adressen, Bankverbindungen of a Beteiligter."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from services.errors import Denied, Missing, PeerError
from tests.contract.targets import Advoware, path

ADRESSE = {
    "strasse": "Vertragsteststr. 1",
    "plz": "30159",
    "ort": "Hannover",
    "land": "D",
    "anschrift": "Ida Vertragstest\r\nVertragsteststr. 1\r\n30159 Hannover",
    "postfach": "12 34",
    "postfachPLZ": "30001",
    "bemerkung": "Vertragstest",
}
BANK = {"bic": "TESTDEFFXXX", "bank": "Vertragstestbank", "kontoinhaber": "Ida Vertragstest"}


async def add(advoware: Advoware, betnr: int, kind: str, values: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The Beteiligter before, and the entry that was added, as it reads."""
    before = await advoware.read(betnr)
    shown = {"Kommunikationen": "kommunikation", "Adressen": "adressen", "Bankverbindungen": "bankkverbindungen"}
    known = {one["id"] for one in before[shown[kind]]}
    await advoware.client.create(path(betnr, kind), values)
    after = await advoware.read(betnr)
    [entry] = [one for one in after[shown[kind]] if one["id"] not in known]
    return before, entry


async def number(advoware: Advoware, **values: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
    betnr = await advoware.person()
    sent = {"tlf": f"0511 {uuid4().int % 10**8}", "bemerkung": "Vertragstest", "kommKz": 1, "online": False, **values}
    before, entry = await add(advoware, betnr, "Kommunikationen", sent)
    return betnr, before, {**entry, "sent": sent}


async def test_an_added_number_reads_as_sent_but_its_kind(advoware: Advoware) -> None:
    _, _, entry = await number(advoware)
    assert {one: entry[one] for one in ("tlf", "bemerkung", "online")} == {
        one: entry["sent"][one] for one in ("tlf", "bemerkung", "online")
    }
    assert entry["kommKz"] in (0, 1)
    assert re.fullmatch(r"[A-Z]{40}", entry["rowId"])


async def test_a_number_does_not_move_the_row_id_of_its_beteiligter(advoware: Advoware) -> None:
    betnr, before, entry = await number(advoware)
    assert (await advoware.read(betnr))["rowId"] == before["rowId"]
    await advoware.client.replace(path(betnr, "Kommunikationen", entry["id"]), {**_put(entry), "tlf": "0511 999"})
    assert (await advoware.read(betnr))["rowId"] == before["rowId"]


async def test_a_put_changes_number_and_remark_and_silently_not_the_kind(advoware: Advoware) -> None:
    betnr, _, entry = await number(advoware)
    wanted = {**_put(entry), "tlf": "0511 998", "bemerkung": "anders", "kommKz": 3}
    await advoware.client.replace(path(betnr, "Kommunikationen", entry["id"]), wanted)
    [after] = [one for one in (await advoware.read(betnr))["kommunikation"] if one["id"] == entry["id"]]
    assert (after["tlf"], after["bemerkung"]) == ("0511 998", "anders")
    assert after["kommKz"] == entry["kommKz"]
    assert after["rowId"] != entry["rowId"]


async def test_a_number_can_be_emptied_but_not_deleted(advoware: Advoware) -> None:
    betnr, _, entry = await number(advoware)
    with pytest.raises(Denied):
        await advoware.client.delete(path(betnr, "Kommunikationen", entry["id"]))
    await advoware.client.replace(path(betnr, "Kommunikationen", entry["id"]), {**_put(entry), "tlf": ""})
    [after] = [one for one in (await advoware.read(betnr))["kommunikation"] if one["id"] == entry["id"]]
    assert not (after["tlf"] or "").strip()


async def test_a_mobile_number_shows_among_the_convenience_copies(advoware: Advoware) -> None:
    betnr, _, entry = await number(advoware, kommKz=3)
    mobiles = (await advoware.read(betnr))["mobil"]
    assert mobiles  # in a live system an older one may come first
    if advoware.switch is not None:
        assert mobiles == entry["sent"]["tlf"]


async def test_an_address_is_stored_whole_and_of_a_put_four_fields_hold(advoware: Advoware) -> None:
    betnr = await advoware.person()
    _, entry = await add(advoware, betnr, "Adressen", ADRESSE)
    assert {one: entry[one] for one in ADRESSE} == ADRESSE
    changed = {"strasse": "Neue Str. 2", "plz": "30161", "ort": "Celle", "anschrift": "Neue Str. 2\r\n30161 Celle"}
    wanted = {**entry, **changed, "land": "A", "bemerkung": "anders"}
    await advoware.client.replace(path(betnr, "Adressen", entry["reihenfolgeIndex"]), wanted)
    after = await advoware.read(betnr)
    [shown] = [one for one in after["adressen"] if one["id"] == entry["id"]]
    assert {one: shown[one] for one in ADRESSE} == {**ADRESSE, **changed}
    assert shown["rowId"] != entry["rowId"]
    with pytest.raises(Denied):
        await advoware.client.delete(path(betnr, "Adressen", entry["reihenfolgeIndex"]))
    assert shown in await advoware.client.read_list(path(betnr, "Adressen"))


async def test_a_bank_account_can_be_added_and_neither_changed_nor_deleted(advoware: Advoware) -> None:
    betnr = await advoware.person()
    sent = {**BANK, "iban": f"DE00{uuid4().int % 10**18:018d}"}
    _, entry = await add(advoware, betnr, "Bankverbindungen", sent)
    assert {one: entry[one] for one in sent} == sent
    for call in (
        advoware.client.replace(path(betnr, "Bankverbindungen", entry["id"]), {**entry, "bank": "anders"}),
        advoware.client.delete(path(betnr, "Bankverbindungen", entry["id"])),
    ):
        with pytest.raises(PeerError) as refused:
            await call
        assert isinstance(refused.value, Denied | Missing)
    assert entry in await advoware.client.read_list(path(betnr, "Bankverbindungen"))


def _put(entry: dict[str, Any]) -> dict[str, Any]:
    return {one: value for one, value in entry.items() if one != "sent"}

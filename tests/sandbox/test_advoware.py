"""How the stand-in Advoware behaves (advoware.md)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.advoware_token import signature
from tests.sandbox.conftest import HandClock
from tests.sandbox.login import token_request

PERSON = {"name": "Müller", "vorname": "Änne", "rechtsform": "Frau", "geburtsdatum": "1980-02-29"}
PATH = "advonet/Beteiligte"


async def create(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    return dict((await client.post(PATH, json=PERSON | more)).json())


async def read(client: httpx.AsyncClient, betnr: int) -> dict[str, Any]:
    return dict((await client.get(f"{PATH}/{betnr}")).json())


def test_the_signature_is_that_of_the_documented_vector() -> None:
    key = "dGVzdC1zZWNyZXQta2V5"  # test-secret-key
    assert signature(key, 64, "app-123", "nonce-abc", "2026-08-30T00:00:00.000Z") == (
        "o7rz9KmoXZs550HfzO6ffiG17XwiPmlBHlksUYKZ3jcfolELow51Fw5KlrQqCK5y41aIValDjrh1iQ2GZ2WtqQ=="
    )


async def test_the_configurator_names_relay_and_gateway(advoware: httpx.AsyncClient) -> None:
    url = f"{defaults.ADVOWARE_URL}AdvonetConfigurator/api/Url"
    reply = await advoware.get(url, params={"Kanzlei": defaults.ADVOWARE_KANZLEI})
    assert reply.json() == {
        "relayUrl": defaults.ADVOWARE_URL,
        "connectorUrl": None,
        "securityGateway": defaults.ADVOWARE_URL,
    }


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"Password": "wrong"}, "Falscher Name oder falsches Kennwort"),
        ({"HMAC512Signature": "wrong"}, "Signatur"),
        ({"RequestTimeStamp": "2026-11-20"}, "Ungültige Anfrage"),
        ({"Extra": 1}, "Ungültige Anfrage"),
        ({"Kanzlei": "other"}, "freigeschaltet"),
    ],
)
async def test_a_bad_token_request_is_refused_in_known_words(
    advoware: httpx.AsyncClient, sandbox: Sandbox, changed: dict[str, Any], text: str
) -> None:
    reply = await advoware.post("Token", json=token_request(sandbox.now(), **changed))
    assert reply.status_code >= 400
    assert text in reply.text


async def test_old_time_stamps_and_used_nonces_are_refused(advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    old = await advoware.post("Token", json=token_request(sandbox.now() - 301))
    assert "Zeitstempel" in old.text
    same = token_request(sandbox.now())
    assert (await advoware.post("Token", json=same)).status_code == 200
    assert "Nonce" in (await advoware.post("Token", json=same)).text


@pytest.mark.parametrize(
    ("answers", "names"),
    [
        ("expiration_utc", {"access_token", "expiration_utc"}),
        ("expires_in", {"access_token", "expires_in"}),
        ("neither", {"access_token"}),
    ],
)
async def test_a_token_tells_its_end_in_either_form(
    advoware: httpx.AsyncClient, sandbox: Sandbox, answers: str, names: set[str]
) -> None:
    sandbox.tokens.answers = answers
    assert set((await advoware.post("Token", json=token_request(sandbox.now()))).json()) == names


async def test_a_token_ends_and_can_be_revoked(advoware: httpx.AsyncClient, sandbox: Sandbox, clock: HandClock) -> None:
    assert (await advoware.get("advonet/Mitarbeiter")).status_code == 200
    sandbox.tokens.revoke()
    assert (await advoware.get("advonet/Mitarbeiter")).status_code == 401


async def test_a_firm_that_is_not_signed_in_is_told_so_everywhere(
    advoware: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.tokens.signed_in = False
    assert "ist nicht angemeldet" in (await advoware.get("advonet/Mitarbeiter")).text
    assert "ist nicht angemeldet" in (await advoware.post("Token", json=token_request(sandbox.now()))).text


async def test_post_stores_all_fields_and_put_only_eight(advoware: httpx.AsyncClient) -> None:
    made = await create(advoware, handelsRegisterNummer="HRB 1", registergericht="Köln", zusatz="z")
    assert (made["handelsRegisterNummer"], made["geburtsdatum"]) == ("HRB 1", "1980-02-29T00:00:00")
    body = made | {"name": "Weiß", "handelsRegisterNummer": "HRB 2", "registergericht": "Bonn", "betNr": 1}
    reply = await advoware.put(f"{PATH}/{made['betNr']}", json=body)
    now = await read(advoware, made["betNr"])
    assert reply.status_code == 200
    assert (now["name"], now["zusatz"]) == ("Weiß", "z")
    assert (now["handelsRegisterNummer"], now["registergericht"], now["betNr"]) == ("HRB 1", "Köln", made["betNr"])


@pytest.mark.parametrize(("keeps", "vorname"), [(False, None), (True, "Änne")])
async def test_fields_missing_from_a_put_are_blanked_unless_switched(
    advoware: httpx.AsyncClient, sandbox: Sandbox, keeps: bool, vorname: str | None
) -> None:
    sandbox.advoware.switches.put_keeps_missing = keeps
    made = await create(advoware)
    await advoware.put(f"{PATH}/{made['betNr']}", json={"name": "Weiß"})
    assert (await read(advoware, made["betNr"]))["vorname"] == vorname


async def test_each_write_changes_the_row_id_and_names_user_and_berlin_time(
    advoware: httpx.AsyncClient, sandbox: Sandbox, clock: HandClock
) -> None:
    made = await create(advoware)
    assert len(made["rowId"]) == 40
    assert made["rowId"].isalpha()
    assert made["rowId"].isupper()
    assert (made["angelegtAm"], made["angelegtVon"]) == ("2026-11-20T19:40:00", defaults.ADVOWARE_USER)
    clock.at += 200 * 86_400
    await advoware.put(f"{PATH}/{made['betNr']}", json=made)
    own = await read(advoware, made["betNr"])
    assert own["rowId"] != made["rowId"]
    assert (own["geaendertAm"], own["geaendertVon"]) == ("2027-06-08T20:40:00", defaults.ADVOWARE_USER)
    sandbox.people.advoware.edit(made["betNr"], {"registergericht": "Bonn"}, by="CD")
    theirs = await read(advoware, made["betNr"])
    assert (theirs["geaendertVon"], theirs["registergericht"]) == ("CD", "Bonn")
    assert theirs["rowId"] != own["rowId"]


async def test_a_kommunikation_reads_back_kommkz_zero_and_leaves_the_beteiligters_row_id(
    advoware: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    made = await create(advoware)
    path = f"{PATH}/{made['betNr']}/Kommunikationen"
    child = (await advoware.post(path, json={"tlf": "0171 1", "bemerkung": "b", "kommKz": 3, "online": True})).json()
    await advoware.put(f"{path}/{child['id']}", json={"tlf": "0171 2", "bemerkung": "b", "online": True, "kommKz": 6})
    now = await read(advoware, made["betNr"])
    assert [(one["tlf"], one["kommKz"]) for one in now["kommunikation"]] == [("0171 2", 0)]
    assert (now["mobil"], now["telPrivat"], now["rowId"]) == ("0171 2", None, made["rowId"])
    assert now["kommunikation"][0]["rowId"] != child["rowId"]
    assert sandbox.people.advoware.see(made["betNr"])["kommunikation"][0]["kommKz"] == 3
    assert (await advoware.delete(f"{path}/{child['id']}")).status_code == 403


async def test_convenience_copies_are_the_first_filled_entry_of_their_kind(
    advoware: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    betnr = (await create(advoware))["betNr"]
    people = sandbox.people.advoware
    first = people.add_kommunikation(betnr, {"tlf": "1", "kommKz": 1})
    people.add_kommunikation(betnr, {"tlf": "2", "kommKz": 1})
    people.add_kommunikation(betnr, {"tlf": "a@example.org", "kommKz": 8})
    assert (await read(advoware, betnr))["telGesch"] == "1"
    people.edit_kommunikation(betnr, first, {"tlf": ""})
    now = await read(advoware, betnr)
    assert (now["telGesch"], now["email"], now["emailGesch"]) == ("2", "a@example.org", None)


@pytest.mark.parametrize("empty", ["", None, " "])
async def test_how_an_emptied_number_reads_back_is_a_switch(
    advoware: httpx.AsyncClient, sandbox: Sandbox, empty: str | None
) -> None:
    sandbox.advoware.switches.empty_tlf = empty
    betnr = (await create(advoware))["betNr"]
    child = sandbox.people.advoware.add_kommunikation(betnr, {"tlf": "1", "kommKz": 1})
    await advoware.put(f"{PATH}/{betnr}/Kommunikationen/{child}", json={"tlf": "", "bemerkung": "", "online": False})
    assert (await read(advoware, betnr))["kommunikation"][0]["tlf"] == empty


async def test_an_adresse_put_changes_four_fields(advoware: httpx.AsyncClient) -> None:
    betnr = (await create(advoware))["betNr"]
    path = f"{PATH}/{betnr}/Adressen"
    made = (
        await advoware.post(path, json={"strasse": "A 1", "plz": "1", "ort": "X", "land": "D", "bemerkung": "b"})
    ).json()
    body = made | {"strasse": "B 2", "land": "CH", "bemerkung": "c", "standardAnschrift": False}
    await advoware.put(f"{path}/{made['reihenfolgeIndex']}", json=body)
    now = (await advoware.get(path)).json()[0]
    assert (now["strasse"], now["land"], now["bemerkung"], now["standardAnschrift"]) == ("B 2", "D", "b", True)
    assert now["rowId"] != made["rowId"]
    assert (await advoware.delete(f"{path}/1")).status_code == 403
    shown = await read(advoware, betnr)
    assert (shown["strasse"], shown["plz"], shown["ort"]) == ("B 2", "1", "X")


async def test_addresses_shift_when_a_person_drags_them(advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    betnr = (await create(advoware))["betNr"]
    people = sandbox.people.advoware
    first, second = (people.add_adresse(betnr, {"ort": town}) for town in ("X", "Y"))
    people.reorder_adressen(betnr, [second, first])
    await advoware.put(f"{PATH}/{betnr}/Adressen/1", json={"ort": "Z"})
    adressen = (await read(advoware, betnr))["adressen"]
    assert [(one["id"], one["ort"]) for one in adressen] == [(second, "Z"), (first, "X")]


async def test_bankverbindungen_can_only_be_created(advoware: httpx.AsyncClient) -> None:
    betnr = (await create(advoware))["betNr"]
    path = f"{PATH}/{betnr}/Bankverbindungen"
    made = (await advoware.post(path, json={"iban": "DE1", "kontoinhaber": "X"})).json()
    assert (await read(advoware, betnr))["bankkverbindungen"] == [made]
    for method in ("PUT", "DELETE"):
        assert (await advoware.request(method, f"{path}/{made['id']}", json={})).status_code == 405


async def test_a_vanished_beteiligter_is_404(advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    betnr = (await create(advoware))["betNr"]
    sandbox.people.advoware.vanish(betnr)
    assert (await advoware.get(f"{PATH}/{betnr}")).status_code == 404
    assert (await advoware.put(f"{PATH}/{betnr}", json=PERSON)).status_code == 404


async def test_answers_may_be_lists_or_empty(advoware: httpx.AsyncClient, sandbox: Sandbox) -> None:
    switches = sandbox.advoware.switches
    switches.writes_answer, switches.reads_as_list = "list", True
    made = (await advoware.post(PATH, json=PERSON)).json()[0]
    assert (await advoware.get(f"{PATH}/{made['betNr']}")).json()[0]["name"] == "Müller"
    switches.writes_answer = "empty"
    reply = await advoware.put(f"{PATH}/{made['betNr']}", json=PERSON)
    assert (reply.is_success, reply.content) == (True, b"")


async def test_search_finds_more_than_asked_and_ignores_unknown_names(
    advoware: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    for name in ("Müller", "Müller-Weiß", "Berg"):
        await create(advoware, name=name)

    async def names(**params: str) -> set[str]:
        return {one["name"] for one in (await advoware.get(PATH, params=params)).json()}

    assert await names(name="müller", vorname="änne") == {"Müller", "Müller-Weiß"}
    assert await names(Name="Müller") == {"Müller", "Müller-Weiß", "Berg"}
    sandbox.advoware.switches.search = "ignored"
    assert await names(name="Berg") == {"Müller", "Müller-Weiß", "Berg"}
    sandbox.advoware.switches.search = "off"
    assert (await advoware.get(PATH, params={"name": "Berg"})).status_code == 404


async def test_termine_are_found_by_kuerzel_and_number(advoware: httpx.AsyncClient) -> None:
    made = (await advoware.post("advonet/Termine", json={"anwalt": "AB", "datum": "2026-12-01T00:00:00"})).json()
    params = {"kuerzel": "AB", "from": "2026-11-30", "to": "2026-12-02"}
    assert (await advoware.get("advonet/Termine", params=params)).json() == [made]
    assert (await advoware.delete("advonet/Termine", params={"frnr": made["frNr"]})).status_code == 200
    assert (await advoware.get("advonet/Termine", params={"frnr": made["frNr"]})).json() == []

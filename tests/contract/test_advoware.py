"""Contract with Advoware: the login, and Beteiligte."""

from __future__ import annotations

import asyncio
import re

import pytest

from services.advoware import BETEILIGTE, local_time
from services.advoware_token import login_body, sign
from services.errors import Missing
from services.ports import Token
from tests.contract.targets import Advoware, name, path

CHANGED_BY_PUT = {
    "name": "Vertragstest-Neu",
    "vorname": "Änne",
    "rechtsform": "Divers",
    "titel": "Prof.",
    "anrede": "Frau",
    "bAnrede": "Sehr geehrte Frau Prof. Neu,",
    "zusatz": "c/o Müller-Lüdenscheidt",
    "geburtsdatum": "1980-02-29T00:00:00",
}
NOT_CHANGED_BY_PUT = {"handelsRegisterNummer": "HRB 9", "registergericht": "Celle"}
NEVER_GIVEN = 2_000_000_000


def test_the_signature_is_the_vendors() -> None:
    signature = "o7rz9KmoXZs550HfzO6ffiG17XwiPmlBHlksUYKZ3jcfolELow51Fw5KlrQqCK5y41aIValDjrh1iQ2GZ2WtqQ=="
    key = "dGVzdC1zZWNyZXQta2V5"  # test-secret-key
    assert sign(key, 64, "app-123", "nonce-abc", "2026-08-30T00:00:00.000Z") == signature


async def test_the_login_sends_exactly_the_documented_keys(advoware: Advoware) -> None:
    body = login_body(advoware.access, "nonce", advoware.now())
    names = "AppID Kanzlei Database User Role Product Password Nonce HMAC512Signature RequestTimeStamp"
    assert list(body) == names.split()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["RequestTimeStamp"])


async def test_one_login_serves_many_calls_at_once(advoware: Advoware) -> None:
    await asyncio.gather(*(advoware.client.probe() for _ in range(5)))
    await advoware.client.probe()
    assert advoware.calls.count("POST Token") == 1


async def test_a_token_that_is_no_good_any_more_is_renewed_unseen(advoware: Advoware) -> None:
    key, now = advoware.access.fingerprint(), advoware.now()
    assert await advoware.tokens.lock(key, "contract", 60)
    await advoware.tokens.save(key, "contract", Token("abgelaufen", now, now + 3000))
    await advoware.client.probe()
    assert advoware.calls.count("POST Token") == 1


async def test_a_beteiligter_reads_as_it_was_created_all_fields_included(advoware: Advoware) -> None:
    sent = {**CHANGED_BY_PUT, **NOT_CHANGED_BY_PUT, "name": name()}
    if advoware.switch is None:
        sent = {**sent, "handelsRegisterNummer": "HRB 1", "registergericht": "Hannover"}
    betnr = await advoware.person(**sent)
    read = await advoware.read(betnr)
    assert read["betNr"] == betnr
    assert {field: read[field] for field in CHANGED_BY_PUT} == {field: sent[field] for field in CHANGED_BY_PUT}
    if advoware.switch is not None:  # the one record of a live run was created before
        assert {field: read[field] for field in NOT_CHANGED_BY_PUT} == NOT_CHANGED_BY_PUT
    assert [read["kommunikation"], read["adressen"], read["bankkverbindungen"]] != [None, None, None]


@pytest.mark.parametrize("answer", ["object", "list", "empty"])
async def test_whatever_form_an_answer_has_the_object_is_read(advoware: Advoware, answer: str) -> None:
    if advoware.switch is not None:
        advoware.switch({"advoware": {"writes_answer": answer, "reads_as_list": answer == "list"}})
    surname = name()
    betnr = await advoware.person(name=surname)
    reply = await advoware.client.replace(path(betnr), {**await advoware.read(betnr), "titel": "Dr."})
    assert reply.body.get("betNr", betnr) == betnr
    read = await advoware.read(betnr)
    assert (read["name"], read["titel"]) == (surname, "Dr.")


async def test_a_put_of_the_whole_object_changes_only_eight_fields_and_says_nothing_of_the_others(
    advoware: Advoware,
) -> None:
    betnr = await advoware.person()
    before = await advoware.read(betnr)
    await advoware.client.replace(path(betnr), {**before, **CHANGED_BY_PUT, **NOT_CHANGED_BY_PUT, "betNr": 1})
    after = await advoware.read(betnr)
    moved = {field for field in before if before[field] != after[field]}
    assert moved - {"rowId", "geaendertAm", "geaendertVon"} <= set(CHANGED_BY_PUT)
    assert {field: after[field] for field in CHANGED_BY_PUT} == CHANGED_BY_PUT


async def test_a_rechtsform_nobody_has_heard_of_passes_through(advoware: Advoware) -> None:
    betnr = await advoware.person(rechtsform="PartG mbB & Co.")
    assert (await advoware.read(betnr))["rechtsform"] == "PartG mbB & Co."


async def test_every_write_gives_a_new_row_id_even_one_without_a_change(advoware: Advoware) -> None:
    betnr = await advoware.person()
    before = await advoware.read(betnr)
    assert re.fullmatch(r"[A-Z]{40}", before["rowId"])
    await advoware.client.replace(path(betnr), before)
    after = await advoware.read(betnr)
    assert after["rowId"] != before["rowId"]
    assert (await advoware.read(betnr))["rowId"] == after["rowId"]


async def test_a_write_of_ours_is_signed_with_our_user_and_the_time_in_berlin(advoware: Advoware) -> None:
    betnr = await advoware.person()
    await advoware.client.replace(path(betnr), {**await advoware.read(betnr), "titel": "Dr."})
    reply = await advoware.client.read(path(betnr))
    assert reply.body["geaendertVon"] == advoware.access.user
    assert reply.date is not None
    changed = local_time(reply.body["geaendertAm"])
    assert changed is None or abs(changed - reply.date) <= 60


async def test_nothing_keeps_a_put_from_overwriting_what_was_saved_after_the_read(advoware: Advoware) -> None:
    betnr = await advoware.person(titel="Dr.")
    old = await advoware.read(betnr)
    await advoware.client.replace(path(betnr), {**old, "titel": "Prof."})
    await advoware.client.replace(path(betnr), {**old, "zusatz": "c/o Weber"})
    read = await advoware.read(betnr)
    assert (read["titel"], read["zusatz"]) == ("Dr.", "c/o Weber")


async def test_a_number_nobody_has_is_missing_for_certain(advoware: Advoware) -> None:
    with pytest.raises(Missing) as missing:
        await advoware.client.read(path(NEVER_GIVEN))
    assert missing.value.certain


@pytest.mark.parametrize("search", ["on", "ignored"])
async def test_the_search_finds_who_is_there_and_only_who_was_meant(advoware: Advoware, search: str) -> None:
    if advoware.switch is not None:
        advoware.switch({"advoware": {"search": search}})
    surname = name()
    betnr = await advoware.person(name=surname, vorname="Änne")
    found = await advoware.client.search(f" {surname.upper()} ", "änne")
    assert [row["betNr"] for row in found] == [betnr]
    assert await advoware.client.search(surname, "Berta") == []
    assert await advoware.client.search(f"{surname} niemand", "Änne") == []


async def test_a_found_row_tells_what_a_counterpart_is_known_by(advoware: Advoware) -> None:
    surname = name()
    betnr = await advoware.person(name=surname, geburtsdatum="1980-02-29T00:00:00")
    [row] = await advoware.client.search(surname, "Ida")
    read = await advoware.read(betnr)
    wanted = ("betNr", "name", "vorname", "geburtsdatum", "angelegtVon")
    assert {field: row[field] for field in wanted} == {field: read[field] for field in wanted}
    assert read["angelegtVon"] == advoware.access.user


async def test_the_list_is_asked_for_as_documented(advoware: Advoware) -> None:
    await advoware.client.search(name(), "Ida")
    assert advoware.calls[-1] == f"GET {BETEILIGTE}"

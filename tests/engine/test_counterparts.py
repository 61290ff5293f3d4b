"""A record without a number: is there a Beteiligter already, and may one be created?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.story import ADVOWARE, ESPO, POLL, Story, told

OTTO = {"firstName": "Otto", "lastName": "Okänd", "geburtsdatum": "1971-05-06"}
IN_ADVOWARE = {"vorname": "Otto", "name": "Okänd", "geburtsdatum": "1971-05-06T00:00:00"}
PHONE = [{"phoneNumber": "+495111234567", "type": "Office", "primary": True}]
MAIL = [{"emailAddress": "otto@example.org", "primary": True}]


def entry(kind: int, value: str) -> dict[str, Any]:
    return {"kommunikation": [{"kommKz": kind, "tlf": value, "bemerkung": "", "online": False}]}


CERTAIN: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "name and birth date": (OTTO, IN_ADVOWARE),
    "name and birth date, other letter case": ({**OTTO, "lastName": "OKÄND"}, IN_ADVOWARE),
    "name and phone, no birth date": (
        {**OTTO, "geburtsdatum": None, "phoneNumberData": PHONE},
        {**IN_ADVOWARE, "geburtsdatum": None, **entry(1, "0511 / 123 45 67")},
    ),
    "name and e-mail, no birth date": (
        {**OTTO, "geburtsdatum": None, "emailAddressData": MAIL},
        {**IN_ADVOWARE, "geburtsdatum": None, **entry(4, "Otto@Example.org")},
    ),
    "company and register number": (
        {"lastName": "Okänd GmbH", "handelsregisterNummer": "HRB 17"},
        {"name": "Okänd GmbH", "handelsRegisterNummer": "HRB 17"},
    ),
}

CANDIDATE: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "name alone": ({**OTTO, "geburtsdatum": None}, {**IN_ADVOWARE, "geburtsdatum": None}),
    "birth date on one side only": (OTTO, {**IN_ADVOWARE, "geburtsdatum": None}),
    "company without register number": ({"lastName": "Okänd GmbH"}, {"name": "Okänd GmbH"}),
}

NOBODY: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "another birth date": (OTTO, {**IN_ADVOWARE, "geburtsdatum": "1980-01-01T00:00:00"}),
    "another first name": (OTTO, {**IN_ADVOWARE, "vorname": "Ottilie"}),
    "another register number": (
        {"lastName": "Okänd GmbH", "handelsregisterNummer": "HRB 17"},
        {"name": "Okänd GmbH", "handelsRegisterNummer": "HRB 18"},
    ),
}


async def look_for(story: Story, espo: Mapping[str, Any], advoware: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """What became of a record typed anew while this Beteiligter is there, and his number."""
    await story.pair()  # somebody both know, by whom the search proves itself
    there = story.advoware.create(advoware, by="AB")
    espo_id = story.espo.create(espo, by="anna")
    await story.live(POLL)
    return story.espo.see(espo_id), there


@pytest.mark.parametrize("name", CERTAIN)
@told()
async def test_who_is_certainly_the_same_is_linked(story: Story, name: str) -> None:
    seen, there = await look_for(story, *CERTAIN[name])
    assert (seen["syncStatus"], seen["betnr"]) == ("clean", there)
    assert len(story.advoware.betnrs()) == 2


@pytest.mark.parametrize("name", CANDIDATE)
@told()
async def test_who_may_be_the_same_is_offered(story: Story, name: str) -> None:
    seen, there = await look_for(story, *CANDIDATE[name])
    assert (seen["syncStatus"], seen["betnr"]) == ("conflict", None)
    assert str(there) in seen["syncErrorMessage"]
    assert len(story.advoware.betnrs()) == 2
    [conflict] = await story.conflicts(seen["id"])
    assert conflict["candidates"] == [there]


@pytest.mark.parametrize("name", NOBODY)
@told()
async def test_who_is_somebody_else_does_not_stop_a_creation(story: Story, name: str) -> None:
    seen, there = await look_for(story, *NOBODY[name])
    assert seen["syncStatus"] == "clean"
    assert seen["betnr"] not in (None, there)
    assert len(story.advoware.betnrs()) == 3


@told()
async def test_two_who_are_certain_are_a_choice(story: Story) -> None:
    story.advoware.create(IN_ADVOWARE, by="CD")
    seen, there = await look_for(story, OTTO, IN_ADVOWARE)
    assert seen["syncStatus"] == "conflict"
    [conflict] = await story.conflicts(seen["id"])
    await story.desk.resolve(conflict["id"], f"link {there}")
    await story.settle()
    assert story.espo.see(seen["id"])["betnr"] == there
    assert story.status(seen["id"]) == "clean"
    assert len(story.advoware.betnrs()) == 3


@told()
async def test_creating_in_spite_of_candidates_is_a_persons_choice(story: Story) -> None:
    seen, there = await look_for(story, *CANDIDATE["name alone"])
    [conflict] = await story.conflicts(seen["id"])
    await story.desk.resolve(conflict["id"], "create")
    await story.settle()
    now = story.espo.see(seen["id"])
    assert now["syncStatus"] == "clean"
    assert now["betnr"] not in (None, there)
    assert len(story.advoware.betnrs()) == 3


@told()
async def test_a_beteiligter_of_another_record_is_never_linked_twice(story: Story) -> None:
    first, betnr = await story.pair()
    second = story.espo.create({**ESPO, "geburtsdatum": "1990-02-01"}, by="bernd")
    await story.settle()
    assert story.status(first) == "clean"
    assert story.espo.see(second)["betnr"] != betnr
    assert story.espo.see(first)["betnr"] == betnr


@told()
async def test_correcting_the_record_settles_a_question_about_candidates(story: Story) -> None:
    seen, there = await look_for(story, *CANDIDATE["birth date on one side only"])
    story.advoware.edit(there, {"geburtsdatum": "1971-05-06T00:00:00"}, by="AB")
    story.espo.edit(seen["id"], {"titel": "Dr."}, by="anna")
    await story.settle()
    assert (story.status(seen["id"]), story.espo.see(seen["id"])["betnr"]) == ("clean", there)
    assert await story.conflicts(seen["id"]) == []


@told()
async def test_a_search_that_does_not_find_who_is_there_is_not_believed(story: Story) -> None:
    story.sandbox.advoware.switches.search = "ignored"  # whoever is asked for, it answers with the first row only
    story.sandbox.advoware.switches.search_limit = 1
    story.advoware.create({**ADVOWARE, "name": "Aalders"}, by="AB")
    await story.pair()
    espo_id = story.espo.create(OTTO, by="anna")
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert len(story.advoware.betnrs()) == 2


@told(ADVOWARE_SEARCH="off")
async def test_without_a_search_a_person_decides_about_the_creation(story: Story) -> None:
    await story.pair()
    espo_id = story.espo.create(OTTO, by="anna")
    await story.settle()
    assert story.status(espo_id) == "conflict"
    [conflict] = await story.conflicts(espo_id)
    await story.desk.resolve(conflict["id"], "create")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert len(story.advoware.betnrs()) == 2


@told(ADVOWARE_SEARCH="off")
async def test_without_a_search_the_firm_may_say_that_all_are_created(story: Story) -> None:
    story.world.job_settings["create_unchecked"] = True
    espo_id = story.espo.create(OTTO, by="anna")
    await story.settle()
    assert story.status(espo_id) == "clean"
    assert len(story.advoware.betnrs()) == 1


@told()
async def test_a_creation_carries_all_that_was_typed(story: Story) -> None:
    await story.pair()
    values = {**ESPO, **OTTO, "handelsregisterNummer": "HRB 3", "registergericht": "Celle"}
    espo_id = story.espo.create(values, by="anna")
    await story.live(POLL)
    seen = story.advoware.see(story.espo.see(espo_id)["betnr"])
    wanted = {**ADVOWARE, **IN_ADVOWARE, "handelsRegisterNummer": "HRB 3", "registergericht": "Celle"}
    assert {name: seen[name] for name in wanted} == wanted


@told()
async def test_a_record_without_a_name_is_never_created(story: Story) -> None:
    await story.pair()
    espo_id = story.espo.create(OTTO, by="anna")
    story.sandbox.espo.tables["CBeteiligte"].rows[espo_id].values["lastName"] = None
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert len(story.advoware.betnrs()) == 1


@told()
async def test_a_beteiligter_unknown_to_espocrm_is_left_where_he_is(story: Story) -> None:
    await story.pair()
    story.sandbox.seed.only_advoware(3)
    await story.settle()
    assert len(story.espo.ids()) == 1


@told()
async def test_where_advoware_has_no_search_a_person_decides(story: Story) -> None:
    story.sandbox.advoware.switches.search = "off"
    await story.pair()
    espo_id = story.espo.create({**ESPO, "lastName": "Neuling", "geburtsdatum": "1971-05-06"}, by="anna")
    await story.settle()
    assert story.status(espo_id) == "conflict"
    assert len(story.advoware.betnrs()) == 1

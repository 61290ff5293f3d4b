"""The declaration of the Beteiligte, held against the table of sync.md §5 and Advoware's habits."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Can, Direction, Policy, Role, Side

TABLE = {
    "lastName": "name",
    "firstName": "vorname",
    "rechtsform": "rechtsform",
    "salutationName": "anrede",
    "titel": "titel",
    "zusatz": "zusatz",
    "briefanrede": "bAnrede",
    "geburtsdatum": "geburtsdatum",
    "handelsregisterNummer": "handelsRegisterNummer",
    "registergericht": "registergericht",
}
PUT_CHANGES = {"name", "vorname", "rechtsform", "titel", "anrede", "bAnrede", "zusatz", "geburtsdatum"}
ANREDE = BETEILIGTE.field("anrede")


def test_exactly_the_fields_of_the_table_are_mapped() -> None:
    assert {field.espo: field.advoware for field in BETEILIGTE.fields} == TABLE


def test_a_field_is_create_only_where_a_put_does_not_change_it() -> None:
    assert {field.advoware for field in BETEILIGTE.fields if field.can is Can.UPDATE} == PUT_CHANGES


def test_by_default_every_field_travels_both_ways_and_espocrm_wins() -> None:
    assert {field.direction for field in BETEILIGTE.fields} == {Direction.BOTH}
    assert {field.policy for field in BETEILIGTE.fields} == {Policy.ESPOCRM}


def test_names_are_unique_on_every_side() -> None:
    for names in (
        [field.name for field in BETEILIGTE.fields],
        [field.espo for field in BETEILIGTE.fields],
        [field.advoware for field in BETEILIGTE.fields],
    ):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("espo", "advoware"), [("Mr.", "Herr"), ("Ms.", "Frau"), ("Divers", "Divers"), ("Firma", "Firma"), ("Dr.", "Dr.")]
)
def test_a_salutation_has_one_word_on_each_side(espo: str, advoware: str) -> None:
    assert ANREDE.codec.render(Side.ADVOWARE, ANREDE.codec.parse(Side.ESPO, espo)) == advoware
    assert ANREDE.codec.render(Side.ESPO, ANREDE.codec.parse(Side.ADVOWARE, advoware)) == espo


def test_mrs_and_ms_both_mean_frau_and_frau_comes_back_as_ms() -> None:
    assert ANREDE.codec.parse(Side.ESPO, "Mrs.") == ANREDE.codec.parse(Side.ESPO, "Ms.") == "Frau"
    assert ANREDE.codec.render(Side.ESPO, "Frau") == "Ms."


@pytest.mark.parametrize("word", ["Herr", "Frau"])
def test_advowares_own_word_in_espocrm_means_the_same(word: str) -> None:
    assert ANREDE.codec.parse(Side.ESPO, word) == ANREDE.codec.parse(Side.ADVOWARE, word) == word


@pytest.mark.parametrize("word", ["herr", "Herrn", "Herr Dr.", "Eheleute", "Mr"])
def test_a_salutation_nobody_listed_passes_as_it_is(word: str) -> None:
    assert ANREDE.codec.render(Side.ADVOWARE, ANREDE.codec.parse(Side.ESPO, word)) == word
    assert ANREDE.codec.render(Side.ESPO, ANREDE.codec.parse(Side.ADVOWARE, word)) == word


@pytest.mark.parametrize(
    "form", ["GmbH & Co. KG", "UG (haftungsbeschränkt)", "PartG mbB", "e.K.", "Anstalt ö.R.", "S.à r.l."]
)
def test_an_unknown_rechtsform_passes_unchanged(form: str) -> None:
    codec = BETEILIGTE.field("rechtsform").codec
    assert codec.render(Side.ADVOWARE, codec.parse(Side.ESPO, form)) == form


def test_a_birth_date_goes_to_advoware_as_midnight_and_to_espocrm_as_a_day() -> None:
    codec = BETEILIGTE.field("geburtsdatum").codec
    assert codec.render(Side.ADVOWARE, "1980-02-29") == "1980-02-29T00:00:00"
    assert codec.render(Side.ESPO, "1980-02-29") == "1980-02-29"


def test_an_emptied_text_is_sent_to_advoware_as_an_empty_text_and_to_espocrm_as_null() -> None:
    codec = BETEILIGTE.field("titel").codec
    assert codec.render(Side.ADVOWARE, None) == ""
    assert codec.render(Side.ESPO, None) is None


ESPO_BODY: dict[str, Any] = {
    "lastName": " MÜLLER  Meier ",
    "firstName": "Anna",
    "geburtsdatum": "1980-02-29",
    "handelsregisterNummer": None,
    "phoneNumberData": [{"phoneNumber": "+495111234560"}, {"phoneNumber": "0000"}],
    "emailAddressData": [{"emailAddress": "Anna@Example.de"}],
}
ADVOWARE_BODY: dict[str, Any] = {
    "name": "Müller Meier",
    "vorname": "ANNA",
    "geburtsdatum": "1980-02-29T00:00:00",
    "handelsRegisterNummer": "",
    "kommunikation": [{"tlf": "0511/12345-60"}, {"tlf": None}, {"tlf": "anna@example.de"}],
    "mobil": "0000",
}


def test_the_same_person_is_described_alike_by_both_sides() -> None:
    assert BETEILIGTE.person(Side.ESPO, ESPO_BODY) == BETEILIGTE.person(Side.ADVOWARE, ADVOWARE_BODY)


def test_a_row_of_the_search_says_how_to_reach_somebody_by_its_convenience_copies() -> None:
    row = {"name": "Müller", "mobil": "0171 1234567", "email": "A@B.de", "telGesch": None, "emailGesch": " "}
    assert BETEILIGTE.reachable_at(Side.ADVOWARE, row) == {"+491711234567", "a@b.de"}


@pytest.mark.parametrize("side", Side)
def test_a_record_without_lists_or_with_null_lists_reaches_nobody(side: Side) -> None:
    nothing = {"phoneNumberData": None, "emailAddressData": None, "kommunikation": None}
    assert BETEILIGTE.reachable_at(side, {}) == BETEILIGTE.reachable_at(side, nothing) == frozenset()


def test_what_cannot_be_read_identifies_nobody() -> None:
    person = BETEILIGTE.person(Side.ADVOWARE, {**ADVOWARE_BODY, "geburtsdatum": "irgendwann", "name": ["Müller"]})
    assert person.born is None
    assert person.name is None
    assert person.first_name == "anna"


def test_overriding_a_field_changes_that_field_alone_and_its_rule_with_the_direction() -> None:
    changed = BETEILIGTE.with_fields({"titel": {"direction": Direction.TO_ADVOWARE, "espo": "title"}})
    assert [f for f in changed.fields if f.name != "titel"] == [f for f in BETEILIGTE.fields if f.name != "titel"]
    assert changed.field("titel").rule != BETEILIGTE.field("titel").rule
    assert BETEILIGTE.with_fields({"titel": {"policy": Policy.MANUAL}}).field("titel").rule == (
        BETEILIGTE.field("titel").rule
    ), "another policy is no new mapping"


def test_asking_for_a_field_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        BETEILIGTE.field("telefon")


def test_name_first_name_and_birth_date_say_who_it_is() -> None:
    assert [field.name for field in BETEILIGTE.identity_fields] == ["name", "vorname", "geburtsdatum"]
    assert [field.role for field in BETEILIGTE.fields].count(Role.NAME) == 1

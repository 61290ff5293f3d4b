"""What counts as the same value, and what does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.normal import day, midnight, phone_or_mail, text
from mappers.spec import Unmappable, folded
from tests.mappers.nasty import BLANKS, DAYS, NAMES, texts

quick = settings(max_examples=100, deadline=None)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_typed_on_another_keyboard_is_the_same_name(name: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    assert text(composed) == text(decomposed) == composed


@quick
@given(value=texts(), before=st.sampled_from(BLANKS), behind=st.sampled_from(BLANKS))
def test_blanks_at_the_ends_mean_nothing(value: str, before: str, behind: str) -> None:
    # A combining mark at the start would melt into what stands before it; that is no blank any more.
    if not (value and unicodedata.combining(value[0])):
        assert text(before + value + behind) == text(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Weiß", "Weiss"),
        ("Müller", "Mueller"),
        ("Müller", "müller"),
        ("Müller Meier", "Müller  Meier"),
        ("Müller-Meier", "Müller Meier"),
        ("ﬁnke", "finke"),
        ("Zeile 1\nZeile 2", "Zeile 1 Zeile 2"),
    ],
)
def test_a_difference_a_person_may_have_meant_stays_a_difference(one: str, other: str) -> None:
    assert text(one) != text(other)


def test_line_ends_of_all_systems_are_one() -> None:
    assert text("a\r\nb") == text("a\nb") == text("a\rb") == "a\nb"


def test_letters_beyond_the_basic_plane_and_inner_blanks_stay() -> None:
    assert text("𠮷野 👩🏽‍⚖️") == "𠮷野 👩🏽‍⚖️"
    assert text("a\u00a0b") == "a\u00a0b"


@pytest.mark.parametrize(("raw", "value"), [(0, "0"), (7, "7"), (-1, "-1"), ("0", "0"), ("false", "false")])
def test_a_number_counts_as_its_text_and_zero_is_no_blank(raw: object, value: str) -> None:
    assert text(raw) == value


@quick
@given(DAYS)
def test_a_day_is_the_same_day_in_every_form_of_midnight(value: str) -> None:
    forms = ("", " 00:00:00", "T00:00:00", "T00:00:00.000", "T00:00:00Z", "T00:00:00+01:00", "T00:00:00+02:00")
    assert {day(value + form) for form in forms} == {value}
    assert day(midnight(value)) == value


@pytest.mark.parametrize("night", ["2024-03-31", "2024-10-27", "1980-04-06", "1947-05-11", "1945-05-24"])
def test_a_night_of_the_clock_change_shifts_no_birth_date(night: str) -> None:
    assert midnight(night) == f"{night}T00:00:00"
    assert day(f"{night}T00:00:00") == day(f"{night}T00:00:00+01:00") == day(f"{night}T00:00:00+02:00") == night


@pytest.mark.parametrize("year", [1904, 2000, 2024])
def test_a_leap_day_is_a_day_in_leap_years(year: int) -> None:
    assert day(f"{year}-02-29") == day(f"{year}-02-29T00:00:00") == f"{year}-02-29"


@pytest.mark.parametrize("year", [1900, 2023, 2100])
def test_a_leap_day_is_no_day_in_other_years(year: int) -> None:
    with pytest.raises(Unmappable):
        day(f"{year}-02-29")


@pytest.mark.parametrize("raw", ["0001-01-01", "0001-01-01T00:00:00", "1899-12-30", "1899-12-30 00:00:00"])
def test_the_empty_dates_of_database_systems_are_blank(raw: str) -> None:
    assert day(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        "1985-02-28T22:00:00Z",
        "1985-02-28T00:00:01",
        "1985-02-28T23:00:00",
        "28.02.1985",
        "02/28/1985",
        "1985-2-28",
        "19850228",
        "1985-02",
        "0000-00-00",
        "2023-02-29",
        "2023-04-31",
        "2023-13-01",
        "heute",
        "1985-02-28 00:00:00 nachts",
        "٢٠٢٤-٠١-٠١",
        19850228,
    ],
)
def test_what_is_not_clearly_a_day_is_refused(raw: object) -> None:
    with pytest.raises(Unmappable):
        day(raw)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0511/12345-60", "+49 511 1234560"),
        ("0511 12345 60", "0049 511 1234560"),
        ("(0511) 1234560", "+495111234560"),
        ("0171-1234567", "+49 (171) 1234567"),
        ("Max@Example.DE", " max@example.de "),
    ],
)
def test_spellings_of_one_number_or_address_are_equal(one: str, other: str) -> None:
    assert phone_or_mail(one) == phone_or_mail(other) is not None


@pytest.mark.parametrize("junk", ["", None, "unbekannt", "-", "0", "0000", "00000000", "123", "@", "n@", "k.A.", "@@"])
def test_what_reaches_nobody_proves_nothing(junk: str | None) -> None:
    assert phone_or_mail(junk) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("MÜLLER", "müller"), ("Müller  Meier", "Müller Meier"), ("Müller\u00a0Meier", "Müller Meier"), ("WEISS", "Weiß")],
)
def test_names_of_one_person_may_differ_in_case_and_blanks(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("Müller", "Muller"), ("Meier", "Maier"), ("Meier", None)])
def test_names_of_different_people_stay_different(one: str, other: str | None) -> None:
    assert folded(one) != folded(other)

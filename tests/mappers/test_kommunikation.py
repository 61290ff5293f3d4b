"""Phones, faxes and e-mails: which are the same, of which kind an entry is, and what our marker keeps."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mappers.kommunikation import (
    BEMERKUNG_MAX,
    COPIES,
    EMPTY_TLF,
    KOMMUNIKATION,
    MAILS,
    OTHER_KINDS,
    PHONES,
    TYPES,
    espo_raw,
    fingerprint,
    form,
    obstacle,
    read_advoware,
    read_espo,
    remark,
    split,
    value,
)
from mappers.spec import AdvowareEntry, Mark, Side, Unmappable
from tests.mappers.nasty import (
    ADDRESSES,
    BLANKS,
    EXTENDED,
    NAMES,
    NO_ADDRESSES,
    NO_NUMBERS,
    NUMBERS,
    TEXTS,
    raws,
    texts,
)

quick = settings(max_examples=100, deadline=None)
OFFICE, MOBILE = "+4951112345", "+491712345678"
KINDS = range(1, 13)


def ways() -> st.SearchStrategy[str]:
    """How people say where somebody can be reached, well or badly."""
    specimens = st.sampled_from([*NUMBERS, *EXTENDED, *NO_NUMBERS, *ADDRESSES, *NO_ADDRESSES])
    padded = st.tuples(st.sampled_from(BLANKS), specimens, st.sampled_from(BLANKS)).map("".join)
    digits = st.text("0123456789+ ()/-.x#", max_size=20)
    mails = st.tuples(texts(), texts()).map("@".join)
    return st.one_of(specimens, padded, digits, mails, texts())


def entry(tlf: Any = OFFICE, /, **changes: Any) -> dict[str, Any]:
    """An entry as Advoware answers it: the kind reads back as 0."""
    return {"id": 1, "rowId": "A", "tlf": tlf, "bemerkung": "", "online": False, "kommKz": 0, **changes}


def read(*rows: dict[str, Any], remembered: dict[int, int] | None = None, **copies: str) -> list[AdvowareEntry]:
    found = read_advoware({"kommunikation": list(rows), **copies}, remembered or {})
    assert found is not None
    return list(found)


def kind_of(*rows: dict[str, Any], remembered: dict[int, int] | None = None, **copies: str) -> tuple[int, bool]:
    """Kind of the first entry, and whether it is known."""
    found = read(*rows, remembered=remembered, **copies)[0]
    return found.kind, found.sure


def marked(tlf: str, kind: int, user_text: str = "") -> str:
    whole = remark(Mark(tlf, kind), user_text)
    assert whole is not None
    return whole


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "meant"), [*NUMBERS.items(), *EXTENDED.items()])
def test_a_number_means_the_same_in_every_spelling(typed: str, meant: str) -> None:
    assert value(typed) == meant


@pytest.mark.parametrize(("typed", "meant"), EXTENDED.items())
def test_espocrm_keeps_a_number_without_its_extension(typed: str, meant: str) -> None:
    assert form(typed) == meant.partition(";")[0]
    assert value(typed) != form(typed)


@pytest.mark.parametrize("typed", NO_NUMBERS)
def test_what_is_no_number_is_compared_as_trimmed_text_and_not_sent_to_espocrm(typed: str) -> None:
    assert value(f" {typed}\r\n") == form(typed) == typed
    assert obstacle(PHONES, typed) is not None


def test_letters_are_not_the_keys_of_a_telephone() -> None:
    assert value("0800 ANWALT1") == "0800 ANWALT1"


def test_the_number_of_a_town_is_not_guessed() -> None:
    assert value("12345-60") != value("0511 12345-60")


@pytest.mark.parametrize("typed", NUMBERS)
def test_espocrm_takes_every_number(typed: str) -> None:
    assert obstacle(PHONES, form(typed) or "") is None


@pytest.mark.parametrize(("one", "other"), [("Anna@Example.DE", " anna@example.de "), ("ÄRGER@x.de", "ärger@x.de")])
def test_letter_case_and_blanks_at_the_ends_make_no_other_address(one: str, other: str) -> None:
    assert value(one) == value(other)


@pytest.mark.parametrize("address", ADDRESSES)
def test_espocrm_takes_an_ordinary_address(address: str) -> None:
    assert obstacle(MAILS, form(address) or "") is None


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_an_address_espocrm_refuses_is_known_before_it_is_sent(address: str) -> None:
    assert obstacle(MAILS, form(address) or "") is not None


@pytest.mark.parametrize("blank", [None, *BLANKS])
def test_a_blank_is_no_number(blank: str | None) -> None:
    assert value(blank) is form(blank) is None


@quick
@given(typed=ways())
@example("+49 (0) 0511 123456")
@example("000000")
@example("0511 12345;ext=a")
@example("0511 12345;ext=1;ext=2")
def test_normalising_twice_is_normalising_once(typed: str) -> None:
    assert value(value(typed)) == value(typed)
    assert form(form(typed)) == form(value(typed)) == form(typed)


@quick
@given(raw=st.one_of(raws(), ways()))
def test_an_entry_says_what_its_value_says_alone_and_on_both_sides(raw: Any) -> None:
    forms = {
        KOMMUNIKATION.codec.parse(Side.ESPO, raw),
        KOMMUNIKATION.codec.parse(Side.ADVOWARE, raw),
        KOMMUNIKATION.codec.parse(Side.ADVOWARE, {"tlf": raw}),
        KOMMUNIKATION.codec.parse(Side.ESPO, {"phoneNumber": raw}),
        KOMMUNIKATION.codec.parse(Side.ESPO, {"emailAddress": raw}),
        form(raw),
    }
    assert len(forms) == 1


@quick
@given(typed=ways())
@example("+49")
def test_what_is_typed_in_advoware_comes_back_from_espocrm_as_it_went(typed: str) -> None:
    for one in read(entry(typed)):
        text = KOMMUNIKATION.espo_text(one)
        sent = KOMMUNIKATION.espo_raw(one.channel, text, KOMMUNIKATION.type_of(one.kind), False)
        if one.form is not None and obstacle(one.channel, one.form) is None:
            back = KOMMUNIKATION.read_espo_entry(sent)
            assert (back.channel, back.form, back.type) == (one.channel, one.form, KOMMUNIKATION.type_of(one.kind))


@quick
@given(typed=st.sampled_from([*NUMBERS, *EXTENDED, *ADDRESSES]), kind=st.sampled_from(["Office", "Mobile", "Other"]))
def test_what_is_typed_in_espocrm_comes_back_from_advoware_as_it_went(typed: str, kind: str) -> None:
    channel = MAILS if "@" in typed else PHONES
    given_entry = KOMMUNIKATION.read_espo_entry(espo_raw(channel, typed, kind, True))
    tlf, number = KOMMUNIKATION.advoware_text(given_entry), KOMMUNIKATION.new_kind(given_entry)
    body = KOMMUNIKATION.advoware_raw(tlf, marked(tlf, number), given_entry.main)
    [back] = read({"id": 7, "kommKz": 0, **body})
    assert (back.channel, back.form, back.main) == (channel, given_entry.form, True)
    assert KOMMUNIKATION.type_of(back.kind) == given_entry.type


def test_an_address_goes_to_espocrm_in_the_letter_case_in_which_it_was_typed() -> None:
    [one] = read(entry(" Anna.Muster@Example.de "))
    assert KOMMUNIKATION.espo_text(one) == "Anna.Muster@Example.de"


@pytest.mark.parametrize("raw", [True, ["0511"], {"a": 1}])
def test_what_is_no_text_is_refused_instead_of_guessed(raw: Any) -> None:
    with pytest.raises(Unmappable):
        value(raw)


# --- EspoCRM's lists --------------------------------------------------------------------------


def phone(number: str, kind: str = "Office", **flags: bool) -> dict[str, Any]:
    return {"phoneNumber": number, "type": kind, "primary": False, "optOut": False, "invalid": False, **flags}


def test_a_list_that_is_missing_is_unknown_and_one_that_is_null_or_empty_is_empty() -> None:
    assert read_espo({}) == {}
    assert read_espo({PHONES: None, MAILS: []}) == {PHONES: (), MAILS: ()}
    assert read_espo({MAILS: []}) == {MAILS: ()}


@pytest.mark.parametrize("broken", ["+4951112345", 7, {"phoneNumber": OFFICE}, [OFFICE], [{"phoneNumber": ["x"]}]])
def test_a_list_that_cannot_be_read_is_unknown_and_the_other_is_read(broken: Any) -> None:
    found = read_espo({PHONES: broken, MAILS: [{"emailAddress": "anna@example.de", "primary": True}]})
    assert list(found) == [MAILS]


def test_of_several_primary_entries_the_first_counts() -> None:
    found = read_espo({PHONES: [phone(OFFICE), phone(MOBILE, primary=True), phone("+4930123456", primary=True)]})
    assert [(one.form, one.main) for one in found[PHONES]] == [(OFFICE, False), (MOBILE, True), ("+4930123456", False)]


def test_a_number_or_address_that_stands_twice_in_a_list_is_one_entry() -> None:
    numbers = [phone("+49 511 12345"), phone(OFFICE, "Fax"), phone(MOBILE)]
    addresses = [{"emailAddress": "Anna@Example.de"}, {"emailAddress": "anna@example.de"}]
    found = read_espo({PHONES: numbers, MAILS: addresses})
    assert [(one.form, one.type) for one in found[PHONES]] == [(OFFICE, "Office"), (MOBILE, "Office")]
    assert [one.form for one in found[MAILS]] == ["anna@example.de"]


def test_an_entry_without_a_type_is_a_mobile_and_an_empty_one_is_none() -> None:
    found = read_espo({PHONES: [{"phoneNumber": OFFICE}, {"phoneNumber": ""}, {"phoneNumber": None}, {}]})
    assert [one.type for one in found[PHONES]] == ["Mobile"]


def test_an_entry_is_kept_as_it_was_read() -> None:
    raw = phone("+49 511 12345", optOut=True) | {"unknown": 1}
    [found] = read_espo({PHONES: [raw]})[PHONES]
    assert found.raw == raw


def test_a_new_entry_is_complete_since_espocrm_resets_what_is_missing_for_all_who_share_the_value() -> None:
    assert set(espo_raw(PHONES, OFFICE, "Office", True)) == {"phoneNumber", "type", "primary", "optOut", "invalid"}
    assert set(espo_raw(MAILS, "a@b.de", None, True)) == {"emailAddress", "primary", "optOut", "invalid"}


@pytest.mark.parametrize(
    ("kind", "number"), [("Office", 1), ("Fax", 2), ("Mobile", 3), ("Home", 6), ("Other", 10), ("Skype", 10)]
)
def test_each_type_of_espocrm_has_its_kind_in_advoware(kind: str, number: int) -> None:
    new = KOMMUNIKATION.read_espo_entry(phone(OFFICE, kind))
    assert KOMMUNIKATION.new_kind(new) == number
    assert KOMMUNIKATION.advoware_kind(number) == {"kommKz": number}


def test_a_new_address_is_one_of_the_office() -> None:
    assert KOMMUNIKATION.new_kind(KOMMUNIKATION.read_espo_entry({"emailAddress": "a@b.de"})) == 4


def test_kinds_that_espocrm_does_not_tell_apart_have_one_type() -> None:
    assert TYPES[2] == TYPES[7] == "Fax"
    assert TYPES[3] == TYPES[9] == "Mobile"
    assert not set(TYPES) & (OTHER_KINDS | {4, 8})


# --- Advoware's entries -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, None),
        ({"kommunikation": None}, ()),
        ({"kommunikation": []}, ()),
        ({"kommunikation": "x"}, None),
        ({"kommunikation": [entry(["x"])]}, None),
    ],
)
def test_entries_that_are_missing_or_unreadable_are_unknown_and_null_or_empty_is_none(body: Any, found: Any) -> None:
    assert read_advoware(body, {}) == found


def test_null_is_believed_only_where_there_never_was_an_entry() -> None:
    assert read_advoware({"kommunikation": None}, {7: 1}) is None
    assert read_advoware({"kommunikation": []}, {7: 1}) == ()


def test_entries_come_in_the_order_of_their_ids() -> None:
    assert [one.id for one in read(entry(id=3), entry(MOBILE, id=1), entry("0511 9", id=2))] == [1, 2, 3]


@pytest.mark.parametrize("kind", sorted(OTHER_KINDS))
def test_internet_epost_and_bea_are_not_kept_the_same(kind: int) -> None:
    assert read(entry("https://example.de", kommKz=kind)) == []
    assert read(entry("DE.Justiz.1234", bemerkung=f"[ESPOCRM-SLOT:{kind}]")) == []
    assert read(entry("DE.Justiz.1234"), remembered={1: kind}) == []
    name = next(name for name, number in COPIES.items() if number == kind)
    assert read(entry("DE.Justiz.1234"), remembered=None, **{name: "DE.Justiz.1234"}) == []


@pytest.mark.parametrize("kind", sorted(set(KINDS) - OTHER_KINDS))
def test_all_other_kinds_are_in_the_list_that_is_made_for_them(kind: int) -> None:
    [one] = read(entry("x", kommKz=kind))
    assert (one.kind, one.sure, one.channel) == (kind, True, MAILS if kind in (4, 8) else PHONES)


@pytest.mark.parametrize("empty", [EMPTY_TLF, None, " "])
def test_an_emptied_entry_has_no_value_and_with_our_marker_it_is_a_slot(empty: str | None) -> None:
    person, slot, before = read(
        entry(empty), entry(empty, id=2, bemerkung="[ESPOCRM-SLOT:3]"), entry(empty, id=3, bemerkung=marked(OFFICE, 1))
    )
    assert (person.value, slot.value, before.value) == (None, None, None)
    assert (person.is_slot, slot.is_slot, before.is_slot) == (False, True, False)


def test_a_number_typed_into_a_slot_makes_it_an_entry_of_that_kind() -> None:
    [one] = read(entry(OFFICE, bemerkung="[ESPOCRM-SLOT:3]"))
    assert not one.is_slot
    assert (one.kind, one.sure) == (3, True)


# --- which kind, in the stated order ----------------------------------------------------------


def test_a_kind_that_can_be_read_wins_over_all_else() -> None:
    row = entry(MOBILE, kommKz=6, bemerkung=marked(MOBILE, 1))
    assert kind_of(row, remembered={1: 2}, mobil=MOBILE) == (6, True)


def test_then_the_kind_in_the_marker() -> None:
    assert kind_of(entry(MOBILE, bemerkung=marked(MOBILE, 1)), remembered={1: 2}, mobil=MOBILE) == (1, True)


@pytest.mark.parametrize("kind", [0, 13, 99])
def test_a_marker_without_a_kind_says_nothing(kind: int) -> None:
    assert kind_of(entry(MOBILE, bemerkung=marked(MOBILE, kind)), remembered={1: 2}) == (2, True)


def test_then_the_kind_that_is_remembered() -> None:
    assert kind_of(entry(MOBILE), remembered={1: 2}, mobil=MOBILE) == (2, True)
    assert kind_of(entry(MOBILE), remembered={1: 0}, mobil=MOBILE) == (3, True)


@pytest.mark.parametrize(("name", "kind"), sorted((n, k) for n, k in COPIES.items() if k not in OTHER_KINDS))
def test_then_the_copy_in_the_record_whatever_its_spelling(name: str, kind: int) -> None:
    assert kind_of(entry("0511/12345"), remembered=None, **{name: "+49 511 12345"}) == (kind, True)


def test_a_value_that_is_copied_twice_is_of_a_guessed_kind() -> None:
    assert kind_of(entry(), faxGesch=OFFICE, telGesch=OFFICE) == (1, False)


def test_a_value_that_two_entries_have_is_of_a_guessed_kind() -> None:
    twins = read(entry(), entry("0511/12345", id=2), faxGesch=OFFICE)
    assert [(one.kind, one.sure) for one in twins] == [(2, False), (2, False)]


def test_the_copy_of_any_address_does_not_say_whose_it_is() -> None:
    assert kind_of(entry("anna@example.de"), email="anna@example.de") == (4, False)


def test_a_copy_that_cannot_be_read_proves_nothing() -> None:
    body = {"kommunikation": [entry()], "telGesch": ["x"], "faxGesch": OFFICE}
    assert [one.kind for one in read_advoware(body, {}) or ()] == [2]


@pytest.mark.parametrize(
    ("tlf", "kind"),
    [
        ("anna@example.de", 4),
        ("0171 2345678", 3),
        ("+49 160 1234567", 3),
        ("0511/12345", 1),
        ("+43 664 1234567", 1),
        ("unbekannt", 1),
        ("", 1),
    ],
)
def test_then_the_look_of_the_value_which_is_a_guess(tlf: str, kind: int) -> None:
    assert kind_of(entry(tlf)) == (kind, False)


def test_a_guessed_kind_is_not_written_down_as_known() -> None:
    [guessed], [known] = read(entry()), read(entry(kommKz=6))
    assert (guessed.raw["kommKz"], known.raw["kommKz"]) == (0, 6)


# --- kommunikationHash ------------------------------------------------------------------------


def test_the_hash_is_of_the_row_ids_in_order_of_entries_that_are_kept_the_same() -> None:
    rows = [
        entry(rowId="C"),
        entry(MOBILE, id=2, rowId="A"),
        entry("", id=3, rowId="EMPTIED", bemerkung="[ESPOCRM-SLOT:1]"),
        entry("https://example.de", id=4, rowId="INTERNET", kommKz=5),
    ]
    expected = hashlib.md5(b"AC", usedforsecurity=False).hexdigest()[:16]
    assert fingerprint({"kommunikation": rows}) == fingerprint({"kommunikation": rows[::-1]}) == expected


@pytest.mark.parametrize("body", [{}, {"kommunikation": None}, {"kommunikation": []}])
def test_a_record_without_entries_has_the_hash_of_nothing(body: dict[str, Any]) -> None:
    assert fingerprint(body) == hashlib.md5(b"", usedforsecurity=False).hexdigest()[:16]


# --- the marker -------------------------------------------------------------------------------

PEOPLES = (
    *TEXTS,
    "nur abends",
    "Zeile 1\r\nZeile 2",
    "[DMS:4711] abends",
    "] [ ]] [[",
    f"vor {marked(OFFICE, 1)} hinter",
    marked(OFFICE, 1),
    "[ESPOCRM-SLOT:3]",
    "[ESPOCRM:",
    " mit Blank",
)


@quick
@given(
    kept=st.one_of(st.none(), ways().filter(bool)),
    kind=st.integers(0, 12),
    user_text=st.one_of(st.sampled_from(PEOPLES), texts()),
)
def test_marker_and_peoples_text_come_apart_as_they_were_put_together(
    kept: str | None, kind: int, user_text: str
) -> None:
    whole = remark(Mark(kept, kind), user_text)
    if whole is not None:
        assert split(whole) == (Mark(kept, kind), user_text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("composition", ["NFC", "NFD"])
def test_the_marker_keeps_every_letter_as_it_was_typed(name: str, composition: Any) -> None:
    typed = unicodedata.normalize(composition, name)
    assert split(remark(Mark(typed, 3), typed)) == (Mark(typed, 3), typed)


def test_the_marker_is_the_one_installations_have() -> None:
    assert marked("+491712345678", 3, "nur abends") == "[ESPOCRM:KzQ5MTcxMjM0NTY3OA==:3] nur abends"
    assert remark(Mark(None, 3), "nur abends") == "[ESPOCRM-SLOT:3] nur abends"
    assert remark(Mark(None, 3), "") == "[ESPOCRM-SLOT:3]"


def test_a_marker_is_understood_without_a_blank_behind_and_with_blanks_before() -> None:
    assert split(f" \r\n{marked(OFFICE, 1)}abends") == (Mark(OFFICE, 1), "abends")


@pytest.mark.parametrize("nothing", [None, "", 7, ["x"]])
def test_where_there_is_no_remark_there_is_no_marker(nothing: Any) -> None:
    assert split(nothing) == (None, "")


@pytest.mark.parametrize(
    "foreign",
    [
        "nur abends",
        "[DMS:4711]",
        "[ESPO:KzQ5:3] x",
        "[espocrm:KzQ5:3] x",
        "[ESPOCRM:KzQ5] x",
        "[ESPOCRM:KzQ5:] x",
        "[ESPOCRM:KzQ5:123] x",
        "[ESPOCRM:KzQ5:٣] x",
        "[ESPOCRM:KzQ5:3",
        "[ESPOCRM::3] x",
        "[ESPOCRM:K:3] x",
        "[ESPOCRM:K=Q5:3] x",
        "[ESPOCRM:Kz Q5:3] x",
        f"[ESPOCRM:{base64.b64encode(b'M' + bytes([0xFC])).decode()}:3] x",
        "[ESPOCRM-SLOT] x",
        "[ESPOCRM-SLOT:] x",
        f"nur {marked(OFFICE, 1)}",
    ],
)
def test_a_foreign_or_broken_marker_is_peoples_text(foreign: str) -> None:
    assert split(foreign) == (None, foreign)
    whole = remark(Mark(OFFICE, 1), foreign)
    assert split(whole) == (Mark(OFFICE, 1), foreign)


@pytest.mark.parametrize("spare", [0, 1])
def test_marker_and_text_fit_up_to_the_last_character_or_not_at_all(spare: int) -> None:
    room = BEMERKUNG_MAX - len(marked(OFFICE, 1)) - 1
    assert remark(Mark(OFFICE, 1), "x" * (room + spare)) == (None if spare else f"{marked(OFFICE, 1)} {'x' * room}")


def test_a_value_too_long_for_a_marker_has_none() -> None:
    assert remark(Mark("x" * BEMERKUNG_MAX, 1), "") is None

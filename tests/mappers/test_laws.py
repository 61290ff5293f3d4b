"""The laws of every mapped field: there and back again is the same, and once normalised is always normalised."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.adressen import REMARK, sign, signed_by
from mappers.normal import BIC, DAY, IBAN, TEXT, TICK
from mappers.spec import Codec, Field, Side, Unmappable
from syncd.app import ENTITIES
from tests.mappers.nasty import (
    BICS,
    DAYS,
    IBANS,
    NO_BICS,
    NO_IBANS,
    NO_TICKS,
    TICKS,
    UNKEEPABLE,
    raws,
    texts,
)

MIDNIGHTS = (
    "",
    " 00:00",
    "T00:00",
    " 00:00:00",
    "T00:00:00",
    "T00:00:00.0",
    "T00:00:00.0000000",
    "T00:00:00Z",
    "T00:00:00+00:00",
    "T00:00:00+01:00",
    "T00:00:00+02:00",
    "T00:00:00.000-05:00",
)

# 20 for each field and side: all text fields share one codec, so each codec sees hundreds
few = settings(max_examples=20, deadline=None)
FIELDS = {f"{entity.name}.{field.name}": field for entity in ENTITIES for field in entity.fields}
OF_TEXT = {name: field for name, field in FIELDS.items() if field.codec is not TICK}
every_field = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
every_text = pytest.mark.parametrize("field", OF_TEXT.values(), ids=OF_TEXT)
every_side = pytest.mark.parametrize("side", Side)


def written_forms(field: Field) -> st.SearchStrategy[Any]:
    """Raw values of a field as either system or a person may have left them."""
    if field.codec is DAY:
        return st.one_of(st.none(), st.just(""), st.tuples(DAYS, st.sampled_from(MIDNIGHTS)).map("".join))
    if field.codec in (IBAN, BIC):
        return st.sampled_from([*(IBANS if field.codec is IBAN else BICS), None, "", " \u00a0"])
    if field.codec is TICK:
        return st.sampled_from(TICKS)
    if field.codec is REMARK:
        marks = st.sampled_from(["", "[ESPOCRM:6b00] ", "[ESPOCRM:x]", "[ESPOCRM:] ", "[ESPOCRM:a] [ESPOCRM:b] "])
        return st.one_of(raws(), st.tuples(marks, texts()).map("".join))
    options = st.sampled_from(["Mr.", "Ms.", "Mrs.", "Dr.", "Herr", "Frau", "Divers", "Firma", "herr"])
    return st.one_of(raws(), options)


@every_field
@every_side
@few
@given(data=st.data())
def test_a_value_comes_back_from_either_side_as_it_went(field: Field, side: Side, data: st.DataObject) -> None:
    for source in Side:
        value = field.codec.parse(source, data.draw(written_forms(field)))
        assert field.codec.parse(side, field.codec.render(side, value)) == value


@every_field
@every_side
@few
@given(data=st.data())
def test_normalising_twice_is_normalising_once(field: Field, side: Side, data: st.DataObject) -> None:
    once = field.codec.parse(side, data.draw(written_forms(field)))
    assert field.codec.parse(side, once) == once


@every_field
@few
@given(data=st.data())
def test_both_sides_read_the_common_form_alike(field: Field, data: st.DataObject) -> None:
    value = field.codec.parse(Side.ESPO, data.draw(written_forms(field)))
    assert field.codec.parse(Side.ESPO, value) == field.codec.parse(Side.ADVOWARE, value)


@every_field
@every_side
@few
@given(data=st.data())
def test_what_is_sent_survives_json_and_has_one_type(field: Field, side: Side, data: st.DataObject) -> None:
    sent = field.codec.render(side, field.codec.parse(side, data.draw(written_forms(field))))
    assert isinstance(sent, bool) if field.codec is TICK else sent is None or isinstance(sent, str)
    assert json.loads(json.dumps(sent)) == sent


@every_text
@every_side
@pytest.mark.parametrize("raw", [None, "", " ", "\u00a0", "\r\n", "\t \ufeff"])
def test_blank_null_and_missing_are_one_value(field: Field, side: Side, raw: str | None) -> None:
    assert field.parse(side, {field.attribute(side): raw}) is None
    assert field.parse(side, {}) is None


@every_field
@every_side
def test_an_emptied_field_reads_as_blank(field: Field, side: Side) -> None:
    assert field.codec.parse(side, field.codec.render(side, None)) is None


@every_text
@every_side
@few
@given(raw=st.one_of(st.booleans(), st.lists(texts(), min_size=1), st.dictionaries(texts(), texts(), min_size=1)))
def test_what_is_no_text_is_refused_instead_of_guessed(field: Field, side: Side, raw: Any) -> None:
    with pytest.raises(Unmappable):
        field.codec.parse(side, raw)


@every_field
@every_side
@pytest.mark.parametrize("raw", UNKEEPABLE, ids=ascii)
def test_what_no_store_can_keep_is_refused_instead_of_cut(field: Field, side: Side, raw: str) -> None:
    with pytest.raises(Unmappable):
        field.codec.parse(side, raw)


SECRETS = (
    "Geheimnis",
    "32.01.1985",
    "29.02.2024",
    "2023-02-29",
    "1985-13-01",
    "1985-02-28T12:34:56",
    "1985-02-28T22:00:00Z",
    "0000-00-00",
    "19850228",
    ["Geheimnis"],
    {"Geheimnis": 1},
)


@every_field
@every_side
@pytest.mark.parametrize("raw", SECRETS, ids=str)
def test_a_refusal_never_tells_the_value(field: Field, side: Side, raw: Any) -> None:
    try:
        field.codec.parse(side, raw)
    except Unmappable as refusal:
        whole = f"{refusal} {refusal.args} {refusal.__cause__}"
        assert "Geheimnis" not in whole
        assert str(raw) not in whole
        assert not any(letter.isdigit() for letter in whole)


def test_every_codec_in_use_is_under_these_laws() -> None:
    known = {one.name for one in (TEXT, DAY, IBAN, BIC, TICK, REMARK)}
    assert {field.codec.name for entity in ENTITIES for field in entity.fields} == known | {"salutation"}


# --- what only some values have -----------------------------------------------------------------


@every_side
@pytest.mark.parametrize(("codec", "raw"), [*((IBAN, one) for one in NO_IBANS), *((BIC, one) for one in NO_BICS)])
def test_a_mistyped_number_is_refused_and_never_told(codec: Codec, side: Side, raw: str) -> None:
    with pytest.raises(Unmappable) as refusal:
        codec.parse(side, raw)
    assert raw not in f"{refusal.value} {refusal.value.args} {refusal.value.__cause__}"


@every_side
def test_one_account_is_one_however_it_is_typed(side: Side) -> None:
    assert {IBAN.parse(side, one) for one in IBANS[:3]} == {"DE89370400440532013000"}
    assert {BIC.parse(side, one) for one in ("cobadeffxxx", "COBA DE FF XXX")} == {"COBADEFFXXX"}


@every_side
@pytest.mark.parametrize("raw", NO_TICKS, ids=ascii)
def test_what_is_neither_yes_nor_no_is_refused(side: Side, raw: Any) -> None:
    with pytest.raises(Unmappable):
        TICK.parse(side, raw)


@every_side
def test_a_box_that_was_never_ticked_is_not_ticked(side: Side) -> None:
    assert {TICK.parse(side, one) for one in (None, False, 0, "")} == {None}
    assert {TICK.parse(side, one) for one in (True, 1, "true")} == {TICK.parse(side, True)}
    assert (TICK.render(side, None), TICK.render(side, TICK.parse(side, True))) == (False, True)


@few
@given(text=texts())
def test_our_mark_hides_nothing_people_wrote(text: str) -> None:
    row = sign("6b0015787a120a0a7", {"bemerkung": text})
    assert signed_by(row) == "6b0015787a120a0a7"
    assert REMARK.parse(Side.ADVOWARE, row["bemerkung"]) == TEXT.parse(Side.ADVOWARE, text)

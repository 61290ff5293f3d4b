"""Mapping of any text at all: it is understood or refused with its one error, and once normal is always normal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION, MAILS, PHONES, form, obstacle, remark, split, value
from mappers.spec import Mark, Side, Unmappable
from tests.mappers.nasty import ADDRESSES, EXTENDED, NO_ADDRESSES, NO_NUMBERS, NUMBERS, UNKEEPABLE, texts

ODD = (
    "\u200b",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\x00",
    "\ud800",
    "\u0308",
    "\r\n",
    "\u00a0",
    "\U0001f469\u200d\u2696",
    "ß",
    "ẞ",
)
PIECES = (*ODD, *NUMBERS, *EXTENDED, *NO_NUMBERS, *ADDRESSES, *NO_ADDRESSES, "[ESPOCRM:", "[ESPOCRM-SLOT:3]", ":4] ")
anything = st.one_of(
    texts(),
    st.text(st.characters(), max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
    st.sampled_from(UNKEEPABLE),
    st.integers() | st.floats() | st.none() | st.booleans() | st.lists(st.text(), max_size=2),
)
few = settings(max_examples=300, deadline=None)
many = settings(max_examples=30_000, deadline=None, suppress_health_check=list(HealthCheck))


def understood(raw: Any) -> None:
    """Every field and both lists, from either side."""
    for codec in {field.codec for field in BETEILIGTE.fields} | {KOMMUNIKATION.codec}:
        for side in Side:
            try:
                once = codec.parse(side, raw)
            except Unmappable:
                continue
            assert codec.parse(side, once) == once
            if codec is not KOMMUNIKATION.codec:
                assert codec.parse(side.other, codec.render(side.other, once)) == once
            assert once is None or once.encode()


def reached(raw: Any) -> None:
    """As a number or address: its forms stay, and its marker is read back or does not fit."""
    try:
        canonical, kept = value(raw), form(raw)
    except Unmappable:
        return
    assert value(canonical) == canonical
    assert form(kept) == kept
    if canonical is not None and kept is not None:
        assert {obstacle(PHONES, kept), obstacle(MAILS, kept)} <= {
            None,
            "not a telephone number",
            "not an e-mail address",
        }
        written = remark(Mark(canonical, 3), "Büro")
        assert written is None or split(written) == (Mark(canonical, 3), "Büro")


def marked(raw: Any) -> None:
    """As a remark: a marker of ours and people's text, or all of it people's."""
    mark, words = split(raw)
    if mark is None:
        assert words == (raw if isinstance(raw, str) else "")
    else:
        assert isinstance(raw, str)
        assert raw.endswith(words)


every_law = pytest.mark.parametrize("law", [understood, reached, marked], ids=lambda law: str(law.__name__))


@every_law
@few
@given(raw=anything)
def test_any_value_is_understood_or_refused(law: Any, raw: Any) -> None:
    law(raw)


@pytest.mark.soak
@every_law
@many
@given(raw=anything)
def test_any_value_is_understood_or_refused_many_times(law: Any, raw: Any) -> None:
    law(raw)

"""Texts as German law firms really have them, for every test that needs a value."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

NAMES = (
    "Müller-Lüdenscheidt",
    unicodedata.normalize("NFD", "Müller-Lüdenscheidt"),
    "Weiß",
    "WEISS",
    "Groß & Söhne GmbH & Co. KG",
    "Ångström",
    "Łukasz Żółć",
    "İsmail Işık",
    "von der Straße",
    "O’Neill",
    "d'Artagnan",
    "𠮷野家",
    "Jörg 👩🏽‍⚖️",
    "ﬁnke",
    "Ⅳ. Senat",
)
BLANKS = ("", " ", "  ", "\t", "\r\n", "\n", "\u00a0", "\u202f", "\u200b", "\ufeff", " \u00a0 ")
TEXTS = (
    *NAMES,
    "Sehr geehrter Herr Müller,\r\nliebe Frau Müller,",
    "Zeile 1\rZeile 2",
    "  führende Blanks",
    "Blanks hinten   ",
    "geschütztes\u00a0Leerzeichen",
    "Müller\u00a0",
    "a\u0308",
    "A\u030a\u0301",
    "\u0308Dach",
    "0",
    "false",
    "null",
    "None",
    '{"a": 1}',
    "%s {0} {name}",
    "=SUMME(A1)",
    "' OR 1=1 --",
    "x" * 300,
)

_letters = st.characters(exclude_categories=["Cs"])


def texts() -> st.SearchStrategy[str]:
    """What people type: real specimens, specimens between blanks, and anything else Unicode has."""
    specimen = st.sampled_from(TEXTS)
    padded = st.tuples(st.sampled_from(BLANKS), specimen, st.sampled_from(BLANKS)).map("".join)
    return st.one_of(specimen, padded, st.sampled_from(BLANKS), st.text(_letters, max_size=40))


def raws() -> st.SearchStrategy[object]:
    """What JSON may hold where a text is expected."""
    return st.one_of(texts(), st.none(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False))


DAYS = st.dates().map(lambda day: day.isoformat()).filter(lambda day: day not in ("0001-01-01", "1899-12-30"))

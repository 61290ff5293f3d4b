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

_letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")

UNKEEPABLE = ("\x00", "Müller\x00", "\ud83d", "a\udfffb", "\udc4d\ud83d", "x" * 10_001)
"""Texts that JSON can carry and no store can keep, or that are longer than any field."""


def texts() -> st.SearchStrategy[str]:
    """What people type: real specimens, specimens between blanks, and anything else Unicode has."""
    specimen = st.sampled_from(TEXTS)
    padded = st.tuples(st.sampled_from(BLANKS), specimen, st.sampled_from(BLANKS)).map("".join)
    return st.one_of(specimen, padded, st.sampled_from(BLANKS), st.text(_letters, max_size=40))


def raws() -> st.SearchStrategy[object]:
    """What JSON may hold where a text is expected."""
    return st.one_of(texts(), st.none(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False))


DAYS = st.dates().map(lambda day: day.isoformat()).filter(lambda day: day not in ("0001-01-01", "1899-12-30"))

NUMBERS = {
    "0511/12345-60": "+495111234560",
    "(0511) 12345-60": "+495111234560",
    "0511 12345 - 60": "+495111234560",
    " 0511–1234560\r\n": "+495111234560",
    "0511\u00a01234560": "+495111234560",
    "+49 (0)511 1234560": "+495111234560",
    "+49 (0) 0511 1234560": "+495111234560",
    "0049 511 1234560": "+495111234560",
    "+49.511.1234560": "+495111234560",
    "tel:+49 511 1234560": "+495111234560",
    "0171 / 23 45 678": "+491712345678",
    "+49 171 2345678": "+491712345678",
    "0800 1234567": "+498001234567",
    "0043 1 5123456": "+4315123456",
    "+41 44 668 18 00": "+41446681800",
}
"""Telephone numbers as people type them, and the number they mean."""

EXTENDED = {
    "0511/1234560 ext. 12": "+495111234560;ext=12",
    "0511/1234560 x12": "+495111234560;ext=12",
    "0511/1234560#12": "+495111234560;ext=12",
    "+49 511 1234560  EXT 12": "+495111234560;ext=12",
    "+495111234560;ext=12": "+495111234560;ext=12",
}
"""Numbers with an extension, of which EspoCRM keeps only the number."""

NO_NUMBERS = (
    "unbekannt",
    "-",
    "0",
    "+",
    "0000",
    "000000",
    "110",
    "12345-60",
    "0511 1234560 (privat)",
    "0511/1234560 oder 0511/1234561",
    "0511/1234560 App. 12",
    "Frau Meier 0511 1234560",
    "+49 511 12345678901234",
    "https://example.de",
    "٠٥١١ ١٢٣٤٥٦٠",
    "𠮷野",
)
"""What stands where a number should, and cannot be dialled from anywhere."""

ADDRESSES = ("anna@example.de", "a.b+c@sub.example.de", "o'neill@example.de", "anna@xn--mller-kva.de", "1@example.de")

NO_ADDRESSES = (
    "müller@example.de",
    "anna@müller.de",
    '"anna muster"@example.de',
    "Anna <anna@example.de>",
    "anna@example.de, bernd@example.de",
    "anna@@example.de",
    "@",
    "mailto:anna@example.de",
    "anna..muster@example.de",
)
"""What EspoCRM does not take as an e-mail address."""

IBANS = (
    "DE89370400440532013000",
    "de89 3704 0044 0532 0130 00",
    " DE89-3704-0044-0532-0130-00 ",
    "DE02 1203 0000 0000 2020 51\n",
    "AT61 1904 3002 3457 3201",
    "CH93 0076 2011 6238 5295 7",
    "MT84MALT011000012345MTLCAST001S",
    "NO9386011117947",
)
NO_IBANS = (
    "DE89370400440532013001",  # a digit mistyped
    "DE8937040044053201300",  # one too few
    "DE893704004405320130000",  # one too many
    "ED89370400440532013000",
    "XX00",
    "DE",
    "370400440532013000",
    "IBAN DE89370400440532013000",
    "DE89370400440532O13000",  # a letter O
    "\u0661\u0662",
)
BICS = ("COBADEFFXXX", "cobadeff", " COBA DE FF XXX ", "DEUTDEDB101", "INGBNL2A")
NO_BICS = ("COBADE", "COBADEFFXX", "COBA1EFF", "37040044", "Commerzbank AG")
TICKS = (True, False, 1, 0, "1", "0", "true", "false", None, "")
NO_TICKS = ("vielleicht", "x", 2, -1, "ja?", [True], {"a": 1}, "\u2611")

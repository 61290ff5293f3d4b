"""What people put in: settings, syncd.toml, lists of numbers, arguments. Wrong ones are told in one line each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import config
from syncd.numbers import NotNumbers, read_numbers
from tests.cli.conftest import Cli, Result

MARK = "geheim"
COMPLETE = {
    "ADVOWARE_APP_ID": "app",
    "ADVOWARE_API_KEY": "Z2VoZWlt",
    "ADVOWARE_KANZLEI": "kanzlei",
    "ADVOWARE_DATABASE": "db",
    "ADVOWARE_USER": "sync",
    "ADVOWARE_PASSWORD": f"{MARK}-kennwort",
    "ESPOCRM_API_BASE_URL": "https://crm.example/api/v1",
    "ESPOCRM_API_KEY": f"{MARK}-schluessel",
    "SYNCD_STATE_DIR": "state",
}
NAMES = [doc.name for doc in config.FIELDS]
VALUES = (
    *(
        "-1",
        "0",
        "nan",
        "inf",
        "1e400",
        "1e300",
        "9" * 5000,
        "²",
        "٣",
        "1,,2",
        "1,-2",
        "true",
        "{}",
        "[]",
        "=",
        ":",
        "a:",
    ),
    *("http://[", "http://h:port/api/v1", "http://h:99999999/api/v1", "http://℀/api/v1", "https://u:p@h/api/v1"),
    *("postgresql://[", "postgresql://h:port/db", "sqlite:////nonexistent/x", "redis://h:port", "redis://[", "unix://"),
    *("a\nb", "x" * 5000, "/" * 2000, "../..", "~", "\x1b[31m", "\u202e"),
)
TOMLS = {
    "nothing": b"",
    "not UTF-8": b'[entities.beteiligte]\nespo_type = "M\xfcller"',
    "UTF-16": "[entities]".encode("utf-16"),
    "NUL": b"\x00",
    "nested deep": b"a = " + b"[" * 100_000,
    "tables nested deep": b"[" + b"a." * 20_000 + b"a]",
    "a number too long": b"a = " + b"9" * 100_000,
    "no date": b"a = 2023-02-30",
    "not closed": b'a = "geheim',
    "same key twice": b"[entities]\n[entities]",
    "entities is a number": b"entities = 1",
    "entities is a list": b"[[entities]]",
    "an entity is a text": b'[entities]\nbeteiligte = "geheim"',
    "a field is a list": b"[entities.beteiligte.fields]\nname = []",
    "an unknown key over two lines": b'"geheim\\nnoch" = 1',
    "a name with blanks": b'[entities.beteiligte]\nespo_type = "C B"',
    "filter is a table": b'[entities.beteiligte.filter]\ntype = "equals"',
    "filter without type": b'[[entities.beteiligte.filter]]\nattribute = "geheim"',
    "filter with a day": b'[[entities.beteiligte.filter]]\ntype = "after"\nattribute = "createdAt"\nvalue = 2024-01-01',
    "filter with no number": b'[[entities.beteiligte.filter]]\ntype = "in"\nvalue = [1.0, [nan]]',
    "policy is a list": b'[entities.beteiligte.fields.name]\npolicy = ["espocrm"]',
    "direction is a day": b"[entities.beteiligte.fields.name]\ndirection = 2024-01-01",
}
LISTS = {
    "a number too long": "1\n" + "9" * 5000,
    "other digits": "٣\n",
    "raised digits": "²\n",
    "minus": "-7",
    "zero": "0000",
    "a quote not closed": 'betNr;x\n"1;' + "a" * 200_000,
    "a cell too long": "betNr;x\n" + "9" * 200_000 + ";1",
    "NUL": "1\n\x002",
    "no such column": "name,vorname\n1,2",
    "half a table": "betNr;x\n7\n\n;\n\n8;",
    "quotes": '"7"\n""\n"""',
    "line ends of all kinds": "1\r2\x0b3\x0c4\x855\u20286",
}
ARGUMENTS = ("", "betnr:99999999999999999999", "betnr:٣", "../x", "x" * 10_000, "\udcff", "a\nb", "1e400", "2024-02-30")
BEFORE = (
    *(("plan",), ("show",), ("retry",), ("export",), ("erase",), ("exclude",), ("include",), ("undo",)),
    *(("conflicts", "show"), ("conflicts", "resolve", "c1", "--take"), ("guard", "allow"), ("queue", "drop")),
    *(("runs", "show"), ("undo", "--run"), ("pause", "--entity"), ("pause", "--side"), ("match", "--numbers")),
    *(("import", "--file"), ("serve", "--workers"), ("retry", "--status"), ("backfill", "--entity"), ("no-such",)),
)


def told_well(result: Result) -> None:
    """A promised exit code; failures one line each, without a trace, a bug or a secret."""
    assert result.code in (0, 1, 2, 3), result
    assert "bug" not in result.err
    assert "Traceback" not in result.err + result.out
    assert MARK not in result.err + result.out
    if result.code in (2, 3):
        assert result.err
        assert all(line.startswith("error: ") for line in result.err.splitlines()), result.err


def set_up(bare: pytest.MonkeyPatch) -> None:
    for name, value in COMPLETE.items():
        bare.setenv(name, value)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_of_any_wrong_kind_is_told_in_one_line_without_its_value(name: str) -> None:
    for value in (*VALUES, f"{MARK} mit Blank"):
        lines: tuple[str, ...] = ()
        try:
            config.load({**COMPLETE, name: value}, dotenv=None)
        except config.ConfigError as wrong:
            lines = wrong.lines
        assert all(line.startswith((name, "SYNCD_SWEEP")) and line.isprintable() for line in lines), lines
        assert MARK not in str(lines)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SYNCD_STATE_DIR", "SYNCD_CONFIG_FILE"])
def test_a_place_nobody_can_go_to_is_told_in_one_line(bare: pytest.MonkeyPatch, cli: Cli, name: str) -> None:
    set_up(bare)
    for value in ("postgresql://h:port/db", "redis://h:port", "redis://[", "x" * 5000, "/dev/null", "a\nb", "unix://"):
        bare.setenv(name, value)
        told_well(cli("status"))


@pytest.mark.parametrize(
    "content",
    [
        b"\x00", b"\xff\xfe", b"=", b"SYNCD_GEHEIM=geheim", b"ESPOCRM_API_KEY='geheim", b"export\n\n#", b"A" * 100_000,
        b"SYNCD_WORKERS=1\nSYNCD_WORKERS=geheim\n", b"SYNCD_POLL_SECONDS=${SYNCD_POLL_SECONDS}", b"\x1b[31m=\x07",
    ],
    ids=range(10),
)  # fmt: skip
def test_an_env_file_of_any_wrong_kind_is_told_in_one_line(
    bare: pytest.MonkeyPatch, cli: Cli, tmp_path: Path, content: bytes
) -> None:
    set_up(bare)
    (tmp_path / ".env").write_bytes(content)
    told_well(cli("config", "check"))


@pytest.mark.parametrize("what", TOMLS)
def test_a_syncd_toml_of_any_wrong_kind_is_told_in_one_line_each(
    bare: pytest.MonkeyPatch, cli: Cli, tmp_path: Path, what: str
) -> None:
    set_up(bare)
    (tmp_path / "syncd.toml").write_bytes(TOMLS[what])
    result = cli("config", "check")
    assert result.code == (0 if what == "nothing" else 2), result
    assert all(line.startswith("error: ") for line in result.err.splitlines()), result.err
    assert "Traceback" not in result.err


def test_arguments_of_any_wrong_kind_are_told_in_one_line(bare: pytest.MonkeyPatch, cli: Cli) -> None:
    assert cli("db", "upgrade").code == 0
    for before in BEFORE:
        for argument in ARGUMENTS:
            told_well(cli(*before, argument))


@pytest.mark.parametrize("what", LISTS)
def test_a_list_of_numbers_of_any_wrong_kind_names_the_line(what: str) -> None:
    try:
        read_numbers(LISTS[what], "betNr")
    except NotNumbers as wrong:
        told = str(wrong)
    else:
        told = ""
    assert told == "" or (told.startswith("line ") and len(told) < 200)


_texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from([*'0123456789";,\t\n\r#', "betNr", "\ufeff", " "]), max_size=60).map("".join),
)
_tomls = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.times(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["entities", "beteiligte", "fields", "name", "filter", "create", "policy", "espo", "x\n"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def _numbers(text: str) -> None:
    with suppress(NotNumbers):
        assert all(0 < number < 10**9 for number in read_numbers(text, "betNr"))


def _tables(tables: Any) -> None:
    reader = config._Toml("syncd.toml", {"beteiligte": config.Known(("name",), ("kommunikation",))})
    reader.entities(tables if isinstance(tables, dict) else {"entities": tables})
    assert not any("\n" in line for line in reader.lines)


def _of_any_kind(plain: int, soak: int, what: st.SearchStrategy[Any], test: Callable[[Any], None]) -> tuple[Any, Any]:
    """The plain test and its long form."""
    few = settings(max_examples=plain, deadline=None)
    many = settings(max_examples=soak, deadline=None, suppress_health_check=list(HealthCheck))
    return few(given(what)(test)), pytest.mark.soak(many(given(what)(test)))


test_any_text_is_numbers_or_names_the_line, test_any_text_many_times = _of_any_kind(300, 50_000, _texts, _numbers)
test_any_tables_are_settings_or_told, test_any_tables_many_times = _of_any_kind(300, 50_000, _tomls, _tables)

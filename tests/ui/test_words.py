"""Every text of the pages is there in both languages, and none is left over."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import syncd.ui
from mappers.shape import Words
from syncd.ui.show import Show
from syncd.ui.words import SECTIONS, WORDS, text

FOLDER = Path(syncd.ui.__file__).parent
SOURCES = [path for path in FOLDER.rglob("*") if path.suffix in (".py", ".html") and path.parent.name != "words"]
NAME = re.compile(r'"([a-z_]+\.[a-z0-9_.{}]*)"')
# Names put together from a beginning and a value: the beginnings.
BEGINNINGS = re.compile(r'f?"([a-z_]+\.[a-z_]*)(?:\{|" ~)')


def values_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("name", WORDS)
def test_both_languages_are_there_and_are_filled_in_alike(name: str) -> None:
    words = WORDS[name]
    assert words.de.strip()
    assert words.en.strip()
    assert values_of(words.de) == values_of(words.en)


def test_no_name_stands_twice() -> None:
    names = [name for section in SECTIONS for name in section]
    assert len(names) == len(set(names))


def test_every_text_that_is_used_is_there_and_none_is_left_over() -> None:
    read = "\n".join(path.read_text() for path in SOURCES)
    sections = {name.partition(".")[0] for name in WORDS}
    used = {name for name in NAME.findall(read) if name.partition(".")[0] in sections and "{" not in name}
    begun = tuple(BEGINNINGS.findall(read))
    missing = {name for name in used if name not in WORDS and not name.endswith((".html", ".css", ".js", "_", "."))}
    assert missing == set()
    assert {name for name in WORDS if name.removesuffix(".one") not in used and not name.startswith(begun)} == set()


def test_one_of_something_has_words_of_its_own() -> None:
    assert text("time.ago_d", "de", n=1) == "vor 1 Tag"
    assert text("time.ago_d", "en", n=3) == "3 days ago"


def test_a_name_that_is_not_there_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        text("no.such", "de")
    assert isinstance(WORDS["nav.overview"], Words)


@pytest.mark.parametrize(
    ("language", "seconds", "shown"),
    [("de", 2.44, "2,4 s"), ("en", 2.44, "2.4 s"), ("de", 0, "0 s"), ("de", 300, "5 min"), ("en", 90000, "25 h")],
)
def test_lengths_of_time_are_told_in_their_largest_unit(language: str, seconds: float, shown: str) -> None:
    assert Show(language, 0.0).length(seconds) == shown


def test_numbers_and_times_look_as_the_reader_is_used_to() -> None:
    german, english = Show("de", 1_800_000_000.0), Show("en", 1_800_000_000.0)
    assert (german.number(1234567.8, 1), english.number(1234567.8, 1)) == ("1.234.567,8", "1,234,567.8")
    assert (german.when(1_800_000_000.0), english.when(None)) == ("15.01.2027 09:00:00", "never")
    assert (german.ago(1_799_999_999.0), english.ago(1_799_990_000.0)) == ("gerade eben", "3 h ago")
    assert (german.status("clean"), german.tone("conflict"), english.status(None)) == (
        "abgeglichen", "bad", "not synced yet",
    )  # fmt: skip

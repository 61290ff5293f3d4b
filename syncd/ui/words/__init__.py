"""All texts of the pages, German and English: one catalogue, a module per section. Knows no page.

A text is named `section.what`; `{name}` in it is filled in. `tests/ui/test_words.py` sees to it that every name that is
used is there, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words
from syncd.ui.words import alarms, common, conflicts, guards, overview, record, records, runs

SECTIONS: tuple[Mapping[str, Words], ...] = (
    common.WORDS,
    overview.WORDS,
    records.WORDS,
    record.WORDS,
    conflicts.WORDS,
    guards.WORDS,
    runs.WORDS,
    alarms.WORDS,
)
WORDS: Mapping[str, Words] = {name: words for section in SECTIONS for name, words in section.items()}
LANGUAGES: Mapping[str, str] = {"de": "Deutsch", "en": "English"}


def text(name: str, language: str, **values: object) -> str:
    """The text of this name; raises KeyError where there is none. With `n` of 1 `name.one` is taken, where there is."""
    if values.get("n") == 1 and f"{name}.one" in WORDS:
        name = f"{name}.one"
    words = WORDS[name]
    return words.of(language).format(**values)

"""Lists of numbers as people type and export them."""

from __future__ import annotations

import pytest

from syncd.numbers import NotNumbers, read_numbers

LISTS = {
    "one a line": ("7\n8\n7\n\n# a remark\n9\n", [7, 8, 9]),
    "with a head": ("betnr\n7\n8", [7, 8]),
    "a table with semicolons": ("name;BetNr;x\nA;7;\nB;8;y", [7, 8]),
    "a table with commas and quotes": ('"betNr","name"\n"7","Müller, Ida"\n"8","B"', [7, 8]),
    "a mark in front, Windows lines": ("\ufeffbetnr\r\n7\r\n8\r\n", [7, 8]),
    "a row without that cell": ("name;betnr\nA\nB;8", [8]),
    "nothing": ("", []),
}
WRONG = ["7\nx", "0", "-7", "1234567890", "7.5", "٧", "name;number\nA;7"]


@pytest.mark.parametrize("name", LISTS)
def test_numbers_are_read_once_and_in_order(name: str) -> None:
    text, numbers = LISTS[name]
    assert read_numbers(text, "betnr") == numbers


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_number_is_refused_by_its_line_without_its_content(text: str) -> None:
    with pytest.raises(NotNumbers, match=r"^line \d") as refused:
        read_numbers(text, "betnr")
    assert text.splitlines()[-1] not in str(refused.value)

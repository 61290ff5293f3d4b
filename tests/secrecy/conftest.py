"""Everything logged and printed while a test runs."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tests.secrecy.marks import found_in, logged


@pytest.fixture
def out(capfd: pytest.CaptureFixture[str]) -> Iterator[io.StringIO]:
    with logged() as text:
        yield text
    printed = capfd.readouterr()
    assert found_in(printed.out + printed.err) == []

"""Once the daemon is ready, the garbage collector leaves alone what is loaded."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from syncd.runtime import YOUNG, settle_down


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector as it was, afterwards."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class _Ring:
    """Garbage that only the collector finds: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("collector")
def test_what_is_loaded_is_looked_at_no_more_and_garbage_that_comes_is_still_found() -> None:
    settle_down()
    assert gc.get_freeze_count() > 10_000
    ring = weakref.ref(_Ring())
    young = [[number] for number in range(YOUNG + 1000)]
    assert len(young) > YOUNG
    assert ring() is None

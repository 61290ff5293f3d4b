"""Ctrl-C and SIGTERM as a wish that is obeyed at the next good moment; a second one ends the process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def wish_to_stop() -> Iterator[asyncio.Event]:
    """An event that is set by the first signal."""
    loop, wish = asyncio.get_running_loop(), asyncio.Event()

    def heard() -> None:
        wish.set()
        for name in SIGNALS:
            loop.remove_signal_handler(name)

    for name in SIGNALS:
        loop.add_signal_handler(name, heard)
    try:
        yield wish
    finally:
        for name in SIGNALS:
            loop.remove_signal_handler(name)

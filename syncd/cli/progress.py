"""A progress bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from syncd.abreast import Progress
from syncd.ledger.runs import Standing


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """Shows done and total, on standard error so that results can be piped."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)

        def progress(done: int, total: int) -> None:
            shown.update(task, completed=done, total=max(total, done))

        yield progress


@contextmanager
def run_bar(what: str) -> Iterator[Callable[[Standing], None]]:
    """Shows a run: done, total, failed, held, and how many it does in a minute."""
    if not sys.stderr.isatty():
        yield lambda standing: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[open]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None, rate="", open="")

        def told(standing: Standing) -> None:
            speed = shown.tasks[task].speed
            rate = "" if speed is None else f"{speed * 60:.0f}/min"
            parts = {"failed": standing.failed, "held": sum(standing.held.values())}
            shown_open = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
            shown.update(task, completed=standing.done, total=standing.total, rate=rate, open=shown_open)

        yield told

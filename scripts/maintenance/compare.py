"""Compares both systems record by record, and tells differences that are explained from those that are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from scripts.maintenance.program import Debug, main, with_systems
from syncd.cli import output
from syncd.cli.output import Code, UsageError, say, table
from syncd.cli.progress import bar
from syncd.cli.spreadsheet import sheet
from syncd.commands import Desk
from syncd.compare import AGAIN_AFTER, Comparison
from syncd.compare import compare as compared
from syncd.differences import Reason
from syncd.runtime import Runtime

Keys = Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="EspoCRM id, or betnr:1234. None: all.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write every difference to this file, for its owner only.")]
Values = Annotated[bool, typer.Option("--values", help="Tell the values too: they are data of persons.")]
Unexplained = Annotated[
    bool, typer.Option("--unexplained", help="Tell only, and exit 1 only for, what nothing explains.")
]
Again = Annotated[
    float, typer.Option("--again-after", min=0, max=3600, help="Seconds until what is unexplained is read once more.")
]

COLUMNS = ("record", "number", "field", "espocrm", "advoware", "reason", "detail")
ALARMING = (Reason.UNEXPLAINED, Reason.UNREAD)


def compare(
    keys: Keys = None, csv_file: Csv = None, values: Values = False, unexplained: Unexplained = False,
    again_after: Again = AGAIN_AFTER, as_json: output.AsJson = False, debug: Debug = False,
) -> int:  # fmt: skip
    """Read both sides of every living pair and compare them as the daemon would. Writes to neither system.

    Exit code 0 if all are alike (or differ only as their rules say), 1 if some differ, 3 if a system cannot be
    reached. Calls leave room for people's edits: 1,000 records take some minutes.

    Examples: `python -m scripts.maintenance.compare betnr:1234 --values` · nightly: `… --unexplained --csv F`
    """
    if csv_file is not None and (csv_file.is_dir() or not csv_file.parent.is_dir()):
        raise UsageError(f"--csv: {csv_file} is a directory, or in one that is not there")

    async def comparing(runtime: Runtime) -> Comparison:
        desk = Desk(runtime.ledger, runtime.app.entities(), runtime.clock.now)
        wanted = None if not keys else [await desk.find(text) for text in keys]
        with bar("comparing") as progress:
            return await compared(runtime.app, wanted, progress, again_after)

    told = with_systems(comparing)
    rows = _rows(told, ALARMING if unexplained else tuple(Reason), values)
    if csv_file is not None:
        _write(csv_file, rows)
    if as_json:
        output.show_json(_document(told, rows))
    else:
        _print(told, rows, csv_file)
    if told.trouble is not None:
        raise told.trouble
    open_ones = told.of(ALARMING if unexplained else [reason for reason in Reason if reason is not Reason.RULE])
    return Code.OPEN if open_ones else Code.DONE


def _rows(told: Comparison, reasons: Sequence[Reason], values: bool) -> list[tuple[object, ...]]:
    return [
        (
            key,
            told.numbers.get(key),
            one.field or "(record)",
            one.espocrm if values else None,
            one.advoware if values else None,
            one.reason,
            one.detail,
        )
        for key, one in told.of(reasons)
    ]


def _document(told: Comparison, rows: Sequence[tuple[object, ...]]) -> Mapping[str, Any]:
    return {
        "compared": len(told.numbers),
        "equal": told.equal,
        "complete": told.trouble is None,
        "not_linked": told.apart,
        "reasons": told.counts(),
        "differences": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
    }


def _print(told: Comparison, rows: Sequence[tuple[object, ...]], csv_file: Path | None) -> None:
    if csv_file is None:
        shown = [row if any(row[3:5]) else (*row[:3], *row[5:]) for row in rows]
        wide = any(len(row) == len(COLUMNS) for row in shown)
        table(COLUMNS if wide else (*COLUMNS[:3], *COLUMNS[5:]), rows if wide else shown)
    else:
        say(f"{len(rows)} differences in {csv_file}")
    reasons = ", ".join(f"{count} {reason}" for reason, count in told.counts().items()) or "none"
    say(f"{len(told.numbers)} compared, {told.equal} alike; differences: {reasons}")
    apart = ", ".join(f"{count} {state}" for state, count in sorted(told.apart.items()))
    if apart:
        say(f"not compared, since they are no living pair: {apart}")
    if told.trouble is not None:
        say("stopped before the end: not all records were compared")


def _write(file: Path, rows: Sequence[tuple[object, ...]]) -> None:
    """Put a new file in place of an older one, so that whoever reads it never sees half of it."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    with sheet(fresh) as opened:
        if opened is not None:
            opened.write(COLUMNS, rows)
    fresh.replace(file)


if __name__ == "__main__":
    main(compare)

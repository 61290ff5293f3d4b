"""`syncd match` and `staged`: who belongs to whom, and what would be written, before anything is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncd.cli import output
from syncd.cli.output import Code, UsageError, say, table

if TYPE_CHECKING:
    from syncd.match import Row
    from syncd.matching import Report

Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write all rows to this new file.")]
Values = Annotated[bool, typer.Option("--values", help="With names and birth dates of both sides.")]

HEAD = ("kind", "record", "betnr", "candidates", "takes part", "to espocrm", "to advoware", "why")
NAMES = ("espocrm", "advoware")
NAMES_OF = ("espo", "advoware")
MOST_NUMBERS = 100_000


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(match)
    app.command()(staged)


def match(
    report: Annotated[bool, typer.Option("--report", help="Tell; this is done anyway.")] = False,
    link_certain: Annotated[
        bool, typer.Option("--link-certain", help="Let exactly the certain ones take part, and sync them.")
    ] = False,
    csv: Csv = None,
    values: Values = False,
    numbers: Annotated[
        str, typer.Option("--numbers", metavar="A-B", help="Read these numbers in Advoware too, one by one.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="Rows shown here; 0: all.")] = 50,
    yes: output.Yes = False,
    entity: output.OneEntity = None,
    as_json: output.AsJson = False,
) -> int:
    """Who belongs to whom, and what would be written, of every record in EspoCRM. Writes nothing anywhere.

    Both systems are read with low priority. Records: linked · certain · doubtful, with candidates · blocked, must
    be corrected · only here, would be created · unproven, nobody found by a search nobody has tested · excluded.
    Beteiligte only there are those the searches have shown, and those of `--numbers`: Advoware has no complete
    listing. Their addresses and accounts are matched when they are synced. Fields are counted, values shown only with
    `--values`. Exit code 1 if a record needs a person.

    Examples: `syncd match --report --csv match.csv` · `syncd match --numbers 1-5000` · `syncd match --link-certain`
    """
    from syncd.cli.fill import asked, finished
    from syncd.cli.progress import bar, run_bar
    from syncd.cli.spreadsheet import sheet
    from syncd.cli.stopping import wish_to_stop
    from syncd.match import NEEDS_PERSON, Kind
    from syncd.matching import report as look
    from syncd.runtime import opened

    if as_json and link_certain:
        raise UsageError("--json tells the report alone: link in a second call")
    wanted = _range(numbers)
    settings = output.settings()
    mapping = output.mapping(settings)

    async def matching() -> int:
        async with opened(settings, mapping) as runtime:
            app = runtime.app
            await app.look()
            context = app.context(entity)
            with sheet(csv) as file:
                with bar("matching") as progress:
                    found = await look(context, progress, wanted, settings.syncd_workers)
                if file is not None:
                    file.write((*HEAD, *(NAMES if values else ())), [_cells(row, values) for row in found.rows])
            if as_json:
                output.show_json(_document(found, values))
            else:
                _print(found, limit, values)
            code = Code.OPEN if any(row.kind in NEEDS_PERSON for row in found.rows) else Code.DONE
            certain = found.keys(Kind.CERTAIN)
            if not link_certain or not certain:
                return code
            asked(f"let these {len(certain)} take part, link and sync them?", yes)
            from syncd.backfill import let_in

            await app.open()
            with wish_to_stop() as stopping, run_bar("linking") as told:
                run_id, came_out = await let_in(app, app.context(entity), certain, stopping, told)
            return finished(run_id, came_out)

    return output.work(matching())


def _range(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    first, dash, last = text.replace(" ", "").partition("-")
    if not (dash and first.isdecimal() and last.isdecimal()) or not 0 < int(first) <= int(last):
        raise UsageError("--numbers: give a range like 1-5000")
    if int(last) - int(first) >= MOST_NUMBERS:
        raise UsageError(f"--numbers: at most {MOST_NUMBERS} at a time, each is one call to Advoware")
    return int(first), int(last)


def _print(found: Report, limit: int, values: bool) -> None:
    from syncd.match import Kind
    from syncd.model import Search

    counts = found.summary
    table(
        ("", "records", "take part", "fields to espocrm", "fields to advoware"),
        (
            (kind, one["records"], one["take_part"], one["to_espocrm"], one["to_advoware"])
            for kind, one in counts.items()
        ),
    )
    say()
    shown = [row for row in found.rows if row.kind is not Kind.LINKED][: limit or None]
    table((*HEAD, *(NAMES if values else ())), (_cells(row, values) for row in shown))
    left = len(found.rows) - counts.get(Kind.LINKED, {"records": 0})["records"] - len(shown)
    if left:
        say(f"… and {left} more: --limit 0, or --csv FILE")
    say()
    if found.searched is not Search.TRUSTED:
        say("The search of Advoware is not proven yet: it has not found anybody who is known to be there.")
    there = "those the searches have shown" + ("" if found.numbers is None else " and those of the numbers named")
    say(f"Advoware has no complete listing: `only there` are {there}.")
    if Kind.CERTAIN in counts:
        say(f"`syncd match --link-certain` lets the {counts[Kind.CERTAIN]['records']} certain ones take part.")


def _cells(row: Row, values: bool) -> Sequence[object]:
    candidates = " ".join(map(str, row.candidates))
    record = (row.key or "").partition("/")[2]
    counts = (len(row.writes.espo) or "", len(row.writes.advoware) or "")
    cells = (row.kind, record, row.number or "", candidates, "yes" if row.takes_part else "", *counts, row.why)
    return (*cells, row.espo, row.advoware) if values else cells


def _document(found: Report, values: bool) -> dict[str, Any]:
    return {
        "summary": found.summary,
        "search": found.searched,
        "numbers": found.numbers,
        "rows": [*_told(found.rows, values)],
    }


def _told(rows: Iterable[Row], values: bool) -> Iterable[dict[str, Any]]:
    for row in rows:
        yield {name: value for name, value in asdict(row).items() if values or name not in NAMES_OF}


def staged(
    csv: Csv = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Records shown here; 0: all.")] = 20,
    as_json: output.AsJson = False,
) -> int:
    """What a dry run (`SYNCD_DRY_RUN`) would have done until now: totals, and each record's last plan with values.

    Reads the ledger only. It is empty again once a start without `SYNCD_DRY_RUN` works in earnest.
    Exit code 1 if a record would wait for a person.

    Example: `syncd staged --csv staged.csv`
    """
    from syncd.cli.records import plan_lines
    from syncd.cli.spreadsheet import sheet
    from syncd.runtime import existing_ledger
    from syncd.staging import Staged, everything

    settings = output.ledger_settings()

    async def looking() -> Staged:
        async with existing_ledger(settings) as ledger:
            return await everything(ledger)

    with sheet(csv) as file:
        found = output.work(looking())
        if file is not None:
            file.write(STAGED, (_staged_row(plan) for plan in found.plans))
    if as_json:
        output.show_json(found.told())
        return Code.OPEN if found.asks else Code.DONE
    shown = found.plans[: limit or None]
    for plan in shown:
        say(f"{plan['key']}  planned {output.when(plan['at'])}")
        for line in (line for action in plan["actions"] for line in plan_lines(action)):
            say(f"  {line}")
    if len(found.plans) > len(shown):
        say(f"… and {len(found.plans) - len(shown)} more: --limit 0, or --csv FILE")
    table(("field", "to espocrm", "to advoware"), found.fields)
    say(f"{len(found.plans)} records would be written to or wait, {found.same} are the same already")
    say(f"{found.creates} Beteiligte would be created in Advoware, {found.asks} records would wait for a person")
    if not settings.syncd_dry_run:
        say("SYNCD_DRY_RUN is not set: the next start works in earnest, and this is forgotten")
    return Code.OPEN if found.asks else Code.DONE


STAGED = ("record", "planned", "creates", "asks", "to espocrm", "to advoware", "plan")


def _staged_row(plan: Mapping[str, Any]) -> Sequence[object]:
    from syncd.cli.records import plan_lines

    words = "; ".join(line.strip() for action in plan["actions"] for line in plan_lines(action))
    fields = (", ".join(plan[side]) for side in ("to_espo", "to_advoware"))
    yes = ("yes" if plan[name] else "" for name in ("creates", "asks"))
    return (plan["key"], output.when(plan["at"]), *yes, *fields, words)

"""`syncd doctor`: runs the examination and shows what it found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from syncd.doctor.probe import Outcome
    from syncd.findings import Assumption, Finding

_MARKS = {"fail": ("FAIL", "bold red"), "warn": ("WARN", "yellow"), "ok": ("ok", "green")}
_ORDER = ("fail", "warn", "ok")
_VERDICTS = {"holds": "green", "does not hold": "yellow", "not seen": "dim"}


def add(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command()(doctor)


def doctor(
    as_json: output.AsJson = False,
    probe_betnr: Annotated[
        int | None,
        typer.Option(
            "--probe-betnr", min=1, metavar="N", help="Try out on this TEST record what only writing to Advoware shows."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --probe-betnr: do not ask.")] = False,
) -> int:
    """Check everything: settings, logins, rights, fields, webhooks, clocks, Redis, ledger. Changes nothing.

    Says for each finding what to do, and which assumptions about Advoware hold here. Exit code 1 if something must be
    done, 2 if a setting is wrong, 3 if something cannot be reached.

    `--probe-betnr` is something else: it writes to one Beteiligter of Advoware some fifteen times, and puts everything
    back. It says whether ADVOWARE_PARTIAL_PUT may be set. Take a record made for that, which EspoCRM does not know; a
    phone number with the remark »syncd probe« is tried as well. Killed in the middle, the same command puts right what
    it left.

    Examples: `syncd doctor` · `syncd doctor --probe-betnr 104860`
    """
    if probe_betnr is not None:
        return _probe(probe_betnr, yes, as_json)
    if yes:
        raise output.UsageError("--yes goes with --probe-betnr")
    from syncd.doctor.examine import examine

    found = output.work(examine())
    if as_json:
        output.show_json({"findings": found.findings, "assumptions": found.assumptions})
    else:
        console = output.console()
        _show_findings(console, found.findings)
        _show_assumptions(console, found.assumptions)
        console.print(_summary(found.findings), style="bold")
    return found.code


def _probe(betnr: int, agreed: bool, as_json: bool) -> int:
    from syncd.doctor.examine import probe_record

    def asked() -> bool:
        if agreed:
            return True
        if not sys.stdin.isatty():
            raise output.UsageError("--probe-betnr asks before it writes: give --yes where nobody can answer")
        question = (
            f"Beteiligter {betnr} in Advoware is written to some fifteen times and put back. Is it a test record?"
        )
        return typer.confirm(question, default=False, err=True)

    def tell(outcome: Outcome) -> None:
        if as_json:
            output.show_json({"measured": outcome.measured, "by_hand": outcome.by_hand})
            return
        output.table(("tried", "seen"), outcome.told)
        if outcome.by_hand:
            output.say(f"\nNOT everything is back as it was. What was there is kept in {outcome.note}")
            for line in outcome.by_hand:
                output.say(f"  {line}")
        else:
            output.say(f"\nBeteiligter {betnr} is as it was before")

    outcome = output.work(probe_record(betnr, asked, tell))
    if outcome is None:
        output.say("nothing was changed")
        return output.Code.DONE
    return output.Code.OPEN if outcome.by_hand else output.Code.DONE


def _show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """By system, what is wrong first; what to do stands under what was found."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from syncd.findings import GROUPS

    for group, title in GROUPS.items():
        mine = [one for one in findings if one.check.group == group]
        if not mine:
            continue
        console.print(Text(title, style="bold"))
        shown = Table.grid(padding=(0, 1))
        shown.add_column(width=4)
        shown.add_column(max_width=36, overflow="fold")
        shown.add_column(overflow="fold")
        for one in sorted(mine, key=lambda one: _ORDER.index(one.grade)):
            mark, style = _MARKS[one.grade]
            name = one.check.value.partition(".")[2]
            about = Text(f"{name} {one.about}".rstrip())
            told = Text(one.seen)
            if one.todo:
                told.append(f"\n→ {one.todo}", style="bold" if one.grade == "fail" else "")
            shown.add_row(Text(mark, style=style), about, told)
        console.print(Padding(shown, (0, 0, 1, 2)))


def _show_assumptions(console: Console, assumptions: Iterable[Assumption]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from syncd.findings import Verdict

    shown = Table.grid(padding=(0, 1))
    shown.add_column(width=13)
    shown.add_column(overflow="fold")
    for one in assumptions:
        told = Text(one.name)
        told.append(f"\n{one.seen}", style="dim")
        if one.verdict is Verdict.DIFFERS:
            told.append(f"\n→ it stands in {one.where}: one edit there corrects it")
        shown.add_row(Text(one.verdict.value, style=_VERDICTS[one.verdict.value]), told)
    if shown.row_count:
        console.print(Text("Assumed of Advoware, not documented by its vendor", style="bold"))
        console.print(Padding(shown, (0, 0, 1, 2)))


def _summary(findings: Sequence[Finding]) -> str:
    counts = {grade: sum(one.grade == grade for one in findings) for grade in _ORDER}
    wrong = f"{counts['fail']} must be put right, {counts['warn']} should be looked at, "
    return wrong + f"{counts['ok']} {'is' if counts['ok'] == 1 else 'are'} as it should be"

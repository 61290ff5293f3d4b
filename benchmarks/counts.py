"""Calls per job: each kind of job once, every call with its reason. Counted, so it holds on every machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import engine, seeds
from benchmarks.engine import Call
from benchmarks.reasons import reasons
from benchmarks.report import table
from benchmarks.size import Size
from syncd.app import App
from tests.systems import Systems, running_systems

SHORT = {"espocrm": "EspoCRM", "advoware": "Advoware"}
Job = tuple[str, list[Call]]


async def measure(size: Size, state: Path) -> str:
    """A table: job, number of calls, which and why."""
    with running_systems() as systems:
        [*_, (espo_id, betnr)] = seeds.pairs(systems, 3)
        async with engine.running(systems, state, 1) as app:
            made = [
                (name, await _job(app, systems, espo_id, prepare))
                for name, prepare in _edits(systems, espo_id, betnr).items()
            ]
            [new] = systems.seed("only_espocrm", 1)
            made.append(("a new record, to be created in Advoware", await engine.job(app, systems, new)))
        for one in (espo_id, new):
            if (status := systems.espo(one)["syncStatus"]) != "clean":
                raise SystemExit(f"a job ended with {status}: these figures would be worth nothing")
    return table(("job", "calls", "which, in order"), [(name, str(len(calls)), _told(calls)) for name, calls in made])


def _edits(systems: Systems, espo_id: str, betnr: int) -> dict[str, Callable[[], None]]:
    def espo(**values: Any) -> None:
        systems.act("espocrm", "edit", **{"as": "anna"}, record_id=espo_id, values=values)

    def advoware(**values: Any) -> None:
        systems.act("advoware", "edit", **{"as": "AB"}, betnr=betnr, values=values)

    def both() -> None:
        espo(zusatz="bench")
        advoware(titel="Dr. bench.")

    def phone() -> None:
        numbers = systems.espo(espo_id)["phoneNumberData"]
        espo(phoneNumberData=[{**numbers[0], "phoneNumber": "+495119999999"}, *numbers[1:]])

    def their_phone() -> None:
        first = next(one for one in systems.beteiligter(betnr)["kommunikation"] if one["kommKz"] == 1)
        systems.act("advoware", "edit_kommunikation", **{"as": "AB"}, betnr=betnr, child_id=first["id"],
                    values={"tlf": "+49 511 8888888"})  # fmt: skip

    return {
        "nothing to do": lambda: None,
        "a change in EspoCRM": lambda: espo(titel="Dr. bench."),
        "a change in Advoware": lambda: advoware(titel="Prof. bench."),
        "a change on both sides, in different fields": both,
        "a phone number changed in EspoCRM": phone,
        "a phone number changed in Advoware": their_phone,
    }


async def _job(app: App, systems: Systems, espo_id: str, prepare: Callable[[], None]) -> list[Call]:
    prepare()
    return await engine.job(app, systems, espo_id)


def _told(calls: list[Call]) -> str:
    told = zip(calls, reasons(calls), strict=True)
    return "; ".join(f"{SHORT[system]} {verb} ({reason})" for (system, verb, _), reason in told)

"""Nothing of a person and no secret leaves a daemon but towards the two systems, however things go wrong."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.scheduler import Chore, Schedule
from tests.secrecy.marks import ADVOWARE, API_TOKEN, ECHO, ESPO, ESPO_KEY, NUMBER, PASSWORD, MarkedWorld, found_in, told
from tests.secrecy.troubles import TROUBLES


def test_what_is_looked_for_would_be_found(out: io.StringIO) -> None:
    assert found_in(ECHO) == [ECHO]
    for text in (repr(ESPO), repr(ADVOWARE), API_TOKEN, ESPO_KEY, PASSWORD, "+49 30 23125987"):
        assert found_in(f"nothing here\n{text}") == [text]


def test_ordinary_days_say_nothing_about_anybody(out: io.StringIO, tmp_path: Path) -> None:
    async def story(world: MarkedWorld) -> None:
        people = world.sandbox.people
        espo_id, betnr = world.pair()
        await world.lives(8)
        people.espo.edit(espo_id, {"titel": "Geheimtitel neu"}, by="anna")
        await world.lives(8)
        people.advoware.edit(betnr, {"zusatz": "Geheimzusatz neu"}, by="AB")
        await world.lives(70)
        assert people.espo.see(espo_id)["zusatz"] == "Geheimzusatz neu"
        people.espo.edit(espo_id, {"lastName": "Geheim-A"}, by="anna")
        people.advoware.edit(betnr, {"name": "Geheim-B"}, by="AB")
        new = people.espo.create({**ESPO, "lastName": "Geheim-Neu", "geburtsdatum": "1911-11-09"}, by="anna")
        await world.lives(30)
        people.advoware.vanish(betnr)
        people.espo.delete(new)
        await world.lives(60)

    told(out, tmp_path, story)


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "POST"])
def test_whatever_the_systems_answer_it_is_not_passed_on(out: io.StringIO, tmp_path: Path, method: str) -> None:
    async def story(world: MarkedWorld) -> None:
        people, faults = world.sandbox.people, world.sandbox.faults
        pairs = [world.pair(day) for day in range(1, len(TROUBLES) + 1)]
        await world.lives(20)
        numbers = []
        for rule, (espo_id, betnr) in zip(TROUBLES, pairs, strict=True):
            for number, one in enumerate((espo_id, betnr)):
                whose = replace(rule, method=method, times=1, route=f"*/{one}*")
                numbers.append(faults.add(whose if method != "POST" else replace(whose, route="*", after=number)))
            people.espo.edit(espo_id, {"lastName": f"Geheimname {betnr}"}, by="anna")
            people.advoware.edit(betnr, {"titel": f"Geheimtitel {betnr}"}, by="AB")
            if method == "POST":
                numbers_data = [{"phoneNumber": f"+4930{betnr}{NUMBER}"[:15], "primary": True}]
                people.espo.edit(espo_id, {"phoneNumberData": numbers_data}, by="anna")
                people.espo.create({**ESPO, "lastName": f"Geheim-Neu {betnr}"}, by="anna")
        await world.lives(200)
        assert sum(bool(faults.standing[number].fired) for number in numbers) >= len(TROUBLES) / 2
        faults.clear()
        await world.lives(20)

    told(out, tmp_path, story)


def test_a_bug_in_the_middle_of_a_job_tells_where_and_not_what(out: io.StringIO, tmp_path: Path) -> None:
    async def story(world: MarkedWorld) -> None:
        espo_id, betnr = world.pair()
        await world.lives(8)
        world.bugs_due = 4
        world.sandbox.people.espo.edit(espo_id, {"lastName": "Geheimname zwei"}, by="anna")
        world.sandbox.people.advoware.edit(betnr, {"titel": "Geheimtitel zwei"}, by="AB")
        await world.lives(30)
        assert "job.bug" in world.events()
        assert "interner Fehler" in world.sandbox.people.espo.see(espo_id)["syncErrorMessage"]
        assert '"KeyError"' in out.getvalue()

    told(out, tmp_path, story)


def test_refused_logins_name_no_password(out: io.StringIO, tmp_path: Path) -> None:
    async def story(world: MarkedWorld) -> None:
        world.pair()
        await world.lives(8)
        world.sandbox.tokens.revoke()
        world.sandbox.tokens.password = "geheim-ein-anderes"
        world.sandbox.espo.door.keys.pop(ESPO_KEY)
        world.flush_redis()
        await world.lives(30)
        assert any(line.startswith("barred:") for line in world.told)

    told(out, tmp_path, story)


async def test_a_chore_that_breaks_tells_where_and_not_what(out: io.StringIO) -> None:
    async def breaks() -> None:
        raise ValueError(f"Geheimname {ECHO}")

    async def ours(name: str, seconds: float) -> bool:
        return True

    scheduler = Schedule([Chore("poll", 0.05, breaks)], ours)
    try:
        while "ValueError" not in out.getvalue():
            await asyncio.sleep(0.02)
    finally:
        scheduler.shutdown()
    assert found_in(out.getvalue()) == []

"""Runs on the pages, and taking back what they did: shown first, done as it was shown."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select

from syncd.ledger import people, runs
from syncd.ledger.schema import history
from tests.ui.conftest import NOW, Pages, csrf
from tests.ui.decisions import FORMULA, NASTY, change, record, run_of

RUN = "run000000000"


async def test_runs_tell_what_they_are_how_far_and_what_they_did(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(run_of, RUN, 3, NOW)
    await pages.ledger.write(runs.start, "fill", "backfill", {"total": 1200, "fed": 300, "known": 0}, NOW - 60)
    listed = (await anna.get("/ui/runs")).text
    for told in ("Abgleich auf Befehl", "3 Werte geschrieben", "Bestand aufnehmen", "300 von 1.200 Datensätzen"):
        assert told in listed
    page = (await anna.get(f"/ui/runs/{RUN}")).text
    for told in ("Musterfrau-3001", "Titel", "Advoware", "Dr.", "Prof. 2", f"/ui/undo?run={RUN}"):
        assert told in page
    assert "Ein Arbeitsgang" in (await anna.get(f"/ui/runs/job{RUN}")).text
    assert (await anna.get("/ui/runs/nosuch")).status_code == 404


async def test_a_run_is_taken_back_as_far_as_it_can_after_that_was_shown(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(run_of, RUN, 4, NOW)
    page = await anna.get(f"/ui/undo?run={RUN}")
    assert "3 Werte kommen zurück." in page.text
    assert "Eines lässt sich nicht zurücknehmen" in page.text
    assert "Inzwischen hat ein Mensch etwas anderes eingetragen" in page.text
    assert await pages.ledger.read(people.list_conflicts) == [], "shown, not done"
    form = {"csrf": csrf(page), "run": RUN, "change": "", "n": "3"}
    done = await anna.post("/ui/undo", data=form)
    assert done.status_code == 303
    shown = (await anna.get(done.headers["location"])).text
    for told in ("3 Werte werden zurückgenommen.", "Zurücknehmen", "anna", "Eine Änderung ließ sich nicht"):
        assert told in shown
    assert len(pages.told) == 3
    again = await anna.post("/ui/undo", data=form)
    assert again.status_code == 409, "what was shown is no longer so"
    assert "wird schon ausgeführt" in again.text


async def test_one_change_is_taken_back(pages: Pages, anna: httpx.AsyncClient) -> None:
    def put(conn: object) -> int:
        change(conn, record(conn, 1, NASTY), "titel", NASTY, FORMULA, RUN, NOW)  # type: ignore[arg-type]
        return int(conn.execute(select(history.c.id)).scalar_one())  # type: ignore[attr-defined]

    change_id = await pages.ledger.write(put)
    page = await anna.get(f"/ui/undo?change={change_id}")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    form = dict(re.findall(r'name="(change|run|n)" value="(\w*)"', page.text))
    assert form == {"change": str(change_id), "run": "", "n": "1"}
    assert (await anna.post("/ui/undo", data={"csrf": csrf(page), **form})).status_code == 303
    (decided,) = await pages.ledger.read(people.list_conflicts)
    assert (decided["kind"], decided["decision"]["value"]) == ("undo", NASTY)


@pytest.mark.parametrize("query", ["", "change=x", "change=1&run=y", "change=-1", "run=%00"])
async def test_what_names_no_change_takes_nothing_back(anna: httpx.AsyncClient, query: str) -> None:
    assert (await anna.get(f"/ui/undo?{query}")).status_code == 400
    assert (await anna.get("/ui/undo?change=999")).status_code == 404


async def test_who_may_only_look_sees_what_would_be_taken_back(pages: Pages, bert: httpx.AsyncClient) -> None:
    await pages.ledger.write(run_of, RUN, 2, NOW)
    page = await bert.get(f"/ui/undo?run={RUN}")
    assert "Ein Wert kommt zurück." in page.text
    assert 'action="/ui/undo"' not in page.text

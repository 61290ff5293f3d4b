"""The overview says what the ledger holds: counts, what needs a person, delays, charts."""

from __future__ import annotations

import re

import httpx
import pytest

from syncd import inspect
from syncd.alarms import KINDS
from syncd.health import Reason
from syncd.ledger import facts
from syncd.ui import charts
from syncd.ui.live import Shared
from syncd.ui.verdict import _TOLD_OTHERWISE, verdict
from syncd.ui.words import WORDS
from tests.ui.conftest import NOW, Pages
from tests.ui.office import STATUSES, settle


def words_of(page: str) -> str:
    """What a reader sees, without tags and with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_an_office_where_all_is_well_is_told_so_in_one_sentence(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(settle, NOW, False)
    shown = words_of((await anna.get("/ui/")).text)
    assert "Alles in Ordnung" in shown
    assert "1.180 Datensätze werden abgeglichen, nichts wartet auf einen Menschen." in shown


async def test_an_empty_ledger_has_an_overview_too(anna: httpx.AsyncClient) -> None:
    shown = words_of((await anna.get("/ui/")).text)
    assert "Noch nimmt keiner teil." in shown
    assert "nie" in shown


async def test_every_count_is_that_of_the_ledger(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(settle, NOW)
    page = (await anna.get("/ui/")).text
    shown = words_of(page)
    known = await inspect.status(pages.ledger, NOW)
    assert known["pairs"] == dict(STATUSES)
    for status, count in STATUSES:
        found = re.search(
            rf'plain-link" href="/ui/records\?status={status}">.*?<strong>([\d.]+)</strong>', page, re.DOTALL
        )
        assert found is not None
        assert found[1].replace(".", "") == str(count)
    assert "14 s So lange wartet die älteste Änderung" in shown
    for side, told in (("Advoware", known["delays"]["advoware"]), ("EspoCRM", known["delays"]["espocrm"])):
        half = f"{told['p50']:.1f}".replace(".", ",")
        assert re.search(rf"nach {side} {half} s .*? {told['count']} ", shown), side
    for told in (
        "Eine Massenänderung ist angehalten",
        "4 Werte warten",
        "2 Datensätze ließen sich nicht",
        "0 von 1.221",
    ):
        assert told in shown
    assert "Nach Advoware wird nichts geschrieben: angehalten" in shown


@pytest.mark.parametrize(("hours", "step"), [(1, 300), (24, 1800), (168, 21600)])
async def test_the_charts_are_what_was_counted(pages: Pages, anna: httpx.AsyncClient, hours: int, step: int) -> None:
    await pages.ledger.write(settle, NOW)
    shown = words_of((await anna.get("/ui/", params={"hours": hours})).text)
    told = await inspect.activity(pages.ledger, NOW, hours, 48)
    assert told["step"] == step
    done, failed = (sum(point[kind] for point in told["points"]) for kind in ("done", "failed"))
    assert f"Abgeglichen {done:,} insgesamt".replace(",", ".") in shown
    assert f"Fehlgeschlagen {failed} insgesamt" in shown


async def test_a_time_nobody_offers_is_a_day(anna: httpx.AsyncClient) -> None:
    assert (await anna.get("/ui/", params={"hours": 7})).status_code == 200
    assert (await anna.get("/ui/", params={"hours": "x"})).status_code == 400


async def test_why_nothing_works_comes_first(pages: Pages, anna: httpx.AsyncClient) -> None:
    pages.reasons = [Reason("redis", "Redis does not answer"), Reason("barred:advoware", "advoware refuses our login")]
    shown = words_of((await anna.get("/ui/")).text)
    assert "Der Abgleich steht" in shown
    assert "Redis ist nicht benutzbar" in shown
    assert "Advoware lehnt unsere Anmeldung ab." in shown


async def test_a_reason_somebody_typed_is_text_and_nothing_else(pages: Pages, anna: httpx.AsyncClient) -> None:
    bold = "<script>alert(1)</script>"
    await pages.ledger.write(facts.put, "examined", {"at": NOW, "webhooks": [bold]})
    page = (await anna.get("/ui/")).text
    assert bold not in page
    assert "&lt;script&gt;" in page


def test_every_alarm_and_every_reason_has_words() -> None:
    status = {"guards": [], "pauses": {}, "conflicts": 0, "pairs": {}, "alarms": []}
    codes = (
        "starting",
        "stopping",
        "ledger",
        "ledger_writes",
        "redis",
        "no_poll",
        "no_success",
        "setup",
        "barred:advoware",
    )
    found = verdict(status, [Reason(code, "x") for code in (*codes, "away:espocrm", "unheard:espocrm")])
    assert all(one.name in WORDS for one in found.stopped)
    status["alarms"] = [{"cause": f"{kind.name}:x", "text": "told"} for kind in KINDS]
    shown = verdict(status, []).items
    assert {one.name for one in shown} == {f"alarm.{kind.name}" for kind in KINDS if kind.name not in _TOLD_OTHERWISE}
    assert all(one.name in WORDS for one in shown)


# --- charts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "top"),
    [([], 1), ([0], 1), ([1], 1), ([3, 7], 8), ([19], 20), ([161], 200), ([0.3], 0.3), ([1001], 1500)],
)
def test_an_axis_ends_at_a_round_number(values: list[float], top: float) -> None:
    assert charts.top_of(values) == pytest.approx(top)


def test_bars_stand_on_the_ground_and_reach_their_value() -> None:
    low, high = charts.bars([5, 10], 10)
    assert (low.y, low.height, high.y, high.height) == (50, 50, 0, 100)
    assert low.x + low.width < 50 < high.x


def test_a_line_has_a_gap_where_nothing_was_measured() -> None:
    assert charts.lines([1, 1, None, 2], 2) == ["12.5,50 37.5,50", "81.25,0 93.75,0"]
    assert charts.lines([None, None], 1) == []


def test_small_shares_are_seen_and_all_together_fill_the_bar() -> None:
    parts = charts.shares([100_000, 1, 0, 3])
    assert [part.width > 0.5 for part in parts] == [True, True, False, True]
    assert parts[-1].x + parts[-1].width == pytest.approx(100, abs=0.01)


# --- live -------------------------------------------------------------------------------------


async def test_many_readers_ask_the_ledger_once() -> None:
    asked, now = [], [0.0]

    async def ask(key: int) -> dict[str, int]:
        asked.append(key)
        return {"n": len(asked)}

    known = Shared[int](ask, lambda: now[0], 1.0)
    assert [await known(1), await known(1), await known(2)] == [{"n": 1}, {"n": 1}, {"n": 2}]
    now[0] = 1.0
    assert await known(1) == {"n": 3}
    assert asked == [1, 2, 1]


async def test_an_open_page_is_let_go_when_the_daemon_stops(pages: Pages, anna: httpx.AsyncClient) -> None:
    await pages.ledger.write(settle, NOW)
    pages.stopping = True
    assert (await anna.get("/ui/live")).text == ""
    assert (await anna.get("/ui/")).status_code == 200

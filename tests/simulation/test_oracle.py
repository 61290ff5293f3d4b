"""The oracle must be able to fail: each sabotage is done behind the witness' back, or in its sight by a bad daemon."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from syncd.sandbox import defaults
from tests.simulation.backups import Verdict
from tests.simulation.play import play
from tests.simulation.process import SENDING, Sending
from tests.simulation.script import Event, Script
from tests.simulation.stage import Stage
from tests.simulation.witness import ADVOWARE, ESPO

TYPED = Event(0.0, "type", {"side": ESPO, "person": 0, "field": "titel", "value": "Prof."})
LATE = 38.0  # everything typed at 0 has long arrived


class Saboteur(Stage):
    """A stage on which somebody does what no daemon may do."""

    def silently(self, side: str, values: dict[str, Any]) -> None:
        """A field changes, and the witness does not see who did it."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        if side == ESPO:
            self.people.espo.edit(espo_id, values)
        else:
            self.people.advoware.edit(betnr, values)

    def on_both_sides(self, titel: str) -> None:
        """A field changes on both sides at once."""
        self.silently(ESPO, {"titel": titel})
        self.silently(ADVOWARE, {"titel": titel})

    def a_number(self) -> None:
        """A number comes out of nothing."""
        self.people.advoware.add_kommunikation(100001, {"tlf": "0511 99", "kommKz": 1, "bemerkung": ""})

    def double(self) -> None:
        """A second Beteiligter."""
        self.people.advoware.create({"name": "Doppelt"})

    def second_link(self) -> None:
        """Two records with one number."""
        self.people.espo.create({"lastName": "Kopie", "betnr": 100001})

    def tokens(self) -> None:
        """Far too many tokens."""
        self.world.sandbox.tokens.issued += 5

    def dirty(self) -> None:
        """A status that stays; no daemon is left to put it right."""
        for daemon in self.world.daemons.values():
            daemon.process.die()
        self.silently(ESPO, {"syncStatus": "dirty"})

    def mistake(self) -> None:
        """As if the first person's number were another one's."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        self.witness.mistyped[espo_id] = {betnr}

    def same_person(self) -> None:
        """The first person once more in Advoware."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        shown = self.people.advoware.see(betnr)
        twin = {name: shown[name] for name in ("name", "vorname", "geburtsdatum")}
        self.witness.born("AB", ADVOWARE, str(self.people.advoware.create(twin)))
        self.silently(ESPO, {"geburtsdatum": str(shown["geburtsdatum"])[:10]})

    def verdict(self) -> None:
        """An administrator wanted something that never came."""
        espo_id, _ = self.pair(0)
        assert espo_id is not None
        self.verdicts.append(Verdict(espo_id, "titel", "Prof.", "Mag.", self.witness.order))

    def like_a_copy(self) -> None:
        """A copied record that is taken for the original."""
        espo_id, _ = self.pair(0)
        assert espo_id is not None
        self.copies.add(espo_id)

    async def bad_daemon(self, **what: Any) -> None:
        """A request as a daemon sends it, which no daemon may send."""
        await _request(self, **what)

    async def busy(self) -> None:
        """A daemon that writes for ever."""

        async def again() -> None:
            for number in range(10_000):
                await asyncio.sleep(5.0)
                await _request(self, "PATCH", ESPO, {"syncErrorMessage": str(number)})

        self.task = asyncio.get_running_loop().create_task(again())


async def _request(
    stage: Stage, method: str, side: str, body: dict[str, Any], read: float | None = 0.0, fence: int | None = None
) -> None:
    """`read`: how many seconds ago the record was read, None: never; `fence`: None for the right one."""
    espo_id, betnr = stage.pair(0)
    key = f"beteiligte/{espo_id}"
    record = str(espo_id) if side == ESPO else str(betnr)
    known = stage.witness.fence_of(key) if fence is None else fence
    elapsed = stage.world.loop.elapsed
    sender = Sending("x9", "a-job", key, known, elapsed, heard=elapsed)
    SENDING.set(sender)
    if read is not None:
        stage.witness.reads["a-job", side, record] = [(elapsed - read, sender, "GET")]
    headers = {"X-Api-Key": defaults.API_KEY}
    url = f"{defaults.ESPO_API_URL}/CBeteiligte/{espo_id}"
    if side == ADVOWARE:
        token = "a" * 64
        stage.world.sandbox.tokens.tokens[token] = (defaults.ADVOWARE_USER, float("inf"))
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{defaults.ADVOWARE_URL}api/v1/advonet/Beteiligte"
        if method == "PUT":
            url, body = f"{url}/{betnr}", {**stage.people.advoware.see(int(record)), **body}
    async with httpx.AsyncClient(transport=stage.world.sandbox.transport()) as client:
        (await client.request(method, url, json=body, headers=headers)).raise_for_status()


def sabotaged(*events: Event) -> tuple[str, ...]:
    """What is wrong after these events in a world of one person."""
    return play(Script(1, "calm", 1, 40.0, daemons=(0.0,), events=events), Saboteur).wrong


def bad(**what: Any) -> Event:
    """A bad daemon's request."""
    return Event(LATE, "bad_daemon", what)


MADE_UP = Event(LATE, "on_both_sides", {"titel": "Mag."})
WRITE = bad(method="PUT", side=ADVOWARE, body={"titel": "Dr. x"})
POST = bad(method="POST", side=ADVOWARE, body={"name": "N"})


def test_a_world_without_sabotage_is_well() -> None:
    assert sabotaged(TYPED) == ()


@pytest.mark.parametrize(
    ("complaint", "events"),
    [
        ("not what was typed last", [TYPED, Event(LATE, "on_both_sides", {"titel": "Mag."})]),
        ("nobody has touched it", [Event(LATE, "on_both_sides", {"titel": "Mag."})]),
        ("nobody has touched it", [Event(LATE, "silently", {"side": ADVOWARE, "values": {"zusatz": "c/o X"}})]),
        ("lost: anna typed 'Prof.'", [TYPED, Event(LATE, "on_both_sides", {"titel": ""})]),
        ("was typed by nobody", [Event(LATE, "a_number")]),
        ("came from nowhere", [Event(LATE, "double")]),
        ("is linked with 2 records", [Event(LATE, "second_link")]),
        ("tokens were asked for", [Event(LATE, "tokens")]),
        ("not quiet", [Event(LATE, "busy")]),
        ("which nobody typed there", [bad(method="PATCH", side=ESPO, body={"titel": "Mag."})]),
        ("which nobody typed there", [bad(method="PUT", side=ADVOWARE, body={"titel": "Mag."})]),
        ("was emptied, which nobody asked for", [TYPED, bad(method="PUT", side=ADVOWARE, body={"bAnrede": ""})]),
        ("s ago was written over", [TYPED, bad(method="PUT", side=ADVOWARE, body={"titel": "Dr."}, read=9.0)]),
        ("without having been read", [TYPED, bad(method="PUT", side=ADVOWARE, body={"titel": "Dr."}, read=None)]),
        ("written under fence", [TYPED, bad(method="PUT", side=ADVOWARE, body={"titel": "Dr."}, fence=-1)]),
        ("was changed, which nobody asked for", [bad(method="PATCH", side=ESPO, body={"description": "Hallo"})]),
        ("writing is paused", [Event(25.0, "hold", {"side": None, "seconds": 60.0}), WRITE]),
        ("the record is excluded", [Event(30.0, "exclude", {"person": 0, "seconds": 60.0}), WRITE]),
        ("linked with it by mistake", [Event(30.0, "mistake"), WRITE]),
        ("somebody has cleared", [Event(20.0, "unlink", {"person": 0, "seconds": 0.0}), POST]),
        ("is the same person", [Event(20.0, "same_person"), POST]),
        ("was said to be right", [Event(20.0, "verdict")]),
        ("lost against a backup", [Event(20.0, "verdict")]),
        ("a copy, is clean", [Event(20.0, "like_a_copy")]),
        ("while others are ill", [Event(20.0, "refuse", {"side": ESPO, "field": "zusatz"}), MADE_UP]),
        ("deleted", [bad(method="DELETE", side=ESPO, body={})]),
        ("created in Advoware twice", [bad(method="POST", side=ADVOWARE, body={"name": "N"})] * 2),
    ],
)
def test_what_must_not_be_is_seen(complaint: str, events: list[Event]) -> None:
    wrong = sabotaged(*events)
    assert any(complaint in line for line in wrong), wrong


def test_an_edit_made_in_the_window_of_a_put_is_counted_apart() -> None:
    in_advoware = Event(LATE, "type", {"side": ADVOWARE, "person": 0, "field": "titel", "value": "Mag."})
    stale = bad(method="PUT", side=ADVOWARE, body={"titel": "Prof."}, read=1.0)
    outcome = play(Script(1, "calm", 1, 40.0, daemons=(0.0,), events=(TYPED, in_advoware, stale)), Saboteur)
    assert outcome.figures["clobbered"] == 1
    assert not [line for line in outcome.wrong if "lost" in line]

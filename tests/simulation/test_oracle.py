"""The oracle must be able to fail: each sabotage is done behind the witness' back, or in its sight by a bad daemon."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from syncd import plan
from syncd.ledger import people
from syncd.sandbox import defaults
from syncd.sandbox.reachability import meaning
from tests.simulation import switches_records
from tests.simulation.backups import Verdict
from tests.simulation.mishaps import Mishaps
from tests.simulation.play import SETTLING, left_over, play
from tests.simulation.process import SENDING, Sending
from tests.simulation.script import Event, Script
from tests.simulation.stage import Stage
from tests.simulation.switches import swapped
from tests.simulation.witness import ADVOWARE, ESPO, Read, Witness
from tests.simulation.world import SimulatedWorld

TYPED = Event(0.0, "type", {"side": ESPO, "person": 0, "field": "titel", "value": "Prof."})
LATE = 38.0  # everything typed at 0 has long arrived


class Saboteur(Mishaps):
    """A stage on which somebody does what no daemon may do."""

    def __init__(self, world: SimulatedWorld, script: Script, witness: Witness) -> None:
        super().__init__(world, script, witness)
        self.finale: list[tuple[str, dict[str, Any]]] = []

    def at_the_end(self, do: str, what: dict[str, Any]) -> None:
        """Do it only when no daemon is left to put it right."""
        self.finale.append((do, what))

    async def after_healing(self) -> None:
        """The end of all daemons, where there is something to be done after it."""
        await super().after_healing()
        if self.finale:
            await asyncio.sleep(SETTLING)  # for what is tried again
            await left_over(self)  # nobody would end a look round that has just begun
        while self.finale and self.world.daemons:
            await self.world.end(next(iter(self.world.daemons)))
        for do, what in self.finale:
            done = getattr(self, do)(**what)
            if done is not None:
                await done

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

    def vanishes(self, *, known: bool) -> None:
        """The Beteiligter is gone, and it is `known` that somebody has deleted it."""
        _, betnr = self.pair(0)
        assert betnr is not None
        self.people.advoware.vanish(betnr)
        if known:
            self.vanished.add(betnr)

    def calls(self) -> None:
        """Far too many calls at once."""
        log = self.world.sandbox.log
        last = next(call for call in reversed(log.calls) if call.system == ADVOWARE and "/Token" not in call.route)
        log.calls.extend([last] * self.world.settings.syncd_advoware_calls_per_minute)

    def text(self) -> None:
        """A clerk writes something beside a number."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        number = self.people.advoware.see(betnr)["kommunikation"][0]["id"]
        write = partial(self.people.advoware.edit_kommunikation, betnr, number, {"bemerkung": "Text 1"}, by="AB")
        self.witness.person("AB", ADVOWARE, str(betnr), write)
        self.clerks._note((espo_id, betnr), "written", None, entry=number, text="Text 1")

    def take_away_first(self) -> None:
        """A clerk deletes the first entry in Advoware."""
        _, betnr = self.pair(0)
        assert betnr is not None
        first = self.people.advoware.see(betnr)["kommunikation"][0]["id"]
        remove = partial(self.people.advoware.remove_child, betnr, "kommunikation", first)
        self.witness.person("AB", ADVOWARE, str(betnr), remove)

    def deed(self, did: str, *, there: bool = False, **what: Any) -> None:
        """A clerk is said to have done something to a number, to one that is `there` or to one that is not."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        number = meaning(self.people.espo.see(espo_id)["phoneNumberData"][0]["phoneNumber"]) if there else "+4951199"
        self.clerks._note((espo_id, betnr), did, number, number, **what)

    async def fails(self) -> None:
        """An event of the simulation itself goes wrong."""
        raise ValueError

    def unheard(self) -> None:
        """An error that nobody waits for."""
        self.world.loop.call_exception_handler({"message": "nobody waited", "exception": ValueError()})

    def no_queue(self) -> None:
        """A worker ends of an error."""

        async def take(*_: object) -> None:
            raise ValueError

        for daemon in self.world.daemons.values():
            daemon.app.parts.queue.take = take  # type: ignore[assignment,method-assign]

    def theirs(self) -> None:
        """The first person's number is said to be somebody else's, entered by mistake."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        self.foreign.append((espo_id, betnr))

    def outsider(self) -> None:
        """The first person's record is said to be of long ago, and let in by nobody."""
        espo_id, _ = self.pair(0)
        assert espo_id is not None
        self.outsiders.add(espo_id)

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

    def verdict(self, **what: Any) -> None:
        """An administrator wanted something that never came."""
        espo_id, _ = self.pair(0)
        assert espo_id is not None
        self.verdicts.append(Verdict(espo_id, "titel", "Prof.", "Mag.", self.witness.order, **what))

    def said_too_soon(self) -> None:
        """Which side is right is said of a record of which no daemon has asked."""
        espo_id, betnr = self.pair(0)
        assert espo_id is not None
        assert betnr is not None
        self.right = ESPO
        self._want(espo_id, betnr, False)

    async def untold(self) -> None:
        """Something is never told to people."""
        await self.world.reader().write(people.owe_message, "a", "termine/1", "note", "kept", {"text": "x"}, 0.0)

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
    stage: Stage, method: str, side: str, body: dict[str, Any], read: float | None = 0.0, fence: int | None = None,
    entry: bool = False, old: bool = False,
) -> None:  # fmt: skip
    """`read`: how many seconds ago the record was read, None: never; `fence`: None for the right one.

    `entry`: it is about the first of the record's numbers. `old`: what was read was as before the last change.
    """
    espo_id, betnr = stage.pair(0)
    key = f"beteiligte/{espo_id}"
    record = str(espo_id) if side == ESPO else str(betnr)
    known = stage.witness.fence_of(key) if fence is None else fence
    elapsed = stage.world.loop.elapsed
    sender = Sending("x9", "a-job", key, known, elapsed, heard=elapsed)
    SENDING.set(sender)
    if read is not None:
        unread = stage.witness.left_out(side, record) if old else {}
        stage.witness.reads["a-job", side, record] = [Read(elapsed - read, sender, "GET", unread)]
    headers = {"X-Api-Key": defaults.API_KEY}
    url = f"{defaults.ESPO_API_URL}/CBeteiligte" + ("" if method == "POST" else f"/{espo_id}")
    if side == ADVOWARE:
        token = "a" * 64
        stage.world.sandbox.tokens.tokens[token] = (defaults.ADVOWARE_USER, float("inf"))
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{defaults.ADVOWARE_URL}api/v1/advonet/Beteiligte"
        if entry:
            first = stage.people.advoware.see(int(record))["kommunikation"][0]
            url, body = f"{url}/{betnr}/Kommunikationen/{first['id']}", {**first, **body}
        elif method == "PUT":
            url, body = f"{url}/{betnr}", {**stage.people.advoware.see(int(record)), **body}
    async with httpx.AsyncClient(transport=stage.world.sandbox.transport()) as client:
        (await client.request(method, url, json=body, headers=headers)).raise_for_status()


ONE_PERSON = Script(1, "calm", 1, 40.0, daemons=(0.0,))


def sabotaged(*events: Event) -> tuple[str, ...]:
    """What is wrong after these events in a world of one person."""
    return play(ONE_PERSON.only(events), Saboteur).wrong


def last(do: str, **what: Any) -> Event:
    """Something that is done when all daemons are gone."""
    return Event(LATE, "at_the_end", {"do": do, "what": what})


def bad(**what: Any) -> Event:
    """A bad daemon's request."""
    return Event(LATE, "bad_daemon", what)


def typed(at: float, side: str, field: str, value: str) -> Event:
    """Somebody types a field of the first person."""
    return Event(at, "type", {"side": side, "person": 0, "field": field, "value": value})


SHORT = last("silently", side=ESPO, values={"zusatz": "Wert"})
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
        ("work is left: {'messages': 1}", [Event(20.0, "untold")]),
        ("a copy, is clean", [Event(20.0, "like_a_copy")]),
        ("while others are ill", [Event(20.0, "refuse", {"side": ESPO, "field": "zusatz"}), MADE_UP]),
        ("deleted", [bad(method="DELETE", side=ESPO, body={})]),
        ("created in Advoware twice", [bad(method="POST", side=ADVOWARE, body={"name": "N"})] * 2),
    ],
)
def test_what_must_not_be_is_seen(complaint: str, events: list[Event]) -> None:
    wrong = sabotaged(*events)
    assert any(complaint in line for line in wrong), wrong


@pytest.mark.parametrize(
    ("complaints", "events"),
    [
        (
            (
                "titel is 'Prof.' and 'Mag.'",
                "is dirty",
                "is in Advoware only",
                "lost: Deed",
                "type lost: Deed",
                "text lost: Deed",
                "calls to advoware within a minute",
            ),
            [
                TYPED,
                last("silently", side=ADVOWARE, values={"titel": "Mag."}),
                last("silently", side=ESPO, values={"syncStatus": "dirty"}),
                last("a_number"),
                last("deed", did="added"),
                last("deed", did="retyped", there=True, kind="Other"),
                last("deed", did="written", there=True, text="Text 1"),
                last("calls"),
            ],
        ),
        (
            ("is in conflict, and nothing waits", "came back: Deed"),
            [
                last("silently", side=ESPO, values={"syncStatus": "conflict"}),
                last("deed", did="removed", there=True),
            ],
        ),
        (("has no Beteiligter",), [last("vanishes", known=False)]),
        (("is clean, and its Beteiligter is gone",), [last("vanishes", known=True)]),
        (
            (
                "which is linked with 100001",
                "in EspoCRM, which nobody asked for",
                "was marked as deleted, and 100001 is there",
                "was marked as deleted after 0 answers",
                "written over with data of somebody else",
                "which nobody let in",
                "nobody waited: ValueError",
                "the simulation itself failed",
            ),
            [
                Event(30.0, "theirs"),
                Event(30.0, "outsider"),
                bad(method="PATCH", side=ESPO, body={"syncStatus": "deleted_in_advoware"}),
                WRITE,
                POST,
                bad(method="POST", side=ESPO, body={"lastName": "N"}),
                Event(LATE, "unheard"),
                Event(LATE, "fails"),
            ],
        ),
        (("a worker or chore ended by itself",), [Event(5.0, "no_queue"), replace(TYPED, at=6.0)]),
    ],
)
def test_each_of_many_things_that_must_not_be_is_seen(complaints: tuple[str, ...], events: list[Event]) -> None:
    wrong = sabotaged(*events)
    assert [complaint for complaint in complaints if not any(complaint in line for line in wrong)] == [], wrong


def test_an_edit_made_in_the_window_of_a_put_is_counted_apart() -> None:
    in_advoware = Event(LATE, "type", {"side": ADVOWARE, "person": 0, "field": "titel", "value": "Mag."})
    stale = bad(method="PUT", side=ADVOWARE, body={"titel": "Prof."}, read=1.0)
    outcome = play(ONE_PERSON.only((TYPED, in_advoware, stale)), Saboteur)
    assert outcome.figures["clobbered"] == 1
    assert not [line for line in outcome.wrong if "lost" in line]


def test_of_several_edits_in_a_window_only_that_is_lost_which_was_read() -> None:
    in_advoware = [typed(LATE + at, ADVOWARE, "titel", f"Mag. {at}") for at in (-0.2, -0.1)]
    for read, clobbered in ((1.0, 2), (0.15, 1), (0.0, 0)):
        stale = bad(method="PUT", side=ADVOWARE, body={"titel": "Prof."}, read=read)
        outcome = play(ONE_PERSON.only((TYPED, *in_advoware, stale)), Saboteur)
        assert outcome.figures["clobbered"] == clobbered
        lost = [line for line in outcome.wrong if "lost: AB typed" in line]
        assert bool(lost) is (clobbered < 2), outcome.wrong


def test_an_edit_that_an_old_answer_left_out_is_counted_apart_and_one_that_was_shown_is_lost() -> None:
    in_advoware = Event(LATE - 0.1, "type", {"side": ADVOWARE, "person": 0, "field": "titel", "value": "Mag."})
    for old in (True, False):
        stale = bad(method="PUT", side=ADVOWARE, body={"titel": "Prof."}, old=old)
        outcome = play(ONE_PERSON.only((TYPED, in_advoware, stale)), Saboteur)
        assert outcome.figures["clobbered"] == old
        assert any("lost: AB typed 'Mag.'" in line for line in outcome.wrong) is not old, outcome.wrong


def test_a_value_that_lost_against_a_backup_is_lost_unless_a_plain_edit_replaced_it() -> None:
    there = Event(20.0, "type", {"side": ADVOWARE, "person": 0, "field": "titel", "value": "Mag."})
    said = Event(20.0, "said_too_soon")
    with swapped(*switches_records.KEPT):
        for before, lost in (((there,), True), ((), False)):
            wrong = sabotaged(*before, replace(TYPED, at=20.0), said)
            assert any("lost against a backup" in line for line in wrong) is lost, wrong


def test_what_was_saved_in_the_same_second_as_a_backup_cannot_be_told_from_an_edit_and_what_came_later_can() -> None:
    back = [Event(10.1, "backup", {}), Event(LATE - 5.0, "go_back", {"side": ADVOWARE, "right": ADVOWARE})]
    with swapped((plan, "_older", lambda *_: False)):
        for at, lost in ((10.2, False), (14.0, True)):
            wrong = sabotaged(*back, typed(10.0, ADVOWARE, "titel", "Dr. A"), typed(at, ADVOWARE, "titel", "Dr. B"))
            assert any("lost: AB typed 'Dr. B'" in line for line in wrong) is lost, wrong


def test_of_two_limits_of_a_field_the_shorter_holds() -> None:
    limits = [Event(20.0, "cut", {"side": ESPO, "field": "zusatz", "length": length}) for length in (5, 7)]
    long = typed(21.0, ADVOWARE, "zusatz", "Wert 1")
    assert not sabotaged(*limits, long)
    assert any("is not what was typed last" in line for line in sabotaged(limits[1], long, SHORT))


def test_a_text_that_a_daemon_dropped_is_lost_unless_it_was_written_in_the_window() -> None:
    dropped = {"method": "PUT", "side": ADVOWARE, "body": {"bemerkung": ""}, "entry": True}
    for read, lost in ((0.0, True), (10.0, False)):
        wrong = sabotaged(Event(LATE - 5.0, "text"), bad(**dropped, read=read))
        assert any("text lost" in line for line in wrong) is lost, wrong


def test_a_number_that_waits_for_a_person_excuses_its_own_entry_and_no_other() -> None:
    every_put = {"kind": "status", "system": ADVOWARE, "method": "PUT", "route": "*/Kommunikationen/*", "status": 400}
    changed = Event(0.1, "number", {"side": ESPO, "person": 0, "dice": 4})
    refused = (Event(0.0, "fault", {"rule": every_put}), changed)
    assert sabotaged(*refused) == ()
    wrong = sabotaged(*refused, last("a_number"))
    assert [line.partition(": ")[2] for line in wrong if "in Advoware only" in line] == ["+4951199 is in Advoware only"]


HERE_INSTEAD = (
    TYPED,
    typed(15.0, ADVOWARE, "titel", "Mag."),
    Event(15.1, "refuse", {"side": ESPO, "field": "titel"}),
    Event(35.0, "choose", {"person": 0, "pick": 0.0, "take": ESPO}),
)


def test_who_wants_what_is_there_instead_of_a_refused_value_means_what_the_screen_shows() -> None:
    assert sabotaged(*HERE_INSTEAD) == ()
    wrong = sabotaged(*HERE_INSTEAD, last("bad_daemon", method="PUT", side=ADVOWARE, body={"titel": ""}))
    assert any("titel was emptied, which nobody asked for" in line for line in wrong), wrong


CUT = (
    Event(0.1, "cut", {"side": ADVOWARE, "field": "zusatz", "length": 5}),
    typed(0.2, ESPO, "zusatz", "Wert 12"),
    typed(10.0, ESPO, "zusatz", "Ab 34"),
    typed(20.0, ESPO, "zusatz", "Ab 3456"),
)


def test_once_nothing_is_cut_any_more_values_arrive_whole() -> None:
    tried_again = Event(0.1, "refuse", {"side": ADVOWARE, "field": "briefanrede"})
    assert sabotaged(*CUT, tried_again) == ()
    wrong = sabotaged(*CUT, last("bad_daemon", method="PUT", side=ADVOWARE, body={"zusatz": "Wert"}))
    assert any("zusatz was given 'Wert', which nobody typed there" in line for line in wrong), wrong


def test_a_number_may_come_back_that_was_taken_away_as_soon_as_it_had_arrived_and_no_other() -> None:
    arrives = bad(method="PUT", side=ADVOWARE, body={"tlf": "+4951199"}, entry=True)
    for later, wrong in ((1.0, False), (6.0, True)):
        removed = Event(LATE + later, "take_away_first", {})
        deed = last("deed", did="removed")
        shown = last("silently", side=ESPO, values={"phoneNumberData": [{"phoneNumber": "+4951199", "primary": True}]})
        lines = sabotaged(arrives, removed, deed, shown)
        assert any("came back" in line for line in lines) is wrong, lines


def test_what_was_only_typed_back_is_not_lost_and_another_value_is() -> None:
    with swapped(*switches_records.KEPT):
        for value, lost in (("Prof.", False), ("Doz.", True)):
            there = [typed(30.0, ADVOWARE, "titel", "Mag."), typed(30.1, ADVOWARE, "titel", value)]
            wrong = sabotaged(TYPED, *there, typed(30.2, ESPO, "titel", "Dr."))
            assert any(f"lost: AB typed '{value}'" in line for line in wrong) is lost, wrong


def test_where_espocrm_counts_versions_there_is_no_such_window() -> None:
    in_espocrm = Event(LATE, "type", {"side": ESPO, "person": 0, "field": "titel", "value": "Mag."})
    stale = bad(method="PATCH", side=ESPO, body={"titel": "Prof."}, read=1.0)
    for optimistic in (True, False):
        script = replace(ONE_PERSON, optimistic=optimistic, events=(TYPED, in_espocrm, stale))
        wrong = play(script, Saboteur).wrong
        assert any("though EspoCRM counts versions" in line for line in wrong) is optimistic, wrong

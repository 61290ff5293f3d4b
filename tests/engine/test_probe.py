"""`syncd doctor --probe-betnr N`: finds out by writing to a test record, and puts everything back."""

from __future__ import annotations

import stat
from typing import Any

import pytest

import config
from mappers.beteiligte import BETEILIGTE
from services.errors import PeerError
from syncd.commands import Refusal
from syncd.doctor.peers import PROBED, Peers
from syncd.doctor.probe import Outcome, Probe
from syncd.doctor.probe_note import Note
from syncd.ledger import facts, partial
from syncd.sandbox.faults import Kind
from tests.engine.story import ADVOWARE, Story, key, told

OBJECT = "*/Beteiligte/*"
STAMPS = ("rowId", "geaendertAm", "geaendertVon")
PHONE = {"kommKz": 1, "tlf": "0511/12345", "bemerkung": "syncd probe", "online": True}


def person(story: Story, **values: Any) -> int:
    return story.advoware.create({**ADVOWARE, "handelsRegisterNummer": "HRB 1", "registergericht": "Celle", **values})


def content(story: Story, betnr: int) -> dict[str, Any]:
    seen = story.advoware.see(betnr)
    rows = [{name: row[name] for name in ("tlf", "bemerkung", "online", "kommKz")} for row in seen["kommunikation"]]
    return {name: one for name, one in seen.items() if name not in STAMPS} | {"kommunikation": rows}


def note_of(story: Story, betnr: int) -> Note:
    return Note(story.world.directory, betnr)


async def probe(story: Story, betnr: int) -> Outcome:
    """As the command does it, in a process of its own."""
    app = story.world.daemon("probe")
    peers = Peers(
        story.world.settings, config.Mapping(), {"beteiligte": BETEILIGTE}, app.espo, app.advoware, app.parts.ledger,
        story.world.clock.now,
    )  # fmt: skip
    one = Probe(peers, BETEILIGTE, betnr, note_of(story, betnr))
    await one.check()
    return await one.run()


@pytest.mark.parametrize("keeps", [False, True])
@told()
async def test_it_finds_out_what_a_put_does_and_leaves_the_record_as_it_was(story: Story, keeps: bool) -> None:
    story.sandbox.advoware.switches.put_keeps_missing = keeps
    story.sandbox.advoware.switches.empty_tlf = None
    story.sandbox.advoware.switches.bemerkung_max = 300
    betnr = person(story, kommunikation=[PHONE])
    before = content(story, betnr)
    outcome = await probe(story, betnr)
    assert content(story, betnr) == before
    assert outcome.by_hand == []
    assert not note_of(story, betnr).path.exists()
    found = await story.read(facts.get, PROBED)
    assert found["missing_fields"] == ("keeps" if keeps else "empties it")
    assert found["ignored"] == ["handelsregisternummer", "registergericht"]
    assert (found["empty_tlf"], found["bemerkung_max"]) == ("null", 300)
    assert (found["unknown_rechtsform"], found["row_id_changes"]) == (True, True)
    assert (await story.read(partial.look))["keeps"] is keeps


@told()
async def test_without_an_entry_set_aside_no_entry_is_touched(story: Story) -> None:
    betnr = person(story, kommunikation=[{**PHONE, "bemerkung": "Zentrale"}])
    story.forget_calls()
    outcome = await probe(story, betnr)
    assert not story.calls("Kommunikationen")
    assert any("syncd probe" in answer for _, answer in outcome.told)


@told()
async def test_a_real_record_is_refused_until_it_is_excluded(story: Story) -> None:
    espo_id, betnr = await story.pair()
    before = content(story, betnr)
    with pytest.raises(Refusal, match="is a real record"):
        await probe(story, betnr)
    assert content(story, betnr) == before
    await story.desk.exclude(key(espo_id))
    await probe(story, betnr)
    assert content(story, betnr) == before


@told()
async def test_a_record_only_espocrm_knows_of_is_refused(story: Story) -> None:
    betnr = person(story)
    story.espo.create({"lastName": "Neumann", "betnr": betnr})
    with pytest.raises(Refusal, match="is a real record"):
        await probe(story, betnr)


@told()
async def test_a_record_that_is_not_there_and_a_pause_are_told(story: Story) -> None:
    with pytest.raises(Refusal, match="has no Beteiligter 77"):
        await probe(story, 77)
    await story.desk.pause(side="advoware")
    with pytest.raises(Refusal, match="paused"):
        await probe(story, person(story))


@told(SYNCD_DRY_RUN="true")
async def test_nothing_is_tried_while_nothing_may_be_written(story: Story) -> None:
    with pytest.raises(Refusal, match="SYNCD_DRY_RUN"):
        await probe(story, person(story))


@told()
async def test_killed_anywhere_the_next_probe_puts_back_what_it_left(story: Story) -> None:
    effects = story.world.effects
    betnr = person(story, kommunikation=[PHONE])
    before = content(story, betnr)
    await probe(story, betnr)
    for number in range(1, 50, 7):
        effects.crash_after = effects.count + number
        died = False
        try:
            await probe(story, betnr)
        except BaseException as error:
            died = type(error).__name__ == "Crash"
        effects.crash_after = None
        assert died, number
        if note_of(story, betnr).path.exists():
            assert stat.S_IMODE(note_of(story, betnr).path.stat().st_mode) == 0o600
        else:
            assert content(story, betnr) == before, number
        await probe(story, betnr)
        assert content(story, betnr) == before, number
        assert not note_of(story, betnr).path.exists()


@told()
async def test_what_a_person_saves_meanwhile_ends_the_probe_and_stays(story: Story) -> None:
    betnr = person(story)
    before = content(story, betnr)
    story.fault(Kind.EDIT_AFTER, system="advoware", method="PUT", route=OBJECT, after=3,
                act=lambda: story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB"))  # fmt: skip
    with pytest.raises(Refusal, match="somebody else saves"):
        await probe(story, betnr)
    assert content(story, betnr) == before | {"zusatz": "Hinterhaus"}


@told()
async def test_what_cannot_be_put_back_is_told_with_what_to_type(story: Story) -> None:
    betnr = person(story)
    story.fault(Kind.REFUSE, system="advoware", method="PUT", route=OBJECT, field="titel", after=8, times=None)
    outcome = await probe(story, betnr)
    assert outcome.by_hand == [f"Beteiligter {betnr}, titel: enter »Dr.«"]
    assert note_of(story, betnr).path.exists()
    story.sandbox.faults.clear()
    assert (await probe(story, betnr)).by_hand == []
    assert story.advoware.see(betnr)["titel"] == "Dr."


@told()
async def test_advoware_going_away_in_the_middle_is_told_and_put_right_later(story: Story) -> None:
    betnr = person(story)
    before = content(story, betnr)
    story.fault(Kind.STATUS, system="advoware", route=OBJECT, status=503, after=9, times=None)
    with pytest.raises(PeerError):
        await probe(story, betnr)
    story.sandbox.faults.clear()
    await story.without_daemon(120)
    await probe(story, betnr)
    assert content(story, betnr) == before

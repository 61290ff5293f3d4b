"""Who belongs to whom is told before anything is written; setting up changes no firm's record."""

from __future__ import annotations

from typing import Any

from syncd.ledger import pairs
from syncd.match import Kind, Row
from syncd.matching import Report, report
from syncd.model import Search
from tests.engine.story import ADVOWARE, ESPO, Story, key, told


async def looked(story: Story, numbers: tuple[int, int] | None = None) -> Report:
    app = story.world.daemon("command")
    await app.look()
    return await report(app.context(None), lambda done, total: None, numbers, 2)


def of(found: Report, espo_id: str) -> Row:
    return next(row for row in found.rows if row.key == key(espo_id))


def old(story: Story, **values: Any) -> str:
    """A record from before the daemon, which nobody has let in."""
    espo_id = story.espo.create({**ESPO, **values}, by="anna")
    story.sandbox.espo.tables["CBeteiligte"].rows[espo_id].values["createdAt"] = "2020-01-01 00:00:00"
    return espo_id


@told(SYNCD_POLL_SECONDS="60", SYNCD_SWEEP_MIN_SECONDS="300", SYNCD_SWEEP_MAX_SECONDS="86400")
async def test_a_fresh_daemon_beside_a_full_espocrm_writes_nothing_and_asks_advoware_nothing(story: Story) -> None:
    story.sandbox.seed.unlinked(1500)
    story.sandbox.seed.only_advoware(50)
    before = story.sandbox.dump()
    assert await story.world.live(story.world.daemon(), 3600.0, pace=60.0)
    assert story.sandbox.dump() == before
    assert [call for call in story.calls() if call.system == "advoware"] == []
    assert await story.read(pairs.of_entity, "beteiligte") == {}


@told()
async def test_the_report_tells_each_record_what_it_is_and_leaves_no_trace(story: Story) -> None:
    linked, _ = await story.pair()
    certain = old(story, lastName="Sicher")
    found = story.advoware.create({**ADVOWARE, "name": "Sicher", "titel": "Prof.", "zusatz": None})
    doubtful = old(story, lastName="Vielleicht", geburtsdatum=None)
    candidate = story.advoware.create({**ADVOWARE, "name": "Vielleicht"})
    alone = old(story, lastName="Allein")
    namesake = story.advoware.create({**ADVOWARE, "name": "Allein", "geburtsdatum": "1950-01-01T00:00:00"})
    typed = old(story, lastName="Getippt", betnr=story.advoware.create({**ADVOWARE, "name": "Ganz Anders"}))
    gone = old(story, lastName="Weg", betnr=999_999)
    before, ledger = story.sandbox.dump(), await story.read(pairs.of_entity, "beteiligte")
    story.forget_calls()
    told_ = await looked(story)
    kinds = {row.key: row.kind for row in told_.rows}
    assert kinds == {
        key(linked): Kind.LINKED, key(certain): Kind.CERTAIN, key(doubtful): Kind.DOUBTFUL,
        key(alone): Kind.ONLY_HERE, key(typed): Kind.DOUBTFUL, key(gone): Kind.BLOCKED, None: Kind.ONLY_THERE,
    }  # fmt: skip
    sure, only_there = of(told_, certain), next(row for row in told_.rows if row.key is None)
    assert (sure.number, sure.writes.espo, sure.writes.advoware) == (found, (), ("titel", "zusatz"))
    assert (of(told_, doubtful).candidates, only_there.number) == ((candidate,), namesake)
    assert of(told_, alone).writes.creates
    assert (told_.searched, of(told_, linked).takes_part, sure.takes_part) == (Search.TRUSTED, True, False)
    assert story.writes() == []
    assert (story.sandbox.dump(), await story.read(pairs.of_entity, "beteiligte")) == (before, ledger)


@told()
async def test_two_records_that_are_certain_of_the_same_beteiligter_are_doubtful(story: Story) -> None:
    await story.pair()
    one, other = old(story, lastName="Doppelt"), old(story, lastName="Doppelt")
    number = story.advoware.create({**ADVOWARE, "name": "Doppelt"})
    found = await looked(story)
    assert [of(found, one).kind, of(found, other).kind] == [Kind.DOUBTFUL, Kind.DOUBTFUL]
    assert of(found, one).candidates == (number,)


@told()
async def test_a_range_of_numbers_finds_beteiligte_no_search_has_shown(story: Story) -> None:
    _, number = await story.pair()
    [hidden] = story.sandbox.seed.only_advoware(1)
    assert [row for row in (await looked(story)).rows if row.kind is Kind.ONLY_THERE] == []
    found = await looked(story, (number, hidden + 3))
    [row] = [row for row in found.rows if row.kind is Kind.ONLY_THERE]
    assert (row.number, bool(row.advoware)) == (hidden, True)


@told()
async def test_without_anybody_known_a_search_that_finds_nobody_proves_nothing(story: Story) -> None:
    espo_id = old(story, lastName="Allein")
    found = await looked(story)
    assert (of(found, espo_id).kind, found.searched) == (Kind.UNPROVEN, Search.UNTRUSTED)

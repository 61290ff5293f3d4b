"""Stories that go wrong without the safeguards about who belongs to whom, and about numbers."""

from __future__ import annotations

from syncd.sandbox.faults import Kind
from tests.engine.numbers import FAX, HOME, OFFICE, known, living, phone, phones, rows, save, typed
from tests.engine.story import ADVOWARE, ESPO, Story, registered
from tests.simulation.needed import (
    BETEILIGTE,
    IMPATIENT,
    OTTO,
    RECORD,
    without,
)

# --- who belongs to whom --------------------------------------------------------------------------


@without("link check", "somebody else's data")
async def a_wrong_number_writes_over_nobody(story: Story) -> None:
    betnr = story.advoware.create({**ADVOWARE, "vorname": "Otto", "titel": ""}, by="AB")
    before = story.advoware.see(betnr)
    story.espo.create({**ESPO, "betnr": betnr}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr) == before, "somebody else's data"


@without("one record per Beteiligter", "two records write into one Beteiligten")
async def a_copied_record_writes_nothing(story: Story) -> None:
    espo_id, betnr = await story.pair()
    known_day = story.espo.see(espo_id)["geburtsdatum"]
    story.espo.create({**ESPO, "geburtsdatum": known_day, "titel": "Kopie", "betnr": betnr}, by="anna")
    await story.settle()
    assert story.advoware.see(betnr)["titel"] == "Dr.", "two records write into one Beteiligten"


@without("cleared link asks", "two Beteiligte")
async def a_cleared_number_makes_nobody(story: Story) -> None:
    espo_id, betnr = await story.pair({"geburtsdatum": None}, {"geburtsdatum": None})
    story.espo.edit(espo_id, {"betnr": None, "lastName": "Weber"}, by="anna")
    await story.settle()
    assert story.advoware.betnrs() == [betnr], "two Beteiligte for one person"


@without("admission", "created unasked")
async def what_was_there_before_us_is_left_alone(story: Story) -> None:
    await story.pair()
    story.world.lose_ledger()
    for number in range(3):
        story.espo.create({**OTTO, "lastName": f"Altbestand {number}"}, by="anna")
    await story.without_daemon(600)
    await story.settle()
    assert len(story.advoware.betnrs()) == 1, "records of long ago were created unasked"


@without("search before create", "two Beteiligte")
async def a_person_advoware_knows_is_linked(story: Story) -> None:
    await story.pair()
    betnr = story.advoware.create({**ADVOWARE, "name": "Okänd"}, by="AB")
    story.espo.create({**ESPO, "lastName": "Okänd"}, by="anna")
    await story.settle()
    assert max(story.advoware.betnrs()) == betnr, "two Beteiligte for one person"


@without("proof of the search", "two Beteiligte")
async def a_search_that_finds_nobody_is_not_believed(story: Story) -> None:
    await story.pair()
    betnr = story.advoware.create({**ADVOWARE, "name": "Okänd"}, by="AB")
    story.fault(Kind.STATUS, system="advoware", method="GET", route=BETEILIGTE, status=200, text="[]", times=None)
    story.espo.create({**ESPO, "lastName": "Okänd"}, by="anna")
    await story.settle()
    assert max(story.advoware.betnrs()) == betnr, "two Beteiligte for one person"


@without("lost create is looked up", "two Beteiligte", **IMPATIENT)
async def a_post_without_an_answer_is_not_repeated(story: Story) -> None:
    await story.pair()
    story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route=BETEILIGTE)
    story.espo.create(OTTO, by="anna")
    await story.live(75)
    assert len(story.advoware.betnrs()) == 2, "two Beteiligte for one record"


@without("patience with a lost create", "two Beteiligte", **IMPATIENT)
async def a_late_post_is_waited_for(story: Story) -> None:
    await story.pair()
    story.fault(Kind.APPLIED_LATE, seconds=7.5, system="advoware", method="POST", route=BETEILIGTE)
    story.espo.create(OTTO, by="anna")
    await story.live(75)
    assert len(story.advoware.betnrs()) == 2, "two Beteiligte for one record"


# --- numbers and addresses -----------------------------------------------------------------------


@without("matching by value", "a number was doubled")
async def numbers_both_sides_have_stay_single(story: Story) -> None:
    _, betnr = await story.pair({"phoneNumberData": [phone(OFFICE, "Office", primary=True)]},
                                {"kommunikation": [typed(OFFICE, 6)]})  # fmt: skip
    assert len(living(story, betnr)) == 1, "a number was doubled"


@without("twins", "a number came back")
async def a_number_taken_away_takes_its_twin_along(story: Story) -> None:
    espo_id, _ = await story.pair({}, {"kommunikation": [typed(OFFICE, 1), typed(OFFICE, 1)]})
    await story.settle()
    save(story, espo_id, phone(FAX, "Fax", primary=True))
    await story.settle()
    assert OFFICE not in [number for number, _ in phones(story, espo_id)], "a number came back"


@without("evidence of webhooks", "without a trace")
async def a_number_our_patch_took_away_is_told_of(story: Story) -> None:
    espo_id, betnr = await known(story, phone(OFFICE, primary=True))
    await registered(story, "update")
    story.fault(Kind.EDIT_BEFORE, system="espocrm", method="PATCH", route=RECORD,
                act=lambda: save(story, espo_id, *rows(story, espo_id), phone(HOME, "Home")))  # fmt: skip
    story.advoware.add_kommunikation(betnr, typed("0171 2345678", 3), by="AB")
    await story.settle()
    await story.sandbox.webhooks.run()
    await story.settle()
    kept = [row["espo"] for row in await story.conflicts(espo_id, "kept")]
    assert kept == [HOME], "a number is gone without a trace"

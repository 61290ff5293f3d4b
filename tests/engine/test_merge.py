"""One field, two sides: the merge table end to end, from what people typed to what both systems show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.story import POLL, Story, told


@dataclass(frozen=True)
class Case:
    """What both type into `titel` (was "Dr."; None = nothing is typed) and what both shall show."""

    espo: str | None
    advoware: str | None
    shown: str | None
    kept: str | None = None


TABLE = {
    "nobody typed": Case(None, None, "Dr."),
    "changed in EspoCRM": Case("Prof.", None, "Prof."),
    "changed in Advoware": Case(None, "Prof.", "Prof."),
    "the same typed on both sides": Case("Prof.", "Prof.", "Prof."),
    "cleared in EspoCRM": Case("", None, None),
    "cleared in Advoware": Case(None, "", None),
    "cleared on both sides": Case("", "", None),
    "different on both sides": Case("Prof.", "Dipl.", "Prof.", kept="Dipl."),
    "cleared in EspoCRM, changed in Advoware": Case("", "Dipl.", None, kept="Dipl."),
    "blanks added in Advoware": Case(None, " Dr. ", "Dr."),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """The whole table at once, a record each; what came of it."""
    ends: dict[str, Case] = {}

    @told()
    async def tale(story: Story) -> None:
        pairs = await story.pairs([({}, {})] * len(TABLE))
        for (espo_id, betnr), case in zip(pairs, TABLE.values(), strict=True):
            if case.advoware is not None:
                story.advoware.edit(betnr, {"titel": case.advoware}, by="AB")
            if case.espo is not None:
                story.espo.edit(espo_id, {"titel": case.espo or None}, by="anna")
        await story.settle()
        for (espo_id, betnr), name in zip(pairs, TABLE, strict=True):
            assert story.status(espo_id) == "clean"
            kept = [item["advoware"] for item in await story.conflicts(espo_id, "kept")]
            shown = story.espo.see(espo_id)["titel"]
            assert (story.advoware.see(betnr)["titel"] or "").strip() == (shown or "")
            ends[name] = Case(None, None, shown or None, *kept)

    tale(tmp_path_factory.mktemp("table"))
    return ends


@pytest.mark.parametrize("name", TABLE)
def test_the_merge_table(played: dict[str, Case], name: str) -> None:
    assert (played[name].shown, played[name].kept) == (TABLE[name].shown, TABLE[name].kept)


FIELDS = {
    "lastName": ("name", "Neuname", "Neuname"),
    "firstName": ("vorname", "Idé", "Idé"),
    "rechtsform": ("rechtsform", "Divers", "Divers"),
    "salutationName": ("anrede", "Mr.", "Herr"),
    "titel": ("titel", "Prof.", "Prof."),
    "zusatz": ("zusatz", "Hinterhaus", "Hinterhaus"),
    "briefanrede": ("bAnrede", "Liebe Ida,", "Liebe Ida,"),
    "geburtsdatum": ("geburtsdatum", "1991-03-04", "1991-03-04T00:00:00"),
}


@told()
async def test_every_field_travels_both_ways(story: Story) -> None:
    pairs = await story.pairs([({}, {})] * 2 * len(FIELDS))
    there, here = pairs[: len(FIELDS)], pairs[len(FIELDS) :]
    for (name, (theirs, ours, in_advoware)), (espo_id, _), (_, betnr) in zip(FIELDS.items(), there, here, strict=True):
        story.espo.edit(espo_id, {name: ours}, by="anna")
        story.advoware.edit(betnr, {theirs: in_advoware}, by="AB")
    await story.settle()
    for (name, (theirs, ours, in_advoware)), (_, betnr), (espo_id, _) in zip(FIELDS.items(), there, here, strict=True):
        assert story.advoware.see(betnr)[theirs] == in_advoware, name
        assert story.espo.see(espo_id)[name] == ours, name
    assert {story.status(espo_id) for espo_id, _ in pairs} == {"clean"}


@told()
async def test_different_fields_typed_on_both_sides_both_arrive(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    story.advoware.edit(betnr, {"zusatz": "Hinterhaus"}, by="AB")
    await story.settle()
    for seen in (story.espo.see(espo_id), story.advoware.see(betnr)):
        assert (seen["titel"], seen["zusatz"]) == ("Prof.", "Hinterhaus")
    assert await story.conflicts(espo_id, "kept") == []


@told()
async def test_what_nobody_typed_stays_as_it_is(story: Story) -> None:
    espo_id, betnr = await story.pair(advoware={"handelsRegisterNummer": "HRB 1", "registergericht": "Celle"},
                                      espo={"handelsregisterNummer": "HRB 1", "registergericht": "Celle"})  # fmt: skip
    before = story.advoware.see(betnr)
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    after = story.advoware.see(betnr)
    assert {name for name in before if before[name] != after[name]} == {
        "titel", "rowId", "geaendertAm", "geaendertVon",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "shown"),
    [("espocrm", ("Prof.", "Prof.")), ("advoware", ("Dipl.", "Dipl.")), ("newest", ("Dipl.", "Prof."))],
)
def test_the_policy_decides_a_field_changed_on_both_sides(tmp_path: Path, policy: str, shown: tuple[str, str]) -> None:
    """`shown`: where Advoware was edited later, and where EspoCRM was."""

    @told(SYNCD_DEFAULT_POLICY=policy)
    async def tale(story: Story) -> None:
        (first, one), (second, two) = await story.pairs([({}, {}), ({}, {})])
        story.espo.edit(first, {"titel": "Prof."}, by="anna")
        story.advoware.edit(two, {"titel": "Dipl."}, by="AB")
        await story.without_daemon(30)
        story.advoware.edit(one, {"titel": "Dipl."}, by="AB")
        story.espo.edit(second, {"titel": "Prof."}, by="anna")
        await story.settle()
        assert (story.espo.see(first)["titel"], story.espo.see(second)["titel"]) == shown
        assert (story.advoware.see(one)["titel"], story.advoware.see(two)["titel"]) == shown
        for espo_id in (first, second):
            assert story.status(espo_id) == "clean"
            [kept] = await story.conflicts(espo_id, "kept")
            assert {kept["espo"], kept["advoware"]} == {"Prof.", "Dipl."}

    tale(tmp_path)


@told()
async def test_a_value_that_lost_is_kept_with_both_authors_and_one_command_puts_it_back(story: Story) -> None:
    espo_id, betnr = await story.pair()
    story.advoware.edit(betnr, {"titel": "Dipl."}, by="CD")
    story.espo.edit(espo_id, {"titel": "Prof."}, by="anna")
    await story.settle()
    [kept] = await story.conflicts(espo_id, "kept")
    assert (kept["espo"], kept["advoware"], kept["base"]) == ("Prof.", "Dipl.", "Dr.")
    assert (kept["espo_by"], kept["advoware_by"], kept["winner"]) == (story.anna(), "CD", "espocrm")
    assert "titel" in story.notes()[0]["post"]
    await story.desk.resolve(kept["id"], "advoware")
    await story.settle()
    assert story.espo.see(espo_id)["titel"] == story.advoware.see(betnr)["titel"] == "Dipl."
    assert story.status(espo_id) == "clean"


@told()
async def test_two_records_do_not_touch_each_other(story: Story) -> None:
    (one, first), (_, second) = await story.pairs([({}, {}), ({}, {})])
    before = story.advoware.see(second)
    story.espo.edit(one, {"titel": "Prof."}, by="anna")
    await story.live(POLL)
    assert story.advoware.see(second) == before
    assert story.advoware.see(first)["titel"] == "Prof."

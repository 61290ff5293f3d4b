"""What people ask for becomes a decision and work in one commit, and what cannot be done is said at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION, PHONES, espo_raw
from mappers.spec import Direction, EntryList, Policy, Side
from syncd.commands import Desk, NotKnown, Refusal
from syncd.entries import EntryPlan, plan_entries
from syncd.evidence import lost_name
from syncd.fields import plan_fields
from syncd.lanes import Lane
from syncd.ledger import journal, pairs, people, requests, work
from syncd.ledger.store import Ledger
from syncd.ledger.work import Cause, Due
from syncd.model import (
    Base,
    Decision,
    FieldWrite,
    LinkChoice,
    LinkDecision,
    Memory,
    PairState,
    PlanPolicy,
    Present,
    Update,
    Version,
)

KEY, OTHER = "beteiligte/a", "beteiligte/b"
NOW = 1_800_000_000.0
ENTITIES = {BETEILIGTE.name: BETEILIGTE}


async def pair(ledger: Ledger, key: str = KEY, **values: Any) -> None:
    await ledger.write(pairs.admit, [key], "linked")
    columns = {"state": "linked", "status": "clean", "advoware_id": 7 if key == KEY else 8, **values}
    await ledger.write(pairs.change, key, columns)


async def conflict(ledger: Ledger, field: str, kind: str, **values: Any) -> None:
    columns = {"espo": None, "advoware": None, "base": None, "opened_at": NOW, **values}
    await ledger.write(people.raise_conflict, "c1", KEY, field, kind, columns)


async def kept(ledger: Ledger, winner: Side = Side.ESPO) -> None:
    values = {
        "kind": "changed_on_both", "espo": "Aus CRM", "advoware": "Aus Advoware", "base": "Alt", "winner": winner,
        "opened_at": NOW,
    }  # fmt: skip
    await ledger.write(people.keep, "c1", KEY, "titel", values)


async def resolve(ledger: Ledger, take: str) -> None:
    await ledger.write(requests.resolve, ENTITIES, "c1", take, NOW)


async def remembered(ledger: Ledger) -> Memory:
    row = await ledger.read(pairs.get, KEY)
    assert row is not None
    return await ledger.read(pairs.remember, row)


async def decision(ledger: Ledger) -> Decision:
    [only] = (await remembered(ledger)).decisions.values()
    return only


# --- fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("take", "value"),
    [
        ("espocrm", "Dr."),
        ("advoware", "Prof."),
        ("Prof. Dr.", "Prof. Dr."),
        ("value:espocrm", "espocrm"),
        ("  Dr. h.c. ", "Dr. h.c."),
        ("", None),
        ("value:", None),
    ],
)
async def test_a_person_chooses_a_side_or_types_a_value(ledger: Ledger, take: str, value: str | None) -> None:
    await pair(ledger)
    await conflict(ledger, "titel", "manual", espo="Dr.", advoware="Prof.")
    await resolve(ledger, take)
    assert await decision(ledger) == Decision("c1", value, "Dr.", "Prof.")
    assert await ledger.read(work.due, NOW, 10) == [Due(KEY, Lane.LIVE, Cause.EVENT, NOW)]


async def test_a_typed_value_is_read_as_the_field_reads_it(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, "geburtsdatum", "manual", espo="1980-01-01", advoware="1981-01-01")
    with pytest.raises(Refusal, match="no value for geburtsdatum"):
        await resolve(ledger, "gestern")
    assert await ledger.read(work.due, NOW, 10) == [], "what is refused leaves no work"
    await resolve(ledger, "1979-12-31")
    assert (await decision(ledger)).value == "1979-12-31"


async def test_a_choice_may_be_changed_until_it_is_carried_out(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, "titel", "manual", espo="Dr.", advoware="Prof.")
    await resolve(ledger, "espocrm")
    await resolve(ledger, "advoware")
    assert (await decision(ledger)).value == "Prof."
    await ledger.write(people.settle, KEY, (), NOW)
    with pytest.raises(Refusal, match="settled already"):
        await resolve(ledger, "espocrm")


@pytest.mark.parametrize(("winner", "loser"), [(Side.ESPO, "Aus Advoware"), (Side.ADVOWARE, "Aus CRM")])
async def test_a_kept_value_is_taken_back_against_what_both_sides_show_now(
    ledger: Ledger, winner: Side, loser: str
) -> None:
    await pair(ledger)
    await kept(ledger, winner)
    won = "Aus CRM" if winner is Side.ESPO else "Aus Advoware"
    await resolve(ledger, winner.other)
    assert await decision(ledger) == Decision("c1", loser, won, won)


async def test_a_kept_value_is_taken_back_even_after_the_winner_was_edited(ledger: Ledger) -> None:
    await pair(ledger)
    await kept(ledger)
    await ledger.write(journal.put_bases, KEY, {"titel": ("Später ", "Später", BETEILIGTE.field("titel").rule)})
    await resolve(ledger, "advoware")
    taken = await decision(ledger)
    assert taken == Decision("c1", "Aus Advoware", "Später", "Später")

    seen = {side: Present({BETEILIGTE.field("titel").attribute(side): "Später"}, Version()) for side in Side}
    actions = plan_fields(BETEILIGTE, await remembered(ledger), seen[Side.ESPO], seen[Side.ADVOWARE], PlanPolicy())
    assert [action for action in actions if isinstance(action, Update)] == [
        Update(side, (FieldWrite("titel", "Später", "Aus Advoware"),)) for side in (Side.ADVOWARE, Side.ESPO)
    ]


async def test_the_value_both_sides_have_needs_no_decision(ledger: Ledger) -> None:
    await pair(ledger)
    await kept(ledger)
    with pytest.raises(Refusal, match="have this value already"):
        await resolve(ledger, "espocrm")


async def test_what_advowares_interface_cannot_change_is_not_promised(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, "registergericht", "by_hand", espo="Hannover", advoware="Celle")
    for take in ("espocrm", "Hildesheim"):
        with pytest.raises(Refusal, match="type it there, or take advoware"):
            await resolve(ledger, take)
    await resolve(ledger, "advoware")
    assert await decision(ledger) == Decision("c1", "Celle", "Hannover", "Celle")


async def test_a_field_that_travels_one_way_is_not_written_the_other_way(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, "titel", "manual", espo="Dr.", advoware="Prof.")
    one_way = {"direction": Direction.TO_ESPOCRM, "policy": Policy.MANUAL}
    entities = {"beteiligte": BETEILIGTE.with_fields({"titel": one_way})}
    with pytest.raises(Refusal, match="not written to advoware"):
        await ledger.write(requests.resolve, entities, "c1", "espocrm", NOW)
    await ledger.write(requests.resolve, entities, "c1", "advoware", NOW)


async def test_a_refused_value_is_tried_again_or_replaced(ledger: Ledger) -> None:
    await pair(ledger)
    await ledger.write(people.set_quarantine, KEY, Side.ADVOWARE, "titel", "Zu lang", "maxLength", NOW)
    await conflict(ledger, "titel", "refused_advoware", espo="Zu lang")
    with pytest.raises(Refusal, match="correct it in espocrm"):
        await resolve(ledger, "Kurz")
    await ledger.write(journal.put_bases, KEY, {"titel": ("Alt", "Alt", "rule")})
    await resolve(ledger, "Kurz")
    assert await decision(ledger) == Decision("c1", "Kurz", "Zu lang", "Alt")
    await resolve(ledger, "advoware")
    assert await decision(ledger) == Decision("c1", "Alt", "Zu lang", "Alt")
    await resolve(ledger, "espocrm")
    assert await ledger.read(people.quarantined, KEY) == {}


async def test_new_values_on_a_side_ask_the_person_again(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, "titel", "manual", espo="Dr.", advoware="Prof.")
    await resolve(ledger, "espocrm")
    await conflict(ledger, "titel", "manual", espo="Dr.", advoware="Prof.")
    assert (await decision(ledger)).value == "Dr."
    await conflict(ledger, "titel", "manual", espo="Dr. Dr.", advoware="Prof.")
    assert (await remembered(ledger)).decisions == {}
    assert await ledger.read(people.count_waiting) == 1


# --- entries of lists -------------------------------------------------------------------------

ENTRY = "kommunikation:501"
OLD, HERE, THERE, THIRD = "+4951111111", "+4951122222", "+4951133333", "+4951144444"


def in_espo(*numbers: str) -> dict[str, Any]:
    rows = [espo_raw(PHONES, number, "Office", place == 0) for place, number in enumerate(numbers)]
    return {"phoneNumberData": rows, "emailAddressData": []}


def in_advoware(*entries: tuple[int, str]) -> dict[str, Any]:
    rows = [{"id": id, "tlf": tlf, "bemerkung": "", "online": True, "kommKz": 1} for id, tlf in entries]
    return {"kommunikation": rows}


async def agreed_entry(ledger: Ledger) -> None:
    [raw] = in_espo(OLD)["phoneNumberData"]
    base = Base(raw, {"tlf": OLD, "bemerkung": "", "online": True, "kommKz": 1}, KOMMUNIKATION.rule)
    await ledger.write(journal.put_entries, KEY, {ENTRY: base})


async def planned_entries(
    ledger: Ledger, espo: Mapping[str, Any], advoware: Mapping[str, Any], entries: EntryList = KOMMUNIKATION
) -> EntryPlan:
    both = Present(espo, Version("1")), Present(advoware, Version("1"))
    return plan_entries(entries, await remembered(ledger), *both, unchanged_there=False, newer=None)


def written(plan: EntryPlan) -> list[tuple[int | None, str]]:
    return [(write.id, write.body["tlf"]) for write in plan.advoware]


def listed(plan: EntryPlan) -> list[str]:
    return [row["phoneNumber"] for row in plan.lists.get("phoneNumberData", [])]


@pytest.mark.parametrize(
    ("take", "value", "to_advoware", "to_espo"),
    [
        ("espocrm", HERE, [(501, HERE)], []),
        ("advoware", THERE, [], [THERE]),
        ("0511 44444", THIRD, [(501, THIRD)], [THIRD]),
        ("value:+49 511 44444", THIRD, [(501, THIRD)], [THIRD]),
    ],
)
async def test_a_person_chooses_a_number_or_types_one(
    ledger: Ledger, take: str, value: str, to_advoware: list[tuple[int, str]], to_espo: list[str]
) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    await conflict(ledger, ENTRY, "manual", espo=HERE, advoware=THERE, base=OLD)
    await resolve(ledger, take)
    assert await decision(ledger) == Decision("c1", value, HERE, THERE)
    asked = replace(KOMMUNIKATION, policy=Policy.MANUAL)
    plan = await planned_entries(ledger, in_espo(HERE), in_advoware((501, THERE)), asked)
    assert plan.disputes == []
    assert [one for one in written(plan) if one[1] != THERE] == to_advoware
    assert listed(plan) == to_espo


async def test_an_empty_answer_takes_the_number_away_on_both_sides(ledger: Ledger) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    await conflict(ledger, ENTRY, "manual", espo=HERE, advoware=THERE, base=OLD)
    await resolve(ledger, "")
    assert (await decision(ledger)).value is None
    plan = await planned_entries(ledger, in_espo(HERE), in_advoware((501, THERE)))
    assert written(plan) == [(501, "")]
    assert plan.lists == {"phoneNumberData": []}


@pytest.mark.parametrize(
    "take", ["Zentrale", "12345", "anna@example.com", pytest.param("+49 511 " + "1" * 20, id="long")]
)
async def test_what_espocrm_cannot_keep_is_refused_at_once(ledger: Ledger, take: str) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    await conflict(ledger, ENTRY, "manual", espo=HERE, advoware=THERE, base=OLD)
    with pytest.raises(Refusal, match="not a telephone number") as refused:
        await resolve(ledger, take)
    assert take not in str(refused.value)


async def test_a_number_that_lost_is_taken_back(ledger: Ledger) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    values = {"kind": "changed_on_both", "espo": OLD, "advoware": THERE, "winner": Side.ESPO, "opened_at": NOW}
    await ledger.write(people.keep, "c1", KEY, ENTRY, {**values, "base": HERE})
    await resolve(ledger, "advoware")
    assert await decision(ledger) == Decision("c1", THERE, OLD, OLD)
    plan = await planned_entries(ledger, in_espo(OLD), in_advoware((501, OLD)))
    assert (written(plan), listed(plan)) == ([(501, THERE)], [THERE])


@pytest.mark.parametrize(("take", "value"), [("espocrm", None), ("advoware", OLD), ("", None), ("0511 11111", OLD)])
async def test_a_twin_that_stays_is_emptied_or_comes_back(ledger: Ledger, take: str, value: str | None) -> None:
    await pair(ledger)
    twin = Base(None, {"tlf": OLD, "bemerkung": "", "online": False, "kommKz": 2}, KOMMUNIKATION.rule)
    await ledger.write(journal.put_entries, KEY, {ENTRY: twin})
    await conflict(ledger, ENTRY, "twin_stays", advoware=OLD, base=OLD)
    with pytest.raises(Refusal, match="choose espocrm or advoware"):
        await resolve(ledger, THIRD)
    await resolve(ledger, take)
    assert await decision(ledger) == Decision("c1", value, None, OLD)
    advoware = in_advoware((501, OLD))
    advoware["kommunikation"][0]["kommKz"] = 2
    plan = await planned_entries(ledger, in_espo(), advoware)
    assert plan.disputes == []
    assert listed(plan) == ([] if value is None else [OLD])
    assert [tlf for _, tlf in written(plan)] == ([""] if value is None else [OLD])


async def test_a_number_our_patch_took_away_comes_back_or_is_left_where_it_is(ledger: Ledger) -> None:
    await pair(ledger)
    name = lost_name(KOMMUNIKATION, (PHONES, THIRD))
    values = {"kind": "lost_entry", "espo": THIRD, "advoware": None, "base": None, "winner": Side.ADVOWARE}
    await ledger.write(people.keep, "c1", KEY, name, {**values, "opened_at": NOW})
    with pytest.raises(Refusal, match="choose espocrm or advoware"):
        await resolve(ledger, HERE)
    with pytest.raises(Refusal, match="have this value already"):
        await resolve(ledger, "advoware")
    await resolve(ledger, "espocrm")
    plan = await planned_entries(ledger, in_espo(), in_advoware())
    assert listed(plan) == [THIRD]


async def test_an_entry_advoware_does_not_empty_is_tried_again_or_comes_back(ledger: Ledger) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    await ledger.write(people.set_quarantine, KEY, Side.ADVOWARE, ENTRY, None, "not_taken", NOW)
    await conflict(ledger, ENTRY, "by_hand", advoware=OLD)
    assert (await planned_entries(ledger, in_espo(), in_advoware((501, OLD)))).asks != []
    await resolve(ledger, "advoware")
    assert await decision(ledger) == Decision("c1", OLD, None, OLD)
    assert listed(await planned_entries(ledger, in_espo(), in_advoware((501, OLD)))) == [OLD]
    await ledger.write(people.settle, KEY, (), NOW)
    await ledger.write(people.raise_conflict, "c2", KEY, ENTRY, "by_hand", {"advoware": OLD, "opened_at": NOW})
    await ledger.write(requests.resolve, ENTITIES, "c2", "espocrm", NOW)
    plan = await planned_entries(ledger, in_espo(), in_advoware((501, OLD)))
    assert (plan.asks, written(plan)) == ([], [(501, "")])


async def test_a_refused_number_is_tried_again_or_corrected_where_it_was_typed(ledger: Ledger) -> None:
    await pair(ledger)
    name = "kommunikation:new:00ff00ff00ff"
    await ledger.write(people.set_quarantine, KEY, Side.ADVOWARE, name, HERE, "valid", NOW)
    await conflict(ledger, name, "refused_advoware", espo=HERE)
    with pytest.raises(Refusal, match="correct it in espocrm"):
        await resolve(ledger, THIRD)
    await resolve(ledger, "espocrm")
    assert await ledger.read(people.quarantined, KEY) == {}


async def test_a_list_that_travels_one_way_is_not_written_the_other_way(ledger: Ledger) -> None:
    await pair(ledger)
    await agreed_entry(ledger)
    await conflict(ledger, ENTRY, "manual", espo=HERE, advoware=THERE, base=OLD)
    one_way = replace(BETEILIGTE, lists=(replace(KOMMUNIKATION, direction=Direction.TO_ESPOCRM),))
    with pytest.raises(Refusal, match="not written to advoware"):
        await ledger.write(requests.resolve, {"beteiligte": one_way}, "c1", "espocrm", NOW)


async def test_a_list_that_is_no_longer_mapped_is_said_to_be(ledger: Ledger) -> None:
    await pair(ledger)
    await conflict(ledger, ENTRY, "manual", espo=HERE, advoware=THERE)
    with pytest.raises(Refusal, match="no longer a mapped field"):
        await ledger.write(requests.resolve, {"beteiligte": replace(BETEILIGTE, lists=())}, "c1", "espocrm", NOW)


# --- links ------------------------------------------------------------------------------------


async def chosen(ledger: Ledger) -> LinkDecision | None:
    decision = (await remembered(ledger)).link_decision
    assert decision is None or decision.at is not None
    return None if decision is None else replace(decision, at=None)


async def test_a_person_links_or_creates(ledger: Ledger) -> None:
    await pair(ledger, state="new", advoware_id=None)
    await conflict(ledger, "", "candidates", candidates=[11, 12])
    await resolve(ledger, "create")
    assert await chosen(ledger) == LinkDecision(LinkChoice.CREATE)
    for take in ("link 12", "link:12"):
        await resolve(ledger, take)
        assert await chosen(ledger) == LinkDecision(LinkChoice.LINK, 12)
    with pytest.raises(Refusal, match="say which one"):
        await resolve(ledger, "link")
    for take in ("espocrm", "12", "link x", "link -1", "Linke"):
        with pytest.raises(Refusal, match="choose `create`"):
            await resolve(ledger, take)
    assert (await remembered(ledger)).decisions == {}, "a choice of a counterpart is none for a field"


async def test_one_candidate_needs_no_number(ledger: Ledger) -> None:
    await pair(ledger, state="new")
    await conflict(ledger, "", "link_doubtful", candidates=[7])
    with pytest.raises(Refusal, match="nothing can be created"):
        await resolve(ledger, "create")
    with pytest.raises(Refusal, match="names another number"):
        await resolve(ledger, "link 9")
    await resolve(ledger, "link")
    assert await chosen(ledger) == LinkDecision(LinkChoice.LINK, 7)


async def test_nobody_is_linked_to_somebody_elses_counterpart(ledger: Ledger) -> None:
    await pair(ledger, state="new", advoware_id=None)
    await pair(ledger, OTHER)
    await conflict(ledger, "", "candidates", candidates=[8])
    with pytest.raises(Refusal, match="8 already belongs to beteiligte/b"):
        await resolve(ledger, "link 8")
    assert await chosen(ledger) is None


@pytest.mark.parametrize("reason", ["rival", "link_invalid", "unnamed", "went_back"])
async def test_what_no_choice_can_settle_says_what_to_do_instead(ledger: Ledger, reason: str) -> None:
    await pair(ledger)
    await conflict(ledger, "", reason, candidates=[])
    for take in ("create", "link 5"):
        with pytest.raises(Refusal, match=r"EspoCRM|syncd guard"):
            await resolve(ledger, take)


# --- records ----------------------------------------------------------------------------------


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger, ENTITIES, lambda: NOW)


@pytest.mark.parametrize("status", ["failed", "permanently_failed"])
async def test_a_retry_forgets_the_tries_and_what_was_refused(desk: Desk, status: str) -> None:
    await pair(desk.ledger, status=status, retries=5, next_try_at=NOW + 86400)
    await desk.ledger.write(work.put, [Due(KEY, Lane.RETRY, Cause.RETRY, NOW + 86400)], NOW)
    await desk.ledger.write(people.set_quarantine, KEY, Side.ESPO, "titel", "x", "valid", NOW)
    assert (await desk.retry([KEY, KEY])).keys == (KEY,)
    assert await desk.ledger.read(work.due, NOW, 10) == [Due(KEY, Lane.LIVE, Cause.RESET, NOW)]
    row = await desk.ledger.read(pairs.get, KEY)
    assert row is not None
    assert (row["retries"], row["next_try_at"]) == (0, None)
    assert await desk.ledger.read(people.quarantined, KEY) == {}


async def test_a_retry_of_nothing_known_is_refused_whole(desk: Desk) -> None:
    await pair(desk.ledger, status="failed")
    with pytest.raises(NotKnown):
        await desk.retry([KEY, "beteiligte/unknown"])
    assert await desk.ledger.read(work.due, NOW, 10) == []


async def test_all_of_a_status_are_retried(desk: Desk) -> None:
    keys = [f"beteiligte/{number:05}" for number in range(1200)]
    await desk.ledger.write(pairs.admit, keys, "linked")
    for key in keys:
        await desk.ledger.write(pairs.change, key, {"status": "failed"})
    assert (await desk.retry_status("failed")).keys == tuple(keys)
    assert (await desk.retry_status("clean")).keys == ()


async def test_a_sync_lets_a_stranger_take_part(desk: Desk) -> None:
    assert (await desk.sync([KEY])).keys == (KEY,)
    row = await desk.ledger.read(pairs.get, KEY)
    assert row is not None
    assert (row["admitted_by"], row["state"]) == ("asked", "new")
    assert await desk.ledger.read(work.due, NOW, 10) == [Due(KEY, Lane.LIVE, Cause.EVENT, NOW)]


async def test_an_excluded_record_is_left_alone_until_it_is_let_in_again(desk: Desk) -> None:
    await pair(desk.ledger)
    await desk.sync([KEY])
    await desk.exclude(KEY)
    assert await desk.ledger.read(work.next_due, KEY) is None
    for asking in (desk.sync([KEY]), desk.retry([KEY])):
        with pytest.raises(Refusal, match="is excluded"):
            await asking
    await desk.include(KEY)
    row = await desk.ledger.read(pairs.get, KEY)
    assert row is not None
    assert (row["state"], row["trust"], row["advoware_id"]) == (PairState.NEW, "unconfirmed", 7)
    with pytest.raises(Refusal, match="not excluded"):
        await desk.include(KEY)


async def test_a_record_being_worked_on_or_created_is_not_excluded(desk: Desk) -> None:
    await desk.ledger.write(pairs.claim, KEY, "one", NOW, NOW + 60)
    with pytest.raises(Refusal, match="being worked on"):
        await desk.exclude(KEY)
    await desk.ledger.write(journal.announce, "i1", KEY, 1, Side.ADVOWARE, "create", (), NOW)
    await desk.ledger.write(pairs.release, KEY, 1)
    with pytest.raises(Refusal, match="not certain yet"):
        await desk.exclude(KEY)


@pytest.mark.parametrize("typed", ["a", "beteiligte/a", "CBeteiligte/a", "cbeteiligte/a", "betnr:7", "BetNr:7", " a "])
async def test_records_are_named_as_people_name_them(desk: Desk, typed: str) -> None:
    await pair(desk.ledger)
    assert await desk.find(typed) == KEY


@pytest.mark.parametrize(
    "typed", ["", "/", "a b", "betnr:", "betnr:x", "betnr:99", "fax:7", "CAkten/a", "x" * 41, "a/b/c"]
)
async def test_what_names_no_record_is_said_to(desk: Desk, typed: str) -> None:
    await pair(desk.ledger)
    with pytest.raises(Refusal):
        await desk.find(typed)

"""Which Beteiligter belongs to a record: linking, adopting, creating, and when nobody but a person may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Canonical, Direction, Side, Unmappable
from syncd.counterpart import CREATED_SLACK, contradicts, counterpart_id, is_certain, named_id
from syncd.load import digest
from syncd.model import (
    Action,
    Create,
    FieldWrite,
    Found,
    Hold,
    HoldReason,
    Ignore,
    IntentState,
    Link,
    LinkChoice,
    LinkDecision,
    Memory,
    PairState,
    Quarantine,
    Search,
    Settle,
    Status,
    Trust,
    Unlinked,
    Update,
    Version,
)
from syncd.plan import plan
from tests.core.situation import (
    ADVOWARE_READ,
    ANNA,
    ID,
    MORNING,
    POLICY,
    US_IN_ADVOWARE,
    advoware,
    espo,
    found,
    held,
    linked,
    lost_create,
    new,
    only,
    raw,
    settled,
    updates,
)

OTHER = 104861
FIRM: dict[str, Canonical] = {"name": "Groß & Söhne GmbH", "rechtsform": "GmbH", "handelsregisternummer": "HRB 1234"}
PHONE: dict[str, Any] = {"phoneNumberData": [{"phoneNumber": "+495111234560"}]}
SAME_PHONE: dict[str, Any] = {"kommunikation": [{"tlf": "0511/1234560"}]}


def look(
    record: Mapping[str, Canonical],
    *rows: Found,
    memory: Memory | None = None,
    search: Search = Search.TRUSTED,
    **attributes: Any,
) -> tuple[Action, ...]:
    """The plan for a record without a number, after a search that returned these rows."""
    seen = espo(record, betnr=None, status="pending_sync", **attributes)
    return plan(BETEILIGTE, memory or new(), seen, Unlinked(rows, search), POLICY)


def waits_for_person(actions: tuple[Action, ...]) -> bool:
    end = settled(actions)
    return end is not None and end.status is Status.CONFLICT


def writes_no_field(actions: tuple[Action, ...]) -> bool:
    return not any(isinstance(action, Update | Create | Link) for action in actions)


# --- a record without a number: who is certainly the same -----------------------------------------


def test_nobody_found_creates_with_all_that_is_filled_and_nothing_blank() -> None:
    (create,) = look(ANNA)
    assert isinstance(create, Create)
    assert {write.field: write.after for write in create.writes} == ANNA


@pytest.mark.parametrize(
    "record",
    [
        ANNA,
        {**ANNA, "name": "MÜLLER", "vorname": "anna"},
        {**ANNA, "rechtsform": None, "anrede": None},
        {**ANNA, "titel": "Dr."},
    ],
    ids=["equal", "other case", "less filled", "more filled"],
)
def test_name_first_name_and_birth_date_equal_are_certain(record: dict[str, Canonical]) -> None:
    assert look(ANNA, found(record)) == (Link(ID, Trust.CONFIRMED),)


@pytest.mark.parametrize("change", [{"name": "Meier"}, {"vorname": "Anne"}, {"geburtsdatum": "1981-03-01"}])
def test_whoever_differs_in_one_of_the_three_is_somebody_else(change: dict[str, Canonical]) -> None:
    assert isinstance(look(ANNA, found({**ANNA, **change}))[0], Create)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (PHONE, SAME_PHONE),
        (PHONE, {"telGesch": "+49 511 1234560"}),
        ({"emailAddressData": [{"emailAddress": "Anna@x.de"}]}, {"email": "anna@X.de"}),
    ],
)
def test_name_first_name_and_a_way_to_reach_her_are_certain(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    anna = {**ANNA, "geburtsdatum": None}
    assert look(anna, found(anna, fields=theirs), **ours) == (Link(ID, Trust.CONFIRMED),)


def test_a_shared_phone_proves_nothing_against_another_birth_date() -> None:
    rows = found({**ANNA, "geburtsdatum": "1955-01-01"}, fields=SAME_PHONE)
    assert isinstance(look(ANNA, rows, **PHONE)[0], Create)


@pytest.mark.parametrize("missing", ["geburtsdatum", "vorname"])
def test_agreeing_blanks_make_a_candidate_only(missing: str) -> None:
    anna = {**ANNA, missing: None}
    actions = look(anna, found(anna))
    assert held(actions) is HoldReason.CANDIDATES
    assert only(actions, Hold)[0].candidates == (ID,)
    assert waits_for_person(actions)


def test_an_email_alone_makes_a_candidate_only() -> None:
    nobody = {"name": "Müller"}
    row = found(nobody, fields={"email": "anna@x.de"})
    actions = look(nobody, row, emailAddressData=[{"emailAddress": "anna@x.de"}])
    assert held(actions) is HoldReason.CANDIDATES


def test_a_placeholder_for_a_phone_number_proves_nothing() -> None:
    anna = {**ANNA, "geburtsdatum": None}
    row = found(anna, fields={"telGesch": "0000"})
    assert held(look(anna, row, phoneNumberData=[{"phoneNumber": "0000"}])) is HoldReason.CANDIDATES


def test_a_company_is_certain_by_name_and_register_number() -> None:
    assert look(FIRM, found(FIRM)) == (Link(ID, Trust.CONFIRMED),)
    unregistered = {**FIRM, "handelsregisternummer": None}
    assert held(look(unregistered, found(FIRM))) is HoldReason.CANDIDATES
    assert isinstance(look(FIRM, found({**FIRM, "handelsregisternummer": "HRB 9"}))[0], Create)


def test_certainty_and_contradiction_are_symmetric_and_exclude_each_other() -> None:
    people = [
        BETEILIGTE.person(Side.ESPO, raw(Side.ESPO, {"name": n, "vorname": v, "geburtsdatum": b}))
        for n in (None, "Müller", "Meier")
        for v in (None, "Anna", "Berta")
        for b in (None, "1980-02-29", "1981-03-01")
    ]
    for one in people:
        for other in people:
            assert is_certain(one, other) == is_certain(other, one)
            assert contradicts(one, other) == contradicts(other, one)
            assert not (is_certain(one, other) and contradicts(one, other))


# --- several, or taken ----------------------------------------------------------------------------


def test_one_certain_among_candidates_is_linked() -> None:
    assert look(ANNA, found({**ANNA, "geburtsdatum": None}, OTHER), found(ANNA)) == (Link(ID, Trust.CONFIRMED),)


def test_several_certain_ones_are_a_choice_for_a_person() -> None:
    actions = look(ANNA, found(ANNA), found(ANNA, OTHER))
    assert held(actions) is HoldReason.CANDIDATES
    assert only(actions, Hold)[0].candidates == (ID, OTHER)
    assert writes_no_field(actions)


def test_a_beteiligter_of_a_living_pair_is_never_linked_a_second_time() -> None:
    actions = look(ANNA, replace(found(ANNA), taken=True))
    assert held(actions) is HoldReason.CANDIDATES
    assert writes_no_field(actions)


def test_a_mere_candidate_that_is_taken_stands_in_nobodys_way() -> None:
    anna = {**ANNA, "geburtsdatum": None}
    assert isinstance(look(anna, replace(found(anna), taken=True))[0], Create)


# --- how far the search may be believed -----------------------------------------------------------


def test_nothing_is_created_by_itself_while_the_search_is_not_trusted() -> None:
    actions = look(ANNA, search=Search.UNTRUSTED)
    assert held(actions) is HoldReason.SEARCH_UNTRUSTED
    assert waits_for_person(actions)
    assert writes_no_field(actions)


def test_somebody_found_proves_herself_even_by_an_untrusted_search() -> None:
    assert look(ANNA, found(ANNA), search=Search.UNTRUSTED) == (Link(ID, Trust.CONFIRMED),)


def test_a_firm_may_waive_the_search_but_candidates_still_ask() -> None:
    assert isinstance(look(ANNA, search=Search.WAIVED)[0], Create)
    anna = {**ANNA, "geburtsdatum": None}
    assert held(look(anna, found(anna), search=Search.WAIVED)) is HoldReason.CANDIDATES


@pytest.mark.parametrize("search", Search)
def test_a_person_who_asks_for_a_new_one_gets_it(search: Search) -> None:
    memory = new(link_decision=LinkDecision(LinkChoice.CREATE))
    assert isinstance(look(ANNA, found(ANNA), memory=memory, search=search)[0], Create)


def test_a_person_who_names_a_beteiligter_is_taken_by_her_word() -> None:
    memory = new(link_decision=LinkDecision(LinkChoice.LINK, OTHER))
    seen = espo(ANNA, betnr=None)
    assert counterpart_id(BETEILIGTE, memory, seen) == OTHER
    actions = plan(BETEILIGTE, memory, seen, advoware({**ANNA, "name": "Meier"}, advoware_id=OTHER), POLICY)
    assert actions == (Link(OTHER, Trust.CONFIRMED, restart=True),)


# --- what is created ------------------------------------------------------------------------------


def test_a_record_without_a_name_is_not_created() -> None:
    actions = look({**ANNA, "name": None})
    assert held(actions) is HoldReason.UNNAMED
    assert waits_for_person(actions)


def test_what_has_no_common_form_is_left_out_and_shown() -> None:
    actions = look(ANNA, geburtsdatum="irgendwann")
    (create,) = only(actions, Create)
    (refused,) = only(actions, Quarantine)
    assert "geburtsdatum" not in {write.field for write in create.writes}
    assert (refused.side, refused.field) == (Side.ADVOWARE, "geburtsdatum")


def test_a_value_advoware_refused_is_left_out_until_it_changes() -> None:
    memory = new(quarantine={(Side.ADVOWARE, "rechtsform"): "Frau"})
    (create,) = only(look(ANNA, memory=memory), Create)
    assert "rechtsform" not in {write.field for write in create.writes}
    (create,) = only(look({**ANNA, "rechtsform": "Divers"}, memory=memory), Create)
    assert "rechtsform" in {write.field for write in create.writes}


@pytest.mark.parametrize("direction", [Direction.TO_ESPOCRM, Direction.OFF])
def test_a_field_that_does_not_travel_to_advoware_is_not_created_there(direction: Direction) -> None:
    entity = BETEILIGTE.with_fields({"titel": {"direction": direction}})
    seen = espo({**ANNA, "titel": "Dr."}, betnr=None)
    (create,) = plan(entity, new(), seen, Unlinked((), Search.TRUSTED), POLICY)
    assert isinstance(create, Create)
    assert {write.field for write in create.writes} == set(ANNA)


def test_register_number_and_court_reach_advoware_when_it_is_created() -> None:
    (create,) = look(FIRM)
    assert isinstance(create, Create)
    assert "handelsregisternummer" in {write.field for write in create.writes}


def test_a_stranger_is_ignored_whatever_its_status() -> None:
    for status in (*Status, None, "irgendwas"):
        seen = espo(ANNA, betnr=None, status=status)
        assert plan(BETEILIGTE, new(admitted=False), seen, Unlinked(), POLICY) == (Ignore(),)
        assert plan(BETEILIGTE, linked(state=PairState.EXCLUDED), seen, Unlinked(), POLICY) == (Ignore(),)


# --- exactly once ---------------------------------------------------------------------------------

OURS: dict[str, Any] = {"created_by": US_IN_ADVOWARE, "created_at": MORNING + 1}
DOUBT = new(intents=(lost_create(),))
LATE_ENOUGH = new(intents=(lost_create(repeatable=True),))


def test_what_our_lost_post_made_is_adopted() -> None:
    assert look(ANNA, found(ANNA, **OURS), memory=DOUBT) == (Link(ID, Trust.OWN, "i1"),)


def test_it_is_adopted_even_if_the_search_is_not_trusted_or_she_was_renamed_meanwhile() -> None:
    for search in Search:
        actions = look({**ANNA, "name": "Meier"}, found(ANNA, **OURS), memory=DOUBT, search=search)
        assert actions == (Link(ID, Trust.OWN, "i1"),)


@pytest.mark.parametrize(
    "facts",
    [
        {**OURS, "created_by": "AB"},
        {**OURS, "created_by": None},
        {**OURS, "created_at": MORNING - CREATED_SLACK - 1},
        {**OURS, "created_at": None},
        {**OURS, "taken": True},
        {**OURS, "fields": {"vorname": "Anne"}},
        {**OURS, "fields": {"geburtsdatum": "irgendwann"}},
    ],
    ids=[
        "another author",
        "no author",
        "before the post",
        "no date",
        "in a living pair",
        "another value",
        "unreadable",
    ],
)
def test_what_does_not_prove_to_be_ours_is_not_adopted(facts: dict[str, Any]) -> None:
    actions = look(ANNA, found(ANNA, **facts), memory=DOUBT)
    assert held(actions) is HoldReason.CREATE_IN_DOUBT


def test_a_row_of_the_search_that_lacks_a_field_may_still_be_ours() -> None:
    row = found(ANNA, **OURS)
    body = {name: value for name, value in row.body.items() if name != "bAnrede"}
    assert look(ANNA, replace(row, body=body), memory=DOUBT) == (Link(ID, Trust.OWN, "i1"),)


def test_several_that_may_be_ours_are_a_choice_for_a_person() -> None:
    actions = look(ANNA, found(ANNA, **OURS), found(ANNA, OTHER, **OURS), memory=DOUBT)
    assert held(actions) is HoldReason.CANDIDATES
    assert only(actions, Hold)[0].candidates == (ID, OTHER)


def test_while_a_late_post_may_still_apply_nothing_is_sent_and_no_status_shown() -> None:
    actions = look(ANNA, memory=DOUBT)
    assert held(actions) is HoldReason.CREATE_IN_DOUBT
    assert settled(actions) is None


def test_only_when_it_cannot_apply_any_more_it_is_created_again() -> None:
    assert isinstance(look(ANNA, memory=LATE_ENOUGH)[0], Create)
    assert look(ANNA, found(ANNA), memory=LATE_ENOUGH) == (Link(ID, Trust.CONFIRMED),)


@pytest.mark.parametrize("search", [Search.UNTRUSTED, Search.WAIVED])
@pytest.mark.parametrize("memory", [DOUBT, LATE_ENOUGH])
def test_in_doubt_an_unproven_nobody_never_sends_a_second_post(memory: Memory, search: Search) -> None:
    actions = look(ANNA, memory=memory, search=search)
    assert held(actions) is HoldReason.SEARCH_UNTRUSTED
    assert waits_for_person(actions)


@pytest.mark.parametrize("state", [IntentState.OPEN, IntentState.IN_DOUBT])
def test_an_open_intent_is_as_doubtful_as_one_in_doubt(state: IntentState) -> None:
    memory = new(intents=(lost_create(state=state),))
    assert held(look(ANNA, memory=memory)) is HoldReason.CREATE_IN_DOUBT


@pytest.mark.parametrize("state", [IntentState.DONE, IntentState.VOID])
def test_a_concluded_intent_is_no_doubt(state: IntentState) -> None:
    assert isinstance(look(ANNA, memory=new(intents=(lost_create(state=state),)))[0], Create)


@pytest.mark.parametrize("at", [None, MORNING - 60])
@pytest.mark.parametrize("search", Search)
def test_the_wish_that_led_to_a_lost_post_is_not_carried_out_twice(at: float | None, search: Search) -> None:
    wish = LinkDecision(LinkChoice.CREATE, at=at)
    assert writes_no_field(look(ANNA, memory=replace(DOUBT, link_decision=wish), search=search))


@pytest.mark.parametrize("search", Search)
def test_a_person_who_looked_herself_may_have_it_created_again(search: Search) -> None:
    wish = LinkDecision(LinkChoice.CREATE, at=MORNING + 600)
    assert isinstance(look(ANNA, memory=replace(DOUBT, link_decision=wish), search=search)[0], Create)
    adopted = look(ANNA, found(ANNA, **OURS), memory=replace(DOUBT, link_decision=wish), search=search)
    assert adopted == (Link(ID, Trust.OWN, "i1"),), "what is there already is not made twice for any wish"


# --- a number somebody typed, copied or cleared ---------------------------------------------------


@pytest.mark.parametrize(("betnr", "number"), [(7, 7), ("7", 7), (None, None), ("", None), (0, None)])
def test_a_number_may_be_text_and_blank_is_none(betnr: object, number: int | None) -> None:
    assert named_id(BETEILIGTE, espo(betnr=betnr)) == number


@pytest.mark.parametrize("betnr", ["abc", "7a", "1_0", -1, "-1", "0", True, 7.5, [7]])
def test_what_is_no_number_links_nobody(betnr: object) -> None:
    with pytest.raises(Unmappable):
        named_id(BETEILIGTE, espo(betnr=betnr))
    for memory in (new(), linked()):
        actions = plan(BETEILIGTE, memory, espo(betnr=betnr), Unlinked(), POLICY)
        assert held(actions) is HoldReason.LINK_INVALID
        assert waits_for_person(actions)
        assert writes_no_field(actions)


@pytest.mark.parametrize("memory", [new(), linked(), linked(state=PairState.GONE)])
def test_a_second_record_with_the_number_is_held_and_names_the_first(memory: Memory) -> None:
    actions = plan(BETEILIGTE, replace(memory, rivals=("beteiligte/erste",)), espo(), advoware(), POLICY)
    assert held(actions) is HoldReason.RIVAL
    assert "beteiligte/erste" in only(actions, Hold)[0].notice.detail
    assert waits_for_person(actions)
    assert writes_no_field(actions)


@pytest.mark.parametrize("betnr", [None, ID + 1])
def test_another_number_is_something_new_in_espocrm(betnr: int | None) -> None:
    assert digest(BETEILIGTE, Side.ESPO, espo(betnr=betnr)) != digest(BETEILIGTE, Side.ESPO, espo())


def test_a_cleared_number_asks_and_never_creates_or_links() -> None:
    actions = plan(BETEILIGTE, linked(), espo(betnr=None), Unlinked((found(),), Search.TRUSTED), POLICY)
    assert held(actions) is HoldReason.LINK_CLEARED
    assert only(actions, Hold)[0].candidates == (ID,)
    assert waits_for_person(actions)
    assert writes_no_field(actions)


def test_after_a_cleared_number_a_person_may_have_a_new_one_created() -> None:
    memory = linked(link_decision=LinkDecision(LinkChoice.CREATE))
    assert isinstance(plan(BETEILIGTE, memory, espo(betnr=None), Unlinked(), POLICY)[0], Create)


def test_a_number_not_shown_yet_is_no_cleared_number() -> None:
    """Killed between our POST and the PATCH that shows the number."""
    memory = linked(link_shown=False)
    assert counterpart_id(BETEILIGTE, memory, espo(betnr=None)) == ID
    assert counterpart_id(BETEILIGTE, linked(), espo(betnr=None)) is None


# --- a link our own POST did not make -------------------------------------------------------------


def test_a_typed_number_whose_beteiligter_agrees_is_linked() -> None:
    assert plan(BETEILIGTE, new(), espo(), advoware(), POLICY) == (Link(ID, Trust.CONFIRMED, restart=True),)


@pytest.mark.parametrize("blank", ["name", "vorname", "geburtsdatum"])
@pytest.mark.parametrize("side", Side)
def test_a_blank_speaks_against_nobody(blank: str, side: Side) -> None:
    less = {**ANNA, blank: None}
    records = (less, ANNA) if side is Side.ESPO else (ANNA, less)
    assert only(plan(BETEILIGTE, new(), espo(records[0]), advoware(records[1]), POLICY), Link)


@pytest.mark.parametrize(("field", "value"), [("name", "Meier"), ("vorname", "Berta"), ("geburtsdatum", "1955-01-01")])
def test_a_typed_number_of_perhaps_somebody_else_writes_nothing_until_confirmed(field: str, value: str) -> None:
    theirs = advoware({**ANNA, field: value})
    for memory in (new(), linked(advoware_id=OTHER), linked(trust=Trust.UNCONFIRMED, state=PairState.NEW)):
        actions = plan(BETEILIGTE, memory, espo(), theirs, POLICY)
        assert held(actions) is HoldReason.LINK_DOUBTFUL
        assert only(actions, Hold)[0].notice.fields == (BETEILIGTE.field(field).espo,)
        assert waits_for_person(actions)
        assert writes_no_field(actions)


def test_upper_case_is_no_other_person() -> None:
    assert only(plan(BETEILIGTE, new(), espo(), advoware({**ANNA, "name": "MÜLLER"}), POLICY), Link)


def test_a_doubtful_link_is_confirmed_by_a_person() -> None:
    memory = new(link_decision=LinkDecision(LinkChoice.LINK, ID))
    actions = plan(BETEILIGTE, memory, espo(), advoware({**ANNA, "name": "Meier"}), POLICY)
    assert actions == (Link(ID, Trust.CONFIRMED, restart=True),)


def test_a_confirmation_of_another_number_confirms_nothing() -> None:
    memory = new(link_decision=LinkDecision(LinkChoice.LINK, OTHER))
    actions = plan(BETEILIGTE, memory, espo(), advoware({**ANNA, "name": "Meier"}), POLICY)
    assert held(actions) is HoldReason.LINK_DOUBTFUL


def test_a_doubtful_link_is_confirmed_by_the_row_id_the_record_still_carries() -> None:
    seen = espo(advowareRowId=ADVOWARE_READ.token)
    assert only(plan(BETEILIGTE, new(), seen, advoware({**ANNA, "name": "Meier"}), POLICY), Link)
    seen = espo(advowareRowId="älter")
    assert held(plan(BETEILIGTE, new(), seen, advoware({**ANNA, "name": "Meier"}), POLICY))


def test_another_number_forgets_what_was_agreed_with_the_first_beteiligter() -> None:
    (link,) = plan(BETEILIGTE, linked(advoware_id=OTHER), espo(), advoware(), POLICY)
    assert link == Link(ID, Trust.CONFIRMED, restart=True)


@pytest.mark.parametrize("state", [PairState.TOMBSTONE, PairState.GONE])
def test_a_restored_record_or_beteiligter_is_linked_again_with_its_past(state: PairState) -> None:
    (link,) = plan(BETEILIGTE, linked(state=state), espo(), advoware(), POLICY)
    assert link == Link(ID, Trust.CONFIRMED)
    assert plan(BETEILIGTE, linked(state=state, trust=Trust.OWN), espo(), advoware(), POLICY) == (Link(ID, Trust.OWN),)


def test_no_link_the_planner_makes_stays_unconfirmed() -> None:
    memory = linked(state=PairState.NEW, trust=Trust.UNCONFIRMED)
    (link,) = plan(BETEILIGTE, memory, espo(), advoware(), POLICY)
    assert link == Link(ID, Trust.CONFIRMED)


def test_newer_never_decides_who_it_is_while_the_link_is_doubtful() -> None:
    late = Version("x" * 40, None, MORNING + 9999, "AB")
    actions = plan(BETEILIGTE, new(), espo(), advoware({**ANNA, "name": "Meier", "titel": "Dr."}, version=late), POLICY)
    assert updates(actions) == {}


def test_a_create_names_every_field_it_sets() -> None:
    (create,) = look(ANNA)
    assert isinstance(create, Create)
    assert all(isinstance(write, FieldWrite) and write.before is None for write in create.writes)
    assert only((create,), Settle) == []

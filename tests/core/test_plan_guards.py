"""What looks like everybody's edit and is none: backups, 404s, deleted records, lost ledgers, new fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Canonical, Direction, Policy, Side
from syncd.model import (
    Absent,
    Action,
    AdvowareSeen,
    Agree,
    Ask,
    Base,
    Bury,
    Create,
    Decision,
    Dispute,
    EspoSeen,
    FieldWrite,
    Hold,
    HoldReason,
    Ignore,
    Intent,
    IntentState,
    Keep,
    Link,
    Memory,
    Missed,
    Notice,
    PairState,
    Quarantine,
    Search,
    Settle,
    Snapshot,
    Status,
    Unknown,
    Unlinked,
    Update,
    Vanished,
    Version,
)
from syncd.plan import plan, with_latest
from tests.core.situation import (
    ADVOWARE_READ,
    ANNA,
    ESPO_READ,
    ID,
    MORNING,
    POLICY,
    US_IN_ADVOWARE,
    US_IN_ESPO,
    advoware,
    agreed,
    espo,
    found,
    held,
    linked,
    lost_create,
    new,
    only,
    settled,
    updates,
)

MEIER: dict[str, Canonical] = {**ANNA, "name": "Meier"}


def look(memory: Memory, one: EspoSeen, other: AdvowareSeen) -> tuple[Action, ...]:
    return plan(BETEILIGTE, memory, one, other, POLICY)


# --- no answer ------------------------------------------------------------------------------------

MEMORIES = (
    new(),
    new(admitted=False),
    new(intents=(lost_create(),)),
    new(rivals=("beteiligte/x",)),
    linked(),
    linked(state=PairState.GONE),
    linked(state=PairState.TOMBSTONE),
    linked(state=PairState.EXCLUDED),
    linked(base={}),
    linked(misses=1, miss_ripe=True),
    linked(espo_deletion_confirmed=True),
    linked(believe=Side.ESPO),
)
ADVOWARES: tuple[AdvowareSeen, ...] = (
    advoware(MEIER),
    Absent(),
    Unknown("500"),
    Unlinked((found(MEIER),), Search.TRUSTED),
)
ESPOS: tuple[EspoSeen, ...] = (espo(), espo(betnr=None), espo(betnr="abc"), Absent(), Unknown("403"))


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("other", ADVOWARES)
def test_without_an_answer_of_espocrm_nothing_is_written_and_nothing_believed(
    memory: Memory, other: AdvowareSeen
) -> None:
    (hold,) = look(memory, Unknown("403"), other)
    assert isinstance(hold, Hold)
    assert (hold.reason, hold.side) == (HoldReason.UNREADABLE, Side.ESPO)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("one", ESPOS)
def test_without_an_answer_of_advoware_nothing_is_written_there_or_here(memory: Memory, one: EspoSeen) -> None:
    actions = look(memory, one, Unknown("500"))
    assert not only(actions, Update | Create | Link | Agree | Missed)


def test_no_answer_of_advoware_is_not_a_missing_beteiligter() -> None:
    (hold,) = look(linked(misses=5, miss_ripe=True), espo(), Unknown("500"))
    assert isinstance(hold, Hold)
    assert (hold.reason, hold.side) == (HoldReason.UNREADABLE, Side.ADVOWARE)


@pytest.mark.parametrize("memory", MEMORIES)
@pytest.mark.parametrize("one", ESPOS)
@pytest.mark.parametrize("other", ADVOWARES)
def test_every_situation_has_a_plan_and_a_hold_never_comes_with_a_write(
    memory: Memory, one: EspoSeen, other: AdvowareSeen
) -> None:
    actions = look(memory, one, other)
    assert actions == look(memory, one, other)
    if held(actions) is not None:
        assert not only(actions, Update | Create | Link | Agree | Keep)


# --- gone in Advoware -----------------------------------------------------------------------------


def test_the_first_404_changes_no_status() -> None:
    assert look(linked(), espo(), Absent()) == (Missed(),)
    assert look(linked(misses=1), espo(), Absent()) == (Missed(),), "not long enough ago to be believed"


def test_a_confirmed_404_shows_as_deleted_in_advoware_and_writes_nothing_else() -> None:
    actions = look(linked(misses=1, miss_ripe=True), espo(MEIER), Absent())
    assert actions == (Settle(Status.DELETED_IN_ADVOWARE, (Notice("deleted_in_advoware", (), str(ID)),)),)


def test_whatever_people_set_a_gone_record_returns_to_deleted_in_advoware() -> None:
    for status in Status:
        (end,) = look(linked(state=PairState.GONE), espo(MEIER, status=status), Absent())
        assert isinstance(end, Settle)
        assert end.status is Status.DELETED_IN_ADVOWARE


def test_a_mistyped_number_is_not_reported_as_the_death_of_the_beteiligter_before() -> None:
    actions = look(linked(misses=1, miss_ripe=True), espo(betnr=99), Absent())
    assert actions == (Settle(Status.DELETED_IN_ADVOWARE, (Notice("deleted_in_advoware", (), "99"),)),)


def test_another_number_of_a_gone_pair_gets_its_second_look() -> None:
    assert look(linked(state=PairState.GONE), espo(betnr=99), Absent()) == (Missed(),)


# --- deleted in EspoCRM ---------------------------------------------------------------------------


def test_a_deleted_record_is_believed_only_after_a_complete_listing() -> None:
    assert look(linked(), Absent(), advoware(MEIER)) == (Vanished(),)
    assert look(linked(espo_deletion_confirmed=True), Absent(), advoware(MEIER)) == (Bury(),)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_tombstone_needs_nothing(confirmed: bool) -> None:
    buried = linked(state=PairState.TOMBSTONE, espo_deletion_confirmed=confirmed)
    assert look(buried, Absent(), advoware()) == ()


@pytest.mark.parametrize("memory", [new(), new(admitted=False), linked(state=PairState.EXCLUDED)])
def test_a_record_that_was_never_ours_or_was_taken_out_may_go_unnoticed(memory: Memory) -> None:
    assert look(replace(memory, espo_deletion_confirmed=True), Absent(), Unlinked()) == (Ignore(),)


def test_a_record_deleted_while_its_post_is_in_doubt_is_not_forgotten() -> None:
    assert look(new(intents=(lost_create(),)), Absent(), Unlinked()) == (Vanished(),)


# --- a side went back in time ---------------------------------------------------------------------

EARLIER = replace(ESPO_READ, changed_at=MORNING - 3600)
ADVOWARE_EARLIER = replace(ADVOWARE_READ, token="Q" * 40, changed_at=MORNING - 3600)


@pytest.mark.parametrize(
    ("one", "other", "side"),
    [
        (espo(MEIER, version=EARLIER), advoware(), Side.ESPO),
        (espo(MEIER, version=replace(ESPO_READ, number=6)), advoware(), Side.ESPO),
        (espo(), advoware(MEIER, version=ADVOWARE_EARLIER), Side.ADVOWARE),
    ],
    ids=["modifiedAt", "versionNumber", "geaendertAm"],
)
def test_an_older_state_is_a_restored_backup_and_no_edit(one: EspoSeen, other: AdvowareSeen, side: Side) -> None:
    actions = look(linked(), one, other)
    assert held(actions) is HoldReason.WENT_BACK
    assert only(actions, Hold)[0].side is side
    end = settled(actions)
    assert end is not None
    assert end.status is Status.CONFLICT


@pytest.mark.parametrize("side", list(Side))
def test_what_is_older_than_this_job_has_seen_is_a_restored_backup_too(side: Side) -> None:
    later = {Side.ESPO: replace(ESPO_READ, number=8), Side.ADVOWARE: replace(ADVOWARE_READ, changed_at=MORNING + 3600)}
    first = Snapshot(linked(), espo(version=later[Side.ESPO]), advoware(version=later[Side.ADVOWARE]))
    again = with_latest(replace(with_latest(first), espo=espo(), advoware=advoware()))
    assert again.memory.latest == later, "an older one leaves the newest"
    sides = (espo(MEIER), advoware()) if side is Side.ESPO else (espo(), advoware(MEIER))
    actions = look(again.memory, *sides)
    assert [one.side for one in only(actions, Hold)] == [side]
    assert held(look(linked(), *sides)) is None


def test_an_older_time_stamp_with_the_known_content_disturbs_nobody() -> None:
    actions = look(linked(), espo(version=EARLIER), advoware(version=ADVOWARE_EARLIER))
    assert actions == (Settle(Status.CLEAN),)


def test_a_second_of_resolution_is_no_step_back() -> None:
    actions = look(linked(), espo(MEIER, version=replace(ESPO_READ, changed_at=MORNING - 1)), advoware())
    assert updates(actions) == {(Side.ADVOWARE, "name"): "Meier"}


def test_a_ledger_older_than_the_record_is_held_even_if_nothing_differs() -> None:
    actions = look(linked(unremembered=True), espo(), advoware())
    assert held(actions) is HoldReason.WENT_BACK
    assert only(actions, Hold)[0].side is None


def test_a_first_sync_knows_no_step_back() -> None:
    actions = look(linked(base={}), espo(MEIER, version=EARLIER), advoware(version=ADVOWARE_EARLIER))
    assert held(actions) is None


@pytest.mark.parametrize("right", Side)
@pytest.mark.parametrize("policy", Policy)
def test_the_side_a_person_believes_wins_blanks_included_and_the_other_value_is_kept(
    right: Side, policy: Policy
) -> None:
    entity = BETEILIGTE.with_fields({field.name: {"policy": policy} for field in BETEILIGTE.fields})
    one: dict[str, Canonical] = {**MEIER, "titel": "Dr.", "zusatz": None}
    other: dict[str, Canonical] = {**ANNA, "titel": None, "zusatz": "Hinterhaus"}
    memory = linked(believe=right)
    actions = plan(entity, memory, espo(one, version=EARLIER), advoware(other, version=ADVOWARE_EARLIER), POLICY)
    believed = one if right is Side.ESPO else other
    assert updates(actions) == {(right.other, name): believed[name] for name in ("name", "titel", "zusatz")}
    assert {(keep.field, keep.espo, keep.advoware) for keep in only(actions, Keep)} == {
        (name, one[name], other[name]) for name in ("name", "titel", "zusatz")
    }


# --- ledger lost ----------------------------------------------------------------------------------


def survivor(record: dict[str, Canonical], *, by: str = US_IN_ESPO, **attributes: Any) -> EspoSeen:
    """A record that carries the traces of its last sync."""
    traces = {"advowareLastSync": "2026-09-21 10:00:00", "advowareRowId": ADVOWARE_READ.token, **attributes}
    return espo(record, version=replace(ESPO_READ, changed_by=by), **traces)


LOST = linked(base={}, espo_version=Version(), advoware_version=Version())
EDITED = replace(ADVOWARE_READ, token="S" * 40, changed_at=MORNING + 60)


def test_unchanged_on_both_sides_only_the_base_is_new() -> None:
    actions = look(LOST, survivor(ANNA), advoware())
    assert [type(action) for action in actions] == [Agree, Settle]


def test_a_lossy_difference_both_sides_had_agreed_on_stays() -> None:
    actions = look(LOST, survivor({**ANNA, "titel": "Dr. iur."}), advoware({**ANNA, "titel": "Dr."}))
    assert updates(actions) == {}
    assert "titel" in only(actions, Agree)[0].fields


def test_what_only_espocrm_changed_goes_to_advoware_clearing_included() -> None:
    seen = survivor({**MEIER, "vorname": None}, by="anna", status="dirty")
    actions = look(LOST, seen, advoware())
    assert updates(actions) == {(Side.ADVOWARE, "name"): "Meier", (Side.ADVOWARE, "vorname"): None}
    assert only(actions, Keep) == []


def test_what_only_advoware_changed_goes_to_espocrm() -> None:
    actions = look(LOST, survivor(ANNA), advoware(MEIER, version=EDITED))
    assert updates(actions) == {(Side.ESPO, "name"): "Meier"}


@pytest.mark.parametrize(
    "seen",
    [
        survivor(MEIER, by="anna", status="dirty"),
        survivor(MEIER, by="anna"),
        survivor(MEIER, status="dirty"),
        survivor(MEIER, advowareLastSync=None),
        survivor(MEIER, advowareRowId=None),
    ],
    ids=["edited", "not by us", "not clean", "no sync", "no token"],
)
def test_what_both_may_have_changed_is_a_first_sync_and_the_loser_is_kept(seen: EspoSeen) -> None:
    actions = look(LOST, seen, advoware(version=EDITED))
    assert [(keep.field, keep.espo, keep.advoware) for keep in only(actions, Keep)] == [("name", "Meier", "Müller")]


def test_an_open_question_is_not_decided_by_losing_the_ledger() -> None:
    """The token may have been stored with the question open."""
    manual = BETEILIGTE.with_fields({"name": {"policy": Policy.MANUAL}})
    actions = plan(manual, LOST, survivor(MEIER, status="conflict"), advoware(), POLICY)
    assert [dispute.field for dispute in only(actions, Dispute)] == ["name"]
    actions = look(LOST, survivor(MEIER, status="conflict"), advoware())
    assert [keep.field for keep in only(actions, Keep)] == ["name"]


# --- newly mapped fields --------------------------------------------------------------------------


def without(*names: str) -> Memory:
    return linked(base={name: base for name, base in agreed().items() if name not in names})


def test_a_newly_mapped_field_fills_blanks() -> None:
    actions = look(without("titel"), espo({**ANNA, "titel": "Dr."}), advoware())
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Dr."}


def test_a_newly_mapped_field_that_differs_is_listed_and_not_written() -> None:
    actions = look(without("titel"), espo({**ANNA, "titel": "Dr."}), advoware({**ANNA, "titel": "Prof."}))
    assert updates(actions) == {}
    assert [(item.field, item.why) for item in only(actions, Dispute)] == [("titel", "new_field")]


def test_once_allowed_a_newly_mapped_field_is_a_first_sync() -> None:
    memory = replace(without("titel"), allow_new_fields=True)
    actions = look(memory, espo({**ANNA, "titel": "Dr."}), advoware({**ANNA, "titel": "Prof."}))
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Dr."}
    assert [keep.advoware for keep in only(actions, Keep)] == ["Prof."]


@pytest.mark.parametrize("change", [{"direction": Direction.TO_ADVOWARE}, {"espo": "akademischerTitel"}])
def test_another_rule_or_direction_makes_a_field_newly_mapped(change: dict[str, Any]) -> None:
    entity = BETEILIGTE.with_fields({"titel": change})
    one = espo({**ANNA, "titel": "Dr."}, entity=entity)
    actions = plan(entity, linked({**ANNA, "titel": "Prof."}), one, advoware({**ANNA, "titel": "Prof."}), POLICY)
    assert updates(actions) == {}
    assert [item.why for item in only(actions, Dispute)] == ["new_field"]


# --- questions and answers ------------------------------------------------------------------------

DR: dict[str, Canonical] = {**ANNA, "titel": "Dr."}
PROF: dict[str, Canonical] = {**ANNA, "titel": "Prof."}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Dr.", {(Side.ADVOWARE, "titel"): "Dr."}),
        ("Prof.", {(Side.ESPO, "titel"): "Prof."}),
        ("Prof. Dr.", {(Side.ADVOWARE, "titel"): "Prof. Dr.", (Side.ESPO, "titel"): "Prof. Dr."}),
        (None, {(Side.ADVOWARE, "titel"): None, (Side.ESPO, "titel"): None}),
    ],
)
@pytest.mark.parametrize("policy", Policy)
def test_what_a_person_chose_is_written_whatever_the_policy(
    value: Canonical, written: dict[tuple[Side, str], Canonical], policy: Policy
) -> None:
    entity = BETEILIGTE.with_fields({"titel": {"policy": policy}})
    memory = linked(decisions={"titel": Decision("c1", value, "Dr.", "Prof.")})
    assert updates(plan(entity, memory, espo(DR), advoware(PROF), POLICY)) == written


def test_a_choice_half_carried_out_is_finished() -> None:
    memory = linked(decisions={"titel": Decision("c1", "Mag.", "Dr.", "Prof.")})
    actions = look(memory, espo(DR), advoware({**ANNA, "titel": "Mag."}))
    assert updates(actions) == {(Side.ESPO, "titel"): "Mag."}


def test_a_choice_is_void_once_somebody_typed_something_new() -> None:
    manual = BETEILIGTE.with_fields({"titel": {"policy": Policy.MANUAL}})
    memory = linked(decisions={"titel": Decision("c1", "Dr.", "Dr.", "Prof.")})
    actions = plan(manual, memory, espo(DR), advoware({**ANNA, "titel": "LL.M."}), POLICY)
    assert updates(actions) == {}
    assert [(item.espo, item.advoware) for item in only(actions, Dispute)] == [("Dr.", "LL.M.")]


def test_a_choice_advowares_interface_cannot_make_is_a_task() -> None:
    register = "handelsregisternummer"
    memory = linked(decisions={register: Decision("c1", "HRB 1", "HRB 1", "HRB 2")})
    actions = look(memory, espo({**ANNA, register: "HRB 1"}), advoware({**ANNA, register: "HRB 2"}))
    assert updates(actions) == {}
    assert only(actions, Ask) == [Ask(register, "HRB 1", "HRB 2")]


def test_a_refused_value_is_shown_and_not_sent_again_until_it_changes() -> None:
    memory = linked(quarantine={(Side.ADVOWARE, "titel"): "Dr."})
    actions = look(memory, espo(DR), advoware())
    assert updates(actions) == {}
    assert [(item.side, item.field) for item in only(actions, Quarantine)] == [(Side.ADVOWARE, "titel")]
    assert settled(actions) == Settle(Status.CONFLICT, (Notice("refused_advoware", ("titel",)),), ("titel",))
    assert updates(look(memory, espo(PROF), advoware())) == {(Side.ADVOWARE, "titel"): "Prof."}
    assert settled(look(memory, espo(), advoware())) == Settle(Status.CLEAN)


@pytest.mark.parametrize("side", Side)
def test_one_unreadable_value_delays_no_other_field(side: Side) -> None:
    bad: dict[str, Any] = {"geburtsdatum": "irgendwann"}
    one = espo(DR, **(bad if side is Side.ESPO else {}))
    other = advoware(ANNA, **(bad if side is Side.ADVOWARE else {}))
    actions = look(linked(), one, other)
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Dr."}
    (refused,) = only(actions, Quarantine)
    assert (refused.side, refused.field, refused.value) == (side.other, "geburtsdatum", None)
    assert "irgendwann" not in refused.reason


def test_a_base_that_can_no_longer_be_read_makes_a_first_sync_of_that_field() -> None:
    base = {**agreed(), "geburtsdatum": Base("32.13.", None, BETEILIGTE.field("geburtsdatum").rule)}
    actions = look(linked(base=base), espo(), advoware({**ANNA, "geburtsdatum": None}))
    assert updates(actions) == {(Side.ADVOWARE, "geburtsdatum"): "1980-02-29"}


# --- an update of ours that applied late ----------------------------------------------------------


def late(value: Canonical, **changes: Any) -> Memory:
    values: dict[str, Any] = {"state": IntentState.IN_DOUBT, "verb": "update", **changes}
    verb, state = values["verb"], values["state"]
    intent = Intent("i2", Side.ADVOWARE, verb, (FieldWrite("titel", "", value),), MORNING, state)
    return linked(PROF, intents=(intent,))


BY_US = replace(ADVOWARE_READ, token="T" * 40, changed_by=US_IN_ADVOWARE)


def test_our_own_late_write_is_put_right_and_not_taken_for_an_edit() -> None:
    actions = look(late("Dr."), espo(PROF), advoware(DR, version=BY_US))
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Prof."}


@pytest.mark.parametrize("policy", Policy)
def test_what_a_clerk_types_after_a_write_of_ours_whose_answer_was_lost_disputes_with_nobody(policy: Policy) -> None:
    entity = BETEILIGTE.with_fields({"titel": {"policy": policy}})
    actions = plan(entity, late("Dr."), espo({**ANNA, "titel": "Mag."}), advoware(DR, version=BY_US), POLICY)
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Mag."}
    assert not [action for action in actions if isinstance(action, Keep | Dispute)]


@pytest.mark.parametrize(
    ("memory", "version"),
    [
        (late("Dr."), replace(BY_US, changed_by="AB")),
        (late("Mag."), BY_US),
        (late("Dr.", state=IntentState.DONE), BY_US),
        (late("Dr.", state=IntentState.VOID), BY_US),
    ],
    ids=["a person saved", "another value", "confirmed", "not applied"],
)
def test_any_other_change_in_advoware_is_a_persons(memory: Memory, version: Version) -> None:
    assert updates(look(memory, espo(PROF), advoware(DR, version=version))) == {(Side.ESPO, "titel"): "Dr."}


# --- quiet ----------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([*Status, None, "unbekannt"]), st.integers(-10, 10**6))
def test_where_nothing_changed_nothing_is_planned_but_the_status(status: str | None, later: int) -> None:
    one = espo(status=status, version=replace(ESPO_READ, changed_at=MORNING + max(later, 0)))
    other = advoware(version=replace(ADVOWARE_READ, token="V" * 40, changed_at=MORNING + max(-later, 0)))
    assert look(linked(), one, other) == (Settle(Status.CLEAN),)


def test_a_value_only_spelled_otherwise_moves_the_base_and_writes_nothing() -> None:
    actions = look(linked(), espo(lastName="Mu\u0308ller "), advoware())
    assert actions == (Agree(("name",)), Settle(Status.CLEAN))


def test_values_are_kept_before_anything_is_replaced_and_advoware_is_written_before_espocrm() -> None:
    entity = BETEILIGTE.with_fields({"titel": {"policy": Policy.ADVOWARE}})
    actions = plan(entity, linked(), espo({**DR, "name": "Meier"}), advoware(PROF), POLICY)
    assert [type(action) for action in actions] == [Keep, Update, Update, Settle]
    assert [update.side for update in only(actions, Update)] == [Side.ADVOWARE, Side.ESPO]


@pytest.mark.parametrize("side", [Side.ESPO, Side.ADVOWARE, None])
def test_a_step_back_once_seen_holds_until_a_person_has_judged(side: Side | None) -> None:
    actions = look(linked(went_back=(side,)), espo({"lastName": "Neu"}), advoware())
    assert held(actions) is HoldReason.WENT_BACK
    assert only(actions, Hold)[0].side is side
    judged = look(linked(went_back=(side,), believe=Side.ESPO), espo({"lastName": "Neu"}), advoware())
    assert held(judged) is None


# --- who is newer, and who is asked ---------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "winner"), [(0.0, Side.ADVOWARE), (30.0, Side.ADVOWARE), (90.0, Side.ESPO)])
def test_a_side_is_newer_only_by_more_than_the_clocks_differ(ahead: float, winner: Side) -> None:
    """Advoware was saved a minute later, as far as its clock, so much ahead, can be believed."""
    here = replace(espo({**ANNA, "titel": "Dr."}), read_at=5.0, served_at=MORNING)
    later = Version("S" * 40, None, MORNING + 60.0, "AB")
    there = replace(advoware({**ANNA, "titel": "Prof."}, version=later), read_at=5.0, served_at=MORNING + ahead)
    actions = look(linked(base={}, advoware_version=Version()), here, there)
    assert updates(actions) == {(winner.other, "titel"): "Prof." if winner is Side.ADVOWARE else "Dr."}


def test_what_a_side_refused_while_it_was_still_written_to_is_no_question_any_more() -> None:
    entity = BETEILIGTE.with_fields({"titel": {"direction": Direction.TO_ADVOWARE}})
    memory = linked(base={}, advoware_version=Version(), quarantine={(Side.ESPO, "titel"): "Prof."})
    seen = (espo({**ANNA, "titel": "Dr."}), advoware({**ANNA, "titel": "Prof."}))
    actions = plan(entity, memory, *seen, POLICY)
    assert only(actions, Quarantine) == []
    assert updates(actions) == {(Side.ADVOWARE, "titel"): "Dr."}

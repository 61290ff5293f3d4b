"""What a side shows after we wrote to it: taken, rewritten, refused, or a person's value."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from mappers.spec import Canonical, Side
from syncd.model import FieldWrite, Version
from syncd.readback import Judged, Verdict, judge, written_over
from tests.core.situation import ADVOWARE_READ, ANNA, US_IN_ADVOWARE, US_IN_ESPO, advoware, espo, linked

BY_US = replace(ADVOWARE_READ, changed_by=US_IN_ADVOWARE)


def after(wanted: Canonical, seen: Canonical, before: Canonical = "Dr.", version: Version = BY_US) -> Verdict:
    """The verdict on a title that was to become `wanted` and reads `seen`."""
    shown = advoware({**ANNA, "titel": seen}, version=version)
    write = FieldWrite("titel", before or "", wanted)
    (judged,) = judge(BETEILIGTE, Side.ADVOWARE, (write,), shown, US_IN_ADVOWARE)
    assert judged.seen == seen
    return judged.verdict


BY_A_PERSON = replace(ADVOWARE_READ, changed_by="AB")


def test_the_wanted_value_is_confirmed_whoever_saved() -> None:
    assert after("Prof.", "Prof.") is Verdict.CONFIRMED
    assert after("Prof.", "Prof.", version=BY_A_PERSON) is Verdict.CONFIRMED
    assert after(None, None) is Verdict.CONFIRMED


def test_the_old_value_is_a_refusal() -> None:
    assert after("Prof.", "Dr.") is Verdict.REFUSED
    assert after(None, "Dr.") is Verdict.REFUSED
    assert after("Prof.", None, before=None) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (BY_US, Verdict.REFUSED),
        (ADVOWARE_READ, Verdict.REFUSED),
        (replace(ADVOWARE_READ, token="later"), Verdict.EDITED),
        (replace(ADVOWARE_READ, token="later", changed_by="CD"), Verdict.EDITED),
    ],
)
def test_the_old_value_in_a_record_somebody_else_saved_since_is_no_refusal(now: Version, verdict: Verdict) -> None:
    write, shown = FieldWrite("titel", "Dr.", "Prof."), advoware({**ANNA, "titel": "Dr."}, version=now)
    (judged,) = judge(BETEILIGTE, Side.ADVOWARE, (write,), shown, US_IN_ADVOWARE, ADVOWARE_READ)
    assert judged.verdict is verdict


@pytest.mark.parametrize(
    ("wanted", "seen"), [("Professor Doktor", "Professor"), ("Prof.  Dr.", "Prof. Dr."), ("Prof.\nDr.", "Prof. Dr.")]
)
def test_cut_or_other_blanks_by_our_own_user_is_the_targets_form_of_our_value(wanted: str, seen: str) -> None:
    assert after(wanted, seen) is Verdict.REWRITTEN


@pytest.mark.parametrize(("wanted", "seen"), [("Professor Doktor", "Professor"), ("Prof.  Dr.", "Prof. Dr.")])
def test_the_same_saved_by_a_person_is_an_edit(wanted: str, seen: str) -> None:
    assert after(wanted, seen, version=BY_A_PERSON) is Verdict.EDITED
    assert after(wanted, seen, version=replace(ADVOWARE_READ, changed_by=None)) is Verdict.EDITED


@pytest.mark.parametrize(
    ("wanted", "seen"), [("Prof.", "Mag."), ("Prof.", None), (None, "Mag."), ("Prof.", "Prof. Dr.")]
)
def test_anything_else_is_a_persons_edit(wanted: Canonical, seen: Canonical) -> None:
    assert after(wanted, seen) is Verdict.EDITED


def test_who_we_are_must_be_known_to_call_a_rewrite_our_own() -> None:
    shown = advoware({**ANNA, "titel": "Professor"}, version=replace(BY_US, changed_by=None))
    (judged,) = judge(BETEILIGTE, Side.ADVOWARE, (FieldWrite("titel", "Dr.", "Professor Doktor"),), shown, None)
    assert judged.verdict is Verdict.EDITED


def test_what_cannot_be_read_back_was_typed_by_a_person() -> None:
    shown = advoware(ANNA, geburtsdatum="irgendwann", version=BY_US)
    write = FieldWrite("geburtsdatum", None, "1980-02-29")
    assert judge(BETEILIGTE, Side.ADVOWARE, (write,), shown, US_IN_ADVOWARE) == (Judged(write, Verdict.EDITED, None),)


def test_an_unreadable_value_before_does_not_spoil_the_judgement() -> None:
    write = FieldWrite("geburtsdatum", "irgendwann", "1980-02-29")
    (judged,) = judge(BETEILIGTE, Side.ADVOWARE, (write,), advoware(version=BY_US), US_IN_ADVOWARE)
    assert judged.verdict is Verdict.CONFIRMED


def test_a_day_at_midnight_and_a_salutation_are_judged_by_what_they_mean() -> None:
    writes = (FieldWrite("geburtsdatum", None, "1980-02-29"), FieldWrite("anrede", "Mr.", "Frau"))
    shown = espo({**ANNA}, salutationName="Mrs.")
    assert {item.verdict for item in judge(BETEILIGTE, Side.ESPO, writes, shown, US_IN_ESPO)} == {Verdict.CONFIRMED}


def test_every_write_gets_its_own_verdict_in_order() -> None:
    writes = (FieldWrite("titel", "Dr.", "Prof."), FieldWrite("name", "Meier", "Müller"))
    judged = judge(BETEILIGTE, Side.ADVOWARE, writes, advoware({**ANNA, "titel": "Dr."}, version=BY_US), US_IN_ADVOWARE)
    assert [(item.write.field, item.verdict) for item in judged] == [
        ("titel", Verdict.REFUSED),
        ("name", Verdict.CONFIRMED),
    ]


@settings(max_examples=200, deadline=None)
@given(*[st.sampled_from([None, "Dr.", "Prof.", "Prof. Dr.", "P", "Prof.  Dr."])] * 3)
def test_a_value_that_is_neither_ours_nor_the_old_one_is_never_called_refused_or_confirmed(
    wanted: Canonical, seen: Canonical, before: Canonical
) -> None:
    verdict = after(wanted, seen, before, BY_A_PERSON)
    if seen == wanted:
        assert verdict is Verdict.CONFIRMED
    else:
        assert verdict is (Verdict.REFUSED if seen == before else Verdict.EDITED)


# --- who saved before us --------------------------------------------------------------------------


def test_over_all_writes_of_a_job_the_last_person_is_remembered() -> None:
    anna, bert = replace(ADVOWARE_READ, changed_by="AB"), replace(ADVOWARE_READ, token="X", changed_by="CD")
    memory = written_over(linked(), Side.ADVOWARE, anna, US_IN_ADVOWARE)
    assert memory.written_over == {Side.ADVOWARE: anna}
    memory = written_over(memory, Side.ADVOWARE, BY_US, US_IN_ADVOWARE)
    assert memory.written_over == {Side.ADVOWARE: anna}, "our own save in between is nobody's"
    assert written_over(memory, Side.ADVOWARE, bert, US_IN_ADVOWARE).written_over == {Side.ADVOWARE: bert}

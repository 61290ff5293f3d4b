"""What EspoCRM shows of the state of a pair: nothing it shows already, and never over what a person typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.beteiligte import BETEILIGTE
from syncd.model import FieldWrite, Notice, Settle, Status
from syncd.projection import differing, espo_text, failed, rendered, settled, stamped
from syncd.status import ForbiddenStatus, NextTry
from tests.core.situation import ID

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC
CLEAN = Settle(Status.CLEAN)
SHOWN: dict[str, Any] = {
    "betnr": ID,
    "syncStatus": "clean",
    "syncErrorMessage": None,
    "syncRetryCount": 0,
    "syncNextRetry": None,
    "syncAutoResetAt": None,
    "advowareRowId": "R" * 40,
    "advowareLastSync": "2026-09-21 10:00:00",
}
CONFLICT = Settle(Status.CONFLICT, (Notice("dispute", ("titel",)),), ("titel",))
HELD = Settle(Status.CONFLICT, (Notice("link_cleared", ("betnr",), str(ID)),), ("",))
GONE = Settle(Status.DELETED_IN_ADVOWARE, (Notice("deleted_in_advoware", (), str(ID)),))


def test_what_is_shown_already_is_not_written() -> None:
    assert settled(BETEILIGTE, SHOWN, CLEAN, ID, "de") == {}
    assert settled(BETEILIGTE, {**SHOWN, "syncRetryCount": None, "syncErrorMessage": ""}, CLEAN, ID, "de") == {}


def test_the_end_of_trouble_clears_all_its_traces() -> None:
    before = {**SHOWN, "syncStatus": "failed", "syncErrorMessage": "Fehlgeschlagen", "syncRetryCount": 3}
    before |= {"syncNextRetry": "2027-01-15 09:00:00", "syncAutoResetAt": "2027-01-16 08:00:00"}
    assert settled(BETEILIGTE, before, CLEAN, ID, "de") == {
        "syncStatus": "clean",
        "syncErrorMessage": None,
        "syncRetryCount": 0,
        "syncNextRetry": None,
        "syncAutoResetAt": None,
    }


def test_a_new_link_is_shown() -> None:
    assert settled(BETEILIGTE, {**SHOWN, "betnr": None}, CLEAN, ID, "de") == {"betnr": ID}


@pytest.mark.parametrize("betnr", [ID, str(ID), ID + 1, "abc"])
@pytest.mark.parametrize("settle", [CLEAN, CONFLICT, HELD, GONE])
def test_a_number_somebody_typed_is_never_overwritten(betnr: object, settle: Settle) -> None:
    assert "betnr" not in settled(BETEILIGTE, {**SHOWN, "betnr": betnr}, settle, ID, "de")


def test_a_number_somebody_cleared_is_not_put_back_while_she_is_asked_about_it() -> None:
    assert "betnr" not in settled(BETEILIGTE, {**SHOWN, "betnr": None}, HELD, ID, "de")


def test_a_conflict_says_which_field() -> None:
    changes = settled(BETEILIGTE, SHOWN, CONFLICT, ID, "en")
    assert changes["syncStatus"] == "conflict"
    assert "titel" in changes["syncErrorMessage"]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CLEAN, Status.CONFLICT, Status.DELETED_IN_ADVOWARE}))
def test_no_plan_can_end_in_another_status(status: Status) -> None:
    with pytest.raises(ForbiddenStatus):
        settled(BETEILIGTE, SHOWN, Settle(status), ID, "de")


TOKEN = {"advowareRowId": "S" * 40}


# --- time and token -------------------------------------------------------------------------------


def test_time_and_token_alone_are_never_worth_a_write() -> None:
    assert stamped(BETEILIGTE, SHOWN, {}, TOKEN, NOW) == {}


def test_a_write_takes_time_and_token_along() -> None:
    assert stamped(BETEILIGTE, SHOWN, {"titel": "Dr."}, TOKEN, NOW) == {
        "titel": "Dr.",
        "advowareRowId": "S" * 40,
        "advowareLastSync": "2027-01-15 08:00:00",
    }


def test_a_token_that_is_shown_already_or_unknown_is_not_sent() -> None:
    for token in ({"advowareRowId": "R" * 40}, {}):
        assert "advowareRowId" not in stamped(BETEILIGTE, SHOWN, {"titel": "Dr."}, token, NOW)


def test_the_token_is_stored_only_when_all_is_agreed() -> None:
    """It tells a lost ledger that Advoware holds nothing that is not settled."""
    assert "advowareRowId" not in stamped(BETEILIGTE, SHOWN, {"syncStatus": "conflict"}, TOKEN, NOW)
    waiting = {**SHOWN, "syncStatus": "conflict"}
    assert "advowareRowId" not in stamped(BETEILIGTE, waiting, {"titel": "Dr."}, TOKEN, NOW)
    assert "advowareRowId" in stamped(BETEILIGTE, waiting, {"syncStatus": "clean"}, TOKEN, NOW)


def test_a_fingerprint_is_shown_also_while_a_question_is_open() -> None:
    changes = stamped(BETEILIGTE, SHOWN, {"syncStatus": "conflict"}, {"kommunikationHash": "0" * 16}, NOW)
    assert changes["kommunikationHash"] == "0" * 16


def test_times_are_utc_as_espocrm_writes_them() -> None:
    assert espo_text(0.0) == "1970-01-01 00:00:00"
    assert espo_text(NOW + 0.9) == "2027-01-15 08:00:00"


# --- failures -------------------------------------------------------------------------------------


def test_a_failure_shows_the_count_and_the_next_try() -> None:
    changes = failed(BETEILIGTE, SHOWN, NextTry(Status.FAILED, 2, 900.0), Notice("failed", (), "500"), NOW, "de")
    assert changes.pop("syncErrorMessage").startswith("Fehlgeschlagen (500)")
    assert changes == {"syncStatus": "failed", "syncRetryCount": 2, "syncNextRetry": "2027-01-15 08:15:00"}


def test_a_record_given_up_shows_when_it_starts_again() -> None:
    before = {**SHOWN, "syncStatus": "failed", "syncRetryCount": 4, "syncNextRetry": "2027-01-15 08:00:00"}
    following = NextTry(Status.PERMANENTLY_FAILED, 5, 86400.0)
    changes = failed(BETEILIGTE, before, following, Notice("gave_up", (), "500"), NOW, "de")
    changes.pop("syncErrorMessage")
    assert changes == {
        "syncStatus": "permanently_failed",
        "syncRetryCount": 5,
        "syncNextRetry": None,
        "syncAutoResetAt": "2027-01-16 08:00:00",
    }


# --- values ---------------------------------------------------------------------------------------


def test_fields_are_written_under_espocrms_names_in_espocrms_form() -> None:
    writes = [FieldWrite("name", "x", "Meier"), FieldWrite("anrede", None, "Herr"), FieldWrite("titel", "Dr.", None)]
    assert rendered(BETEILIGTE, writes) == {"lastName": "Meier", "salutationName": "Mr.", "titel": None}


bodies = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.one_of(st.none(), st.just(""), st.integers(0, 3), st.text(max_size=3))
)


@settings(max_examples=200, deadline=None)
@given(bodies, bodies)
def test_written_once_there_is_nothing_more_to_write(body: dict[str, Any], wanted: dict[str, Any]) -> None:
    changes = differing(body, wanted)
    assert changes.items() <= wanted.items()
    assert differing({**body, **changes}, wanted) == {}

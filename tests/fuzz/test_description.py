"""Our OpenAPI description asked for its word: whatever it allows or forbids, answers are as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, checks

from scripts.docs_security import bare_api
from tests.fuzz.description import SECRET, SIGN_ME, TOKEN, Signing, open_doors, open_ledger

DOORS = Signing(bare_api())
schema = schemathesis.openapi.from_asgi("/openapi.json", DOORS)


@pytest.fixture(autouse=True, scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is described has something behind it while these tests run."""
    bare, ledger = DOORS.app, open_ledger(tmp_path_factory.mktemp("ledger"))
    DOORS.app = open_doors(ledger)
    yield
    DOORS.app = bare
    ledger.close()


examples = settings(deadline=None, suppress_health_check=list(HealthCheck))
few, many = settings(examples, max_examples=3, derandomize=True), settings(examples, max_examples=60)
OURS = {"Authorization": f"Bearer {TOKEN}", "Signature": SIGN_ME}


def judged(case: Case[Any], headers: dict[str, str] | None) -> None:
    """As described; no trace and no secret in it."""
    # A question with a word too many in it is answered: HTTP has no rule against it.
    beside = [checks.negative_data_rejection] if case.method == "GET" else []
    answer = case.call_and_validate(headers=headers, excluded_checks=beside)
    assert answer.status_code < 500 or answer.status_code == 503
    told = f"{dict(answer.headers)} {answer.text}"
    assert not [word for word in (TOKEN, SECRET, "Traceback", 'File "', "sqlite") if word in told], told
    if answer.status_code >= 400:
        assert list(answer.json()) in (["error"], ["run", "taken", "refused"], ["text", "taken", "refused", "keys"])
        assert "\n" not in answer.text


@schema.parametrize()
@few
def test_whoever_has_the_token_is_answered_as_described(case: Case[Any]) -> None:
    judged(case, OURS)


@schema.parametrize()
@few
def test_whoever_has_no_token_is_answered_as_described(case: Case[Any]) -> None:
    judged(case, None)


@pytest.mark.soak
@schema.parametrize()
@many
def test_whoever_has_the_token_is_answered_as_described_many_times(case: Case[Any]) -> None:
    judged(case, OURS)

"""Each sentence of the contract is tried on the stand-ins in this process and over HTTP, and on live systems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

import pytest

from syncd.sandbox.advoware_model import Switches
from tests.contract.targets import (
    Advoware,
    Espo,
    advoware_in_process,
    advoware_live,
    advoware_over_http,
    espo_in_process,
    espo_live,
    espo_over_http,
)
from tests.systems import Systems, running_systems

# Asked for with `-m live` only: whoever has the variables set does not write into a live system by `pytest` alone.
SYSTEMS = ("in process", "over http", pytest.param("live", marks=pytest.mark.live))


@pytest.fixture(scope="module")
def systems() -> Iterator[Systems]:
    with running_systems() as started:
        yield started


@pytest.fixture(scope="session")
def live_record() -> dict[str, int]:
    """The one Beteiligter a live run makes."""
    return {}


@pytest.fixture(params=SYSTEMS)
async def espo(request: pytest.FixtureRequest) -> AsyncIterator[Espo]:
    match request.param:
        case "in process":
            opened = espo_in_process()
        case "over http":
            opened = espo_over_http(request.getfixturevalue("systems"))
        case _:
            opened = espo_live()
    try:
        yield opened
    finally:
        await opened.clean_up()
        await opened.client.close()


@pytest.fixture(params=SYSTEMS)
async def advoware(request: pytest.FixtureRequest, live_record: dict[str, int]) -> AsyncIterator[Advoware]:
    match request.param:
        case "in process":
            opened = advoware_in_process()
        case "over http":
            opened = advoware_over_http(request.getfixturevalue("systems"))
        case _:
            opened = advoware_live(live_record)
    try:
        yield opened
    finally:
        if opened.switch is not None:
            opened.switch({"advoware": asdict(Switches())})
        await opened.client.close()

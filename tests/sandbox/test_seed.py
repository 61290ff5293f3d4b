"""Invented records: the same for the same seed, and alike in both systems."""

from __future__ import annotations

from stdnum import iban

from syncd.sandbox import Sandbox
from tests.sandbox.conftest import Espo, HandClock


async def test_linked_records_say_the_same_in_both_systems(api: Espo, sandbox: Sandbox) -> None:
    for record_id, betnr in sandbox.seed.synced(40):
        espo, advoware = await api.get(record_id), sandbox.people.advoware.see(betnr)
        assert (espo["betnr"], espo["syncStatus"], espo["advowareRowId"]) == (betnr, "clean", advoware["rowId"])
        assert (espo["lastName"], espo["firstName"]) == (advoware["name"], advoware["vorname"])
        numbers = {one["phoneNumber"] for one in espo["phoneNumberData"]}
        mails = {one["emailAddress"] for one in espo["emailAddressData"]}
        assert numbers | mails == {one["tlf"] for one in advoware["kommunikation"]}
        accounts = sandbox.people.espo.all("CBankverbindungen")
        mine = next(one for one in accounts if one["beteiligterId"] == record_id)
        assert mine["iban"] == advoware["bankkverbindungen"][0]["iban"]
        assert iban.is_valid(mine["iban"])


def test_the_same_seed_invents_the_same_world(clock: HandClock) -> None:
    def made(seed: int) -> object:
        sandbox = Sandbox(now=clock.now, seed=seed)
        sandbox.seed.synced(20)
        sandbox.seed.unlinked(5)
        return sandbox.dump()

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_records_of_one_side_only_are_unknown_to_the_other(sandbox: Sandbox) -> None:
    ids, betnrs = sandbox.seed.only_espocrm(3), sandbox.seed.only_advoware(2)
    assert sandbox.people.espo.ids() == sorted(ids)
    assert sandbox.people.advoware.betnrs() == betnrs
    assert {one["syncStatus"] for one in sandbox.people.espo.all()} == {"pending_sync"}

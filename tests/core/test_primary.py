"""The main entry of a list, where both sides have an opinion of it."""

from __future__ import annotations

from mappers.kommunikation import KOMMUNIKATION, PHONES
from syncd.primary import Choice, choose

HERE, THERE = (PHONES, "+495111"), (PHONES, "+495112")


def test_an_entry_switched_on_in_advoware_stays_on_though_espocrm_has_chosen_another() -> None:
    chosen = Choice(HERE, 1, espo=True, advoware=False, base_espo=False, base_advoware=False, marking=False)
    left = Choice(THERE, 2, espo=False, advoware=True, base_espo=True, base_advoware=False, marking=False)
    assert choose([chosen, left], KOMMUNIKATION, None, first=False) == (None, {1: True})


def test_an_entry_espocrm_has_left_is_switched_off_where_nobody_touched_it() -> None:
    chosen = Choice(HERE, 1, espo=True, advoware=False, base_espo=False, base_advoware=False, marking=False)
    left = Choice(THERE, 2, espo=False, advoware=True, base_espo=True, base_advoware=True, marking=False)
    assert choose([chosen, left], KOMMUNIKATION, None, first=False) == (None, {1: True, 2: False})

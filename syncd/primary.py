"""Which entry of a list is the main one: `primary` in EspoCRM, `online` in Advoware. Pure.

EspoCRM has just one, Advoware any number, so they agree as soon as EspoCRM's is among Advoware's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mappers.spec import EntryList, Policy, Side
from syncd.pairing import Place


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry: whether it is the main one on each side, now and when both last agreed (None: never)."""

    where: Place | None
    id: int
    espo: bool
    advoware: bool
    base_espo: bool | None
    base_advoware: bool | None
    marking: bool  # it is written to in any case

    @property
    def chosen(self) -> bool:
        """A person made it the main one in EspoCRM. Of an entry we have just put there, nobody did."""
        return self.espo and (self.base_espo is False or (self.base_espo is None and self.marking))

    @property
    def lost(self) -> bool:
        """A person made another one the main one in EspoCRM."""
        return not self.espo and self.base_espo is True

    @property
    def turned(self) -> bool:
        """A person switched it on or off in Advoware."""
        return self.advoware != bool(self.base_advoware)


def choose(
    choices: Sequence[Choice], entries: EntryList, newer: Side | None, *, first: bool
) -> tuple[Place | None, dict[int, bool]]:
    """EspoCRM's next main entry (None: as it is), and what `online` shall be in Advoware by id where it changes."""
    main = next((one for one in choices if one.espo), None)
    online = [one for one in choices if one.advoware]
    if first and all(one.base_espo is None for one in choices):
        return _first(main, online, entries, newer)
    by_espo = any(one.chosen or one.lost for one in choices)
    by_advoware = any(one.turned for one in choices) and bool(online) and main not in online
    if by_advoware and (not by_espo or entries.policy is Policy.ADVOWARE) and entries.direction.allows(Side.ESPO):
        turned = [one for one in online if one.turned] or online
        return min(turned, key=lambda one: one.id).where, {}
    if not by_espo or main is None or not entries.direction.allows(Side.ADVOWARE):
        return None, {}
    left = {one.id: False for one in online if one.lost and not one.turned}
    return None, left | ({} if main.advoware else {main.id: True})


def _first(
    main: Choice | None, online: Sequence[Choice], entries: EntryList, newer: Side | None
) -> tuple[Place | None, dict[int, bool]]:
    """Nobody knows who chose what: only an entry that is written to anyway is made the main one too."""
    if main is None or main in online:
        return None, {}
    winner = newer or (Side.ADVOWARE if entries.policy is Policy.ADVOWARE else Side.ESPO)
    if online and winner is Side.ADVOWARE and entries.direction.allows(Side.ESPO):
        return online[0].where, {}
    return None, {main.id: True} if main.marking and entries.direction.allows(Side.ADVOWARE) else {}

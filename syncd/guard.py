"""The brakes: when many records seem to have been edited, deleted or asked for at once. Pure.

A mass of edits is more often a broken filter, a restored backup or an import than a hundred
clerks. A guard only stops; a person lets exactly the stopped records through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mappers.spec import Side

HOUR = 3600.0
DAY = 86400.0
WENT_BACK_RUN = 3
ANSWER_LIFE = 2 * DAY  # how long "this side is right" holds for records of the same backup that are found later


@dataclass(frozen=True, slots=True)
class Limits:
    """Configured limits; 0 switches a guard off. Percentages are of the records checked."""

    delete_min: int = 10
    delete_percent: float = 5.0
    delete_run: int = 20
    create_per_hour: int = 200
    change_min: int = 500
    change_percent: float = 25.0


def too_many_missing(missing: int, checked: int, in_succession: int, limits: Limits) -> bool:
    """Within a day: too many records missing on one side, or too many in succession."""
    if 0 < limits.delete_run < in_succession:
        return True
    if limits.delete_percent == 0:
        return False
    return missing >= limits.delete_min and missing > checked * limits.delete_percent / 100


def too_many_creations(created: int, limits: Limits) -> bool:
    """Within an hour: as many creations as nobody could undo by hand in Advoware."""
    return 0 < limits.create_per_hour <= created


def too_many_changes(changed: int, checked: int, limits: Limits) -> bool:
    """Within an hour: the same field changed on one side in too large a part of the records."""
    if limits.change_min == 0 or limits.change_percent == 0:
        return False
    return changed >= limits.change_min and changed > checked * limits.change_percent / 100


def missing_kind(side: Side) -> str:
    return f"missing:{side}"


def change_kind(source: Side, field: str) -> str:
    return f"change:{source}:{field}"


def new_field_kind(field: str) -> str:
    return f"new_field:{field}"


def went_back_kind(side: Side | None) -> str:
    return f"went_back:{side or 'ledger'}"


WENT_BACK_KINDS: Mapping[str, Side | None] = {went_back_kind(side): side for side in (*Side, None)}


CREATE_KIND = "create:advoware"


@dataclass(frozen=True, slots=True)
class Told:
    """A guard in words: what was stopped, and what allowing it will do; and discarding, where that is an answer."""

    stopped: str
    allowing: str
    discarding: str | None = None

    def words(self) -> dict[str, str | None]:
        """As JSON."""
        return {"stopped": self.stopped, "allowing": self.allowing, "discarding": self.discarding}


def told(kind: str) -> Told:
    """What a person must know to decide about a guard of this kind."""
    what, _, about = kind.partition(":")
    match what:
        case "missing":
            gone = f"many records are missing in {about} all at once; none of them is marked as deleted"
            allowing = "believes that these are deleted: marked and told by a Task; nothing is deleted on either side"
            return Told(gone, allowing, "does not believe it: these are looked at again, one by one")
        case "create":
            flood = "so many Beteiligte were created within an hour that no more are sent to Advoware"
            excluding = "takes these records out of the sync; `syncd include` takes them back"
            return Told(flood, "creates these in Advoware, where nobody can delete them", excluding)
        case "change":
            source, _, name = about.partition(":")
            target = next(side for side in Side if side != source)
            return Told(
                f"the same field, {name}, was changed in {source} in very many records; it is not written to {target}",
                f"writes {name} of these records to {target}; `syncd undo --run` could take it back",
                f"gives these records the {name} from before back in {source}, where it is still as it was stopped",
            )
        case "new_field":
            differ = f"the field {about} was mapped later, and these records differ in it; all their other fields sync"
            return Told(differ, "lets the rules of a first sync decide; the values that lose are kept")
        case "went_back":
            back = f"these records are older in {about} than syncd remembers: a restored backup? They are not written"
            return Told(back, "needs --right SIDE, the side to believe, here and in records of this backup found later")
        case _:
            return Told(kind, "lets exactly these records through")

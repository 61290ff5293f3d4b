"""What happened to phones and e-mails though nobody wanted it: values, types, spellings, texts and whole entries.

For records somebody edited numbers of; all others must show no change at all, which demo_unasked sees. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.sandbox.demo_diary import SIDES, Did, Number, values
from syncd.sandbox.demo_numbers_check import OVERTAKES, Pair, acts, text_in_history
from syncd.sandbox.reachability import LISTS, marker, meaning, user_text
from syncd.sandbox.sandbox import ADVOWARE, ESPO

if TYPE_CHECKING:
    from syncd.sandbox.demo_check import End

FIXED = ("id", "betNr", "kommKz", "kommArt")
SAVED = ("rowId", "geaendertAm", "geaendertVon", "online")
"""What a write of `online` changes in an entry."""


@dataclass(frozen=True)
class Case:
    """One record whose numbers people edited: as it was, as it is, and what they did."""

    record: str
    acts: list[Number]
    old: Pair
    now: Pair

    @property
    def named(self) -> set[str | None]:
        """Every value somebody had to do with."""
        return {value for one in self.acts for value in (one.before, one.value)}

    def became(self, value: str | None) -> set[str | None]:
        """What people changed this value into, one after the other; itself included."""
        found = {value}
        for one in self.acts:
            if one.did is Did.CHANGED and one.before in found:
                found.add(one.value)
        return found


def find(end: End) -> Iterator[str]:
    """One line for each."""
    for record in end.records:
        pair, done = end.pair(record), acts(end, record)
        if pair is None or not done:
            continue
        before = end.before[ADVOWARE].get(str(pair[ADVOWARE]["betNr"]), {})
        case = Case(record, done, {ESPO: end.start[record], ADVOWARE: before}, pair)
        for line in (*_values(case), *_lines(case), *_entries(case), *_texts(end, case)):
            yield f"{record} {line}"


def _values(case: Case) -> Iterator[str]:
    typed = {one.value for one in case.acts}
    undone = {one.before for one in case.acts if one.did in OVERTAKES}
    for side in SIDES:
        was, is_now = values(side, case.old[side]), values(side, case.now[side])
        yield from (f"{value} appeared in {side}" for value in sorted(is_now - was - typed))
        yield from (f"{value} is gone from {side}" for value in sorted(was - is_now - undone))


def _lines(case: Case) -> Iterator[str]:
    """EspoCRM's lists: what nobody named is as it was, and a changed number keeps its type and its place."""
    for data, name in LISTS.items():
        now = {meaning(line[name]): line for line in case.now[ESPO][data]}
        for old in case.old[ESPO][data]:
            value = meaning(old[name])
            followed = [now[one] for one in case.became(value) if one in now]
            if value not in case.named and followed and _bare(followed[0]) != _bare(old):
                yield f"{old} in EspoCRM became {followed[0]}"
            elif not _chosen(case, Did.RETYPED, value) and any(one.get("type") != old.get("type") for one in followed):
                yield f"{old} in EspoCRM became {followed}: nobody chose another type"
            if old["primary"] and followed and not any(one["primary"] for one in followed) and not _moved(case, old):
                yield f"{value} is no longer the first in EspoCRM"


def _chosen(case: Case, did: Did, value: str | None) -> bool:
    """Somebody did this to the value or to what it became."""
    return any(one.did is did and one.value in case.became(value) for one in case.acts)


def _retyped(case: Case, value: str | None) -> bool:
    """Somebody chose another type for the value, for what it became, or for what became it."""
    before = any(one.did is Did.RETYPED and value in case.became(one.value) for one in case.acts)
    return before or _chosen(case, Did.RETYPED, value)


def _emptied_since(case: Case, entry: Mapping[str, Any]) -> bool:
    """It was made for a number somebody chose another type for, and emptied when that went: the text stayed."""
    return meaning(entry["tlf"]) is None and any(one.did is Did.RETYPED for one in case.acts)


def _moved(case: Case, line: Mapping[str, Any]) -> bool:
    """Somebody made another line the first of this list, or took this one out."""
    email = "emailAddress" in line
    after = case.became(meaning(line["emailAddress" if email else "phoneNumber"]))
    other = any(one.did is Did.PREFERRED and ("@" in str(one.value)) == email for one in case.acts)
    return other or any(one.did is Did.REMOVED and one.before in after for one in case.acts)


def _bare(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "primary"}


def _entries(case: Case) -> Iterator[str]:
    """Advoware's list: what nobody named is as it was to the last letter, everything else says what somebody typed."""
    old = {one["id"]: one for one in case.old[ADVOWARE].get("kommunikation", ())}
    now = {one["id"]: one for one in case.now[ADVOWARE]["kommunikation"]}
    struck = {one.entry for one in case.acts if one.did is Did.REMOVED}
    yield from (f"entry {number} is gone from Advoware" for number in sorted(old.keys() - now.keys() - struck))
    for number, one in now.items():
        before = old.get(number)
        if before is not None and before != one:
            yield from _entry(case, before, one)
        mark = marker(one["bemerkung"])
        if meaning(one["tlf"]) is None and number not in struck and (mark is None or mark.value is not None):
            yield f"entry {number} of Advoware was emptied by nobody and is no free slot"
        elif meaning(one["tlf"]) is not None and one["tlf"] not in _spellings(case, meaning(one["tlf"])):
            yield f"entry {number} of Advoware is spelled {one['tlf']!r}, nobody did that"
        if _only_there(case) and one["online"] != bool(before and before["online"]):
            yield f"online of entry {number} of Advoware became {one['online']}, nobody chose it in EspoCRM"


def _only_there(case: Case) -> bool:
    """Nobody in EspoCRM had to do with the numbers; in the story nobody in Advoware turns `online` on or off."""
    return all(one.side == ADVOWARE for one in case.acts)


def _entry(case: Case, old: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    changed = {name for name in now if now[name] != old.get(name)}
    touched = meaning(old["tlf"]) in case.named or old["id"] in {one.entry for one in case.acts}
    if "online" in changed and any(one.did is Did.PREFERRED for one in case.acts):
        changed -= set(SAVED)
    wrong = changed if not touched and meaning(old["tlf"]) is not None else changed & set(FIXED)
    if wrong:
        yield f"entry {old['id']} of Advoware was written: {', '.join(sorted(wrong))}"


def _spellings(case: Case, value: str | None) -> set[str | None]:
    """How people spelled a value: one that comes from Advoware is kept, also where it has to move to another entry."""
    wrote = (Did.ADDED, Did.CHANGED)
    removed = any(one.did is Did.REMOVED and one.before == value for one in case.acts)  # comes back from EspoCRM only
    typed = {one.raw for one in case.acts if one.value == value and (removed or one.did in wrote)}
    return typed | {one["tlf"] for one in case.old[ADVOWARE].get("kommunikation", ()) if meaning(one["tlf"]) == value}


def _texts(end: End, case: Case) -> Iterator[str]:
    """User text stays; only an entry that is used for another number starts without, and the history has the text."""
    old = {one["id"]: user_text(one["bemerkung"]) for one in case.old[ADVOWARE].get("kommunikation", ())}
    reused = any(one.side == ESPO and one.did in (*OVERTAKES, Did.RETYPED) for one in case.acts)
    for entry in case.now[ADVOWARE]["kommunikation"]:
        number, text = entry["id"], user_text(entry["bemerkung"])
        wanted = _typed_texts(case.acts, number) or [old.get(number, "")]
        if number not in old and (_retyped(case, meaning(entry["tlf"])) or _emptied_since(case, entry)):
            wanted += [*old.values(), *(one.text for one in case.acts)]  # a new entry of the same number takes it along
        moved = text == "" and reused and text_in_history(end, case.record, wanted[-1])
        if text not in wanted and not moved:
            yield f"text at entry {number} of Advoware: {wanted[-1]!r} became {text!r}"


def _typed_texts(done: Iterable[Number], entry: int) -> list[str]:
    """Texts people left at an entry; which of them is the last one `arrived` judges."""
    with_text = (Did.ADDED, Did.CHANGED, Did.NOTED)
    return [one.text for one in done if one.entry == entry and one.did in with_text]

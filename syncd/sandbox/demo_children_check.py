"""The judge of addresses and accounts in the demonstration: each value of a person against what both systems show.

Reads the diary, both dumps, the ledger's conflicts and the call log; shares no code with the engine. Pure.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from syncd.sandbox.demo_children import ACCOUNT, ADDRESS, CHANGEABLE, FIELDS, ChildEdit, meaning, rows, shown
from syncd.sandbox.sandbox import ADVOWARE, ESPO

if TYPE_CHECKING:
    from syncd.sandbox.demo_check import End

WINDOW_SECONDS = 1.0  # what was typed longer before a PUT of the list could have been read
COLUMNS = {ESPO: "espo", ADVOWARE: "advoware"}
KINDS = (ADDRESS, ACCOUNT)
LISTED = ("Adressen", "Bankverbindungen")  # what people of Advoware know the lists as
DONE = ("Completed", "Canceled")
NAMES = {kind: {name: there.lower() for name, there in FIELDS[kind].items()} for kind in KINDS}
"""attribute in EspoCRM -> the ledger's name of the field"""

Values = Mapping[str, str | None]
Cell = tuple[str, str | None]


def here(end: End, kind: str, parent: str) -> dict[str, Mapping[str, Any]]:
    """Living records of a parent in EspoCRM."""
    return {
        child: row
        for child, row in end.after[ESPO].get(kind, {}).items()
        if row["beteiligterId"] == parent and not row["deleted"]
    }


def tasks(end: End) -> dict[str, list[str]]:
    """Texts of Tasks about addresses and accounts that are not done, by the person they belong to."""
    found = defaultdict(list)
    for task in end.after[ESPO].get("Task", {}).values():
        text = str(task["description"] or "")
        if task["status"] not in DONE and any(f"→ {words}" in text for words in LISTED):
            found[str(task["parentId"])].append(text)
    return dict(found)


def lost(end: End) -> Iterator[tuple[ChildEdit, bool]]:
    """What somebody typed and neither both systems nor the ledger show; whether it fell into a window."""
    for number, one in enumerate(end.children):
        if not (_replaced(end, number, one) or _stands(end, one) or _kept(end, one)):
            yield one, _in_window(end, one)


def differing(end: End) -> Iterator[str]:
    """Records that are not clean, or say so though they differ, or differ and nobody has been told."""
    told = tasks(end)
    for parent, pair in _pairs(end):
        texts = told.get(parent, [])
        for kind in KINDS:
            there = [shown(kind, ADVOWARE, row) for row in rows(kind, pair[ADVOWARE])]
            for child, row in here(end, kind, parent).items():
                values = shown(kind, ESPO, row)
                if values in there:
                    there.remove(values)
                    if row["syncStatus"] != "clean" and not texts:
                        yield f"{kind} {child} is {row['syncStatus']}, and both sides say the same"
                    continue
                near = next((one for one in there if _told(values, one, texts)), None)
                if near is None or row["syncStatus"] != "conflict":
                    yield f"{kind} {child} is {row['syncStatus']} and differs from Advoware: {values}, {there}"
                else:
                    there.remove(near)
            left = [one for one in there if not _named(one, texts)]
            yield from (f"{kind} of {parent} is in Advoware only: {one}" for one in left)


def doubled(end: End) -> Iterator[str]:
    """The same twice under one person, Tasks that say the same twice, and records nobody entered."""
    for parent, pair in _pairs(end):
        for kind in KINDS:
            living = here(end, kind, parent)
            sides = {
                ESPO: [shown(kind, ESPO, row) for row in living.values()],
                ADVOWARE: [shown(kind, ADVOWARE, row) for row in rows(kind, pair[ADVOWARE])],
            }
            for side, found in sides.items():
                times = Counter(tuple(sorted((name, str(value)) for name, value in one.items())) for one in found)
                yield from (f"{kind} of {parent} is {n} times in {side}" for n in times.values() if n > 1)
            defaults = sum(one.get("standard") == "yes" for one in sides[ESPO])
            if kind == ADDRESS and living and defaults != 1:
                yield f"{parent} has {defaults} default addresses in EspoCRM"
    for parent, texts in tasks(end).items():
        yield from (
            f"{n} Tasks of {parent} say the same"
            for n in Counter(_without_key(text) for text in texts).values()
            if n > 1
        )


def unasked(end: End) -> Iterator[str]:
    """Values that nobody typed for a person's addresses or accounts and that were not there before."""
    for parent in end.start:
        betnr = int(end.betnr(parent) or 0)
        beteiligter = end.before[ADVOWARE].get(str(betnr), {})
        for kind in KINDS:
            known: set[Cell] = {(name, None) for name in FIELDS[kind]}
            known |= {(one.name, one.value) for one in end.children if (one.parent, one.kind) == (parent, kind)}
            old = {ESPO: _espo(end.before, kind, parent), ADVOWARE: _advoware(kind, beteiligter)}
            known |= {cell for bodies in old.values() for body in bodies.values() for cell in body.items()}
            new = {ESPO: _espo(end.after, kind, parent), ADVOWARE: _advoware(kind, end.beteiligte.get(betnr))}
            touched = {(one.side, one.child, one.name) for one in end.children}
            changed = {one.name for one in end.children if (one.parent, one.kind) == (parent, kind)}
            for side, bodies in new.items():
                for child, body in bodies.items():
                    yield from _invented(side, kind, child, body, known)
                    was = old[side].get(child)
                    for name in body if was is not None else ():
                        same = was is None or was[name] == body[name]
                        if not same and (side, child, name) not in touched and name not in changed:
                            yield f"{side} {kind} {child} {name}: {was and was[name]!r} became {body[name]!r}"
                went_along = side == ADVOWARE and betnr in end.vanished
                gone = set() if went_along else old[side].keys() - bodies.keys() - end.dropped
                yield from (f"{side} {kind} {child} is gone" for child in gone)


def _invented(side: str, kind: str, child: str, body: Values, known: set[Cell]) -> Iterator[str]:
    for cell in body.items():
        if cell not in known:
            yield f"{side} {kind} {child} {cell[0]} = {cell[1]!r} was typed by nobody"


def _espo(dump: Mapping[str, Any], kind: str, parent: str) -> dict[str, Values]:
    found = dump[ESPO].get(kind, {})
    living = {child: row for child, row in found.items() if row["beteiligterId"] == parent and not row["deleted"]}
    return {child: shown(kind, ESPO, row) for child, row in living.items()}


def _advoware(kind: str, beteiligter: Mapping[str, Any] | None) -> dict[str, Values]:
    return {str(row["id"]): shown(kind, ADVOWARE, row) for row in rows(kind, beteiligter)}


def _pairs(end: End) -> Iterator[tuple[str, Mapping[str, Mapping[str, Any]]]]:
    for parent in end.records:
        pair = end.pair(parent)
        if pair is not None:
            yield parent, pair


def _told(one: Values, other: Values, texts: list[str]) -> bool:
    """Whether nothing differs but what the API cannot change, and a Task says of each what to type in Advoware."""
    apart = [name for name in one if one[name] != other[name]]
    asked = all(any(one[name] is None or f"„{one[name]}“" in text for text in texts) for name in apart)
    return asked and CHANGEABLE.isdisjoint(apart)


def _named(row: Values, texts: list[str]) -> bool:
    """Whether a Task tells of a row that no record stands for any more."""
    which = row.get("iban") or row.get("adresseStreet")
    return which is not None and any(which in text for text in texts)


def _without_key(text: str) -> str:
    """Every Task ends with a key of its own."""
    return re.sub(r"\[syncd [^\]]*\]", "", text)


def _replaced(end: End, number: int, one: ChildEdit) -> bool:
    """Somebody who saw it typed something else over it, or put the record away."""
    if one.value is None or (one.side == ESPO and one.child in end.dropped):
        return True
    later = end.children[number + 1 :]
    return any((after.parent, after.kind, after.name, after.before) == (one.parent, one.kind, one.name, one.value)
               for after in later)  # fmt: skip


def _stands(end: End, one: ChildEdit) -> bool:
    """Both systems show it; or EspoCRM does, and a Task tells people to type it in Advoware."""
    pair = end.pair(one.parent)
    if pair is None:
        return True  # judged with the person's record
    living = here(end, one.kind, one.parent)
    holders = [child for child, row in living.items() if meaning(one.name, row[one.name]) == one.value]
    there = any(shown(one.kind, ADVOWARE, row)[one.name] == one.value for row in rows(one.kind, pair[ADVOWARE]))
    asked = any(f"„{one.value}“" in text for text in tasks(end).get(one.parent, ()))
    return bool(holders) and (there or asked)


def _kept(end: End, one: ChildEdit) -> bool:
    """The ledger has it."""
    field = NAMES[one.kind][one.name]
    held = [row for rows_ in end.rows.values() for row in rows_ if str(row["field"]) == field]
    return any(meaning(one.name, row[COLUMNS[one.side]]) == one.value for row in held)


def _in_window(end: End, one: ChildEdit) -> bool:
    """Typed in the instant in which the daemon wrote the same row: nothing can prevent that loss."""
    betnr = end.betnr(one.parent)
    paths = (f"/Beteiligte/{betnr}/Adressen/",) if one.side == ADVOWARE else (f"/{one.kind}/{one.child}",)
    return any(
        call.method in ("PUT", "PATCH") and 0 <= call.at - one.at <= WINDOW_SECONDS
        and any(path in call.path for path in paths)
        for call in end.calls
    )  # fmt: skip

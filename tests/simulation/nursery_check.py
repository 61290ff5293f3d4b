"""Judges addresses and accounts at the end of a simulated world: converged or told, nothing lost, doubled or mixed up.

Shares no code with the engine. Reads both systems' screens, and of the ledger which row is linked with which record,
what is kept and what waits for people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncd.ledger import imports, pairs, people
from syncd.model import Import
from syncd.sandbox.demo_children import ACCOUNT, ADDRESS, FIELDS, LISTS, ChildEdit, meaning, shown
from tests.simulation.nursery import Body, Nursery
from tests.simulation.witness import ADVOWARE, ESPO, YOUNG

ENTITIES = {ADDRESS: "adressen", ACCOUNT: "bankverbindungen"}
FIELD = {kind: {name: there.lower() for name, there in FIELDS[kind].items()} for kind in FIELDS}
"""attribute in EspoCRM -> the ledger's name of the field"""
LISTED = re.compile("→ (Adressen|Bankverbindungen)")
TASK_KEY = re.compile(r"\[syncd ([^\]]*)\]")
PARTED = {"iban", "move", "moved in", "remove", "drop"}
"""acts after which a record may be linked with another row than before"""


@dataclass(frozen=True)
class Known:
    """One record: what it says, its row in Advoware, and what waits for a person about it."""

    kind: str
    body: Body
    row: Body | None
    waiting: Mapping[str, Body]

    @property
    def status(self) -> str:
        """As EspoCRM shows it."""
        return str(self.body["syncStatus"])

    @property
    def values(self) -> dict[str, str | None]:
        """What it says in EspoCRM."""
        return shown(self.kind, ESPO, self.body)


async def judge(stage: Nursery) -> list[str]:
    """Everything that must not be with addresses and accounts."""
    if not stage.child_edits and not stage.done:
        return []
    reader = stage.world.reader()
    rows = await reader.read(people.list_conflicts, [people.KEPT, people.SETTLED, *people.WAITING], None, 100_000)
    wrong: list[str] = []
    everything: list[Known] = []
    left = await _left(stage)
    for parent, _ in stage.persons:
        if parent is None or parent in stage.deleted:
            continue
        for kind in LISTS:
            there = stage.listed(ADVOWARE, parent, kind)
            known = []
            for body in stage.listed(ESPO, parent, kind):
                key = f"{ENTITIES[kind]}/{body['id']}"
                pair = await reader.read(pairs.get, key)
                linked = pair["advoware_id"] if pair is not None else None
                row = next((one for one in there if one["id"] == linked), None)
                waiting = {one["field"]: one for one in rows if one["key"] == key and one["state"] in people.WAITING}
                known.append(Known(kind, body, row, waiting))
            everything += known
            lines = [
                *(line for one in known for line in _one(stage, parent, one)),
                *_alone(stage, kind, known, [row for row in there if (kind, row["id"]) not in left]),
                *_doubles(stage, parent, kind, known, there),
            ]
            wrong += [f"{kind} of {parent}: {line}" for line in lines]
    kept = {(one["field"], one[side]) for one in rows for side in ("espo", "advoware") if isinstance(one[side], str)}
    kept |= {
        (FIELD[kind][name], value) for (kind, _), values in left.items() for name, value in values.items() if value
    }
    wrong += [f"lost: {one}" for one in _lost(stage, everything, kept)]
    wrong += _tasks(stage)
    return wrong


async def _left(stage: Nursery) -> dict[tuple[str, int], dict[str, str | None]]:
    """Rows of Advoware whose record was deleted in EspoCRM or has another row now, and a Task tells of it."""
    found = {}
    texts = open_texts(stage)
    reader = stage.world.reader()
    for betnr in stage.people.advoware.betnrs():
        for kind, listed in LISTS.items():
            for row in stage.people.advoware.see(betnr)[listed]:
                key = await reader.read(pairs.by_advoware_id, ENTITIES[kind], row["id"])
                record = None if key is None else key.partition("/")[2]
                retired = await reader.read(imports.get, ENTITIES[kind], row["id"])
                parted = record is not None and record not in stage.people.espo.ids(kind)
                parted = parted or (retired is not None and retired["state"] == Import.RETIRED)
                if parted and any(f"Beteiligter {betnr} → " in text for text in texts):
                    found[kind, int(row["id"])] = shown(kind, ADVOWARE, row)
    return found


def open_texts(stage: Nursery) -> list[str]:
    """What the Tasks about addresses and accounts say."""
    tasks = [task for task in stage.people.espo.all("Task") if task["status"] not in ("Completed", "Canceled")]
    return [text for text in (str(task["description"] or "") for task in tasks) if LISTED.search(text)]


def _one(stage: Nursery, parent: str, one: Known) -> Iterator[str]:
    """In sync, or somebody knows why not."""
    name, done = one.body["id"], stage.done.get(parent, [])
    betnr = stage.people.espo.see(parent)["betnr"]
    texts = [text for text in open_texts(stage) if f"Beteiligter {betnr} → " in text]
    if one.status == "deleted_in_advoware":
        if "remove" not in done:
            yield f"{name} is {one.status}, and nobody has removed it"
        return
    if one.status not in ("clean", "conflict"):
        yield f"{name} is {one.status}"
        return
    if one.status == "conflict" and not one.waiting and not texts:
        yield f"{name} is in conflict, and nobody is told why"
    if one.row is None:
        if one.status == "clean":
            yield f"{name} is clean, and has no row in Advoware"
        return
    there = shown(one.kind, ADVOWARE, one.row)
    apart = [field for field, value in one.values.items() if value != there[field]]
    for field in apart:
        if FIELD[one.kind][field] not in one.waiting:
            yield f"{name} {field} is {one.values[field]!r} and {there[field]!r}"
        elif one.waiting[FIELD[one.kind][field]]["kind"] == "by_hand" and not _named(one.values[field], texts):
            yield f"{name} {field} {one.values[field]!r} waits for a person, and no Task says so"
    if apart and one.status == "clean":
        yield f"{name} is clean and differs in {apart}"
    if not PARTED.intersection(done):
        yield from _mixed(stage, one)


def _named(value: str | None, texts: list[str]) -> bool:
    return any(f"„{value}“" in text or (value in (None, "yes")) for text in texts)


def _mixed(stage: Nursery, one: Known) -> Iterator[str]:
    """What was typed for another address or account than this one."""
    assert one.row is not None
    mine = {(ESPO, one.body["id"]), (ADVOWARE, str(one.row["id"]))}
    firsts = [stage.first_children.get(thing, {}) for thing in mine]
    for side, body in ((ESPO, one.body), (ADVOWARE, one.row)):
        for name, value in shown(one.kind, side, body).items():
            if value is None or name == "standard" or any(first.get(name) == value for first in firsts):
                continue
            typed = {(edit.side, edit.child) for edit in stage.child_edits if (edit.name, edit.value) == (name, value)}
            if mine.isdisjoint(typed):
                yield f"{body['id']} in {side} shows {name} {value!r}, typed for {sorted(typed) or 'nobody'}"


def _alone(stage: Nursery, kind: str, known: list[Known], there: list[Body]) -> Iterator[str]:
    """Rows that no record stands for: a person knows of each, or it says what another one says."""
    linked = [one.row["id"] for one in known if one.row is not None]
    asked = any("" in one.waiting for one in known)
    texts = open_texts(stage)
    seen = [_content(kind, row) for row in there if row["id"] in linked]
    for row in there:
        if row["id"] in linked or asked or _content(kind, row) in seen or not any(_content(kind, row)):
            continue
        values = shown(kind, ADVOWARE, row)
        which = values.get("iban") or values.get("adresseStreet") or values.get("adresseCity")
        if not any(str(which) in text for text in texts):
            yield f"{row['id']} is in Advoware only: {values}"


def _content(kind: str, row: Body) -> tuple[str | None, ...]:
    """What makes it the same thing: an address without its remark and dates, an account by IBAN and holder."""
    values = shown(kind, ADVOWARE, row)
    names = ("adresseStreet", "adressePostalCode", "adresseCity") if kind == ADDRESS else ("iban", "kontoinhaber")
    return tuple(values[name] for name in names)


def _doubles(stage: Nursery, parent: str, kind: str, known: list[Known], there: list[Body]) -> Iterator[str]:
    done = stage.done.get(parent, [])
    here = [tuple(one.values.values()) for one in known]
    rows = [tuple(shown(kind, ADVOWARE, row).values()) for row in there]
    for side, found in ((ESPO, here), (ADVOWARE, rows)):
        most = max(Counter(found).values(), default=0)
        if most > 1 and not {"twice", "moved in", "move"}.intersection(done):
            yield f"the same is {most} times in {side}"
    made = done.count("new" if kind == ADDRESS else "account") + done.count("twice") + done.count("moved in")
    if len(here) > 1 + made:
        yield f"{len(here)} in EspoCRM, {1 + made} were ever typed"
    if len(rows) > 1 + made + done.count("iban") + done.count("remove"):
        yield f"{len(rows)} in Advoware, {1 + made} were ever typed"
    if kind == ADDRESS and here:
        defaults = sum(bool(one.body["standard"]) for one in known if one.status != "deleted_in_advoware")
        if defaults > 1 or (not defaults and not PARTED.intersection(done)):
            yield f"{defaults} default addresses in EspoCRM"


def _lost(stage: Nursery, known: list[Known], kept: set[tuple[str, str]]) -> Iterator[ChildEdit]:
    """What nobody has replaced, and is neither shown on both sides nor kept nor told in a Task."""
    texts = open_texts(stage)
    for number, one in enumerate(stage.child_edits):
        if one.value is None or one.name == "standard" or _replaced(stage, number, one) or _put_away(stage, one):
            continue
        here = [each for each in known if each.kind == one.kind and each.values[one.name] == one.value]
        there = any(each.row and shown(one.kind, ADVOWARE, each.row)[one.name] == one.value for each in known
                    if each.kind == one.kind)  # fmt: skip
        told = any(each.waiting or each.status == "deleted_in_advoware" for each in here) or any(
            one.value in text for text in texts
        )
        if (here and (there or told)) or (there and told):
            continue
        if any(field == FIELD[one.kind][one.name] and meaning(one.name, value) == one.value for field, value in kept):
            continue
        if _in_window(stage, one):
            stage.windows += 1
            continue
        yield one


def _replaced(stage: Nursery, number: int, one: ChildEdit) -> bool:
    return any(
        (later.kind, later.name) == (one.kind, one.name)
        and (later.before == one.value or (later.side, later.child) == (one.side, one.child))
        for later in stage.child_edits[number + 1 :]
    )


def _put_away(stage: Nursery, one: ChildEdit) -> bool:
    """Somebody has deleted what it was typed into."""
    if one.side == ESPO:
        return one.child not in stage.people.espo.ids(one.kind)
    return one.child not in {str(row["id"]) for row in stage.listed(ADVOWARE, one.parent, one.kind)}


def _in_window(stage: Nursery, one: ChildEdit) -> bool:
    """Typed between a daemon's read and its write of the same row."""
    betnr = stage.people.espo.see(one.parent)["betnr"]
    path = f"/Beteiligte/{betnr}/Adressen/" if one.side == ADVOWARE else f"/{one.kind}/{one.child}"
    limit = YOUNG + 3 * stage.script.latency
    return any(
        call.method in ("PUT", "PATCH") and path in call.path and 0 <= call.at - one.at <= limit
        and (call.method == "PUT" or one.name in call.names)
        for call in stage.world.sandbox.log.calls
    )  # fmt: skip


def _tasks(stage: Nursery) -> Iterator[str]:
    """One Task per matter: the key in its text is its own, and no two say the same."""
    tasks = [str(task["description"] or "") for task in stage.people.espo.all("Task")]
    keys = Counter(found[1] for text in tasks if (found := TASK_KEY.search(text)))
    yield from (f"{times} Tasks have the key {key}" for key, times in keys.items() if times > 1)
    said = Counter(TASK_KEY.sub("", text) for text in open_texts(stage))
    yield from (f"{times} open Tasks say the same: {text[:200]}" for text, times in said.items() if times > 1)

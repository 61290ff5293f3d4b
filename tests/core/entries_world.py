"""Both lists of phones and e-mails as plain rows: people type into them, jobs carry out plans, without any I/O.

EspoCRM drops extensions, keeps a value once, takes lists whole, shows the primary entry first and
refuses what is no number or address. Advoware reads a kommKz back as 0, never changes or deletes an
entry, and may cut remarks. A job may die after any write.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import pytest

from mappers import kommunikation
from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import COPIES, KOMMUNIKATION, LIMIT, MAILS, PHONES, VALUES
from mappers.spec import AdvowareEntry, Canonical, Entity, EspoEntry, Policy, Side
from syncd.agreement import after_patch, after_write
from syncd.fields import plan_fields
from syncd.model import (
    ADD,
    CHANGE,
    Action,
    Agree,
    Ask,
    Base,
    Dispute,
    EntryWrite,
    FieldWrite,
    Intent,
    IntentState,
    Keep,
    Memory,
    PairState,
    Present,
    Quarantine,
    Settle,
    Status,
    Trust,
    Update,
    Version,
    WriteEntry,
)
from syncd.pairing import Place, in_question, known_kinds
from syncd.remarks import cut_text
from syncd.scribe import with_bases
from tests.core.situation import ADVOWARE_READ, ESPO_READ, ID, KEY, MORNING, POLICY, US_IN_ESPO

MAX_PLANS = 60
MAX_JOBS = 6

NAME = Base("Meier", "Meier", BETEILIGTE.fields[0].rule)  # the one field both sides have

Row = dict[str, Any]
Waiting = Dispute | Ask | Quarantine

_NUMBER = re.compile(r"\+\d{6,15}")
_ADDRESS = re.compile(r"[a-z0-9._+-]+@[a-z0-9.-]+\.[a-z]{2,}", re.IGNORECASE)


def entity(policy: Policy = Policy.ESPOCRM) -> Entity:
    """A Beteiligter of whom nothing is kept the same but name and lists."""
    return replace(BETEILIGTE, fields=BETEILIGTE.fields[:1], lists=(replace(KOMMUNIKATION, policy=policy),))


@contextmanager
def remembered_numbers() -> Iterator[None]:
    """The library's answers about numbers are remembered: thousands of plans ask for the same few."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_phone", "_is_mobile"):
            patch.setattr(kommunikation, name, lru_cache(None)(getattr(kommunikation, name)))
        yield


@dataclass
class World:
    """One record on both sides, what the ledger remembers of it, and all that was written."""

    entity: Entity = field(default_factory=entity)
    memory: Memory = field(
        default_factory=lambda: Memory(
            KEY, PairState.LINKED, True, ID, Trust.CONFIRMED, True,
            {"name": NAME}, ESPO_READ, ADVOWARE_READ,
        )
    )  # fmt: skip
    lists: dict[str, list[Row]] = field(default_factory=lambda: {PHONES: [], MAILS: []})
    rows: dict[int, Row] = field(default_factory=dict)
    versions: dict[Side, Version] = field(default_factory=lambda: {Side.ESPO: ESPO_READ, Side.ADVOWARE: ADVOWARE_READ})
    status: Row = field(default_factory=lambda: {"syncStatus": "clean"})
    copies: bool = True  # Advoware shows convenience copies
    remark_max: int | None = None  # a longer remark is cut silently
    elsewhere: dict[Place, Row] = field(default_factory=dict)  # entries of EspoCRM as another known record holds them
    now: float = MORNING
    waiting: dict[str, Waiting] = field(default_factory=dict)
    kept: list[Keep] = field(default_factory=list)
    sent: list[EntryWrite] = field(default_factory=list)  # to Advoware, one by one
    patches: list[dict[str, list[Row]]] = field(default_factory=list)  # to EspoCRM
    numbers: int = 0
    tokens: int = 0

    def copy(self) -> World:
        """The same situation, to be led to another end."""
        return replace(
            self,
            lists={channel: [dict(row) for row in rows] for channel, rows in self.lists.items()},
            rows={number: dict(row) for number, row in self.rows.items()},
            versions=dict(self.versions),
            status=dict(self.status),
            waiting=dict(self.waiting),
            kept=[],
            sent=[],
            patches=[],
        )

    # --- what is seen -----------------------------------------------------------------------

    def espo(self) -> Present:
        body = {"lastName": "Meier", "betnr": ID, **self.status}
        body |= {channel: [dict(row) for row in rows] for channel, rows in self.lists.items()}
        return Present(body, self.versions[Side.ESPO])

    def advoware(self) -> Present:
        rows = [{**row, "kommKz": 0} for _, row in sorted(self.rows.items())]
        body: Row = {"betNr": ID, "name": "Meier", "rowId": self.versions[Side.ADVOWARE].token, "kommunikation": rows}
        if self.copies:
            body |= {name: self._copy_of(kind) for name, kind in COPIES.items()}
        return Present(body, self.versions[Side.ADVOWARE])

    def _copy_of(self, kind: int) -> str | None:
        shown = (row["tlf"] for _, row in sorted(self.rows.items()) if row["kommKz"] == kind and row["tlf"])
        return next((tlf for tlf in shown if ("@" in tlf) == (kind in kommunikation.MAIL_KINDS)), None)

    def here(self) -> dict[Place, EspoEntry]:
        """EspoCRM's entries by what makes them the same."""
        found = kommunikation.read_espo({**self.lists})
        return {(one.channel, one.form): one for entries in found.values() for one in entries}

    def there(self) -> dict[int, AdvowareEntry]:
        """Advoware's living entries as they can be known: their kinds are remembered, marked, copied or guessed."""
        found = KOMMUNIKATION.read_advoware(self.advoware().body, known_kinds(KOMMUNIKATION, self.memory))
        return {one.id: one for one in found or () if one.value is not None}

    def living(self) -> Counter[Place]:
        """How often Advoware says a value."""
        return Counter((one.channel, one.form) for one in self.there().values() if one.form is not None)

    def plan(self, memory: Memory | None = None) -> tuple[Action, ...]:
        memory = memory or self.memory
        espo, advoware = self.espo(), self.advoware()
        [entries] = self.entity.lists
        there = entries.read_advoware(advoware.body, known_kinds(entries, memory)) or ()
        asked = in_question(entries, memory, entries.read_espo(espo.body), there)
        memory = replace(memory, shared={where: self.elsewhere.get(where) for where in asked})
        return plan_fields(self.entity, memory, espo, advoware, POLICY)

    # --- what jobs do -----------------------------------------------------------------------

    def settle(self, deaths: Sequence[tuple[int, bool]] = ()) -> None:
        """Jobs until one comes to its end. `deaths`: after how many writes the first ones die, and whether the last
        of these was confirmed by then."""
        for writes, confirmed in deaths:
            if self.job(writes, confirmed=confirmed):
                break
        else:
            assert self.job(), "a job that nothing disturbs comes to its end"

    def job(self, dies_after: int | None = None, *, confirmed: bool = True) -> bool:
        """Plan and write until nothing is left to do; False where it died before."""
        memory, writes = replace(self.memory, base_at_start=self.memory.base), 0
        for _ in range(MAX_PLANS):
            actions = self.plan(memory)
            entry = next((action.entry for action in actions if isinstance(action, WriteEntry)), None)
            update = next((action for action in actions if isinstance(action, Update)), None)
            if entry is None and (update is None or not update.lists):
                self._end(memory, actions, actions)
                return True
            if writes == dies_after:
                return False
            writes += 1
            last = writes == dies_after and not confirmed
            told = {name: base for name, base in _agreed(actions).items() if base is not None}
            memory = replace(memory, base={**memory.base, **told})
            self._store(told)
            if entry is not None:
                self._keep(actions, {entry.name}, Side.ADVOWARE)
                memory = self._write(memory, entry, last=last)
                continue
            assert update is not None
            assert update.side is Side.ESPO
            assert not update.writes
            self._keep(actions, {write.name for write in update.entries}, Side.ESPO)
            before = self.espo()
            refused = self._patch(update)
            if refused is not None:
                memory = _refuse(memory, Side.ESPO, refused)
                self.memory = _refuse(self.memory, Side.ESPO, refused)
                continue
            if last:
                self._leave_in_doubt(Side.ESPO, "update", *(write.as_field for write in update.entries))
                continue
            bases = after_patch(self.entity.lists[0], memory, before, self.advoware(), update.entries, self.espo())
            memory = with_bases(memory, bases)
            self._store(bases)
            then = self.plan(memory)
            if not update.partial and not any(
                isinstance(action, WriteEntry) or (isinstance(action, Update) and action.lists) for action in then
            ):
                self._end(memory, actions, then)
                return True
        raise AssertionError(f"still not at rest after {MAX_PLANS} plans: {self.plan(memory)}")

    def _end(self, memory: Memory, actions: Sequence[Action], then: Sequence[Action]) -> None:
        self.waiting = {action.field: action for action in actions if isinstance(action, Dispute | Ask | Quarantine)}
        [settle] = [action for action in actions if isinstance(action, Settle)]
        assert settle.status is (Status.CONFLICT if self.waiting else Status.CLEAN)
        self._store(_agreed(then))
        quarantine = {key: value for key, value in memory.quarantine.items() if key[1] in settle.open_fields}
        self.memory = replace(
            self.memory,
            quarantine=quarantine,
            intents=(),
            espo_version=self.versions[Side.ESPO],
            advoware_version=self.versions[Side.ADVOWARE],
        )
        self.status = {
            "syncStatus": str(settle.status),
            "advowareLastSync": "2026-09-21 10:00:00",
            "advowareRowId": self.versions[Side.ADVOWARE].token if settle.status is Status.CLEAN else None,
            "kommunikationHash": KOMMUNIKATION.fingerprint(self.advoware().body),
        }

    def _store(self, agreed: Mapping[str, Base | None]) -> None:
        base = {**self.memory.base, **agreed}
        self.memory = replace(self.memory, base={name: value for name, value in base.items() if value is not None})

    def _keep(self, actions: Sequence[Action], names: set[str], target: Side) -> None:
        for action in actions:
            if isinstance(action, Keep) and action.winner is target.other and action.field in names:
                self.kept += [action] if action not in self.kept else []

    # --- what the systems do ----------------------------------------------------------------

    def _write(self, memory: Memory, entry: EntryWrite, *, last: bool) -> Memory:
        """POST or PUT of one entry; `last`: nobody learns what came of it."""
        assert set(entry.body) == {"tlf", "bemerkung", "online"} | ({"kommKz"} if entry.id is None else set())
        self.sent.append(entry)
        number = entry.id
        if number is None:
            number = self._number()
            self.rows[number] = {"id": number, "kommKz": entry.body["kommKz"]}
        row = self.rows[number]
        row |= {**entry.body, "kommKz": row["kommKz"], "rowId": self._token()}
        row["bemerkung"] = row["bemerkung"][: self.remark_max]
        if last:
            self._leave_in_doubt(Side.ADVOWARE, ADD if entry.id is None else CHANGE, entry.as_field)
        if last:
            return memory
        name = KOMMUNIKATION.entry_name(number)
        found = KOMMUNIKATION.read_advoware(self.advoware().body, known_kinds(KOMMUNIKATION, memory)) or ()
        one = next((item for item in found if item.id == number), None)
        bases = {} if one is None else after_write(self.entity.lists[0], memory, entry, one, self.espo())
        memory = with_bases(memory, bases)
        self._store(bases)
        if one is not None and row["bemerkung"] != entry.body["bemerkung"]:
            memory = _refuse(memory, Side.ADVOWARE, (f"{name}.bemerkung", one.form))
            cut = replace(entry, name=name).as_field
            if cut_text(KOMMUNIKATION, one, cut) is not None:
                doubt = Intent(f"i{self.tokens}", Side.ADVOWARE, CHANGE, (cut,), self.now, IntentState.IN_DOUBT)
                memory = replace(memory, intents=(*memory.intents, doubt))
        return memory

    def _leave_in_doubt(self, side: Side, verb: str, *writes: FieldWrite) -> None:
        doubt = Intent(f"i{len(self.memory.intents)}", side, verb, writes, self.now, IntentState.IN_DOUBT)
        self.memory = replace(self.memory, intents=(*self.memory.intents, doubt))

    def _patch(self, update: Update) -> tuple[str, Canonical] | None:
        """EspoCRM replaces lists whole, or refuses them for one entry, which is returned."""
        for write in update.entries:
            if write.after is not None and not _takes(write.channel, write.after):
                return write.name, write.after
        self.patches.append({channel: [dict(row) for row in rows] for channel, rows in update.lists.items()})
        for channel, sent in update.lists.items():
            assert len(sent) <= max(LIMIT, len(self.lists[channel]))
            assert len({_key(channel, row) for row in sent}) == len(sent)
            assert sum(row["primary"] for row in sent) == bool(sent)
            self.put(channel, sent)
        self._saved(Side.ESPO, US_IN_ESPO)
        return None

    def put(self, channel: str, sent: Sequence[Row]) -> None:
        """EspoCRM's list after it was sent this one."""
        kept: dict[str, Row] = {}
        sent = [row for row in sent if row.get(VALUES[channel])]
        flagged = [index for index, row in enumerate(sent) if row.get("primary")] or [0]
        for index, row in enumerate(sent):
            kept[_key(channel, row)] = {**row, "primary": index == flagged[-1]}
        order = {_key(channel, row): index for index, row in enumerate(self.lists[channel])}
        keys = sorted(kept, key=lambda key: (not kept[key]["primary"], order.get(key, len(order))))
        self.lists[channel] = [_stored(channel, kept[key]) for key in keys]

    def _saved(self, side: Side, by: str) -> None:
        self.now += 60
        self.versions[side] = Version(f"{self.now}", None, self.now, by)

    def _number(self) -> int:
        self.numbers += 1  # of a deleted entry none is given twice
        return self.numbers

    def _token(self) -> str:
        self.tokens += 1
        return f"R{self.tokens}"

    # --- what people do ---------------------------------------------------------------------

    def save_espo(self, channel: str, sent: Sequence[Row]) -> None:
        """A person saves a list."""
        self.put(channel, sent)
        self._saved(Side.ESPO, "anna")
        self.status["syncStatus"] = "dirty"

    def type_in(self, kind: int, tlf: str, remark: str = "", *, online: bool = False) -> int:
        """A person adds an entry in Advoware."""
        number = self._number()
        row = {"id": number, "kommKz": kind, "tlf": tlf, "bemerkung": remark, "online": online}
        self.rows[number] = row | {"rowId": self._token()}
        return number

    def edit(self, number: int, **values: Any) -> None:
        """A person changes an entry in Advoware."""
        self.rows[number] |= {**values, "rowId": self._token()}

    def remove(self, number: int) -> None:
        """A person deletes an entry in Advoware, as only the program there can."""
        del self.rows[number]

    def lose_ledger(self) -> None:
        """All that was remembered is gone; the pair re-links by its id."""
        self.memory = Memory(KEY, PairState.LINKED, True, ID, Trust.CONFIRMED, True)


def phone(number: str, kind: str = "Office", *, primary: bool = False) -> Row:
    """A number as EspoCRM shows it."""
    return {"phoneNumber": number, "type": kind, "primary": primary, "optOut": False, "invalid": False}


def mail(address: str, *, primary: bool = False) -> Row:
    """An address as EspoCRM shows it."""
    flags = {"primary": primary, "optOut": False, "invalid": False}
    return {"emailAddress": address, "lower": address.lower(), **flags}


def _stored(channel: str, row: Row) -> Row:
    flags = {name: bool(row.get(name)) for name in ("primary", "optOut", "invalid")}
    given = str(row[VALUES[channel]])
    if channel == MAILS:
        return {"emailAddress": given, "lower": given.lower(), **flags}
    return {"phoneNumber": given.partition(";ext=")[0], "type": row.get("type") or "Mobile", **flags}


def _key(channel: str, row: Row) -> str:
    return str(row[VALUES[channel]]).partition(";ext=")[0].lower()


def _takes(channel: str, form: str) -> bool:
    return (_NUMBER if channel == PHONES else _ADDRESS).fullmatch(form) is not None


def _refuse(memory: Memory, side: Side, what: tuple[str, Canonical]) -> Memory:
    name, value = what
    return replace(memory, quarantine={**memory.quarantine, (side, name): value})


def _agreed(actions: Sequence[Action]) -> dict[str, Base | None]:
    agreed: dict[str, Base | None] = {}
    for action in actions:
        if isinstance(action, Agree):
            agreed |= dict.fromkeys(action.fields, NAME) | dict(action.entries)
    return agreed

"""Watches a simulated world from the outside: every value a person typed and every write a daemon made, in order.

Knows both systems' screens, and nothing of the engine. For each field of each record on each side it keeps the
versions it has had, and for each version whose edits it *knows of*: an edit replaces what the person who made it saw.
So edits of one field form an order, and whatever no later edit has replaced must be shown in the end or be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import Any

from syncd.sandbox import Sandbox
from syncd.sandbox.asgi import App, Receive, Scope, Send, flags
from syncd.sandbox.reachability import LISTS, living, meaning, user_text
from tests.simulation.process import Sending, sending

ESPO, ADVOWARE = "espocrm", "advoware"
FIELDS = {
    "name": ("lastName", "name"),
    "vorname": ("firstName", "vorname"),
    "rechtsform": ("rechtsform", "rechtsform"),
    "anrede": ("salutationName", "anrede"),
    "titel": ("titel", "titel"),
    "zusatz": ("zusatz", "zusatz"),
    "briefanrede": ("briefanrede", "bAnrede"),
    "geburtsdatum": ("geburtsdatum", "geburtsdatum"),
}
"""a field's name in the ledger -> its name on the screens of EspoCRM and Advoware"""
WHO = ("name", "vorname", "geburtsdatum")  # who somebody is
OURS = frozenset(
    (
        "betnr", "advowareLastSync", "advowareRowId", "kommunikationHash", "syncStatus", "syncErrorMessage",
        "syncRetryCount", "syncNextRetry", "syncAutoResetAt",
    )
)  # fmt: skip
STAMPS = frozenset(
    (
        "modifiedAt", "modifiedById", "modifiedByName", "versionNumber", "streamUpdatedAt", "name", "rowId",
        "geaendertAm", "geaendertVon", "phoneNumber", "emailAddress", "phoneNumberIsOptedOut", "phoneNumberIsInvalid",
        "emailAddressIsOptedOut", "emailAddressIsInvalid", "telGesch", "faxGesch", "mobil", "emailGesch", "email",
        "internet", "telPrivat", "faxPrivat", "autoTelefon", "ePost", "bea",
    )
)  # fmt: skip
"""what changes by itself with a write: stamps, and copies of what is in a list"""
CHILDREN = frozenset(
    ("adressen", "bankkverbindungen", "strasse", "plz", "ort", "land", "anschrift", "postfach")
)  # fmt: skip
"""the lists of addresses and accounts, and copies of what is in them"""
SALUTATIONS = {"Mr.": "Herr", "Ms.": "Frau", "Mrs.": "Frau"}
FORM = 5.0  # seconds a form has been open when it is saved: what a daemon wrote since, the clerk has not seen
MOMENT = 2.0  # seconds in which two times that are cut to seconds may be told apart by nobody who allows for one
YOUNG = 5.0  # seconds a read may be old when it is written over (sync.md §4)

LISTED = "lists"  # all numbers and texts, in what an old answer leaves out

Value = str | None
Cell = tuple[str, str, str]  # system, record, field


@dataclass(frozen=True)
class Edit:
    """One value a person typed, and the edits it replaces; `unseen` of them were shown too late to be surely seen."""

    id: int
    at: float
    who: str
    cell: Cell
    value: Value
    replaces: frozenset[int]
    unseen: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Version:
    """What a field said from then on, and which edits that knows of. `edit`: the one that typed it."""

    at: float
    order: int
    value: Value
    knows: frozenset[int]
    edit: int | None = None


@dataclass(frozen=True)
class Read:
    """A job's read. `unread`: what an old answer left out, by field, and since when the record has said that."""

    at: float
    by: Sending
    method: str
    unread: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Witness:
    """Everything that was seen. `wrong`: what must not be, one line each. `clobbered`: edits lost in a window.

    `hasty`: numbers taken away where a daemon had written them so late that the clerk has hardly seen them.
    """

    sandbox: Sandbox
    now: Callable[[], float]
    fence_of: Callable[[str], int | None]
    limit: float
    versions: dict[Cell, list[Version]] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    clobbered: dict[int, str] = field(default_factory=dict)
    choices: list[Edit] = field(default_factory=list)
    swept_values: set[Value] = field(default_factory=set)
    links: dict[str, set[int]] = field(default_factory=dict)
    creators: dict[int, str] = field(default_factory=dict)
    reads: dict[tuple[str, str, str], list[Read]] = field(default_factory=dict)
    logins: list[Sending] = field(default_factory=list)
    typed_numbers: list[tuple[float, int, str, str, frozenset[Value], frozenset[Value]]] = field(default_factory=list)
    typed_texts: list[tuple[float, str, str, str]] = field(default_factory=list)
    arrived_numbers: dict[tuple[str, str], dict[Value, float]] = field(default_factory=dict)
    hasty: set[Value] = field(default_factory=set)
    known_numbers: dict[tuple[str, str], set[Value]] = field(default_factory=dict)
    pauses: list[list[Any]] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)
    mistyped: dict[str, set[int]] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    backup: dict[Cell, Version] = field(default_factory=dict)
    cuts: dict[tuple[str, str], int] = field(default_factory=dict)
    healed: bool = False
    children: bool = False
    writes: int = 0
    order: int = 0

    # --- beginning --------------------------------------------------------------------------

    def begin(self) -> None:
        """Take in both systems as they are, and watch every request from now on."""
        for record in self.sandbox.people.espo.all():
            self._begin_record(ESPO, record["id"], record)
            if record["betnr"]:
                self.links.setdefault(record["id"], set()).add(record["betnr"])
        for one in self.sandbox.people.advoware.all():
            self._begin_record(ADVOWARE, str(one["betNr"]), one)
        for wire in (self.sandbox.espo_app, self.sandbox.advoware_app):
            wire.app = self._watched(wire.system, wire.app)

    def _begin_record(self, system: str, record: str, body: Mapping[str, Any]) -> None:
        for name in FIELDS:
            first = Version(self.now(), self.order, value_of(system, name, body), frozenset())
            self.versions[system, record, name] = [first]
        self.known_numbers[system, record] = set(numbers(system, body))

    # --- people -----------------------------------------------------------------------------

    def person(self, who: str, system: str, record: str, act: Callable[[], object]) -> None:
        """Let a person do something to a record, and note what changed."""
        before = self._seen(system, record)
        act()
        self.order += 1
        after = self._seen(system, record)
        for name in FIELDS:
            old, new = value_of(system, name, before), value_of(system, name, after)
            if old != new:
                self._typed(who, (system, record, name), new)
        gone, come = numbers(system, before) - numbers(system, after), numbers(system, after) - numbers(system, before)
        self.known_numbers.setdefault((system, record), set()).update(come)
        arrived = self.arrived_numbers.get((system, record), {})
        self.hasty |= {one for one in gone if arrived.get(one, 0.0) > self.now() - FORM}
        if gone or come:
            self.typed_numbers.append((self.now(), self.order, system, record, gone, come))
        self.typed_texts += [(self.now(), system, record, text) for text in texts(after) - texts(before)]

    def born(self, who: str, system: str, record: str) -> None:
        """A person has made a record."""
        self.order += 1
        body = self._seen(system, record)
        for name in FIELDS:
            self.versions[system, record, name] = [Version(self.now(), self.order, None, frozenset())]
            if value_of(system, name, body) is not None:
                self._typed(who, (system, record, name), value_of(system, name, body))
        self.known_numbers[system, record] = set(numbers(system, body))

    def chose(self, record: str, name: str, value: Value) -> None:
        """A person chose a value in a conflict. It counts once a daemon carries it out: it may come too late."""
        where = [(ESPO, record), *self._partners(ESPO, record)]
        seen = frozenset(one.id for one in self.edits if (*one.cell[:2],) in where and one.cell[2] == name)
        self.choices.append(Edit(-1, self.now(), "choice", (ESPO, record, name), value, seen))

    def paused(self, side: str | None) -> None:
        """From now on nothing is to be written, or nothing to `side`."""
        self.pauses.append([side, self.now(), float("inf")])

    def resumed(self, side: str | None) -> None:
        """Whoever paused this is no longer obeyed: who ends a pause ends a colleague's, too."""
        for pause in self.pauses:
            if pause[0] == side:
                pause[2] = min(pause[2], self.now())

    def forgotten(self) -> None:
        """The ledger is gone, and with it what people had paused and excluded."""
        for pause in self.pauses:
            pause[2] = min(pause[2], self.now())
        self.excluded.clear()

    def backed_up(self) -> None:
        """A backup of both systems was made."""
        self.backup = {cell: versions[-1] for cell, versions in self.versions.items() if versions}

    def went_back(self, system: str) -> None:
        """A system is as it was then. What was typed there since and had not travelled is gone by no daemon's fault.

        Nor is what it said within a moment after the last save the backup knows of: by times in seconds that is no
        later, so that the backup passes for an edit. Where EspoCRM counts versions it does not.
        """
        self.order += 1
        counts = system == ESPO and self.sandbox.espo.schema["CBeteiligte"].optimistic
        saved: dict[str, float] = {}
        for (_, record, _), then in self.backup.items():
            saved[record] = max(then.at, saved.get(record, 0.0))
        for cell, then in self.backup.items():
            if cell[0] == system:
                others = [self.versions[*one, cell[2]] for one in self._partners(system, cell[1])]
                there = frozenset[int]().union(*(versions[-1].knows for versions in others if versions))
                at_once = (one.knows for one in self.versions[cell] if one.at < saved[cell[1]] + MOMENT)
                unseen = frozenset[int]().union(*(() if counts else at_once))
                gone = self.versions[cell][-1].knows - then.knows - (there - unseen)
                self.clobbered.update(dict.fromkeys(gone, "gone with a restored backup"))
                self.versions[cell].append(replace(then, at=self.now(), order=self.order, edit=None))

    def _typed(self, who: str, cell: Cell, value: Value) -> None:
        shown = self.versions[cell]
        saw = shown[-1].knows
        surely = [one.knows for one in shown if one.edit is not None or one.at < self.now() - FORM]
        edit = Edit(len(self.edits), self.now(), who, cell, value, saw, saw - frozenset[int]().union(*surely))
        self.edits.append(edit)
        self.versions[cell].append(Version(self.now(), self.order, value, saw | {edit.id}, edit.id))

    # --- daemons ----------------------------------------------------------------------------

    def _watched(self, system: str, inner: App) -> App:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            path, method = scope["path"], scope["method"]
            record = record_in(system, path)
            if method == "GET":
                if record is not None:
                    self._read(system, record, method, self.left_out(system, record) if flags(scope).stale else {})
                await inner(scope, receive, send)
                return
            known = set(self._records(system)) if record is None else set()
            issued = self.sandbox.tokens.issued
            before = self._seen(system, record) if record is not None else {}
            await inner(scope, receive, send)
            self.order += 1
            if record is not None:
                self._wrote(system, record, method, before, self._seen(system, record))
                if system == ESPO:  # which answers a PATCH with the whole record
                    self._read(system, record, method)
                return
            if self.sandbox.tokens.issued > issued:
                self.logins.append(sending())
            for made in set(self._records(system)) - known:
                self._made(system, made)

        return app

    def _read(self, system: str, record: str, method: str, unread: Mapping[str, float] = {}) -> None:
        one = sending()
        self.reads.setdefault((one.job, system, record), []).append(Read(self.now(), one, method, unread))

    def left_out(self, system: str, record: str) -> dict[str, float]:
        """What an answer that shows the record before its last change leaves out, and since when that is there."""
        before: Any = self.sandbox.advoware.previous.get(int(record)) if system == ADVOWARE else None
        if system == ESPO:
            before = self.sandbox.espo.previous.get(("CBeteiligte", record))
        if before is None:
            return {}
        last = {name: self.versions[system, record, name][-1] for name in FIELDS}
        left_out = {name: one.at for name, one in last.items() if value_of(system, name, before.values) != one.value}
        typed = [(at, where, whose) for at, _, where, whose, *_ in self.typed_numbers]
        typed += [(at, where, whose) for at, where, whose, _ in self.typed_texts]
        lists = [at for at, where, whose in typed if (where, whose) == (system, record)]
        return left_out | ({LISTED: max(lists)} if lists else {})

    def _last_read(self, sender: Sending, system: str, record: str, listed: bool) -> Read | None:
        """The last read of the record by the job that sends, so far as the answer came.

        EspoCRM's answer to a PATCH is a read too, but none on which a list may be replaced.
        """
        reads = [one for one in self.reads.get((sender.job, system, record), ()) if one.by.heard is not None]
        fit = [one for one in reads if one.method == "GET" or not listed]
        return max(fit, key=lambda one: one.at, default=None)

    def _records(self, system: str) -> list[str]:
        people = self.sandbox.people
        return people.espo.ids() if system == ESPO else [str(number) for number in people.advoware.betnrs()]

    def _seen(self, system: str, record: str) -> dict[str, Any]:
        people = self.sandbox.people
        if system == ESPO:
            known = record in self.sandbox.espo.tables["CBeteiligte"].rows
            return people.espo.see(record) if known else {}
        return people.advoware.see(int(record)) if int(record) in self.sandbox.advoware.beteiligte else {}

    def _made(self, system: str, record: str) -> None:
        """A daemon created a record: only in Advoware, once, for the record it works on."""
        sender = sending()
        if system == ESPO:
            self._complain(f"a daemon created {record} in EspoCRM, which nobody asked for")
            return
        origin = sender.key.partition("/")[2]
        self._asked_not_to(system, f"{sender.process} POST {record}")
        if origin in self.unlinked:
            self._complain(f"{record} was created for {origin}, whose number somebody has cleared")
        for twin in self._twins(origin, record):
            self._complain(f"{record} was created for {origin}, though {twin} is the same person")
        others = [number for number, made_for in self.creators.items() if made_for == origin]
        if others:
            self._complain(f"{origin} was created in Advoware twice: {others[0]} and {record}")
        self.creators[int(record)] = origin
        self.links.setdefault(origin, set()).add(int(record))
        body = self._seen(system, record)
        for name in FIELDS:
            self.versions[system, record, name] = []
            self._copied((system, record, name), None, value_of(system, name, body))

    def _twins(self, origin: str, made: str) -> list[str]:
        """Beteiligte in no pair who have been the same person as a record for a while."""
        people = self.sandbox.people
        linked = {str(one["betnr"]) for one in people.espo.all()}
        known = [self.versions[ESPO, origin, name][-1] for name in WHO]
        found = []
        for betnr in self._records(ADVOWARE):
            there = [self.versions[ADVOWARE, betnr, name][-1] for name in WHO] if betnr not in linked | {made} else []
            old = all(one.at < self.now() - FORM for one in there)
            if (
                there
                and old
                and all(a.value is not None and a.value == b.value for a, b in zip(known, there, strict=True))
            ):
                found.append(betnr)
        return found

    def _met(self, origin: str, record: str) -> None:
        """A daemon may link a record that names nobody yet with the same person, and write there before it says so."""
        if self._seen(ESPO, origin).get("betnr") is None and self._is_same_person(origin, record):
            self.links.setdefault(origin, set()).add(int(record))

    def _is_same_person(self, origin: str, record: str) -> bool:
        here, there = (
            [self.versions[*one, name][-1].value for name in WHO] for one in ((ESPO, origin), (ADVOWARE, record))
        )
        return here == there and None not in here

    def _wrote(self, system: str, record: str, method: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        if before == after:
            return
        self.writes += 1
        sender = sending()
        where = f"{sender.process} {method} {system} {record}"
        if method == "DELETE" or not after:
            self._complain(f"{where}: deleted")
            return
        self._asked_not_to(system, where)
        if not sender.gave_up:
            fence = self.fence_of(sender.key)
            if fence is not None and fence != sender.fence:
                self._complain(f"{where}: written under fence {sender.fence}, which {fence} has followed")
        if system == ESPO and after["betnr"] and after["betnr"] != before["betnr"]:
            self.links.setdefault(record, set()).add(after["betnr"])
        if system == ADVOWARE and sender.key.startswith("beteiligte/"):
            self._met(sender.key.partition("/")[2], record)
        touched = [name for name in FIELDS if value_of(system, name, before) != value_of(system, name, after)]
        listed = numbers(system, before) != numbers(system, after)
        new = numbers(system, after) - numbers(system, before)
        self.arrived_numbers.setdefault((system, record), {}).update(dict.fromkeys(new, self.now()))
        read = self._last_read(sender, system, record, listed)
        read_at, unread = (read.at, read.unread) if read is not None else (None, {})
        if (touched or listed) and read_at is None:
            self._complain(f"{where}: written over without having been read")
        elif (touched or listed) and read_at is not None and sender.at - read_at > self.limit:
            self._complain(f"{where}: what was read {sender.at - read_at:.1f} s ago was written over")
        if (
            system == ADVOWARE
            and (touched or listed)
            and int(record) in self.mistyped.get(sender.key.partition("/")[2], ())
        ):
            self._complain(f"{where}: written for {sender.key}, which is linked with it by mistake")
        for name in touched:
            self._copied((system, record, name), unread.get(name, read_at), value_of(system, name, after))
        self._swept(system, record, unread.get(LISTED, read_at), before, after)
        for name in strange(system, before, after):
            if self.children and name in CHILDREN:  # judged row by row (`nursery_check.py`)
                continue
            self._complain(f"{where}: {name} was changed, which nobody asked for")

    def _asked_not_to(self, system: str, where: str) -> None:
        """A pause and an exclusion hold for every write; one may be on its way when a pause begins."""
        sender = sending()
        if sender.key in self.excluded:
            self._complain(f"{where}: written, and the record is excluded")
        for side, since, until in self.pauses:
            if side in (None, system) and since + self.limit < sender.at < until:
                self._complain(f"{where}: written, and writing is paused since {since:.3f}")

    def _copied(self, cell: Cell, read_at: float | None, value: Value) -> None:
        """A daemon wrote a field: it must say what the other side says or said, or what it said itself."""
        system, record, name = cell
        known = self.versions[cell]
        partners = [one for other in self._partners(system, record) for one in self.versions.get((*other, name), [])]
        sources = sorted((one for one in partners if self.kept_as(system, name, one.value) == value), key=_order)
        sources += self._chosen(cell, value)
        undone = list(takewhile(lambda one: one.edit is not None and _since(one, read_at), reversed(known)))
        if not sources:
            # What was read has been replaced since, by a person or a backup, and a whole object brings it back.
            since = any(_since(one, read_at) for one in known)
            sources = [one for one in known if one.value == value] if since else []
        for one in undone if undone and undone[0].value != value else ():
            assert one.edit is not None
            self._lost_in_window(system, one.edit, read_at)  # the last, and what it had replaced unread
        if not sources and value is not None:
            self._complain(f"{system} {record} {name} was given {value!r}, which nobody typed there")
            known.append(Version(self.now(), self.order, value, frozenset()))
            return
        if not sources and known:
            self._complain(f"{system} {record} {name} was emptied, which nobody asked for")
        knows = sources[-1].knows if sources else frozenset()
        known.append(Version(self.now(), self.order, value, knows))

    def kept_as(self, system: str, name: str, value: Value) -> Value:
        """What a system makes of a value it is sent now."""
        return value if self.healed else self.once_kept_as(system, name, value)

    def once_kept_as(self, system: str, name: str, value: Value) -> Value:
        """What a system made of a value while it was ill."""
        length = self.cuts.get((system, name))
        return value if value is None or length is None else value[:length].strip() or None

    def _chosen(self, cell: Cell, value: Value) -> list[Version]:
        """A person's choice that this write carries out, as the edit it is from now on."""
        records = {record for _, record in self._partners(*cell[:2])} | {cell[1]}
        found = [
            one for one in self.choices if (one.cell[1] in records, *one.cell[2:], one.value) == (True, cell[2], value)
        ]
        if not found:
            return []
        choice = replace(found[-1], id=len(self.edits))
        if found[-1].id < 0:
            self.choices[self.choices.index(found[-1])] = choice
            self.edits.append(choice)
        else:
            choice = found[-1]
        return [Version(choice.at, self.order, value, choice.replaces | {choice.id}, choice.id)]

    def _lost_in_window(self, system: str, edit: int, read_at: float | None) -> None:
        """A daemon wrote over an edit made after it had read."""
        if system == ESPO and self.sandbox.espo.schema["CBeteiligte"].optimistic:
            self._complain(f"{self.edits[edit]} was written over, though EspoCRM counts versions")
            return
        self.clobbered[edit] = f"read at {read_at:.3f}, written over at {self.now():.3f}"

    def typed_back(self, edit: Edit) -> bool:
        """Whether people only changed a field back and forth before it had travelled: then nothing was changed."""
        others = [self.versions.get((*one, edit.cell[2]), []) for one in self._partners(*edit.cell[:2])]
        arrived = frozenset[int]().union(*(one.knows for versions in others for one in versions))
        since = dropwhile(lambda one: one.edit != edit.id, reversed(self.versions[edit.cell]))
        known = (one for one in since if one.edit is None or one.edit in arrived)
        before = next((one for one in known if one.edit != edit.id), None)
        return edit.id not in arrived and before is not None and before.value == edit.value

    def _swept(
        self, system: str, record: str, read_at: float | None, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Numbers and texts people typed or removed after a daemon had read a list, and its write made undone."""
        if read_at is None:
            return
        for at, _, where, whose, gone, come in self.typed_numbers:
            if (where, whose) == (system, record) and at >= read_at:
                undone = (come & numbers(system, before) - numbers(system, after)) | (
                    gone & numbers(system, after) - numbers(system, before)
                )
                if undone:
                    self.swept_values |= gone | come
        since = {
            text for at, where, whose, text in self.typed_texts if (where, whose) == (system, record) and at >= read_at
        }
        self.swept_values |= (texts(before) - texts(after)) & since

    def _partners(self, system: str, record: str) -> Iterator[tuple[str, str]]:
        if system == ESPO:
            yield from ((ADVOWARE, str(number)) for number in self.links.get(record, ()))
        else:
            yield from ((ESPO, other) for other, numbers_ in self.links.items() if int(record) in numbers_)

    def _complain(self, line: str) -> None:
        self.wrong.append(f"{self.now():.3f} {line}")


def _since(version: Version, read_at: float | None) -> bool:
    """Whether a field says so only since it was read."""
    return read_at is not None and version.at >= read_at


def _order(version: Version) -> int:
    return version.order


def record_in(system: str, path: str) -> str | None:
    """The Beteiligter or CBeteiligte a path is about."""
    parts = path.strip("/").split("/")
    name = "CBeteiligte" if system == ESPO else "Beteiligte"
    if name in parts and len(parts) > parts.index(name) + 1:
        found = parts[parts.index(name) + 1]
        return found if system == ESPO or found.isdigit() else None
    return None


def value_of(system: str, name: str, body: Mapping[str, Any]) -> Value:
    """What a field says, in words common to both screens; blank and missing are None."""
    raw = str(body.get(FIELDS[name][system == ADVOWARE]) or "").strip()
    if name == "geburtsdatum":
        raw = raw[:10]
    if name == "anrede":
        raw = SALUTATIONS.get(raw, raw)
    return raw or None


def numbers(system: str, body: Mapping[str, Any]) -> frozenset[Value]:
    """All phones and e-mails of a record, by what they mean."""
    if system == ESPO:
        return frozenset(meaning(one[name]) for data, name in LISTS.items() for one in body.get(data) or ())
    return frozenset(meaning(one["tlf"]) for one in living(body))


def texts(body: Mapping[str, Any]) -> frozenset[str]:
    """All that people wrote beside the numbers of a Beteiligter."""
    return frozenset(user_text(one["bemerkung"]) for one in body.get("kommunikation", ())) - {""}


def strange(system: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Attributes that a daemon has no business to change, and did."""
    screens = {names[system == ADVOWARE] for names in FIELDS.values()}
    known = screens | STAMPS | (OURS | LISTS.keys() if system == ESPO else {"kommunikation"})
    return [name for name in after if name not in known and before.get(name) != after[name]]

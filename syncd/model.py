"""The values the engine thinks in: what was seen, what is remembered, what shall be done.

Frozen data only. Knows no clock, no I/O, no SQL and no entity by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from mappers.spec import Canonical, Child, Entity, Parsed, Raw, Side

NOTHING: Mapping[Any, Any] = MappingProxyType({})

ESPO_ID = re.compile(r"[A-Za-z0-9_-]{1,40}\Z")
NEW_FIELD, BY_HAND = "new_field", "by_hand"  # why a field waits for a person, besides its policy


class Status(StrEnum):
    """The eight values of EspoCRM's `syncStatus`."""

    PENDING_SYNC = "pending_sync"
    DIRTY = "dirty"
    SYNCING = "syncing"
    CLEAN = "clean"
    FAILED = "failed"
    PERMANENTLY_FAILED = "permanently_failed"
    CONFLICT = "conflict"
    DELETED_IN_ADVOWARE = "deleted_in_advoware"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Names one record to keep the same: the entity and EspoCRM's id."""

    entity: str
    espo_id: str

    def __str__(self) -> str:
        return f"{self.entity}/{self.espo_id}"

    @classmethod
    def parse(cls, text: str) -> Key:
        entity, _, espo_id = text.partition("/")
        return cls(entity, espo_id)

    @classmethod
    def of_parent(cls, child: Child, body: Mapping[str, Raw]) -> str:
        """Key, as text, of the record that EspoCRM shows a child to belong to; "": to none."""
        parent_id = body.get(child.espo)
        return str(cls(child.parent, parent_id)) if isinstance(parent_id, str) and parent_id else ""


class Import(StrEnum):
    """How far the way of a record from Advoware to EspoCRM is, from before it is sent."""

    SENT = "sent"
    DONE = "done"
    RETIRED = "retired"  # was a record's counterpart, and is left to a person


# --- what one side answered -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """A side's change tokens. `token` is opaque (rowId, modifiedAt); `changed_at` epoch seconds UTC if known."""

    token: str | None = None
    number: int | None = None
    changed_at: float | None = None
    changed_by: str | None = None

    def as_dict(self) -> dict[str, str | int | float | None]:
        """For the ledger: `Version(**stored)` makes it again."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Present:
    """The record exists and was read whole. `read_at` is monotonic seconds, `served_at` the server's own clock.

    `direct`: no other remote write lies between this read and now.
    """

    body: Mapping[str, Raw]
    version: Version
    read_at: float = 0.0
    served_at: float | None = None
    direct: bool = True
    siblings: tuple[Mapping[str, Raw], ...] = ()  # of a row of a list: all rows of that list, itself included
    known: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)  # worked out of the body

    def values(self, entity: Entity, side: Side) -> tuple[Parsed, ...]:
        """What the body says in each of the entity's fields."""
        name = (entity, side is Side.ESPO)
        known: tuple[Parsed, ...] | None = self.known.get(name)
        if known is None:
            known = self.known[name] = entity.parsed(side, self.body)
        return known

    def indirect(self) -> Present:
        """The same, now that another remote write has been made since."""
        later = replace(self, direct=False)
        later.known.update(self.known)
        return later


@dataclass(frozen=True, slots=True)
class Absent:
    """The system said for certain that there is no such record."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that could be believed; nothing may be written on either side."""

    reason: str


class Search(StrEnum):
    """How far the answer "nobody found" may be believed."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    WAIVED = "waived"  # the firm said: create without looking


@dataclass(frozen=True, slots=True)
class Found:
    """One row a search returned. `created_at` epoch seconds UTC where known; `taken` by a living pair."""

    advoware_id: int
    body: Mapping[str, Raw]
    created_at: float | None = None
    created_by: str | None = None
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Advoware was not asked for an id, since none is known; `found` are the rows a search returned.

    Of a record that belongs to another, `found` is the whole list there and `others` are the records EspoCRM has
    beside it that belong to nothing in Advoware yet.
    """

    found: tuple[Found, ...] = ()
    search: Search = Search.UNTRUSTED
    others: tuple[Mapping[str, Raw], ...] = ()


EspoSeen = Present | Absent | Unknown
AdvowareSeen = Present | Absent | Unknown | Unlinked


# --- what is remembered -----------------------------------------------------------------------


class PairState(StrEnum):
    """Life of a pair. LINKED pairs are living: their Advoware id belongs to nobody else."""

    NEW = "new"
    LINKED = "linked"
    GONE = "gone"  # confirmed missing in Advoware
    TOMBSTONE = "tombstone"  # confirmed deleted in EspoCRM
    EXCLUDED = "excluded"  # a person took the record out


class Trust(StrEnum):
    """Why two records are believed to be the same person."""

    OWN = "own"  # our POST made the second from the first
    CONFIRMED = "confirmed"  # identity compared, proven by rowId, or said by a person
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Base:
    """The raw values a field had on each side when both last agreed, and the mapping rule of that day."""

    espo: Raw
    advoware: Raw
    rule: str
    shared: str | None = None  # names a value that EspoCRM keeps once for all records that hold it


@dataclass(frozen=True, slots=True)
class FieldWrite:
    """One field to be set on one side: raw before, canonical after.

    Of an entry of a list also what is `sent`, and the `other` side's raw entry it shall agree with.
    """

    field: str
    before: Raw
    after: Canonical
    sent: Mapping[str, Raw] | None = None
    other: Raw = None


@dataclass(frozen=True, slots=True)
class EntryWrite:
    """One entry of a child list to be set on one side. `after` is what it shall mean, None: taken away.

    `before` is the side's raw entry as read, `other` the raw entry of the other side that it shall agree with.
    Towards Advoware `body` is sent, to the entry `id` or, without one, as a new entry; `kind` is its kind, if known.
    """

    name: str
    channel: str
    before: Raw
    after: Canonical
    other: Raw = None
    id: int | None = None
    body: Mapping[str, Raw] = field(default_factory=dict)
    kind: int = 0

    @property
    def as_field(self) -> FieldWrite:
        """The same for journal and history."""
        return FieldWrite(self.name, self.before, self.after, self.body or None, self.other if self.body else None)


ADD, CHANGE = "add", "change"  # verbs of writes to a child list of Advoware


class IntentState(StrEnum):
    OPEN = "open"  # journalled; the call may have been made
    IN_DOUBT = "in_doubt"  # sent, and nobody knows (yet) whether it was or will be applied
    DONE = "done"
    VOID = "void"  # certain that it was not applied


@dataclass(frozen=True, slots=True)
class Intent:
    """A remote write announced in the journal before it was made. `sent_at` epoch seconds."""

    id: str
    side: Side
    verb: str  # "create" | "update", and of an entry of a list ADD | CHANGE
    writes: tuple[FieldWrite, ...]
    sent_at: float
    state: IntentState
    nones: int = 0  # trusted searches since that found nobody
    repeatable: bool = False  # for a create: late enough that it cannot apply any more, and not found


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person chose for a field, valid while both sides still show what he saw.

    `undoes` is the change in the history that is taken back by it, `before` the raw entry of a list from then,
    `who` the person, as far as the way of asking tells. `here`: it is about EspoCRM's value alone.
    """

    conflict_id: str
    value: Canonical
    saw_espo: Canonical
    saw_advoware: Canonical
    undoes: int | None = None
    before: Raw = None
    who: str | None = None
    here: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What webhooks told of a record since the last job that looked, oldest first. Times in epoch seconds.

    `traces` are the raw entries of child lists that the history of the record names, `patched_at` is when
    we last wrote such a list to EspoCRM.
    """

    last_id: int
    arrived_at: float
    told: tuple[Mapping[str, Raw], ...]
    traces: tuple[Raw, ...] = ()
    patched_at: float | None = None


@dataclass(frozen=True, slots=True)
class Unborn:
    """A row of a child list of Advoware that EspoCRM has no record of: the entity's name, the row's id and content."""

    entity: str
    id: int
    row: Mapping[str, Raw]
    content: str

    @property
    def field(self) -> str:
        """The ledger's name of it, at its parent."""
        return f"{self.entity}:{self.id}"


@dataclass(frozen=True, slots=True)
class Brood:
    """What a look at the children of a record has found.

    `seen`: what the lists showed then. `unborn` are to be created in EspoCRM, but of entities in `unjudged`: there a
    record may be the same thing and has not been looked at yet. `put_off`: some are left for a later look, as writing
    them is paused. `stirred` are keys of children that have to be looked at, `over` keys and topics of messages whose
    matter is settled since the row is gone, `ended` the retired rows that are.
    """

    seen: str = ""
    unborn: tuple[Unborn, ...] = ()
    unjudged: frozenset[str] = frozenset()
    put_off: bool = False
    stirred: tuple[str, ...] = ()
    over: tuple[tuple[str, str], ...] = ()
    ended: tuple[tuple[str, int], ...] = ()


RECORD = ""  # stands for the record as a whole where fields are named


class LinkChoice(StrEnum):
    CREATE = "create"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What a person said about the counterpart: make a new one, or it is this Advoware id. `at` epoch seconds."""

    choice: LinkChoice
    advoware_id: int | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """All the ledger knows of a pair beyond the two sides; read once per job."""

    key: Key
    state: PairState = PairState.NEW
    admitted: bool = True
    advoware_id: int | None = None
    trust: Trust = Trust.UNCONFIRMED
    link_shown: bool = False  # EspoCRM has been seen carrying the id, so that a missing id was cleared
    base: Mapping[str, Base] = field(default_factory=dict)
    espo_version: Version = Version()
    advoware_version: Version = Version()
    unremembered: bool = False  # EspoCRM shows a sync this ledger has no memory of: it was restored
    went_back: tuple[Side | None, ...] = ()  # seen going back in time and not judged by a person yet; None: the ledger
    intents: tuple[Intent, ...] = ()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    link_decision: LinkDecision | None = None
    quarantine: Mapping[tuple[Side, str], Canonical] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)  # field -> why it waits for a person (`Dispute.why`…)
    rivals: tuple[str, ...] = ()  # keys of other living pairs that hold the id this record names
    misses: int = 0  # successive 404 of the counterpart
    miss_ripe: bool = False  # the last one is long enough ago to believe a second
    espo_deletion_confirmed: bool = False
    believe: Side | None = None  # after a restored backup a person said this side is right
    allow_new_fields: bool = False
    retries: int = 0
    evidence: Evidence | None = None
    base_at_start: Mapping[str, Base] | None = None  # as the job found it; None: as it is
    written_over: Mapping[Side, Version] = field(
        default_factory=dict
    )  # this job wrote: what the side's version was before that
    latest: Mapping[Side, Version] = field(default_factory=dict)  # the newest this job has seen of each side
    shared: Mapping[tuple[str, str], Raw] = field(
        default_factory=dict
    )  # (channel, form) -> EspoCRM's entry as another known record holds it; None: nobody else does
    one_by_one: frozenset[str] = frozenset()  # lists EspoCRM refused as a whole: their new entries go singly
    parent: str | None = None  # key of the record this one belongs to, as last known
    retired: frozenset[int] = frozenset()  # Advoware ids that were this record's once and are left to a person
    seen_there: str | None = None  # fingerprint of what Advoware showed when the record was last looked at
    brood: Brood | None = None  # what this job has found out about its children; None: nothing to ask, or not yet
    stuck: frozenset[str] = frozenset()  # targets whose write failed in this job; RECORD, or names of entries

    @property
    def met(self) -> bool:
        """Both sides have been made the same once; until then every field is at its first sync."""
        return bool(self.base) and self.advoware_version != Version()


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """Configuration the planner obeys. `clock_slack` seconds: closer time stamps do not decide who is newer."""

    our_espo_user: str | None = None
    our_advoware_user: str | None = None
    clock_slack: float = 2.0


# --- what shall be done -----------------------------------------------------------------------


class HoldReason(StrEnum):
    UNREADABLE = "unreadable"
    RIVAL = "rival"
    LINK_CLEARED = "link_cleared"
    LINK_DOUBTFUL = "link_doubtful"
    LINK_INVALID = "link_invalid"
    CANDIDATES = "candidates"
    SEARCH_UNTRUSTED = "search_untrusted"
    CREATE_IN_DOUBT = "create_in_doubt"  # time settles it: no status, looked at again soon
    WENT_BACK = "went_back"
    UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell a person; `code` selects the sentence, the rest fills it. Field names and ids only."""

    code: str
    fields: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Not ours to look after."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """EspoCRM says the record does not exist; believed only after a complete listing."""


@dataclass(frozen=True, slots=True)
class Bury:
    """Deleted in EspoCRM for certain: a tombstone, nothing is deleted in Advoware."""


@dataclass(frozen=True, slots=True)
class Missed:
    """The counterpart answered 404 for the first time; look again later."""


@dataclass(frozen=True, slots=True)
class Hold:
    """No field is written on either side; a person (or time) must settle it."""

    reason: HoldReason
    notice: Notice
    candidates: tuple[int, ...] = ()
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """These two belong together from now on. `restart` forgets a base that belonged to another counterpart."""

    advoware_id: int
    trust: Trust
    intent_id: str | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """POST a new Advoware record with these values."""

    writes: tuple[FieldWrite, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Set fields of the record on one side; on EspoCRM's also entries, whose `lists` are sent whole.

    `partial`: more entries of these lists follow once these have been taken.
    """

    side: Side
    writes: tuple[FieldWrite, ...]
    entries: tuple[EntryWrite, ...] = ()
    lists: Mapping[str, Raw] = field(default_factory=dict)
    partial: bool = False


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """Add or change one entry of a child list in Advoware."""

    list: str
    entry: EntryWrite


@dataclass(frozen=True, slots=True)
class Agree:
    """Both sides mean the same in these fields: they become the base. Of `entries` the raw values; None: forgotten."""

    fields: tuple[str, ...]
    entries: Mapping[str, Base | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Time settles these entries: nobody knows yet whether our POST of them was applied."""

    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A value that is about to be replaced is kept, with who wrote both and when."""

    field: str
    winner: Side
    espo: Canonical
    advoware: Canonical
    base: Canonical
    why: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two values between which only a person may choose."""

    field: str
    espo: Canonical
    advoware: Canonical
    base: Canonical
    why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A change Advoware's API cannot make: a person must type `value` there."""

    field: str
    value: Canonical
    present: Canonical


@dataclass(frozen=True, slots=True)
class Retire:
    """The record in Advoware is not this one's counterpart any more, and only a person can take it away there.

    `parent`: the record of EspoCRM this one belongs to from now on, where that has changed; "" for none.
    """

    advoware_id: int | None
    row: Mapping[str, Raw] = field(default_factory=dict)
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Bear:
    """Create the record of a child in EspoCRM that only Advoware has."""

    unborn: Unborn


@dataclass(frozen=True, slots=True)
class Quarantine:
    """`side` will not take this value of the field; it is shown and not tried again until it changes."""

    side: Side
    field: str
    value: Canonical
    reason: str


@dataclass(frozen=True, slots=True)
class Settle:
    """The status people shall see at the end; what waited for a person in other than `open_fields` is over."""

    status: Status
    notices: tuple[Notice, ...] = ()
    open_fields: tuple[str, ...] = ()


Action = (
    Ignore
    | Vanished
    | Bury
    | Missed
    | Hold
    | Link
    | Create
    | Update
    | WriteEntry
    | Agree
    | Wait
    | Keep
    | Dispute
    | Ask
    | Retire
    | Bear
    | Quarantine
    | Settle
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one plan is made of."""

    memory: Memory
    espo: EspoSeen
    advoware: AdvowareSeen = field(default_factory=Unlinked)

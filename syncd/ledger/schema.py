"""The ledger's tables. Times are epoch seconds UTC; raw values are JSON as the system sent them.

People's values live only in `bases`, `history`, `intents`, `conflicts`, `quarantine`, `deliveries`, `guarded` and
`staged`, and their names in `pairs`, to be found by; `syncd export` and `syncd erase` know them all by their `key`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# Compared byte by byte: what pages are cut by must not depend on a server's language.
BYTEWISE = String(200).with_variant(String(200, collation="C"), "postgresql")


def _of_part(name: str, *columns: str) -> Index:
    """An index of the records that take part."""
    part = text("admitted_by IS NOT NULL")
    return Index(name, *columns, sqlite_where=part, postgresql_where=part)


facts = Table(
    "facts",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", JSON, nullable=False),
    comment="What the ledger knows of itself: whose it is, first start, watermark, proven search.",
)

pairs = Table(
    "pairs",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("entity", String(30), nullable=False),
    Column("state", String(12), nullable=False, server_default="new"),
    Column("trust", String(12), nullable=False, server_default="unconfirmed"),
    Column("advoware_id", Integer),
    Column("parent", String(60)),
    Column("link_shown", Boolean, nullable=False, server_default=text("false")),
    Column("admitted_by", String(20)),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("claimed_until", Float, nullable=False, server_default="0"),
    Column("claimed_by", String(80)),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("status", String(24)),
    Column("owed", JSON(none_as_null=True)),
    Column("owed_tries", Integer, nullable=False, server_default="0"),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Float),
    Column("error", Text),
    Column("assignee", String(40)),
    Column("believe", String(10)),
    Column("link_decision", JSON(none_as_null=True)),
    Column("allow_new_fields", Boolean, nullable=False, server_default=text("false")),
    Column("espo_version", JSON, nullable=False, server_default="{}"),
    Column("advoware_version", JSON, nullable=False, server_default="{}"),
    Column("last_sync", String(19)),
    Column("espo_digest", String(32)),
    Column("advoware_digest", String(32)),
    Column("seen_token", String(40)),
    Column("settled_token", String(40)),
    Column("espo_read_at", Float),
    Column("checked_at", Float),
    Column("next_check_at", Float),
    Column("check_every", Float),
    Column("misses", Integer, nullable=False, server_default="0"),
    Column("missed_at", Float),
    Column("vanished_at", Float),
    Column("deletion_confirmed", Boolean, nullable=False, server_default=text("false")),
    Column("judged_delivery", Integer, nullable=False, server_default="0"),
    Column("title", String(200), nullable=False, server_default=""),
    Column("sought", BYTEWISE, nullable=False, server_default=""),
    Column("changed_at", Float, nullable=False, server_default="0"),
    _of_part("pairs_by_name", "sought", "key"),
    _of_part("pairs_by_status_and_name", "status", "sought", "key"),
    _of_part("pairs_by_change", "changed_at", "key", "sought"),
    _of_part("pairs_by_status_and_change", "status", "changed_at", "key", "sought"),
    _of_part("pairs_by_status_and_number", "status", "advoware_id", "key"),
    Index("pairs_number", "advoware_id", "key"),
    Index(
        "pairs_of_parent",
        "parent",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index(
        "pairs_round",
        "check_every",
        "next_check_at",
        sqlite_where=text("next_check_at IS NOT NULL"),
        postgresql_where=text("next_check_at IS NOT NULL"),
    ),
    Index("pairs_checked", "checked_at"),
    Index(
        "pairs_living",
        "entity",
        "advoware_id",
        unique=True,
        sqlite_where=text("state = 'linked'"),
        postgresql_where=text("state = 'linked'"),
    ),
    comment="One row per record that takes part: who it belongs to, its claim, its tokens, its tries.",
)

bases = Table(
    "bases",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("espo", JSON),
    Column("advoware", JSON),
    Column("rule", String(160), nullable=False),
    Column("shared", String(300)),
    Index("bases_shared", "shared"),
    comment="Per field, or entry of a child list, the raw value each side had when both last agreed.",
)

intents = Table(
    "intents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(60), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("side", String(10), nullable=False),
    Column("verb", String(10), nullable=False),
    Column("writes", JSON, nullable=False),
    Column("sent_at", Float, nullable=False),
    Column("state", String(10), nullable=False),
    Column("nones", Integer, nullable=False, server_default="0"),
    Column("name_key", String(32)),
    Index("intents_key", "key", "state"),
    Index("intents_sent", "verb", "sent_at"),
    Index(
        "intents_one_open",
        "key",
        "side",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index(
        "intents_one_name",
        "name_key",
        unique=True,
        sqlite_where=text("verb = 'create' AND state IN ('open', 'in_doubt')"),
        postgresql_where=text("verb = 'create' AND state IN ('open', 'in_doubt')"),
    ),
    comment="The journal: remote writes announced before they are made.",
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("key", String(60), nullable=False),
    Column("job", String(32), nullable=False),
    Column("run", String(12)),
    Column("side", String(10)),
    Column("field", String(60)),
    Column("before", JSON),
    Column("after", JSON),
    Column("why", String(60), nullable=False),
    Column("cause", String(16)),
    Column("who", String(80)),
    Index("history_key", "key", "at"),
    Index("history_at", "at"),
    Index("history_run", "run"),
    comment="What was done, field by field, with the value before.",
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("key", String(60), nullable=False),
    Column("field", String(60), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("state", String(10), nullable=False),
    Column("espo", JSON),
    Column("advoware", JSON),
    Column("base", JSON),
    Column("espo_by", String(60)),
    Column("advoware_by", String(60)),
    Column("espo_at", Float),
    Column("advoware_at", Float),
    Column("winner", String(10)),
    Column("candidates", JSON),
    Column("opened_at", Float, nullable=False),
    Column("settled_at", Float),
    Column("decision", JSON(none_as_null=True)),
    Index("conflicts_key", "key", "state"),
    Index("conflicts_state", "state", "opened_at"),
    comment="What waits for a person (open, decided) and values that lost to another (kept, settled).",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("side", String(10), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("value", JSON),
    Column("reason", String(200), nullable=False),
    Column("at", Float, nullable=False),
    comment="Values a side would not take; not tried again until they change.",
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("key", String(60), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("topic", String(120), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    Column("espo_id", String(40)),
    Column("due_at", Float, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Index("messages_due", "state", "due_at"),
    Index("messages_key", "key", "topic"),
    comment="Tasks and stream notes owed to people in EspoCRM.",
)

work = Table(
    "work",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("gen", Integer, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("due_at", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("held", String(60)),
    Column("run", String(12)),
    Index("work_due", "held", "lane", "due_at"),
    Index("work_run", "run"),
    comment="Which records may differ; the queue in Redis is only a copy of this.",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("key", String(60), nullable=False),
    Column("event", String(10), nullable=False),
    Column("body", JSON, nullable=False),
    Index("deliveries_key", "key", "at"),
    Index("deliveries_at", "at"),
    comment="Webhook events as they came, kept for a while as evidence of what was typed.",
)

guards = Table(
    "guards",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("state", String(10), nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("closed_at", Float),
    Column("detail", JSON, nullable=False),
    Index("guards_state", "state", "kind"),
    comment="Brakes that were pulled: a mass change, mass deletion, restored backup or flood of creations.",
)

guarded = Table(
    "guarded",
    metadata,
    Column("kind", String(60), primary_key=True),
    Column("key", String(60), primary_key=True),
    Column("guard_id", String(12), nullable=False),
    Column("allowed", Boolean, nullable=False, server_default=text("false")),
    Column("before", JSON),
    Column("after", JSON),
    comment="The records a guard has stopped, and whether a person let them through.",
)

sightings = Table(
    "sightings",
    metadata,
    Column("kind", String(60), primary_key=True),
    Column("key", String(60), primary_key=True),
    Column("at", Float, nullable=False),
    Index("sightings_at", "kind", "at"),
    comment="When a record was last seen missing, changed in a field, or gone back in time; what guards count.",
)

pauses = Table(
    "pauses",
    metadata,
    Column("scope", String(60), primary_key=True),
    Column("since", Float, nullable=False),
    Column("why", String(200), nullable=False),
    comment="What a person or a guard has stopped: all, an entity, or writing towards one side.",
)

asked = Table(
    "asked",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("who", String(80)),
    Column("what", String(20), nullable=False),
    Column("about", String(80)),
    Column("key", String(60)),
    Index("asked_key", "key", "at"),
    Index("asked_at", "at"),
    comment="What people asked for: decisions, undo, retry, pauses, guards; who, and when.",
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("detail", JSON, nullable=False),
    Index("runs_started", "started_at"),
    comment="What people set going for many records: backfill, import, undo, a pass; how far it has come.",
)

imports = Table(
    "imports",
    metadata,
    Column("entity", String(30), primary_key=True),
    Column("advoware_id", Integer, primary_key=True),
    Column("run", String(12), nullable=False),
    Column("state", String(10), nullable=False),
    Column("sent_at", Float, nullable=False),
    Column("key", String(60)),
    Column("parent", String(60)),
    comment="Records to be created in EspoCRM: announced before the call, so that none is made twice.",
)

staged = Table(
    "staged",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("at", Float, nullable=False),
    Column("actions", JSON, nullable=False),
    Column("to_espo", JSON, nullable=False),
    Column("to_advoware", JSON, nullable=False),
    Column("creates", Boolean, nullable=False),
    Column("asks", Boolean, nullable=False),
    comment="What a dry run would have done with a record: its last plan.",
)

tallies = Table(
    "tallies",
    metadata,
    Column("at", Integer, primary_key=True, autoincrement=False),
    Column("name", String(40), primary_key=True),
    Column("total", Integer, nullable=False),
    comment="What all daemons have counted, per five minutes: jobs by their end, calls, delays of people's edits.",
)

alarms = Table(
    "alarms",
    metadata,
    Column("cause", String(80), primary_key=True),
    Column("text", String(400), nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", Float, nullable=False),
    Column("gone_at", Float),
    Column("over_at", Float),
    Column("told_at", Float),
    Column("tell_at", Float),
    Column("tries", Integer, nullable=False),
    comment="What somebody must look at: raised once per cause, told once, and once more when it is over.",
)

secrets = Table(
    "webhook_secrets",
    metadata,
    Column("webhook_id", String(40), primary_key=True),
    Column("secret", String(80), nullable=False),
    Column("event", String(60), nullable=False),
    comment="Secrets of the webhooks this daemon registered, to check signatures with.",
)

"""The first ledger: all tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "bases",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("espo", sa.JSON(), nullable=True),
        sa.Column("advoware", sa.JSON(), nullable=True),
        sa.Column("rule", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("key", "field"),
        comment="Per field the raw value each side had when both last agreed.",
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("espo", sa.JSON(), nullable=True),
        sa.Column("advoware", sa.JSON(), nullable=True),
        sa.Column("base", sa.JSON(), nullable=True),
        sa.Column("espo_by", sa.String(length=60), nullable=True),
        sa.Column("advoware_by", sa.String(length=60), nullable=True),
        sa.Column("espo_at", sa.Float(), nullable=True),
        sa.Column("advoware_at", sa.Float(), nullable=True),
        sa.Column("winner", sa.String(length=10), nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=True),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.Column("decision", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="What waits for a person (open, decided) and values that lost to another (kept, settled).",
    )
    op.create_index("conflicts_key", "conflicts", ["key", "state"], unique=False)
    op.create_index("conflicts_state", "conflicts", ["state", "opened_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("event", sa.String(length=10), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Webhook events as they came, kept for a while as evidence of what was typed.",
    )
    op.create_index("deliveries_at", "deliveries", ["at"], unique=False)
    op.create_index("deliveries_key", "deliveries", ["key", "at"], unique=False)
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="What the ledger knows of itself: whose it is, first start, watermark, proven search.",
    )
    op.create_table(
        "guarded",
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("guard_id", sa.String(length=12), nullable=False),
        sa.Column("allowed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        comment="The records a guard has stopped, and whether a person let them through.",
    )
    op.create_table(
        "guards",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Brakes that were pulled: a mass change, mass deletion, restored backup or flood of creations.",
    )
    op.create_index("guards_state", "guards", ["state", "kind"], unique=False)
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=True),
        sa.Column("field", sa.String(length=60), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("why", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="What was done, field by field, with the value before.",
    )
    op.create_index("history_at", "history", ["at"], unique=False)
    op.create_index("history_key", "history", ["key", "at"], unique=False)
    op.create_table(
        "intents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("verb", sa.String(length=10), nullable=False),
        sa.Column("writes", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("nones", sa.Integer(), server_default="0", nullable=False),
        sa.Column("name_key", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="The journal: remote writes announced before they are made.",
    )
    op.create_index("intents_key", "intents", ["key", "state"], unique=False)
    op.create_index(
        "intents_one_name",
        "intents",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("verb = 'create' AND state IN ('open', 'in_doubt')"),
        postgresql_where=sa.text("verb = 'create' AND state IN ('open', 'in_doubt')"),
    )
    op.create_index(
        "intents_one_open",
        "intents",
        ["key", "side"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("intents_sent", "intents", ["verb", "sent_at"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("topic", sa.String(length=120), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("espo_id", sa.String(length=40), nullable=True),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="Tasks and stream notes owed to people in EspoCRM.",
    )
    op.create_index("messages_due", "messages", ["state", "due_at"], unique=False)
    op.create_index("messages_key", "messages", ["key", "topic"], unique=False)
    op.create_table(
        "pairs",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("entity", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="new", nullable=False),
        sa.Column("trust", sa.String(length=12), server_default="unconfirmed", nullable=False),
        sa.Column("advoware_id", sa.Integer(), nullable=True),
        sa.Column("link_shown", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("admitted_by", sa.String(length=20), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_until", sa.Float(), server_default="0", nullable=False),
        sa.Column("claimed_by", sa.String(length=80), nullable=True),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.String(length=24), nullable=True),
        sa.Column("owed", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("owed_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("assignee", sa.String(length=40), nullable=True),
        sa.Column("believe", sa.String(length=10), nullable=True),
        sa.Column("link_decision", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("allow_new_fields", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("espo_version", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("advoware_version", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("last_sync", sa.String(length=19), nullable=True),
        sa.Column("espo_digest", sa.String(length=32), nullable=True),
        sa.Column("advoware_digest", sa.String(length=32), nullable=True),
        sa.Column("seen_token", sa.String(length=40), nullable=True),
        sa.Column("settled_token", sa.String(length=40), nullable=True),
        sa.Column("espo_read_at", sa.Float(), nullable=True),
        sa.Column("checked_at", sa.Float(), nullable=True),
        sa.Column("next_check_at", sa.Float(), nullable=True),
        sa.Column("check_every", sa.Float(), nullable=True),
        sa.Column("misses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed_at", sa.Float(), nullable=True),
        sa.Column("vanished_at", sa.Float(), nullable=True),
        sa.Column("deletion_confirmed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="One row per record that takes part: who it belongs to, its claim, its tokens, its tries.",
    )
    op.create_index("pairs_checked", "pairs", ["checked_at"], unique=False)
    op.create_index(
        "pairs_living",
        "pairs",
        ["entity", "advoware_id"],
        unique=True,
        sqlite_where=sa.text("state = 'linked'"),
        postgresql_where=sa.text("state = 'linked'"),
    )
    op.create_index("pairs_next_check", "pairs", ["next_check_at"], unique=False)
    op.create_index("pairs_status", "pairs", ["entity", "status"], unique=False)
    op.create_table(
        "pauses",
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
        comment="What a person or a guard has stopped: all, an entity, or writing towards one side.",
    )
    op.create_table(
        "quarantine",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("field", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", "side", "field"),
        comment="Values a side would not take; not tried again until they change.",
    )
    op.create_table(
        "sightings",
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
        comment="When a record was last seen missing, changed in a field, or gone back in time; what guards count.",
    )
    op.create_index("sightings_at", "sightings", ["kind", "at"], unique=False)
    op.create_table(
        "webhook_secrets",
        sa.Column("webhook_id", sa.String(length=40), nullable=False),
        sa.Column("secret", sa.String(length=80), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id"),
        comment="Secrets of the webhooks this daemon registered, to check signatures with.",
    )
    op.create_table(
        "work",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("gen", sa.Integer(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("held", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("key"),
        comment="Which records may differ; the queue in Redis is only a copy of this.",
    )
    op.create_index("work_due", "work", ["held", "lane", "due_at"], unique=False)

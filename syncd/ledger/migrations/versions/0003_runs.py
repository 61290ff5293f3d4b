"""Runs, and what belongs to them: history and work, imports; what a dry run staged; alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of runs, imports, staged plans and alarms, and the run to history and work."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        comment="What people set going for many records: backfill, import, undo, a pass; how far it has come.",
    )
    op.create_index("runs_started", "runs", ["started_at"])
    op.create_table(
        "imports",
        sa.Column("entity", sa.String(length=30), nullable=False),
        sa.Column("advoware_id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("entity", "advoware_id"),
        comment="Beteiligte to be created in EspoCRM: announced before the call, so that none is made twice.",
    )
    op.create_table(
        "staged",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("to_espo", sa.JSON(), nullable=False),
        sa.Column("to_advoware", sa.JSON(), nullable=False),
        sa.Column("creates", sa.Boolean(), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        comment="What a dry run would have done with a record: its last plan.",
    )
    op.create_table(
        "alarms",
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("gone_at", sa.Float(), nullable=True),
        sa.Column("over_at", sa.Float(), nullable=True),
        sa.Column("told_at", sa.Float(), nullable=True),
        sa.Column("tell_at", sa.Float(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cause"),
        comment="What somebody must look at: raised once per cause, told once, and once more when it is over.",
    )
    op.add_column("history", sa.Column("run", sa.String(length=12), nullable=True))
    op.create_index("history_run", "history", ["run"])
    op.add_column("work", sa.Column("run", sa.String(length=12), nullable=True))
    op.create_index("work_run", "work", ["run"])

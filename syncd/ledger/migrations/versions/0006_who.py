"""Who asked for what, who wrote what was carried over, what set a job going, and what a guard has stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the log of requests, and the columns."""
    op.create_table(
        "asked",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=True),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("about", sa.String(length=80), nullable=True),
        sa.Column("key", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        comment="What people asked for: decisions, undo, retry, pauses, guards; who, and when.",
    )
    op.create_index("asked_key", "asked", ["key", "at"])
    op.create_index("asked_at", "asked", ["at"])
    op.add_column("history", sa.Column("cause", sa.String(length=16), nullable=True))
    op.add_column("history", sa.Column("who", sa.String(length=80), nullable=True))
    op.add_column("guarded", sa.Column("before", sa.JSON(), nullable=True))
    op.add_column("guarded", sa.Column("after", sa.JSON(), nullable=True))

"""What daemons count over time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of tallies."""
    op.create_table(
        "tallies",
        sa.Column("at", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", "name"),
        comment="What all daemons have counted, per five minutes: jobs by their end, calls, delays of people's edits.",
    )

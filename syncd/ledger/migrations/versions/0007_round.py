"""Who is looked at next in Advoware is found by the interval between two looks, and when the next one is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the index in the place of the one by time alone."""
    part = sa.text("next_check_at IS NOT NULL")
    columns = ["check_every", "next_check_at"]
    op.create_index("pairs_round", "pairs", columns, sqlite_where=part, postgresql_where=part)
    op.drop_index("pairs_next_check", "pairs")

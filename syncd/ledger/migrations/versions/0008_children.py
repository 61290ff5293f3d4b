"""Records that belong to others: whose they are, also of those that are on their way or left to a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the index."""
    op.add_column("pairs", sa.Column("parent", sa.String(length=60), nullable=True))
    part = sa.text("parent IS NOT NULL")
    op.add_column("imports", sa.Column("parent", sa.String(length=60), nullable=True))
    op.create_index("pairs_of_parent", "pairs", ["parent"], sqlite_where=part, postgresql_where=part)
    if op.get_bind().dialect.supports_comments:
        op.create_table_comment(
            "imports", "Records to be created in EspoCRM: announced before the call, so that none is made twice."
        )

"""Entries of child lists: which values EspoCRM shares between records, which webhooks were used as evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the name of a shared value to the bases, and how far webhooks have been judged to the pairs."""
    op.add_column("pairs", sa.Column("judged_delivery", sa.Integer(), server_default="0", nullable=False))
    op.add_column("bases", sa.Column("shared", sa.String(length=300), nullable=True))
    op.create_index("bases_shared", "bases", ["shared"])
    if op.get_bind().dialect.supports_comments:
        told = "Per field, or entry of a child list, the raw value each side had when both last agreed."
        op.create_table_comment("bases", told)

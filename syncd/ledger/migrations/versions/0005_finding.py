"""Records are found by name and sorted: the name of each, when it last changed, and indexes for both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncd.titles import LONGEST, folded

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 2000
NAMES = ("name", "vorname")


def upgrade() -> None:
    """Add the columns, fill in the names both sides agreed on, and make the indexes."""
    bytewise = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")
    op.add_column("pairs", sa.Column("title", sa.String(length=200), server_default="", nullable=False))
    op.add_column("pairs", sa.Column("sought", bytewise, server_default="", nullable=False))
    op.add_column("pairs", sa.Column("changed_at", sa.Float(), server_default="0", nullable=False))
    _fill(op.get_bind())
    part = sa.text("admitted_by IS NOT NULL")
    for name, columns in (
        ("pairs_by_name", ["sought", "key"]),
        ("pairs_by_status_and_name", ["status", "sought", "key"]),
        ("pairs_by_change", ["changed_at", "key", "sought"]),
        ("pairs_by_status_and_change", ["status", "changed_at", "key", "sought"]),
        ("pairs_by_status_and_number", ["status", "advoware_id", "key"]),
    ):
        op.create_index(name, "pairs", columns, sqlite_where=part, postgresql_where=part)
    op.create_index("pairs_number", "pairs", ["advoware_id", "key"])
    op.drop_index("pairs_status", "pairs")


def _fill(conn: sa.Connection) -> None:
    """The names as they were last the same on both sides; a job later brings them up to date."""
    pairs = sa.table("pairs", sa.column("key"), sa.column("title"), sa.column("sought"))
    bases = sa.table("bases", sa.column("key"), sa.column("field"), sa.column("espo", sa.JSON))
    filling = (
        sa.update(pairs)
        .where(pairs.c.key == sa.bindparam("of_key"))
        .values(title=sa.bindparam("of_title"), sought=sa.bindparam("of_sought"))
    )
    last = ""
    while True:
        keys = list(
            conn.execute(
                sa.select(pairs.c.key).where(pairs.c.key > last).order_by(pairs.c.key).limit(AT_ONCE)
            ).scalars()
        )
        if not keys:
            return
        last = keys[-1]
        known: dict[str, dict[str, str]] = {}
        of = (bases.c.key >= keys[0]) & (bases.c.key <= last) & bases.c.field.in_(NAMES)
        for row in conn.execute(sa.select(bases).where(of)):
            if isinstance(row.espo, str):
                known.setdefault(row.key, {})[row.field] = row.espo.strip()
        rows = [{"of_key": key, **_named([parts.get(name, "") for name in NAMES])} for key, parts in known.items()]
        if rows:
            conn.execute(filling, rows)


def _named(parts: list[str]) -> dict[str, str]:
    title = ", ".join(part for part in parts if part)[:LONGEST]
    return {"of_title": title, "of_sought": folded(" ".join(parts))[:LONGEST]}

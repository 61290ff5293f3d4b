"""What alembic runs for each command: migrates over the connection `syncd.ledger.upgrade` hands it."""

from __future__ import annotations

from alembic import context

from syncd.ledger.schema import metadata

handed = context.config.attributes
context.configure(
    connection=handed["connection"],
    target_metadata=metadata,
    # SQLite can do it too, as long as we and not the driver say when a transaction begins.
    transactional_ddl=True,
    on_version_apply=handed["on_version_apply"],
)
with context.begin_transaction():
    context.run_migrations()

"""Secrets of the webhooks this installation registered. Knows no address and no event's meaning."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from syncd.ledger.schema import secrets
from syncd.ledger.sql import upsert


def remember(conn: Connection, webhook_id: str, secret: str, event: str) -> None:
    """Keep a webhook's secret, to check its signatures with."""
    upsert(conn, secrets, [{"webhook_id": webhook_id, "secret": secret, "event": event}])


def forget(conn: Connection, webhook_id: str) -> None:
    """The webhook is no more."""
    conn.execute(delete(secrets).where(secrets.c.webhook_id == webhook_id))

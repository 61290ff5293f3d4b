"""The doors of `tests/doors`, for whoever tries to get in."""

from __future__ import annotations

from tests.doors.conftest import client, doors

__all__ = ["client", "doors"]

"""Statements handed to the driver answer, and fail, as SQLAlchemy's do."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from syncd.ledger import pairs, schema
from syncd.ledger.sql import Prepared, given
from syncd.ledger.store import Ledger
from syncd.ledger.trouble import LedgerUnavailable

ONE, OTHER = "beteiligte/e1", "beteiligte/e2"
P = schema.pairs
OF_KEY = select(P).where(P.c.key == given("of_key"), P.c.state == "linked")
SET = update(P).where(P.c.key == given("of_key"))


def _both_ways(conn: Connection) -> None:
    found = Prepared(OF_KEY).rows(conn, {"of_key": ONE})
    assert [tuple(row) for row in found] == [tuple(row) for row in conn.execute(OF_KEY, {"of_key": ONE})] != []
    row = dict(zip(P.c.keys(), found[0], strict=True))
    assert (row["espo_version"], row["owed"], row["link_shown"]) == ({"number": 3, "token": "ü"}, None, True)
    assert Prepared(OF_KEY).first(conn, {"of_key": OTHER}) is None


async def test_values_go_in_and_come_out_as_our_types(ledger: Ledger) -> None:
    await ledger.write(pairs.admit, [ONE, OTHER], "linked")
    values = {"state": "linked", "advoware_id": 7, "espo_version": {"number": 3, "token": "ü"}, "owed": None}
    assert await ledger.write(Prepared(SET).run, {"of_key": ONE, "link_shown": True, **values}) == 1
    assert await ledger.write(Prepared(SET).run, {"of_key": "beteiligte/nobody", **values}) == 0
    await ledger.read(_both_ways)


async def test_a_broken_constraint_is_told_as_ever_and_without_values(ledger: Ledger) -> None:
    await ledger.write(pairs.admit, [ONE, OTHER], "linked")
    living = {"state": "linked", "advoware_id": 7, "title": "Muster, Erika"}
    await ledger.write(Prepared(SET).run, {"of_key": ONE, **living})
    with pytest.raises(IntegrityError) as met:
        await ledger.write(Prepared(SET).run, {"of_key": OTHER, **living})
    if "sqlite" in str(type(met.value.orig)):
        assert "Muster" not in str(met.value)


async def test_a_table_that_is_not_there_is_told_as_ever(ledger: Ledger) -> None:
    def without_it(conn: Connection) -> None:
        schema.pauses.drop(conn)
        Prepared(select(schema.pauses)).rows(conn)

    with pytest.raises((LedgerUnavailable, ProgrammingError), match="pauses"):
        await ledger.write(without_it)


@pytest.mark.parametrize("state", ["linked", "it's", "", "%s", ":x", "ü"])
async def test_a_constant_is_what_it_says(ledger: Ledger, state: str) -> None:
    await ledger.write(pairs.admit, [ONE, OTHER], "linked")
    await ledger.write(pairs.change, ONE, {"state": state})
    asked = Prepared(select(P.c.key).where(P.c.state == state, P.c.key.in_([ONE, OTHER])))
    assert [row[0] for row in await ledger.read(asked.rows)] == [ONE]

"""What systems may answer in the worst case: refusals and nonsense that repeat everything they were sent."""

from __future__ import annotations

from syncd.sandbox.faults import Kind, Rule
from tests.secrecy.marks import ECHO

REFUSALS = [
    Rule(Kind.STATUS, status=status, text=ECHO, reason=reason)
    for status, reason in (
        (400, "Field validation failure; value Geheimname; field: lastName, type: Geheimname."),
        (403, "No access to Geheimname."),
        (404, "Record Geheimname does not exist."),
        (409, "Geheimname"),
        (409, "duplicate"),
        (409, "modified"),
        (422, None),
        (429, None),
        (500, "SQLSTATE: Geheimname"),
        (502, None),
        (503, None),
    )
]
TROUBLES = [
    *REFUSALS,
    Rule(Kind.STATUS, status=302, text=ECHO),
    Rule(Kind.STATUS_APPLIED, status=500, text=ECHO),
    Rule(Kind.STATUS, status=200, text=f"<html>{ECHO}</html>"),
    Rule(Kind.STATUS, status=200, text=ECHO[:-20]),
    Rule(Kind.STATUS, status=200, text='["Geheimname"]'),
    *(Rule(kind) for kind in (Kind.TRUNCATED, Kind.EMPTY, Kind.OFFLINE, Kind.HANG_UP_APPLIED, Kind.TIMEOUT_APPLIED)),
    Rule(Kind.REFUSE, field="lastName"),
    Rule(Kind.REFUSE, field="name"),
    Rule(Kind.REWRITE, field="lastName", length=3),
    Rule(Kind.REWRITE, field="name", length=3),
]

"""Why a job makes each of its calls, told from what went before it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.engine import Call


def reasons(calls: Sequence[Call]) -> list[str]:
    """One for each call of a job, in order."""
    return [_reason(calls[:number], call, calls[number + 1 :]) for number, call in enumerate(calls)]


def _reason(before: Sequence[Call], call: Call, after: Sequence[Call]) -> str:
    system, verb, route = call
    written = [one for one in before if one[1] != "GET"]
    listed = [one for one in before if one[0] == system and not one[2].endswith("{id}")]
    one_record = route.endswith("{id}")
    match (system, verb):
        case ("espocrm", "GET") if one_record:
            if any(one[:2] == ("espocrm", "PATCH") for one in after):
                return "read again: it is about to be written over" if written else "read"
            return "late look: did somebody type meanwhile?" if written else "read"
        case ("espocrm", "GET"):
            return "read what belongs to the record"
        case ("advoware", "GET") if one_record and written:
            return "read back: a 200 proves nothing"
        case ("advoware", "GET") if one_record and listed:
            return "somebody who is there for certain"
        case ("advoware", "GET") if not one_record:
            return "search for him: finding him proves that “nobody” is true" if listed else "search for the person"
        case ("advoware", "PUT"):
            return "the entry" if "Kommunikationen" in route else "the change"
        case ("advoware", "POST"):
            return "a new entry" if "Kommunikationen" in route else "the new Beteiligter"
        case ("espocrm", "PATCH"):
            if any(one[1] == "POST" for one in after):
                return "status `syncing`: people see that a number is coming"
            if any(one[1] == "PUT" for one in after):
                return "status `syncing`, as the job already takes more than 2 s"
            return "number and status" if any(one[1] == "POST" for one in before) else "values and status"
        case _:
            return "read"

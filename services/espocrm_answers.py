"""What EspoCRM's answers mean: the grade of an error, an object, a page of a list. Knows no field of ours.

Observed on EspoCRM 9.3. All texts of errors are built here from parts known to be harmless: the server's own
reason may quote a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from services.answer import Answer, Reply, common_failure
from services.errors import Denied, Duplicate, Missing, Modified, Outage, PeerError, Refused, Retryable
from services.http import Unauthorized

SIDE = "espocrm"
# More than 10 failed logins within 60 s lock the address out; the lock was seen to last 62 s.
LOCKED_OUT_SECONDS = 60.0
# With X-No-Total the body's `total` is -1 while more rows follow and -2 on the last page.
MORE_FOLLOW = -1
LAST_PAGE = -2


@dataclass(frozen=True)
class Page:
    """Rows of a list. `total`: a count, or MORE_FOLLOW / LAST_PAGE; `date`.

    The server's clock in epoch seconds.
    """

    rows: list[dict[str, Any]] = field(repr=False)
    total: int
    date: float | None
    last: bool


def read_any(answer: Answer) -> Any:
    """The parsed body, whatever it is."""
    return answer.json()


def read_object(answer: Answer) -> Reply:
    """The body as an object."""
    body = answer.json()
    if not isinstance(body, dict):
        raise answer.garbage("an object was expected")
    return Reply(body, answer.date)


def read_page(answer: Answer, max_size: int, offset: int) -> Page:
    """The body as a page of a list; one that lacks rows is an error."""
    body = answer.json()
    rows = body.get("list") if isinstance(body, dict) else None
    total = body.get("total") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not isinstance(total, int) or not all(isinstance(row, dict) for row in rows):
        raise answer.garbage("a list was expected")
    # A page that lost rows on its way would look like records that are gone.
    due = {MORE_FOLLOW: max_size, LAST_PAGE: 0}.get(total, min(max_size, max(0, total - offset)))
    if len(rows) < due:
        raise answer.garbage("the list is cut short")
    return Page(rows, total, answer.date, total == LAST_PAGE or (total >= 0 and offset + len(rows) >= total))


# The only texts of the server that are passed on: they name entities, fields and links, never values.
_HARMLESS = re.compile(
    r"No (?:read |create |edit |delete |stream )?access\.?"
    r"|Can't relate with non-existing record\. entity type: \w+, link: \w+\.?"
    r"|Max size should not exceed \d+\. Use offset and limit\."
    r"|Not existing attribute '\w+' in where\.|Unknown where item type '\w+'\."
    r"|Order by non-existing field '\w+'\.|Complex expressions are forbidden in where\."
    r"|Controller '\w+' does not exist\.|Entity type is (?:not available for Webhooks|forbidden)\."
    r"|Field does not exist\.|Name '\w+' is already used\.|Field '\w+' already exists in '\w+'\."
    r"|Invalid search params JSON\.|select should be array\."
    # the controllers with which an administrator sets EspoCRM up
    r"|Link(?: with name)? '\w+' already exists(?: in '\w+')?\.|(?:Field|Entity type name) '\w+' is not allowed\."
    r"|(?:Field|Entity(?: type)?) name should [a-z0-9, ]+\.|Type '\w+' (?:does not exist|is not creatable)\."
    r"|Entity type \w+ is not customizable\.|Entity `\w+` does not exist\.|Can't read field defs [\w.]+\."
)
# The whole text and the form of a rule's name are checked: a firm's own hooks may refuse in words of their own.
_INVALID = re.compile(
    r"Field validation failure;(?: entityType: \w+,)? "
    r"field: (?P<field>\w{1,100}), type: (?P<rule>[a-z][A-Za-z]{0,40})\.?",
    re.ASCII,
)
_NO_RECORD = re.compile(r"Record \S* ?(?:does not exist|not found)\.?")
_FIELD = re.compile(r"\w{1,100}", re.ASCII)
_RULE = re.compile(r"[a-z][A-Za-z]{0,40}")


def grade(answer: Answer, now: float) -> PeerError | None:
    """What an answer means; None for success. Raises Unauthorized for a 401."""
    status = answer.status
    if 200 <= status < 300:
        return None
    said = answer.headers.get("x-status-reason")
    harmless = said if said is not None and _HARMLESS.fullmatch(said) else None
    match status:
        case 401:
            raise Unauthorized
        case 403 if said is None:
            text = "this address is locked out after failed logins (403 without a reason)"
            return Outage(SIDE, text, status=403, retry_after=answer.retry_after(now) or LOCKED_OUT_SECONDS)
        case 403 | 405:
            return Denied(SIDE, harmless or "not allowed", status=status)
        case 404 | 410:
            certain = bool(said and _NO_RECORD.fullmatch(said))
            return Missing(SIDE, "no such record" if certain else "no such path", status=status, certain=certain)
        case 409:
            return _conflict(answer, said, harmless)
        case 500 if harmless is not None:
            return Retryable(SIDE, harmless, status=500, in_doubt=not answer.call.safe)
    common = common_failure(answer, now)
    return _refused(answer, said, harmless) if common is None else common


def _conflict(answer: Answer, said: str | None, harmless: str | None) -> PeerError:
    body = _quietly(answer)
    if said == "modified":
        version = body.get("versionNumber") if isinstance(body, dict) else None
        known = version if isinstance(version, int) else None
        return Modified(SIDE, "the record was changed meanwhile", status=409, version=known)
    if said == "duplicate":
        rows = body if isinstance(body, list) else []
        # EspoCRM may list one record twice.
        ids = dict.fromkeys(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))
        return Duplicate(SIDE, "records like it exist", status=409, ids=tuple(ids))
    return Retryable(SIDE, harmless or "a conflict on the server", status=409)


def _refused(answer: Answer, said: str | None, harmless: str | None) -> Refused:
    """The field and the rule stand in the header, or as data of the message to translate in the body."""
    found = _INVALID.fullmatch(said or "")
    name, rule = (found["field"], found["rule"]) if found else _named(_quietly(answer))
    text = harmless or ("a value was refused" if name is None else f"field {name} was refused ({rule})")
    return Refused(SIDE, text, status=answer.status, field=name, rule=rule)


def _named(body: Any) -> tuple[str | None, str | None]:
    message = body.get("messageTranslation") if isinstance(body, dict) else None
    if not isinstance(message, dict) or message.get("label") != "validationFailure":
        return None, None
    data = message.get("data")
    if not isinstance(data, dict):
        return None, None
    field, rule = str(data.get("field")), str(data.get("type"))
    return field if _FIELD.fullmatch(field) else None, rule if _RULE.fullmatch(rule) else None


def _quietly(answer: Answer) -> Any:
    try:
        return answer.json()
    except Retryable:
        return None

"""Tells people in EspoCRM what waits for them: posts owed Tasks and notes, closes what is over.

Never part of a job: a Task that cannot be posted delays no record. Every message carries its key
in the text and is searched for before it is posted, so that none is doubled by a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog

from services.errors import Denied, Missing, Outage, PeerError, Refused
from syncd import addresses, errands
from syncd.context import Context
from syncd.ledger import facts, pairs, people

log = structlog.get_logger()

BATCH = 20
FIRST_WAIT = 60.0  # seconds, doubled with each failure
LONGEST_WAIT = 3600.0
TAKEN = 2.0  # leases for which one daemon deals with a message, whatever its calls have to wait for
OPEN, DONE = "Not Started", "Completed"
CLOSED = (DONE, "Canceled")

_TITLES = {
    "waiting": ("Abgleich mit Advoware: bitte prüfen", "Sync with Advoware: please check"),
    "gone": ("In Advoware nicht mehr vorhanden", "No longer present in Advoware"),
    "deleted": ("In EspoCRM gelöscht, in Advoware noch da", "Deleted in EspoCRM, still in Advoware"),
    "retired": ("In Advoware zu entfernen", "To be removed in Advoware"),
}


async def deliver(context: Context) -> int:
    """Post and close what is due; returns how many messages were dealt with. A dry run posts nothing."""
    done = 0
    if context.settings.dry_run:
        return done
    for message in await context.ledger.read(people.owed_messages, context.clock.now(), BATCH):
        if message["key"].partition("/")[0] != context.entity.name:
            continue
        now = context.clock.now()
        until = now + TAKEN * context.settings.lease
        if not await context.ledger.write(people.take_message, message["id"], now, until):
            continue
        try:
            await _deal(context, message)
            done += 1
        except Outage as error:
            now = context.clock.now()
            if getattr(error, "in_doubt", False):  # it may still apply: it is looked for once it cannot any more
                await context.ledger.write(people.message_failed, message["id"], now + context.settings.doubt)
            else:
                await context.ledger.write(people.give_back_message, message["id"], now)
            return done
        except PeerError as error:
            wait = min(FIRST_WAIT * 2 ** message["tries"], LONGEST_WAIT)
            log.warning(
                "message.failed", side=error.side, reason=error.reason, topic=message["topic"].partition(":")[0]
            )
            await context.ledger.write(people.message_failed, message["id"], context.clock.now() + wait)
    return done


async def _deal(context: Context, message: Mapping[str, Any]) -> None:
    if message["state"] == "closing":
        await _close(context, message)
        return
    pair = await context.ledger.read(pairs.get, message["key"]) or {}
    parent = await context.ledger.read(pairs.get, pair["parent"]) if pair.get("parent") else None
    assignees = (message["body"].get("assignee"), pair.get("assignee"), (parent or {}).get("assignee"))
    assignee = next((one for one in assignees if one), None) or await _task_user(context)
    subject = _subject(context, message, pair)
    if message["kind"] == "task" and assignee:
        espo_id, body = await _task(context, message, assignee, subject)
        await context.ledger.write(people.message_done, message["id"], "posted", espo_id, body)
        return
    noted: str | None = None
    if subject is None:  # nobody to assign it to and no record to write it on: it is in the history and the status
        log.warning("message.undeliverable", message=message["id"])
    else:
        noted = await _note(context, message, subject)
    await context.ledger.write(people.message_done, message["id"], "posted", noted)


def _subject(context: Context, message: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, str] | None:
    """The record of EspoCRM that a message is shown at, None where it is gone; a child's is its parent."""
    entity, key = context.entity, message["key"]
    if entity.child is not None:
        if not pair.get("parent"):
            return None
        entity, key = context.kin[entity.child.parent], pair["parent"]
    elif message["body"].get("orphan"):
        return None
    return {"parentType": entity.espo_type, "parentId": key.partition("/")[2]}


async def _task_user(context: Context) -> str | None:
    """Id of the configured user for Tasks nobody is assigned to; a user name is looked up once."""
    named = context.settings.task_user
    if not named:
        return None
    fact = f"user:{named}"
    known: str | None = await context.ledger.read(facts.get, fact)
    if known is None:
        by_name = [{"type": "equals", "attribute": "userName", "value": named}]
        page = await context.espo.list("User", where=by_name, select=["id"], max_size=1)
        known = str(page.rows[0]["id"]) if page.rows else named
        await context.ledger.write(facts.put, fact, known)
    return known


async def _task(
    context: Context, message: Mapping[str, Any], assignee: str, subject: Mapping[str, str] | None
) -> tuple[str, Mapping[str, Any]]:
    """Post the Task, or bring it up to date; returns its id, and the message with the steps it shows now."""
    known = message["espo_id"] or await _find(context, "Task", "description", message["id"])
    body = message["body"]
    if known is not None:
        with suppress(Missing):  # a person deleted it, but what waits is still waiting: a new one
            return known, await _renewed(context, message, known)
    text, body = _text(context, message), errands.shown(body)
    german, english = _TITLES.get(message["topic"].partition(":")[0], _TITLES["waiting"])
    title = german if context.settings.language == "de" else english
    task = {
        "name": title,
        "status": OPEN,
        "priority": "High",
        "assignedUserId": assignee,
        "description": text,
        **(subject or {}),
    }
    return str((await context.espo.create("Task", task)).body["id"]), body


async def _renewed(context: Context, message: Mapping[str, Any], known: str) -> Mapping[str, Any]:
    """Say in a Task what has changed. One that a person has closed is opened again only for steps that are new."""
    body = message["body"]
    if not body.get("steps"):
        await context.espo.update("Task", known, {"description": _text(context, message)})
        return dict(body)
    task = (await context.espo.read("Task", known)).body
    closed = task.get("status") in CLOSED
    if closed:
        body = errands.dismissed(body)
        if not errands.left(body):
            return body
    changes = {"description": _text(context, {**message, "body": body}), **({"status": OPEN} if closed else {})}
    if any(task.get(name) != value for name, value in changes.items()):
        await context.espo.update("Task", known, changes)
    return errands.shown(body)


async def _note(context: Context, message: Mapping[str, Any], subject: Mapping[str, str]) -> str:
    known = message["espo_id"]
    if known is None:
        # A role may keep us from listing notes: then a crash at the wrong instant doubles one.
        with suppress(Denied, Missing, Refused):
            known = await _find(context, "Note", "post", message["id"])
    if known is not None:
        with suppress(Missing):  # a person deleted it, but what it tells has changed: a new one
            await context.espo.update("Note", known, {"post": _text(context, message)})
            return str(known)
    body = {"type": "Post", **subject, "post": _text(context, message)}
    return str((await context.espo.create("Note", body)).body["id"])


async def _find(context: Context, kind: str, attribute: str, message_id: str) -> str | None:
    page = await context.espo.list(
        kind,
        where=[{"type": "contains", "attribute": attribute, "value": _mark(message_id)}],
        select=["id"],
        max_size=1,
    )
    return str(page.rows[0]["id"]) if page.rows else None


async def _close(context: Context, message: Mapping[str, Any]) -> None:
    if message["kind"] == "task" and message["espo_id"]:
        with suppress(Missing):  # somebody deleted the Task: it is closed all the same
            await context.espo.update("Task", message["espo_id"], {"status": DONE})
    await context.ledger.write(people.message_done, message["id"], "closed", message["espo_id"])


def _text(context: Context, message: Mapping[str, Any]) -> str:
    """What is told, where to decide, and the message's key."""
    base = context.settings.public_url
    parts = [
        message["body"].get("text") or "",
        "\n".join(errands.lines(message["body"])),
        addresses.page(base, message["key"]) if base else "",
        _mark(message["id"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _mark(message_id: str) -> str:
    return f"[syncd {message_id}]"

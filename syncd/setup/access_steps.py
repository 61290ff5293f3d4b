"""What is lacking of role, API user, key and webhooks, and what only a person can set. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from syncd import webhooks
from syncd.setup import rights
from syncd.setup.entity_steps import Todo
from syncd.setup.have import Have, HaveRole
from syncd.setup.steps import GiveRole, Left, MakeRole, MakeUser, NewKey, Send, Step, Wishes, fail, warn
from syncd.setup.wanted import WantedEntity

ROLE = "syncd"


def steps(entities: Sequence[WantedEntity], have: Have, wishes: Wishes, wanted: Sequence[webhooks.Wanted]) -> Todo:
    """Role, user, key, webhooks, in the order in which they need each other."""
    needed = rights.needed(entities)
    if have.user is not None and have.user.type != "api":
        todo = "choose another name with --user: the daemon needs a user of its own, of type API"
        return [], [fail(f"user {wishes.user}", f"is a person or of another kind ({have.user.type})", todo)]
    lacking = have.user is None or not _allowed(have.user_roles, needed)
    role = _role(have.role, needed) if lacking else []
    user, findings = _user(have, wishes, lacking)
    hooks, more = _webhooks(have, wishes, wanted)
    return [*role, *user, *hooks], [*findings, *more]


# --- role and user ----------------------------------------------------------------------------


def _allowed(roles: Sequence[HaveRole], needed: rights.Rights) -> bool:
    together = rights.together(role.rights for role in roles)
    return not rights.lacking(together, needed) and any(role.assigns == "all" for role in roles)


def _role(role: HaveRole | None, needed: rights.Rights) -> list[Step]:
    if role is None:
        made = MakeRole({"name": ROLE, rights.ASSIGNMENT: "all", "data": needed})
        return [Step("role", ROLE, "none", f"made, with rights on {', '.join(needed)}", made)]
    body: dict[str, Any] = {}
    lacking = rights.lacking(role.rights, needed)
    if lacking:
        body["data"] = rights.completed(role.rights, needed)
    if role.assigns != "all":
        body[rights.ASSIGNMENT] = "all"
    if not body:
        return []
    said = [f"{scope} {' '.join(actions)}".strip() for scope, actions in lacking.items()]
    said += ["assignment"] if rights.ASSIGNMENT in body else []
    return [Step("role", role.name, "lacks rights", f"also {', '.join(said)}", Send("PUT", f"Role/{role.id}", body))]


def _user(have: Have, wishes: Wishes, needs_role: bool) -> Todo:
    user, role = have.user, have.role.id if have.role is not None else None
    if user is None:
        made = MakeUser(wishes.user, role)
        return [Step("API user", wishes.user, "none", "made, with the role and a key", made)], []
    done, findings = [], []
    if user.method != "ApiKey":
        todo = "set its authentication to API Key in EspoCRM, or choose another name with --user"
        findings.append(fail(f"user {wishes.user}", f"logs in by {user.method or 'something else'}", todo))
    if not user.active:
        send = Send("PUT", f"User/{user.id}", {"isActive": True})
        done.append(Step("API user", wishes.user, "switched off", "active", send))
    if needs_role and role not in user.roles:
        give = GiveRole(user.id, user.roles, role)
        done.append(Step("API user", wishes.user, "without the role", f"with the role {ROLE}", give))
    if wishes.new_key:
        will = "a new one; the old one is void at once"
        done.append(Step("API user", f"key of {wishes.user}", "may be in use", will, NewKey(user.id)))
    elif not user.key_works:
        todo = "set ESPOCRM_API_KEY, or make a new key with --new-key (the old one is void at once)"
        findings.append(warn(f"key of {wishes.user}", "no working one is known here", todo))
    return done, findings


# --- webhooks ---------------------------------------------------------------------------------


def _webhooks(have: Have, wishes: Wishes, wanted: Sequence[webhooks.Wanted]) -> Todo:
    if wishes.ledger:
        todo = "run `syncd webhooks register` as the daemon's user and with its settings"
        return [], [fail("webhooks", f"their secrets cannot be kept here: {wishes.ledger}", todo)]
    if have.user is not None and not have.user.key_works and not wishes.new_key:
        todo = "set ESPOCRM_API_KEY and run this again: they belong to the API user"
        verdicts = webhooks.judge(wanted, have.webhooks, wishes.url)
        return [], [fail(f"webhook {one.event}", one.wrong, todo) for one in verdicts if one.wrong]
    done = [
        Step("webhook", one.event, "none" if one.id is None else "not as needed", _said(one, wishes.url), one)
        for one in webhooks.mending(wanted, have.webhooks, wishes.url)
    ]
    return done, []


def _said(one: webhooks.Mending, url: str) -> str:
    return f"{one.text} at {url}" if one.id is None else one.text


# --- what no API can set ----------------------------------------------------------------------


def by_hand(have: Have, wishes: Wishes, now_text: str) -> tuple[list[str], list[Left]]:
    """Lines about what an administrator sets in EspoCRM itself, and findings where something is wrong with it.

    `now_text`: the present as EspoCRM writes times, for judging whether its cron runs.
    """
    lines = []
    if internal(wishes.url):
        lines.append(f"data/config.php:  {webhooks.allowed_line(wishes.url)}   (internal addresses are refused else)")
    lines.append("data/config.php:  'webhookQueueEventPortionSize' => 500,   (events sent per run; 20 is the default)")
    lines.append("data/config.php:  'webhookBatchSize' => 100,   (events per delivery; 50 is the default)")
    schedule = f" (now {have.job.schedule})" if have.job is not None else ""
    lines.append(f"Administration > Scheduled Jobs > Process Webhook Queue > Scheduling:  * * * * *{schedule}")
    return lines, _cron(have, now_text)


def _cron(have: Have, now_text: str) -> list[Left]:
    todo = "set up EspoCRM's cron (Administration > Scheduled Jobs shows the line): it sends the webhooks"
    if have.job is not None and not have.job.active:
        return [warn("webhook job", "is switched off", "switch on Process Webhook Queue in Scheduled Jobs")]
    if have.job is None and not have.last_run:
        return []
    if not have.last_run:
        return [warn("EspoCRM's cron", "no scheduled job has ever run", todo)]
    if have.last_run < now_text:
        return [warn("EspoCRM's cron", f"no scheduled job has run since {have.last_run} UTC", todo)]
    return []


def internal(url: str) -> bool:
    """Whether EspoCRM takes the address for an internal one, as far as its name tells."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or ("." not in host and ":" not in host):
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host.endswith((".local", ".internal", ".lan"))

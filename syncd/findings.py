"""What `syncd doctor` looks at, and what it finds. Knows no system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Grade = Literal["ok", "warn", "fail"]


class Check(StrEnum):
    """Everything that is looked at. What stands before the dot is the group people see it in."""

    SETTINGS = "settings.usable"
    API_ACCESS = "settings.api_token"
    DRY_RUN = "settings.dry_run"
    DISK = "machine.disk"
    STATE_DIR = "machine.state_directory"
    SECRETS = "machine.env_file"
    PORT = "machine.http_port"
    WATCHDOG = "machine.watchdog"
    REDIS = "redis.answers"
    REDIS_CLOCK = "redis.clock"
    REDIS_MEMORY = "redis.memory"
    REDIS_EVICTION = "redis.eviction"
    REDIS_PERSISTENCE = "redis.persistence"
    LEDGER = "ledger.usable"
    LEDGER_OWNER = "ledger.belongs_here"
    LEDGER_SIZE = "ledger.size"
    DAEMON = "work.daemon"
    RECORDS = "work.records"
    PAUSES = "work.pauses"
    GUARDS = "work.guards"
    ALARMS = "work.alarms"
    ESPO_LOGIN = "espocrm.login"
    ESPO_ANSWER = "espocrm.answer"
    ESPO_USER = "espocrm.user"
    ESPO_CLOCK = "espocrm.clock"
    ESPO_VERSION = "espocrm.version"
    ESPO_RIGHTS = "espocrm.rights"
    ESPO_FIELD_RIGHTS = "espocrm.field_rights"
    ESPO_ASSIGN = "espocrm.assignment"
    ESPO_ENTITY = "espocrm.entity"
    ESPO_STREAM = "espocrm.stream"
    ESPO_VERSIONS = "espocrm.concurrency"
    ESPO_FIELD = "espocrm.field"
    ESPO_LENGTH = "espocrm.length"
    ESPO_OPTIONS = "espocrm.options"
    ESPO_REQUIRED = "espocrm.required"
    ESPO_LIST = "espocrm.list"
    ESPO_FILTER = "espocrm.filter"
    ESPO_FORMULA = "espocrm.formula"
    ESPO_WEBHOOK = "espocrm.webhook"
    ESPO_REACHES_US = "espocrm.reaches_us"
    ESPO_TASK_USER = "espocrm.task_user"
    ESPO_TEAM = "espocrm.import_team"
    ADVO_LOGIN = "advoware.login"
    ADVO_ANSWER = "advoware.answer"
    ADVO_CLOCK = "advoware.clock"
    ADVO_SAMPLE = "advoware.sample"
    ADVO_FIELD = "advoware.field"
    ADVO_SEARCH = "advoware.search"
    ADVO_PARTIAL_PUT = "advoware.partial_put"

    @property
    def group(self) -> str:
        return self.value.partition(".")[0]


GROUPS = {
    "settings": "Settings",
    "machine": "This machine",
    "redis": "Redis",
    "ledger": "Ledger",
    "work": "Work",
    "espocrm": "EspoCRM",
    "advoware": "Advoware",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was seen of what, and in one sentence what to do ("" if nothing)."""

    check: Check
    grade: Grade
    seen: str
    todo: str = ""
    about: str = ""
    code: int = 0


def ok(check: Check, seen: str, about: str = "") -> Finding:
    """As it should be."""
    return Finding(check, "ok", seen, "", about)


def warn(check: Check, seen: str, todo: str, about: str = "") -> Finding:
    """Works, but should be looked at."""
    return Finding(check, "warn", seen, todo, about)


def fail(check: Check, seen: str, todo: str, about: str = "", code: int = 1) -> Finding:
    """Must be put right; `code` is the exit code it asks for."""
    return Finding(check, "fail", seen, todo, about, code)


def wrong(found: Iterable[Finding]) -> list[Finding]:
    """What is not as it should be."""
    return [one for one in found if one.grade != "ok"]


class Verdict(StrEnum):
    """What was seen of something that is only assumed of Advoware."""

    HOLDS = "holds"
    DIFFERS = "does not hold"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Assumption:
    """Something the vendor does not document: whether it holds here, what showed it, where it stands in the code."""

    name: str
    verdict: Verdict
    seen: str
    where: str

"""Every setting of the daemon, and the only reader of the environment.

Values come from credential files ($CREDENTIALS_DIRECTORY), the environment, `.env` and the defaults below, in this
order. `syncd.toml` holds what is about fields: names, directions, policies. Whatever is wrong stops the start with one
line each; no line ever repeats a value, for it may be a secret in the wrong place. Must not know what a setting is used
for beyond its one line.
"""

# ruff: noqa: E501 - one line per setting is the point of this file
from __future__ import annotations

import base64
import difflib
import math
import os
import re
import tomllib
from collections import abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

Direction = Literal["both", "to_advoware", "to_espocrm", "off"]
Policy = Literal["espocrm", "advoware", "newest", "manual"]
Create = Literal["searched", "unchecked"]


class ConfigError(Exception):
    """The configuration cannot be used; `lines` say what to correct, one line each."""

    def __init__(self, lines: abc.Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def _url(value: str) -> str:
    parts = urlsplit(value)
    port_is_one = parts.port is None or parts.port > 0  # raises where it is no number
    if value and (
        not port_is_one or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc
    ):
        raise ValueError
    return value


def _api_v1(value: str) -> str:
    value = _url(value).rstrip("/")
    if value and not value.endswith("/api/v1"):
        raise ValueError
    return value


_PORT = re.compile(r"[^:]*(:[0-9]{0,5})?")


def _scheme(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        parts = urlsplit(text)
        server = parts.netloc.rpartition("@")[2].rpartition("]")[2]  # a password may hold any sign
        if text and (parts.scheme not in schemes or not _PORT.fullmatch(server)):
            raise ValueError
        return value

    return AfterValidator(check)


def _base64(value: SecretStr) -> SecretStr:
    base64.b64decode(value.get_secret_value(), validate=True)
    return value


def _header(value: SecretStr) -> SecretStr:
    if not all("!" <= letter <= "~" for letter in value.get_secret_value()):
        raise ValueError
    return value


def _path(value: Path | None) -> Path | None:
    text = str(value or "")
    if not text.isprintable() or len(text) > 1000 or any(len(part.encode()) > 255 for part in Path(text).parts):
        raise ValueError
    return value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition(":") for part in value.split(",") if part.strip()]
    if not all(id and secret for id, _, secret in pairs):
        raise ValueError
    return {id: secret for id, _, secret in pairs}


_NEXT_USER = re.compile(r"[,\s]+(?=[^,:\s]+:)")  # a hash holds commas, and never a colon
_ARGON2 = r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{8,100}\$[A-Za-z0-9+/]{8,100}"
_USER = re.compile(rf"([A-Za-z0-9._@-]{{1,50}}):((?:read|decide):{_ARGON2})", re.ASCII)


def _users(value: object) -> object:
    if not isinstance(value, str):
        return value
    users = [_USER.fullmatch(part) for part in _NEXT_USER.split(value.strip())]
    found = {user[1]: user[2] for user in users if user is not None}
    if len(found) != len(users):
        raise ValueError
    return found


_HOST = re.compile(r"\.?[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*|[0-9a-f:.]{2,45}")


def _hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_HOST.fullmatch(host) for host in value):
        raise ValueError
    return value


def _numbers(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_url)]
File = Annotated[Path | None, AfterValidator(_path)]
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Minutes = Annotated[tuple[Seconds, ...], BeforeValidator(_numbers), Field(min_length=1, max_length=20)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_numbers), AfterValidator(_hosts)]
Secrets = Annotated[dict[str, SecretStr], BeforeValidator(_pairs)]
Users = Annotated[dict[str, SecretStr], BeforeValidator(_users)]
RedisUrl = Annotated[SecretStr, _scheme("redis", "rediss", "unix")]
DatabaseUrl = Annotated[SecretStr, _scheme("sqlite", "postgresql", "postgresql+psycopg")]
NO_SECRET = SecretStr("")


def _setting(default: Any, unit: str, why: str, need: Literal["optional", "required"] = "optional") -> Any:
    extra: JsonDict = {"unit": unit, "required": need == "required"}
    return Field(default=default, description=why, json_schema_extra=extra, validate_default=False)


class Settings(BaseSettings):
    """One attribute per name of the environment, in lower case: default, unit or form, why."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # fmt: off
    advoware_api_base_url: Url = _setting("", "URL", "base of API calls; empty = ask the configurator")
    advoware_security_url: Url = _setting("", "URL", "security gateway; empty = as found, else the vendor's")
    advoware_configurator_url: Url = _setting("https://www2.advo-net.net/AdvonetConfigurator/", "URL", "tells where the firm's server is")
    advoware_hosts: Hosts = _setting((), "host names with commas", "hosts the configurator may name besides the vendor's own; `.firm.example` = all below it")
    advoware_product_id: AtLeastOne = _setting(64, "number", "product the vendor released the application for")
    advoware_app_id: str = _setting("", "text", "application id given by the vendor", "required")
    advoware_api_key: Annotated[SecretStr, AfterValidator(_base64)] = _setting(NO_SECRET, "base64", "signs token requests", "required")
    advoware_kanzlei: str = _setting("", "text", "Kanzleikennung of the firm", "required")
    advoware_database: str = _setting("", "text", "name of the firm's database", "required")
    advoware_user: str = _setting("", "text", "Advoware user of the daemon; marks its own writes", "required")
    advoware_role: Count = _setting(2, "number", "role to log in with")
    advoware_password: SecretStr = _setting(NO_SECRET, "text", "password of that user", "required")
    advoware_token_lifetime_minutes: Seconds = _setting(55.0, "minutes > 0", "life of a token whose answer does not tell it")
    advoware_api_timeout_seconds: Seconds = _setting(30.0, "seconds > 0", "longest wait for one call")
    advoware_search: Literal["list", "probe", "off"] = _setting("list", "list, probe or off", "how a Beteiligter is looked for before one is created")
    advoware_partial_put: bool = _setting(False, "true or false", "send changed fields only; set it where `syncd doctor --probe-betnr` says that the others keep their values")
    espocrm_api_base_url: Annotated[str, AfterValidator(_api_v1)] = _setting("", "URL ending in /api/v1", "EspoCRM's API", "required")
    espocrm_api_key: Annotated[SecretStr, AfterValidator(_header)] = _setting(NO_SECRET, "key without blanks", "key of the daemon's own API user", "required")
    espocrm_api_timeout_seconds: Seconds = _setting(30.0, "seconds > 0", "longest wait for one call")
    espocrm_webhook_secrets: Secrets = _setting({}, "id:secret,…", "webhooks not registered by syncd itself")
    espocrm_admin_user: str = _setting("", "text", "only for `syncd setup espocrm`; asked for if empty")
    espocrm_admin_password: SecretStr = _setting(NO_SECRET, "text", "only for `syncd setup espocrm`; never stored")
    redis_url: RedisUrl = _setting(NO_SECRET, "redis://, rediss:// or unix:// URL", "empty = own server in the state directory")
    database_url: DatabaseUrl = _setting(NO_SECRET, "sqlite:// or postgresql:// URL", "empty = SQLite in the state directory; PostgreSQL for several daemons")
    syncd_config_file: File = _setting(None, "path", "syncd.toml; empty = here if there is one, else in the state directory")
    syncd_state_dir: File = _setting(None, "path", "ledger and own Redis; empty = $STATE_DIRECTORY, else ~/.local/state/syncd")
    syncd_http_host: str = _setting("127.0.0.1", "address", "where webhooks and dashboard listen")
    syncd_http_port: Annotated[int, Field(ge=0, le=65535)] = _setting(8765, "port 0–65535", "where webhooks and dashboard listen; 0 = any free one")
    syncd_public_url: Url = _setting("", "URL", "address under which EspoCRM and browsers reach syncd; empty = http://SYNCD_HTTP_HOST:SYNCD_HTTP_PORT")
    syncd_api_token: Annotated[SecretStr, AfterValidator(_header)] = _setting(NO_SECRET, "text without blanks", "bearer token of the HTTP API; empty = the API answers nobody")
    syncd_ui_users: Users = _setting({}, "name:role:hash,…", "who may see the pages (role `read`) and decide there (`decide`); `syncd config password` makes a hash")
    syncd_workers: Annotated[int, Field(ge=1, le=64)] = _setting(8, "number 1–64", "jobs at the same time")
    syncd_poll_seconds: Seconds = _setting(15.0, "seconds > 0", "between two askings of EspoCRM what changed")
    syncd_sweep_min_seconds: Seconds = _setting(300.0, "seconds > 0", "soonest next look at a pair in Advoware, just after a change")
    syncd_sweep_max_seconds: Seconds = _setting(86400.0, "seconds > 0", "latest next look at a pair, both sides; kept while the calls suffice")
    syncd_full_pass_hours: Seconds = _setting(24.0, "hours > 0", "between two complete listings, for deleted and restored records")
    syncd_advoware_calls_per_minute: AtLeastOne = _setting(300, "number ≥ 1", "all daemons together; the vendor names no limit")
    syncd_espocrm_calls_per_minute: AtLeastOne = _setting(1200, "number ≥ 1", "all daemons together; each call writes rows to EspoCRM's logs")
    syncd_retry_minutes: Minutes = _setting((1.0, 5.0, 15.0, 60.0, 240.0), "minutes > 0, with commas", "waits before the retries of a failed record")
    syncd_auto_reset_hours: Seconds = _setting(24.0, "hours > 0", "until a permanently failed record is tried anew")
    syncd_lease_seconds: Seconds = _setting(60.0, "seconds > 0", "a claim that is not renewed ends after this")
    syncd_default_policy: Policy = _setting("espocrm", "espocrm, advoware, newest or manual", "who wins a field changed on both sides")
    syncd_delete_guard_min: Count = _setting(10, "number", "so many deletions at once never stop anything")
    syncd_delete_guard_percent: Percent = _setting(5.0, "percent 0–100", "more deletions than this share wait for a person; 0 = off")
    syncd_delete_guard_run: Count = _setting(20, "number", "more deletions in one pass wait for a person; 0 = off")
    syncd_create_guard: Count = _setting(200, "number", "more creations an hour in Advoware wait for a person; 0 = off")
    syncd_change_guard_min: Count = _setting(500, "number", "so many changes at once never stop anything")
    syncd_change_guard_percent: Percent = _setting(25.0, "percent 0–100", "more changes than this share wait for a person; 0 = off")
    syncd_task_user: str = _setting("", "name or id", "EspoCRM user for Tasks of unassigned records; empty = a stream note instead")
    syncd_import_team: str = _setting("", "name or id", "EspoCRM team of imported records; empty = none")
    syncd_alarm_url: Annotated[SecretStr, _scheme("http", "https")] = _setting(NO_SECRET, "http:// or https:// URL", "alarms are sent there as JSON; empty = to the log only")
    syncd_outage_alarm_minutes: Seconds = _setting(10.0, "minutes > 0", "how long a system may be away before that is an alarm")
    syncd_history_days: Seconds = _setting(90.0, "days > 0", "how long history is kept")
    syncd_dry_run: bool = _setting(False, "true or false", "plan everything, write nothing")
    syncd_language: Literal["de", "en"] = _setting("de", "de or en", "language of messages in EspoCRM")
    syncd_log_format: Literal["json", "console"] = _setting("json", "json or console", "form of log lines")
    syncd_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting("INFO", "DEBUG, INFO, WARNING or ERROR", "least important line that is logged")
    # fmt: on

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the layers handed in: pydantic's own sources do not tell where a value came from."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        return tuple(_Source(settings_cls, layer) for layer in given.get("layers", ()))

    @property
    def state_dir(self) -> Path:
        """The state directory; `load` has filled it in."""
        return self.syncd_state_dir or Path("state")

    @property
    def public_url(self) -> str:
        """Where EspoCRM and browsers reach the daemon."""
        return self.syncd_public_url or f"http://{self.syncd_http_host}:{self.syncd_http_port}"


@dataclass(frozen=True)
class _Layer:
    origin: str
    values: abc.Mapping[str, str] = field(repr=False)


class _Source(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], layer: _Layer) -> None:
        super().__init__(settings_cls)
        self._values = layer.values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name.upper()), field_name, False

    def __call__(self) -> dict[str, Any]:
        return {name.lower(): value for name, value in self._values.items()}


@dataclass(frozen=True)
class FieldDoc:
    """What there is to know about one setting."""

    name: str
    unit: str
    default: str
    why: str
    secret: bool
    required: bool


def _shown(value: object) -> str:
    """A value as a person may see it; secrets are masked."""
    match value:
        case SecretStr():
            return "********" if value.get_secret_value() else ""
        case dict():
            return ", ".join(f"{key}:********" for key in value)
        case tuple():
            return ",".join(_shown(part) for part in value)
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case None:
            return ""
        case _:
            return str(value)


@dataclass(frozen=True)
class Shown:
    """One setting as `syncd config show` prints it."""

    name: str
    value: str
    origin: str


def describe(settings: Settings) -> list[Shown]:
    """Every setting with its value, secrets masked, and where it came from."""
    values = ((name, _shown(getattr(settings, name))) for name in Settings.model_fields)
    return [Shown(name.upper(), value, settings._origins.get(name.upper(), "default")) for name, value in values]


def _doc(name: str, info: FieldInfo) -> FieldDoc:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    secret = info.annotation is SecretStr or SecretStr in get_args(info.annotation)
    unit, why = str(extra["unit"]), info.description or ""
    return FieldDoc(name.upper(), unit, _shown(info.default), why, secret, bool(extra["required"]))


FIELDS = tuple(_doc(name, info) for name, info in Settings.model_fields.items())
_DOCS = {doc.name: doc for doc in FIELDS}
REQUIRED = tuple(doc.name for doc in FIELDS if doc.required)


def load(
    env: abc.Mapping[str, str] | None = None,
    *,
    dotenv: Path | None = Path(".env"),
    required: abc.Collection[str] = REQUIRED,
) -> Settings:
    """The settings, from the process's environment unless `env` is given. Raises ConfigError.

    `required` names what must not be empty: () for commands that call no peer.
    """
    environment = os.environ if env is None else env
    lines: list[str] = []
    layers = _layers(environment, dotenv, lines)
    for layer in layers:
        lines += _unknown(layer)
    values = [_Layer(layer.origin, _known(layer.values)) for layer in layers]
    missing = [name for name in required if not any(name in layer.values for layer in values)]
    settings: Settings | None = None
    try:
        settings = Settings(layers=values)  # type: ignore[call-arg]  # read by settings_customise_sources
    except ValidationError as error:
        wrong = dict.fromkeys(str(item["loc"][0]).upper() for item in error.errors(include_input=False))
        lines += [f"{name}: not usable, expected {_DOCS[name].unit}" for name in wrong]
    lines += [f"{name}: missing ({_DOCS[name].why})" for name in missing]
    if settings is not None and settings.syncd_sweep_min_seconds > settings.syncd_sweep_max_seconds:
        lines.append("SYNCD_SWEEP_MIN_SECONDS: must not be more than SYNCD_SWEEP_MAX_SECONDS")
    # Raised here, not in the handler, so that pydantic's account of the input is not chained to ours.
    if settings is None or lines:
        raise ConfigError(lines)
    for layer in reversed(values):
        settings._origins.update(dict.fromkeys(layer.values, layer.origin))
    return settings


def _layers(environment: abc.Mapping[str, str], dotenv: Path | None, lines: list[str]) -> list[_Layer]:
    state = environment.get("STATE_DIRECTORY", "").split(":")[0]
    home = Path(environment.get("HOME") or Path.home())
    fallback = state or str(home / ".local" / "state" / "syncd")
    return [
        _Layer("credential file", _credentials(environment.get("CREDENTIALS_DIRECTORY"), lines)),
        _Layer("environment", environment),
        _Layer(".env", _dotenv(dotenv, lines)),
        _Layer("STATE_DIRECTORY" if state else "default", {"SYNCD_STATE_DIR": fallback}),
    ]


OF_A_FOLDER = "SECRETS_"  # `LoadCredential=secrets:FOLDER` puts this before the name of each file


def _credentials(directory: str | None, lines: list[str]) -> dict[str, str]:
    """The files systemd puts there are named like the settings, in either case, or so behind `secrets_`."""
    found: dict[str, str] = {}
    for path in sorted(Path(directory).glob("*")) if directory else ():
        name = path.name.upper().removeprefix(OF_A_FOLDER)
        if name in _DOCS and path.is_file():
            try:
                found[name] = path.read_text("utf-8").strip()
            except (OSError, ValueError):
                lines.append(f"{name}: the credential file cannot be read as text")
    return found


def _dotenv(path: Path | None, lines: list[str]) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, ValueError):
        lines.append(f"{path}: cannot be read as text")
        return {}
    return {name: value for name, value in values.items() if value is not None}


def _known(values: abc.Mapping[str, str]) -> dict[str, str]:
    """An empty value is as good as none: an environment file lists names to be filled in."""
    return {name: value.strip() for name, value in values.items() if name in _DOCS and value.strip()}


def _unknown(layer: _Layer) -> list[str]:
    names = sorted(name for name in layer.values if name.startswith("SYNCD_") and name not in _DOCS)
    return [f"{name}: unknown setting in {layer.origin}{_meant(name, _DOCS)}" for name in names]


def _meant(name: str, known: abc.Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass(frozen=True)
class ServiceManager:
    """What systemd asked of this process: where to tell how it is, and within which seconds a sign of life."""

    socket: str = ""
    watchdog_seconds: float | None = None


def service_manager(env: abc.Mapping[str, str] | None = None) -> ServiceManager:
    """What the service manager asked; nothing where there is none."""
    environment = os.environ if env is None else env
    microseconds = environment.get("WATCHDOG_USEC", "")
    asked_of_us = environment.get("WATCHDOG_PID") in (None, str(os.getpid()))
    watchdog = int(microseconds) / 1e6 if microseconds.isascii() and microseconds.isdigit() and asked_of_us else None
    return ServiceManager(environment.get("NOTIFY_SOCKET", ""), watchdog)


# --- syncd.toml ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldMapping:
    """What differs from the declared field; None keeps it."""

    espo: str | None = None
    advoware: str | None = None
    direction: Direction | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class EntityMapping:
    """What differs from the declared entity. `filter` is an EspoCRM `where`; empty = all records."""

    espo_type: str | None = None
    filter: tuple[dict[str, Any], ...] = ()
    create: Create = "searched"
    fields: abc.Mapping[str, FieldMapping] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """syncd.toml, or nothing where there is none."""

    entities: abc.Mapping[str, EntityMapping] = field(default_factory=dict)
    path: Path | None = None


def mapping_path(settings: Settings) -> Path | None:
    """Where syncd.toml is: as configured, else here, else in the state directory; None = there is none."""
    if settings.syncd_config_file is not None:
        return settings.syncd_config_file
    places = (Path("syncd.toml"), settings.state_dir / "syncd.toml")
    return next((path for path in places if path.is_file()), None)


@dataclass(frozen=True)
class Known:
    """What syncd.toml may speak of in an entity: its fields, and its lists, whose names cannot be changed."""

    fields: tuple[str, ...]
    lists: tuple[str, ...] = ()


def load_mapping(path: Path | None, known: abc.Mapping[str, Known] | None = None) -> Mapping:
    """Read syncd.toml; raises ConfigError. `known` by entity, where names shall be checked too."""
    if path is None:
        return Mapping()
    failure = ""
    tables: dict[str, Any] = {}
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        failure = error.strerror or "cannot be read"
    except UnicodeDecodeError:
        failure = "is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        failure = f"is not TOML: {error}"
    except (ValueError, RecursionError):
        failure = "is not TOML: a number too long, or nested too deep"
    if failure:
        raise ConfigError([f"{path}: {failure}"])
    reader = _Toml(str(path), known)
    mapping = Mapping(reader.entities(tables), path)
    if reader.lines:
        raise ConfigError(reader.lines)
    return mapping


C = TypeVar("C")


def _sendable(value: object) -> bool:
    """Whether a comparison's value can be sent as JSON."""
    if isinstance(value, dict):
        return all(map(_sendable, value.values()))
    if isinstance(value, list):
        return all(map(_sendable, value))
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


class _Toml:
    """Reads the tables and collects what is wrong with them."""

    def __init__(self, path: str, known: abc.Mapping[str, Known] | None) -> None:
        self.lines: list[str] = []
        self._path = path
        self._known = known

    def entities(self, tables: dict[str, Any]) -> dict[str, EntityMapping]:
        self._only("", tables, ("entities",))
        entities = self._table("entities", tables.get("entities", {}))
        if self._known is not None:
            self._only("entities", entities, self._known)
        return {name: self._entity(name, value) for name, value in entities.items()}

    def _entity(self, name: str, value: object) -> EntityMapping:
        where = f"entities.{name}"
        table = self._table(where, value)
        self._only(where, table, ("espo_type", "filter", "create", "fields"))
        fields = self._table(f"{where}.fields", table.get("fields", {}))
        known = self._known.get(name) if self._known is not None else None
        if known is not None:
            self._only(f"{where}.fields", fields, (*known.fields, *known.lists))
            for one in known.lists:
                self._not_renamed(f"{where}.fields.{one}", fields.get(one))
        create: Create | None = self._choice(f"{where}.create", table.get("create"), get_args(Create))
        return EntityMapping(
            self._name(f"{where}.espo_type", table.get("espo_type")),
            self._filter(f"{where}.filter", table.get("filter", [])),
            create or "searched",
            {key: self._field(f"{where}.fields.{key}", part) for key, part in fields.items()},
        )

    def _field(self, where: str, value: object) -> FieldMapping:
        table = self._table(where, value)
        self._only(where, table, ("espo", "advoware", "direction", "policy"))
        return FieldMapping(
            self._name(f"{where}.espo", table.get("espo")),
            self._name(f"{where}.advoware", table.get("advoware")),
            self._choice(f"{where}.direction", table.get("direction"), get_args(Direction)),
            self._choice(f"{where}.policy", table.get("policy"), get_args(Policy)),
        )

    def _not_renamed(self, where: str, value: object) -> None:
        """A list is not one attribute: EspoCRM keeps it in several, each with a form of its own."""
        renamed = [key for key in ("espo", "advoware") if isinstance(value, dict) and key in value]
        if renamed:
            what = " and ".join(renamed)
            self._wrong(where, f"a list keeps its names, so {what} cannot be set; direction and policy can")

    def _filter(self, where: str, value: object) -> tuple[dict[str, Any], ...]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self._wrong(where, "expected a list of tables, as in EspoCRM's `where`")
            return ()
        for place, item in enumerate(value, 1):
            self._only(f"{where}[{place}]", item, ("type", "attribute", "value", "dateTime", "timeZone"))
            if not _sendable(item.get("value")):
                self._wrong(f"{where}[{place}].value", "expected texts, numbers or tables; a day in quotes")
            if not isinstance(item.get("type"), str):
                self._wrong(f"{where}[{place}].type", "expected the name of a comparison, as equals or isNotNull")
        return tuple(value)

    def _table(self, where: str, value: object) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self._wrong(where, "expected a table")
        return {}

    def _name(self, where: str, value: object) -> str | None:
        if value is None or (isinstance(value, str) and value.isidentifier()):
            return value
        self._wrong(where, "expected a name of letters and digits")
        return None

    def _choice(self, where: str, value: object, choices: tuple[C, ...]) -> C | None:
        if value is None or value in choices:
            return next((choice for choice in choices if choice == value), None)
        near = _meant(value, [str(choice) for choice in choices]) if isinstance(value, str) else ""
        self._wrong(where, f"expected one of {', '.join(map(str, choices))}{near}")
        return None

    def _only(self, where: str, table: dict[str, Any], known: abc.Iterable[str]) -> None:
        for key in table:
            if key not in known:
                self._wrong(f"{where}.{key}".lstrip("."), f"unknown key{_meant(key, known)}")

    def _wrong(self, where: str, text: str) -> None:
        named = "".join(letter if letter.isprintable() else "?" for letter in where)
        self.lines.append(f"{self._path}: {named[:200]}: {text}")

"""Settings and syncd.toml: everything has a default or a line that says what is missing; no secret is ever shown."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest

import config
from mappers.beteiligte import BETEILIGTE
from mappers.kommunikation import KOMMUNIKATION
from mappers.spec import Direction, Policy
from syncd.app import entities, known_names, mapped, redis_prefix

SECRET = "sEcReT-nobody-sees"
GOOD = {
    "ADVOWARE_APP_ID": "app",
    "ADVOWARE_API_KEY": "YWJjZGVm",
    "ADVOWARE_KANZLEI": "kanzlei",
    "ADVOWARE_DATABASE": "db",
    "ADVOWARE_USER": "sync",
    "ADVOWARE_PASSWORD": SECRET,
    "ESPOCRM_API_BASE_URL": "https://crm.example/api/v1",
    "ESPOCRM_API_KEY": SECRET,
    "HOME": "/home/clerk",
}


def load(**changes: str) -> config.Settings:
    return config.load(GOOD | changes, dotenv=None)


def lines(**changes: str) -> tuple[str, ...]:
    with pytest.raises(config.ConfigError) as caught:
        load(**changes)
    chained = (caught.value.__cause__, caught.value.__context__)
    assert chained == (None, None), "pydantic's account of the input must not hang on the error"
    return caught.value.lines


def test_the_defaults_are_those_promised() -> None:
    settings = load()
    assert settings.advoware_product_id == 64
    assert settings.advoware_role == 2
    assert settings.syncd_workers == 8
    assert list(settings.syncd_retry_minutes) == [1, 5, 15, 60, 240]
    assert settings.syncd_advoware_calls_per_minute == 300
    assert settings.syncd_espocrm_calls_per_minute == 1200
    assert (settings.syncd_http_host, settings.syncd_http_port) == ("127.0.0.1", 8765)
    assert settings.state_dir == Path("/home/clerk/.local/state/syncd")


def test_every_name_of_the_interface_is_there_with_its_documentation() -> None:
    promised = """
        ADVOWARE_API_BASE_URL ADVOWARE_SECURITY_URL ADVOWARE_CONFIGURATOR_URL ADVOWARE_PRODUCT_ID ADVOWARE_APP_ID
        ADVOWARE_API_KEY ADVOWARE_KANZLEI ADVOWARE_DATABASE ADVOWARE_USER ADVOWARE_ROLE ADVOWARE_PASSWORD
        ADVOWARE_TOKEN_LIFETIME_MINUTES ADVOWARE_API_TIMEOUT_SECONDS ADVOWARE_SEARCH ESPOCRM_API_BASE_URL
        ESPOCRM_API_KEY ESPOCRM_API_TIMEOUT_SECONDS ESPOCRM_WEBHOOK_SECRETS ESPOCRM_ADMIN_USER
        ESPOCRM_ADMIN_PASSWORD REDIS_URL DATABASE_URL SYNCD_STATE_DIR SYNCD_HTTP_HOST SYNCD_HTTP_PORT
        SYNCD_API_TOKEN SYNCD_WORKERS SYNCD_POLL_SECONDS SYNCD_SWEEP_MIN_SECONDS SYNCD_SWEEP_MAX_SECONDS
        SYNCD_FULL_PASS_HOURS SYNCD_ADVOWARE_CALLS_PER_MINUTE SYNCD_ESPOCRM_CALLS_PER_MINUTE SYNCD_RETRY_MINUTES
        SYNCD_AUTO_RESET_HOURS SYNCD_LEASE_SECONDS SYNCD_DEFAULT_POLICY SYNCD_DELETE_GUARD_MIN
        SYNCD_DELETE_GUARD_PERCENT SYNCD_DELETE_GUARD_RUN SYNCD_CREATE_GUARD SYNCD_CHANGE_GUARD_MIN
        SYNCD_CHANGE_GUARD_PERCENT SYNCD_TASK_USER SYNCD_IMPORT_TEAM SYNCD_HISTORY_DAYS SYNCD_DRY_RUN
        SYNCD_LANGUAGE SYNCD_LOG_FORMAT SYNCD_LOG_LEVEL SYNCD_CONFIG_FILE ADVOWARE_PARTIAL_PUT SYNCD_PUBLIC_URL
        SYNCD_ALARM_URL SYNCD_OUTAGE_ALARM_MINUTES ADVOWARE_HOSTS SYNCD_UI_USERS
    """.split()  # noqa: SIM905 - a list of names is read as words
    documented = {doc.name: doc for doc in config.FIELDS}
    assert set(documented) == set(promised)
    for doc in documented.values():
        assert doc.unit
        assert doc.why
        assert "\n" not in doc.why
    secrets = {doc.name for doc in config.FIELDS if doc.secret}
    assert secrets == {
        "ADVOWARE_API_KEY",
        "ADVOWARE_PASSWORD",
        "ESPOCRM_API_KEY",
        "ESPOCRM_WEBHOOK_SECRETS",
        "ESPOCRM_ADMIN_PASSWORD",
        "REDIS_URL",
        "DATABASE_URL",
        "SYNCD_API_TOKEN",
        "SYNCD_UI_USERS",
        "SYNCD_ALARM_URL",
    }


BAD = [
    *(
        (doc.name, "ten")
        for doc in config.FIELDS
        if re.match(r"(seconds|minutes|hours|days|percent|number|port)", doc.unit)
    ),
    *((doc.name, "0") for doc in config.FIELDS if "> 0" in doc.unit),
    *((doc.name, "-1") for doc in config.FIELDS if re.match(r"(seconds|number|percent|port)", doc.unit)),
    *((doc.name, "nan") for doc in config.FIELDS if "> 0" in doc.unit),
    *((doc.name, "ftp://x") for doc in config.FIELDS if "URL" in doc.unit),
    ("SYNCD_WORKERS", "65"),
    ("SYNCD_WORKERS", "1.5"),
    ("SYNCD_HTTP_PORT", "65536"),
    ("SYNCD_DELETE_GUARD_PERCENT", "101"),
    ("SYNCD_RETRY_MINUTES", "1,,2"),
    ("SYNCD_RETRY_MINUTES", "1,x,y"),
    ("SYNCD_DRY_RUN", "perhaps"),
    ("SYNCD_LANGUAGE", "fr"),
    ("SYNCD_LOG_FORMAT", "xml"),
    ("SYNCD_LOG_LEVEL", "LOUD"),
    ("SYNCD_DEFAULT_POLICY", "coin"),
    ("ADVOWARE_SEARCH", "maybe"),
    ("ADVOWARE_API_KEY", "not base64!"),
    ("ESPOCRM_API_KEY", "two words"),
    ("ESPOCRM_API_BASE_URL", "https://crm.example"),
    ("ESPOCRM_API_BASE_URL", "https://user:pw@crm.example/api/v1"),
    ("ESPOCRM_WEBHOOK_SECRETS", "id-without-secret"),
    ("ADVOWARE_API_BASE_URL", "https://"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_line_with_the_name_and_what_is_expected(name: str, value: str) -> None:
    found = lines(**{name: value})
    unit = next(doc.unit for doc in config.FIELDS if doc.name == name)
    assert found == (f"{name}: not usable, expected {unit}",)


@pytest.mark.parametrize("name", config.REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_missing_is_one_line(name: str, value: str | None) -> None:
    env = {key: text for key, text in GOOD.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(config.ConfigError) as caught:
        config.load(env, dotenv=None)
    (line,) = caught.value.lines
    assert line.startswith(f"{name}: missing")


def test_nothing_is_missing_for_a_command_that_calls_no_peer() -> None:
    settings = config.load({}, dotenv=None, required=())
    assert settings.espocrm_api_base_url == ""


def test_an_unknown_setting_is_one_line_with_the_name_that_was_meant(tmp_path: Path) -> None:
    assert lines(SYNCD_WORKER="3") == ("SYNCD_WORKER: unknown setting in environment; did you mean SYNCD_WORKERS?",)
    assert lines(SYNCD_QZX="3") == ("SYNCD_QZX: unknown setting in environment",)
    dotenv = tmp_path / ".env"
    dotenv.write_text("SYNCD_POL_SECONDS=3\n")
    with pytest.raises(config.ConfigError, match=r"SYNCD_POL_SECONDS: unknown setting in \.env; did you mean"):
        config.load(GOOD, dotenv=dotenv)


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(lines(SYNCD_WORKERS="x", SYNCD_NOPE="1", ADVOWARE_PASSWORD="")) == 3


def test_a_sweep_cannot_end_before_it_begins() -> None:
    (line,) = lines(SYNCD_SWEEP_MIN_SECONDS="10", SYNCD_SWEEP_MAX_SECONDS="9")
    assert "SYNCD_SWEEP_MAX_SECONDS" in line


def test_installations_have_names_of_their_own_in_redis_and_all_daemons_of_one_the_same() -> None:
    assert redis_prefix(load()) == redis_prefix(load(SYNCD_WORKERS="3"))
    assert len({redis_prefix(load(ADVOWARE_KANZLEI=name)) for name in ("Mueller", "Meier")}) == 2


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    for doc in config.FIELDS:
        with suppress(config.ConfigError):
            load(**{doc.name: f"{SECRET} %"})
            continue
        assert SECRET not in str(lines(**{doc.name: f"{SECRET} %"}))
    assert SECRET not in str(lines(SYNCD_NOPE=SECRET))


def test_no_secret_is_shown() -> None:
    settings = load(
        ESPOCRM_WEBHOOK_SECRETS=f"hook:{SECRET},two:{SECRET}:x",
        REDIS_URL=f"redis://:{SECRET}@localhost/0",
        DATABASE_URL=f"postgresql://syncd:{SECRET}@localhost/syncd",
        SYNCD_API_TOKEN=SECRET,
    )
    assert settings.espocrm_webhook_secrets["two"].get_secret_value() == f"{SECRET}:x"
    shown = config.describe(settings)
    assert SECRET not in repr(settings) + str(settings) + str(shown) + str(config.FIELDS)
    values = {line.name: line.value for line in shown}
    assert values["ADVOWARE_PASSWORD"] == "********"
    assert values["ESPOCRM_WEBHOOK_SECRETS"] == "hook:********, two:********"
    assert values["ESPOCRM_ADMIN_PASSWORD"] == "", "an empty secret is seen to be empty"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(load(), "syncd_workers", 3)  # noqa: B010 - a checker would not let it pass


def test_durations_accept_fractions() -> None:
    settings = load(SYNCD_POLL_SECONDS="0.05", SYNCD_RETRY_MINUTES="0.01, 0.5", SYNCD_FULL_PASS_HOURS="0.001")
    assert settings.syncd_poll_seconds == 0.05
    assert settings.syncd_retry_minutes == (0.01, 0.5)


def test_a_credential_file_beats_the_environment_which_beats_dotenv(tmp_path: Path) -> None:
    (tmp_path / "advoware_password").write_text("from-file\n")
    # as systemd names the files of a whole folder
    (tmp_path / "secrets_espocrm_api_key").write_text("key-of-a-folder")
    (tmp_path / "unrelated").write_text("x")
    dotenv = tmp_path / ".env"
    dotenv.write_text("ADVOWARE_PASSWORD=a\nSYNCD_WORKERS=3\nSYNCD_POLL_SECONDS=7\nSYNCD_TASK_USER=\n")
    env = GOOD | {"CREDENTIALS_DIRECTORY": str(tmp_path), "SYNCD_WORKERS": "5"}
    settings = config.load(env, dotenv=dotenv)
    assert settings.advoware_password.get_secret_value() == "from-file"
    assert settings.espocrm_api_key.get_secret_value() == "key-of-a-folder"
    assert settings.syncd_workers == 5
    assert settings.syncd_poll_seconds == 7
    origins = {line.name: line.origin for line in config.describe(settings)}
    assert origins["ADVOWARE_PASSWORD"] == "credential file"
    assert origins["SYNCD_WORKERS"] == "environment"
    assert origins["SYNCD_POLL_SECONDS"] == ".env"
    assert origins["SYNCD_TASK_USER"] == "default"
    assert origins["SYNCD_STATE_DIR"] == "default"


def test_files_that_are_no_text_are_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "ADVOWARE_PASSWORD").write_bytes(b"\xff\xfe")
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"SYNCD_WORKERS=\xff\n")
    with pytest.raises(config.ConfigError) as caught:
        config.load(GOOD | {"CREDENTIALS_DIRECTORY": str(tmp_path)}, dotenv=dotenv)
    assert len(caught.value.lines) == 2


def test_systemd_says_where_the_state_is() -> None:
    settings = load(STATE_DIRECTORY="/var/lib/syncd:/var/lib/other")
    assert settings.state_dir == Path("/var/lib/syncd")
    assert load(STATE_DIRECTORY="/var/lib/syncd", SYNCD_STATE_DIR="/srv/syncd").state_dir == Path("/srv/syncd")


TOML = """
[entities.beteiligte]
espo_type = "CBeteiligte"
create = "unchecked"
filter = [{ type = "equals", attribute = "assignedUserId", value = "1" }]

[entities.beteiligte.fields.geburtsdatum]
espo = "birthDate"
direction = "to_espocrm"
policy = "advoware"

[entities.beteiligte.fields.titel]
direction = "off"
"""
LISTS = """
[entities.beteiligte.fields.kommunikation]
direction = "to_espocrm"
policy = "manual"
"""
KNOWN = {"beteiligte": config.Known(("name", "titel", "geburtsdatum"), ("kommunikation",))}


def toml(tmp_path: Path, text: str) -> config.Mapping:
    path = tmp_path / "syncd.toml"
    path.write_text(text)
    return config.load_mapping(path, KNOWN)


def test_syncd_toml_is_read(tmp_path: Path) -> None:
    mapping = toml(tmp_path, TOML).entities["beteiligte"]
    assert mapping.espo_type == "CBeteiligte"
    assert mapping.create == "unchecked"
    assert mapping.filter == ({"type": "equals", "attribute": "assignedUserId", "value": "1"},)
    assert mapping.fields["geburtsdatum"] == config.FieldMapping("birthDate", None, "to_espocrm", "advoware")
    assert mapping.fields["titel"] == config.FieldMapping(direction="off")


def test_a_list_has_a_direction_and_a_policy_like_a_field(tmp_path: Path) -> None:
    mapping = toml(tmp_path, LISTS).entities["beteiligte"]
    assert mapping.fields["kommunikation"] == config.FieldMapping(direction="to_espocrm", policy="manual")


def test_the_firms_rules_reach_the_list_and_the_default_policy_does(tmp_path: Path) -> None:
    [entries] = mapped(BETEILIGTE, config.EntityMapping(), Policy.ADVOWARE).lists
    assert (entries.direction, entries.policy) == (Direction.BOTH, Policy.ADVOWARE)
    [entries] = mapped(BETEILIGTE, toml(tmp_path, LISTS).entities["beteiligte"], Policy.ADVOWARE).lists
    assert (entries.direction, entries.policy) == (Direction.TO_ESPOCRM, Policy.MANUAL)
    assert entries.channels == KOMMUNIKATION.channels
    settings = load(SYNCD_DEFAULT_POLICY="manual")
    assert entities(settings, config.Mapping())["beteiligte"].lists[0].policy is Policy.MANUAL


def test_every_list_may_be_spoken_of_by_its_name() -> None:
    assert known_names()["beteiligte"].lists == ("kommunikation",)
    assert "titel" in known_names()["beteiligte"].fields


def test_without_syncd_toml_nothing_differs() -> None:
    assert config.load_mapping(None) == config.Mapping()


WRONG = [
    ("[entitis]", "entitis: unknown key; did you mean entities?"),
    ("entities = 3", "entities: expected a table"),
    ("[entities.beteiligten]", "entities.beteiligten: unknown key; did you mean beteiligte?"),
    ("[entities.beteiligte]\nespotype = 'X'", "entities.beteiligte.espotype: unknown key; did you mean espo_type?"),
    ("[entities.beteiligte]\nespo_type = 3", "entities.beteiligte.espo_type: expected a name of letters and digits"),
    (
        "[entities.beteiligte]\ncreate = 'uncheckd'",
        "entities.beteiligte.create: expected one of searched, unchecked; did you mean unchecked?",
    ),
    (
        "[entities.beteiligte]\nfilter = 'x'",
        "entities.beteiligte.filter: expected a list of tables, as in EspoCRM's `where`",
    ),
    (
        "[entities.beteiligte]\nfilter = [{ attribute = 'x' }]",
        "entities.beteiligte.filter[1].type: expected the name of a comparison, as equals or isNotNull",
    ),
    (
        "[entities.beteiligte.fields.geburtsdat]",
        "entities.beteiligte.fields.geburtsdat: unknown key; did you mean geburtsdatum?",
    ),
    (
        "[entities.beteiligte.fields.titel]\npolicy = 'newst'",
        "entities.beteiligte.fields.titel.policy: expected one of espocrm, advoware, newest, manual;"
        " did you mean newest?",
    ),
    (
        "[entities.beteiligte.fields.titel]\ndirection = 7",
        "entities.beteiligte.fields.titel.direction: expected one of both, to_advoware, to_espocrm, off",
    ),
    (
        "[entities.beteiligte.fields.kommunikation]\nespo = 'phones'",
        "entities.beteiligte.fields.kommunikation: a list keeps its names, so espo cannot be set;"
        " direction and policy can",
    ),
    (
        "[entities.beteiligte.fields.kommunikation]\nadvoware = 'x'\nespo = 'y'\ndirection = 'off'",
        "entities.beteiligte.fields.kommunikation: a list keeps its names, so espo and advoware cannot be set;"
        " direction and policy can",
    ),
    (
        "[entities.beteiligte.fields.komunikation]",
        "entities.beteiligte.fields.komunikation: unknown key; did you mean kommunikation?",
    ),
    (
        "[entities.beteiligte.fields.titel]\nespo = 'a b'",
        "entities.beteiligte.fields.titel.espo: expected a name of letters and digits",
    ),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_what_is_wrong_in_syncd_toml_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        toml(tmp_path, text)
    assert caught.value.lines == (f"{tmp_path / 'syncd.toml'}: {line}",)


@pytest.mark.parametrize("content", [b"[entities", b"\xff", None])
def test_a_syncd_toml_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "syncd.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(config.ConfigError) as caught:
        config.load_mapping(path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ")


def test_syncd_toml_is_found_here_or_with_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, state = tmp_path / "here", tmp_path / "state"
    here.mkdir()
    state.mkdir()
    monkeypatch.chdir(here)
    settings = load(SYNCD_STATE_DIR=str(state))
    assert config.mapping_path(settings) is None
    (state / "syncd.toml").touch()
    assert config.mapping_path(settings) == state / "syncd.toml"
    (here / "syncd.toml").touch()
    assert config.mapping_path(settings) == Path("syncd.toml")
    assert config.mapping_path(load(SYNCD_CONFIG_FILE="/etc/x.toml")) == Path("/etc/x.toml")


HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaGhhc2g"


@pytest.mark.parametrize("between", [",", ", ", "\n", "\r\n\n", " "])
def test_users_of_the_pages_stand_in_one_line_or_in_several_though_a_hash_holds_commas(between: str) -> None:
    found = load(SYNCD_UI_USERS=f"anna:decide:{HASH}{between}b.ert@firm:read:{HASH}").syncd_ui_users
    assert {name: told.get_secret_value() for name, told in found.items()} == {
        "anna": f"decide:{HASH}",
        "b.ert@firm": f"read:{HASH}",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "anna",
        "anna:decide:Blumenwiese-1",
        f"anna:admin:{HASH}",
        f":decide:{HASH}",
        f"an na:decide:{HASH}",
        f"anna:decide:{HASH},anna:read:{HASH}",
        f"anna:decide:{HASH},bert",
        "anna:decide:$2b$12$abcdefghijklmnopqrstuv",
    ],
)
def test_users_that_cannot_be_meant_stop_the_start(wrong: str) -> None:
    (line,) = lines(SYNCD_UI_USERS=wrong)
    assert line == "SYNCD_UI_USERS: not usable, expected name:role:hash,…"

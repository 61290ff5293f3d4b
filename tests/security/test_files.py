"""What is stored is for its owner only: under a careless umask, in a careless folder, however a file comes to be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from syncd.ledger.backup import restore, save
from syncd.ledger.choices import Refusal
from syncd.ledger.engines import sqlite_url
from syncd.ledger.upgrade import upgrade
from syncd.private import STATE_FILES, keep_private
from syncd.redis_server import RedisServerError, embedded_redis

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {
    "ESPOCRM_API_BASE_URL": "http://127.0.0.1:9/api/v1",
    "ESPOCRM_API_KEY": "a-key-of-the-tests",
    "ADVOWARE_APP_ID": "app",
    "ADVOWARE_API_KEY": "c2VjcmV0",
    "ADVOWARE_KANZLEI": "4711",
    "ADVOWARE_DATABASE": "db",
    "ADVOWARE_USER": "sync",
    "ADVOWARE_PASSWORD": "a-password-of-the-tests",
}
CARELESS = 0o000


@pytest.fixture
def state() -> Iterator[Path]:
    """A folder short enough for a socket, as careless hands make it."""
    with TemporaryDirectory(prefix="syncd-") as made:
        folder = Path(made) / "state"
        folder.mkdir()
        folder.chmod(0o755)
        yield folder


def syncd(state: Path, *arguments: str, module: str = "syncd", code: int = 0) -> str:
    """Run a command under the most careless umask; returns what it said."""
    env = {"PATH": os.environ["PATH"], "HOME": str(state.parent), "SYNCD_STATE_DIR": str(state), **SETTINGS}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=state.parent,
        env=env | {"PYTHONPATH": str(ROOT)},
        umask=CARELESS,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(folder: Path) -> list[str]:
    return [f"{path} {mode(path):o}" for path in (folder, *folder.rglob("*")) if mode(path) & 0o077]


def test_every_way_to_make_a_file_makes_a_private_one(state: Path) -> None:
    copy = state / "monday.db"
    syncd(state, "db", "upgrade")
    syncd(state, "backup", str(copy))
    syncd(state, "restore", str(copy))
    syncd(state, "locks")  # starts the embedded Redis and stops it
    syncd(state, "--offline", "--apply", module="scripts.maintenance.ledger")
    assert mode(state) == 0o700
    assert open_to_others(state) == []
    names = {str(path.relative_to(state)) for path in state.rglob("*")}
    assert {"ledger.db", "monday.db", "redis", "redis.lock", "redis.log"} <= names
    assert any(name.startswith("ledger.db.replaced-") for name in names)
    with embedded_redis(state):
        for path in state.rglob("*"):
            name = str(path.relative_to(state))
            listed = [one for one in STATE_FILES if fnmatch(name, one.name)]
            assert listed or path == copy, f"{name} is not in STATE_FILES"
            assert all(mode(path) == one.mode for one in listed[:1] if "/" not in name), name


def test_what_an_earlier_careless_start_left_open_is_closed(state: Path) -> None:
    syncd(state, "db", "upgrade")
    for path in state.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    state.chmod(0o755)
    syncd(state, "status")
    assert open_to_others(state) == []


def test_a_ledger_that_was_open_to_others_is_kept_closed_when_another_takes_its_place(state: Path) -> None:
    ledger, identity = state / "ledger.db", {"espocrm": "https://crm.example/api/v1"}
    upgrade(sqlite_url(ledger))
    save(ledger, state / "monday.db")
    ledger.chmod(0o644)
    kept = restore(state / "monday.db", ledger, identity, 1_800_000_000.0).kept
    assert kept is not None
    assert (mode(kept), mode(ledger)) == (0o600, 0o600)


def test_a_folder_everybody_writes_into_is_refused_in_one_line(state: Path) -> None:
    state.chmod(0o1777)
    said = syncd(state, "db", "upgrade", code=2)
    assert said.startswith("error: SYNCD_STATE_DIR: others may write into ")
    assert said.count("\n") == 1
    assert mode(state) == 0o1777
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("name", ["monday.db", ".monday.db.part"])
def test_a_backup_follows_no_link(state: Path, name: str) -> None:
    upgrade(sqlite_url(state / "ledger.db"))
    victim = state.parent / "victim"
    victim.write_text("dear to somebody")
    (state / name).symlink_to(victim)
    with pytest.raises(Refusal):
        save(state / "ledger.db", state / "monday.db")
    assert victim.read_text() == "dear to somebody"


@pytest.mark.parametrize("name", ["redis.lock", "redis.start.lock"])
def test_a_lock_file_that_is_a_link_is_refused(state: Path, name: str) -> None:
    victim = state.parent / "victim"
    (state / name).symlink_to(victim)
    with pytest.raises(RedisServerError, match="cannot open"), embedded_redis(state):
        pass
    assert not victim.exists()


def test_the_embedded_redis_listens_on_no_port_and_knows_no_secret(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVOWARE_PASSWORD", SETTINGS["ADVOWARE_PASSWORD"])
    before = os.umask(CARELESS)
    try:
        with embedded_redis(state) as server, redis.Redis.from_url(server.url) as client:
            assert client.config_get("port") == {"port": "0"}
            assert client.config_get("unixsocketperm") == {"unixsocketperm": "700"}
            client.set("k", "v")
            pid = client.info("server")["process_id"]
            assert SETTINGS["ADVOWARE_PASSWORD"].encode() not in Path(f"/proc/{pid}/environ").read_bytes()
            sockets = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
            listening = Path(f"/proc/{pid}/net/tcp").read_text() + Path(f"/proc/{pid}/net/tcp6").read_text()
            ours = {one[8:-1] for one in sockets if one.startswith("socket:[")}
            assert not ours & {line.split()[9] for line in listening.splitlines()[1:] if line.strip()}
            assert mode(server.socket) == 0o700
            assert [str(path) for path in state.rglob("*") if mode(path) & 0o077] == []
    finally:
        os.umask(before)


def test_the_units_keep_what_they_make_private() -> None:
    for unit in (ROOT / "systemd").glob("*.service"):
        lines = unit.read_text("utf-8").splitlines()
        assert {"UMask=0077", "StateDirectoryMode=0700", "NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(lines)


def test_no_part_of_the_program_makes_files_in_places_everybody_shares() -> None:
    for folder in ("syncd", "services", "mappers", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            if "sandbox" not in path.parts:
                assert "/tmp" not in path.read_text("utf-8"), path.name


def test_somebody_elses_folder_is_left_as_it_is(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534 if state.stat().st_uid != 65534 else 65533)
    keep_private(state, 0o700)
    assert mode(state) == 0o755

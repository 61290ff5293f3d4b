"""install.sh and the command it installs, below a directory of their own; Python and pip are stood in for."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import config
from tests.systems import ROOT

# Makes the venv as the real one would, but with the packages of whoever runs the tests.
PYTHON = f"""#!/bin/sh
case "$*" in
  *"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" &&
    printf '#!/bin/sh\\nPYTHONPATH=%s exec {sys.executable} -m syncd "$@"\\n' "$(dirname "$3")" >"$3/bin/syncd" &&
    chmod +x "$3/bin/syncd" ;;
  *"-m pip "*) ;;
  *"-m scripts."*) exec {sys.executable} "$@" ;;
  *"-c "*) ;;
esac
"""


class Server:
    """A server below a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root / "server"
        self.python = root / "python"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def install(self, *options: str, clone: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [str(clone / "install.sh"), "--root", str(self.root), *options]
        return self._run(command, PYTHON=str(self.python))

    def syncd(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(self.root / "usr/local/bin/syncd"), *arguments], **environment)

    def maintenance(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([str(self.root / "usr/local/bin/syncd-maintenance"), *arguments])

    def _run(self, command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": os.environ["PATH"], **environment}
        return subprocess.run(command, env=known, capture_output=True, text=True, check=False)

    def file(self, path: str) -> Path:
        return self.root / path

    def shown(self, *firm: str) -> dict[str, tuple[str, ...]]:
        """What `syncd config show` prints: value and origin by name."""
        lines = self.syncd(*firm, "config", "show").stdout.splitlines()[1:]
        return {line.split()[0]: tuple(re.split(r"\s{2,}", line.strip())[1:]) for line in lines}

    def everything(self) -> dict[str, tuple[int, bytes]]:
        files = (path for path in self.root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path): (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) for path in files}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_it_may_be_run_again_and_keeps_what_a_person_wrote(server: Server) -> None:
    first = server.install()
    assert first.returncode == 0, first.stderr
    assert "fill in" in first.stdout
    for path, mode in (("etc/syncd", 0o750), ("etc/syncd/syncd.env", 0o640), ("etc/syncd/credentials", 0o700)):
        assert stat.S_IMODE(server.file(path).stat().st_mode) == mode
    assert stat.S_IMODE(server.file("var/lib/syncd").stat().st_mode) == 0o700
    settings = server.file("etc/syncd/syncd.env")
    settings.write_text("ADVOWARE_USER=syncd # not a comment\nADVOWARE_KANZLEI='47 11'\nSYNCD_TASK_USER=\n")
    secret = server.file("etc/syncd/credentials/advoware_password")
    secret.write_text("pass'word\\with $all \n")
    before = server.everything()
    assert server.install().returncode == 0
    secret.chmod(0o600)
    assert {path: what[1] for path, what in server.everything().items()} == {p: w[1] for p, w in before.items()}

    shown = server.shown()
    assert shown["ADVOWARE_USER"][0] == "syncd # not a comment"
    assert shown["ADVOWARE_KANZLEI"][0] == "47 11"
    assert shown["ADVOWARE_PASSWORD"][0] == "********"
    assert shown["SYNCD_STATE_DIR"][0] == str(server.file("var/lib/syncd"))


def test_the_command_takes_nothing_from_its_caller_but_the_login_of_an_administrator(server: Server) -> None:
    server.install()
    server.file("etc/syncd/syncd.env").write_text("ADVOWARE_KANZLEI=4711\n")
    calm = server.syncd("config", "show", SYNCD_WORKERS="3", ADVOWARE_KANZLEI="815", ESPOCRM_ADMIN_USER="admin")
    assert "815" not in calm.stdout
    assert re.search(r"SYNCD_WORKERS +8 +default", calm.stdout)
    assert re.search(r"ESPOCRM_ADMIN_USER +admin", calm.stdout)


def test_the_maintenance_scripts_run_with_the_settings_of_the_daemon(server: Server) -> None:
    server.install()
    told = server.maintenance("prune", "--days", "7")
    assert told.returncode == 3
    assert f"there is no ledger in {server.file('var/lib/syncd')}" in told.stderr
    for nonsense in ((), ("program",), ("nonsense",), ("../prune",)):
        told = server.maintenance(*nonsense)
        assert (told.returncode, told.stdout) == (2, "")
        assert told.stderr.startswith("error: syncd-maintenance needs the name of a script: compare ledger")
    server.install("--uninstall")
    assert not server.file("usr/local/bin/syncd-maintenance").is_symlink()


@pytest.mark.parametrize("line", ['ADVOWARE_USER="a"b', "ADVOWARE_USER=a\\b", "ADVOWARE-USER=a", "ADVOWARE_USER='"])
def test_a_line_that_systemd_reads_in_its_own_way_is_refused(server: Server, line: str) -> None:
    server.install()
    server.file("etc/syncd/syncd.env").write_text(f"# fine\n{line}\n")
    told = server.syncd("status")
    assert told.returncode == 2
    assert re.fullmatch(r"error: .*syncd\.env, line 2: .*\n", told.stderr)


def test_each_firm_has_its_own(server: Server) -> None:
    for firm in ("mueller", "m-2"):
        done = server.install("--firm", firm)
        assert f"systemctl enable --now syncd@{firm}" in done.stdout
    ports = [server.shown("--firm", firm)["SYNCD_HTTP_PORT"][0] for firm in ("mueller", "m-2")]
    assert ports == ["8765", "8766"]
    assert server.shown("--firm", "m-2")["SYNCD_STATE_DIR"][0] == str(server.file("var/lib/syncd-m-2"))
    assert "m-2 mueller" in server.syncd("status").stderr
    assert (
        server.syncd("config", "show", SYNCD_FIRM="m-2").stdout
        == server.syncd("--firm", "m-2", "config", "show").stdout
    )
    # Upgrading all of them makes no firm without a name.
    assert server.install().returncode == 0
    assert not server.file("etc/syncd").exists()
    assert server.install("--firm", "../x").returncode == 2


def test_an_upgrade_keeps_the_version_before_and_a_copy_of_the_ledger(server: Server, tmp_path: Path) -> None:
    server.install()
    old = server.file("opt/syncd/current").readlink()
    upgraded = server.syncd("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "tests", "docs", "__pycache__", "*.egg-info"))
    (clone / "config.py").open("a").write("\n# newer\n")
    done = server.install(clone=clone)
    assert done.returncode == 0, done.stderr
    new = server.file("opt/syncd/current").readlink()
    assert old != new
    assert old.is_dir()
    assert [path.name[:7] for path in server.file("var/lib/syncd").glob("*.db")].count("before-") == 1
    assert server.syncd("db", "upgrade").stdout == "the ledger is up to date\n"


def test_a_version_that_cannot_be_built_changes_nothing(server: Server, tmp_path: Path) -> None:
    server.install()
    used = server.file("opt/syncd/current").readlink()
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "tests", "docs", "__pycache__", "*.egg-info"))
    (clone / "config.py").open("a").write("\n# newer\n")
    server.python.write_text(PYTHON.replace('*"-m pip "*) ;;', '*"-m pip "*) echo "no such package" >&2; exit 1 ;;'))
    done = server.install(clone=clone)
    assert done.returncode != 0
    assert "no such package" in done.stderr
    assert server.file("opt/syncd/current").readlink() == used
    assert server.syncd("--version").returncode == 0


def test_removing_it_keeps_the_data_unless_told_otherwise(server: Server) -> None:
    server.install()
    server.install("--firm", "mueller")
    assert server.install("--uninstall", "--firm", "mueller", "--purge").returncode == 0
    assert not server.file("etc/syncd-mueller").exists()
    assert server.file("opt/syncd/current").exists()
    done = server.install("--uninstall")
    assert "kept: " in done.stdout
    left = [path for path in server.root.rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} == {"syncd", "credentials"}
    assert server.install("--uninstall", "--purge").returncode == 0
    assert [path for path in server.root.rglob("*") if path.is_file()] == []


def test_a_look_changes_nothing(server: Server) -> None:
    assert "copy the program to" in server.install("--dry-run").stdout
    assert not server.root.exists()
    server.install()
    before = server.everything()
    assert "remove" in server.install("--uninstall", "--purge", "--dry-run").stdout
    assert server.everything() == before


def test_the_template_names_every_setting_that_is_needed() -> None:
    text = (ROOT / "systemd/syncd.env").read_text()
    named = set(re.findall(r"^([A-Z_]+)=", text, re.M))
    secrets = {name for name in config.REQUIRED if name.lower() in text} - named
    assert named | secrets >= set(config.REQUIRED)
    known = {field.name: field.secret for field in config.FIELDS}
    assert [name for name in named if known[name]] == []


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
def test_the_scripts_are_sound() -> None:
    command = ["shellcheck", str(ROOT / "install.sh"), str(ROOT / "systemd/syncd.sh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

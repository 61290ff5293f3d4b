"""What `make lint` asks about security turns red when it must, and says so when it could not ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import Outcome

ROOT = Path(__file__).parent.parent.parent
CANARY = {"vulns": [{"id": "PYSEC-2014-8"}]}
HASH = "0" * 64

Said = Callable[[str, str], tuple[int, object]]


def known(name: str, version: str) -> tuple[int, object]:
    """A service that knows of one vulnerable version besides the one everybody knows of."""
    if name == "jinja2" and version == "2.4.1":
        return 200, CANARY
    if name == "badlib" and version == "1.0":
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]
        affected = [{"package": {"name": "badlib", "ecosystem": "PyPI"}, "ranges": ranges}]
        return 200, {"vulns": [{"id": "GHSA-stand-in", "summary": "x", "affected": affected}]}
    return 200, {}


@contextmanager
def service(say: Said) -> Iterator[str]:
    """A stand-in of OSV on loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = say(asked["package"]["name"], asked["version"])
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def locked(folder: Path, *pins: str) -> Path:
    path = folder / "some.lock"
    path.write_text("".join(f"{pin} \\\n    --hash=sha256:{HASH}\n" for pin in pins))
    return path


def audit(url: str, *files: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.audit", "--osv-url", url, *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_locked_version_that_is_known_to_be_vulnerable_turns_it_red_and_is_named(tmp_path: Path) -> None:
    with service(known) as url:
        code, said = audit(url, locked(tmp_path, "goodlib==2.0", "badlib==1.0"))
    assert (code, said) == (Outcome.VULNERABLE, "VULNERABLE: badlib 1.0: GHSA-stand-in, mended in 1.1\n")


def test_what_nothing_is_known_of_passes(tmp_path: Path) -> None:
    with service(known) as url:
        code, said = audit(url, locked(tmp_path, "goodlib==2.0", "badlib==1.1"))
    assert (code, said) == (Outcome.NOTHING_KNOWN, "2 locked packages, no known vulnerability\n")


def test_our_own_lock_files_are_what_is_asked_about() -> None:
    asked: set[str] = set()

    def say(name: str, version: str) -> tuple[int, object]:
        asked.add(name)
        return known(name, version)

    with service(say) as url:
        code, said = audit(url)
    assert code == Outcome.NOTHING_KNOWN, said
    assert {"httpx", "aiohttp", "sqlalchemy", "uvicorn", "pytest"} <= asked


@pytest.mark.parametrize(
    "say",
    [
        lambda name, version: (404, {}),
        lambda name, version: (503, b"<html>"),
        lambda name, version: (200, b"<html>the firm's proxy</html>"),
        lambda name, version: (200, {}),
        lambda name, version: (200, []),
    ],
    ids=["404", "503", "a page", "knows nothing", "another form"],
)
def test_a_service_that_does_not_answer_as_it_must_is_told_as_not_checked(tmp_path: Path, say: Said) -> None:
    with service(say) as url:
        code, said = audit(url, locked(tmp_path, "badlib==1.0"))
    assert code == Outcome.NOT_CHECKED
    assert said.startswith("NOT CHECKED: the advisory service does not answer (")


def test_no_service_at_all_is_told_as_not_checked(tmp_path: Path) -> None:
    with service(known) as url:
        pass
    code, said = audit(url, locked(tmp_path, "badlib==1.0"))
    assert (code, "NOT CHECKED" in said, "ConnectError" in said) == (Outcome.NOT_CHECKED, True, True)


def test_a_service_that_breaks_off_in_the_middle_is_a_failure_and_no_good_news(tmp_path: Path) -> None:
    with service(lambda name, version: (200, CANARY) if name == "jinja2" else (500, {})) as url:
        code, said = audit(url, locked(tmp_path, "goodlib==2.0"))
    assert code == Outcome.FAILED
    assert said.startswith("the audit failed (exit code ")


def test_a_lock_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    with service(known) as url:
        assert audit(url, tmp_path / "none.lock")[0] == Outcome.FAILED


@pytest.mark.parametrize(("outcome", "red"), [(0, False), (1, True), (2, True), (3, False)])
def test_make_audit_is_red_but_for_the_two_outcomes_that_are_none_of_ours(
    tmp_path: Path, outcome: int, red: bool
) -> None:
    """Of the recipe itself, with a stand-in for the interpreter that ends in this code."""
    recipe = re.search(r"^audit:.*\n\t@(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe is not None
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {outcome}\n")
    python.chmod(0o755)
    line = recipe[1].replace("$(VENV)/bin/python", str(python)).replace("$(ARGS)", "").replace("$$", "$")
    assert (subprocess.run(["sh", "-c", line], check=False).returncode != 0) is red


def test_lint_asks_both_and_ci_runs_lint() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    lint = text[text.index("\nlint:") :].split("\n\n")[0]
    assert "bandit" in lint
    assert "audit" in lint
    assert "make lint" in (ROOT / ".ci/run").read_text("utf-8")


# --- bandit -----------------------------------------------------------------------------------


def bandit(*paths: Path) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-c", str(ROOT / "pyproject.toml"), "-f", "json"]
    done = subprocess.run([*command, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, [one["test_id"] for one in json.loads(done.stdout)["results"]]


@pytest.mark.parametrize(
    ("code", "test"),
    [
        ("import subprocess\nsubprocess.run('ls ' + x, shell=True)\n", "B602"),
        ("import pickle\npickle.loads(b'')\n", "B301"),
        ("eval(input())\n", "B307"),
        ("import hashlib\nhashlib.md5(b'')\n", "B324"),
        ("import random\ntoken = random.random()\n", "B311"),
    ],
)
def test_bandit_finds_what_must_not_be(tmp_path: Path, code: str, test: str) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(code)
    found = bandit(bad)
    assert found[0] == 1
    assert test in found[1]


def test_every_exception_from_bandit_says_which_and_why() -> None:
    exceptions = []
    for folder in ("syncd", "services", "mappers", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text("utf-8").splitlines():
                if "nosec" in line:
                    assert re.search(r"# nosec B\d{3}  # \w+", line), f"{path.name}: {line}"
                    exceptions.append(path.name)
    assert sorted(exceptions) == ["audit.py", "redis_server.py", "redis_server.py"]
    written = (ROOT / "pyproject.toml").read_text("utf-8")
    for skipped in tomllib.loads(written)["tool"]["bandit"]["skips"]:
        assert re.search(rf'"{skipped}", # \w+', written)


def test_the_stand_in_servers_are_never_loaded_by_a_daemon() -> None:
    """They are left out of what bandit looks at."""
    code = (
        "import sys, syncd.daemon, syncd.api, syncd.http_server, syncd.cli.frame\n"
        "print([name for name in sys.modules if 'sandbox' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

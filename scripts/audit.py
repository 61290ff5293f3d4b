"""Asks whether a version we have locked has a known vulnerability: `make audit`, and part of `make lint`.

pip-audit asks OSV, a service in the network. A machine that cannot reach it must neither fail nor look as if all were
well, and pip-audit itself does not tell these apart: so the service is first asked about a version everybody knows to
be vulnerable. Exit codes: 0 asked, nothing known · 1 a vulnerability is known · 2 the audit itself failed · 3 not
checked, the service does not answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from enum import IntEnum
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
LOCKED = ("requirements.lock", "requirements-dev.lock")
OSV = "https://api.osv.dev/v1/query"
CANARY = {"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "2.4.1"}  # PYSEC-2014-8 and more
PATIENCE = 10.0  # seconds for one answer
WHOLE = 600.0  # seconds for all of them


class Outcome(IntEnum):
    """What came of it, as an exit code."""

    NOTHING_KNOWN = 0
    VULNERABLE = 1
    FAILED = 2
    NOT_CHECKED = 3


def unreachable(osv_url: str) -> str | None:
    """Why the service cannot be relied on now, None if it knows what it must know."""
    try:
        answer = httpx.post(osv_url, json=CANARY, timeout=PATIENCE)
        known = answer.json().get("vulns") if answer.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        return type(error).__name__
    if known:
        return None
    return f"HTTP {answer.status_code}" if answer.status_code != 200 else "it does not know what everybody knows"


def audit(osv_url: str, files: list[Path]) -> Outcome:
    """Ask about every version the lock files hold."""
    why = unreachable(osv_url)
    if why is not None:
        _say(f"NOT CHECKED: the advisory service does not answer ({why}): {osv_url}")
        return Outcome.NOT_CHECKED
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--progress-spinner=off"]
    command += ["--format=json", "--vulnerability-service=osv", f"--osv-url={osv_url}"]
    command += [part for file in files for part in ("--requirement", str(file))]
    try:
        done = subprocess.run(  # nosec B603  # our own interpreter, a fixed list, no shell
            command, capture_output=True, text=True, timeout=WHOLE, check=False
        )
    except subprocess.TimeoutExpired:
        _say(f"the audit failed: it was not done after {WHOLE:g} s")
        return Outcome.FAILED
    try:
        answered: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        _say(f"the audit failed (exit code {done.returncode}):\n{done.stderr.strip()}")
        return Outcome.FAILED
    return judged(answered)


def judged(answered: list[dict[str, Any]]) -> Outcome:
    """Tell what is known of each, and what it comes to. A package nobody could be asked about is no good news."""
    known = [(one, vuln) for one in answered for vuln in one.get("vulns", ())]
    for one, vuln in known:
        fixed = ", ".join(vuln.get("fix_versions") or ()) or "no version yet"
        _say(f"VULNERABLE: {one['name']} {one['version']}: {vuln['id']}, mended in {fixed}")
    left_out = [one for one in answered if "skip_reason" in one]
    for one in left_out:
        _say(f"NOT CHECKED: {one['name']}: {one['skip_reason']}")
    if known:
        return Outcome.VULNERABLE
    if left_out or not answered:
        return Outcome.FAILED
    _say(f"{len({one['name'] for one in answered})} locked packages, no known vulnerability")
    return Outcome.NOTHING_KNOWN


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description="Known vulnerabilities of what is locked.")
    parser.add_argument("--osv-url", default=OSV, help="the service, or a stand-in")
    parser.add_argument("locked", nargs="*", type=Path, help="lock files; both of ours without")
    given = parser.parse_args()
    sys.exit(audit(given.osv_url, given.locked or [ROOT / name for name in LOCKED]))


if __name__ == "__main__":
    main()

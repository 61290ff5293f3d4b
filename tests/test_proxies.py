"""The example configurations of nginx and Caddy: what EspoCRM sees while syncd restarts, hangs or works."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port
from tests.systems import ROOT, eventually

HOOK = "/webhooks/espocrm/beteiligte/update"


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    text = (ROOT / "docs/nginx.conf.example").read_text()
    text = re.sub(r"^ *ssl_.*\n", "", text, flags=re.M).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    kept = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = text.replace("127.0.0.1:8765", f"127.0.0.1:{upstream}").replace("timeout 9s", "timeout 1s")
    # Its workers must reach the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    text = (
        f"{user} daemon off; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {kept} {text} }}"
    )
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    text = (ROOT / "docs/Caddyfile.example").read_text()
    text = re.sub(r"^sync\.firm\.example", f"http://127.0.0.1:{port}", text, flags=re.M)
    text = text.replace("127.0.0.1:8765", f"127.0.0.1:{upstream}").replace("timeout 9s", "timeout 1s")
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\n{text}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[httpx.Client]:
    places = {"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    if shutil.which(command[0], path=places["PATH"]) is None:
        pytest.skip(f"needs {command[0]}")
    with subprocess.Popen(command, env=places, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually("it listens", lambda: _listens(port))
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
                yield client
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Working(BaseHTTPRequestHandler):
    """Answers with how many bytes came."""

    def do_POST(self) -> None:
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(size).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("made", [nginx, caddy])
def test_while_syncd_is_away_or_hangs_espocrm_is_asked_to_come_again(
    tmp_path: Path, made: Callable[[Path, int, int], list[str]]
) -> None:
    port, upstream = free_port(), free_port()
    with running(made(tmp_path, port, upstream), port, tmp_path) as client:
        away = client.post(HOOK, content=b"[]")
        assert (away.status_code, away.json(), away.headers["Retry-After"]) == (
            503,
            {"error": "syncd is restarting"},
            "5",
        )
        with closing(socket.create_server(("127.0.0.1", upstream))):
            assert client.post(HOOK, content=b"[]").status_code == 503
        with ThreadingHTTPServer(("127.0.0.1", upstream), Working) as working:
            threading.Thread(target=working.serve_forever, daemon=True).start()
            large = b"x" * 1_000_000
            assert client.post(HOOK, content=large).text == "1000000"
            assert client.post("/api/v1/retry", content=b"{}").text == "2"
            working.shutdown()

"""`python -m benchmarks.bare_endpoint FILE PORT`: the least that takes in webhooks as durably as syncd does.

The same signature check and the same rows in one commit for all that wait, over the same server; nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import queue
import sqlite3
import sys
import threading
import time
from typing import Any

import uvicorn

SECRET = b"a-secret-for-benchmarks"
TABLES = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE deliveries (id INTEGER PRIMARY KEY, at REAL, key TEXT, event TEXT, body TEXT);
CREATE INDEX deliveries_key ON deliveries (key, at); CREATE INDEX deliveries_at ON deliveries (at);
CREATE TABLE work (key TEXT PRIMARY KEY, gen INTEGER, lane INTEGER, cause TEXT, due_at REAL, since REAL);
CREATE INDEX work_due ON work (lane, due_at);
"""
DELIVERY = "INSERT INTO deliveries (at, key, event, body) VALUES (?, ?, ?, ?)"
WORK = (
    "INSERT INTO work VALUES (?, 1, 0, 'event', ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET gen = gen + 1, due_at = min(due_at, excluded.due_at)"
)
Told = tuple[list[tuple[float, str, str, str]], asyncio.Future[None], asyncio.AbstractEventLoop]


class Store:
    """One thread, one commit for all that waits."""

    def __init__(self, file: str) -> None:
        self.waiting: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self.file = file
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        conn = sqlite3.connect(self.file, isolation_level=None)
        conn.executescript(TABLES)
        while True:
            group = [self.waiting.get()]
            while not self.waiting.empty() and len(group) < 64:
                group.append(self.waiting.get())
            conn.execute("BEGIN IMMEDIATE")
            for rows, _, _ in group:
                conn.executemany(DELIVERY, rows)
                conn.executemany(WORK, [(key, at, at) for at, key, _, _ in rows])
            conn.execute("COMMIT")
            for _, done, loop in group:
                loop.call_soon_threadsafe(done.set_result, None)


def endpoint(store: Store) -> Any:
    """The ASGI application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = dict(scope["headers"])
        proof = base64.b64decode(headers.get(b"signature", b"")).partition(b":")[2]
        if not hmac.compare_digest(proof, hmac.new(SECRET, body, hashlib.sha256).hexdigest().encode()):
            await _answer(send, 401, b"{}")
            return
        items, now = json.loads(body), time.time()
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        rows = [(now, f"beteiligte/{item['id']}", "update", json.dumps(item)) for item in items]
        store.waiting.put((rows, done, loop))
        await done
        answer = {"status": "received", "new_ids_count": len(items), "total_ids_in_batch": len(items)}
        await _answer(send, 200, json.dumps(answer).encode())

    return app


async def _answer(send: Any, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(endpoint(Store(sys.argv[1])), port=int(sys.argv[2]), lifespan="off", log_config=None, access_log=False)

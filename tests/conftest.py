"""What every test may use, and the rule that CI skips nothing."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from syncd.redis_server import embedded_redis
from tests import plain_logs

# Skips that are right even in CI: "<start of the node id>". Everything else a laptop may skip fails the run there.
ALLOWED_SKIPS: tuple[str, ...] = ()

PROCESSES = Path(__file__).parent / "process"

_skipped: list[str] = []


def pytest_configure() -> None:
    plain_logs.restore()


def pytest_xdist_auto_num_workers() -> int:
    """Three more than there are cores: tests of real processes mostly wait for them."""
    return (os.cpu_count() or 1) + 3


@pytest.hookimpl(trylast=True)  # what is deselected has gone by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every worker begins with its share of the tests that mostly wait, so that none of them is left to the end.

    With `--dist worksteal` each worker gets one piece of the list, in turn, and later takes from the others'.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    waiting: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.is_relative_to(PROCESSES):
            waiting.setdefault(_together(item), []).append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for group in sorted(waiting.values(), key=len, reverse=True):
        min(shares, key=len).extend(group)
    others = [item for item in items if not item.path.is_relative_to(PROCESSES)]
    count = len(items)
    items.clear()
    for worker, own in enumerate(shares):
        more = max(0, (count - len(items)) // (workers - worker) - len(own))
        items += own + others[:more]
        others = others[more:]


def _together(item: pytest.Item) -> str:
    """Tests of a module that share a running daemon have the same name here, and the same worker."""
    return str(item.path) if "running" in getattr(item, "fixturenames", ()) else item.nodeid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _note(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _note(report.nodeid)


def _note(node: str) -> None:
    if not node.startswith(ALLOWED_SKIPS):
        _skipped.append(node)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # xdist forwards the workers' reports to the controller, which alone judges.
    if _skipped and os.environ.get("CI") and not hasattr(session.config, "workerinput"):
        session.exitstatus = exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _skipped and os.environ.get("CI"):
        terminalreporter.section("skipped, which CI does not allow", red=True)
        for node in _skipped:
            terminalreporter.line(node)


def pytest_collection_finish() -> None:
    # Thousands of tests and all they import stay to the end: nobody need look at them again and again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def redis_server_url() -> Iterator[str]:
    """A real server of this test run's own; what it holds is whatever the tests left."""
    # Not pytest's temporary directory: a socket's path must be short.
    with TemporaryDirectory(prefix="syncd-redis-") as state, embedded_redis(Path(state)) as server:
        yield server.url


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """A real and empty server."""
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushall()
        client.script_flush()
    return redis_server_url

"""Signs of life for the service manager: only of a daemon that goes on."""

from __future__ import annotations

from syncd.pulse import LEDGER_STALL, WORKER_STALL, Pulse, worker_stall


class Hours:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_daemon_whose_parts_come_round_is_alive() -> None:
    clock = Hours()
    pulse = Pulse(clock, WORKER_STALL)
    for _ in range(1000):
        clock.at += 30
        pulse.ledger_ended()
        pulse.worker_turned("one:0")
        assert pulse.stuck() == ""


def test_a_ledger_that_neither_answers_nor_fails_is_stuck() -> None:
    clock = Hours()
    pulse = Pulse(clock, WORKER_STALL)
    clock.at = LEDGER_STALL + 1
    pulse.worker_turned("one:0")
    assert pulse.stuck() == "ledger"


def test_one_worker_that_does_not_come_round_is_enough() -> None:
    clock = Hours()
    pulse = Pulse(clock, WORKER_STALL)
    pulse.worker_turned("one:0")
    clock.at = WORKER_STALL + 1
    pulse.worker_turned("one:1")
    pulse.ledger_ended()
    assert pulse.stuck() == "workers"


def test_a_small_budget_gives_workers_more_time() -> None:
    assert worker_stall(8, 300) == WORKER_STALL
    assert worker_stall(8, 1) > 60 * 60

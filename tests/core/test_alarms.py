"""When an alarm begins, goes on and ends, and when it is told: a table of looks, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from syncd import alarms
from syncd.alarms import DAY, KINDS, LABELS, Alarm, Look, Sender, State, Trouble, body, difference, label
from syncd.health import Reason
from syncd.ledger.alarms import Standing, Stopped
from syncd.lookout import Here, of_everything, of_stores

HOLD_OFF = 300.0


@dataclass
class Memory:
    """What is remembered from look to look, and what a receiver that always answers has been told."""

    known: dict[str, Alarm] = field(default_factory=dict)
    heard: list[tuple[str, str]] = field(default_factory=list)

    def look(self, now: float, *troubles: Trouble, unknown: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        """One look; returns what was told because of it."""
        for change in difference(self.known, Look(troubles, frozenset(unknown)), now, HOLD_OFF):
            cause = (change.new or change.old or Alarm("", "", State.OVER, 0)).cause
            if change.new is None:
                del self.known[cause]
            else:
                self.known[cause] = change.new
        fresh = []
        for alarm in alarms.due(self.known.values(), now):
            fresh.append((alarm.cause, "reminder" if alarm.again else alarm.state.value))
            self.known[alarm.cause] = alarms.told(alarms.begun(alarm), now)
        self.heard += fresh
        return fresh


REDIS = Trouble("redis", "Redis does not answer")
AWAY = Trouble("outage:advoware", "away", after=600)
GUARD = Trouble("guard:0123456789ab", "stopped")


def test_a_cause_is_told_once_however_often_it_is_seen() -> None:
    memory = Memory()
    for now in range(0, 5000, 10):
        memory.look(now, REDIS)
    assert memory.heard == [("redis", "raised")]


def test_each_cause_is_told_on_its_own() -> None:
    memory = Memory()
    other = Trouble("guard:ba9876543210", "stopped")
    assert memory.look(0, REDIS, GUARD, other) == [
        ("redis", "raised"),
        (GUARD.cause, "raised"),
        (other.cause, "raised"),
    ]
    assert memory.look(10, REDIS, other) == [(GUARD.cause, "over")]


def test_what_must_last_is_no_alarm_before() -> None:
    memory = Memory()
    assert memory.look(0, AWAY) == memory.look(599, AWAY) == []
    assert memory.look(600, AWAY) == [("outage:advoware", "raised")]
    assert memory.known["outage:advoware"].since == 0


def test_what_passes_soon_was_no_alarm_and_is_forgotten() -> None:
    memory = Memory()
    memory.look(0, AWAY)
    for now in range(10, 400, 10):
        memory.look(now)
    assert memory.known == {}
    assert memory.heard == []


def test_a_cause_that_comes_and_goes_is_one_alarm() -> None:
    memory = Memory()
    for now in range(0, 6000, 100):
        seen = [REDIS] if now % 300 == 0 else []
        memory.look(now, *seen)
    assert memory.heard == [("redis", "raised")]


def test_over_is_told_after_the_hold_off_with_the_time_it_really_ended() -> None:
    memory = Memory()
    memory.look(0, REDIS)
    assert memory.look(50) == memory.look(349) == []
    assert memory.look(350) == [("redis", "over")]
    assert memory.known["redis"].over_at == 50
    assert memory.look(400, REDIS) == [("redis", "raised")]
    assert memory.known["redis"].since == 400


def test_what_a_person_has_ended_is_over_at_once() -> None:
    memory = Memory()
    memory.look(0, GUARD)
    assert memory.look(10) == [(GUARD.cause, "over")]


@pytest.mark.parametrize("blind", ["redis", "outage:advoware", "outage"])
def test_a_look_that_cannot_tell_ends_and_begins_nothing(blind: str) -> None:
    memory = Memory()
    memory.look(0, REDIS, AWAY)
    memory.look(700, REDIS, AWAY)
    for now in range(710, 5000, 10):
        seen = [one for one in (REDIS, AWAY) if not one.cause.startswith(blind)]
        memory.look(now, *seen, unknown=(blind,))
    assert memory.heard == [("redis", "raised"), ("outage:advoware", "raised")]


def test_conflicts_are_told_again_once_a_day_with_their_number() -> None:
    memory = Memory()
    for hour in range(60):
        memory.look(hour * 3600, Trouble("conflicts", f"{hour} waiting", remind=DAY))
    assert memory.heard == [("conflicts", "raised"), ("conflicts", "reminder"), ("conflicts", "reminder")]
    assert memory.known["conflicts"].text == "59 waiting"
    assert memory.look(60 * 3600) == [("conflicts", "over")]


def test_what_cannot_be_delivered_is_tried_ever_more_seldom_until_it_is_over() -> None:
    alarm = Alarm("redis", "away", State.RAISED, since=0, tell_at=0)
    now, waits = 0.0, []
    for _ in range(12):
        alarm = alarms.not_told(alarms.begun(alarm), now)
        assert alarm.tell_at is not None
        waits.append(alarm.tell_at - now)
        now = alarm.tell_at
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-2:] == [600, 600]
    ended = Memory({"redis": alarm})
    ended.look(now)
    assert ended.look(now + HOLD_OFF) == [("redis", "over")]


def test_an_end_nobody_takes_is_given_up_after_a_day() -> None:
    alarm = Alarm("redis", "away", State.OVER, since=0, over_at=100, tell_at=100, tries=5)
    assert alarms.not_told(alarm, 100 + DAY).tell_at is not None
    assert alarms.not_told(alarm, 101 + DAY).tell_at is None


def test_the_body_says_what_since_when_and_what_to_do() -> None:
    alarm = Alarm("outage:advoware", "advoware has been away for 10 minutes", State.RAISED, since=1_795_167_600)
    told = body(alarm, Sender("crm.kanzlei.example", "1.2", "server1"))
    assert told["alarm"] == "outage:advoware"
    assert told["state"] == "raised"
    assert told["since"] == "2026-11-20T09:40:00Z"
    assert told["installation"] == "crm.kanzlei.example"
    assert told["todo"] == "see whether it runs; jobs wait and lose no try"


def test_an_alarm_of_a_later_version_ends_and_breaks_nothing() -> None:
    memory = Memory({"moon:full": Alarm("moon:full", "?", State.RAISED, since=0, told_at=0)})
    assert memory.look(10) == [("moon:full", "over")]


def test_metrics_name_no_ids_and_no_machines() -> None:
    causes = ["guard:0123456789ab", "disk:server1", "pause:side:advoware", "redis", "setup:espocrm", "clock:server1"]
    assert [label(cause) for cause in causes] == ["guard", "disk", "pause", "redis", "setup:espocrm", "clock"]
    assert {label(cause) for cause in causes} <= set(LABELS)
    assert {name.partition(":")[0] for name in LABELS} == {kind.name for kind in KINDS}


# --- what is wrong now --------------------------------------------------------------------------

CALM = Standing({}, {"clean": 5}, 0, (), {}, {}, [])
HERE = Here("server1", free=10**12, ahead=0.0, offsets={"espocrm": 0.3, "advoware": 0.8})


def causes(*codes: str, unsure: tuple[str, ...] = (), standing: Standing = CALM, here: Here = HERE) -> set[str]:
    reasons = [Reason(code, code) for code in codes]
    look = of_everything(reasons, frozenset(unsure), standing, here, 10 * DAY, 600)
    return {trouble.cause for trouble in look.troubles}


def blind(*codes: str, unsure: tuple[str, ...] = (), standing: Standing = CALM, here: Here = HERE) -> frozenset[str]:
    return of_everything(
        [Reason(code, code) for code in codes], frozenset(unsure), standing, here, 10 * DAY, 600
    ).unknown


def test_when_all_is_well_nothing_is_wrong() -> None:
    assert causes() == set()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("barred:espocrm", "credentials:espocrm"),
        ("away:advoware", "outage:advoware"),
        ("unheard:espocrm", "outage:espocrm"),
        ("redis", "redis"),
        ("no_poll", "poll"),
        ("no_success", "silence"),
    ],
)
def test_what_readiness_says_is_an_alarm(code: str, cause: str) -> None:
    assert causes(code) == {cause}


def test_a_refused_login_is_no_outage_too() -> None:
    assert causes("barred:advoware", "away:espocrm") == {"credentials:advoware", "outage:espocrm"}


def test_what_waits_for_people_is_an_alarm() -> None:
    guards = (Stopped("0123456789ab", "missing:espocrm", 12), Stopped("ba9876543210", "went_back:advoware", 3))
    statuses = {"clean": 5, "permanently_failed": 2}
    standing = Standing({}, statuses, 4, guards, {"all": 8 * DAY, "side:advoware": 9.5 * DAY}, {}, [])
    assert causes(standing=standing) == {
        "failing", "conflicts", "guard:0123456789ab", "restored:ba9876543210", "pause:all",
    }  # fmt: skip


def test_what_was_set_up_and_is_no_longer_so_is_an_alarm() -> None:
    standing = Standing({}, {}, 0, (), {}, {"espocrm": ["rights on CBeteiligte"], "advoware": []}, ["gone"])
    assert causes(standing=standing) == {"setup:espocrm", "webhooks"}


def test_a_full_disk_and_wrong_clocks_are_alarms() -> None:
    here = Here("server1", free=10**8, ahead=-7.0, offsets={"espocrm": 3.0, "advoware": 1.0})
    assert causes(here=here) == {"disk:server1", "clock:server1", "clock:espocrm"}


def test_what_cannot_be_told_is_said_to_be_unknown() -> None:
    assert {"silence", "credentials", "outage"} <= blind("redis")
    assert {"poll", "outage:espocrm"} <= blind(unsure=("no_poll", "away:espocrm"))
    assert "credentials:advoware" in blind("unheard:advoware")
    assert {"disk:server1", "clock:server1", "clock:espocrm"} <= blind(here=Here("server1"))
    assert "failing" in blind(standing=Standing({}, {"failed": 1}, 0, (), {}, {}, []))
    assert "redis" in blind("starting")


def test_the_ledgers_own_trouble_is_kept_apart() -> None:
    look = of_stores([Reason("ledger", "away"), Reason("redis", "away")], frozenset({"ledger_writes", "no_poll"}))
    assert [trouble.cause for trouble in look.troubles] == ["ledger"]
    assert look.unknown == {"ledger_writes"}
    assert causes("ledger") == set()

"""A story that ends badly is cut down to what matters, and told in words."""

from __future__ import annotations

from tests.simulation.draw import draw
from tests.simulation.profiles import PROFILES
from tests.simulation.script import Script
from tests.simulation.shrink import shrink
from tests.simulation.tell import kinds, sentence, story


def test_only_what_is_needed_is_left() -> None:
    script = draw("everything", 5)
    guilty = [script.events[2], script.events[-1]]

    def is_wrong(candidate: Script) -> bool:
        return all(event in candidate.events for event in guilty)

    small = shrink(script, is_wrong)
    assert list(small.events) == guilty
    assert small.persons == 1
    assert not small.skew


def test_a_simpler_world_that_ends_well_is_not_taken() -> None:
    script = draw("everything", 5)
    small = shrink(script, lambda candidate: candidate.settings == script.settings and len(candidate.daemons) == 3)
    assert small.settings == script.settings
    assert small.events == ()


def test_trying_ends() -> None:
    tried: list[Script] = []

    def is_wrong(candidate: Script) -> bool:
        tried.append(candidate)
        return False

    shrink(draw("everything", 5), is_wrong, tries=7)
    assert len(tried) == 7


def test_a_violation_is_the_same_whoever_it_happens_to_and_another_one_is_not() -> None:
    one, other = "69c70bf130ccf6a1e: zusatz is 'O’Nei' and 'O’Neill 3'", "691ee1f30ccf6a1e7: titel is 'Dr.' and None"
    assert kinds([one]) == kinds(["69c70bf130ccf6a1f: titel is 'Wert 2' and 'Wert 1'"])
    assert kinds([one]).isdisjoint(kinds([other, "work is left: {'retry': 1}"]))


def test_every_event_is_told_in_words() -> None:
    for profile in PROFILES:
        for seed in range(20):
            script = draw(profile, seed)
            told = story(script, ("it ended badly",)).splitlines()
            assert len(told) == len(script.events) + 2
            assert all(len(sentence(event)) > 10 for event in script.events)

"""The judge of the demonstration's addresses and accounts cannot be deceived."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.calllog import Call
from syncd.sandbox.demo_check import End, judge
from syncd.sandbox.demo_children import ACCOUNT, ADDRESS, LISTS, raw_body, rows, shown
from syncd.sandbox.demo_children_story import ChildActs, Children
from syncd.sandbox.demo_diary import Diary
from syncd.sandbox.sandbox import ADVOWARE, ESPO
from tests.sandbox.test_demo import Played

NEW = {"adresseStreet": "Neue Gasse 1", "adressePostalCode": "20001", "adresseCity": "Neustadt"}
IBAN = "DE02120300000000202051"


class Moved(Played):
    """The same day, and people also had to do with addresses and accounts; again somebody carried it all over."""

    PAIRS = 10

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.children = Children(self.diary)
        self.newcomer, self.mover, self.abroad, self.richer, self.gone = (record for record, _ in self.pairs[5:])
        self.children.add(ADVOWARE, self.newcomer, ADDRESS, NEW, "AB")
        self.show(self.newcomer, ADDRESS, NEW)
        self.edit(self.mover, {"adresseStreet": "Neue Gasse 2"})
        self.put(self.mover, {"adresseStreet": "Neue Gasse 2"})
        self.edit(self.abroad, {"adresseCountry": "A"})
        self.status(self.abroad, ADDRESS, "conflict")
        self.ask(self.abroad, "In Advoware: Beteiligter 1 → Adressen → Nr. 1: Land von „D“ auf „A“ ändern")
        [account] = self.children.listed(ESPO, self.richer, ACCOUNT)
        self.old = account["iban"]
        self.children.edit(ESPO, self.richer, ACCOUNT, account, {"iban": IBAN}, "anna")
        self.post(self.richer, ACCOUNT, {**shown(ACCOUNT, ESPO, account), "iban": IBAN})
        self.status(self.richer, ACCOUNT, "clean")
        self.ask(self.richer, f"In Advoware: Beteiligter 2 → Bankverbindungen → IBAN {self.old}: löschen")
        [account] = self.children.listed(ESPO, self.gone, ACCOUNT)
        self.children.drop(self.gone, ACCOUNT, account["id"], "anna")
        self.ask(self.gone, f"In EspoCRM gelöscht. In Advoware: Beteiligter 3 → Bankverbindungen: {account['iban']}")

    def number(self, record: str) -> int:
        betnr = self.diary.betnr(record)
        assert betnr is not None
        return betnr

    def edit(self, record: str, values: Mapping[str, Any]) -> None:
        [address] = self.children.listed(ESPO, record, ADDRESS)
        self.children.edit(ESPO, record, ADDRESS, address, values, "anna")
        self.status(record, ADDRESS, "clean")

    def status(self, record: str, kind: str, status: str) -> None:
        for child in self.children.listed(ESPO, record, kind):
            self.sandbox.espo.update(self.sandbox.espo.api_user, kind, child["id"], {"syncStatus": status})

    def show(self, record: str, kind: str, values: Mapping[str, Any]) -> str:
        """Create in EspoCRM, as the daemon does."""
        values = {**values, "beteiligterId": record, "syncStatus": "clean"}
        return self.sandbox.espo.create(self.sandbox.espo.api_user, kind, values).id

    def post(self, record: str, kind: str, values: Mapping[str, Any]) -> None:
        """Create in Advoware, as the daemon does."""
        add = self.sandbox.advoware.add_adresse if kind == ADDRESS else self.sandbox.advoware.add_bank
        add(defaults.ADVOWARE_USER, self.number(record), raw_body(ADVOWARE, kind, values))

    def put(self, record: str, values: Mapping[str, Any]) -> None:
        """Change the first address in Advoware, as the daemon does."""
        row = rows(ADDRESS, self.diary.advoware(record))[0]
        raw = raw_body(ADVOWARE, ADDRESS, values)
        self.sandbox.advoware.edit_adresse(defaults.ADVOWARE_USER, self.number(record), row["id"], raw)

    def ask(self, record: str, text: str) -> None:
        """A Task for people."""
        task = {"name": "Advoware", "status": "Not Started", "parentType": "CBeteiligte", "parentId": record}
        task["assignedUserId"] = self.sandbox.espo.clerks["anna"].id
        self.sandbox.espo.create(self.sandbox.espo.api_user, "Task", {**task, "description": f"{text}\n\n[syncd abc]"})

    def end(self, **changes: Any) -> End:
        return super().end(children=self.diary.children, dropped=frozenset(self.diary.dropped), **changes)


@pytest.fixture
def moved(sandbox: Sandbox) -> Moved:
    return Moved(sandbox)


def test_a_faithful_end_with_addresses_and_accounts_is_accepted(moved: Moved) -> None:
    report = judge(moved.end())
    assert report.wrong == []
    assert report.tasks == 3


def _forget_the_newcomer(day: Moved) -> None:
    child = day.children.listed(ESPO, day.newcomer, ADDRESS)[-1]
    day.sandbox.espo.delete(day.sandbox.espo.api_user, ADDRESS, child["id"])


def _make_it_twice(day: Moved) -> None:
    day.show(day.newcomer, ADDRESS, NEW)


def _post_it_twice(day: Moved) -> None:
    day.post(day.richer, ACCOUNT, shown(ACCOUNT, ADVOWARE, rows(ACCOUNT, day.diary.advoware(day.richer))[-1]))


def _keep_the_old_street(day: Moved) -> None:
    day.put(day.mover, {"adresseStreet": "Hauptstraße 1"})


def _strike_another_row(day: Moved) -> None:
    day.put(day.newcomer, {"adresseStreet": "Neue Gasse 2"})


def _touch_what_nobody_touched(day: Moved) -> None:
    [child] = day.children.listed(ESPO, day.untouched, ADDRESS)
    day.sandbox.espo.update(day.sandbox.espo.api_user, ADDRESS, child["id"], {"adresseCity": "Irgendwo"})


def _tell_nobody(day: Moved) -> None:
    for task in day.sandbox.people.espo.all("Task"):
        day.sandbox.espo.update(day.sandbox.espo.api_user, "Task", task["id"], {"status": "Completed"})


def _tell_twice(day: Moved) -> None:
    [task] = [one for one in day.sandbox.people.espo.all("Task") if one["parentId"] == day.abroad]
    day.ask(day.abroad, task["description"].partition("\n\n")[0])


def _cry_wolf(day: Moved) -> None:
    day.status(day.mover, ADDRESS, "conflict")


def _second_default(day: Moved) -> None:
    child = day.children.listed(ESPO, day.newcomer, ADDRESS)[-1]
    day.sandbox.espo.update(day.sandbox.espo.api_user, ADDRESS, child["id"], {"standard": True})


def _pay_into_another(day: Moved) -> None:
    [account] = day.children.listed(ESPO, day.mover, ACCOUNT)
    day.sandbox.espo.update(day.sandbox.espo.api_user, ACCOUNT, account["id"], {"iban": IBAN})


@pytest.mark.parametrize(
    ("manipulate", "kind"),
    [
        (_forget_the_newcomer, "lost"),
        (_make_it_twice, "doubled"),
        (_post_it_twice, "doubled"),
        (_keep_the_old_street, "lost"),
        (_keep_the_old_street, "differing"),
        (_strike_another_row, "differing"),
        (_strike_another_row, "unasked"),
        (_touch_what_nobody_touched, "unasked"),
        (_tell_nobody, "lost"),
        (_tell_nobody, "differing"),
        (_tell_twice, "doubled"),
        (_cry_wolf, "differing"),
        (_second_default, "doubled"),
        (_pay_into_another, "unasked"),
    ],
)
def test_no_manipulated_child_deceives_the_judge(moved: Moved, manipulate: Callable[[Moved], None], kind: str) -> None:
    manipulate(moved)
    assert getattr(judge(moved.end()), kind)


@pytest.mark.parametrize(("after", "window", "lost"), [(0.5, 1, 0), (1.5, 0, 1)])
def test_an_address_typed_in_the_instant_of_our_put_is_counted_apart(
    moved: Moved, after: float, window: int, lost: int
) -> None:
    row = rows(ADDRESS, moved.diary.advoware(moved.mover))[0]
    moved.children.edit(ADVOWARE, moved.mover, ADDRESS, row, {"adresseCity": "Neustadt 9"}, "AB")
    moved.put(moved.mover, {"adresseCity": row["ort"]})
    at = moved.diary.children[-1].at + after
    path = f"/api/v1/advonet/Beteiligte/{moved.number(moved.mover)}/Adressen/1"
    report = judge(moved.end(calls=[Call(at, ADVOWARE, "PUT", path, path, 200, defaults.ADVOWARE_USER, ("ort",))]))
    assert (len(report.window), len(report.lost)) == (window, lost)


async def test_what_the_diary_says_of_addresses_and_accounts_was_really_typed(sandbox: Sandbox) -> None:
    linked = [record for record, _ in sandbox.seed.synced(16)]
    diary = Diary(sandbox, lambda _: None)
    story = ChildActs(diary, linked[:13], random.Random(1))
    for _, act in story.acts():
        before = len(diary.children)
        await act()
        _stand(story, diary, before)
    for _ in range(20):
        for side in (ESPO, ADVOWARE):
            before = len(diary.children)
            story.anything(side, linked[14])
            _stand(story, diary, before)
    assert len(diary.children) > 60
    assert {one.kind for one in diary.children} == set(LISTS)


def _stand(story: ChildActs, diary: Diary, first: int) -> None:
    for one in diary.children[first:]:
        there = story.children.listed(one.side, one.parent, one.kind)
        [body] = [body for body in there if str(body["id"]) == one.child]
        assert shown(one.kind, one.side, body)[one.name] == one.value

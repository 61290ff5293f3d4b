"""The examples of docs/KOMMUNIKATION_SYNC.md, played by a whole daemon between the stand-in systems.

An example is a block of TOML: `known` what both sides agree on (absent: they have never been compared), `typed` what
people then make of a side's list, `then` what is there in the end, with the status and the writes it took. Entries of
Advoware are numbered in the order in which they were made. `how`: a policy of the list, a lost answer, a lost ledger.

`python -m tests.docs.test_kommunikation_examples` writes what happens today into the page; read it before you
believe it.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappers.kommunikation import form, obstacle, value
from mappers.spec import Entity, Policy
from scripts.docs_update import ROOT
from syncd.sandbox.faults import Kind
from tests.engine.story import ADVOWARE, ESPO, Story
from tests.virtual import run

PAGE = ROOT / "docs" / "KOMMUNIKATION_SYNC.md"
BLOCK = re.compile(r"^### (?P<title>.+)\n(?P<text>(?:(?!#|```).*\n)*)```toml\n(?P<code>[^`]*)```", re.MULTILINE)
PHONES, MAILS = "phoneNumberData", "emailAddressData"
ADVOWARES = ("kommKz", "tlf", "online", "bemerkung")
ESPOS = ("phoneNumber", "emailAddress", "type", "primary")
Rows = list[dict[str, Any]]
Example = Mapping[str, Any]


def examples() -> dict[str, Example]:
    """Every example of the page by its heading."""
    return {found["title"]: tomllib.loads(found["code"]) for found in BLOCK.finditer(PAGE.read_text("utf-8"))}


class Play:
    """One example on its stage."""

    def __init__(self, story: Story, example: Example) -> None:
        self.story = story
        self.example = example
        self.how = example.get("how", {})
        self.numbers: dict[int, int] = {}  # Advoware's ids -> the example's
        self.espo_id, self.betnr = "", 0

    async def told(self) -> dict[str, Any]:
        """What both sides show in the end, with the status and the writes; fails where `known` is not quiet."""
        self._set_policy()
        first = self.example.get("known", self.example["typed"])
        self._make(first)
        if self.how.get("answer_lost"):
            self.story.fault(Kind.TIMEOUT_APPLIED, system="advoware", method="POST", route="*/Kommunikationen")
        if "known" in self.example:
            await self.story.settle()
            assert self._lists() == first, "this is not what both sides agree on"
            if self.how.get("ledger_lost"):
                await self.story.without_daemon(600)
                self.story.world.lose_ledger()
            self._type()
        self.story.forget_calls()
        await self.story.live(120)
        told = {**self._lists(), "status": self.story.status(self.espo_id), "writes": self._writes()}
        for name, states in (("waits", ()), ("kept", ("kept",))):
            rows = await self.story.conflicts(self.espo_id, *states)
            told |= {name: [self._named(one) for one in rows]} if rows else {}
        return told

    def _set_policy(self) -> None:
        if "policy" not in self.how:
            return
        policy = Policy(self.how["policy"])

        def adapted(entity: Entity) -> Entity:
            return replace(entity, lists=tuple(replace(one, policy=policy) for one in entity.lists))

        self.story.world.entity = adapted

    def _make(self, lists: Mapping[str, Rows]) -> None:
        advoware = self.story.advoware
        self.betnr = advoware.create(dict(ADVOWARE))
        for row in lists["advoware"]:
            self._add(row)
        values = {**ESPO, "betnr": self.betnr, **_channels(lists["espocrm"])}
        self.espo_id = self.story.espo.create(values, by="anna")

    def _add(self, row: Mapping[str, Any]) -> None:
        values = {name: row.get(name) for name in ADVOWARES}
        self.numbers[self.story.advoware.add_kommunikation(self.betnr, values, by="AB")] = row["id"]

    def _type(self) -> None:
        """People make their lists what the example says."""
        typed, advoware = self.example["typed"], self.story.advoware
        if "espocrm" in typed:
            self.story.espo.edit(self.espo_id, _channels(typed["espocrm"]), by="anna")
        before = {row["id"]: row for row in self.example["known"]["advoware"]}
        after = {row["id"]: row for row in typed.get("advoware", before.values())}
        for actual, number in list(self.numbers.items()):
            if number not in after:
                advoware.remove_child(self.betnr, "kommunikation", actual)
            elif after[number] != before[number]:
                values = {name: after[number].get(name) for name in ADVOWARES}
                advoware.edit_kommunikation(self.betnr, actual, values, by="AB")
        for number in after.keys() - before.keys():
            self._add(after[number])

    def _lists(self) -> dict[str, Rows]:
        """Both lists as the page writes them; a number stays with its entry."""
        record = self.story.espo.see(self.espo_id)
        rows = sorted(self.story.advoware.see(self.betnr)["kommunikation"], key=lambda one: one["id"])
        for row in rows:
            self.numbers.setdefault(row["id"], max(self.numbers.values(), default=0) + 1)
        return {
            "espocrm": [_short(row, ESPOS) for row in (*record[PHONES], *record[MAILS])],
            "advoware": [{"id": self.numbers[row["id"]], **_short(row, ADVOWARES)} for row in rows],
        }

    def _writes(self) -> list[str]:
        """Each write about numbers: POST and PUT to Advoware, PATCH of a list in EspoCRM."""
        told = []
        for call in self.story.calls():
            if "Kommunikationen" in call.path and call.method != "GET":
                last = call.path.rpartition("/")[2]
                told.append(f"PUT {self.numbers[int(last)]}" if call.method == "PUT" else "POST")
            elif call.method == "PATCH":
                told += [f"PATCH {name}" for name in (PHONES, MAILS) if name in call.names]
        return told

    def _named(self, conflict: Mapping[str, Any]) -> str:
        """A conflict in the page's words: of which entry, of which kind, with the values."""
        tail = conflict["field"].partition(":")[2]
        number = str(self.numbers[int(tail)]) if tail.isdecimal() else "new"
        return f"{number} {conflict['kind']}: {conflict['espo']} | {conflict['advoware']}"


def _channels(rows: Iterable[Mapping[str, Any]]) -> dict[str, Rows]:
    whole = [{"primary": False, "optOut": False, "invalid": False, **row} for row in rows]
    return {
        PHONES: [row for row in whole if "phoneNumber" in row],
        MAILS: [row for row in whole if "emailAddress" in row],
    }


def _short(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row and not (name == "primary" and not row[name])}


@pytest.mark.parametrize("title", examples())
def test_the_example_is_what_happens(title: str, tmp_path: Path) -> None:
    example = examples()[title]

    async def main() -> None:
        assert await Play(Story(tmp_path, {}), example).told() == example["then"]

    run(main())


VALUE = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (?:`([^`]+)`|–) \|$", re.MULTILINE)


@pytest.mark.parametrize(("typed", "compared", "kept"), VALUE.findall(PAGE.read_text("utf-8")))
def test_a_value_is_compared_as_the_page_says(typed: str, compared: str, kept: str) -> None:
    channel = MAILS if "@" in typed else PHONES
    assert value(f" {typed} ") == compared
    assert ("" if obstacle(channel, form(typed) or "") else form(typed)) == kept


def test_the_page_tells_of_values_of_every_sort() -> None:
    assert len(VALUE.findall(PAGE.read_text("utf-8"))) >= 10


def test_there_are_enough_examples() -> None:
    assert len(examples()) >= 6


# --- writing ----------------------------------------------------------------------------------


def _toml(then: Mapping[str, Any]) -> str:
    lines = ["[then]"]
    for name, told in then.items():
        if isinstance(told, str):
            lines.append(f"{name} = {_value(told)}")
        elif told and isinstance(told[0], dict):
            rows = [", ".join(f"{key} = {_value(one)}" for key, one in row.items()) for row in told]
            lines.append(f"{name} = [\n" + "".join(f"  {{ {row} }},\n" for row in rows) + "]")
        else:
            lines.append(f"{name} = [{', '.join(map(_value, told))}]")
    return "\n".join(lines) + "\n"


def _value(one: object) -> str:
    if isinstance(one, bool):
        return str(one).lower()
    return f'"{one}"' if isinstance(one, str) else str(one)


def rewrite() -> None:
    """Put what happens today in place of each example's end."""

    def again(found: re.Match[str]) -> str:
        begin, _, _ = found["code"].partition("[then]")

        async def main() -> str:
            with tempfile.TemporaryDirectory() as place:
                return _toml(await Play(Story(Path(place), {}), tomllib.loads(begin)).told())

        return f"### {found['title']}\n{found['text']}```toml\n{begin}{run(main())}```"

    PAGE.write_text(BLOCK.sub(again, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    rewrite()

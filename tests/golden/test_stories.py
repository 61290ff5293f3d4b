"""Stories a clerk understands: a situation, and what syncd makes of it. One TOML file each.

`python -m tests.golden.test_stories` writes the plans anew; read the difference before you believe it.

Keys of a story: `title`, `why`; `entity` where it is no Beteiligter; `agreed` what both sides last agreed on
(absent: no base); `espocrm` and `advoware` what differs from that now, in each side's own fields, `gone = true`
where there is no record, `silent = true` where there is no answer; `search` the rows found by a search; `known`
what else is remembered; `settings` of single fields; `kommunikation` the numbers and addresses, see `numbers`;
`plan` what shall be done, in the order in which it is done. Where numbers are agreed on and nothing else is said,
it is Frau Müller.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.spec import Direction, Entity, Policy, Side
from syncd.model import (
    Absent,
    Action,
    AdvowareSeen,
    Base,
    Decision,
    EspoSeen,
    FieldWrite,
    Found,
    Intent,
    IntentState,
    Key,
    LinkChoice,
    LinkDecision,
    Memory,
    PairState,
    PlanPolicy,
    Present,
    Search,
    Trust,
    Unknown,
    Unlinked,
    Version,
)
from syncd.plan import plan
from tests.golden import numbers
from tests.golden.words import told

Story = Mapping[str, Any]
STORIES = sorted(Path(__file__).parent.glob("*.toml"))
BETNR = 104860
PARENT = "66a1"  # whose address or account it is, unless the story says otherwise
ENTITIES = {one.name: one for one in (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN)}
NOON = 1_790_000_000.0
POLICY = PlanPolicy("syncd", "SYNCD", 2.0)
FRAU_MUELLER = {"name": "Müller", "vorname": "Anna", "anrede": "Frau", "geburtsdatum": "1980-02-29"}


def read(path: Path) -> Story:
    return parsed(path.read_text("utf-8"))


def parsed(text: str) -> Story:
    story = tomllib.loads(text)
    return {"agreed": FRAU_MUELLER, **story} if "agreed" in story.get("kommunikation", {}) else story


def entity(story: Story) -> Entity:
    """The story's entity, Beteiligte if it says nothing, with its settings."""
    kinds = {"policy": Policy, "direction": Direction}
    settings: dict[str, dict[str, Any]] = {
        name: {key: kinds[key](value) for key, value in changes.items()}
        for name, changes in story.get("settings", {}).items()
    }
    declared = ENTITIES[story.get("entity", BETEILIGTE.name)]
    lists = tuple(replace(entries, **settings.get(entries.name, {})) for entries in declared.lists)
    return replace(declared.with_fields(settings), lists=lists)


def record(side: Side, story: Story) -> dict[str, Any]:
    """What the side agreed on, as that side writes it."""
    known = story.get("agreed", {})
    return {
        field.attribute(side): field.codec.render(side, known.get(field.name))
        for field in entity(story).fields
        if side is Side.ADVOWARE or known.get(field.name) is not None
    }


def seen(side: Side, story: Story) -> Present | Absent | Unknown:
    now = dict(story.get(str(side), {}))
    if now.pop("gone", False):
        return Absent()
    if now.pop("silent", False):
        return Unknown("HTTP 500")
    mapped = entity(story)
    number = mapped.link if side is Side.ESPO else mapped.advoware_id
    whose = {mapped.child.espo: PARENT} if mapped.child is not None and side is Side.ESPO else {}
    now.pop("saved_by", None)
    at = NOON + 60 * now.pop("minutes_later", 0)
    typed = side is Side.ESPO and "espocrm" in story.get("kommunikation", {})
    token = now.pop("token", "T1" if typed else "T0")
    lists = numbers.bodies(story["kommunikation"])[side] if "kommunikation" in story else {}
    shown = {number: BETNR} if number else {}
    body = {**shown, **whose, "syncStatus": "clean", **record(side, story), **lists, **now}
    return Present(body, Version(token, None, at, saved_by(side, story)))


def saved_by(side: Side, story: Story) -> str:
    return str(story.get(str(side), {}).get("saved_by", "anna" if side is Side.ESPO else "AB"))


def memory(story: Story) -> Memory:
    known = dict(story.get("known", {}))
    linked = known.pop("linked", "agreed" in story)
    before = {side: Version("T0", None, NOON, saved_by(side, story)) for side in Side}
    values: dict[str, Any] = {"admitted": known.pop("admitted", True)}
    if linked:
        values |= {"state": PairState.LINKED, "advoware_id": BETNR, "trust": Trust.CONFIRMED, "link_shown": True}
        values |= {"espo_version": before[Side.ESPO], "advoware_version": before[Side.ADVOWARE]}
    if "agreed" in story and not known.pop("ledger_lost", False):
        values["base"] = base(story, known.pop("not_mapped_before", []))
    else:
        values |= {"espo_version": Version(), "advoware_version": Version()}
    for name, kind in (("state", PairState), ("believe", Side)):
        if name in known:
            values[name] = kind(known.pop(name))
    if "decision" in known:
        values["decisions"] = {item["field"]: _decision(item) for item in known.pop("decision")}
    if "link_decision" in known:
        chosen = known.pop("link_decision")
        values["link_decision"] = LinkDecision(LinkChoice(chosen["choice"]), chosen.get("advoware_id"))
    if "refused" in known:
        values["quarantine"] = {(Side(item["by"]), item["field"]): item["value"] for item in known.pop("refused")}
    if "lost_post" in known:
        values["intents"] = (_lost_post(known.pop("lost_post")),)
    if "kommunikation" in story:
        values["intents"] = (*values.get("intents", ()), *numbers.lost(story["kommunikation"], NOON))
        values["shared"] = numbers.elsewhere(story["kommunikation"])
    values |= {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    mapped = entity(story)
    if mapped.child is not None:
        values["parent"] = str(Key(mapped.child.parent, PARENT))
    return Memory(Key(mapped.name, "66b0c2a1f"), **values)


def base(story: Story, unmapped: list[str]) -> dict[str, Base]:
    espo, advoware, mapped = record(Side.ESPO, story), record(Side.ADVOWARE, story), entity(story)
    fields = {
        field.name: Base(espo.get(field.espo), advoware[field.advoware], field.rule)
        for field in mapped.fields
        if field.name not in unmapped
    }
    return fields | numbers.base(story.get("kommunikation", {}))


def _decision(item: Mapping[str, Any]) -> Decision:
    return Decision("c1", item.get("value"), item.get("saw_espocrm"), item.get("saw_advoware"))


def _lost_post(sent: Mapping[str, Any]) -> Intent:
    values = {name: value for name, value in sent.items() if name != "repeatable"}
    writes = tuple(FieldWrite(name, None, value) for name, value in values.items())
    repeatable = bool(sent.get("repeatable", False))
    return Intent("i1", Side.ADVOWARE, "create", writes, NOON, IntentState.IN_DOUBT, repeatable=repeatable)


def searched(story: Story) -> Unlinked:
    found = story.get("search", {})
    rows = []
    for row in found.get("rows", []):
        facts = dict(row)
        by_us = facts.pop("created_by_us", False)
        rows.append(
            Found(
                facts[entity(story).advoware_id],
                facts,
                NOON + 1 if by_us else NOON - 10**7,
                POLICY.our_advoware_user if by_us else "AB",
                facts.pop("taken", False),
            )
        )
    return Unlinked(tuple(rows), Search(found.get("trust", "trusted")))


def planned(story: Story) -> tuple[Action, ...]:
    espo: EspoSeen = seen(Side.ESPO, story)
    advoware: AdvowareSeen = searched(story) if "search" in story else seen(Side.ADVOWARE, story)
    return plan(entity(story), memory(story), espo, advoware, POLICY)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: str(path.stem))
def test_story(path: Path) -> None:
    story = read(path)
    assert story["title"]
    assert told(planned(story)) == story["plan"]["steps"], story["title"]


def test_there_are_enough_stories_and_no_two_of_one_title() -> None:
    titles = [read(path)["title"] for path in STORIES]
    assert len(set(titles)) == len(titles) >= 30


def rewrite(path: Path) -> None:
    """Put what is planned today in place of the story's plan."""
    situation, _, _ = path.read_text("utf-8").partition("[plan]")
    lines = "".join(f'  "{line}",\n' for line in told(planned(parsed(situation))))
    path.write_text(f"{situation}[plan]\nsteps = [\n{lines}]\n", "utf-8")


if __name__ == "__main__":
    for each in STORIES:
        rewrite(each)

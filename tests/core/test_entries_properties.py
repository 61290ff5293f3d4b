"""Lists of phones and e-mails, perturbed twice: whatever people typed, plans come to rest and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.kommunikation import BEMERKUNG_MAX, LIMIT, MAILS, PHONES, VALUES, form, split
from mappers.spec import Policy, Side
from tests.core import entries_laws as laws
from tests.core.entries_laws import Before
from tests.core.entries_world import World, entity, mail, phone, remembered_numbers

PHONE_KINDS, MAIL_KINDS, OTHERS = (1, 2, 3, 6, 7, 9, 10), (4, 8), (5, 11, 12)
TYPES = ("Office", "Fax", "Mobile", "Home", "Other")

NUMBERS = (*(f"+4951112345{end:02}" for end in range(16)), "+491711234567", "+43123456789")
ADDRESSES = (*(f"kanzlei{end}@example.com" for end in range(6)), "Anna.Mueller@Example.DE")
UNREADABLE = ("Zentrale", "0511", "112", "nur vormittags", "anna@", "+49 511 123 oder 124")

TEXTS = (
    "", " ", "Sekretariat", "Büro – nur 9–12 Uhr", "[ESPOCRM", "[ESPOCRM:kein base64!:1] alt", "[OUTLOOK:42] privat",
    "line one\r\nline two", "ö" * (BEMERKUNG_MAX - 60), "x" * BEMERKUNG_MAX, "𠮷 Anrufbeantworter ",
)  # fmt: skip


def spellings(number: str) -> tuple[str, ...]:
    """How people in Advoware write a number; the last has an extension, which EspoCRM drops."""
    if not number.startswith("+49"):
        return (number,)
    area, rest = number[3:6], number[6:]
    return number, f"0{area}/{rest}", f"0{area} - {rest[:3]} {rest[3:]}", f"+49 (0) {area} {rest}", f"{number};ext=7"


@st.composite
def there(draw: st.DrawFn) -> tuple[int, str]:
    """Kind and tlf of an entry as typed in Advoware."""
    what = draw(st.integers(0, 9))
    if what == 0:
        return draw(st.sampled_from((*PHONE_KINDS, *MAIL_KINDS))), draw(st.sampled_from(UNREADABLE))
    if what == 1:
        return draw(st.sampled_from(OTHERS)), draw(st.sampled_from(("www.example.com", *NUMBERS[:2])))
    if what <= 3:
        return draw(st.sampled_from(MAIL_KINDS)), draw(st.sampled_from(ADDRESSES))
    return draw(st.sampled_from(PHONE_KINDS)), draw(st.sampled_from(spellings(draw(st.sampled_from(NUMBERS)))))


@st.composite
def here(draw: st.DrawFn) -> tuple[str, str]:
    """List and value of an entry as typed in EspoCRM."""
    if draw(st.integers(0, 3)) == 0:
        return MAILS, draw(st.sampled_from(ADDRESSES))
    return PHONES, draw(st.sampled_from(NUMBERS))


@dataclass(frozen=True)
class There:
    """Something a person does in Advoware, to an entry or by adding one."""

    what: str
    at: int
    kind: int
    tlf: str
    remark: str
    online: bool

    def __call__(self, world: World) -> None:
        numbers = sorted(world.rows)
        if self.what == "add" or not numbers:
            world.type_in(self.kind, self.tlf, self.remark, online=self.online)
            return
        number = numbers[self.at % len(numbers)]
        row = world.rows[number]
        match self.what:
            case "change" if ("@" in self.tlf) == (
                row["kommKz"] in MAIL_KINDS
            ):  # nobody types a number over an address
                world.edit(number, tlf=self.tlf)
            case "empty":
                world.edit(number, tlf="")
            case "remove":
                world.remove(number)
            case "remark":
                mark = row["bemerkung"][: len(row["bemerkung"]) - len(split(row["bemerkung"])[1])]
                world.edit(number, bemerkung=(mark + self.remark)[:BEMERKUNG_MAX])
            case "unmark":
                world.edit(number, bemerkung=split(row["bemerkung"])[1])
            case "turn":
                world.edit(number, online=not row["online"])
            case "twin":
                world.type_in(row["kommKz"], row["tlf"], self.remark, online=self.online)


@dataclass(frozen=True)
class Here:
    """Something a person does in EspoCRM, to an entry of a list or by adding one."""

    what: str
    at: int
    channel: str
    given: str
    type: str

    def __call__(self, world: World) -> None:
        rows = [dict(row) for row in world.lists[self.channel]]
        index = self.at % len(rows) if rows else 0
        known = {form(row[VALUES[self.channel]]) for row in rows}
        if form(self.given) in known and self.what in ("add", "change"):
            return
        if self.what == "add" or not rows:
            rows.append(phone(self.given, self.type) if self.channel == PHONES else mail(self.given))
        elif self.what == "change":
            rows[index] |= {VALUES[self.channel]: self.given}
        elif self.what == "remove":
            del rows[index]
        elif self.what == "retype" and self.channel == PHONES:
            rows[index]["type"] = self.type
        elif self.what == "prefer":
            rows = [{**row, "primary": place == index} for place, row in enumerate(rows)]
        if len(rows) <= LIMIT and rows != world.lists[self.channel]:
            world.save_espo(self.channel, rows)


Edit = Here | There
PLACE = st.integers(0, 9)


@st.composite
def edits_there(draw: st.DrawFn) -> There:
    what = draw(st.sampled_from(["add", "change", "change", "empty", "remove", "remark", "unmark", "turn", "twin"]))
    kind, tlf = draw(there())
    return There(what, draw(PLACE), kind, tlf, draw(st.sampled_from(TEXTS)), draw(st.booleans()))


@st.composite
def edits_here(draw: st.DrawFn) -> Here:
    what = draw(st.sampled_from(["add", "change", "change", "remove", "retype", "prefer"]))
    channel, given = draw(here())
    return Here(what, draw(PLACE), channel, given, draw(st.sampled_from(TYPES)))


@dataclass(frozen=True)
class Case:
    """A record as people left it before its first sync, and what they did after it on each side."""

    policy: Policy
    start: tuple[Edit, ...]
    later: tuple[Edit, ...]
    copies: bool
    deaths: tuple[tuple[int, bool], ...] = ()


@st.composite
def cases(draw: st.DrawFn, *, deaths: bool = False, sides: tuple[Side, ...] = tuple(Side), many: int = 5) -> Case:
    one: dict[Side, st.SearchStrategy[Edit]] = {Side.ESPO: edits_here(), Side.ADVOWARE: edits_there()}
    later: st.SearchStrategy[Edit] = st.one_of([one[side] for side in sides])
    dies = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=3)
    return Case(
        draw(st.sampled_from(Policy)),
        tuple(draw(st.lists(st.one_of(edits_here(), edits_there()), max_size=8))),
        tuple(draw(st.lists(later, max_size=many))),
        draw(st.booleans()),
        tuple(draw(dies)) if deaths else (),
    )


def agreed(case: Case) -> World:
    """The record after its first sync, nothing open but what cannot be settled."""
    world = World(entity(case.policy), copies=case.copies)
    for edit in case.start:
        edit(world)
    world.settle()
    return world.copy()


def perturbed(case: Case) -> World:
    world = agreed(case)
    for edit in case.later:
        edit(world)
    return world


@pytest.fixture(autouse=True, scope="module")
def _fast() -> Iterator[None]:
    with remembered_numbers():
        yield


plenty = settings(max_examples=120, deadline=None, derandomize=True)


def run(case: Case) -> tuple[Before, World]:
    world = perturbed(case)
    before = Before(world)
    world.settle(case.deaths)
    return before, world


@plenty
@given(cases())
def test_all_laws_hold_for_a_record_with_a_known_past(case: Case) -> None:
    laws.check(*run(case))


@plenty
@given(cases(sides=(Side.ADVOWARE,)))
def test_what_only_advoware_changed_goes_to_espocrm_and_nothing_but_markers_back(case: Case) -> None:
    before, after = run(case)
    laws.check(before, after)
    assert not after.kept


@plenty
@given(cases(sides=(Side.ESPO,)))
def test_what_only_espocrm_changed_goes_to_advoware_and_espocrm_is_left_alone(case: Case) -> None:
    before, after = run(case)
    laws.check(before, after)
    assert not after.kept
    assert not after.patches


@plenty
@given(cases(deaths=True))
def test_jobs_that_die_lose_and_double_nothing(case: Case) -> None:
    """After any write, with its answer or without: the next job starts from what both sides and the ledger say."""
    before, after = run(case)
    laws.nothing_typed_is_lost(before, after)
    laws.nothing_is_doubled(before, after)
    laws.nothing_unknown_is_emptied(before, after)
    laws.people_keep_their_remarks(before, after)
    laws.it_is_quiet(after)


@plenty
@given(cases())
def test_without_a_ledger_nothing_is_doubled_and_nothing_deleted(case: Case) -> None:
    """What people typed before and after the loss is there in the end, or kept for them."""
    world = perturbed(case)
    before = Before(world)
    world.lose_ledger()
    world.settle()
    laws.nothing_typed_is_lost(before, world)
    laws.nothing_is_doubled(before, world)
    laws.people_keep_their_remarks(before, world)
    laws.it_is_quiet(world)


@plenty
@given(cases(many=0))
def test_a_first_sync_brings_everything_to_both_sides(case: Case) -> None:
    world = World(entity(case.policy), copies=case.copies)
    world.lose_ledger()
    for edit in case.start:
        edit(world)
    before = Before(world)
    world.settle()
    laws.check(before, world)
    assert not world.kept


@plenty
@given(cases(many=0), st.integers(30, 120))
def test_where_advoware_cuts_remarks_people_keep_theirs(case: Case, end: int) -> None:
    world = World(entity(case.policy), copies=case.copies)
    for edit in case.start:
        edit(world)
    for row in world.rows.values():
        row["bemerkung"] = row["bemerkung"][:end]
    world.remark_max = end
    before = Before(world)
    world.settle()
    laws.people_keep_their_remarks(before, world)
    laws.nothing_typed_is_lost(before, world)
    laws.it_is_quiet(world)


@plenty
@given(cases(), st.lists(st.one_of(edits_here(), edits_there()), min_size=1, max_size=4))
def test_of_many_edits_in_succession_the_last_ones_arrive(case: Case, edits: list[Edit]) -> None:
    world = agreed(case)
    for edit in edits:
        edit(world)
        before = Before(world)
        world.settle()
        laws.end_is_what_people_wanted(before, world)
        laws.nothing_is_doubled(before, world)


@pytest.mark.parametrize("policy", Policy)
def test_what_does_not_fit_into_espocrm_stays_in_advoware_and_is_shown(policy: Policy) -> None:
    world = World(entity(policy))
    for number in NUMBERS[: LIMIT + 3]:
        world.type_in(1, number)
    world.settle()
    assert len(world.lists[PHONES]) == LIMIT
    assert [(item.side, item.reason) for item in world.waiting.values()] == [(Side.ESPO, "full")] * 3  # type: ignore[union-attr]
    laws.it_is_quiet(world)
    rows = [row for row in world.lists[PHONES] if row["phoneNumber"] != NUMBERS[0]]
    world.save_espo(PHONES, rows)
    world.settle()
    assert len(world.lists[PHONES]) == LIMIT
    assert len(world.waiting) == 2
    laws.it_is_quiet(world)

"""What the doctor says of each thing that can be wrong, with its remedy; and that no answer brings it down."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.shape import Kind
from mappers.spec import Direction, Entity
from syncd import webhooks
from syncd.doctor import advoware, assumed, espocrm, fields, rights, stores
from syncd.doctor.answers import number, table, word
from syncd.findings import Check, Finding, Verdict
from syncd.model import Status
from syncd.setup.formula import block, with_block
from syncd.setup.wanted import wanted

TYPES = ["Mobile", "Office", "Home", "Fax", "Other"]
TEXT: dict[str, Any] = {"type": "varchar", "maxLength": 100}
FIELDS: dict[str, Any] = {
    **{field.espo: TEXT for field in BETEILIGTE.fields},
    "lastName": {**TEXT, "required": True},
    "salutationName": {"type": "enum", "options": ["", "Mr.", "Ms."]},
    "geburtsdatum": {"type": "date"},
    "betnr": {"type": "int"},
    "phoneNumber": {"type": "phone", "typeList": TYPES},
    "emailAddress": {"type": "email"},
    "kommunikationHash": {"type": "varchar", "maxLength": 16},
    "syncStatus": {"type": "enum", "options": list(Status), "default": "pending_sync"},
    "advowareLastSync": {"type": "datetime"},
    "advowareRowId": {"type": "varchar", "maxLength": 50},
    "syncErrorMessage": {"type": "text"},
    "syncRetryCount": {"type": "int"},
    "syncNextRetry": {"type": "datetime"},
    "syncAutoResetAt": {"type": "datetime"},
}
ALL = {"create": "yes", "read": "all", "edit": "all", "delete": "no", "stream": "all"}
ACL: dict[str, Any] = {
    "table": {"CBeteiligte": ALL, "Task": ALL, "User": {"read": "all"}, "Team": {"read": "all"}, "Webhook": True},
    "assignmentPermission": "all",
}


def bad(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.check, one.about, one.grade) for one in found if one.grade != "ok"]


def of_fields(**changes: Any) -> list[Finding]:
    defined = {name: one for name, one in (FIELDS | changes).items() if one is not None}
    return fields.judge(BETEILIGTE, {"fields": defined})


def test_an_entity_as_it_must_be_is_well() -> None:
    assert bad(of_fields()) == []
    assert bad(rights.judge(ACL, [BETEILIGTE])) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"phoneNumber": {"type": "phone"}},
        {"phoneNumber": {"type": "phone", "typeList": [*TYPES, "Zentrale"]}},
        {"kommunikationHash": {"type": "text", "maxLength": 100}},
        {"zusatz": {"type": "text"}},
        {"firmsOwn": {"type": "varchar", "required": True, "default": "x"}},
        {"firmsOwn": {"type": "bool", "required": True}},
    ],
)
def test_what_can_hold_the_values_is_well(changes: dict[str, Any]) -> None:
    assert bad(of_fields(**changes)) == []


@pytest.mark.parametrize(
    ("name", "definition", "check", "grade", "todo"),
    [
        ("titel", None, Check.ESPO_FIELD, "fail", "name yours in syncd.toml"),
        ("titel", {"type": "bool"}, Check.ESPO_FIELD, "fail", "of type varchar"),
        ("titel", {**TEXT, "readOnly": True}, Check.ESPO_FIELD, "fail", "switch that off"),
        ("titel", {**TEXT, "maxLength": 20}, Check.ESPO_LENGTH, "warn", "longer"),
        ("geburtsdatum", {"type": "datetime"}, Check.ESPO_FIELD, "fail", "of type date"),
        ("salutationName", {"type": "enum", "options": ["Herr"]}, Check.ESPO_OPTIONS, "warn", "options"),
        ("rechtsform", {"type": "enum", "options": ["GmbH"]}, Check.ESPO_OPTIONS, "warn", "varchar"),
        ("betnr", {"type": "varchar"}, Check.ESPO_FIELD, "fail", "of type int"),
        ("advowareRowId", {"type": "varchar", "maxLength": 30}, Check.ESPO_LENGTH, "fail", "at least 40"),
        ("syncStatus", {"type": "enum", "options": ["clean"]}, Check.ESPO_OPTIONS, "fail", "setup"),
        ("syncStatus", {"type": "enum", "options": list(Status)}, Check.ESPO_OPTIONS, "warn", "default"),
        ("phoneNumber", None, Check.ESPO_LIST, "fail", "Person or Company"),
        ("phoneNumber", {"type": "phone", "typeList": ["Office"]}, Check.ESPO_LIST, "fail", "types"),
        ("emailAddress", {"type": "varchar"}, Check.ESPO_LIST, "fail", "of type email"),
        ("kommunikationHash", None, Check.ESPO_FIELD, "fail", "setup"),
        ("kommunikationHash", {"type": "varchar", "maxLength": 10}, Check.ESPO_LENGTH, "fail", "at least 16"),
        ("mandantSeit", {"type": "date", "required": True}, Check.ESPO_REQUIRED, "warn", "import"),
        ("titel", {**TEXT, "required": True}, Check.ESPO_REQUIRED, "warn", "optional"),
    ],
)
def test_each_field_that_is_wrong_is_told_with_its_remedy(
    name: str, definition: dict[str, Any] | None, check: Check, grade: str, todo: str
) -> None:
    [finding] = [one for one in of_fields(**{name: definition}) if one.grade != "ok"]
    assert (finding.check, finding.grade) == (check, grade)
    assert todo in finding.todo
    assert finding.about in (name, "CBeteiligte")


def test_what_does_not_travel_needs_no_field() -> None:
    entity = BETEILIGTE.with_fields({"titel": {"direction": Direction.OFF}})
    defined = {name: one for name, one in FIELDS.items() if name != "titel"}
    assert bad(fields.judge(entity, {"fields": defined})) == []


@pytest.mark.parametrize(
    ("scope", "given", "grade"),
    [
        ("CBeteiligte", None, "fail"),
        ("CBeteiligte", {**ALL, "read": "own"}, "fail"),
        ("CBeteiligte", {**ALL, "edit": "team"}, "fail"),
        ("CBeteiligte", {**ALL, "create": "no"}, "warn"),
        ("CBeteiligte", {**ALL, "stream": "no"}, "warn"),
        ("Task", {"read": "all", "edit": "all"}, "warn"),
        ("User", {"read": "no"}, "warn"),
        ("Team", None, "warn"),
        ("Webhook", False, "warn"),
    ],
)
def test_each_right_that_is_missing_is_told(scope: str, given: object, grade: str) -> None:
    acl = {**ACL, "table": {**ACL["table"], scope: given}}
    assert bad(rights.judge(acl, [BETEILIGTE])) == [(Check.ESPO_RIGHTS, scope, grade)]


def test_rights_on_single_fields_and_on_assigning_are_told() -> None:
    cut = {"CBeteiligte": {"titel": {"read": "yes", "edit": "no"}, "zusatz": {"read": "no", "edit": "no"}}}
    found = rights.judge({**ACL, "fieldTable": cut, "assignmentPermission": "team"}, [BETEILIGTE])
    grades = [one for one in found if one.grade != "ok"]
    assert [one.check for one in grades] == [Check.ESPO_FIELD_RIGHTS, Check.ESPO_FIELD_RIGHTS, Check.ESPO_ASSIGN]
    assert "zusatz" in grades[0].seen
    assert "titel" in grades[1].seen


def test_a_formula_must_see_all_and_leave_out_our_own_writes() -> None:
    [entity] = wanted([BETEILIGTE])
    good = block(entity.watched, entity.status, "sync_api")
    assert espocrm.formula(entity, with_block("x = 1;", good), "sync_api").grade == "ok"
    assert espocrm.formula(entity, "", "sync_api").grade == "warn"
    assert espocrm.formula(entity, good, "another").grade == "fail"
    overlooked = espocrm.formula(entity, good.replace("'titel'", "'t'"), "sync_api")
    assert overlooked.grade == "warn"
    assert "titel" in overlooked.seen


@pytest.mark.parametrize(
    ("text", "grade"), [("9.3.10", "ok"), ("9.1.0", "warn"), ("10.0.0-beta", "warn"), ("", "warn"), ("@@", "warn")]
)
def test_versions_and_their_oddities(text: str, grade: str) -> None:
    assert espocrm.version(text).grade == grade


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://127.0.0.1:8765/x", True),
        ("http://syncd:8765/", True),
        ("https://sync.firm.example/", False),
        ("http://192.168.1.4/", True),
        ("http://[", False),
    ],
)
def test_internal_addresses_are_known(url: str, inside: bool) -> None:
    assert espocrm.internal(url) is inside


@pytest.mark.parametrize(
    ("base", "grade"), [("", "ok"), ("https://old.example/", "ok"), ("https://new.example", "warn")]
)
def test_a_webhook_that_leads_elsewhere_is_told(base: str, grade: str) -> None:
    wish = next(one for one in webhooks.wanted([BETEILIGTE]) if one.event.endswith("update"))
    there = webhooks.Known("w", wish.event, f"https://old.example{wish.path}", True, True, True)
    [finding] = espocrm.webhook(webhooks.judge([wish], [there], base))
    assert (finding.check, finding.grade) == (Check.ESPO_WEBHOOK, grade)


@pytest.mark.parametrize(
    ("asked", "keeps", "grade"),
    [(True, True, "ok"), (True, None, "warn"), (True, False, "fail"), (False, None, "ok"), (False, True, "ok")],
)
def test_a_partial_put_must_go_with_what_was_seen(asked: bool, keeps: object, grade: str) -> None:
    assert advoware.partial_put(asked, keeps, "probe").grade == grade


BODY: dict[str, Any] = {
    **{field.advoware: "x" for field in BETEILIGTE.fields},
    "geburtsdatum": "1980-01-01T00:00:00", "betNr": 7, "rowId": "A" * 40,
    "geaendertAm": "2026-11-20T10:00:00", "geaendertVon": "syncd", "angelegtAm": "2020-01-01T10:00:00",
    "mobil": "+491711", "kommunikation": [
        {"id": 1, "tlf": "+491711", "bemerkung": "[ESPOCRM:KzQ5MTcxMQ==:3] x", "kommKz": 0},
        {"id": 2, "tlf": None, "bemerkung": "[ESPOCRM-SLOT:1]", "kommKz": 0},
    ],
    "adressen": [{
        **{field.advoware: "x" for field in ADRESSEN.fields}, "id": 3, "rowId": "B" * 40, "reihenfolgeIndex": 1,
        "standardAnschrift": True, "gueltigVon": None, "gueltigBis": "2026-12-31T00:00:00",
    }],
    "bankkverbindungen": [
        {"id": 4, "rowId": "C" * 40, "iban": "DE89370400440532013000", "bic": None, "bank": "x", "kontoinhaber": "x"},
    ],
}  # fmt: skip


def verdicts(evidence: assumed.Evidence) -> dict[str, tuple[Verdict, str]]:
    return {one.name: (one.verdict, one.seen) for one in assumed.judge(evidence)}


def test_what_an_answer_shows_of_the_assumptions() -> None:
    now = 1_795_167_600.0  # 2026-11-20 09:40 UTC
    seen = assumed.Evidence(BETEILIGTE, "syncd", now, answers=[[BODY]], bodies=[BODY], search=(True, 3, 0))
    told = verdicts(seen)
    assert told["one Beteiligter is answered as an object or a list with it"] == (Verdict.HOLDS, "list seen")
    assert told["an emptied tlf reads back as something blank"] == (Verdict.HOLDS, "reads back as null")
    assert told["kommKz 1 to 12 mean what the convenience copies say"] == (Verdict.HOLDS, "seen of 3")
    assert told["kommKz reads back as 0"][0] is Verdict.HOLDS
    assert told["geaendertAm is Europe/Berlin local time"][0] is Verdict.UNSEEN
    assert told["search parameters name and vorname"][0] is Verdict.HOLDS
    seen.search = (True, 100, 100)
    seen.own_write = assumed.OwnWrite(now, now - 3600)
    seen.bodies.append({**BODY, "betNr": 8, "angelegtAm": "2019-01-01T10:00:00", "rowId": "short"})
    told = verdicts(seen)
    assert told["search parameters name and vorname"][0] is Verdict.DIFFERS
    assert told["geaendertAm is Europe/Berlin local time"] == (
        Verdict.DIFFERS,
        "a write of ours bears a time +1 h off",
    )
    assert told["a later Beteiligter has a higher betNr"][0] is Verdict.DIFFERS
    assert told["rowId has 40 capital letters"][0] is Verdict.DIFFERS


def test_a_name_in_syncd_toml_that_no_answer_has_is_told() -> None:
    own = config.EntityMapping(fields={"titel": config.FieldMapping(advoware="titelX")})
    entity = BETEILIGTE.with_fields({"titel": {"advoware": "titelX"}})
    [finding] = advoware.answer(entity, BODY, config.Mapping({"beteiligte": own}))
    assert (finding.check, finding.about, finding.grade) == (Check.ADVO_FIELD, "titelX", "fail")
    assert "correct the name in syncd.toml" in finding.todo


@pytest.mark.parametrize("rows", [{}, {"kommunikation": "?"}, {"kommunikation": {"id": 1}}])
def test_an_answer_without_the_list_is_told(rows: dict[str, Any]) -> None:
    body = {name: one for name, one in BODY.items() if name != "kommunikation"} | rows
    [finding] = advoware.answer(BETEILIGTE, body, config.Mapping())
    assert (finding.check, finding.grade) == (Check.ADVO_ANSWER, "fail")
    assert "left alone" in finding.todo


@pytest.mark.parametrize("name", ["adressen", "bankkverbindungen"])
def test_an_answer_without_the_rows_of_a_child_is_told_and_one_without_any_is_well(name: str) -> None:
    [finding] = advoware.answer(BETEILIGTE, {**BODY, name: [{"id": None}]}, config.Mapping())
    assert (finding.check, finding.grade) == (Check.ADVO_ANSWER, "fail")
    assert name in finding.seen
    assert bad(advoware.answer(BETEILIGTE, {**BODY, name: []}, config.Mapping())) == []


def test_what_is_assumed_of_children_is_judged_by_their_rows() -> None:
    seen = assumed.Evidence(BETEILIGTE, "syncd", 0.0, answers=[BODY], bodies=[BODY])
    told = verdicts(seen)
    rows = [name for name in told if "row" in name and "rowId has" not in name]
    assert [told[name][0] for name in rows] == [Verdict.HOLDS, Verdict.HOLDS, Verdict.HOLDS, Verdict.UNSEEN]
    row = {**BODY["adressen"][0], "standardAnschrift": "manchmal"}
    seen.bodies = [{**BODY, "adressen": [row, row], "bankkverbindungen": None}]
    told = verdicts(seen)
    assert [told[name][0] for name in rows[:3]] == [Verdict.DIFFERS] * 3
    assert told["a Beteiligter carries its adressen and bankkverbindungen whole"][0] is Verdict.DIFFERS


# --- children -------------------------------------------------------------------------------


def of_child(entity: Entity, **changes: Any) -> dict[str, Any]:
    """How EspoCRM defines a child as setting up makes it."""
    kinds = {one.espo: one.shape for one in entity.fields if one.shape is not None}
    defined = {
        name: {"type": str(shape.kind), **({"maxLength": shape.length} if shape.kind is Kind.LINE else {})}
        for name, shape in kinds.items()
    }
    shown = {name: FIELDS[name] for name in ("syncStatus", "advowareLastSync", "advowareRowId")}
    number = {"advowareKontoId": {"type": "int"}} if entity.link else {}
    parent = {"beteiligter": {"type": "link", "required": True}}
    links = {"beteiligter": {"type": "belongsTo", "entity": "CBeteiligte"}}
    named = {"name": {**TEXT, "required": True}}
    return {"fields": {**defined, **shown, **number, **parent, **named, **changes}, "links": links}


@pytest.mark.parametrize("entity", BETEILIGTE.children, ids=lambda one: one.name)
def test_a_child_as_it_is_set_up_is_well(entity: Entity) -> None:
    definition = of_child(entity)
    assert bad(fields.judge(entity, definition)) == []
    assert bad(fields.belongs(entity, "CBeteiligte", definition)) == []
    assert bad(espocrm.scoped(entity, {}, {"optimisticConcurrencyControl": True})) == []
    acl = {**ACL, "table": {**ACL["table"], entity.espo_type: {"create": "yes", "read": "all", "edit": "all"}}}
    assert bad(rights.judge(acl, [entity])) == []


def test_what_is_wrong_with_a_child_is_told() -> None:
    definition = of_child(BANKVERBINDUNGEN, advowareKontoId={"type": "varchar"}, filiale={**TEXT, "required": True})
    found = fields.judge(BANKVERBINDUNGEN, definition)
    assert bad(found) == [
        (Check.ESPO_FIELD, "advowareKontoId", "fail"), (Check.ESPO_REQUIRED, "CBankverbindungen", "warn"),
    ]  # fmt: skip
    assert "what comes from Advoware" in found[-1].todo
    for links in ({}, {"beteiligter": {"entity": "Contact"}}):
        [finding] = fields.belongs(ADRESSEN, "CBeteiligte", {"links": links})
        assert (finding.about, finding.grade) == ("beteiligter", "fail")
        assert "syncd setup espocrm" in finding.todo
    acl = {**ACL, "table": {**ACL["table"], "CAdressen": {"read": "all", "edit": "all"}}}
    [finding] = [one for one in rights.judge(acl, [ADRESSEN]) if one.grade != "ok"]
    assert "new in Advoware" in finding.todo


def test_what_stands_still_is_told_with_the_command_that_ends_it() -> None:
    status = {
        "pairs": {"clean": 3, "conflict": 1}, "alive_at": 0.0,
        "pauses": {"side:advoware": "by a person", "all": "guard g1: restored backup?"},
        "guards": [{"id": "g1", "kind": "went_back:espocrm"}],
    }  # fmt: skip
    found = {(one.check, one.about): one for one in stores.work(status, 600.0)}
    assert "syncd resume --side advoware" in found[Check.PAUSES, "side:advoware"].todo
    assert "syncd guard" in found[Check.PAUSES, "all"].todo
    assert "syncd guard allow g1" in found[Check.GUARDS, "g1"].todo
    assert found[Check.DAEMON, ""].grade == "warn"
    assert found[Check.RECORDS, ""].seen == "4 take part; 1 conflict"


def test_alarms_that_are_raised_are_told_with_their_remedy() -> None:
    raised = [{"cause": "outage:advoware", "text": "away"}, {"cause": "something:new", "text": "?"}]
    found = stores.standing(raised)
    assert [(one.about, one.grade) for one in found] == [("outage:advoware", "warn"), ("something:new", "warn")]
    assert all(one.todo for one in found)
    assert stores.standing([])[0].grade == "ok"


# --- whatever is answered ---------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.just("<html>" * 50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def broken(good: Any) -> st.SearchStrategy[Any]:
    """A good answer with anything in place of any of its parts."""
    if isinstance(good, dict):
        return st.one_of(JSON, st.fixed_dictionaries({}, optional={name: broken(one) for name, one in good.items()}))
    if isinstance(good, list):
        return st.one_of(JSON, st.lists(st.one_of(*map(broken, good)), max_size=3) if good else JSON)
    return st.one_of(st.just(good), JSON)


@given(broken({"fields": {name: FIELDS[name] for name in ("titel", "syncStatus", "phoneNumber", "salutationName")}}))
@settings(max_examples=60, deadline=None)
def test_no_definition_of_an_entity_brings_the_doctor_down(definition: Any) -> None:
    for one in fields.judge(BETEILIGTE, definition):
        assert one.grade == "ok" or one.todo
        assert "\n" not in one.seen + one.todo + one.about


@given(broken({**ACL, "fieldTable": {"CBeteiligte": {"titel": {"read": "no"}}}}))
@settings(max_examples=60, deadline=None)
def test_no_table_of_rights_brings_the_doctor_down(acl: Any) -> None:
    for one in rights.judge(acl, [BETEILIGTE]):
        assert one.grade == "ok" or one.todo
    espocrm.user(table({"user": acl}))


@given(broken(BODY), broken([{"kuerzel": "AB", "name": "x", "aktiv": True}]), broken({"at": 1.0, "ignored": ["x"]}))
@settings(max_examples=80, deadline=None)
def test_no_answer_of_advoware_brings_the_doctor_down(body: Any, staff: Any, measured: Any) -> None:
    one = table(body)
    advoware.answer(BETEILIGTE, one, config.Mapping())
    evidence = assumed.Evidence(BETEILIGTE, "syncd", 0.0, staff, [body], [one, one], measured=table(measured))
    assert {len(told.seen) > 0 for told in assumed.judge(evidence)} == {True}


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_anything_is_read_as_what_it_should_have_been(value: Any) -> None:
    assert number(value) is None or isinstance(number(value), int)
    assert len(word(value)) <= 60
    assert all(isinstance(name, str) for name in table(value))

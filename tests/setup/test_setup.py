"""Setting up an EspoCRM over its own API: from nothing, over what a firm has, and through failures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import config
from services.espocrm import Login
from syncd.commands import Refusal
from syncd.model import Status
from syncd.sandbox import defaults
from syncd.sandbox.faults import Kind, Rule
from syncd.setup.carry_out import Stopped
from tests.setup.conftest import URL, Office

FIELDS = "/Admin/fieldManager/CBeteiligte"


async def make(office: Office, *fields: dict[str, Any], kind: str = "Person") -> None:
    """A firm's own CBeteiligte."""
    await office.ask("POST", "/EntityManager/action/createEntity", json={"name": "Beteiligte", "type": kind})
    for one in fields:
        await office.ask("POST", FIELDS, json=one)


async def test_a_bare_espocrm_gets_everything_and_a_second_run_finds_nothing_to_do(office: Office) -> None:
    left = await office.setup()
    assert [one.grade for one in left if one.grade == "fail"] == []
    defs = await office.metadata("entityDefs.CBeteiligte")
    assert defs["optimisticConcurrencyControl"] is True
    status = defs["fields"]["syncStatus"]
    assert (status["options"], status["default"]) == ([*Status], "pending_sync")
    assert (status["style"]["clean"], status["displayAsLabel"]) == ("success", True)
    assert defs["fields"]["advowareRowId"]["maxLength"] == 50
    assert defs["fields"]["geburtsdatum"]["type"] == "date"
    assert await office.metadata("scopes.CBeteiligte.stream") is True
    german, english = [await office.labels("CBeteiligte", one) for one in ("de_DE", "en_US")]
    assert german["options[.]syncStatus[.]clean"] == "abgeglichen"
    assert english["options[.]syncStatus[.]clean"] == "in sync"
    assert (german["fields[.]betnr"], english["fields[.]betnr"]) == ("Advoware-Nummer", "Advoware Number")
    names = [(await office.labels("Global", one))["scopeNames[.]CBeteiligte"] for one in ("de_DE", "en_US")]
    assert names == ["Beteiligter", "Party"]
    await office.setup()
    assert office.planned == []
    assert office.done == []


async def test_what_is_shown_before_is_what_is_done(office: Office) -> None:
    await office.setup(agree=lambda _: False)
    foretold = office.planned
    assert office.done == []
    assert "CBeteiligte" not in office.sandbox.espo.schema
    await office.setup()
    assert [f"{step.where}: {step.what}" for step in office.done] == foretold


async def test_the_api_user_can_do_its_work_and_nothing_else(office: Office) -> None:
    await office.setup()
    role = next(iter(office.sandbox.espo.tables["Role"].rows.values())).values
    assert role["data"] == {
        "CBeteiligte": {"create": "yes", "read": "all", "edit": "all", "delete": "no", "stream": "all"},
        "CAdressen": {"create": "yes", "read": "all", "edit": "all", "delete": "no"},
        "CBankverbindungen": {"create": "yes", "read": "all", "edit": "all", "delete": "no"},
        "Task": {"create": "yes", "read": "all", "edit": "all", "delete": "no"},
        "User": {"read": "all", "edit": "no"},
        "Team": {"read": "all"},
        "Webhook": True,
    }
    assert role["assignmentPermission"] == "all"
    assert role.get("userPermission") is None


async def test_a_persons_edit_waits_and_the_daemons_own_does_not(office: Office) -> None:
    await office.setup()
    world = office.sandbox.espo
    record_id = office.sandbox.people.espo.create({"lastName": "X", "syncStatus": "clean"})
    daemon = world.door.keys[office.keys[0]]
    world.update(daemon, "CBeteiligte", record_id, {"titel": "Dr."})
    assert office.sandbox.people.espo.see(record_id)["syncStatus"] == "clean"
    office.sandbox.people.espo.edit(record_id, {"phoneNumber": "+4951112345678"})
    assert office.sandbox.people.espo.see(record_id)["syncStatus"] == "dirty"


# --- what a firm has is kept ------------------------------------------------------------------


async def test_a_firms_own_things_are_kept_and_only_completed(office: Office) -> None:
    options = ["geheim", "clean"]
    await make(
        office,
        {"name": "syncStatus", "type": "enum", "options": options, "style": {"clean": "info"}, "required": True},
        {"name": "titel", "type": "text", "label": "Akademischer Grad"},
        {"name": "advowareRowId", "type": "varchar", "maxLength": 10},
    )
    layout = [{"label": "Unser", "rows": [[{"name": "titel"}, {"name": "betnr"}]], "style": "info"}]
    await office.ask("PUT", "/CBeteiligte/layout/detail", json=layout)
    script = "description = 'x' // ohne Strichpunkt"
    formula = {"scope": "CBeteiligte", "data": {"beforeSaveCustomScript": script}}
    await office.ask("POST", "/EntityManager/action/formula", json=formula)

    assert [one for one in await office.setup() if one.grade == "fail"] == []

    status = await office.metadata("entityDefs.CBeteiligte.fields.syncStatus")
    assert status["options"] == [*options, *(one for one in Status if one != "clean")]
    assert status["style"]["clean"] == "info"
    assert status["style"]["dirty"] == "warning"
    assert status["required"] is True
    assert (await office.metadata("entityDefs.CBeteiligte.fields.titel"))["type"] == "text"
    assert (await office.metadata("entityDefs.CBeteiligte.fields.advowareRowId"))["maxLength"] == 50
    labels = await office.labels("CBeteiligte", "de_DE")
    assert labels["fields[.]titel"] == "Akademischer Grad"
    assert labels["options[.]syncStatus[.]conflict"] == "Entscheidung nötig"
    detail = await office.ask("GET", "/CBeteiligte/layout/detail")
    assert detail[0] == layout[0]
    assert [panel["label"] for panel in detail] == ["Unser", "Stammdaten", "Advoware"]
    shown = [cell["name"] for panel in detail for row in panel["rows"] for cell in row if cell]
    assert len(shown) == len(set(shown))
    assert {"betnr", "titel", "rechtsform", "syncStatus", "kommunikationHash"} <= set(shown)
    kept = (await office.metadata("formula.CBeteiligte"))["beforeSaveCustomScript"]
    assert kept.startswith("description = 'x'; // ohne Strichpunkt\n// syncd: begin")
    await office.setup()
    assert office.planned == []


async def test_a_field_of_another_type_is_told_and_never_changed(office: Office) -> None:
    await make(office, {"name": "titel", "type": "int"}, {"name": "syncRetryCount", "type": "varchar"})
    left = {one.name: one for one in await office.setup() if one.grade == "fail"}
    assert left.keys() == {"field CBeteiligte.titel", "field CBeteiligte.syncRetryCount"}
    assert "syncd.toml" in left["field CBeteiligte.titel"].todo
    assert "rename yours" in left["field CBeteiligte.syncRetryCount"].todo
    assert (await office.metadata("entityDefs.CBeteiligte.fields.titel"))["type"] == "int"


async def test_a_firm_may_name_its_fields_and_its_entity(office: Office) -> None:
    fields = {"titel": config.FieldMapping(espo="grad"), "zusatz": config.FieldMapping(direction="off")}
    office.mapping = config.Mapping({"beteiligte": config.EntityMapping(espo_type="CMandant", fields=fields)})
    await office.setup()
    defined = await office.metadata("entityDefs.CMandant.fields")
    assert "grad" in defined
    assert not {"titel", "zusatz"} & defined.keys()
    script = (await office.metadata("formula.CMandant"))["beforeSaveCustomScript"]
    assert "'grad'" in script
    assert "'zusatz'" not in script


async def test_an_entity_that_cannot_be_made_by_its_name_is_told(office: Office) -> None:
    for name, seen in (("Mandant", "cannot be made"), ("Task", "entity of EspoCRM's own")):
        office.mapping = config.Mapping({"beteiligte": config.EntityMapping(espo_type=name)})
        await office.setup(agree=lambda _: False)
        assert any(seen in one.seen for one in office.looked[-1].plan.left)
        assert [step for step in office.looked[-1].plan.steps if step.where == name] == []


async def test_children_are_made_with_their_link_and_shown_below_their_parent(office: Office) -> None:
    assert [one for one in await office.setup() if one.grade == "fail"] == []
    defs = await office.metadata("entityDefs.CAdressen")
    assert defs["links"]["beteiligter"]["entity"] == "CBeteiligte"
    assert {"adresseCity", "syncStatus", "advowareRowId", "advowareLastSync"} <= defs["fields"].keys()
    assert "syncErrorMessage" not in defs["fields"]
    assert (defs["fields"]["standard"]["type"], defs["fields"]["gueltigVon"]["type"]) == ("bool", "date")
    accounts = await office.metadata("entityDefs.CBankverbindungen.fields")
    assert accounts["advowareKontoId"]["type"] == "int"
    assert await office.ask("GET", "/CBeteiligte/layout/relationships") == ["adressen", "bankverbindungen"]
    detail = await office.ask("GET", "/CAdressen/layout/detail")
    assert "beteiligter" in [cell["name"] for panel in detail for row in panel["rows"] for cell in row if cell]
    called = [(await office.labels("CBeteiligte", one))["links[.]bankverbindungen"] for one in ("de_DE", "en_US")]
    assert called == ["Bankverbindungen", "Bank Accounts"]
    whose = [(await office.labels("CAdressen", one))["fields[.]beteiligter"] for one in ("de_DE", "en_US")]
    assert whose == ["Beteiligter", "Party"]


async def test_a_childs_edit_waits_and_so_does_one_that_is_given_to_another(office: Office) -> None:
    await office.setup()
    espo = office.sandbox.people.espo
    ida, uwe = (espo.create({"lastName": name}) for name in ("Ida", "Uwe"))
    for change in ({"adresseCity": "Celle"}, {"beteiligterId": uwe}):
        child = espo.create({"name": "x", "syncStatus": "clean", "beteiligterId": ida}, "CAdressen")
        espo.edit(child, change, "CAdressen")
        assert espo.see(child, "CAdressen")["syncStatus"] == "dirty"


async def test_what_a_firm_has_of_children_is_kept_and_completed(office: Office) -> None:
    await make(office)
    await office.ask("POST", "/EntityManager/action/createEntity", json={"name": "Adressen", "type": "Base"})
    link = {
        "entity": "CBeteiligte", "entityForeign": "CAdressen", "link": "anschriften", "linkForeign": "beteiligter",
        "label": "Wohnsitze", "labelForeign": "Mandant", "linkType": "oneToMany",
    }  # fmt: skip
    await office.ask("POST", "/EntityManager/action/createLink", json=link)
    await office.ask("PUT", "/CBeteiligte/layout/relationships", json=[{"name": "anschriften"}])
    assert [one for one in await office.setup() if one.grade == "fail"] == []
    defs = await office.metadata("entityDefs.CBeteiligte.links")
    assert {"anschriften", "bankverbindungen"} <= defs.keys()
    assert "adressen" not in defs
    below = await office.ask("GET", "/CBeteiligte/layout/relationships")
    assert below == [{"name": "anschriften"}, "bankverbindungen"]
    assert (await office.labels("CBeteiligte", "de_DE"))["links[.]anschriften"] == "Wohnsitze"
    await office.setup()
    assert office.planned == []


async def test_labels_of_options_are_taken_though_the_enum_had_none(office: Office) -> None:
    await make(office, {"name": "syncStatus", "type": "enum", "options": [*Status], "default": "pending_sync"})
    await office.setup()
    labels = await office.labels("CBeteiligte", "de_DE")
    assert labels["options[.]syncStatus[.]dirty"] == "geändert, wird abgeglichen"


# --- role, user, key --------------------------------------------------------------------------


async def test_a_role_and_a_user_that_are_there_only_get_what_they_lack(office: Office) -> None:
    role = {
        "name": "syncd",
        "data": {"Task": {"create": "no", "read": "own", "delete": "all"}, "Lead": {"read": "all"}},
    }
    role_id = (await office.ask("POST", "/Role", json=role))["id"]
    other = (await office.ask("POST", "/Role", json={"name": "other", "data": {}}))["id"]
    body = {"userName": "syncd", "type": "api", "authMethod": "ApiKey", "isActive": True, "rolesIds": [other]}
    office.env["ESPOCRM_API_KEY"] = (await office.ask("POST", "/User", json=body))["apiKey"]
    await office.setup()
    user = next(one for one in office.sandbox.espo.tables["User"].rows.values() if one.values["userName"] == "syncd")
    assert user.values["rolesIds"] == [other, role_id]
    data = (await office.ask("GET", f"/Role/{role_id}"))["data"]
    assert data["Task"] == {"create": "yes", "read": "all", "edit": "all", "delete": "all"}
    assert data["Lead"] == {"read": "all"}
    assert office.keys == []


async def test_an_installation_with_a_user_of_another_name_goes_on_with_it(office: Office) -> None:
    await office.setup(user="sync_api")
    await office.setup()
    assert office.looked[-1].user == "sync_api"
    assert office.planned == []


async def test_a_person_is_never_made_the_daemon(office: Office) -> None:
    left = await office.setup(user="anna")
    assert any(one.name == "user anna" and "--user" in one.todo for one in left)
    assert not any(step.where in ("role", "API user", "webhook") for step in office.done)


async def test_without_the_key_it_says_so_and_a_new_one_ends_the_old(office: Office) -> None:
    await office.setup()
    (old,) = office.keys
    del office.env["ESPOCRM_API_KEY"]
    left = await office.setup()
    assert office.planned == []
    assert any("--new-key" in one.todo for one in left)
    await office.setup(new_key=True)
    assert old not in office.sandbox.espo.door.keys
    assert office.keys[1] in office.sandbox.espo.door.keys
    assert [step.what for step in office.done] == ["key of syncd"]


# --- webhooks ---------------------------------------------------------------------------------


async def test_webhooks_are_mended(office: Office) -> None:
    await office.setup(url="https://old.firm.example")
    hooks = office.sandbox.webhooks.webhooks
    update = next(one for one in hooks.values() if one.event == "CBeteiligte.update")
    hooks["6b0000000000000ff"] = replace(update, id="6b0000000000000ff")
    update.active = False
    await office.setup()
    assert {one.url for one in hooks.values()} == {
        f"{URL}/webhooks/espocrm/{entity}/{action}"
        for entity in ("beteiligte", "adressen", "bankverbindungen")
        for action in ("create", "update", "delete")
    }
    assert len(hooks) == 9
    assert all(one.active and one.skip_own for one in hooks.values())
    await office.setup()
    assert office.planned == []


async def test_a_refused_address_is_told_with_the_line_for_espocrms_config(office: Office) -> None:
    office.sandbox.webhooks.settings.allowed_addresses = frozenset()
    left = await office.setup(url="http://10.0.0.5:8765")
    (refused,) = [one for one in left if one.grade == "fail"]
    assert "'webhookAllowedAddressList' => ['10.0.0.5:8765']," in refused.todo
    assert "'webhookAllowedAddressList' => ['10.0.0.5:8765']," in office.looked[0].by_hand[0]
    office.sandbox.webhooks.settings.allowed_addresses = frozenset({"10.0.0.5:8765"})
    assert [one for one in await office.setup(url="http://10.0.0.5:8765") if one.grade == "fail"] == []


async def test_a_state_directory_that_cannot_be_used_leaves_the_webhooks_for_later(office: Office) -> None:
    office.state.write_text("in the way")
    left = await office.setup()
    assert any(one.name == "webhooks" and "syncd webhooks register" in one.todo for one in left)
    assert office.sandbox.webhooks.webhooks == {}
    assert "syncStatus" in await office.metadata("entityDefs.CBeteiligte.fields")


# --- who may, and what goes wrong -------------------------------------------------------------


async def test_a_wrong_password_is_tried_once(office: Office) -> None:
    with pytest.raises(Refusal, match="refuses this user and password"):
        await office.setup(login=Login(defaults.ADMIN_USER, "wrong"))
    assert [len(times) for times in office.sandbox.espo.door.failed.values()] == [1]


async def test_who_is_no_administrator_is_told(office: Office) -> None:
    with pytest.raises(Refusal, match="anna is no administrator"):
        await office.setup(login=Login("anna", defaults.CLERK_PASSWORD))


async def test_stopped_after_any_write_another_run_goes_on_and_ends_as_an_undisturbed_one(office: Office) -> None:
    office.writes_until_cut = 1
    users, stops = office.sandbox.espo.tables["User"], 0
    at_first = len(users.ids)
    while True:
        lost_its_key = len(users.ids) > at_first and not office.keys
        try:
            await office.setup(new_key=lost_its_key)
        except Stopped:
            stops += 1
            assert stops < 60
        else:
            break
    office.writes_until_cut = None
    await office.setup()
    assert (stops > 10, office.planned) == (True, [])
    assert len(office.sandbox.webhooks.webhooks) == 9
    assert len(office.sandbox.espo.tables["Role"].ids) == 1


async def test_a_step_that_is_refused_is_told_with_espocrms_own_reason(office: Office) -> None:
    reason = "Entity type CBeteiligte is not customizable."
    route = "/api/v1/Admin/fieldManager/*"
    office.sandbox.faults.add(Rule(Kind.STATUS, "espocrm", "POST", route, status=500, reason=reason))
    with pytest.raises(Stopped, match=f"CBeteiligte: field rechtsform: {reason}"):
        await office.setup()

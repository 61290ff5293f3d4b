"""Setting an empty stand-in EspoCRM up over its admin API (espocrm.md §2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from syncd.sandbox import Sandbox, defaults
from syncd.sandbox.espocrm_schema import STATUSES, built_in_schema
from tests.sandbox.conftest import Espo, HandClock

FIELD = "/Admin/fieldManager/CBeteiligte"


@pytest.fixture
def sandbox(clock: HandClock) -> Sandbox:
    return Sandbox(now=clock.now, sleep=clock.sleep, schema=built_in_schema())


async def make(admin: Espo, name: str = "Beteiligte") -> httpx.Response:
    return await admin.http.post(
        "/EntityManager/action/createEntity", json={"name": name, "type": "Person", "stream": True}
    )


async def field(admin: Espo, name: str, **definition: Any) -> httpx.Response:
    return await admin.http.post(FIELD, json={"name": name, **definition})


async def test_an_entity_gets_the_prefix_and_cannot_be_made_twice(admin: Espo) -> None:
    assert (await make(admin)).json() == {"name": "CBeteiligte"}
    again = await make(admin)
    assert (again.status_code, again.headers["x-status-reason"]) == (409, "Name 'CBeteiligte' is already used.")


async def test_fields_keep_their_name_on_custom_entities_and_get_a_prefix_on_built_in_ones(admin: Espo) -> None:
    await make(admin)
    made = await field(admin, "syncStatus", type="enum", options=list(STATUSES), default="pending_sync")
    assert made.json()["options"] == list(STATUSES)
    again = await field(admin, "syncStatus", type="enum")
    assert again.headers["x-status-reason"] == "Field 'syncStatus' already exists in 'CBeteiligte'."
    await admin.http.post("/Admin/fieldManager/Task", json={"name": "betnr", "type": "int"})
    key = "entityDefs.Task.fields.cBetnr.type"
    assert (await admin.http.get("/Metadata", params={"key": key})).json() == "int"


async def test_a_new_field_gives_old_records_its_default(admin: Espo) -> None:
    await make(admin)
    record_id = await admin.create(lastName="X")
    await field(admin, "syncStatus", type="enum", options=list(STATUSES), default="pending_sync")
    assert (await admin.get(record_id))["syncStatus"] == "pending_sync"
    assert await admin.found({"type": "equals", "attribute": "syncStatus", "value": "pending_sync"}) == [record_id]
    await admin.http.delete(f"{FIELD}/syncStatus")
    assert (await admin.http.get(f"{FIELD}/syncStatus")).status_code == 500


async def test_a_formula_makes_a_persons_edit_dirty(admin: Espo, sandbox: Sandbox) -> None:
    await make(admin)
    await field(admin, "syncStatus", type="enum", options=list(STATUSES), default="pending_sync")
    record_id = await admin.create(lastName="X", syncStatus="clean")
    sandbox.people.espo.edit(record_id, {"firstName": "A"})
    assert (await admin.get(record_id))["syncStatus"] == "clean"
    script = "ifThen(!entity\\isAttributeChanged('syncStatus') && entity\\isAttributeChanged('firstName'), "
    data = {"beforeSaveCustomScript": script + "syncStatus = 'dirty');"}
    body = {"scope": "CBeteiligte", "data": data}
    assert (await admin.http.post("/EntityManager/action/formula", json=body)).json() is True
    assert (await admin.http.get("/Metadata", params={"key": "formula.CBeteiligte"})).json() == data
    sandbox.people.espo.edit(record_id, {"firstName": "B"})
    assert (await admin.get(record_id))["syncStatus"] == "dirty"


async def test_a_link_lets_children_be_listed(admin: Espo) -> None:
    await make(admin)
    await admin.http.post("/EntityManager/action/createEntity", json={"name": "Adressen", "type": "Base"})
    link = {
        "entity": "CBeteiligte",
        "entityForeign": "CAdressen",
        "link": "adressen",
        "linkForeign": "beteiligter",
        "linkType": "oneToMany",
        "label": "Adressen",
    }
    assert (await admin.http.post("/EntityManager/action/createLink", json=link)).json() is True
    parent = await admin.create(lastName="X")
    child = await admin.create("CAdressen", name="A", beteiligterId=parent)
    listed = await admin.http.get(f"/CBeteiligte/{parent}/adressen")
    assert [one["id"] for one in listed.json()["list"]] == [child]


async def test_versions_are_switched_on_by_update_entity(admin: Espo) -> None:
    await make(admin)
    body = {"name": "CBeteiligte", "optimisticConcurrencyControl": True}
    assert (await admin.http.post("/EntityManager/action/updateEntity", json=body)).json() is True
    assert (await admin.get(await admin.create(lastName="X")))["versionNumber"] == 1


async def test_an_api_user_gets_a_key_and_a_new_one_ends_the_old(admin: Espo) -> None:
    user = {"userName": "other_api", "type": "api", "authMethod": "ApiKey", "isActive": True}
    made = (await admin.http.post("/User", json=user)).json()

    async def status(key: str) -> int:
        reply = await admin.http.get("/", headers={"X-Api-Key": key})
        return reply.status_code

    assert await status(made["apiKey"]) == 200
    fresh = (await admin.http.post("/UserSecurity/apiKey/generate", json={"id": made["id"]})).json()
    assert (await status(made["apiKey"]), await status(fresh["apiKey"])) == (401, 200)


async def test_layouts_and_labels_are_kept(admin: Espo) -> None:
    await make(admin)
    layout = [{"label": "Sync", "rows": [[{"name": "syncStatus"}, False]], "style": "default"}]
    await admin.http.put("/CBeteiligte/layout/detail", json=layout)
    assert (await admin.http.get("/CBeteiligte/layout/detail")).json() == layout
    labels = {"scope": "CBeteiligte", "language": "de_DE"}
    await admin.http.post("/LabelManager/action/saveLabels", json=labels | {"labels": {"fields[.]betnr": "Nr"}})
    shown = (await admin.http.post("/LabelManager/action/getScopeData", json=labels)).json()
    assert shown["fields"]["fields[.]betnr"] == "Nr"


async def test_a_label_of_an_option_is_taken_only_where_the_enum_has_labels(admin: Espo) -> None:
    await make(admin)
    await field(admin, "bare", type="enum", options=["a"])
    await field(admin, "said", type="enum", options=["a"], translatedOptions={"a": "A"})
    labels = {"options[.]bare[.]a": "X", "options[.]said[.]a": "Y", "fields[.]said": "S"}
    body = {"scope": "CBeteiligte", "language": "de_DE", "labels": labels}
    taken = (await admin.http.post("/LabelManager/action/saveLabels", json=body)).json()
    assert taken == {"CBeteiligte[.]options[.]said[.]a": "Y", "CBeteiligte[.]fields[.]said": "S"}


async def test_what_a_role_does_not_allow_is_refused_and_a_switched_off_user_is_nobody(admin: Espo) -> None:
    await make(admin)
    record_id = await admin.create(lastName="X")
    body = {"name": "few", "data": {"CBeteiligte": {"read": "all", "edit": "own"}}}
    role = (await admin.http.post("/Role", json=body)).json()["id"]
    user = {"userName": "few", "type": "api", "authMethod": "ApiKey", "isActive": True, "rolesIds": [role]}
    made = (await admin.http.post("/User", json=user)).json()
    key = {"X-Api-Key": made["apiKey"]}

    async def status(verb: str, path: str, **sent: Any) -> int:
        return (await admin.http.request(verb, path, headers=key, **sent)).status_code

    assert await status("GET", f"/CBeteiligte/{record_id}") == 200
    assert await status("PATCH", f"/CBeteiligte/{record_id}", json={"lastName": "Y"}) == 403
    assert await status("POST", "/CBeteiligte", json={"lastName": "Z"}) == 403
    assert await status("POST", "/Webhook", json={"event": "CBeteiligte.update", "url": "http://a.example"}) == 403
    assert await status("GET", "/Role") == 403
    assert await status("PUT", f"/User/{made['id']}", json={"rolesIds": []}) == 403
    assert await status("PUT", "/CBeteiligte/layout/list", json=[]) == 403
    await admin.http.put(f"/User/{made['id']}", json={"isActive": False})
    assert await status("GET", f"/CBeteiligte/{record_id}") == 401


async def test_a_formula_spares_the_user_it_names_and_nobody_else(admin: Espo, api: Espo, sandbox: Sandbox) -> None:
    sandbox.espo.add_user("other_api", "api", key="other-key")
    await make(admin)
    await field(admin, "syncStatus", type="enum", options=list(STATUSES), default="pending_sync")
    script = (
        "ifThen(env\\userAttribute('userName') != 'other_api' && entity\\isAttributeChanged('firstName'), "
        "syncStatus = 'dirty');"
    )
    body = {"scope": "CBeteiligte", "data": {"beforeSaveCustomScript": script}}
    await admin.http.post("/EntityManager/action/formula", json=body)
    record_id = await admin.create(lastName="X", syncStatus="clean")
    await api.http.patch(f"/CBeteiligte/{record_id}", json={"firstName": "A"}, headers={"X-Api-Key": "other-key"})
    assert (await admin.get(record_id))["syncStatus"] == "clean"
    await api.patch(record_id, firstName="B")
    assert (await admin.get(record_id))["syncStatus"] == "dirty"


async def test_provisioning_is_for_admins_only(api: Espo) -> None:
    assert (await make(api)).status_code == 403
    user = {"userName": "x", "type": "api"}
    assert (await api.http.post("/User", json=user)).headers["x-status-reason"] == "No create access."
    assert (await api.http.get("/App/user")).json()["user"]["userName"] == defaults.API_USER

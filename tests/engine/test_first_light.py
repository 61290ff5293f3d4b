"""The main job, end to end in one process: a change on one side reaches the other."""

from __future__ import annotations

from pathlib import Path

from tests.daemon import World
from tests.virtual import run


def test_a_name_changed_in_espocrm_reaches_advoware(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        people = world.sandbox.people
        [(espo_id, betnr), *_] = world.sandbox.seed.synced(3)
        app = world.daemon()
        assert await world.live(app, 30)
        people.espo.edit(espo_id, {"lastName": "Neuname"}, by="anna")
        assert await world.live(world.daemon(), 60)
        assert people.advoware.see(betnr)["name"] == "Neuname"
        assert people.espo.see(espo_id)["syncStatus"] == "clean"

    run(story())


def test_a_name_changed_in_advoware_reaches_espocrm(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        people = world.sandbox.people
        [(espo_id, betnr), *_] = world.sandbox.seed.synced(3)
        assert await world.live(world.daemon(), 30)
        people.advoware.edit(betnr, {"name": "Neuname"}, by="AB")
        assert await world.live(world.daemon(), 2000)
        assert people.espo.see(espo_id)["lastName"] == "Neuname"
        assert people.espo.see(espo_id)["syncStatus"] == "clean"

    run(story())


def test_a_new_record_is_created_in_advoware_once(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path)
        people = world.sandbox.people
        world.sandbox.seed.synced(3)
        assert await world.live(world.daemon(), 30)
        before = len(people.advoware.betnrs())
        new = people.espo.create({"firstName": "Ida", "lastName": "Neumann", "geburtsdatum": "1990-02-03"}, by="anna")
        assert await world.live(world.daemon(), 120)
        assert len(people.advoware.betnrs()) == before + 1
        seen = people.espo.see(new)
        assert seen["syncStatus"] == "clean"
        assert people.advoware.see(seen["betnr"])["vorname"] == "Ida"

    run(story())

"""The judge of addresses and accounts must be able to fail: each sabotage is done when no daemon is left."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from syncd.sandbox.demo_children import ACCOUNT, ADDRESS
from tests.simulation import nursery_check
from tests.simulation.play import SETTLING, begun
from tests.simulation.script import Script
from tests.simulation.stage import Stage
from tests.simulation.witness import ADVOWARE, ESPO
from tests.virtual import run

TWO_PERSONS = Script(1, "children", 2, 40.0, daemons=(0.0,), settings={"SYNCD_TASK_USER": "anna"})
DAY = (("new", ESPO), ("street", ADVOWARE), ("account", ADVOWARE), ("country", ESPO))


class Scene:
    """What the first person's household is like after a day, and the second's, which nobody touched."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.espo, self.advoware = stage.people.espo, stage.people.advoware
        (busy, self.betnr), (calm, self.other) = stage.persons
        self.mine = [one["id"] for one in stage.listed(ESPO, str(busy), ADDRESS)]
        self.rows = [int(row["id"]) for row in stage.listed(ADVOWARE, str(busy), ADDRESS)]
        self.busy, self.calm = str(busy), str(calm)
        [self.theirs] = [one["id"] for one in stage.listed(ESPO, self.calm, ADDRESS)]
        [self.their_row] = [int(row["id"]) for row in stage.listed(ADVOWARE, self.calm, ADDRESS)]
        self.typed = next(edit for edit in stage.child_edits if edit.side == ADVOWARE and edit.name == "adresseStreet")

    def here(self, child: str, **values: object) -> None:
        """An address changes in EspoCRM, and nobody is seen."""
        self.espo.world.update(self.espo.world.api_user, ADDRESS, child, values)

    def there(self, betnr: int | None, row: int, **values: object) -> None:
        """The same in Advoware."""
        assert betnr is not None
        self.advoware.edit_adresse(betnr, row, values)

    def on_both_sides(self, street: str) -> None:
        """What was typed into the second person's only address becomes something else on both sides."""
        self.here(self.theirs, adresseStreet=street)
        self.there(self.other, self.their_row, strasse=street)


def _lose(scene: Scene) -> None:
    edited = next(one for one in scene.mine if scene.espo.see(one, ADDRESS)["adresseStreet"] == scene.typed.value)
    scene.here(edited, adresseStreet="Weg 1")
    scene.there(scene.betnr, int(scene.typed.child), strasse="Weg 1")


def _double(scene: Scene) -> None:
    names = ("adresseStreet", "adressePostalCode", "adresseCity", "adresseCountry", "anschrift", "standard")
    body = scene.espo.see(scene.theirs, ADDRESS)
    twin = {name: body[name] for name in names} | {"beteiligterId": scene.calm, "syncStatus": "clean"}
    scene.espo.create(twin, ADDRESS)


def _post_again(scene: Scene) -> None:
    assert scene.other is not None
    scene.advoware.add_bank(scene.other, {"iban": "DE02120300000000202051"})


def _finish_tasks(scene: Scene, **values: object) -> None:
    for task in scene.espo.all("Task"):
        scene.espo.edit(task["id"], {"status": "Completed", **values}, "Task")


def _tell_again(scene: Scene) -> None:
    task = scene.espo.all("Task")[0]
    names = ("name", "status", "description", "parentType", "parentId", "assignedUserId")
    scene.espo.create({name: task[name] for name in names}, "Task")


def _two_defaults(scene: Scene) -> None:
    for one in scene.mine:
        scene.here(one, standard=True)


def _vanish(scene: Scene) -> None:
    assert scene.other is not None
    scene.advoware.remove_child(scene.other, "adressen", scene.their_row)


SABOTAGES: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    ("lost: Advoware CAdressen", _lose),
    ("the same is 2 times in espocrm", _double),
    ("2 in EspoCRM, 1 were ever typed", _double),
    ("is in Advoware only", _post_again),
    ("2 in Advoware, 1 were ever typed", _post_again),
    ("adresseStreet is", lambda scene: scene.there(scene.other, scene.their_row, strasse="Weg 1")),
    ("is clean and differs", lambda scene: scene.there(scene.other, scene.their_row, strasse="Weg 1")),
    ("typed for nobody", lambda scene: scene.on_both_sides("Weg 1")),
    ("typed for [('advoware'", lambda scene: scene.on_both_sides(str(scene.typed.value))),
    ("is dirty", lambda scene: scene.here(scene.theirs, syncStatus="dirty")),
    ("nobody is told why", lambda scene: scene.here(scene.theirs, syncStatus="conflict")),
    ("nobody has removed it", lambda scene: scene.here(scene.theirs, syncStatus="deleted_in_advoware")),
    ("has no row in Advoware", _vanish),
    ("waits for a person, and no Task says so", _finish_tasks),
    ("Tasks have the key", _tell_again),
    ("open Tasks say the same", _tell_again),
    ("0 default addresses", lambda scene: scene.here(scene.theirs, standard=False)),
    ("2 default addresses", _two_defaults),
)  # fmt: skip


def test_what_must_not_be_with_addresses_and_accounts_is_seen() -> None:
    async def story(directory: Path) -> None:
        stage = await begun(TWO_PERSONS, directory)
        for dice, (act, side) in enumerate(DAY, 1):
            stage.does(act, side, str(stage.persons[0][0]), dice, random.Random(dice))
        await asyncio.sleep(2 * SETTLING)
        await stage.world.close()
        assert await nursery_check.judge(stage) == []
        assert {edit.kind for edit in stage.child_edits} == {ADDRESS, ACCOUNT}
        sandbox = stage.world.sandbox
        sandbox.snapshot()
        for complaint, sabotage in SABOTAGES:
            sabotage(Scene(stage))
            wrong = await nursery_check.judge(stage)
            assert [line for line in wrong if complaint in line], (complaint, wrong)
            for system in (ESPO, ADVOWARE):
                sandbox.restore(system)

    with tempfile.TemporaryDirectory() as directory:
        run(story(Path(directory)))

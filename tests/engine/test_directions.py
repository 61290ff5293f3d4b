"""Fields that travel one way only, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mappers.spec import Direction, Entity
from tests.engine.story import POLL, Story, told

# direction: what both show after EspoCRM typed "Prof.", and after Advoware typed "Dipl."
WAYS = {
    Direction.TO_ADVOWARE: (("Prof.", "Prof."), ("Dr.", "Dipl.")),
    Direction.TO_ESPOCRM: (("Prof.", "Dr."), ("Dipl.", "Dipl.")),
    Direction.OFF: (("Prof.", "Dr."), ("Dr.", "Dipl.")),
}


@pytest.mark.parametrize("direction", WAYS)
@told()
async def test_a_field_travels_only_where_it_may(story: Story, direction: Direction) -> None:
    def limited(entity: Entity) -> Entity:
        fields = [replace(field, direction=direction) if field.name == "titel" else field for field in entity.fields]
        return replace(entity, fields=tuple(fields))

    story.world.entity = limited
    (there, first), (here, second) = await story.pairs([({}, {})] * 2)
    story.espo.edit(there, {"titel": "Prof."}, by="anna")
    story.advoware.edit(second, {"titel": "Dipl."}, by="AB")
    await story.settle()
    typed_in_espo, typed_in_advoware = WAYS[direction]
    assert (story.espo.see(there)["titel"], story.advoware.see(first)["titel"]) == typed_in_espo
    assert (story.espo.see(here)["titel"], story.advoware.see(second)["titel"]) == typed_in_advoware
    assert {story.status(there), story.status(here)} == {"clean"}
    story.forget_calls()
    await story.settle()
    assert story.writes() == []


@told()
async def test_a_field_that_never_travels_stays_out_of_a_creation(story: Story) -> None:
    def limited(entity: Entity) -> Entity:
        off = Direction.TO_ESPOCRM
        fields = [replace(field, direction=off) if field.name == "titel" else field for field in entity.fields]
        return replace(entity, fields=tuple(fields))

    story.world.entity = limited
    await story.pair()
    new = story.espo.create({"firstName": "Nora", "lastName": "Neuling", "titel": "Dr."}, by="anna")
    await story.live(POLL)
    assert story.status(new) == "clean"
    assert not story.advoware.see(story.espo.see(new)["betnr"])["titel"]

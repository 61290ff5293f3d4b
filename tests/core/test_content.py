"""What a digest is made of, and what need not be read to know that it is the same."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.adressen import ADRESSEN
from mappers.bankverbindungen import BANKVERBINDUNGEN
from mappers.beteiligte import BETEILIGTE
from mappers.spec import Entity, Side
from syncd.load import content, content_of, digest, names_in_espo, of_children
from syncd.model import Present, Version

ENTITIES = (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN)


class _Asked(dict[str, Any]):
    """A body that notes what of it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return default


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_all_attributes_that_count_in_espocrm_are_named(entity: Entity) -> None:
    body = _Asked()
    content(entity, Side.ESPO, Present(body, Version()))
    assert body.names == set(names_in_espo(entity))


def test_the_fingerprint_of_a_row_tells_numbers_words_and_boxes_apart() -> None:
    """Rows are known again by their JSON: there 1, 1.0, true and "1" are four values, which Python holds to be two."""
    told = [content_of(ADRESSEN, {"id": 1, "plz": plz}) for plz in (1, 1.0, "1", True)]
    assert told[0] == told[2], "as text both are 1"
    assert len(set(told)) == 3
    assert told == [content_of(ADRESSEN, {"id": 1, "plz": plz}) for plz in (1, 1.0, "1", True)]


def test_children_are_told_of_apart_from_the_record() -> None:
    row = {"id": 7, "strasse": "Hauptstraße 1"}
    body = {"betNr": 1, "name": "Meier", "kommunikation": [], "adressen": [row], "bankkverbindungen": []}
    before = digest(BETEILIGTE, Side.ADVOWARE, Present(body, Version()))
    other = digest(BETEILIGTE, Side.ADVOWARE, Present({**body, "name": "Huber"}, Version()))
    moved = {**body, "adressen": [{**row, "strasse": "Hauptstraße 2"}]}
    child = digest(BETEILIGTE, Side.ADVOWARE, Present(moved, Version()))
    assert of_children(before) == of_children(other) != of_children(child)
    assert before[:16] == child[:16] != other[:16]

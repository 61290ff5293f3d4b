"""What is sent to Advoware to create a record. Pure."""

from __future__ import annotations

from mappers.spec import Entity, Side, Unmappable
from syncd.model import FieldWrite, Memory, Present, Quarantine


def values_for(entity: Entity, memory: Memory, espo: Present) -> tuple[tuple[FieldWrite, ...], tuple[Quarantine, ...]]:
    """All that EspoCRM shows and Advoware may take, and what it may not: unmappable, or refused before."""
    writes: list[FieldWrite] = []
    refused: list[Quarantine] = []
    for field in entity.fields:
        if not field.direction.allows(Side.ADVOWARE):
            continue
        try:
            value = field.parse(Side.ESPO, espo.body)
        except Unmappable as error:
            refused.append(Quarantine(Side.ADVOWARE, field.name, None, str(error)))
            continue
        if value is None:
            continue
        if memory.quarantine.get((Side.ADVOWARE, field.name)) == value:
            refused.append(Quarantine(Side.ADVOWARE, field.name, value, ""))
        else:
            writes.append(FieldWrite(field.name, None, value))
    return tuple(writes), tuple(refused)

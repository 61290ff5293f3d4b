"""What a plan has to know besides both sides: who else holds a value, and which POST can be made again.

EspoCRM keeps a number or address once for all records that hold it, so its type and flags are not
this record's alone.
"""

from __future__ import annotations

from dataclasses import replace

from syncd.context import Context
from syncd.family import with_brood
from syncd.ledger import journal
from syncd.model import ADD, Memory, Present, Snapshot
from syncd.pairing import Place, entries_there, in_question, is_settled, shared_name


async def informed(context: Context, shot: Snapshot) -> Snapshot:
    """The snapshot with all its plan has to know: of values that others hold, and of the record's children."""
    return await with_brood(context, await _with_shared(context, shot))


async def _with_shared(context: Context, shot: Snapshot) -> Snapshot:
    """The snapshot with who else holds its values; asks the ledger only about those that are in question."""
    memory, espo, advoware = _repeatable(context, shot.memory), shot.espo, shot.advoware
    if memory is not shot.memory:
        shot = replace(shot, memory=memory)
    if not isinstance(espo, Present) or not isinstance(advoware, Present):
        return shot
    places: set[Place] = set()
    for entries in context.entity.lists:
        here, there = entries.read_espo(espo.body), entries_there(entries, memory, advoware.body) or ()
        if not is_settled(entries, memory, here, there):
            places |= in_question(entries, memory, here, there)
    places -= memory.shared.keys()
    if not places:
        return shot
    names = {shared_name(where): where for where in places}
    held = await context.ledger.read(journal.held_elsewhere, str(memory.key), list(names))
    shared = {**memory.shared, **{where: held.get(name) for name, where in names.items()}}
    return replace(shot, memory=replace(memory, shared=shared))


def _repeatable(context: Context, memory: Memory) -> Memory:
    """A POST of an entry that was not found long after it could have applied may be made again."""
    if not any(intent.verb == ADD for intent in memory.intents):
        return memory
    late = context.clock.now() - context.settings.doubt
    intents = tuple(
        replace(intent, repeatable=intent.sent_at < late) if intent.verb == ADD else intent for intent in memory.intents
    )
    return replace(memory, intents=intents)

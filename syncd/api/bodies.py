"""What requests may carry, and in which form. Does nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from syncd import inspect
from syncd.commands import FEW
from syncd.delivery import ACTIONS

NO_NUL = r"^[^\x00]*$"  # PostgreSQL can neither keep it nor look for it
Plain = Annotated[str, Field(pattern=NO_NUL)]


class Body(BaseModel):
    """What a request may carry; a name we do not know is an error, not a wish overlooked."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Resolve(Body):
    take: Annotated[Plain, Field(max_length=10_000, description="espocrm, advoware, a value, create, or link N")]


class ResolveMany(Resolve):
    ids: Annotated[list[Annotated[Plain, Field(max_length=12)]], Field(min_length=1, max_length=500)]


class Pause(Body):
    entity: Annotated[Plain | None, Field(max_length=40)] = None
    side: Annotated[Plain | None, Field(max_length=10)] = None
    why: Annotated[Plain, Field(max_length=200)] = "by a person"


class Resume(Body):
    entity: Annotated[Plain | None, Field(max_length=40)] = None
    side: Annotated[Plain | None, Field(max_length=10)] = None


class Allow(Body):
    right: Annotated[Plain | None, Field(max_length=10, description="after a restored backup: the side to believe")] = (
        None
    )


class Retry(Body):
    keys: Annotated[list[Annotated[Plain, Field(max_length=80)]], Field(max_length=500)] = []
    status: Annotated[Plain | None, Field(max_length=24)] = None


class Keys(Body):
    keys: Annotated[list[Annotated[Plain, Field(max_length=80)]], Field(min_length=1, max_length=100)]


class One(Body):
    key: Annotated[Plain, Field(max_length=80)]


class Clear(Body):
    key: Annotated[Plain | None, Field(max_length=80)] = None
    stale: Annotated[bool, Field(description="all that have run out, of dead processes")] = False


class Undo(Body):
    change: Annotated[int | None, Field(ge=1, lt=2**31)] = None
    run: Annotated[Plain | None, Field(max_length=32)] = None
    dry_run: Annotated[bool, Field(description="only tell what would be taken back, and what could not")] = False
    yes: Annotated[bool, Field(description=f"needed for more than {FEW} changes")] = False


Action = Annotated[str, Path(json_schema_extra={"enum": list(ACTIONS)})]
Id = Annotated[str, Path(pattern=NO_NUL)]
Count = Annotated[int, Query(ge=1, le=inspect.MAX_PAGE)]
Text = Annotated[Plain | None, Query(max_length=80)]
Before = Annotated[int | None, Query(ge=1, lt=2**31)]

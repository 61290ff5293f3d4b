"""What an address may carry. PostgreSQL can neither keep a NUL nor look for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

NO_NUL = r"^[^\x00]*$"
Word = Annotated[str, Query(max_length=300, pattern=NO_NUL)]
Id = Annotated[str, Path(max_length=80, pattern=NO_NUL)]

"""The file in which a probe keeps what it is about to change, until everything is back: for its owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncd.commands import Refusal


class Note:
    """The record as it was before the first write."""

    def __init__(self, directory: Path, number: int) -> None:
        self.path = directory / f"probe-{number}.json"

    def read(self) -> Mapping[str, Any] | None:
        """What a probe that was killed has left; None if there is nothing. Raises `Refusal`."""
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            found = None
        if not isinstance(found, dict):
            raise Refusal(f"{self.path} cannot be read: look what it holds, put that back by hand, and remove it")
        return found

    def write(self, body: Mapping[str, Any]) -> None:
        """Keep a record, on the disk before this returns. Raises `Refusal`."""
        part = self.path.with_suffix(".part")
        try:
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
                json.dump(body, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
        except OSError as error:
            why = (error.strerror or "not possible").lower()
            raise Refusal(f"{self.path} cannot be written ({why}): without it nothing is tried") from None

    def remove(self) -> None:
        """Everything is back."""
        self.path.unlink(missing_ok=True)

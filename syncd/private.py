"""What holds people's data is for its owner only, however carelessly it was made. Knows no file by name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

OTHERS = 0o077
MAY_WRITE = 0o022


def private_from_now_on() -> None:
    """Whatever this process makes from here on is for its owner only, whatever the shell it was started from says."""
    os.umask(OTHERS)


def keep_private(path: Path, mode: int) -> None:
    """Take others' rights to a file or folder of ours away; nothing where there is none, or it is not ours.

    A folder all put things into (`/tmp`) stays theirs. Raises OSError.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_mode & OTHERS and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        path.chmod(mode)


def open_to_writers(folder: Path) -> bool:
    """Whether others could put files there, or links in the place of ours."""
    return bool(folder.stat().st_mode & MAY_WRITE)

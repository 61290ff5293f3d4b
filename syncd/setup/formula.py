"""The status formula: a person's edit of a synced field makes the record wait. Pure text; the firm's script is kept.

Ours stands between two marker comments and is replaced as a whole; nothing outside of them is touched, but for the
`;` a last statement of the firm's may lack.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# No quotes and no `;` in them: a parser of formulas need not be good at comments.
BEGIN = "// syncd: begin - made by syncd setup espocrm, changes down to the end mark are lost"
END = "// syncd: end"

_OURS = re.compile(r"[ \t]*// syncd: begin\b[^\n]*\n.*?// syncd: end[^\n]*(?:\n|\Z)", re.DOTALL)
# What is no code: comments and strings. A string may hold what looks like a comment.
_NO_CODE = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


def block(watched: Sequence[str], status: str, user: str) -> str:
    """Our part of the script. `user`: whose writes set nothing, or the daemon's own would come back."""
    tests = " ||\n  ".join(f"entity\\isAttributeChanged('{name}')" for name in watched)
    return (
        f"{BEGIN}\n"
        f"ifThen(!entity\\isNew() && env\\userAttribute('userName') != '{user}' && "
        f"!entity\\isAttributeChanged('{status}') && (\n  {tests}),\n  {status} = 'dirty');\n"
        f"{END}"
    )


def with_block(script: str, ours: str) -> str:
    """The firm's script with our part in it, once."""
    before, after = _around(script)
    return "\n".join(part for part in (_ended(before), ours, after) if part) + "\n"


def fits(script: str, watched: Sequence[str], status: str, user: str) -> bool:
    """Whether the script does what is needed: by our part as it should be, or by a firm's own that sees all."""
    ours = _OURS.search(script)
    if ours is not None:
        return ours[0].strip() == block(watched, status, user) and len(_OURS.findall(script)) == 1
    sees = all(f"isAttributeChanged('{name}')" in script for name in (*watched, status))
    sets = re.search(rf"\b{re.escape(status)}\s*=\s*['\"]dirty['\"]", script) is not None
    return sees and sets and f"'{user}'" in script


def _around(script: str) -> tuple[str, str]:
    first = _OURS.search(script)
    if first is None:
        return script, ""
    return script[: first.start()].rstrip("\n"), _OURS.sub("", script[first.end() :]).strip("\n")


def _ended(script: str) -> str:
    """The script so that another statement may follow it."""
    code = _NO_CODE.sub(lambda found: " " * len(found[0]) if found[0].startswith("/") else "x" * len(found[0]), script)
    stripped = code.rstrip()
    if not stripped or stripped[-1] in ";}{":
        return script.rstrip()
    at = len(stripped)
    return f"{script[:at]};{script[at:]}".rstrip()

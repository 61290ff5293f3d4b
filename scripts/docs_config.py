"""Prints the settings and the keys of syncd.toml for the docs, from the code that reads them."""

from __future__ import annotations

from collections.abc import Iterable

import config

START, END = "<!-- generated: settings -->", "<!-- /generated -->"

GROUPS = (
    ("EspoCRM", ("ESPOCRM_",)),
    ("Advoware", ("ADVOWARE_",)),
    ("Stores and files", ("REDIS_", "DATABASE_", "SYNCD_CONFIG_FILE", "SYNCD_STATE_DIR")),
    ("HTTP", ("SYNCD_HTTP_", "SYNCD_API_TOKEN", "SYNCD_PUBLIC_URL", "SYNCD_UI_")),
    ("Guards", ("SYNCD_DELETE_GUARD", "SYNCD_CREATE_GUARD", "SYNCD_CHANGE_GUARD")),
    ("Work", ("SYNCD_",)),
)


def settings() -> str:
    """Every name of the environment, in groups; the first group a name fits is its own."""
    left = list(config.FIELDS)
    parts = []
    for title, prefixes in GROUPS:
        mine = [field for field in left if field.name.startswith(prefixes)]
        left = [field for field in left if field not in mine]
        parts.append(f"### {title}\n\n{table(mine)}")
    if left:
        raise ValueError(f"no group for {', '.join(field.name for field in left)}")
    return "\n\n".join(parts)


def table(fields: Iterable[config.FieldDoc]) -> str:
    """One group as Markdown."""
    rows = [
        f"| `{field.name}` | {cell(field.unit)} | {shown(field)} | {cell(field.why)}{notes(field)} |"
        for field in fields
    ]
    return "\n".join(["| name | form | default | what for |", "|---|---|---|---|", *rows])


def shown(field: config.FieldDoc) -> str:
    """The default as it would be written in an environment file."""
    if field.required:
        return "**required**"
    return f"`{field.default}`" if field.default else "empty"


def notes(field: config.FieldDoc) -> str:
    """What must be known beyond the one line."""
    return " (secret)" if field.secret else ""


def cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(settings())

"""Print the truth table of one field, as Markdown, from the merge the daemon runs.

`python -m scripts.truth_table > docs/truth_table.md`
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from mappers.normal import TEXT
from mappers.spec import Can, Canonical, Direction, Field, Policy, Side
from syncd.merge import ByHand, Equal, Nothing, Stage, Unsettled, Values, Verdict, Write, merge

START, END = "<!-- truth table -->", "<!-- /truth table -->"
NAMES = {Side.ESPO: "EspoCRM", Side.ADVOWARE: "Advoware"}

# What decides where both sides hold a value of their own: policy, and the side that is known to be newer.
JUDGES: dict[str, tuple[Policy, Side | None]] = {
    "`espocrm`": (Policy.ESPOCRM, None),
    "`advoware`": (Policy.ADVOWARE, None),
    "`newest`, EspoCRM newer": (Policy.NEWEST, Side.ESPO),
    "`newest`, Advoware newer": (Policy.NEWEST, Side.ADVOWARE),
    "`newest`, not known": (Policy.NEWEST, None),
    "`manual`": (Policy.MANUAL, None),
}


def patterns(length: int) -> Iterator[tuple[Canonical, ...]]:
    """Every case up to the names of the values: x is the first value met, y the second, z the third."""
    for values in product((None, "x", "y", "z"), repeat=length):
        met = list(dict.fromkeys(value for value in values if value is not None))
        if met == ["x", "y", "z"][: len(met)]:
            yield values


def words(verdict: Verdict, values: Values) -> str:
    """What is done, as the firm reads it."""
    match verdict:
        case Nothing():
            return "–"
        case Equal() if not (values.changed(Side.ESPO) or values.changed(Side.ADVOWARE)):
            return "–"
        case Equal():
            return "base only"
        case Write(target, value, loses):
            kept = f", {NAMES[target]}'s value kept" if loses else ""
            return f"{shown(value)} → {NAMES[target]}{kept}"
        case Unsettled():
            return "**a person decides**"
        case ByHand(value):
            return f"Task: {shown(value)} by hand in Advoware"


def shown(value: Canonical) -> str:
    return "blank" if value is None else f"`{value}`"


def with_base(direction: Direction, can: Can) -> str:
    """The table of a field both sides have agreed on before."""
    rows = []
    for base, espo, advoware in patterns(3):
        values = Values(espo, advoware, base, base)
        rows.append([shown(base), shown(espo), shown(advoware), *judged(values, Stage.KNOWN, direction, can)])
    return as_table(["base", "EspoCRM", "Advoware", *JUDGES], rows)


def without_base(stage: Stage) -> str:
    """The table of a field whose past is not known."""
    rows = []
    for espo, advoware in patterns(2):
        values = Values(espo, advoware)
        rows.append([shown(espo), shown(advoware), *judged(values, stage, Direction.BOTH, Can.UPDATE)])
    return as_table(["EspoCRM", "Advoware", *JUDGES], rows)


def judged(values: Values, stage: Stage, direction: Direction, can: Can) -> list[str]:
    cells = []
    for policy, newer in JUDGES.values():
        field = Field("f", "f", "f", TEXT, can=can, direction=direction, policy=policy)
        cells.append(words(merge(field, values, stage, newer), values))
    return cells


def as_table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown; columns that say the same in every row are one column."""
    columns = list(zip(head, *rows, strict=True))
    merged: dict[tuple[str, ...], list[str]] = {}
    fixed = len(head) - len(JUDGES)
    for name, *cells in columns[fixed:]:
        merged.setdefault(tuple(cells), []).append(name)
    if len(merged) == 1:
        merged = {cells: ["any policy"] for cells in merged}
    heads = [*head[:fixed], *("; ".join(names) for names in merged.values())]
    body = list(zip(*(cells for _, *cells in columns[:fixed]), *merged, strict=True))
    lines = [heads, ["---"] * len(heads), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def block() -> str:
    """All tables, between the markers under which the docs include them."""
    parts = [
        START,
        "**Both ways** (`both`), a field both sides have agreed on before:",
        with_base(Direction.BOTH, Can.UPDATE),
        "**One way, to Advoware** (`to_advoware`):",
        with_base(Direction.TO_ADVOWARE, Can.UPDATE),
        "**One way, to EspoCRM** (`to_espocrm`):",
        with_base(Direction.TO_ESPOCRM, Can.UPDATE),
        "**Advoware takes the field only when it is created** (register number and court):",
        with_base(Direction.BOTH, Can.CREATE_ONLY),
        "**First sync** of a confirmed pair; where both times are known the newer one wins, except under `manual`:",
        without_base(Stage.FIRST),
        "**Newly mapped field**, until `guard allow`:",
        without_base(Stage.FILL),
        END,
    ]
    return "\n\n".join(parts)


def page() -> str:
    """The whole of `docs/truth_table.md`."""
    intro = (
        "Every case of one field. Blank, null and missing are one value; `x`, `y` and `z` stand for any three different"
        "\nvalues. Printed by `python -m scripts.truth_table` from the code that decides; a test compares."
    )
    return f"# Truth table of the merge\n\n{intro}\n\n{block()}\n"


if __name__ == "__main__":
    print(page(), end="")

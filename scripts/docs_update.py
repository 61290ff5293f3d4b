"""Brings the generated parts of the docs up to date: `python -m scripts.docs_update`.

A page marks such a part with `<!-- generated: NAME -->` and `<!-- /generated -->`; what stands between is replaced.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import (
    docs_commands,
    docs_config,
    docs_proof,
    docs_reference,
    docs_security,
    docs_setup,
    docs_stories,
    truth_table,
)

ROOT = Path(__file__).parent.parent
PART = re.compile(r"(<!-- generated: (?P<name>[a-z_]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)

PARTS: Mapping[str, Callable[[], str]] = {
    "settings": docs_config.settings,
    "commands": docs_commands.table,
    "command_details": docs_commands.details,
    "entities": docs_reference.entities,
    "kinds": docs_reference.kinds,
    "status_fields": docs_reference.status_fields,
    "statuses": docs_reference.statuses,
    "merge": docs_reference.merge,
    "sentences": docs_reference.sentences,
    "metrics": docs_reference.all_metrics,
    "alarms": docs_reference.alarm_kinds,
    "stories": docs_stories.stories,
    "espocrm_fields": docs_setup.espocrm_fields,
    "espocrm_states": docs_setup.espocrm_states,
    "espocrm_rights": docs_setup.espocrm_rights,
    "espocrm_formula": docs_setup.espocrm_formula,
    "tables": docs_reference.tables,
    "routes": docs_reference.routes,
    "open_routes": docs_security.open_routes,
    "state_files": docs_security.state_files,
    "kept": docs_security.kept,
    "safeguards": docs_proof.safeguards,
}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "scripts" / "README.md"]


def brought_up_to_date(page: str) -> str:
    """The page with its generated parts as the code would print them now; raises KeyError for an unknown part."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n\n{found[3]}", page)


def main() -> int:
    """Write what differs; tell which pages did."""
    (ROOT / "docs" / "truth_table.md").write_text(truth_table.page(), "utf-8")
    for path in pages():
        before = path.read_text("utf-8")
        after = brought_up_to_date(before)
        if after != before:
            path.write_text(after, "utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The safeguards of the engine, each with what it protects from and a way to switch it off.

Whoever removes one of them must see a test fail: the stories of `test_safeguards.py` and the simulation both run with
each of them switched off, and must find what then goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.simulation import switches
from tests.simulation import switches_records as records
from tests.simulation.switches import Names, swapped


@dataclass(frozen=True)
class Safeguard:
    """One of the things that keep promises. `off` switches it off for the duration of a `with` block."""

    name: str
    protects: str
    off: Callable[[], AbstractContextManager[None]]


def _by(name: str, names: tuple[Names, ...], protects: str) -> Safeguard:
    return Safeguard(name, protects, lambda: swapped(*names))


SAFEGUARDS: tuple[Safeguard, ...] = (
    # who may write
    _by("journal", switches.JOURNAL, "what a process that died was about to write is forgotten, and written twice"),
    _by("fencing", switches.FENCING, "a job whose claim has passed to another goes on writing and storing"),
    _by("lease renewal", switches.RENEWAL, "a job on slow systems loses its claim again and again and never ends"),
    _by("crash counted as a try", switches.CRASHES, "a record that kills the process kills it for ever"),
    _by("work copied from the ledger", switches.COPYING, "what a flushed Redis has forgotten is never worked on"),
    # what was read, and what was written
    _by("re-check before write", switches.RECHECK, "a person's edit since the read is written over"),
    _by("last look before sending", switches.LAST_LOOK, "what waited for a login is sent over what was typed since"),
    _by("list re-read before PATCH", switches.LIST_READ, "a number added since the read vanishes with the old list"),
    Safeguard("read-back", "a value the target refused passes for written", switches.believing_answers),
    _by("base per confirmed field", switches.BASE, "a field that was not taken passes for agreed, and stays different"),
    _by("quarantine", switches.QUARANTINE, "one value a side does not take keeps the record's other values from it"),
    _by("own late write", switches.LATE_WRITES, "a write of ours that applied late passes for a person's edit"),
    _by("losing value kept", records.KEPT, "of two values typed for the same field one disappears untold"),
    _by("late check", records.LATE_LOOK, "an edit in the instant of our own write is never looked at"),
    _by("own-write recognition", records.OWN_WRITES, "our own writes pass for people's and start jobs for ever"),
    _by("watermark overlap", records.OVERLAP, "a row that was committed late is never polled"),
    # who belongs to whom
    _by("link check", records.LINK, "one person's data is written over another's through a wrong number"),
    Safeguard("one record per Beteiligter", "a copied record writes into the first one's Beteiligten",
              records.any_number_of_rivals),
    _by("cleared link asks", records.CLEARED, "a number taken out of a record makes a second Beteiligten"),
    _by("admission", records.ADMISSION, "records of before the first start are created in Advoware unasked"),
    _by("search before create", records.SEARCH, "a person Advoware knows already is created once more"),
    _by("proof of the search", records.SEARCH_PROOF, "a search that finds nobody is believed, and people are doubled"),
    _by("lost create is looked up", records.LOST_CREATE, "a POST whose answer was lost is sent again"),
    _by("patience with a lost create", records.PATIENCE, "a POST that applies late is doubled"),
    # numbers and addresses
    _by("matching by value", records.SAME_VALUE, "numbers both sides have are doubled at the first sync"),
    _by("twins", records.TWINS, "a number taken away comes back from its twin"),
    _by("evidence of webhooks", records.EVIDENCE, "a number our own PATCH took away is gone without a trace"),
    # what is gone, and what is too much
    _by("404 confirmed twice", records.FIRST_404, "one wrong answer marks a person as deleted"),
    _by("unknown is not absent", records.CERTAINTY, "rights that were cut or a proxy's page pass for a deletion"),
    _by("listing trust", records.LISTINGS, "what an incomplete listing lacks passes for deleted"),
    _by("mass-delete guard", records.MASS_DELETE, "a broken system's answers mark everybody as deleted"),
    _by("create guard", records.CREATIONS, "an import floods Advoware, where nothing can be deleted"),
    _by("change guard", records.CHANGES, "a field blanked everywhere by mistake is blanked on the other side too"),
    _by("restored-backup hold", records.GONE_BACK, "a restored backup undoes what people typed since"),
    # limits
    _by("token single-flight", records.TOKEN, "every worker logs in for itself, and the account is locked"),
    _by("call budget", records.BUDGET, "more calls a minute than were granted"),
    _by("circuit", records.CIRCUIT, "a system that is away is flooded with calls"),
)  # fmt: skip

"""What clerks read in EspoCRM: the eight states, the panels, and in which colour a state is shown. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words
from syncd.model import Status

GERMAN, ENGLISH = "de_DE", "en_US"

STATES: Mapping[Status, Words] = {
    Status.PENDING_SYNC: Words("noch nie abgeglichen", "not synced yet"),
    Status.DIRTY: Words("geändert, wird abgeglichen", "changed, will be synced"),
    Status.SYNCING: Words("wird gerade abgeglichen", "syncing now"),
    Status.CLEAN: Words("abgeglichen", "in sync"),
    Status.FAILED: Words("fehlgeschlagen, neuer Versuch folgt", "failed, will be tried again"),
    Status.PERMANENTLY_FAILED: Words("fehlgeschlagen, bitte ansehen", "failed, please have a look"),
    Status.CONFLICT: Words("Entscheidung nötig", "needs a decision"),
    Status.DELETED_IN_ADVOWARE: Words("in Advoware gelöscht", "deleted in Advoware"),
}

# EspoCRM's names of colours.
STYLES: Mapping[Status, str] = {
    Status.PENDING_SYNC: "default",
    Status.DIRTY: "warning",
    Status.SYNCING: "primary",
    Status.CLEAN: "success",
    Status.FAILED: "danger",
    Status.PERMANENTLY_FAILED: "danger",
    Status.CONFLICT: "danger",
    Status.DELETED_IN_ADVOWARE: "default",
}

# A panel's label is the key under which EspoCRM looks up its translation.
SYNC_PANEL = "Advoware"
OWN_PANEL = "Stammdaten"
PANEL_WORDS: Mapping[str, Words] = {OWN_PANEL: Words("Stammdaten", "Master Data")}


def languages(default: str | None) -> tuple[str, ...]:
    """Where labels are wanted: English, on which the others fall back, German, and the firm's own kind of either."""
    own = (default,) if default and default.startswith(("de_", "en_")) else ()
    return tuple(dict.fromkeys((ENGLISH, GERMAN, *own)))

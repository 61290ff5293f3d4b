"""Texts of the overview."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "overview.title": Words("Überblick", "Overview"),
    "overview.not_ready": Words("Der Abgleich kann gerade nicht arbeiten:", "The sync cannot work at the moment:"),
    "overview.records": Words("Datensätze", "Records"),
    "overview.sides": Words("Beide Systeme", "Both systems"),
    "overview.peer_closed": Words("antwortet", "answers"),
    "overview.peer_open": Words("antwortet nicht", "does not answer"),
    "overview.peer_ramp": Words("kommt zurück", "is coming back"),
    "overview.peer_barred": Words("lehnt unsere Anmeldung ab", "refuses our login"),
}

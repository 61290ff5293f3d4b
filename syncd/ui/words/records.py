"""Texts of the list of records."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "nav.records": Words("Datensätze", "Records"),
    "records.title": Words("Datensätze", "Records"),
    "records.q": Words("Name, Nummer oder Id", "Name, number or id"),
    "records.status": Words("Stand", "Status"),
    "records.status_all": Words("alle", "all"),
    "records.status_person": Words("braucht jemanden", "needs somebody"),
    "records.status_new": Words("noch nicht angesehen", "not looked at yet"),
    "records.entity": Words("Art", "Kind"),
    "records.sort": Words("Reihenfolge", "Order"),
    "records.sort_id": Words("Id", "Id"),
    "records.sort_name": Words("Name", "Name"),
    "records.sort_number": Words("Nummer", "Number"),
    "records.sort_changed": Words("zuletzt geändert", "latest change"),
    "records.search": Words("Suchen", "Search"),
    "records.reset": Words("Alles zeigen", "Show all"),
    "records.found": Words("{n} Datensätze", "{n} records"),
    "records.found.one": Words("{n} Datensatz", "{n} record"),
    "records.found_more": Words("Die ersten {n} Datensätze, weitere folgen", "The first {n} records, more follow"),
    "records.page_more": Words("{n} weitere Datensätze, weitere folgen", "{n} further records, more follow"),
    "records.page_last": Words("{n} weitere Datensätze, die letzten", "{n} further records, the last ones"),
    "records.page_last.one": Words("{n} weiterer Datensatz, der letzte", "{n} further record, the last one"),
    "records.none": Words("Noch nimmt kein Datensatz am Abgleich teil.", "No record takes part in the sync yet."),
    "records.none_found": Words(
        "Nichts gefunden. Ein Teil des Namens genügt; gesucht wird unter allem, was am Abgleich teilnimmt.",
        "Nothing found. Part of the name is enough; all that takes part in the sync is searched.",
    ),
    "records.open_unknown": Words("{key} trotzdem ansehen", "Look at {key} nevertheless"),
    "records.name": Words("Name", "Name"),
    "records.number": Words("Nummer", "Number"),
    "records.changed": Words("Geändert", "Changed"),
    "records.unnamed": Words("ohne Namen", "without a name"),
    "records.later": Words("Weiter", "Next"),
    "records.first": Words("Zum Anfang", "To the beginning"),
    "records.pages": Words("Seiten der Liste", "Pages of the list"),
    "state.new": Words("noch nicht verknüpft", "not linked yet"),
    "state.linked": Words("verknüpft", "linked"),
    "state.gone": Words("in Advoware gelöscht", "deleted in Advoware"),
    "state.tombstone": Words("in EspoCRM gelöscht", "deleted in EspoCRM"),
    "state.excluded": Words("ausgenommen", "excluded"),
}

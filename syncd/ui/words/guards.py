"""Texts of the pages about guards and pauses."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "nav.guards": Words("Bremsen", "Guards"),
    "nav.pauses": Words("Pausen", "Pauses"),
    "guards.title": Words("Bremsen", "Guards"),
    "guards.lead": Words(
        "Wenn sehr viele Datensätze auf einmal betroffen wären, hält der Abgleich an und fragt.",
        "Where very many records would be concerned at once, the sync stops and asks.",
    ),
    "guards.none": Words("Nichts ist angehalten.", "Nothing was stopped."),
    "guards.records": Words("{n} Datensätze", "{n} records"),
    "guards.records.one": Words("ein Datensatz", "one record"),
    "guards.of_checked": Words("von {n} geprüften", "of {n} checked"),
    "guards.since": Words("angehalten", "stopped"),
    "guards.ledger": Words("dem Gedächtnis des Abgleichs", "the ledger"),
    "guards.not_taken": Words("Das wurde nicht übernommen:", "This was not taken:"),
    "guards.allow_title": Words("Es ist so gewollt", "It is meant"),
    "guards.allow": Words("Genau diese {n} durchlassen", "Let exactly these {n} through"),
    "guards.allow.one": Words("Genau diesen einen durchlassen", "Let exactly this one through"),
    "guards.right": Words("Welche Seite hat recht?", "Which side is right?"),
    "guards.believe": Words("{side} hat recht", "{side} is right"),
    "guards.discard_title": Words("Es ist ein Irrtum", "It is a mistake"),
    "guards.discard": Words("Diese {n} verwerfen", "Discard these {n}"),
    "guards.discard.one": Words("Diesen einen verwerfen", "Discard this one"),
    "guards.allowed": Words(
        "{n} Datensätze durchgelassen. Es wird gleich ausgeführt.",
        "{n} records let through. It is carried out at once.",
    ),
    "guards.allowed.one": Words(
        "Ein Datensatz durchgelassen. Es wird gleich ausgeführt.", "One record let through. It is carried out at once."
    ),
    "guards.discarded": Words(
        "Bei {n} Datensätzen verworfen. Es wird gleich ausgeführt.",
        "Discarded for {n} records. It is carried out at once.",
    ),
    "guards.discarded.one": Words(
        "Bei einem Datensatz verworfen. Es wird gleich ausgeführt.",
        "Discarded for one record. It is carried out at once.",
    ),
    "guards.list": Words("Die angehaltenen Datensätze", "The stopped records"),
    "guards.record": Words("Datensatz", "Record"),
    "guards.number": Words("Nummer in Advoware", "Number in Advoware"),
    "guards.before": Words("bisher", "so far"),
    "guards.after": Words("würde werden", "would become"),
    "guards.first": Words("Zum Anfang", "To the beginning"),
    "guards.next": Words("Weitere", "More"),
    # missing in {side}
    "guards.title_missing": Words("Viele fehlen in {side}", "Many are missing in {side}"),
    "guards.stopped_missing": Words(
        "In {side} fehlen viele Datensätze auf einmal. Keiner davon wurde als gelöscht vermerkt.",
        "Many records are missing in {side} all at once. None of them is marked as deleted.",
    ),
    "guards.allowing_missing": Words(
        "Sie gelten dann als gelöscht, und eine Aufgabe weist darauf hin. Auf keiner Seite wird etwas gelöscht.",
        "They are believed to be deleted, and a Task tells of it. Nothing is deleted on either side.",
    ),
    "guards.discarding_missing": Words(
        "Es wird nicht geglaubt: Jeder wird noch einmal nachgesehen.",
        "It is not believed: each is looked at again.",
    ),
    # too many creations
    "guards.title_create": Words("Viele neue für Advoware", "Many new ones for Advoware"),
    "guards.stopped_create": Words(
        "In einer Stunde wurden so viele Beteiligte angelegt, dass keine weiteren nach Advoware gehen.",
        "So many Beteiligte were created within an hour that no more are sent to Advoware.",
    ),
    "guards.allowing_create": Words(
        "Sie werden in Advoware angelegt. Dort kann sie niemand wieder löschen.",
        "They are created in Advoware, where nobody can delete them.",
    ),
    "guards.discarding_create": Words(
        "Diese Datensätze nehmen nicht mehr am Abgleich teil, bis jemand sie wieder aufnimmt.",
        "These records take no part in the sync any more, until somebody takes them back.",
    ),
    # the same field changed in {side}
    "guards.title_change": Words("{field} in {side} massenhaft geändert", "{field} changed in {side} en masse"),
    "guards.stopped_change": Words(
        "In sehr vielen Datensätzen wurde in {side} dasselbe Feld geändert: {field}. Es wird nicht nach {other} "
        "geschrieben.",
        "The same field was changed in {side} in very many records: {field}. It is not written to {other}.",
    ),
    "guards.allowing_change": Words(
        "Das Feld wird bei genau diesen Datensätzen nach {other} geschrieben. Der Lauf lässt sich zurücknehmen.",
        "The field of exactly these records is written to {other}. The run can be taken back.",
    ),
    "guards.discarding_change": Words(
        "In {side} kommt der Wert von vorher zurück, wo noch steht, was angehalten wurde.",
        "In {side} the value from before comes back, where it still is as it was stopped.",
    ),
    # mapped later
    "guards.title_new_field": Words("Neues Feld: {field}", "New field: {field}"),
    "guards.stopped_new_field": Words(
        "Das Feld {field} wird neu abgeglichen, und diese Datensätze unterscheiden sich darin. Alle anderen Felder "
        "sind abgeglichen.",
        "The field {field} was mapped later, and these records differ in it. All their other fields are in sync.",
    ),
    "guards.allowing_new_field": Words(
        "Es gilt die Regel des ersten Abgleichs; ersetzte Werte werden aufbewahrt.",
        "The rules of a first sync decide; the values that lose are kept.",
    ),
    # restored backup
    "guards.title_went_back": Words("Sicherung eingespielt?", "Restored backup?"),
    "guards.stopped_went_back": Words(
        "Diese Datensätze sind älter als zuletzt, nach dem Stand von {side}. Sie werden nicht geschrieben.",
        "These records are older than remembered, as {side} has it. They are not written.",
    ),
    "guards.allowing_went_back": Words(
        "Diese Seite gilt hier und bei weiteren Datensätzen derselben Sicherung; was sie ersetzt, wird aufbewahrt.",
        "This side holds for these records and for others of this backup; what it replaces is kept.",
    ),
    # pauses
    "pauses.title": Words("Pausen", "Pauses"),
    "pauses.lead": Words(
        "In einer Pause wird nichts geschrieben. Nachgesehen wird weiter, und danach wird alles nachgeholt.",
        "Nothing is written during a pause. Looking goes on, and all is made up for afterwards.",
    ),
    "pauses.none": Words("Nichts ist pausiert.", "Nothing is paused."),
    "pauses.all": Words("Alles", "Everything"),
    "pauses.side": Words("Schreiben nach {side}", "Writing to {side}"),
    "pauses.entity": Words("Nur {entity}", "Only {entity}"),
    "pauses.by_guard": Words("Sicherung eingespielt?", "restored backup?"),
    "pauses.to_guard": Words("Ansehen und entscheiden", "Look and decide"),
    "pauses.since": Words("begonnen", "begun"),
    "pauses.resume": Words("Weitermachen", "Go on"),
    "pauses.new": Words("Pausieren", "Pause"),
    "pauses.what": Words("Was", "What"),
    "pauses.why": Words("Grund (alle sehen ihn)", "Reason (everybody sees it)"),
    "pauses.pause": Words("Pausieren", "Pause"),
    "pauses.paused": Words("Pausiert.", "Paused."),
    "pauses.resumed": Words("Es geht weiter.", "It goes on."),
    "pauses.banner": Words("Pausiert:", "Paused:"),
    "pauses.show": Words("Ansehen", "Look"),
}

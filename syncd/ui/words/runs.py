"""Texts of the pages about runs, and about taking changes back."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "nav.runs": Words("Läufe", "Runs"),
    "runs.title": Words("Läufe", "Runs"),
    "runs.lead": Words(
        "Was für viele Datensätze auf einmal angestoßen wurde, wie weit es ist und was es geändert hat.",
        "What was set going for many records, how far it is, and what it has changed.",
    ),
    "runs.none": Words("Es wurde noch nichts angestoßen.", "Nothing was set going yet."),
    "runs.kind_backfill": Words("Bestand aufnehmen", "Backfill"),
    "runs.kind_match": Words("Zuordnung", "Match"),
    "runs.kind_import": Words("Einlesen aus Advoware", "Import from Advoware"),
    "runs.kind_undo": Words("Zurücknehmen", "Undo"),
    "runs.kind_sync": Words("Abgleich auf Befehl", "Sync on command"),
    "runs.kind_run": Words("Ein Durchgang", "One pass"),
    "runs.job": Words("Ein Arbeitsgang", "One job"),
    "runs.state_running": Words("läuft", "running"),
    "runs.state_paused": Words("unterbrochen", "paused"),
    "runs.state_done": Words("fertig", "done"),
    "runs.progress": Words("Fortschritt", "Progress"),
    "runs.done_of": Words("{done} von {total} Datensätzen", "{done} of {total} records"),
    "runs.waiting": Words("{n} warten noch", "{n} still wait"),
    "runs.waiting.one": Words("einer wartet noch", "one still waits"),
    "runs.changes": Words("{n} Werte geschrieben", "{n} values written"),
    "runs.changes.one": Words("ein Wert geschrieben", "one value written"),
    "runs.refused": Words("{n} Änderungen ließen sich nicht zurücknehmen.", "{n} changes could not be taken back."),
    "runs.refused.one": Words("Eine Änderung ließ sich nicht zurücknehmen.", "One change could not be taken back."),
    "runs.started": Words("begonnen", "started"),
    "runs.ended": Words("beendet", "ended"),
    "runs.undo": Words("Zurücknehmen …", "Take back …"),
    "runs.undo_first": Words("Vorher wird gezeigt, was geschieht.", "What will happen is shown first."),
    "runs.written": Words("Geschriebene Werte", "Values written"),
    "runs.record": Words("Datensatz", "Record"),
    "runs.field": Words("Feld", "Field"),
    "runs.side": Words("Seite", "Side"),
    "runs.before": Words("vorher", "before"),
    "runs.after": Words("nachher", "after"),
    "runs.when": Words("wann", "when"),
    "runs.more": Words("Es sind mehr; gezeigt werden {n}.", "There are more; {n} are shown."),
    "runs.nothing": Words("Es wurde nichts geschrieben.", "Nothing was written."),
    # taking back
    "undoing.title": Words("Änderungen zurücknehmen", "Take changes back"),
    "undoing.will": Words("{n} Werte kommen zurück.", "{n} values are put back."),
    "undoing.will.one": Words("Ein Wert kommt zurück.", "One value is put back."),
    "undoing.records": Words("Betroffen sind {n} Datensätze.", "{n} records are concerned."),
    "undoing.records.one": Words("Betroffen ist ein Datensatz.", "One record is concerned."),
    "undoing.means": Words(
        "Geplant und geprüft wird wie bei jeder Änderung, auf beiden Seiten; auch das lässt sich zurücknehmen.",
        "It is planned and checked as any change, on both sides, and can be taken back itself.",
    ),
    "undoing.do": Words("{n} Werte zurücknehmen", "Put {n} values back"),
    "undoing.do.one": Words("Diesen Wert zurücknehmen", "Put this value back"),
    "undoing.cancel": Words("Abbrechen", "Cancel"),
    "undoing.taken": Words("Das kommt zurück", "This is put back"),
    "undoing.now": Words("jetzt", "now"),
    "undoing.then": Words("danach", "then"),
    "undoing.why": Words("warum", "why"),
    "undoing.nothing": Words("Nichts davon lässt sich zurücknehmen.", "Nothing of it can be taken back."),
    "undoing.refused": Words("{n} lassen sich nicht zurücknehmen", "{n} cannot be taken back"),
    "undoing.refused.one": Words("Eines lässt sich nicht zurücknehmen", "One cannot be taken back"),
    "undoing.stale": Words(
        "Inzwischen ist es etwas anderes. Bitte noch einmal ansehen.", "It has changed meanwhile. Please look again."
    ),
    "undoing.done": Words("{n} Werte werden zurückgenommen.", "{n} values are being put back."),
    "undoing.done.one": Words("Ein Wert wird zurückgenommen.", "One value is being put back."),
}

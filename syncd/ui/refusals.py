"""Why a request was refused, in the reader's language. Pure.

The ledger refuses in English, for terminal and API alike. Each of its sentences has a counterpart here; a test reads
them from the sources. One that has none is shown as it came.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What the ledger says, as a pattern, and the same in German and for people who see no terminal in English.
SENTENCES: Sequence[tuple[str, str, str]] = (
    (
        r"conflict \S+ is settled already",
        "Es ist inzwischen erledigt.",
        "It is settled already.",
    ),
    (
        r"conflict \S+ has changed since it was shown: .*",
        "Inzwischen hat sich hier etwas geändert oder jemand anders hat entschieden. Bitte noch einmal ansehen.",
        "Something has changed here meanwhile, or somebody else has decided. Please look again.",
    ),
    (
        r"guard \S+ holds (\d+) records by now: .*",
        "Die Bremse hält inzwischen {0} Datensätze an. Bitte die Liste noch einmal ansehen.",
        "The guard holds {0} records by now. Please look at the list again.",
    ),
    (
        r"conflict \S+: both sides have this value already",
        "Beide Seiten haben diesen Wert schon.",
        "Both sides have this value already.",
    ),
    (
        r"conflict \S+: choose espocrm or advoware; type another number in EspoCRM",
        "Hier geht nur EspoCRM oder Advoware; eine andere Nummer bitte in EspoCRM eintragen.",
        "Only EspoCRM's or Advoware's can be taken; type another number in EspoCRM.",
    ),
    (
        r"conflict \S+: nothing can be created for it; (.*)",
        "Hier kann nichts neu angelegt werden. Bitte in EspoCRM berichtigen.",
        "Nothing can be created for it: please correct it in EspoCRM.",
    ),
    (
        r"conflict \S+: it cannot be linked; (.*)",
        "Hier kann nichts verknüpft werden. Bitte in EspoCRM berichtigen.",
        "It cannot be linked: please correct it in EspoCRM.",
    ),
    (
        r"conflict \S+: say which one, `link NUMBER`|choose `create`, `link NUMBER` or, with one candidate, `link`",
        "Bitte die Nummer des Beteiligten angeben.",
        "Please give the number of the Beteiligter.",
    ),
    (
        r"an Advoware number is greater than 0",
        "Die Nummer muss größer als 0 sein.",
        "The number must be greater than 0.",
    ),
    (
        r"conflict \S+: the record names another number; correct it in EspoCRM",
        "Der Datensatz nennt eine andere Nummer; bitte in EspoCRM berichtigen.",
        "The record names another number; please correct it in EspoCRM.",
    ),
    (
        r"(\d+) already belongs to (.*)",
        "{0} gehört schon zu einem anderen Datensatz ({1}).",
        "{0} already belongs to another record ({1}).",
    ),
    (
        r"this is no value for \S+: (?P<why>.*)",
        "Das ist kein Wert für dieses Feld.",
        "This is no value for this field ({why}).",
    ),
    (
        r"(\S+) is no longer a mapped field",
        "Dieses Feld wird nicht mehr abgeglichen.",
        "This field is no longer kept the same.",
    ),
    (
        r"\S+ was never in sync: correct it in (\S+)",
        "Das war noch nie abgeglichen; bitte dort berichtigen: {0}.",
        "It was never in sync; please correct it there: {0}.",
    ),
    (
        r"\S+ is not written to (\S+) here \(see its direction in syncd\.toml\)(: type it there)?",
        "Dieses Feld wird nicht dorthin geschrieben: {0}.",
        "This field is not written there: {0}.",
    ),
    (
        r"Advoware's interface cannot change \S+: type it there, or take advoware",
        "Die Schnittstelle von Advoware kann das nicht ändern: bitte dort eintragen, oder Advoware nehmen.",
        "Advoware's interface cannot change it: please type it there, or take Advoware's.",
    ),
    (
        r"\S+ is excluded from the sync",
        "Der Datensatz ist vom Abgleich ausgenommen.",
        "The record is excluded from the sync.",
    ),
    (
        r"\S+ is being worked on; try again in a minute",
        "Daran wird gerade gearbeitet; bitte in einer Minute noch einmal.",
        "It is being worked on; try again in a minute.",
    ),
    (
        r"\S+: it is not certain yet whether it was created in Advoware; try again later",
        "Es ist noch nicht sicher, ob er in Advoware angelegt wurde; bitte später noch einmal.",
        "It is not certain yet whether it was created in Advoware; try again later.",
    ),
    (r"\S+ is not excluded", "Der Datensatz ist nicht ausgenommen.", "The record is not excluded."),
    # pauses and guards
    (
        r"\S+ is stopped by a guard already",
        "Das hat schon eine Bremse angehalten.",
        "A guard has stopped this already.",
    ),
    (r"\S+ is not paused", "Das ist nicht pausiert.", "This is not paused."),
    (
        r"\S+ was stopped by .*: look at it and allow it \(`syncd guard`\)",
        "Das hat eine Bremse angehalten; bitte dort entscheiden.",
        "A guard has stopped this; please decide there.",
    ),
    (
        r"guard \S+: say which side is right, espocrm or advoware",
        "Bitte sagen, welche Seite recht hat.",
        "Please say which side is right.",
    ),
    (
        r"guard \S+ is not about a restored backup: allow it without a side",
        "Hier geht es nicht um eine eingespielte Sicherung.",
        "This is not about a restored backup.",
    ),
    (
        r"guard \S+: say which side is right: allow it with --right espocrm or --right advoware",
        "Bitte sagen, welche Seite recht hat.",
        "Please say which side is right.",
    ),
    (
        r"guard \S+: to leave the differences as they are, set direction = \"off\" for the field in syncd\.toml",
        "Um die Unterschiede zu lassen, das Feld in syncd.toml abschalten (direction = \"off\").",
        "To leave the differences as they are, switch the field off in syncd.toml (direction = \"off\").",
    ),
    (
        r"entries of \S+ are put back by a person in (\S+), or let through and undone",
        "Solche Einträge stellt ein Mensch wieder her ({0}), oder durchlassen und den Lauf zurücknehmen.",
        "Such entries are put back by a person ({0}), or let through and undone.",
    ),
    # undo
    (
        r"change \d+ is no change of a value: .*",
        "Dabei wurde kein Wert geändert.",
        "It is no change of a value.",
    ),
    (
        r"several jobs begin with \S+: give more of the id",
        "Damit beginnen mehrere; bitte mehr von der Kennung angeben.",
        "Several begin so: give more of the id.",
    ),
    (
        r"the record was created with it, and Advoware cannot delete: correct the field in EspoCRM",
        "Damit wurde der Datensatz angelegt, und Advoware kann nicht löschen: bitte das Feld in EspoCRM berichtigen.",
        "The record was created with it, and Advoware cannot delete: correct the field in EspoCRM.",
    ),
    (
        r"it only put back what a write had blanked",
        "Das stellte nur wieder her, was ein Schreiben geleert hatte.",
        "It only put back what a write had blanked.",
    ),
    (
        r"it linked two records; to part them clear the number in EspoCRM",
        "Damit wurden zwei Datensätze verknüpft; zum Trennen die Nummer in EspoCRM leeren.",
        "It linked two records; to part them clear the number in EspoCRM.",
    ),
    (
        r"it only noted that the record was deleted in EspoCRM",
        "Das vermerkte nur, dass der Datensatz in EspoCRM gelöscht wurde.",
        "It only noted that the record was deleted in EspoCRM.",
    ),
    (
        r"it was a try that failed; .*",
        "Das war ein Versuch, der fehlschlug.",
        "It was a try that failed.",
    ),
    (
        r"it was only planned in a dry run; nothing was written",
        "Das war nur geplant; es wurde nichts geschrieben.",
        "It was only planned in a dry run; nothing was written.",
    ),
    (
        r"the record is excluded from the sync: .*",
        "Der Datensatz ist vom Abgleich ausgenommen.",
        "The record is excluded from the sync.",
    ),
    (
        r"the Beteiligte is gone in Advoware",
        "Der Beteiligte ist in Advoware nicht mehr da.",
        "The Beteiligte is gone in Advoware.",
    ),
    (
        r"the record was deleted in EspoCRM",
        "Der Datensatz wurde in EspoCRM gelöscht.",
        "The record was deleted in EspoCRM.",
    ),
    (r"the record is not linked", "Der Datensatz ist nicht verknüpft.", "The record is not linked."),
    (
        r"the value from before has no form both sides understand: type it",
        "Den Wert von vorher verstehen nicht beide Seiten: bitte von Hand eintragen.",
        "The value from before has no form both sides understand: type it.",
    ),
    (
        r"it changed no value: only the remark, the type, the spelling or which one is the main one",
        "Dabei änderte sich kein Wert, nur Bemerkung, Art, Schreibweise oder welcher der erste ist.",
        "It changed no value: only the remark, the type, the spelling or which one is the main one.",
    ),
    (
        r"both sides have the value from before already",
        "Beide Seiten haben den Wert von vorher schon.",
        "Both sides have the value from before already.",
    ),
    (
        r"nothing is known of the record any more",
        "Von dem Datensatz ist nichts mehr bekannt.",
        "Nothing is known of the record any more.",
    ),
    (
        r"what both sides agreed on cannot be read any more: type the old value",
        "Der gemeinsame Stand ist nicht mehr lesbar: bitte den alten Wert von Hand eintragen.",
        "What both sides agreed on cannot be read any more: type the old value.",
    ),
    (
        r"its place in Advoware was used again since \(change (\d+)\): type the number in EspoCRM once more",
        "Der Platz in Advoware ist seitdem neu belegt (Änderung {0}): bitte die Nummer in EspoCRM neu eintragen.",
        "Its place in Advoware was used again since (change {0}): type the number in EspoCRM once more.",
    ),
    (
        r"the field was changed again since: `syncd undo (\d+)` first, or type the value you want",
        "Das Feld wurde seitdem noch einmal geändert (Änderung {0}): erst diese zurücknehmen, oder den Wert eintragen.",
        "The field was changed again since (change {0}): undo that first, or type the value you want.",
    ),
    (
        r"it is another entry by now \(\S+\): change it in EspoCRM",
        "Es ist inzwischen ein anderer Eintrag: bitte in EspoCRM ändern.",
        "It is another entry by now: change it in EspoCRM.",
    ),
    (
        r"the sides have something else by now that syncd did not write: type the value you want",
        "Inzwischen hat ein Mensch etwas anderes eingetragen: bitte den gewünschten Wert eintragen.",
        "A person has typed something else by now: type the value you want.",
    ),
    (
        r"the number from before is there already \(\S+\)",
        "Die Nummer von vorher ist schon da.",
        "The number from before is there already.",
    ),
    (
        r"EspoCRM cannot keep the value from before: (?P<why>.*)",
        "EspoCRM kann den Wert von vorher nicht aufnehmen.",
        "EspoCRM cannot keep the value from before ({why}).",
    ),
    (
        r"the number was only given another type: change its type in EspoCRM",
        "Die Nummer bekam nur eine andere Art: bitte die Art in EspoCRM ändern.",
        "The number was only given another type: change its type in EspoCRM.",
    ),
    (
        r"a choice about this field is being carried out already",
        "Eine Entscheidung zu diesem Feld wird schon ausgeführt.",
        "A choice about this field is being carried out already.",
    ),
    (
        r"conflict \S+ about it waits for you: .*",
        "Dazu wartet noch ein Konflikt auf eine Entscheidung.",
        "A conflict about it waits for a decision.",
    ),
    (
        r"Advoware's interface cannot change it: type the value from before there, in (\S+)",
        "Die Schnittstelle von Advoware kann das nicht ändern: bitte den Wert von vorher dort eintragen ({0}).",
        "Advoware's interface cannot change it: type the value from before there ({0}).",
    ),
)  # fmt: skip
_PATTERNS = [(re.compile(pattern), german, english) for pattern, german, english in SENTENCES]


def told(text: str, language: str) -> str:
    """The same refusal for a reader of the pages."""
    for pattern, german, english in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            sentence = german if language == "de" else english
            return sentence.format(*(part or "" for part in found.groups()), **found.groupdict())
    return text

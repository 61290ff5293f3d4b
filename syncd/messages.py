"""What the daemon says to clerks, in German or English. Names fields and ids, never values.

Knows no channel: the same sentences go into `syncErrorMessage`, a Task, a note, the dashboard.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncd.model import Notice

MAX_LENGTH = 2000

_SENTENCES: dict[str, tuple[str, str]] = {
    "dispute": (
        "Auf beiden Seiten verschieden: {fields}. Bitte einen der Werte wählen (syncd conflicts).",
        "Different on both sides: {fields}. Please choose one of the values (syncd conflicts).",
    ),
    "by_hand": (
        "Die Schnittstelle von Advoware kann {fields} nicht ändern. Bitte dort von Hand eintragen.",
        "Advoware's interface cannot change {fields}. Please enter it there by hand.",
    ),
    "refused_advoware": (
        "Advoware nimmt den Wert nicht an: {fields}. Bitte hier berichtigen; alles andere ist abgeglichen.",
        "Advoware does not accept the value of: {fields}. Please correct it here; everything else is in sync.",
    ),
    "refused_espo": (
        "EspoCRM nimmt den Wert aus Advoware nicht an: {fields}. Bitte in Advoware berichtigen.",
        "EspoCRM does not accept Advoware's value of: {fields}. Please correct it in Advoware.",
    ),
    "twin_stays": (
        "In EspoCRM entfernt, in Advoware aber noch unter anderer Art eingetragen: {fields}. Bitte dort löschen oder "
        "mit syncd conflicts entscheiden.",
        "Removed in EspoCRM, but still there in Advoware under another kind: {fields}. Please remove it there or "
        "decide with syncd conflicts.",
    ),
    "empty_by_hand": (
        "Advoware leert den Eintrag nicht: {fields}. Bitte dort von Hand löschen.",
        "Advoware does not empty the entry: {fields}. Please delete it there by hand.",
    ),
    "list_full": (
        "In EspoCRM ist kein Platz mehr (höchstens 10 Einträge): {fields} steht nur in Advoware.",
        "There is no more room in EspoCRM (10 entries at most): {fields} is in Advoware only.",
    ),
    "link_cleared": (
        "Die Verknüpfung mit Beteiligtem {detail} fehlt. Bitte betnr wieder eintragen oder neu anlegen lassen.",
        "The link to Beteiligter {detail} was removed. Please enter betnr again or ask for a new one.",
    ),
    "link_doubtful": (
        "Beteiligter {detail} in Advoware hat andere Angaben ({fields}). Bitte bestätigen, dass es derselbe ist.",
        "Beteiligter {detail} in Advoware differs in {fields}. Please confirm that it is the same.",
    ),
    "link_invalid": (
        "{fields} ist keine gültige Nummer eines Beteiligten. Bitte berichtigen oder leeren.",
        "{fields} is not a valid number of a Beteiligter. Please correct or clear it.",
    ),
    "rival": (
        "{fields} gehört schon zu {detail}. Bitte hier die Nummer entfernen (kopierter Datensatz?).",
        "{fields} already belongs to {detail}. Please remove the number here (a copied record?).",
    ),
    "candidates": (
        "In Advoware gibt es ähnliche Beteiligte: {detail}. Bitte wählen oder neu anlegen lassen.",
        "Advoware has similar Beteiligte: {detail}. Please choose one or ask for a new one.",
    ),
    "double": (
        "Steht in Advoware schon (Nr. {detail}) und gehört dort zu einem anderen Datensatz. Bitte hier einen der "
        "beiden löschen oder neu anlegen lassen.",
        "Advoware has it already (no. {detail}), as another record's counterpart. Please delete one of the two here or "
        "ask for a new one.",
    ),
    "rows": (
        "In Advoware passen mehrere: {detail}. Bitte wählen oder neu anlegen lassen.",
        "Several in Advoware fit: {detail}. Please choose one or ask for a new one.",
    ),
    "several_created": (
        "Nach einer verlorenen Antwort gibt es mehrere passende Beteiligte: {detail}. Bitte wählen.",
        "After a lost answer several Beteiligte match: {detail}. Please choose one.",
    ),
    "search_untrusted": (
        "Die Suche in Advoware ist nicht erprobt, darum wird nichts angelegt. Bitte anlegen lassen oder verknüpfen.",
        "The search in Advoware is not proven; nothing is created by itself. Please ask for a new one or link one.",
    ),
    "create_unproven": (
        "Beim Anlegen ging die Antwort verloren und die Suche kann es nicht klären. Bitte in Advoware nachsehen.",
        "The answer to a creation was lost and the search cannot tell. Please look in Advoware.",
    ),
    "create_in_doubt": (
        "Beim Anlegen ging die Antwort verloren; es wird nachgesehen.",
        "The answer to a creation was lost; it is being looked up.",
    ),
    "unnamed": (
        "Ohne Namen ({fields}) kann in Advoware nichts angelegt werden.",
        "Without a name ({fields}) nothing can be created in Advoware.",
    ),
    "went_back": (
        "{detail} zeigt einen älteren Stand als zuletzt (Sicherung eingespielt?). Es wird nichts geschrieben.",
        "{detail} shows an older state than before (restored backup?). Nothing is written.",
    ),
    "ledger_went_back": (
        "Das Gedächtnis von syncd ist älter als dieser Datensatz (Sicherung eingespielt?). Es wird nichts geschrieben.",
        "The ledger of syncd is older than this record (restored backup?). Nothing is written.",
    ),
    "deleted_in_advoware": (
        "Der Beteiligte {detail} ist in Advoware nicht mehr vorhanden. Hier wurde nichts gelöscht.",
        "Beteiligter {detail} no longer exists in Advoware. Nothing was deleted here.",
    ),
    "row_gone": (
        "In Advoware nicht mehr vorhanden (Nr. {detail}). Hier wurde nichts gelöscht.",
        "No longer in Advoware (no. {detail}). Nothing was deleted here.",
    ),
    "deleted_in_espo": (
        "Der Datensatz zu Beteiligtem {detail} wurde in EspoCRM gelöscht. In Advoware wurde nichts gelöscht.",
        "The record of Beteiligter {detail} was deleted in EspoCRM. Nothing was deleted in Advoware.",
    ),
    "kept": (
        "Gleichzeitig geändert: {fields}. Der ersetzte Wert ist aufbewahrt: syncd conflicts show {detail}.",
        "Changed on both sides: {fields}. The replaced value is kept: syncd conflicts show {detail}.",
    ),
    "lost_entry": (
        "Im selben Augenblick eingegeben, in dem der Abgleich schrieb, und nirgends mehr vorhanden: {fields}. "
        "Der Wert ist aufbewahrt: syncd conflicts show {detail}.",
        "Typed at the very instant the sync wrote, and nowhere to be found: {fields}. "
        "The value is kept: syncd conflicts show {detail}.",
    ),
    "failed": (
        "Fehlgeschlagen ({detail}). Es wird von selbst wieder versucht.",
        "Failed ({detail}). It will be tried again.",
    ),
    "gave_up": (
        "Fehlgeschlagen ({detail}). Nach mehreren Versuchen aufgegeben; syncd retry versucht es sofort wieder.",
        "Failed ({detail}). Given up after several tries; syncd retry tries again at once.",
    ),
    "refused_by_espocrm": (
        "EspoCRM lehnt den Datensatz ab ({fields}). Bitte dort berichtigen, auch andere Pflichtfelder prüfen.",
        "EspoCRM refuses the record ({fields}). Please correct it there, and check other required fields.",
    ),
    "refused_by_advoware": (
        "Advoware lehnt den Datensatz ab ({fields}). Bitte die Angaben hier prüfen.",
        "Advoware refuses the record ({fields}). Please check the values here.",
    ),
    "unreadable": ("Keine verlässliche Antwort ({detail}).", "No reliable answer ({detail})."),
}


def sentence(notice: Notice, language: str) -> str:
    """One sentence saying what happened and what to do."""
    german, english = _SENTENCES[notice.code]
    return (german if language == "de" else english).format(fields=", ".join(notice.fields), detail=notice.detail)


def text(notices: Iterable[Notice], language: str) -> str | None:
    """All sentences as one text of at most 2,000 characters, None where there is nothing to say."""
    whole = "\n".join(sentence(notice, language) for notice in notices)
    return whole[:MAX_LENGTH] or None


CODES = frozenset(_SENTENCES)

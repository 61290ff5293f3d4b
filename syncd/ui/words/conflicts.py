"""Texts of the pages about conflicts, and names of fields."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "nav.conflicts": Words("Konflikte", "Conflicts"),
    # what is no single field
    "field.link": Words("Verknüpfung", "Link"),
    "field.kommunikation": Words("Telefon, Fax, E-Mail", "Phone, fax, e-mail"),
    # values and people
    "value.empty": Words("(leer)", "(empty)"),
    "value.changed": Words("geändert", "changed"),
    "value.by": Words("von", "by"),
    "value.by_user": Words("von diesem Benutzer", "by this user"),
    "person.api": Words("Zugangsschlüssel", "access token"),
    "person.terminal": Words("{who} (Befehlszeile)", "{who} (terminal)"),
    "person.unknown": Words("unbekannt", "unknown"),
    # the list
    "conflicts.title": Words("Konflikte", "Conflicts"),
    "conflicts.states": Words("Welche", "Which"),
    "conflicts.tab_waiting": Words("Offen", "Waiting"),
    "conflicts.tab_kept": Words("Ersetzte Werte", "Replaced values"),
    "conflicts.tab_settled": Words("Erledigt", "Settled"),
    "conflicts.lead_waiting": Words(
        "Hier muss ein Mensch entscheiden. Alles andere an diesen Datensätzen ist abgeglichen.",
        "A person must decide here. Everything else of these records is in sync.",
    ),
    "conflicts.lead_kept": Words(
        "Auf beiden Seiten geändert: Ein Wert gilt, der andere ist hier aufbewahrt und lässt sich zurückholen.",
        "Changed on both sides: one value holds, the other is kept here and can be taken back.",
    ),
    "conflicts.lead_settled": Words("Das ist entschieden oder hat sich erledigt.", "Decided, or settled by itself."),
    "conflicts.none_waiting": Words("Nichts wartet auf eine Entscheidung.", "Nothing waits for a decision."),
    "conflicts.none_kept": Words("Kein Wert wurde ersetzt.", "No value was replaced."),
    "conflicts.none_settled": Words("Noch nichts.", "Nothing yet."),
    "conflicts.about": Words("Worum es geht", "What it is about"),
    "conflicts.all": Words("Alle", "All"),
    "conflicts.next": Words("Weitere", "More"),
    "conflicts.back": Words("Zurück zur Liste", "Back to the list"),
    "conflicts.is_decided": Words("entschieden, wird ausgeführt", "decided, under way"),
    "conflicts.holds": Words("gilt", "holds"),
    "conflicts.lost": Words("ersetzt", "replaced"),
    "conflicts.take": Words("Nehmen", "Take"),
    "conflicts.take_this": Words(
        "{record}, {field}: Wert aus {side} nehmen", "{record}, {field}: take the value of {side}"
    ),
    # many at once
    "conflicts.for_ticked": Words("Für alle angekreuzten:", "For all that are ticked:"),
    "conflicts.tick": Words("{record}, {field} ankreuzen", "tick {record}, {field}"),
    "conflicts.tick_all": Words("Alle {n} ankreuzen", "Tick all {n}"),
    "conflicts.tick_none": Words("Keinen ankreuzen", "Tick none"),
    "conflicts.none_ticked": Words("Es war nichts angekreuzt.", "Nothing was ticked."),
    "conflicts.sure": Words("Mehrere auf einmal entscheiden", "Decide many at once"),
    "conflicts.sure_espocrm": Words("{n} Mal den Wert aus EspoCRM nehmen?", "Take EspoCRM's value {n} times?"),
    "conflicts.sure_espocrm.one": Words("Den Wert aus EspoCRM nehmen?", "Take EspoCRM's value?"),
    "conflicts.sure_advoware": Words("{n} Mal den Wert aus Advoware nehmen?", "Take Advoware's value {n} times?"),
    "conflicts.sure_advoware.one": Words("Den Wert aus Advoware nehmen?", "Take Advoware's value?"),
    "conflicts.sure_means": Words(
        "Der Wert links wird auf beiden Seiten eingetragen. Was er ersetzt, steht danach im Verlauf des Datensatzes.",
        "The value on the left is written on both sides. What it replaces stands in the record's history then.",
    ),
    "conflicts.do_espocrm": Words("Ja, {n} Mal EspoCRM nehmen", "Yes, take EspoCRM's {n} times"),
    "conflicts.do_espocrm.one": Words("Ja, EspoCRM nehmen", "Yes, take EspoCRM's"),
    "conflicts.do_advoware": Words("Ja, {n} Mal Advoware nehmen", "Yes, take Advoware's {n} times"),
    "conflicts.do_advoware.one": Words("Ja, Advoware nehmen", "Yes, take Advoware's"),
    "conflicts.cancel": Words("Abbrechen", "Cancel"),
    "conflicts.field": Words("Feld", "Field"),
    "conflicts.will_hold": Words("wird gelten", "will hold"),
    "conflicts.will_go": Words("wird ersetzt", "will be replaced"),
    "conflicts.many_decided": Words(
        "{n} Konflikte entschieden. Es wird gleich ausgeführt.", "{n} conflicts decided. It is carried out at once."
    ),
    "conflicts.many_decided.one": Words(
        "Ein Konflikt entschieden. Es wird gleich ausgeführt.", "One conflict decided. It is carried out at once."
    ),
    "conflicts.some_refused": Words("{n} Konflikte sind nicht entschieden", "{n} conflicts are not decided"),
    "conflicts.some_refused.one": Words("Ein Konflikt ist nicht entschieden", "One conflict is not decided"),
    # one conflict
    "conflicts.one_decided": Words("Entschieden. Es wird gleich ausgeführt.", "Decided. It is carried out at once."),
    "conflicts.since": Words("Festgestellt", "Found"),
    "conflicts.not_taken": Words("Das wurde nicht übernommen:", "This was not taken:"),
    "conflicts.is_settled": Words("Das ist erledigt:", "This is settled:"),
    "conflicts.decided_by": Words("{who} hat entschieden:", "{who} has decided:"),
    "conflicts.under_way": Words("Es wird gleich ausgeführt.", "It is carried out at once."),
    "conflicts.linked": Words("verknüpfen mit {number}", "link with {number}"),
    "conflicts.created": Words("neu anlegen", "create a new one"),
    "conflicts.before": Words("Vorher hatten beide:", "Both had before:"),
    "conflicts.take_espocrm": Words("EspoCRM nehmen", "Take EspoCRM's"),
    "conflicts.take_advoware": Words("Advoware nehmen", "Take Advoware's"),
    "conflicts.take_empty": Words("Leer lassen wie in {side}", "Leave empty as in {side}"),
    "conflicts.take_back": Words("Diesen Wert zurückholen", "Take this value back"),
    "conflicts.try_again": Words("Diesen Wert noch einmal versuchen", "Try this value once more"),
    "conflicts.third": Words("Ein anderer Wert", "Another value"),
    "conflicts.take_third": Words("Diesen nehmen", "Take this one"),
    "conflicts.clear": Words("Feld auf beiden Seiten leeren", "Clear the field on both sides"),
    "conflicts.clear_entry": Words("Eintrag auf beiden Seiten entfernen", "Remove the entry on both sides"),
    "conflicts.who": Words("Wer gehört zu diesem Datensatz?", "Who belongs to this record?"),
    "conflicts.candidates": Words("Ähnliche Beteiligte in Advoware:", "Similar Beteiligte in Advoware:"),
    "conflicts.link": Words("Mit Beteiligtem {number} verknüpfen", "Link with Beteiligter {number}"),
    "conflicts.link_row": Words("Mit Nr. {number} in Advoware verknüpfen", "Link with no. {number} in Advoware"),
    "conflicts.rows": Words("Was in Advoware passt:", "What fits in Advoware:"),
    "conflicts.other_number": Words("Andere Nummer in Advoware", "Another number in Advoware"),
    "conflicts.link_other": Words("Verknüpfen", "Link"),
    "conflicts.create": Words("In Advoware neu anlegen", "Create a new one in Advoware"),
    "conflicts.create_for_good": Words("Dort lässt sich nichts wieder löschen.", "Nothing can be deleted there again."),
    "conflicts.to_guards": Words("Zu den Bremsen", "To the guards"),
    "conflicts.may_look": Words(
        "Diese Anmeldung darf ansehen, nicht entscheiden.", "This login may look, and not decide."
    ),
    "conflicts.record": Words("Datensatz", "Record"),
    "conflicts.number": Words("Beteiligter {number} in Advoware", "Beteiligter {number} in Advoware"),
    "conflicts.more": Words("Hier wartet noch mehr:", "More waits here:"),
    # why: by the kind the ledger knows
    "conflicts.why_manual": Words(
        "Auf beiden Seiten verschieden geändert. Welcher Wert gilt?",
        "Changed differently on both sides. Which value holds?",
    ),
    "conflicts.why_new_field": Words(
        "Das Feld wird neu abgeglichen, und die Seiten unterscheiden sich. Welcher Wert gilt?",
        "The field was mapped later, and the sides differ. Which value holds?",
    ),
    "conflicts.why_by_hand": Words(
        "Die Schnittstelle von Advoware kann das nicht ändern. Bitte dort von Hand eintragen (dann erledigt es "
        "sich von selbst), oder den Wert aus Advoware nehmen.",
        "Advoware's interface cannot change this. Please enter it there by hand (it settles by itself then), or take "
        "Advoware's value.",
    ),
    "conflicts.why_refused_advoware": Words(
        "Advoware nimmt den Wert nicht an. Bitte in EspoCRM berichtigen oder hier einen anderen eingeben.",
        "Advoware does not accept the value. Please correct it in EspoCRM, or enter another one here.",
    ),
    "conflicts.why_refused_espo": Words(
        "EspoCRM nimmt den Wert aus Advoware nicht an. Bitte in Advoware berichtigen oder hier einen anderen eingeben.",
        "EspoCRM does not accept Advoware's value. Please correct it in Advoware, or enter another one here.",
    ),
    "conflicts.why_twin_stays": Words(
        "In EspoCRM entfernt, in Advoware aber noch unter anderer Art eingetragen. Behalten oder entfernen?",
        "Removed in EspoCRM, but still there in Advoware under another kind. Keep or remove it?",
    ),
    "conflicts.why_lost_entry": Words(
        "Im selben Augenblick eingegeben, in dem der Abgleich schrieb, und nirgends mehr vorhanden. Der Wert ist hier "
        "aufbewahrt.",
        "Typed at the very instant the sync wrote, and nowhere to be found. The value is kept here.",
    ),
    "conflicts.why_changed_on_both": Words(
        "Auf beiden Seiten geändert. Nach der Regel des Feldes gilt der eine Wert; der andere ist aufbewahrt.",
        "Changed on both sides. By the field's rule one value holds; the other is kept.",
    ),
    "conflicts.why_first_sync": Words(
        "Beim ersten Abgleich verschieden. Nach der Regel des Feldes gilt der eine Wert; der andere ist aufbewahrt.",
        "Different at the first sync. By the field's rule one value holds; the other is kept.",
    ),
    "conflicts.why_other": Words("Hier muss ein Mensch entscheiden.", "A person must decide here."),
    "conflicts.why_undo": Words("Eine Änderung wird zurückgenommen.", "A change is taken back."),
    "conflicts.why_discard": Words("Eine angehaltene Änderung wird verworfen.", "A stopped change is discarded."),
    "conflicts.why_unreadable": Words(
        "Es kam keine verlässliche Antwort; es wird von selbst wieder versucht.",
        "There was no reliable answer; it is tried again by itself.",
    ),
    "conflicts.why_rival": Words(
        "Die Nummer gehört schon zu einem anderen Datensatz (kopiert?). Bitte sie in EspoCRM bei einem von beiden "
        "entfernen.",
        "The number already belongs to another record (a copy?). Please remove it from one of the two in EspoCRM.",
    ),
    "conflicts.why_link_cleared": Words(
        "Die Nummer wurde in EspoCRM entfernt. Wieder verknüpfen oder neu anlegen?",
        "The number was removed in EspoCRM. Link again, or create a new one?",
    ),
    "conflicts.why_link_doubtful": Words(
        "Der Beteiligte mit dieser Nummer hat in Advoware andere Angaben. Ist es derselbe? Sonst bitte die Nummer in "
        "EspoCRM berichtigen.",
        "The Beteiligter of this number differs in Advoware. Is it the same? If not, please correct the number in "
        "EspoCRM.",
    ),
    "conflicts.why_link_invalid": Words(
        "Das ist keine gültige Nummer eines Beteiligten. Bitte in EspoCRM berichtigen oder leeren.",
        "This is no valid number of a Beteiligter. Please correct or clear it in EspoCRM.",
    ),
    "conflicts.why_candidates": Words(
        "In Advoware gibt es ähnliche Beteiligte. Einer davon, oder ein neuer?",
        "Advoware has similar Beteiligte. One of them, or a new one?",
    ),
    "conflicts.why_rows": Words(
        "In Advoware passt mehr als eine Zeile, oder sie gehört schon zu einem anderen Datensatz. Welche ist es, oder "
        "eine neue? Doppelt Angelegtes bitte in EspoCRM löschen.",
        "More than one row in Advoware fits, or it belongs to another record already. Which is it, or a new one? "
        "Please delete in EspoCRM what was entered twice.",
    ),
    "conflicts.why_search_untrusted": Words(
        "Die Suche in Advoware ist nicht erprobt, darum wird nichts von selbst angelegt. Verknüpfen oder neu anlegen?",
        "The search in Advoware is not proven, so nothing is created by itself. Link one, or create a new one?",
    ),
    "conflicts.why_create_in_doubt": Words(
        "Beim Anlegen ging die Antwort verloren; es wird nachgesehen.",
        "The answer to a creation was lost; it is being looked up.",
    ),
    "conflicts.why_went_back": Words(
        "Eine Seite zeigt einen älteren Stand als zuletzt (Sicherung eingespielt?). Es wird nichts geschrieben.",
        "One side shows an older state than before (restored backup?). Nothing is written.",
    ),
    "conflicts.why_unnamed": Words(
        "Ohne Namen kann in Advoware nichts angelegt werden. Bitte in EspoCRM einen eintragen.",
        "Without a name nothing can be created in Advoware. Please enter one in EspoCRM.",
    ),
}

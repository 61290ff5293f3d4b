"""Texts of one record's page: its values, what waits, what happened, what a plan would do."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

_PAGE: Mapping[str, Words] = {
    "record.parent": Words("Gehört zu", "Belongs to"),
    "record.number": Words("Nummer in Advoware", "Number in Advoware"),
    "record.no_number": Words("noch keine", "none yet"),
    "record.id": Words("Id in EspoCRM", "Id in EspoCRM"),
    "record.in_espocrm": Words("In EspoCRM öffnen", "Open in EspoCRM"),
    "record.checked": Words("Zuletzt nachgesehen", "Last looked at"),
    "record.trust": Words("Verknüpfung", "Link"),
    "record.trust_own": Words("von uns angelegt", "created by us"),
    "record.trust_confirmed": Words("bestätigt", "confirmed"),
    "record.trust_unconfirmed": Words("noch nicht bestätigt", "not confirmed yet"),
    "record.unknown": Words(
        "Von diesem Datensatz ist nichts bekannt: Er nimmt nicht am Abgleich teil.",
        "Nothing is known of this record: it does not take part in the sync.",
    ),
    "record.actions": Words("Was zu tun ist", "What can be done"),
    "record.sync": Words("Jetzt abgleichen", "Sync now"),
    "record.plan": Words("Was würde geschehen?", "What would be done?"),
    "record.retry": Words("Noch einmal versuchen", "Try again"),
    "record.exclude": Words("Vom Abgleich ausnehmen", "Exclude from the sync"),
    "record.include": Words("Wieder teilnehmen lassen", "Let it take part again"),
    "record.did_sync": Words("Wird abgeglichen.", "Is being synced."),
    "record.did_retry": Words("Wird noch einmal versucht.", "Is being tried again."),
    "record.did_exclude": Words(
        "Ist ausgenommen. Auf beiden Seiten bleibt alles, wie es ist.",
        "Is excluded. Everything stays as it is on both sides.",
    ),
    "record.did_include": Words("Nimmt wieder teil.", "Takes part again."),
    "record.did_undo": Words(
        "Wird zurückgenommen: Beide Seiten bekommen den Wert von vorher.",
        "Is being taken back: both sides get the value from before.",
    ),
    "record.waits": Words("Was wartet", "What waits"),
    "record.waits_none": Words("Nichts wartet.", "Nothing waits."),
    "record.decide": Words("Entscheiden", "Decide"),
    "record.being_done": Words("{about}: entschieden, wird gerade ausgeführt.", "{about}: decided, being carried out."),
    "record.in_doubt": Words(
        "Auf einen Schreibvorgang kam keine Antwort; es wird nachgesehen, was daraus wurde.",
        "A write got no answer; what became of it is being looked up.",
    ),
    "record.due_now": Words("An der Reihe: {cause}.", "Next in line: {cause}."),
    "record.due_later": Words("Vorgemerkt für {when}: {cause}.", "Planned for {when}: {cause}."),
    "record.next_try": Words("Nächster Versuch {when}, nach {n} vergeblichen.", "Next try {when}, after {n} in vain."),
    "record.next_try.one": Words(
        "Nächster Versuch {when}, nach einem vergeblichen.", "Next try {when}, after one in vain."
    ),
    "record.message_owed": Words(
        "Eine Nachricht darüber geht gleich nach EspoCRM.", "A message about it is on its way to EspoCRM."
    ),
    "record.fields": Words("Felder", "Fields"),
    "record.field": Words("Feld", "Field"),
    "record.base": Words("Zuletzt übereinstimmend", "Last agreed on"),
    "record.both": Words("Beide Seiten", "Both sides"),
    "record.no_base": Words("noch nie", "never"),
    "record.remark": Words("Bemerkung", "Remark"),
    "record.field_waits": Words("wartet auf Entscheidung", "waits for a decision"),
    "record.field_refused": Words("{side} nimmt ihn nicht an", "refused by {side}"),
    "record.field_differs": Words("verschieden", "different"),
    "record.changed_since": Words("seitdem geändert", "changed since"),
    "record.unreadable": Words("nicht zu deuten: {why}", "cannot be read: {why}"),
    "record.read": Words("Beide Seiten jetzt lesen", "Read both sides now"),
    "record.read_at": Words("Beide Seiten gelesen um {when}", "Both sides read at {when}"),
    "record.not_read": Words(
        "Bekannt ist, worin beide Seiten zuletzt übereinstimmten.", "This is what both sides last agreed on."
    ),
    "record.side_absent": Words("{side} hat diesen Datensatz nicht.", "{side} does not have this record."),
    "record.side_unlinked": Words("In {side} gehört noch niemand dazu.", "Nobody in {side} belongs to it yet."),
    "record.side_silent": Words(
        "{side} antwortet gerade nicht ({why}). Unten steht, was zuletzt bekannt war.",
        "{side} does not answer at the moment ({why}). Below is what was known last.",
    ),
    "record.empty": Words("leer", "empty"),
    "record.yes": Words("ja", "yes"),
    "record.no": Words("nein", "no"),
    "record.entries": Words("Telefon, Fax, E-Mail", "Phones, faxes, e-mails"),
    "record.entries_none": Words("Keine Einträge.", "No entries."),
    "record.entries_base": Words("Stand der letzten Übereinstimmung", "As last agreed on"),
    "record.entry": Words("Telefon/E-Mail {id}", "Phone/e-mail {id}"),
    "record.entry_known": Words("Was bekannt ist", "What is known"),
    "record.primary": Words("Hauptnummer", "primary"),
    "record.online": Words("Standard", "online"),
    "record.kind_guessed": Words("Art vermutet", "kind guessed"),
    "record.happened": Words("Verlauf", "Timeline"),
    "record.happened_none": Words("Noch ist nichts geschehen.", "Nothing has happened yet."),
    "record.older": Words("Älteres", "Older"),
    "record.newest": Words("Zum Neuesten", "To the latest"),
    "record.undo": Words("Zurücknehmen", "Undo"),
    "record.csv": Words("Verlauf als CSV", "History as CSV"),
    "record.json": Words("Alles Gespeicherte als JSON", "All that is stored as JSON"),
    "record.back": Words("Zurück zum Datensatz", "Back to the record"),
    "undo.title": Words("Änderung zurücknehmen", "Take a change back"),
    "undo.lead": Words(
        "{field} wurde in {side} geändert. Zurückgenommen bekommen beide Seiten wieder den Wert von vorher:",
        "{field} was changed in {side}. Taken back, both sides get the value from before:",
    ),
    "undo.now": Words("Jetzt", "Now"),
    "undo.back": Words("Danach, in EspoCRM und Advoware", "Afterwards, in EspoCRM and Advoware"),
    "undo.checked": Words(
        "Vorher wird noch einmal nachgesehen: Hat inzwischen jemand etwas anderes eingegeben, bleibt es stehen. "
        "Auch das Zurücknehmen steht im Verlauf und lässt sich zurücknehmen.",
        "Both sides are looked at once more before: what somebody has typed in the meantime stays. "
        "Taking back is in the timeline as well, and can itself be taken back.",
    ),
    "undo.do": Words("Jetzt zurücknehmen", "Take it back now"),
    "undo.refused": Words("Das lässt sich nicht zurücknehmen:", "This cannot be taken back:"),
}

_FIELDS: Mapping[str, Words] = {
    "field.lastName": Words("Nachname oder Firma", "Surname or Company"),
    "field.firstName": Words("Vorname", "First Name"),
    "field.salutationName": Words("Anrede", "Salutation"),
    "direction.to_advoware": Words("nur nach Advoware", "to Advoware only"),
    "direction.to_espocrm": Words("nur nach EspoCRM", "to EspoCRM only"),
    "direction.off": Words("wird nicht abgeglichen", "not synced"),
    "entry.linked": Words("auf beiden Seiten derselbe Eintrag", "the same entry on both sides"),
    "entry.unmarked": Words("in Advoware ohne unser Kennzeichen", "without our marker in Advoware"),
    "entry.marked": Words("in Advoware gekennzeichnet", "marked in Advoware"),
    "entry.twin": Words(
        "steht in Advoware noch einmal; EspoCRM zeigt ihn einmal", "is in Advoware once more; EspoCRM shows it once"
    ),
    "entry.slot": Words("von uns geleert, wird wieder verwendet", "emptied by us, to be used again"),
    "entry.empty": Words("in Advoware geleert", "emptied in Advoware"),
    "entry.unknown": Words("neu, noch nicht abgeglichen", "new, not synced yet"),
    "entry.refused": Words("{side} nimmt ihn nicht an", "refused by {side}"),
}

_WHY: Mapping[str, Words] = {
    "waits.manual": Words("auf beiden Seiten geändert", "changed on both sides"),
    "waits.new_field": Words("neu im Abgleich und auf beiden Seiten verschieden", "newly synced, and different"),
    "waits.by_hand": Words(
        "kann nur in Advoware von Hand eingetragen werden", "can only be entered in Advoware by hand"
    ),
    "waits.twin_stays": Words(
        "in EspoCRM entfernt, steht in Advoware noch unter anderer Art",
        "removed in EspoCRM, still in Advoware under another kind",
    ),
    "waits.lost_entry": Words(
        "im selben Augenblick eingegeben, in dem geschrieben wurde", "typed at the very instant of a write"
    ),
    "waits.changed_on_both": Words("auf beiden Seiten geändert", "changed on both sides"),
    "waits.first_sync": Words("beim ersten Abgleich verschieden", "different at the first sync"),
    "waits.undo": Words("zurückgenommen", "taken back"),
    "waits.refused_espo": Words("EspoCRM nimmt den Wert nicht an", "EspoCRM does not take the value"),
    "waits.refused_advoware": Words("Advoware nimmt den Wert nicht an", "Advoware does not take the value"),
    "waits.unreadable": Words("Keine verlässliche Antwort", "No reliable answer"),
    "waits.rival": Words(
        "Die Nummer gehört schon zu einem anderen Datensatz", "The number belongs to another record already"
    ),
    "waits.link_cleared": Words("Die Nummer wurde entfernt", "The number was removed"),
    "waits.link_doubtful": Words(
        "Unter dieser Nummer steht in Advoware womöglich jemand anderes",
        "Advoware may have somebody else under this number",
    ),
    "waits.link_invalid": Words("Die Nummer ist keine eines Beteiligten", "The number is none of a Beteiligter"),
    "waits.candidates": Words("In Advoware gibt es Ähnliche", "Advoware has similar ones"),
    "waits.search_untrusted": Words(
        "Die Suche in Advoware ist nicht erprobt; es wird nichts angelegt",
        "The search in Advoware is not proven; nothing is created",
    ),
    "waits.create_in_doubt": Words("Beim Anlegen ging die Antwort verloren", "The answer to a creation was lost"),
    "waits.went_back": Words(
        "Eine Seite zeigt einen älteren Stand als zuletzt", "A side shows an older state than before"
    ),
    "waits.unnamed": Words("Ohne Namen wird nichts angelegt", "Nothing is created without a name"),
    "refusal.not_taken": Words("der Wert von vorher blieb stehen", "the value from before stayed"),
    "refusal.refused": Words("abgelehnt", "refused"),
    "refusal.full": Words("dort ist kein Platz mehr", "there is no more room"),
    "refusal.required": Words("darf nicht leer sein", "must not be empty"),
    "refusal.maxLength": Words("zu lang", "too long"),
    "refusal.valid": Words("kein gültiger Wert", "no valid value"),
    "refusal.not a telephone number": Words("keine Telefonnummer", "not a telephone number"),
    "refusal.not an e-mail address": Words("keine E-Mail-Adresse", "not an e-mail address"),
    "cause.event": Words("nach einer Änderung oder Bitte", "after a change or a request"),
    "cause.reset": Words("neuer Anlauf", "a new start"),
    "cause.retry": Words("neuer Versuch", "another try"),
    "cause.project": Words("Stand in EspoCRM nachtragen", "showing the status in EspoCRM"),
    "cause.late": Words("Nachprüfung", "a second look"),
    "cause.sweep": Words("Rundgang durch Advoware", "looking round in Advoware"),
    "held.pause": Words("Wartet, bis eine Pause endet ({which}).", "Waits for a pause to end ({which})."),
    "held.run": Words(
        "Gehört zu einem Lauf, der angehalten ist ({which}).", "Belongs to a run that has stopped ({which})."
    ),
    "held.guard": Words(
        "Eine Schutzbremse hält ihn an; jemand muss ihn durchlassen.",
        "A guard has stopped it; somebody must let it through.",
    ),
}

_TOLD: Mapping[str, Words] = {
    "told.change": Words("{field} in {side} geschrieben", "{field} written to {side}"),
    "told.before": Words("vorher", "before"),
    "told.after": Words("nachher", "after"),
    "told.value": Words("Wert", "value"),
    "told.by": Words("von {who}", "by {who}"),
    "told.link": Words("Zugehörigkeit", "who belongs to it"),
    "told.candidates": Words("zur Wahl: {which}", "to choose from: {which}"),
    "told.conflict": Words("{field}: {why}", "{field}: {why}"),
    "told.kept": Words(
        "{field}: auf beiden Seiten geändert. Es gilt {side}, der andere Wert ist aufbewahrt",
        "{field}: changed on both sides. {side} is taken, the other value is kept",
    ),
    "told.decided": Words("{about}: entschieden", "{about}: decided"),
    "told.settled": Words("{about}: von selbst erledigt", "{about}: settled by itself"),
    "told.asked": Words("Gebeten: {what}", "Asked for: {what}"),
    "told.refused": Words("{side} nimmt nicht an: {field}", "{side} does not take: {field}"),
    "told.webhook": Words("EspoCRM meldet: {what}", "EspoCRM tells: {what}"),
    "why.create": Words("beim Anlegen", "when it was created"),
    "why.put_back": Words("wiederhergestellt, was dabei geleert wurde", "what a write had blanked, put back"),
    "why.undo": Words("nimmt Änderung {id} zurück", "takes change {id} back"),
    "event.linked": Words("Mit Nr. {detail} in Advoware verknüpft", "Linked with no. {detail} in Advoware"),
    "event.deleted_in_espo": Words("In EspoCRM gelöscht", "Deleted in EspoCRM"),
    "event.failed": Words("Versuch {detail} gescheitert", "Try {detail} failed"),
    "event.staged": Words("Probelauf, nichts geschrieben: {detail}", "Dry run, nothing written: {detail}"),
    "asked.retry": Words("noch einmal versuchen", "try again"),
    "asked.sync": Words("jetzt abgleichen", "sync now"),
    "asked.exclude": Words("vom Abgleich ausnehmen", "exclude from the sync"),
    "asked.include": Words("wieder teilnehmen lassen", "take part again"),
    "asked.resolve": Words("eine Entscheidung", "a decision"),
    "asked.undo": Words("eine Änderung zurücknehmen", "take a change back"),
    "asked.allow": Words("eine angehaltene Änderung durchlassen", "let a stopped change through"),
    "asked.discard": Words("eine angehaltene Änderung verwerfen", "discard a stopped change"),
    "delivery.create": Words("angelegt", "created"),
    "delivery.update": Words("geändert", "changed"),
    "delivery.delete": Words("gelöscht", "deleted"),
    "who.page": Words("{who}", "{who}"),
    "who.terminal": Words("{who} am Terminal", "{who} at the terminal"),
    "who.api": Words("einem Programm (Schnittstelle)", "a program (API)"),
    "who.espocrm": Words("EspoCRM-Benutzer {who}", "EspoCRM user {who}"),
    "who.advoware": Words("Advoware-Benutzer {who}", "Advoware user {who}"),
}

_PLAN: Mapping[str, Words] = {
    "plan.title": Words("Was würde geschehen?", "What would be done?"),
    "plan.lead": Words(
        "So sähe der nächste Abgleich aus. Beide Seiten wurden gerade gelesen, geschrieben wurde nichts.",
        "This is what the next sync would do. Both sides have just been read, nothing was written.",
    ),
    "plan.nothing": Words("Nichts: Es ist nichts zu schreiben.", "Nothing: there is nothing to write."),
    "plan.busy": Words("Gerade wird daran gearbeitet.", "A job is working on it right now."),
    "plan.no_part": Words(
        "Er nimmt noch nicht teil; „Jetzt abgleichen“ ließe ihn teilnehmen.",
        "It does not take part yet; “Sync now” would let it in.",
    ),
    "plan.create": Words("In Advoware anlegen", "Create in Advoware"),
    "plan.update": Words("In {side} schreiben", "Write to {side}"),
    "plan.link": Words("Mit Nr. {number} in Advoware verknüpfen", "Link with no. {number} in Advoware"),
    "plan.agree": Words("Merken, worin beide Seiten übereinstimmen", "Remember what both sides agree on"),
    "plan.bear": Words("In EspoCRM anlegen: {what}", "Create in EspoCRM: {what}"),
    "plan.retire": Words(
        "Gehört nicht mehr zu {what} in Advoware: Bitte an jemanden, das dort zu löschen",
        "No longer belongs to {what} in Advoware: ask somebody to remove that there",
    ),
    "plan.keep": Words(
        "{field}: beide Seiten geändert; der eine Wert gilt, der andere wird aufbewahrt",
        "{field}: changed on both sides; one value is taken, the other is kept",
    ),
    "plan.dispute": Words("{field}: jemand muss wählen", "{field}: somebody must choose"),
    "plan.ask": Words("Bitte an jemanden, das in Advoware einzutragen", "Ask somebody to enter this in Advoware"),
    "plan.quarantine": Words(
        "Nicht an {side} schicken, weil sie es nicht annimmt", "Not send to {side}, which does not take it"
    ),
    "plan.hold": Words("Nichts schreiben, bis das geklärt ist:", "Write nothing until this is settled:"),
    "plan.settle": Words("Stand danach: {status}", "Status afterwards: {status}"),
    "plan.wait": Words(
        "Abwarten, was aus einem Schreibvorgang ohne Antwort wurde", "Wait for what became of a write without answer"
    ),
    "plan.ignore": Words("Nichts: Er nimmt nicht am Abgleich teil", "Nothing: it does not take part"),
    "plan.vanished": Words(
        "EspoCRM zeigt ihn nicht; geglaubt wird es nach einer vollständigen Liste",
        "EspoCRM does not have it: believed after a complete listing",
    ),
    "plan.bury": Words(
        "In EspoCRM gelöscht: wird vermerkt, in Advoware wird nichts gelöscht",
        "Deleted in EspoCRM: remembered, nothing is deleted in Advoware",
    ),
    "plan.missed": Words(
        "In Advoware nicht gefunden: wird noch einmal nachgesehen", "Not found in Advoware: looked at once more"
    ),
    "plan.silent": Words(
        "{side} antwortet gerade nicht, darum lässt sich nichts planen.",
        "{side} does not answer at the moment, so nothing can be planned.",
    ),
}

WORDS: Mapping[str, Words] = {**_PAGE, **_FIELDS, **_WHY, **_TOLD, **_PLAN}

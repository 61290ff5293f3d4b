"""Texts of the overview: the verdict, what needs a person, figures and charts."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "overview.title": Words("Überblick", "Overview"),
    # the verdict
    "overview.verdict_good": Words("Alles in Ordnung", "All is well"),
    "overview.verdict_warn": Words("Es läuft; das wartet auf einen Menschen", "It runs; this waits for a person"),
    "overview.verdict_bad": Words("Das braucht einen Menschen", "This needs a person"),
    "overview.verdict_stopped": Words("Der Abgleich steht", "The sync stands still"),
    "overview.good_lead": Words(
        "{n} Datensätze werden abgeglichen, nichts wartet auf einen Menschen.",
        "{n} records are kept the same, nothing waits for a person.",
    ),
    "overview.good_lead.one": Words(
        "Ein Datensatz wird abgeglichen, nichts wartet auf einen Menschen.",
        "One record is kept the same, nothing waits for a person.",
    ),
    "reason.starting": Words("Der Dienst startet gerade.", "The daemon is starting."),
    "reason.stopping": Words("Der Dienst wird gerade beendet.", "The daemon is stopping."),
    "reason.ledger": Words("Das Gedächtnis des Abgleichs ist nicht lesbar.", "The ledger cannot be read."),
    "reason.ledger_writes": Words("Das Gedächtnis nimmt nichts auf.", "The ledger takes no writes."),
    "reason.redis": Words(
        "Redis ist nicht benutzbar, also arbeitet niemand.", "Redis cannot be used, so nobody works."
    ),
    "reason.no_poll": Words(
        "EspoCRM konnte seit Minuten nicht nach Änderungen gefragt werden.",
        "EspoCRM could not be asked what changed for minutes.",
    ),
    "reason.no_success": Words(
        "Arbeit wartet, und seit Minuten ist nichts gelungen.", "Work waits, and nothing has succeeded for minutes."
    ),
    "reason.setup": Words(
        "In EspoCRM ist etwas nicht so, wie es sein muss.", "Something in EspoCRM is not as it must be."
    ),
    "reason.barred": Words(
        "{about} lehnt unsere Anmeldung ab. Zugangsdaten berichtigen und den Dienst neu starten.",
        "{about} refuses our login. Correct the credentials and restart the daemon.",
    ),
    "reason.away": Words("{about} antwortet nicht.", "{about} does not answer."),
    "reason.unheard": Words(
        "{about} hat seit dem Start noch nicht geantwortet.", "{about} has not answered since the start."
    ),
    # what needs a person
    "needs.guards": Words("{n} Massenänderungen sind angehalten", "{n} mass changes are stopped"),
    "needs.guards.one": Words("Eine Massenänderung ist angehalten", "One mass change is stopped"),
    "needs.conflicts": Words("{n} Werte warten auf eine Entscheidung", "{n} values wait for a decision"),
    "needs.conflicts.one": Words("Ein Wert wartet auf eine Entscheidung", "One value waits for a decision"),
    "needs.given_up": Words("{n} Datensätze ließen sich nicht abgleichen", "{n} records could not be synced"),
    "needs.given_up.one": Words("Ein Datensatz ließ sich nicht abgleichen", "One record could not be synced"),
    "needs.paused_all": Words("Der ganze Abgleich ist angehalten", "The whole sync is paused"),
    "needs.paused_side": Words(
        "Nach {about} wird nichts geschrieben: angehalten", "Nothing is written to {about}: paused"
    ),
    "needs.paused_entity": Words("„{about}“ wird nicht geschrieben: angehalten", "“{about}” is not written: paused"),
    "alarm.poll": Words("EspoCRM kann nicht nach Änderungen gefragt werden", "EspoCRM cannot be asked what changed"),
    "alarm.silence": Words("Arbeit wartet, und nichts gelingt", "Work waits, and nothing succeeds"),
    "alarm.ledger": Words("Das Gedächtnis des Abgleichs ist nicht lesbar", "The ledger cannot be read"),
    "alarm.ledger_writes": Words("Das Gedächtnis nimmt nichts auf", "The ledger takes no writes"),
    "alarm.redis": Words("Redis ist nicht benutzbar", "Redis cannot be used"),
    "alarm.disk": Words("Auf dem Server wird der Platz knapp", "The server is short of disk space"),
    "alarm.setup": Words(
        "Etwas Eingerichtetes ist nicht mehr so: syncd doctor",
        "Something that was set up is no longer so: syncd doctor",
    ),
    "alarm.webhooks": Words("Mit den Webhooks stimmt etwas nicht", "Something is wrong with the webhooks"),
    "alarm.mixed_up": Words(
        "Beim Schreiben einer Anschrift wurde eine andere getroffen; sie hat ihre Werte zurück",
        "A write to an address struck another one, which has its own values back",
    ),
    "alarm.clock": Words("Zwei Uhren gehen verschieden", "Two clocks differ"),
    "alarm.later": Words("Eine Meldung einer neueren Version", "An alarm of a later version"),
    # records
    "overview.records": Words("Datensätze", "Records"),
    "overview.no_records": Words("Noch nimmt keiner teil.", "None takes part yet."),
    # speed
    "overview.speed": Words("Tempo", "Speed"),
    "overview.no_edit": Words("Keine Änderung eines Menschen wartet.", "No edit of a person waits."),
    "overview.oldest_edit": Words(
        "So lange wartet die älteste Änderung eines Menschen.", "So long the oldest edit of a person has waited."
    ),
    "overview.delay": Words(
        "Von der Änderung bis zur anderen Seite, letzte Stunde", "From an edit to the other side, last hour"
    ),
    "overview.to_side": Words("nach", "to"),
    "overview.to": Words("nach {side}", "to {side}"),
    "overview.p50": Words("Hälfte in", "half in"),
    "overview.p95": Words("95 % in", "95% in"),
    "overview.edits": Words("Zahl", "edits"),
    "overview.waiting": Words("{n} Datensätze warten auf einen Blick.", "{n} records wait to be looked at."),
    "overview.waiting.one": Words("Ein Datensatz wartet auf einen Blick.", "One record waits to be looked at."),
    "overview.held": Words("{n} sind angehalten.", "{n} are held."),
    "overview.held.one": Words("Einer ist angehalten.", "One is held."),
    # both systems
    "overview.sides": Words("Beide Systeme", "Both systems"),
    "overview.peer_closed": Words("antwortet", "answers"),
    "overview.peer_open": Words("antwortet nicht", "does not answer"),
    "overview.peer_ramp": Words("kommt zurück", "is coming back"),
    "overview.peer_barred": Words("lehnt unsere Anmeldung ab", "refuses our login"),
    "overview.peer_unknown": Words("unbekannt", "unknown"),
    "overview.calls": Words("{calls} von {budget} Aufrufen je Minute", "{calls} of {budget} calls a minute"),
    "overview.budget_used": Words("{share} der erlaubten Aufrufe", "{share} of the allowed calls"),
    # charts
    "overview.activity": Words("Verlauf", "Over time"),
    "overview.span": Words("Zeitraum", "Time"),
    "overview.span_1": Words("1 Stunde", "1 hour"),
    "overview.span_24": Words("24 Stunden", "24 hours"),
    "overview.span_168": Words("7 Tage", "7 days"),
    "overview.now": Words("jetzt", "now"),
    "overview.done": Words("Abgeglichen", "Synced"),
    "overview.failed": Words("Fehlgeschlagen", "Failed"),
    "overview.held_jobs": Words("Angehalten", "Held"),
    "overview.postponed": Words("Verschoben", "Postponed"),
    "overview.sum": Words("{n} insgesamt", "{n} in all"),
    "overview.done_told": Words("Abgeglichen in {span}: {n}", "Synced in {span}: {n}"),
    "overview.failed_told": Words("Fehlgeschlagen in {span}: {n}", "Failed in {span}: {n}"),
    "overview.delays": Words("Von der Änderung bis zur anderen Seite", "From an edit to the other side"),
    "overview.delays_told": Words(
        "Dauer von der Änderung bis zur anderen Seite in {span}; die Zahlen stehen in der Tabelle darunter",
        "Time from an edit to the other side in {span}; the figures are in the table below",
    ),
    "overview.no_delays": Words("In dieser Zeit kam keine Änderung an.", "No edit has arrived in this time."),
    "overview.as_table": Words("Als Tabelle", "As a table"),
    "overview.from": Words("Ab (je {length})", "From (each {length})"),
    "overview.nothing_done": Words("In dieser Zeit war nichts zu tun.", "There was nothing to do in this time."),
    # discovery and webhooks
    "overview.looks": Words("Umschau", "Looking round"),
    "overview.polled": Words("EspoCRM nach Änderungen gefragt", "EspoCRM asked what changed"),
    "overview.swept": Words("In Advoware nachgesehen", "Looked round in Advoware"),
    "overview.full_pass": Words("Beide ganz durchgegangen", "Full pass through both"),
    "overview.alive": Words("Lebenszeichen des Dienstes", "Sign of life of the daemon"),
    "overview.webhooks": Words("Webhooks", "Webhooks"),
    "overview.hooks": Words("Zustand", "State"),
    "overview.hooks_good": Words("{n} vorhanden und aktiv", "{n} present and active"),
    "overview.hooks_wrong": Words("{n} nicht in Ordnung", "{n} not in order"),
    "overview.hooks_by_hand": Words("vorhanden, von Hand eingerichtet", "present, set up by hand"),
    "overview.hooks_none": Words("keine eingerichtet", "none registered"),
    "overview.hooks_unknown": Words("noch nicht geprüft", "not looked at yet"),
    "overview.hooks_looked": Words("Zuletzt geprüft", "Last looked at"),
    "overview.hooks_todo": Words(
        "Ohne Webhooks dauert es einige Sekunden länger. Einrichten: syncd webhooks register",
        "Without webhooks it takes some seconds longer. To register them: syncd webhooks register",
    ),
    "overview.delivered": Words("Letzte Nachricht von EspoCRM", "Last delivery from EspoCRM"),
    # runs
    "overview.runs": Words("Läufe", "Runs"),
    "overview.run_backfill": Words("Erstabgleich", "Backfill"),
    "overview.run_match": Words("Verknüpfung", "Linking"),
    "overview.run_other": Words("Lauf", "Run"),
    "overview.run_import": Words("Import", "Import"),
    "overview.run_undo": Words("Rücknahme", "Undo"),
    "overview.run_run": Words("Durchgang", "Pass"),
    "overview.run_sync": Words("Abgleich auf Wunsch", "Sync on request"),
    "overview.run_state_running": Words("läuft", "running"),
    "overview.run_state_paused": Words("angehalten", "paused"),
    "overview.run_state_gone": Words("abgebrochen", "stopped"),
    "overview.run_progress": Words("{done} von {total}", "{done} of {total}"),
}

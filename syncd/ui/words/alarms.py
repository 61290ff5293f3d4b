"""Texts of the page about alarms: what each cause means, and what to do."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    "nav.alarms": Words("Alarme", "Alarms"),
    "alarms.title": Words("Alarme", "Alarms"),
    "alarms.none": Words("Kein Alarm.", "No alarm."),
    "alarms.raised": Words("Alarm", "Alarm"),
    "alarms.since": Words("begonnen", "begun"),
    "alarms.from": Words("begonnen", "begun"),
    "alarms.until": Words("vorbei", "over"),
    "alarms.over": Words("Zuletzt vorbei", "Over lately"),
    "alarms.untold": Words("noch nicht gemeldet", "not told yet"),
    "alarms.look": Words("Ansehen", "Look"),
    "alarms.means_credentials": Words(
        "Ein System lehnt unsere Anmeldung ab; es wird nicht mehr gefragt",
        "A system refuses our login; no more calls are made there",
    ),
    "alarms.todo_credentials": Words(
        "Zugangsdaten berichtigen und den Dienst neu starten.", "Correct key or password, and restart the daemon."
    ),
    "alarms.means_outage": Words("Ein System antwortet nicht", "A system does not answer"),
    "alarms.todo_outage": Words(
        "Nachsehen, ob es läuft. Die Arbeit wartet, nichts geht verloren.",
        "See whether it runs. Work waits, nothing is lost.",
    ),
    "alarms.means_poll": Words(
        "EspoCRM konnte seit Minuten nicht nach Änderungen gefragt werden",
        "EspoCRM could not be asked what changed for minutes",
    ),
    "alarms.todo_poll": Words("Im Protokoll steht, warum (chore.postponed).", "The log says why (chore.postponed)."),
    "alarms.means_silence": Words("Arbeit wartet, und nichts gelingt", "Work waits, and nothing succeeds"),
    "alarms.todo_silence": Words("Überblick und Protokoll ansehen.", "Look at the overview, and at what the log says."),
    "alarms.means_ledger": Words("Das Gedächtnis ist nicht lesbar", "The ledger cannot be read"),
    "alarms.todo_ledger": Words(
        "PostgreSQL oder die Platte des Zustandsverzeichnisses prüfen.",
        "Check PostgreSQL, or the disk of the state directory.",
    ),
    "alarms.means_ledger_writes": Words("Das Gedächtnis nimmt nichts mehr auf", "The ledger takes no writes"),
    "alarms.todo_ledger_writes": Words(
        "Platte voll, schreibgeschützt oder gesperrt? Der Text unten sagt es.",
        "Disk full, read-only or locked? The text below says it.",
    ),
    "alarms.means_redis": Words(
        "Redis ist nicht erreichbar, niemand arbeitet", "Redis cannot be used, so nobody works"
    ),
    "alarms.todo_redis": Words(
        "Den Server aus REDIS_URL oder redis.log ansehen.", "Look at the server of REDIS_URL, or at redis.log."
    ),
    "alarms.means_disk": Words("Die Platte ist fast voll", "The disk is almost full"),
    "alarms.todo_disk": Words("Platz schaffen: Eine volle Platte hält alles an.", "Make room: a full disk stops all."),
    "alarms.means_restored": Words(
        "Datensätze sind älter als zuletzt: Sicherung eingespielt?",
        "Records are older than remembered: a restored backup?",
    ),
    "alarms.todo_restored": Words("Sagen, welche Seite recht hat.", "Say which side is right."),
    "alarms.means_guard": Words("Eine Bremse hat eine Massenänderung angehalten", "A guard has stopped a mass change"),
    "alarms.todo_guard": Words("Ansehen, dann durchlassen oder verwerfen.", "Look at it, then allow or discard it."),
    "alarms.means_mixed_up": Words(
        "Ein Schreibvorgang hat eine andere Anschrift getroffen; sie hat ihre eigenen Werte zurück",
        "A write struck another address, which got its own values back",
    ),
    "alarms.todo_mixed_up": Words(
        "Die Anschriften dieses Beteiligten in Advoware ansehen; im Protokoll: advoware.row_mixed_up.",
        "Look at the addresses of that Beteiligter in Advoware; in the log: advoware.row_mixed_up.",
    ),
    "alarms.means_setup": Words(
        "Etwas Eingerichtetes fehlt: Rechte, Felder, die Suche",
        "Something that was set up is no longer so: rights, fields, the search",
    ),
    "alarms.todo_setup": Words("Der Befehl syncd doctor sagt, was.", "The command syncd doctor says what."),
    "alarms.means_failing": Words(
        "Datensätze wurden nach mehreren Versuchen aufgegeben", "Records were given up after several tries"
    ),
    "alarms.todo_failing": Words(
        "Ansehen, was fehlt, und noch einmal versuchen.", "See what is wrong with them, and try again."
    ),
    "alarms.means_conflicts": Words("Etwas wartet auf eine Entscheidung", "Something waits for a person's decision"),
    "alarms.todo_conflicts": Words("Einen der Werte wählen.", "Choose one of the values."),
    "alarms.means_webhooks": Words(
        "Ein Webhook fehlt, ist abgeschaltet, doppelt oder führt woandershin",
        "A webhook is gone, switched off, doubled or leads elsewhere",
    ),
    "alarms.todo_webhooks": Words(
        "Der Befehl syncd webhooks check zeigt es. Änderungen werden weiter durch Nachfragen gefunden.",
        "The command syncd webhooks check shows it. Changes are still found by polling.",
    ),
    "alarms.means_clock": Words("Zwei Uhren gehen mehr als 2 s auseinander", "Two clocks differ by more than 2 s"),
    "alarms.todo_clock": Words("NTP auf beiden Rechnern einschalten.", "Switch on NTP on both machines."),
    "alarms.means_pause": Words("Eine Pause dauert länger als einen Tag", "A pause has lasted longer than a day"),
    "alarms.todo_pause": Words("Weitermachen, falls sie vergessen wurde.", "Go on, if it was forgotten."),
}

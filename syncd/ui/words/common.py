"""Texts of every page: frame, signing in, statuses, sides, times, errors."""

from __future__ import annotations

from collections.abc import Mapping

from mappers.shape import Words

WORDS: Mapping[str, Words] = {
    # frame
    "frame.skip": Words("Zum Inhalt", "Skip to content"),
    "frame.menu": Words("Seiten", "Pages"),
    "frame.language": Words("Sprache", "Language"),
    "frame.lost": Words(
        "Keine Verbindung zum Dienst: Was hier steht, ist nicht mehr aktuell. Es wird weiter versucht.",
        "No connection to the daemon: what stands here is out of date. Trying again.",
    ),
    "frame.sign_out": Words("Abmelden", "Sign out"),
    "frame.role_read": Words("darf ansehen", "may look"),
    "frame.role_decide": Words("darf entscheiden", "may decide"),
    "frame.by_token": Words("Zugangsschlüssel", "access token"),
    "nav.overview": Words("Überblick", "Overview"),
    # signing in
    "login.title": Words("Anmelden", "Sign in"),
    "login.lead": Words("Abgleich zwischen EspoCRM und Advoware", "Keeps EspoCRM and Advoware the same"),
    "login.name": Words("Name", "Name"),
    "login.password": Words("Kennwort", "Password"),
    "login.by_token": Words(
        "Mit dem Zugangsschlüssel (SYNCD_API_TOKEN) anmelden: Name leer lassen, Schlüssel als Kennwort.",
        "To sign in with the access token (SYNCD_API_TOKEN), leave the name empty and give it as password.",
    ),
    "login.submit": Words("Anmelden", "Sign in"),
    "login.wrong": Words("Name oder Kennwort stimmen nicht.", "Name or password are wrong."),
    "login.wait": Words(
        "Zu viele Versuche. Bitte in {seconds} Sekunden noch einmal.",
        "Too many tries. Please again in {seconds} seconds.",
    ),
    "login.off": Words("Die Seiten sind ausgeschaltet", "The pages are switched off"),
    "login.off_todo": Words(
        "Um sie einzuschalten, SYNCD_UI_USERS oder SYNCD_API_TOKEN setzen und den Dienst neu starten.",
        "To switch them on, set SYNCD_UI_USERS or SYNCD_API_TOKEN and restart the daemon.",
    ),
    "login.arriving": Words("Einen Augenblick …", "One moment …"),
    "login.go_on": Words("Weiter", "Go on"),
    # errors
    "error.title": Words("Das ging nicht", "That did not work"),
    "error.back": Words("Zum Überblick", "To the overview"),
    "error.400": Words("Die Anfrage ist nicht zu lesen.", "The request cannot be read."),
    "error.403": Words(
        "Dazu fehlt das Recht: Diese Anmeldung darf ansehen, nicht entscheiden.",
        "This login may look, and not decide.",
    ),
    "error.stale": Words(
        "Diese Seite war nicht mehr aktuell. Bitte zurückgehen, neu laden und noch einmal versuchen.",
        "This page was out of date. Please go back, reload it and try again.",
    ),
    "error.404": Words("Das gibt es hier nicht.", "There is no such thing here."),
    "error.405": Words("Das gibt es hier nicht.", "There is no such thing here."),
    "error.409": Words("Das ist jetzt nicht möglich:", "This cannot be done now:"),
    "error.413": Words("Das ist zu groß.", "This is too large."),
    "error.503": Words(
        "Das Gedächtnis des Abgleichs ist gerade nicht erreichbar. Bitte gleich noch einmal versuchen.",
        "The ledger cannot be reached at the moment. Please try again soon.",
    ),
    "error.500": Words(
        "Ein Fehler im Programm. Im Protokoll steht er unter {reference}.",
        "A bug in the program. The log knows it as {reference}.",
    ),
    # sides
    "side.espocrm": Words("EspoCRM", "EspoCRM"),
    "side.advoware": Words("Advoware", "Advoware"),
    # times
    "time.never": Words("nie", "never"),
    "time.now": Words("gerade eben", "just now"),
    "time.ago_s": Words("vor {n} s", "{n} s ago"),
    "time.ago_min": Words("vor {n} min", "{n} min ago"),
    "time.ago_h": Words("vor {n} Std.", "{n} h ago"),
    "time.ago_d": Words("vor {n} Tagen", "{n} days ago"),
    "time.ago_d.one": Words("vor {n} Tag", "{n} day ago"),
    "time.s": Words("{n} s", "{n} s"),
    "time.min": Words("{n} min", "{n} min"),
    "time.h": Words("{n} Std.", "{n} h"),
    "time.d": Words("{n} Tage", "{n} days"),
    "time.d.one": Words("{n} Tag", "{n} day"),
}

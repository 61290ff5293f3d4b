"""How values look to people: times, numbers, statuses. Pure; knows no page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mappers.spec import Side
from syncd.model import Status
from syncd.setup.words import STATES
from syncd.ui.words import text

ZONE = ZoneInfo("Europe/Berlin")  # of the offices that have an Advoware
JUST_NOW = 3.0  # seconds
ROUGH = 10.0  # seconds: nobody reads more closely how long ago something was
_STEPS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))

GOOD, CALM, WARN, BAD = "good", "calm", "warn", "bad"
TONES = {
    Status.CLEAN: GOOD,
    Status.DIRTY: CALM,
    Status.SYNCING: CALM,
    Status.PENDING_SYNC: CALM,
    Status.FAILED: WARN,
    Status.PERMANENTLY_FAILED: BAD,
    Status.CONFLICT: BAD,
    Status.DELETED_IN_ADVOWARE: CALM,
}


@dataclass(frozen=True)
class Show:
    """How one reader is shown things: in which language, and as of when (epoch seconds)."""

    language: str
    now: float

    def t(self, name: str, **values: object) -> str:
        """A text of the catalogue; whole numbers in it are grouped."""
        shown = {key: self.number(value) if isinstance(value, int) else value for key, value in values.items()}
        one = {"n": 1} if values.get("n") == 1 else {}
        return text(name, self.language, **(shown | one))

    def number(self, value: float, digits: int = 0) -> str:
        """12345.6 as 12.346 in German, 12,346 in English."""
        shown = f"{value:,.{digits}f}"
        return shown.translate(str.maketrans(",.", ".,")) if self.language == "de" else shown

    def percent(self, share: float) -> str:
        """0.125 as 13 %."""
        return f"{self.number(share * 100)} %" if self.language == "de" else f"{self.number(share * 100)}%"

    def length(self, seconds: float) -> str:
        """A length of time, in its largest unit: 2,4 s, 15 min, 3 days."""
        for unit, size in _STEPS:
            if seconds >= 2 * size:
                return self.t(f"time.{unit}", n=round(seconds / size))
        digits = 1 if 0 < seconds < 10 else 0
        return self.t("time.s", n=self.number(seconds, digits))

    def ago(self, at: float | None) -> str:
        """How long ago."""
        if at is None:
            return self.t("time.never")
        age = max(0.0, self.now - at)
        if age < JUST_NOW:
            return self.t("time.now")
        for unit, size in _STEPS:
            if age >= 2 * size:
                return self.t(f"time.ago_{unit}", n=round(age / size))
        return self.t("time.ago_s", n=int(age) if age < ROUGH else int(age // ROUGH * ROUGH))

    def when(self, at: float | None) -> str:
        """Date and time on the clocks of the office."""
        if at is None:
            return self.t("time.never")
        form = "%d.%m.%Y %H:%M:%S" if self.language == "de" else "%Y-%m-%d %H:%M:%S"
        return datetime.fromtimestamp(at, ZONE).strftime(form)

    def clock(self, at: float) -> str:
        """Hours and minutes on the clocks of the office."""
        return datetime.fromtimestamp(at, ZONE).strftime("%H:%M")

    def day(self, at: float) -> str:
        """The day on the calendar of the office, without the year."""
        return datetime.fromtimestamp(at, ZONE).strftime("%d.%m." if self.language == "de" else "%d %b")

    @staticmethod
    def iso(at: float) -> str:
        """For machines: the `datetime` of a `<time>`."""
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def side(self, name: str) -> str:
        """A system's name, as people write it; any other text stays as it is."""
        return self.t(f"side.{name}") if name in [*Side] else name

    def status(self, status: str | None) -> str:
        """A status in words, as EspoCRM shows it; None is a record that was not looked at yet."""
        words = STATES[_known(status)]
        return words.of(self.language)

    @staticmethod
    def tone(status: str | None) -> str:
        """In which colour a status is shown: good, calm, warn or bad."""
        return TONES[_known(status)]


def _known(status: str | None) -> Status:
    return Status(status) if status is not None and status in [*Status] else Status.PENDING_SYNC

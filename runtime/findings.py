"""What a watching process found: one open alert for each finding, for as long as its cause lasts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from gateways.ports.alerts import AlertChannel
from gateways.ports.watch import Watch
from models.case import CaseState
from models.errors import Misconfigured, NotFound
from models.messages import Alert, AlertKind
from models.wib import wib_date


@dataclass(frozen=True)
class Finding:
    """Something is wrong with a case, or with everything in a city."""

    kind: AlertKind
    subject: str
    """What it is about; the same in every round while it lasts."""
    city: str
    since: datetime
    """Since when it is known."""
    detail: str | None = None
    """A code; may differ from round to round."""
    state: CaseState | None = None
    """Where the case is that it is about."""
    due_at: datetime | None = None
    """When a case was due that has no state, because the ledger does not hold it."""

    @classmethod
    def of_case(cls, kind: AlertKind, state: CaseState, since: datetime) -> "Finding":
        """Return a finding about one case."""
        subject = subject_of_case(kind, state.case.case_number)
        return cls(kind, subject, state.case.city, since, state=state)

    @property
    def key(self) -> str:
        """What makes it one alert: a cause that was gone and is back makes another."""
        return f"{self.subject}:{self.since.astimezone(UTC):%Y%m%dT%H%MZ}"

    def alert(self, now: datetime) -> Alert:
        """Return the alert that tells it."""
        alert = Alert(
            key=self.key,
            city=self.city,
            kind=self.kind,
            raised_at=now,
            detail=self.detail,
            due_at=self.due_at,
        )
        if self.state is None:
            return alert
        return alert.model_copy(
            update={
                "case_number": self.state.case.case_number,
                "kecamatan": self.state.case.kecamatan,
                "level": self.state.escalation_level,
                "step": self.state.step,
                "due_at": self.state.due_at,
            }
        )


def subject_of_case(kind: AlertKind, case_number: str) -> str:
    """Return what a finding about a case is about; keys of its alerts begin with it."""
    return f"{case_number}:{kind}"


def subject_of_city(kind: AlertKind, city: str, *parts: str) -> str:
    """Return what a finding about a city is about; `parts` tell findings of one kind apart."""
    return ":".join(("watch", city, kind.value.removeprefix("watch."), *parts))


class Findings:
    """Keeps alerts in line with what is found. What is open is asked of the ledger: processes come and go.

    A finding that lasts is told anew each day in WIB, so that nobody who took charge of it forgets.
    """

    def __init__(self, watch: Watch, channel: AlertChannel) -> None:
        """Hold the ports."""
        self._watch = watch
        self._channel = channel

    def told(self, kind: AlertKind) -> set[str]:
        """Return the subjects of a kind's open alerts. Raises Unavailable."""
        return {_subject(key) for key in self._watch.open_alerts(kind)}

    def told_today(self, kind: AlertKind, now: datetime) -> set[str]:
        """Return those that need not be told again today. Raises Unavailable."""
        today = wib_date(now)
        return {_subject(key) for key, at in self._watch.open_alerts(kind).items() if wib_date(at) == today}

    def settle(
        self, kind: AlertKind, found: Collection[Finding], now: datetime, *, lasting: Collection[str] = ()
    ) -> None:
        """Tell what was found and is not told today, and take back what is neither found nor `lasting`.

        One that cannot be told stops no other. Raises Unavailable, and then what it was for that one.
        """
        told, untold = self.told_today(kind, now), None
        new = {finding.subject: finding for finding in found if finding.subject not in told}
        for finding in new.values():
            try:
                self._channel.send(finding.alert(now))
            except (Misconfigured, NotFound) as error:
                untold = error
        last = {*lasting, *(finding.subject for finding in found)}
        for key in self._watch.open_alerts(kind):
            subject = _subject(key)
            if subject not in last or (subject in new and new[subject].key != key):
                self._channel.close(key)
        if untold is not None:
            raise untold


def _subject(key: str) -> str:
    return key.rpartition(":")[0]

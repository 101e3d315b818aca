"""Alerts on their way to people: who is told what, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.messages import Alert, AlertKind

WEBHOOK: Final = "@webhook"
"""The recipient that is another system; no officer's id looks like that."""


class AlertState(StrEnum):
    """Whether an alert still has to be heard."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    """The case is over; nobody is told again."""


class DeliveryState(StrEnum):
    """What became of one message to one recipient."""

    PENDING = "pending"
    SENT = "sent"
    GAVE_UP = "gave_up"
    IN_DIGEST = "in_digest"
    """Told together with others."""


class Way(StrEnum):
    """By which way a message goes."""

    PEOPLE = "people"
    """To an officer, by his contacts."""
    WEBHOOK = "webhook"
    """To another system, which is no person: that it heard does not mean that anybody did."""


@dataclass(frozen=True)
class Reach:
    """Whom a process can bring messages to. What goes another way is left to others."""

    contacts: frozenset[str] | None
    """The officers who have a contact; None when this process has no way to people."""
    has_webhook: bool = False

    @property
    def way(self) -> Way | None:
        """The only way there is; None when there are both."""
        if self.contacts is None:
            return Way.WEBHOOK
        return None if self.has_webhook else Way.PEOPLE


@dataclass(frozen=True)
class Addressed:
    """An alert, and who is told of it: officers' ids, or `WEBHOOK`."""

    alert: Alert
    recipients: tuple[str, ...]
    wait: timedelta = timedelta(0)
    """How long messages are tried before others are told in place of who does not get them."""
    urgent_wait: timedelta = timedelta(0)
    """The same if it is urgent."""


@dataclass(frozen=True)
class Delivery:
    """One message that is due: an alert to one recipient."""

    id: int
    alert: Alert
    recipient: str
    number: int
    """0 is the first message, 1 and more are repeats."""
    attempts: int
    """How often it was tried in vain."""
    climb: int = 0
    """0 when the alert is for the recipient; n when he is told at its n-th climb, in place of others."""
    is_unheard: bool = False
    """Whether no person has heard of the alert yet."""
    is_urgent: bool = False
    """Whether somebody must hear of it soon."""
    is_moot: bool = False
    """Whether it reminds of what is not so now, and may be so again."""
    due_at: datetime | None = None
    """When the alert's case is due now; it may have got more time since the alert was raised."""

    @property
    def about(self) -> str:
        """What it tells of: a case, however many of its alerts there are, or the alert itself."""
        return self.alert.case_number or self.alert.key

    @property
    def key(self) -> str:
        """The same for every attempt, so that the other side can tell a message that it has."""
        return f"{self.alert.key}:{self.recipient}:{self.number}"


@dataclass(frozen=True)
class Told:
    """What a recipient heard of one kind lately."""

    about: frozenset[str]
    """Of what, in messages of their own or in a digest."""
    last_digest_at: datetime | None


@dataclass(frozen=True)
class Sent:
    """A delivery that arrived, and when the same is told again unless acknowledged; None for never."""

    delivery_id: int
    repeat_at: datetime | None


@dataclass(frozen=True)
class Unheard:
    """An alert of which no person has heard in its time, although each who was to hear was tried."""

    alert: Alert
    told: frozenset[str]
    """Everybody to whom it is addressed by now."""
    climbs: int
    """How often it has climbed."""
    is_urgent: bool


@dataclass(frozen=True)
class Climb:
    """What is done about an alert of which nobody has heard: others are told in place of those before."""

    key: str
    look_at: datetime
    """When it climbs on, unless somebody has heard of it by then."""
    number: int = 0
    """Which climb of the alert this is, from 1; 0 when there is nobody else to tell."""
    recipients: tuple[str, ...] = ()
    is_retried: bool = False
    """Those who refused are tried once more: their contacts may have been mended."""


@dataclass(frozen=True)
class Silence:
    """Alerts of which no person has heard."""

    count: int
    since: datetime
    """When the oldest of them was raised."""


@dataclass(frozen=True)
class AlertMessage:
    """The words to one recipient, and what they are about. Nothing personal."""

    key: str
    kind: AlertKind
    subject: str
    body: str
    alert: Alert
    """In a digest, the oldest of those it tells."""


@dataclass(frozen=True)
class AlertEntry:
    """An alert as operators see it."""

    alert: Alert
    state: AlertState
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class DeliveryEntry:
    """A message as operators see it; whom it goes to is an officer's id, never an address."""

    alert_key: str
    recipient: str
    number: int
    climb: int
    state: DeliveryState
    attempts: int
    next_at: datetime
    sent_at: datetime | None
    trouble: str | None
    """Why the last attempt was in vain, in fixed words."""

"""What an alert says, from the templates of `policies/pesan.toml`; none can ask for anything personal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from string import Formatter
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.messages import OF_CITY, Alert, AlertKind
from models.outbox import AlertMessage, Delivery
from models.reasons import Reasons
from models.texts import STEP, duration, trouble_words
from models.wib import wib_text

DIGEST_CASES: Final = 20
"""How many case numbers a digest names."""
_IN_MINUTES_BELOW: Final = timedelta(hours=3)
_BELATED: Final = timedelta(minutes=10)
"""From then on a message says of when it is: what it tells may be otherwise by now."""
_OF_ALERT: Final = ("case_number", "step", "kecamatan", "city", "due", "late", "detail", "words", "command")
_OF_DIGEST: Final = ("count", "title", "case_numbers", "more")


def _only(known: tuple[str, ...], *needed: str) -> AfterValidator:
    """Return the check that a template asks for nothing else, and for what it cannot do without."""

    def check(template: str) -> str:
        try:
            asked = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
            template.format_map(dict.fromkeys(known, ""))
        except (ValueError, KeyError, IndexError, AttributeError):
            asked = {""}
        if asked - set(known):
            raise ValueError(
                f"may hold {', '.join(f'{{{name}}}' for name in known)} and nothing else in braces"
            )
        if absent := [name for name in needed if name not in asked]:
            raise ValueError(f"must hold {{{absent[0]}}}")
        return template

    return AfterValidator(check)


class AlertText(BaseModel):
    """The words of one kind of alert."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=3, max_length=60), _only(())]
    """What digests call it."""
    subject: Annotated[str, Field(min_length=3, max_length=120), _only(_OF_ALERT)]
    body: Annotated[str, Field(min_length=3, max_length=2000), _only(_OF_ALERT)]


class DigestText(BaseModel):
    """The words of many alerts of one kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Annotated[str, Field(min_length=3, max_length=120), _only(_OF_DIGEST, "count", "title")]
    body: Annotated[str, Field(min_length=3, max_length=2000), _only(_OF_DIGEST, "count", "case_numbers")]
    more: Annotated[str, Field(min_length=3, max_length=120), _only(("rest",), "rest")]
    """Stands for the cases that are not named; `{more}` is empty when all are."""


_Line = Field(min_length=3, max_length=120)


class DailyText(BaseModel):
    """The lines of the daily digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: Annotated[str, _Line, _only(("city", "at"), "at")]
    empty: Annotated[str, _Line, _only(())]
    """Says that there is no open case: an empty digest is sent too."""
    outage: Annotated[str, _Line, _only(("system", "since"), "system")]
    open: Annotated[str, _Line, _only(("count", "stuck", "parked"), "count", "stuck", "parked")]
    overdue: Annotated[str, _Line, _only(("count",), "count")]
    due_today: Annotated[str, _Line, _only(("count",), "count")]
    late_soon: Annotated[str, _Line, _only(("count",), "count")]
    """Cases that will be late by forecast."""
    cases: Annotated[str, _Line, _only(("cases", "more"), "cases", "more")]
    """Below each of the three: numbers of cases. `{more}` is empty when all are named."""
    more: Annotated[str, _Line, _only(("rest",), "rest")]
    without_forecast: Annotated[str, _Line, _only(("count",), "count")]
    unassigned: Annotated[str, _Line, _only(("count",), "count")]
    gone: Annotated[str, _Line, _only(("count", "holders"), "count")] = (
        "Di tangan orang yang tidak ada lagi atau tidak masuk: {count} ({holders})"
    )
    """Work whose holder cannot do it; texts that were written before there was such a line have ours."""
    oldest: Annotated[str, _Line, _only(())]
    oldest_one: Annotated[str, _Line, _only(("step", "case_number", "since"), "step", "case_number")]


class AlertTexts(BaseModel):
    """The file `pesan.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reminder: Annotated[str, Field(min_length=3, max_length=60), _only(("number",), "number")]
    """Stands before the subject of a repeat."""
    climbed: Annotated[str, Field(min_length=3, max_length=60), _only(())] = "Petugas lain tidak terjangkau: "
    """Stands before the subject for whoever is told in place of others, who cannot be reached."""
    belated: Annotated[str, Field(min_length=3, max_length=60), _only(("raised",), "raised")] = (
        "Terlambat dikirim, keadaan {raised}: "
    )
    """Stands before the subject of a first message that arrives long after its alert was raised."""
    digest: DigestText
    daily: DailyText
    message: dict[AlertKind, AlertText]

    @model_validator(mode="after")
    def _every_kind_has_words(self) -> "AlertTexts":
        if absent := [kind for kind in AlertKind if kind not in self.message]:
            raise ValueError(f"message: missing: {', '.join(absent)}")
        for kind, text in self.message.items():
            needed = "city" if kind in OF_CITY else "case_number"
            if vague := [name for name in ("subject", "body") if f"{{{needed}}}" not in getattr(text, name)]:
                raise ValueError(f"message.{kind}.{vague[0]}: must hold {{{needed}}}")
        return self

    def single(self, delivery: Delivery, now: datetime, reasons: Reasons) -> AlertMessage:
        """Return the message of one alert; a repeat says how late the case is now.

        `reasons` gives the words for codes.
        """
        alert, text = delivery.alert, self.message[delivery.alert.kind]
        late = alert.late_by
        if delivery.number > 0 and alert.due_at is not None:
            due_at = delivery.due_at or alert.due_at
            alert = alert.model_copy(update={"due_at": due_at})
            late = max(now - due_at, timedelta(0))
        values = _values(alert, late, reasons)
        before = self.climbed if delivery.climb else ""
        if delivery.number:
            before = self.reminder.format(number=delivery.number)
        elif now - alert.raised_at >= _BELATED and not alert.is_news:
            before += self.belated.format(raised=wib_text(alert.raised_at))
        return AlertMessage(
            key=delivery.key,
            kind=alert.kind,
            subject=before + text.subject.format_map(values),
            body=text.body.format_map(values),
            alert=alert,
        )

    def together(self, deliveries: Sequence[Delivery]) -> AlertMessage:
        """Return one message for many alerts of one kind; it names the first cases and counts the rest."""
        first = deliveries[0]
        numbers = list(dict.fromkeys(_about(delivery.alert) for delivery in deliveries))
        rest = len(numbers) - DIGEST_CASES
        values = {
            "count": str(len(deliveries)),
            "title": self.message[first.alert.kind].title,
            "case_numbers": "\n".join(numbers[:DIGEST_CASES]),
            "more": self.digest.more.format(rest=rest) if rest > 0 else "",
        }
        return AlertMessage(
            key=f"{first.key}:digest",
            kind=first.alert.kind,
            subject=self.digest.subject.format_map(values),
            body=self.digest.body.format_map(values),
            alert=first.alert,
        )


def _about(alert: Alert) -> str:
    return alert.case_number or f"Kota {alert.city}"


def _values(alert: Alert, late: timedelta, reasons: Reasons) -> dict[str, str]:
    return {
        "case_number": _about(alert),
        "step": "-" if alert.step is None else STEP[alert.step],
        "kecamatan": alert.kecamatan or "-",
        "city": alert.city,
        "due": "belum berjalan" if alert.due_at is None else wib_text(alert.due_at),
        "late": late_words(late),
        "detail": trouble_words(alert.detail or "-", reasons),
        "words": alert.words or "-",
        "command": f"starter.py alerts ack {alert.case_number or alert.key}",
    }


def late_words(late: timedelta) -> str:
    """Return for example `70 menit`; hours from three on, seconds below one minute."""
    minutes = int(late / timedelta(minutes=1))
    return f"{minutes} menit" if minutes and late < _IN_MINUTES_BELOW else duration(late)

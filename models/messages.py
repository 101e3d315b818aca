"""What travels through Temporal: one frozen model in and one out, per activity and message."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from models.answers import Answer, ReasonCode
from models.bounds import Attempt, LessTime, Moment, Stretch
from models.calendar import Budget, CalendarPlan
from models.case import Birth, CaseNumber, CaseState, CityCode, Step, Track
from models.outage import System
from models.payload import Payload
from models.roles import OfficerId, Role
from models.standstill import StuckRule
from models.turns import Owner, PauseRule

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
"""A short token of our own making; never text that came from outside."""


class EventKind(StrEnum):
    """What a ledger event tells, as noun.verb."""

    CASE_REGISTERED = "case.registered"
    CASE_OPENED = "case.opened"
    CASE_RESET = "case.reset"
    """Written by the ledger when a supervisor has reset the workflow: what follows is told anew."""
    CASE_RETOLD = "case.retold"
    """Written by the ledger when a case went another way than it told, since Temporal lost a workflow task:
    what follows is its story anew, as it is true.
    """
    STEP_OPENED = "step.opened"
    STEP_ON_DESK = "step.on_desk"
    STEP_SKIPPED = "step.skipped"
    STEP_REOPENED = "step.reopened"
    ANSWER_RECORDED = "answer.recorded"
    ANSWER_LATE = "answer.late"
    """An answer to a step that was answered before; it changed nothing."""
    TRACK_SWITCHED = "track.switched"
    DATA_CORRECTED = "data.corrected"
    STEP_STUCK = "step.stuck"
    STEP_RETRIED = "step.retried"
    STEP_WAITS_LONG = "step.waits_long"
    """The case waits too long for the same; it goes on, and is called stuck until it waits for another."""
    STEP_PARKED = "step.parked"
    """The system that the step needs is down; the case waits for it."""
    STEP_RELEASED = "step.released"
    PAPERS_ADDED = "papers.added"
    SLA_STARTED = "sla.started"
    SLA_TURNED = "sla.turned"
    """Another's time begins: the applicant's, the office's, an institution's."""
    SLA_EXTENDED = "sla.extended"
    SLA_SHORTENED = "sla.shortened"
    SLA_RECOUNTED = "sla.recounted"
    """The calendar was edited, and with it the due time."""
    SLA_ACKNOWLEDGED = "sla.acknowledged"
    STEP_OVERDUE = "step.overdue"
    SLA_WARNED = "sla.warned"
    SLA_BREACHED = "sla.breached"
    SLA_MET = "sla.met"
    SLA_MISSED = "sla.missed"
    CASE_WITHDRAWN = "case.withdrawn"
    CASE_CLOSED = "case.closed"


EVENTS_AT_MOST: Final = 50
"""How many events a record takes."""
ALERTS_AT_MOST: Final = 20
"""How many alerts it takes."""


class CaseEvent(Payload):
    """One line of a case's history, append-only, unique by `(case_number, seq)`."""

    seq: int
    kind: EventKind
    at: datetime
    step: Step | None = None
    attempt: int | None = None
    reason: ReasonCode | None = None
    facts: dict[Code, Code | int] = Field(default_factory=dict, max_length=8)
    """Codes and counts only."""


class Record(Payload):
    """Events to append and the state they lead to; safe to apply any number of times.

    What a run tells is in order by `task`, `at`, `upto`, also when Temporal lost a workflow task after it
    told something, and the next attempt goes another way.
    """

    run: Code
    """Which run of the workflow tells this; a reset begins a new one that numbers events anew."""
    task: int
    """How long the history was in the workflow task that tells this; it never shrinks."""
    at: datetime
    """Workflow time of the telling."""
    upto: int
    """Number of the newest event that led to the state, which may have been told before."""
    events: Annotated[tuple[CaseEvent, ...], Field(max_length=EVENTS_AT_MOST)]
    state: CaseState
    alerts: Annotated[tuple["Alert", ...], Field(max_length=ALERTS_AT_MOST)] = ()
    """What people must hear of together with it."""

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, told: object, info: ValidationInfo) -> object:
        """Read what a case told before commit 1905ebd and waits to be written since: in no workflow task.

        The ledger takes it as the first word of its run, and all that the case tells later comes after it.
        """
        if info.mode != "json" or not isinstance(told, dict) or "task" in told:
            return told
        events = told.get("events") or [{"seq": 0, "at": told.get("state", {}).get("since")}]
        upto = max(event["seq"] for event in events)
        return {"task": 0, "at": events[-1]["at"], "upto": upto} | told


class CasePlan(Payload):
    """What a case is held to, read once when it opens and from then on part of its history."""

    budget: Budget
    warn_at: tuple[float, ...]
    complete_at: datetime | None
    """When the file was complete, which starts the clock; None while a paper is missing."""
    poll_every: timedelta
    """How often Kemensos and BPJS are asked for an answer that is not there yet."""
    max_rounds: int = 3
    """How often the case may be returned before it goes to a supervisor."""
    levels: tuple[timedelta, ...] = ()
    """When higher levels are told, since the breach, in wall time."""
    calendar: CalendarPlan = CalendarPlan()
    pauses: dict[Owner, PauseRule] = Field(default_factory=dict)
    """Whose time does not count against the office, and how much of it."""
    steps: dict[Step, Budget] = Field(default_factory=dict)
    """A budget for a step, counted like the case's."""
    patience: StuckRule | None = None
    """When the case is called stuck although nothing failed; None when it began before there was a rule."""


class StepAsk(Payload):
    """Do this step of this case. `key` makes an outside effect happen once."""

    case_number: CaseNumber
    step: Step
    attempt: int
    poll_every: timedelta
    birth: Birth | None = None
    """The case's birth mark: nothing is done for another's number. None of a step that was asked before."""

    @property
    def key(self) -> str:
        """The idempotency key, equal for every retry of this attempt."""
        return f"{self.case_number}:{self.step}:{self.attempt}"


class CaseCommand(Payload):
    """Something that is asked of one case, by the ledger that registered it."""

    birth: Birth | None = None
    """The case's birth mark, given when the command is sent: a case takes none that is meant for another."""
    given_at: Moment | None = None
    """When an officer gave it, which may be long before it is delivered; None for what is given now."""


class GiveAnswer(CaseCommand):
    """The answer to a step, brought by a person or pushed by a system. Words and names stay in the ledger."""

    command_id: Code
    step: Step
    attempt: Attempt
    answer: Answer
    receipt: Code | None = None
    """Our own number of the proof that the ledger keeps; what the portal calls it stays there."""
    actor: OfficerId
    role: Role | None
    """None for a system, which has its own id as `actor`."""
    in_place_of: OfficerId | None = None
    """In whose hand the work was: a supervisor finished it, or the holder was gone and another took it."""
    occurred_at: Moment
    """When it happened, by which the SLA is settled; it may have been told later."""


class StepReply(Payload):
    """What the step answered."""

    answer: Answer | None
    """None: people have it on their desk, and tell by `GiveAnswer`."""
    given: GiveAnswer | None = None
    """How a person gave the answer, when it was not a machine."""


class OfficeReplies(Payload):
    """What the office answered in passing: to the step asked for, and to the next one when it approved."""

    replies: Annotated[tuple[StepReply, ...], Field(min_length=1, max_length=2)]


class Opening(Payload):
    """What a case begins with."""

    plan: CasePlan
    replies: Annotated[tuple[StepReply, ...], Field(max_length=2)] = ()
    """As in `OfficeReplies`, to the first step; none when the office could not answer at once."""


class AlertKind(StrEnum):
    """What an alert is about."""

    SLA_WARNING = "sla.warning"
    SLA_BREACH = "sla.breach"
    STEP_OVERDUE = "step.overdue"
    CASE_STUCK = "case.stuck"
    CASE_RETURNED = "case.returned"
    ROUNDS_EXHAUSTED = "case.rounds_exhausted"
    UNROUTABLE = "alert.unroutable"
    """A role that should have been told leads to nobody."""
    UNDELIVERABLE = "alert.undeliverable"
    """A message can never reach the person whom it is for."""
    CASE_LOST = "watch.case_lost"
    """The ledger has a case as open and Temporal does not run it."""
    CASE_ASTRAY = "watch.case_astray"
    """Temporal runs a case that is closed in the ledger, or not known to it. Of a city."""
    BREACH_ASTRAY = "watch.breach_astray"
    """A case that Temporal runs and the ledger does not hold is past its due time. Of a city."""
    BREACH_UNTOLD = "watch.breach_untold"
    """A case is past its due time and nobody was alerted."""
    KEY_LOST = "watch.key_lost"
    """An open case can never be read again: the person's key was lost with a key store."""
    TASK_FAILING = "watch.task_failing"
    """The code of a case fails: it stands still until a mended worker comes up."""
    NO_WORKER = "watch.no_worker"
    """Nobody asks Temporal for work. Of a city, as all that follow."""
    ALERTS_UNSENT = "watch.alerts_unsent"
    """Alerts lie in the outbox and do not get out."""
    AUDIT_BEHIND = "watch.audit_behind"
    """Rows are not sealed in the audit chain."""
    NUMBERS_HELD = "watch.numbers_held"
    """Stores do not belong to the same past: no number is given out."""
    WATCHDOG_SILENT = "watch.silent"
    """The watchdog itself has not been at work."""
    OUTAGE_OPENED = "outage.opened"
    OUTAGE_CLOSED = "outage.closed"
    DAILY_DIGEST = "digest.daily"


OF_CITY: Final = frozenset(
    {
        AlertKind.CASE_ASTRAY,
        AlertKind.BREACH_ASTRAY,
        AlertKind.NO_WORKER,
        AlertKind.ALERTS_UNSENT,
        AlertKind.AUDIT_BEHIND,
        AlertKind.NUMBERS_HELD,
        AlertKind.WATCHDOG_SILENT,
        AlertKind.OUTAGE_OPENED,
        AlertKind.OUTAGE_CLOSED,
        AlertKind.DAILY_DIGEST,
    }
)
"""Alerts that are about everything in a city, not about one case."""


class Alert(Payload):
    """Something a person must hear of; `key` makes it one alert however often it is raised.

    It is about a case, or about everything in a city when it names none.
    """

    key: str
    city: CityCode
    case_number: CaseNumber | None = None
    kind: AlertKind
    level: int = 0
    step: Step | None = None
    kecamatan: str | None = None
    due_at: datetime | None = None
    raised_at: datetime
    detail: Code | None = None
    words: Annotated[str, StringConstraints(max_length=4000)] | None = None
    """Lines that the engine composed of numbers, codes and its own templates; nothing personal."""
    levels: tuple[int, ...] = ()
    """Levels of the ladder that are told; by the kind and `level` when there are none."""

    @property
    def is_news(self) -> bool:
        """Whether there is nothing to take care of: it is told once and never repeated."""
        return self.kind in {AlertKind.OUTAGE_CLOSED, AlertKind.DAILY_DIGEST}

    def is_urgent(self, track: Track | None) -> bool:
        """Tell whether somebody must hear of it soon: by its case's track, or as it concerns a whole city."""
        if self.case_number is None:
            return not self.is_news
        return track is Track.EMERGENCY

    @property
    def late_by(self) -> timedelta:
        """How late the case was when the alert was raised; zero before `due_at`."""
        if self.due_at is None:
            return timedelta(0)
        return max(self.raised_at - self.due_at, timedelta(0))


class Withdraw(CaseCommand):
    """Stop the case because the applicant or the office asked for it.

    The reason in words stays in the ledger.
    """

    command_id: Code
    actor: OfficerId | None = None


class RetryStep(CaseCommand):
    """Take the step again that waits for a person."""

    command_id: Code
    actor: OfficerId | None = None
    only_stuck: bool = False
    """Whether it is for a case that stands still or is parked: a step that lies on a desk stays there."""


class PapersAdded(CaseCommand):
    """Papers came in after intake and are in the store; a case that waits for them goes on."""

    command_id: Code
    count: Annotated[int, Field(ge=0, le=100_000)]
    actor: OfficerId | None = None


class ReopenUpload(CaseCommand):
    """A receipt was void: the person must be handed in to SIKS-NG again."""

    command_id: Code
    attempt: Attempt
    """The attempt whose receipt was void."""
    actor: OfficerId


class DataCorrected(CaseCommand):
    """The applicant's data in the ledger were mended; a case that waits for that goes on."""

    command_id: Code
    fields: Annotated[tuple[Code, ...], Field(min_length=1, max_length=8)]
    actor: OfficerId


class SwitchTrack(CaseCommand):
    """The case follows another track from `occurred_at` on, with a clock of its own."""

    command_id: Code
    track: Track
    actor: OfficerId
    occurred_at: Moment


class Extend(CaseCommand):
    """Give the case more time."""

    command_id: Code
    by: Stretch | None = None
    """More than zero; less was an extension too before there was `Shorten`."""
    until: Moment | None = None
    """The new due time, which no pause moves; exactly one of both is given."""
    actor: OfficerId


class Shorten(CaseCommand):
    """Take time from the case."""

    command_id: Code
    by: LessTime | None = None
    until: Moment | None = None
    """The new due time, which no pause moves; exactly one of both is given."""
    actor: OfficerId


class DueQuestion(Payload):
    """What would become of the due time: moved by so much, or to a time."""

    by: Stretch | None = None
    """Below zero for less time."""
    until: Moment | None = None


class DueForecast(Payload):
    """When a case is due, and when it would be."""

    due_at: datetime | None
    """None before the clock runs, and during a pause without end."""
    would_be: datetime | None
    """None where `due_at` would be."""


class Recount(CaseCommand):
    """Count by this calendar from the clock's start on: the office's was edited."""

    command_id: Code
    calendar: CalendarPlan


class Acknowledge(CaseCommand):
    """Somebody has taken charge of a breached case: the climb stops, the clock does not."""

    command_id: Code
    actor: OfficerId


class Park(CaseCommand):
    """The system that the open step needs has been down since a time."""

    system: System
    since: Moment


class Release(CaseCommand):
    """The system was back at a time."""

    system: System
    until: Moment


class Accepted(Payload):
    """A command was taken; `state` is what the case looked like then."""

    state: CaseState
    is_late: bool = False
    """The step was answered before; the answer was recorded and changed nothing."""


class Recorded(Payload):
    """The ledger holds the events; `appended` were new to it."""

    appended: int
    untold: tuple[str, ...] = ()
    """Keys of the alerts that could not be kept; they are told by themselves, and no case waits for it."""


class Raised(Payload):
    """The alert with this key is out."""

    key: str

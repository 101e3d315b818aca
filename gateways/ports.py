"""The outside, as we need it. Adapters satisfy these; only the composition root chooses one."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from models.alert_texts import AlertTexts
from models.audit import Access, Anchor, Fault, Note, Touched, TrailAsk, TrailLine, Unsealed
from models.bulk import Bulk, BulkItem, BulkProgress, Chosen, ItemVerdict
from models.calendar import CalendarKind
from models.calendar_policy import Calendars
from models.case import CaseRef, CaseState, SlaState, Step
from models.desk import (
    Bearer,
    Command,
    CommandResult,
    Completion,
    DeskItem,
    IssuedLetter,
    NewLetter,
    PortalReceipt,
    Refusal,
)
from models.digest import CityFigures
from models.dossier import Dossier, NewCase, Paper, Person, Registered
from models.erasure import Cutoffs, Deed, Due, Subject
from models.events import EventNote
from models.letters import Letter
from models.messages import Alert, AlertKind, CaseEvent, GiveAnswer, Record, Recount, StepAsk
from models.outage import Outage, System
from models.outbox import (
    Addressed,
    AlertEntry,
    AlertMessage,
    AlertState,
    Delivery,
    DeliveryEntry,
    Sent,
    Told,
)
from models.policy import CityPolicy, DocumentKind, Regions
from models.portal import PortalForm
from models.reasons import Reasons
from models.report import Report, ReportAsk
from models.roles import Act, People, Role
from models.standstill import StuckRule


@dataclass(frozen=True, repr=False)
class Submission:
    """What goes into the SIKS-NG submenu *reaktivasi* (fields: domain 1.3; real field names unknown)."""

    person: Person
    recommendation_number: str
    deactivated_on: date
    documents: tuple[str, ...]
    """SHA-256 of each paper."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Submission>"


@dataclass(frozen=True, repr=False)
class Participant:
    """What BPJS Kesehatan says of a person (VClaim `response.peserta`, domain 3.2)."""

    name: str
    birth_date: date
    status_code: str
    """`0` is active; every other code is inactive."""
    type_code: str
    """21 PBI (APBN), 22 PBI (APBD), 13 employee, 14 self-employed, ..."""

    @property
    def is_active(self) -> bool:
        """Whether the participant is covered now."""
        return self.status_code == "0"

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return "<Participant>"


class Verdict(StrEnum):
    """What the ministry made of a submission."""

    APPROVED = "approved"
    RETURNED = "returned"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Decision:
    """What Kemensos says of a submission."""

    verdict: Verdict
    code: str | None = None
    """Why not, if the ministry says so in the form of a reason code."""


class SiksNg(Protocol):
    """The Kemensos system that takes reactivation submissions."""

    def submit(self, submission: Submission, *, key: str) -> str:
        """Hand in a submission and return its reference. Once per `key`, however often it is called.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Kemensos(Protocol):
    """The ministry that verifies a submission."""

    def decision(self, reference: str) -> Decision | None:
        """Return the decision on a submission; None while there is none.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Bpjs(Protocol):
    """BPJS Kesehatan: who is covered."""

    def participant(self, nik: str, *, on: date) -> Participant | None:
        """Return the participant with this NIK as of a day in WIB; None when BPJS knows none.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Outages(Protocol):
    """Outages of outside systems, as objects. Raises Unavailable when the database is away."""

    def present(self) -> list[Outage]:
        """Return the outages that are open."""
        ...

    def since(self, time: datetime) -> list[Outage]:
        """Return the outages that were open at this time or later, the newest first."""
        ...

    def open(
        self, system: System, by: str, *, since: datetime, note: str | None, now: datetime
    ) -> Outage | None:
        """Open an outage and return it; None when one of the system is open already."""
        ...

    def end(self, system: System, by: str, *, until: datetime, now: datetime) -> Outage | None:
        """Close the open outage of a system and return it; None when there is none."""
        ...

    def may_probe(self, system: System, now: datetime, every: timedelta) -> bool:
        """Take the turn to probe a system; False when somebody did in this interval. Counts on an outage."""
        ...

    def to_park(self, system: System) -> list[str]:
        """Return the open cases that move by themselves and wait at a step that needs the system."""
        ...

    def to_release(self, system: System) -> list[str]:
        """Return the cases that are parked for the system: emergencies first, then by due time."""
        ...


class Standstills(Protocol):
    """Cases that may be stuck. Raises EngineUnreachable when the database is away."""

    def unwell(self, rules: Mapping[str, StuckRule], now: datetime) -> list[CaseState]:
        """Return the open cases of these cities that are not well by their rule, or say so themselves."""
        ...


class BulkBook(Protocol):
    """Orders for many cases. Raises EngineUnreachable, in a worker Unavailable, when the database is away."""

    def keep(self, bulk: Bulk, chosen: Sequence[Chosen]) -> None:
        """Write an order and its cases, all or nothing, before anything is done."""
        ...

    def bulk(self, bulk_id: str) -> Bulk:
        """Return an order. Raises NotFound."""
        ...

    def latest(self, limit: int = 50) -> list[Bulk]:
        """Return the orders, the newest first."""
        ...

    def left(self, bulk_id: str, limit: int) -> list[BulkItem]:
        """Return the next cases that had no turn yet."""
        ...

    def settle(self, bulk_id: str, case_number: str, verdict: ItemVerdict, at: datetime) -> None:
        """Write down what became of a case."""
        ...

    def items(self, bulk_id: str) -> list[BulkItem]:
        """Return every case of an order in its turn, with what is known of it now."""
        ...

    def progress(self, bulk_id: str) -> BulkProgress:
        """Return how far an order is."""
        ...


class BulkHands(Protocol):
    """Does what was ordered to one case."""

    async def work(self, bulk: Bulk, item: BulkItem) -> ItemVerdict:
        """Do it, once however often it is called, and say what became of it.

        Raises Unavailable when it is to be tried again, any other of our errors when the case refuses.
        """
        ...


class Guard(Protocol):
    """Knows whether one outside system is down, so that not every case has to find out."""

    def require_up(self) -> None:
        """Raise SystemDown while an outage of the system is open. Asks nobody outside."""
        ...

    def is_down(self) -> bool:
        """Tell, after a call in vain, whether the system as a whole is down; an outage is open then."""
        ...


class Probe(Protocol):
    """Asks an outside system whether it is there, about nobody."""

    def probe(self) -> None:
        """Return when the system answers. Raises Unavailable when it does not."""
        ...


class PersonKey(Protocol):
    """The key of one person: what it sealed nobody reads without it."""

    @property
    def id(self) -> str:
        """What the ledger knows the key by."""
        ...

    def seal(self, place: str, content: str) -> bytes:
        """Return the text sealed, bound to this person and to a place in the ledger."""
        ...

    def unseal(self, place: str, sealed: bytes) -> str:
        """Return what was sealed at this place. Raises BadReply when it was altered or moved."""
        ...


class Vault(Protocol):
    """Where the keys of people are kept. Raises Misconfigured when the master key is missing or wrong."""

    def make(self, how_many: int) -> Sequence[PersonKey]:
        """Make keys for people; they are kept before anything is sealed with them."""
        ...

    def key(self, key_id: str) -> PersonKey:
        """Return a person's key. Raises Erased when it was destroyed."""
        ...

    def keys(self, key_ids: Collection[str]) -> Mapping[str, PersonKey]:
        """Return the keys of people, by id. Raises Erased when one was destroyed."""
        ...

    def destroyed(self, key_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return when keys were destroyed, by id; those that were not are left out."""
        ...

    def destroy(self, key_id: str, at: datetime) -> None:
        """Destroy a person's key for good; the first time stays."""
        ...

    def index(self, kind: str, value: str) -> str:
        """Return the keyed hash of a value, by which it is looked up without being kept."""
        ...

    def seal_content(self, sha256: str, content: bytes) -> bytes:
        """Seal a paper under a key that only its hash leads to."""
        ...

    def unseal_content(self, sha256: str, sealed: bytes) -> bytes:
        """Return a paper. Raises DocumentLost when it was altered."""
        ...


class Documents(Protocol):
    """Where papers are kept, under the SHA-256 of their content."""

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256 in hex. Putting the same content again changes nothing."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the content with this hash. Raises DocumentLost when it is gone or was altered."""
        ...

    def is_intact(self, sha256: str) -> bool:
        """Tell whether the content is there and still has this hash."""
        ...


class PaperFiles(Protocol):
    """The files of papers, by the names under which the ledger has them."""

    def remove(self, name: str) -> bool:
        """Remove a file; False when there is none. Raises Unavailable."""
        ...


class AlertChannel(Protocol):
    """Where alerts are raised; whoever has to hear of them does in the end."""

    def send(self, alert: Alert) -> None:
        """Raise the alert once per `alert.key`, however often it is called. Raises Unavailable."""
        ...

    def close(self, key: str) -> None:
        """Take an alert back whose cause is gone: nobody is told of it again. Raises Unavailable."""
        ...


class AlertSender(Protocol):
    """Brings words to a recipient."""

    def send(self, recipient: str, message: AlertMessage) -> None:
        """Bring a message to an officer or another system.

        Raises Unavailable when trying again may help, Refused when it never will; neither says an address.
        """
        ...


class Outbox(Protocol):
    """Alerts on their way to people. Raises Unavailable when the database is away."""

    def put(self, told: Sequence[Addressed]) -> list[Alert]:
        """Keep alerts and a message to each recipient, all or nothing; return the alerts that were new."""
        ...

    def lease(self, now: datetime, until: datetime, limit: int = 1000) -> list[Delivery]:
        """Take messages that are due, so that no other worker has them before `until`; the oldest first."""
        ...

    def told(self, recipient: str, kind: AlertKind, since: datetime) -> Told:
        """Return what a recipient heard of one kind since a time."""
        ...

    def sent(self, done: Sequence[Sent], at: datetime, *, in_digest: bool = False) -> None:
        """Note that messages arrived, and plan the repeats of those whose alert is still open."""
        ...

    def postpone(self, ids: Sequence[int], until: datetime, trouble: str | None = None) -> None:
        """Give messages back, to be sent later; with a `trouble`, in fixed words, an attempt was in vain."""
        ...

    def close(self, key: str, at: datetime) -> None:
        """Close an alert whose cause is gone, so that nobody is told again."""
        ...

    def give_up(self, delivery_id: int, trouble: str, notice: Addressed | None) -> None:
        """Note that a message can never arrive, and keep the alert that tells somebody else of it."""
        ...


class EventBook(Protocol):
    """Events that outside systems pushed. Raises EngineUnreachable when the database is away."""

    def note(self, note: EventNote) -> None:
        """Write down that an event came in, and what became of it."""
        ...

    def latest(self, limit: int = 200) -> list[EventNote]:
        """Return what came in, the newest first."""
        ...


class AlertBook(Protocol):
    """Alerts as operators see them. Raises EngineUnreachable when the database is away."""

    def entries(
        self,
        *,
        city: str | None = None,
        case_number: str | None = None,
        state: AlertState | None = None,
        open_since: datetime | None = None,
        limit: int = 200,
    ) -> list[AlertEntry]:
        """Return alerts, the newest first; with `open_since` those open and raised at that time or before."""
        ...

    def acknowledge(self, case_number: str, key: str | None, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of a case's open alerts, or of the one with this key.

        Return the alerts that were open; their repeats end. Raises NotFound for an unknown case or key.
        """
        ...

    def of_city(self, key: str) -> Alert:
        """Return an alert that is about a city and not about a case. Raises NotFound."""
        ...

    def acknowledge_of_city(self, key: str, by: str, at: datetime) -> list[Alert]:
        """Note that somebody takes care of an alert about a city; return it if it was open."""
        ...

    def deliveries(self, case_number: str) -> list[DeliveryEntry]:
        """Return every message about a case, in the order in which they were planned. Raises NotFound."""
        ...

    def deliveries_of(self, key: str) -> list[DeliveryEntry]:
        """Return every message of one alert, in the order in which they were planned."""
        ...


class Figures(Protocol):
    """What the daily digest is made of. Raises Unavailable when the database is away."""

    def of_city(self, city: str, closed_since: datetime, at_most: int) -> CityFigures:
        """Return what is open, and how long the `at_most` newest cases took that ended since a time."""
        ...


class Reports(Protocol):
    """The figures of a period. Raises EngineUnreachable when the database is away."""

    def of(self, ask: ReportAsk) -> Report:
        """Return what came, what ended, how long it took and what is left, as the case list has it."""
        ...


@dataclass(frozen=True)
class Heartbeat:
    """When a watching process was last at work."""

    at: datetime
    every: timedelta
    """How often it means to be."""

    def is_silent(self, now: datetime, patience: timedelta = timedelta(0)) -> bool:
        """Tell whether three rounds, and some patience, have passed without a sign of it."""
        return now - self.at > 3 * self.every + patience


class Watch(Protocol):
    """The ledger as whoever watches over the engine reads it. Raises Unavailable when it is away."""

    def open_cases(self, started_before: datetime, registered_before: datetime) -> set[str]:
        """Return the open cases that were started before one time, or registered before another."""
        ...

    def untold(self, due_before: datetime) -> set[str]:
        """Return the open cases that were due before a time, and whose breach nobody was alerted of."""
        ...

    def stalled(self, since: datetime) -> set[str]:
        """Return the open cases that told nothing since their start, or took no command since then."""
        ...

    def states(self, numbers: Collection[str]) -> list[CaseState]:
        """Return the state of those of these cases that are open now."""
        ...

    def ends(self, numbers: Collection[str]) -> dict[str, datetime | None]:
        """Return when the end of each of these cases was recorded: None while open, absent if unknown."""
        ...

    def unsealed(self, before: datetime) -> int:
        """Return how many rows were written before a time and are not in the audit chain."""
        ...

    def unsent(self, before: datetime) -> dict[str, int]:
        """Return by city how many alerts were raised before a time and did not get out to anybody."""
        ...

    def open_alerts(self, kind: AlertKind) -> dict[str, datetime]:
        """Return the keys of the alerts of a kind that are not closed, and when each was raised."""
        ...

    def unacknowledged(self, raised_before: datetime) -> int:
        """Return how many alerts that were raised before a time nobody has taken charge of."""
        ...

    def pending(self, now: datetime) -> int:
        """Return how many messages are due by now, or never went out."""
        ...

    def beat(self, name: str, at: datetime, every: timedelta) -> None:
        """Note that a watching process is at work."""
        ...

    def heartbeat(self, name: str) -> Heartbeat | None:
        """Return the last sign of a watching process; None when there was none ever."""
        ...


class PolicyShelf(Protocol):
    """The policies of the cities served."""

    def city(self, code: str) -> CityPolicy:
        """Return the policy of a city. Raises Misconfigured, naming the known cities, for an unknown one."""
        ...

    def cities(self) -> Sequence[CityPolicy]:
        """Return every policy on the shelf, by city code."""
        ...

    def regions(self) -> Regions:
        """Return the kecamatan and kelurahan of the cities."""
        ...

    def reasons(self) -> Reasons:
        """Return the catalogue of reason codes."""
        ...

    def people(self) -> People:
        """Return who works for the office."""
        ...

    def portal(self) -> PortalForm:
        """Return the fields of SIKS-NG in the portal's order."""
        ...

    def calendars(self) -> Calendars:
        """Return office hours and holidays."""
        ...

    def alert_texts(self) -> AlertTexts:
        """Return the words of alerts."""
        ...


@dataclass(frozen=True)
class OpenClock:
    """An open case, and how its clock counts."""

    case: CaseRef
    counts: CalendarKind | None
    """None when the ledger does not know: the clock has not started, or did under an earlier version."""
    may_change: bool
    """Whether somebody has asked for another track, and with it another clock, that is not there yet."""


class CalendarMarks(Protocol):
    """By which calendar the clocks of each city count. Raises EngineUnreachable when the database is away."""

    def renew(
        self, city: str, digest: str, at: datetime, recount: Callable[[OpenClock], Recount | None]
    ) -> int | None:
        """Note the calendar of a city, and write what `recount` says of each open case, all or nothing.

        Return how many commands were written; None, and no command, when this calendar is noted already or
        is the city's first. Of several calls at once one writes.
        """
        ...


class LetterPrinter(Protocol):
    """Makes a letter that can be printed and signed."""

    def print(self, letter: Letter) -> bytes:
        """Return the letter as PDF, the same for the same letter. Raises Misconfigured."""
        ...


class Ledger(Protocol):
    """The record of every case, as activities use it. Raises Unavailable when the database is away."""

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        ...

    def paper_kinds(self, case_number: str) -> frozenset[DocumentKind]:
        """Return which kinds of papers a case has; none for a case that is not there."""
        ...

    def record(self, record: Record) -> list[CaseEvent]:
        """Append the events and project the state; return the events that were not there before.

        The same may be told again and changes nothing, nor does what was told from an earlier place of the
        workflow's history. What is told otherwise than before, or by another run, begins an epoch.
        """
        ...

    def letter(self, case_number: str) -> IssuedLetter | None:
        """Return the case's letter that is not void; None when there is none."""
        ...

    def issue_letter(self, case_number: str, attempt: int, new: NewLetter) -> IssuedLetter:
        """Return the case's valid letter if it says the same of the person; otherwise issue another."""
        ...

    def begin_submission(self, case_number: str, attempt: int) -> None:
        """Note that an attempt is about to reach SIKS-NG. Noting it again changes nothing."""
        ...

    def submission_begun(self, case_number: str, attempt: int) -> bool:
        """Tell whether an attempt may have reached SIKS-NG."""
        ...

    def save_submission(self, case_number: str, attempt: int, reference: str, submitted_at: datetime) -> None:
        """Keep the SIKS-NG reference of an attempt. Saving it again changes nothing."""
        ...

    def submission_reference(self, case_number: str) -> str | None:
        """Return the SIKS-NG reference of the latest attempt."""
        ...


class Desk(Protocol):
    """The work of people, as activities see it. Raises Unavailable when the database is away."""

    def given(self, ask: StepAsk) -> GiveAnswer | None:
        """Return the answer that a person gave to this step and attempt; None when nobody did."""
        ...

    def open(self, ask: StepAsk, because: str | None = None) -> GiveAnswer | None:
        """Put the step on the desk, once, or return the answer that a person gave to it already.

        `because` is why people must do what a machine does otherwise.
        """
        ...

    def take_for_machine(self, ask: StepAsk) -> bool:
        """Claim the open item for the machine; False when a person has it."""
        ...

    def leave_to_people(self, ask: StepAsk, because: str) -> None:
        """Give back what the machine could not finish, and say why."""
        ...


class DeskBook(Protocol):
    """The work of people, as they see it. Raises EngineUnreachable when the database is away."""

    def items(
        self,
        *,
        case_number: str | None = None,
        cities: Collection[str] | None = None,
        with_closed: bool = False,
        limit: int = 200,
    ) -> list[DeskItem]:
        """Return pieces of work, emergencies first, then the next due."""
        ...

    def item(self, number: int) -> DeskItem:
        """Return a piece of work. Raises NotFound."""
        ...

    def open_item(self, ask: StepAsk) -> DeskItem:
        """Return the open item of a step, opening one when there is none."""
        ...

    def assign(self, number: int, officer: str | None, *, expects: str | None, at: datetime) -> DeskItem:
        """Give an open item from one hand to another; None is nobody's. Raises NotFound.

        Raises WrongState unless it is open and in the hand it is expected in: of two who claim it at
        the same time, one wins.
        """
        ...

    def give(self, completion: Completion) -> Command:
        """Write a command and everything that goes with it, all or nothing, before it is delivered.

        A command that was given before is returned as it is. Raises NotFound or WrongState.
        """
        ...

    def command(self, command_id: str) -> Command | None:
        """Return the command that was given under this id; None when there is none."""
        ...

    def undelivered(self, case_number: str | None = None, limit: int = 500) -> list[Command]:
        """Return the commands that no workflow has taken or refused yet, the oldest first."""
        ...

    def settle(self, command_id: str, result: CommandResult, said: str | None, at: datetime) -> None:
        """Write down what the workflow said to a command; the first word stays."""
        ...

    def bearers(self, case_number: str) -> list[Bearer]:
        """Return who answered or prepared something on a case."""
        ...

    def refuse(self, actor: str, act: Act, case_number: str | None, why: str, at: datetime) -> None:
        """Keep that a person was not allowed to do something."""
        ...

    def refusals(self, limit: int = 200) -> list[Refusal]:
        """Return what officers were not allowed to do, the newest first."""
        ...

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        ...

    def receipt(self, case_number: str, attempt: int) -> PortalReceipt | None:
        """Return what proves an attempt's upload; None when there is none or it is void."""
        ...

    def submission_begun(self, case_number: str, attempt: int) -> bool:
        """Tell whether the machine may have reached SIKS-NG with this attempt."""
        ...

    def letters(self, case_number: str) -> list[IssuedLetter]:
        """Return the letters of a case in the order in which they were issued."""
        ...

    def letter_by_code(self, verification_code: str) -> IssuedLetter | None:
        """Return the letter with this verification code; None when there is none."""
        ...

    def reissue_letter(self, case_number: str, new: NewLetter, note: str) -> IssuedLetter:
        """Make the case's letter void and issue another; `note` says why, in words that stay in the ledger.

        Raises NotFound, or WrongState when there is no letter to replace.
        """
        ...

    def save_pdf(self, verification_code: str, sha256: str) -> None:
        """Keep which document a letter is; the first one stays."""
        ...

    def notes(self, case_number: str) -> dict[str, str]:
        """Return the words that belong to commands of a case, by command id."""
        ...


class Trail(Protocol):
    """Who did and saw what. Raises EngineUnreachable when the database is away."""

    def keep(self, access: Access, note: Note | None = None) -> None:
        """Write down, before anything is shown, that somebody sees it, and the words of his reason."""
        ...

    def lines(self, ask: TrailAsk) -> list[TrailLine]:
        """Return what was done, the oldest first; with a limit the newest of it."""
        ...

    def cases_of_person(self, case_number: str) -> list[str]:
        """Return every case of the person of a case. Raises NotFound."""
        ...

    def touched(self, since: datetime, until: datetime, cities: frozenset[str]) -> Touched:
        """Return whose data people saw or worked from a time until before another."""
        ...


class Erasures(Protocol):
    """Who was and is to be erased, and who must not be. Raises EngineUnreachable."""

    def subject(self, case_number: str) -> Subject:
        """Return what there is to erase of the person of a case, and what forbids it. Raises NotFound."""
        ...

    def erase(self, case_number: str, deed: Deed) -> Subject:
        """Erase the person of a case, once, and return what was there. Raises NotFound or WrongState."""
        ...

    def erased(self, case_numbers: Collection[str]) -> Mapping[str, datetime]:
        """Return when the people of cases were erased, by case; those who were not are left out."""
        ...

    def due(self, cutoffs: Cutoffs) -> list[Due]:
        """Return who is not held, and whose cases all ended before their own city's time."""
        ...

    def hold(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """Keep the person of a case from being erased. Raises NotFound, WrongState or Erased."""
        ...

    def release(self, case_number: str, actor: str, role: Role, reason: str, at: datetime) -> None:
        """End the legal hold on the person of a case. Raises NotFound, or WrongState when there is none."""
        ...


class Audit(Protocol):
    """The chain over everything that was done. Raises EngineUnreachable when the database is away."""

    def seal(self, now: datetime) -> int:
        """Append the next rows that wait and return how many; 0 when none do or somebody else is at it."""
        ...

    def unsealed(self) -> Unsealed:
        """Return how many rows wait, and since when."""
        ...

    def head(self) -> Anchor | None:
        """Return the chain's last entry; None while there is none."""
        ...

    def hashes(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the hash of each of these entries that is there."""
        ...

    def faults(self, last: int, told: Callable[[int], None]) -> Iterator[Fault]:
        """Find every row that is not as it was sealed, up to an entry; tell of each batch how many it had."""
        ...


class Anchors(Protocol):
    """Where heads of the chain are kept outside the database. Raises Misconfigured."""

    def read(self) -> Iterator[tuple[int, Anchor | None]]:
        """Return each line's number and its anchor; None for a line that is none."""
        ...

    def append(self, anchor: Anchor, *, once_a_day: bool = False) -> bool:
        """Write an anchor for good; False when the day has one already."""
        ...


class Registry(Protocol):
    """The record of every case, as intake and operators use it. Raises EngineUnreachable."""

    def register(self, new: NewCase) -> Registered:
        """Write person, papers and case in one transaction, or return the person's open case."""
        ...

    def unstarted(self, registered_before: datetime, limit: int = 500) -> list[CaseRef]:
        """Return open cases registered before this time whose workflow is not known to be started."""
        ...

    def mark_started(self, case_number: str) -> None:
        """Note that the case's workflow exists."""
        ...

    def case(self, case_number: str) -> CaseState:
        """Return the state of a case. Raises NotFound."""
        ...

    def cases(
        self,
        *,
        city: str | None = None,
        step: Step | None = None,
        sla: SlaState | None = None,
        limit: int = 50,
    ) -> list[CaseState]:
        """Return the cases that match, the next due first."""
        ...

    def history(self, case_number: str) -> list[CaseEvent]:
        """Return the events of a case in order."""
        ...

    def alerts(self, case_number: str) -> list[Alert]:
        """Return the alerts of a case in order."""
        ...

    def papers(self, case_number: str) -> list[Paper]:
        """Return the papers of a case in the order in which they came. Raises NotFound."""
        ...

    def add_papers(self, case_number: str, papers: Sequence[Paper]) -> int:
        """Add papers to an open case and return how many were new. Raises NotFound or WrongState."""
        ...


@dataclass(frozen=True, repr=False)
class TableRow:
    """A row of a list that holds anything at all."""

    number: int
    """As a spreadsheet shows it; the header is the first row that holds anything."""
    cells: tuple[str, ...]
    """As many as the header has, unless the row is longer, or the file ends in the middle of it."""

    def __repr__(self) -> str:
        """Keep personal data out of tracebacks and logs."""
        return f"<TableRow {self.number}>"


class Table(Protocol):
    """A list, held as it was when it was opened."""

    @property
    def sha256(self) -> str:
        """The digest of the file, in hex."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The cells of the first row that holds anything."""
        ...

    def rows(self) -> Iterator[TableRow]:
        """Read the rows below the header, each time from the start, none of them half.

        Raises BadInput at a place from which on the file cannot be read for sure.
        """
        ...


class Tables(Protocol):
    """Reads lists as spreadsheet programs save them."""

    def open(self, path: Path) -> AbstractContextManager[Table]:
        """Hold a list as it is now. Raises BadInput for a file that is no list."""
        ...


@dataclass(frozen=True)
class ImportHead:
    """A list that is taken, in a city and in one reading of its columns."""

    key: str
    """A digest of all that."""
    city: str
    file_sha256: str
    rows: int
    begun_by: str
    begun_at: datetime


@dataclass(frozen=True)
class NewRow:
    """A row of a list, as an application."""

    number: int
    new: NewCase


class Imports(Protocol):
    """What became of the rows of lists. Raises EngineUnreachable when the database is away."""

    def begin(self, head: ImportHead) -> None:
        """Note that a list is being taken; the first note stays."""
        ...

    def taken(self, key: str, numbers: Collection[int]) -> set[int]:
        """Return those of these rows that were taken before."""
        ...

    def take(self, key: str, rows: Sequence[NewRow]) -> list[Registered]:
        """Register rows, all or none, each with the note that it was taken; in the order given.

        A person with an open case gets that case. So does one whose case from the same letter and the
        same deactivation is over: the list brings the same application again.
        """
        ...

    def unstarted(self, key: str) -> list[CaseRef]:
        """Return the open cases of a list whose workflow is not known to be started."""
        ...

    def mark_started(self, case_numbers: Collection[str]) -> None:
        """Note that the workflows of these cases exist."""
        ...

    def end(self, key: str, rejected: int, at: datetime) -> None:
        """Note that every row of a list was looked at, and how many were rejected; the last note stays."""
        ...

"""The outside, as we need it. Adapters satisfy these; only the composition root chooses one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from models.answers import Answer
from models.case import CaseRef, CaseState, SlaState, Step
from models.dossier import Dossier, NewCase, Paper, Person, Registered
from models.messages import Alert, CaseEvent, Record
from models.policy import CityPolicy, Regions


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


class SiksNg(Protocol):
    """The Kemensos system that takes reactivation submissions."""

    def submit(self, submission: Submission, *, key: str) -> str:
        """Hand in a submission and return its reference. Once per `key`, however often it is called.

        Raises Unavailable, Refused, BadReply or Misconfigured.
        """
        ...


class Kemensos(Protocol):
    """The ministry that verifies a submission."""

    def decision(self, reference: str) -> Answer | None:
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


class Documents(Protocol):
    """Where papers are kept, under the SHA-256 of their content."""

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256 in hex. Putting the same content again changes nothing."""
        ...

    def is_intact(self, sha256: str) -> bool:
        """Tell whether the content is there and still has this hash."""
        ...


class AlertChannel(Protocol):
    """How an alert reaches people."""

    def send(self, alert: Alert) -> None:
        """Send the alert once per `alert.key`, however often it is called. Raises Unavailable."""
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


class Ledger(Protocol):
    """The record of every case, as activities use it. Raises Unavailable when the database is away."""

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        ...

    def record(self, record: Record) -> list[CaseEvent]:
        """Append the events and project the state; return the events that were not there before.

        Idempotent by `(case_number, seq)`: an event that is there stays as it is, and the projection
        never goes back behind a newer one.
        """
        ...

    def recommend(self, case_number: str, attempt: int, issued_on: date) -> str:
        """Return the number of this attempt's recommendation, issuing one if there is none yet."""
        ...

    def recommendation_number(self, case_number: str) -> str | None:
        """Return the number of the latest recommendation."""
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

    def save_alert(self, alert: Alert) -> bool:
        """Keep an alert; False when one with this key was there already."""
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

    def open_desk_items(self, case_number: str) -> list[Step]:
        """Return the steps of a case at which a person is awaited."""
        ...

    def papers(self, case_number: str) -> list[Paper]:
        """Return the papers of a case in the order in which they came. Raises NotFound."""
        ...

    def add_papers(self, case_number: str, papers: Sequence[Paper]) -> int:
        """Add papers to an open case and return how many were new. Raises NotFound or WrongState."""
        ...

    def add_note(self, case_number: str, command_id: str, author: str, text: str, at: datetime) -> None:
        """Keep words that belong to a command; they never leave the ledger."""
        ...

"""The record of every case."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from models.case import Birth, CaseRef, CaseState, SlaState, Step
from models.desk import IssuedLetter, NewLetter
from models.dossier import Dossier, NewCase, Paper, Person, Registered, Upload
from models.messages import Alert, CaseEvent, Record
from models.page import Page
from models.policy import DocumentKind


class Ledger(Protocol):
    """The record of every case, as activities use it. Raises Unavailable when the database is away."""

    def require_same(self, case_number: str, birth: Birth | None) -> None:
        """Raise NotFound when the case of this number bears another birth mark: it is another case."""
        ...

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        ...

    def person(self, case_number: str) -> Person:
        """Return whom a case is about. Raises NotFound."""
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
        """Return the case's letter that no other replaced; None when there is none.

        Also of a case that the ledger calls over: a run that was begun anew asks before it tells.
        """
        ...

    def issue_letter(self, case_number: str, attempt: int, new: NewLetter) -> IssuedLetter:
        """Return the case's letter if it says the same of the person; otherwise issue another."""
        ...

    def begin_submission(self, case_number: str, attempt: int) -> None:
        """Note that an attempt is about to reach SIKS-NG. Noting it again changes nothing."""
        ...

    def upload(self, case_number: str, attempt: int) -> Upload:
        """Return under which attempt an upload is done: the newest that may have reached SIKS-NG.

        That is a later one than the workflow's when the case was begun anew, which counts from one again.
        """
        ...

    def save_submission(self, case_number: str, attempt: int, reference: str, submitted_at: datetime) -> None:
        """Keep the SIKS-NG reference of an attempt. Saving it again changes nothing."""
        ...

    def submission_reference(self, case_number: str) -> str | None:
        """Return the SIKS-NG reference of the latest attempt."""
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

    def is_started(self, case_number: str) -> bool:
        """Tell whether the case's workflow is known to have been started. Raises NotFound."""
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
    ) -> Page[CaseState]:
        """Return the first of the cases that match, the next due first."""
        ...

    def unbegun(self, case_numbers: Collection[str]) -> frozenset[str]:
        """Return which of these cases are registered, and no workflow has told anything of them."""
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

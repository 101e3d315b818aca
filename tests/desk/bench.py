"""An office to work in: the real ledger, document folder, policies and printer, and a clock in our hand."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine, Table, select

from desk.decisions import PortalEntry, Said, Verb
from desk.orders import Hand
from desk.work import OfficeWork
from gateways.folder_documents import FolderDocuments, place_of
from gateways.ports.papers import LetterPrinter
from gateways.ports.policies import PolicyShelf
from gateways.sealed_rows import PAPER
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.sql_trail import SqlTrail
from models.case import CaseHealth, CaseRef, CaseState, Outcome, Step, Track, WaitingOn
from models.desk import Command, DeskItem
from models.desk_tables import refusals
from models.dossier import Need, NewCase, Paper, Person
from models.identity import Sex
from models.messages import CaseEvent, EventKind, StepAsk
from models.policy import DocumentKind, NeedKind
from tests.builders import a_person
from tests.ledger.builders import a_telling
from tests.vaults import a_vault

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""08:00 in Jakarta, on 2 March 2026."""
APPROVE = Said(Verb.APPROVE)

COUNTER = "tangsel-loket-1"
VERIFIER = "tangsel-verifikator-1"
SECOND_VERIFIER = "tangsel-verifikator-2"
SIGNER = "tangsel-penandatangan"
OPERATOR = "tangsel-siksng-1"
SUPERVISOR = "tangsel-supervisor"
AUDITOR = "auditor"
SERVANT_OF_ALL = "serba-bisa"
"""Has every role but the auditor's; added to the people that ship."""
COLLEAGUES = tuple(f"operator-{number}" for number in range(10))
"""Ten operators more."""

EXTRA_PEOPLE = "".join(
    f'\n[[person]]\nid = "{person}"\nname = "Contoh Petugas"\nroles = {roles}\ncities = ["3674", "3275"]\n'
    for person, roles in (
        (SERVANT_OF_ALL, '["intake", "verifier", "signer", "siks_ng_operator", "supervisor"]'),
        *((colleague, '["siks_ng_operator"]') for colleague in COLLEAGUES),
    )
)


class Clock:
    """Tells the time that a test has set."""

    def __init__(self) -> None:
        self.now = MORNING + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bench:
    """Everything of one office; tests keep apart by having cases of their own."""

    engine: Engine
    folder: Path
    shelf: PolicyShelf
    printer: LetterPrinter
    clock: Clock

    @cached_property
    def registry(self) -> SqlRegistry:
        return SqlRegistry(self.engine, a_vault(), self.clock)

    @cached_property
    def book(self) -> SqlDeskBook:
        return SqlDeskBook(self.engine, a_vault(), self.clock)

    @cached_property
    def ledger(self) -> SqlLedger:
        return SqlLedger(self.engine, a_vault(), self.clock)

    @cached_property
    def desk(self) -> SqlDesk:
        return SqlDesk(self.engine, self.clock)

    @cached_property
    def documents(self) -> FolderDocuments:
        return FolderDocuments(self.folder / "documents", a_vault())

    @cached_property
    def work(self) -> OfficeWork:
        return OfficeWork(
            self.registry,
            self.book,
            self.shelf,
            self.documents,
            self.printer,
            trail=SqlTrail(self.engine, a_vault()),
            clock=self.clock,
        )

    # -- Cases -----------------------------------------------------------------------------------

    def place(self, sha256: str) -> Path:
        """Return where a paper lies."""
        return place_of(self.folder / "documents", a_vault().index(PAPER, sha256))

    def paper(self, kind: DocumentKind = DocumentKind.FACILITY_LETTER) -> Paper:
        """Put a paper into the store that no other test has."""
        content = b"%PDF-1.4\n% " + a_person().nik.encode()
        return Paper(kind, self.documents.put(content), "application/pdf", len(content))

    def case(
        self,
        step: Step = Step.DOCUMENT_CHECK,
        *,
        person: Person | None = None,
        papers: tuple[Paper, ...] | None = None,
        city: str = "3674",
        track: Track = Track.EMERGENCY,
        kecamatan: str = "Pamulang",
        need: NeedKind = NeedKind.CHRONIC,
        opened_at: datetime = MORNING,
        **state: object,
    ) -> CaseRef:
        """Register a case of somebody new, whose workflow stands at this step; nothing is on the desk yet.

        What led to the step happened when the case came in, unless told otherwise.
        """
        new = NewCase(
            city=city,
            track=track,
            kecamatan=kecamatan,
            received_at=MORNING,
            person=person or a_person(),
            need=Need(need, "RSUD Contoh", "445/1/RS", date(2026, 2, 27)),
            deactivated_on=date(2026, 2, 1),
            papers=(self.paper(),) if papers is None else papers,
        )
        case = self.registry.register(new).case
        self.move(case, step, at=opened_at, **state)  # type: ignore[arg-type]  # fields of the state
        return case

    def move(
        self,
        case: CaseRef,
        step: Step,
        kind: EventKind = EventKind.STEP_OPENED,
        *,
        at: datetime | None = None,
        **state: object,
    ) -> None:
        """Let the workflow tell that the case is at this step; `state` are more fields of its state."""
        seq = len(self.registry.history(case.case_number)) + 1
        now = self.clock()
        told = CaseState.model_validate({"case": case, "since": now, "step": step, **state})
        facts: dict[str, str | int] = {}
        if kind is EventKind.STEP_STUCK:
            facts = {"trouble": told.trouble or "Refused", "role": "supervisor"}
        event = CaseEvent(seq=seq, kind=kind, at=at or now, step=step, attempt=told.attempt, facts=facts)
        self.ledger.record(a_telling(told, event))

    def close(self, case: CaseRef, outcome: Outcome = Outcome.WITHDRAWN) -> None:
        """Let the workflow tell that the case is over."""
        self.move(
            case,
            Step.BPJS_RECONNECT,
            EventKind.CASE_CLOSED,
            outcome=outcome,
            closed_at=self.clock(),
            waiting_on=WaitingOn.NOBODY,
        )

    def begin_anew(self, case: CaseRef, step: Step, kind: EventKind = EventKind.STEP_OPENED) -> None:
        """Let another run of the workflow tell that the case is at this step: a supervisor has reset it."""
        seq, now = len(self.registry.history(case.case_number)) + 1, self.clock()
        told = CaseState.model_validate({"case": case, "since": now, "step": step})
        event = CaseEvent(seq=seq, kind=kind, at=now, step=step, attempt=1)
        self.ledger.record(a_telling(told, event, run=f"run-{seq}"))

    # -- Desk ------------------------------------------------------------------------------------

    def open(self, case: CaseRef) -> DeskItem:
        """Let the activity put the case's step on the desk."""
        state = self.registry.case(case.case_number)
        self.desk.open(an_ask(case, state.step, state.attempt))
        return self.items(case)[-1]

    def item(self, step: Step = Step.DOCUMENT_CHECK, **fields: object) -> DeskItem:
        """Return open work of a new case that stands at this step."""
        return self.open(self.case(step, **fields))  # type: ignore[arg-type]  # a builder hands on fields

    def mending(self, **fields: object) -> DeskItem:
        """Return work to mend, of a new case that Kemensos returned."""
        step = Step.KEMENSOS_VERIFICATION
        case = self.case(step, **fields)  # type: ignore[arg-type]  # a builder hands on fields
        self.move(case, step, EventKind.STEP_STUCK, health=CaseHealth.STUCK, trouble="NIK_BEDA")
        return self.items(case)[-1]

    def claimed(self, by: str, step: Step = Step.DOCUMENT_CHECK, **fields: object) -> DeskItem:
        """Return the same, in an officer's hand."""
        return self.work.claim(Hand(by), self.item(step, **fields).id)

    def items(self, case: CaseRef, *, with_closed: bool = False) -> list[DeskItem]:
        """Return the work of a case."""
        return self.book.items(case_number=case.case_number, with_closed=with_closed)

    def sign(self, case: CaseRef, by: str = SIGNER) -> Command:
        """Let the letter of a case that stands at the recommendation be signed."""
        return self.work.answer(Hand(by), case.case_number, Step.RECOMMENDATION, APPROVE)

    # -- What is written ---------------------------------------------------------------------------

    def rows(self, table: Table, case: CaseRef) -> list[dict[str, object]]:
        """Return the rows of a table that belong to a case."""
        query = select(table).where(table.c.case_number == case.case_number)
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def refused(self, case: CaseRef | None) -> list[tuple[str, str, str]]:
        """Return actor, act and reason of every refusal on a case, or on none."""
        number = None if case is None else case.case_number
        query = select(refusals.c.actor, refusals.c.act, refusals.c.why).order_by(refusals.c.id)
        with self.engine.begin() as connection:
            found = connection.execute(query.where(refusals.c.case_number.is_not_distinct_from(number)))
            return [(row.actor, row.act, row.why) for row in found]

    def dump(self) -> str:
        """Return the text of every table but those that are meant for personal data."""
        meant = {"people", "cases"}
        tables = [table for name, table in refusals.metadata.tables.items() if name not in meant]
        with self.engine.begin() as connection:
            return "\n".join(str(row) for table in tables for row in connection.execute(select(table)))

    # -- Uploads -----------------------------------------------------------------------------------

    def proof(self, content: bytes = b"\x89PNG\r\n\x1a\nbukti") -> Path:
        """Return a picture of the portal's confirmation."""
        path = self.folder / f"bukti-{hashlib.sha256(content).hexdigest()[:8]}.png"
        path.write_bytes(content)
        return path

    def uploaded(self, reference: str, **changes: object) -> Said:
        """Say that the person was handed in under a reference, just now."""
        entry: dict[str, object] = {"again": reference, "submitted_at": self.clock(), "proof": self.proof()}
        portal = PortalEntry(reference, **(entry | changes))  # type: ignore[arg-type]  # a builder
        return Said(Verb.APPROVE, portal=portal)


def an_ask(case: CaseRef, step: Step, attempt: int = 1) -> StepAsk:
    """Return the activity's question."""
    return StepAsk(case_number=case.case_number, step=step, attempt=attempt, poll_every=timedelta(minutes=1))


def personal(person: Person) -> set[str]:
    """Return what is written nowhere but in the ledger's own tables of people."""
    told = {person.nik, person.kk, person.card_number, person.name, person.phone}
    return {str(value) for value in told if value is not None}


def somebody_male(**fields: object) -> Person:
    """Return a person whose sex was written down wrong."""
    return a_person(sex=Sex.MALE, **fields)

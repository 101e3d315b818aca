"""Fakes that satisfy the ports: institutions and ledger in memory, which remember what happened."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from gateways.ports.institutions import Decision, Participant, Submission, Verdict
from models.case import Birth, CaseState
from models.desk import IssuedLetter, NewLetter
from models.digest import CityFigures
from models.dossier import Dossier, Person, Upload
from models.errors import NotFound, SystemDown
from models.messages import Alert, CaseEvent, EventKind, GiveAnswer, Record, StepAsk
from models.outage import System
from models.policy import DocumentKind

T = TypeVar("T")

APPROVED = Decision(Verdict.APPROVED)


def _next(script: list[T]) -> T:
    """Return the next entry of a script; the last one is returned for ever. An exception is raised."""
    answer = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(answer, Exception):
        raise answer
    return answer


@dataclass
class FakeLedger:
    """A ledger in memory."""

    dossiers: dict[str, Dossier] = field(default_factory=dict)
    events: dict[str, dict[int, CaseEvent]] = field(default_factory=lambda: defaultdict(dict))
    states: dict[str, CaseState] = field(default_factory=dict)
    begun: set[tuple[str, int]] = field(default_factory=set)
    references: dict[str, str] = field(default_factory=dict)
    letters: dict[str, IssuedLetter] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    closed_alerts: set[str] = field(default_factory=set)
    faults: Iterator[Exception | None] = field(default_factory=lambda: iter(()))
    """What the next calls of `record` raise."""

    def require_same(self, case_number: str, birth: Birth | None) -> None:
        if case_number in self.dossiers and self.dossiers[case_number].case.birth != birth:
            raise NotFound(case_number)

    def dossier(self, case_number: str) -> Dossier:
        letter = self.letters.get(case_number)
        return replace(self.dossiers[case_number], letter_number=None if letter is None else letter.number)

    def person(self, case_number: str) -> Person:
        return self.dossiers[case_number].person

    def paper_kinds(self, case_number: str) -> frozenset[DocumentKind]:
        return frozenset(paper.kind for paper in self.dossiers[case_number].papers)

    def record(self, record: Record) -> list[CaseEvent]:
        if (fault := next(self.faults, None)) is not None:
            raise fault
        case_number = record.state.case.case_number
        known = self.events[case_number]
        new = [event for event in record.events if event.seq not in known]
        known.update({event.seq: event for event in new})
        if record.upto >= max(known, default=0):
            self.states[case_number] = record.state
        return new

    def letter(self, case_number: str) -> IssuedLetter | None:
        return self.letters.get(case_number)

    def issue_letter(self, case_number: str, attempt: int, new: NewLetter) -> IssuedLetter:
        present = self.letters.get(case_number)
        if present is None or present.subject_digest != new.subject_digest:
            self.letters[case_number] = IssuedLetter(
                number=new.number_of(len(self.letters) + 1, new.issued_on),
                case_number=case_number,
                attempt=attempt,
                issued_on=new.issued_on,
                signer=new.signer,
                subject_digest=new.subject_digest,
                verification_code=f"CODE{len(self.letters)}",
                pdf_sha256=None,
                voided_at=None,
            )
        return self.letters[case_number]

    def begin_submission(self, case_number: str, attempt: int) -> None:
        self.begun.add((case_number, attempt))

    def upload(self, case_number: str, attempt: int) -> Upload:
        newest = max([attempt, *(number for case, number in self.begun if case == case_number)])
        return Upload(newest, is_begun=(case_number, newest) in self.begun)

    def save_submission(self, case_number: str, attempt: int, reference: str, submitted_at: datetime) -> None:
        self.references[case_number] = reference

    def submission_reference(self, case_number: str) -> str | None:
        return self.references.get(case_number)

    def save_alert(self, alert: Alert) -> bool:
        return self.alerts.setdefault(alert.key, alert) is alert

    def kinds(self, case_number: str) -> list[str]:
        """Return the kinds of a case's events in order; fails when a number is missing.

        Whose time it was is left out: the tests of the clock look at that.
        """
        events = self.events[case_number]
        assert sorted(events) == list(range(2, 2 + len(events)))
        told = [events[seq].kind for seq in sorted(events)]
        return [kind.value for kind in told if kind is not EventKind.SLA_TURNED]


@dataclass
class FakeDocuments:
    """A document store in which some papers may have been altered."""

    altered: set[str] = field(default_factory=set)

    def put(self, content: bytes) -> str:
        raise NotImplementedError("workflow tests put no papers")

    def get(self, sha256: str) -> bytes:
        raise NotImplementedError("workflow tests read no papers")

    def is_intact(self, sha256: str) -> bool:
        return sha256 not in self.altered


@dataclass
class FakeSiksNg:
    """SIKS-NG that gives each key one reference, and fails as scripted first."""

    script: list[Exception | None] = field(default_factory=lambda: [None])
    effects: Counter[str] = field(default_factory=Counter)

    def submit(self, submission: Submission, *, key: str) -> str:
        _next(self.script)
        self.effects[key] = 1
        return f"SIKS-{list(self.effects).index(key):04d}"


@dataclass
class FakeKemensos:
    """Kemensos that answers as scripted."""

    script: list[Decision | Exception | None] = field(default_factory=lambda: [APPROVED])
    asked: int = 0
    approved: set[str] = field(default_factory=set)
    before: Callable[[str], object] = field(default=lambda reference: None)
    """What happens while a question is in the air."""

    def decision(self, reference: str) -> Decision | None:
        self.asked += 1
        self.before(reference)
        decision = _next(self.script)
        if decision == APPROVED:
            self.approved.add(reference)
        return None if isinstance(decision, Exception) else decision


@dataclass
class FakeDesk:
    """A desk in memory: what lies on it, and the answers that people gave."""

    items: dict[str, str | None] = field(default_factory=dict)
    """Key of each open item, and why it is there."""
    answers: dict[str, GiveAnswer] = field(default_factory=dict)
    in_hand: set[str] = field(default_factory=set)
    """Keys of the items that a person has claimed."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often each item was opened or found open."""
    before: Callable[[str], object] = field(default=lambda key: None)
    """What happens while an item is being opened."""

    def given(self, ask: StepAsk) -> GiveAnswer | None:
        return self.answers.get(ask.key)

    def open(self, ask: StepAsk, because: str | None = None) -> GiveAnswer | None:
        self.asked[ask.key] += 1
        self.before(ask.key)
        if ask.key not in self.answers:
            self.items.setdefault(ask.key, because)
        return self.answers.get(ask.key)

    def take_for_machine(self, ask: StepAsk) -> bool:
        return ask.key not in self.in_hand

    def leave_to_people(self, ask: StepAsk, because: str) -> None:
        self.items[ask.key] = because


@dataclass
class FakeBpjs:
    """BPJS that shows a person as active once Kemensos approved, unless scripted otherwise."""

    ledger: FakeLedger
    kemensos: FakeKemensos
    script: list[Participant | Exception | None] = field(default_factory=list)

    def participant(self, nik: str, *, on: date) -> Participant | None:
        if self.script:
            answer = _next(self.script)
            return None if isinstance(answer, Exception) else answer
        dossier = next(one for one in self.ledger.dossiers.values() if one.person.nik == nik)
        reference = self.ledger.references.get(dossier.case.case_number)
        status = "0" if reference in self.kemensos.approved else "9"
        return Participant(dossier.person.name, dossier.person.birth_date, status, "21")


@dataclass
class FakeChannel:
    """A channel that remembers, and fails as scripted first."""

    ledger: FakeLedger
    script: list[Exception | None] = field(default_factory=lambda: [None])

    def send(self, alert: Alert) -> None:
        _next(self.script)
        self.ledger.save_alert(alert)

    def close(self, key: str) -> None:
        self.ledger.closed_alerts.add(key)


@dataclass
class FakeGuard:
    """A guard that is told whether its system is down."""

    system: System
    is_out: bool = False
    """An outage is open."""
    turns_out: bool = False
    """A call in vain finds the system down, which opens one."""
    looked: int = 0

    def require_up(self) -> None:
        self.looked += 1
        if self.is_out:
            raise SystemDown(self.system)

    def is_down(self) -> bool:
        self.is_out |= self.turns_out
        return self.is_out


@dataclass
class FakeFigures:
    """Figures of an office in which nothing is open, unless a test says otherwise."""

    figures: CityFigures = field(default_factory=lambda: CityFigures((), 0, {}))

    def of_city(self, city: str, closed_since: datetime, at_most: int) -> CityFigures:
        return self.figures

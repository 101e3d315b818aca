"""Builders of what a ledger takes. Every person is invented."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import TypeVar

from sqlalchemy import Engine, select

from gateways.sql_desk_book import SqlDeskBook
from models.case import CaseRef, CaseState, Outcome, SlaState, Step, Track
from models.desk_tables import desk_items
from models.dossier import Need, NewCase, Paper, Person
from models.identity import Sex
from models.messages import Alert, AlertKind, CaseEvent, EventKind, Record
from models.policy import DocumentKind, NeedKind
from tests.vaults import a_vault

T = TypeVar("T")
MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""08:00 in Jakarta."""
_serial = count(1)


def a_clock(start: datetime = MORNING) -> Callable[[], datetime]:
    """Return a clock that goes on one second each time it is looked at."""
    ticks = count()
    return lambda: start + timedelta(seconds=next(ticks))


def a_person(nik: str | None = None, name: str = "Siti Rahayu") -> Person:
    """Return a person; without a NIK, one that no other test has."""
    return Person(
        nik=nik or f"367406410190{next(_serial):04d}",
        kk="3674060101100001",
        card_number="0001234567890",
        name=name,
        birth_date=date(1990, 1, 1),
        sex=Sex.FEMALE,
        phone=None,
        kelurahan="36.74.06.1001",
    )


def a_new_case(
    person: Person | None = None,
    *,
    city: str = "3674",
    received_at: datetime = MORNING,
    papers: tuple[Paper, ...] = (),
) -> NewCase:
    """Return an application as intake hands it over."""
    return NewCase(
        city=city,
        track=Track.EMERGENCY,
        kecamatan="Pamulang",
        received_at=received_at,
        person=person or a_person(),
        need=Need(NeedKind.CHRONIC, "RSUD Pamulang", "445/123/RSUD", date(2026, 2, 27)),
        deactivated_on=date(2026, 2, 1),
        papers=papers,
    )


def a_paper(kind: DocumentKind = DocumentKind.KTP, sha256: str = "0" * 64) -> Paper:
    """Return a paper."""
    return Paper(kind, sha256, "application/pdf", 1234)


def an_event(seq: int, kind: EventKind = EventKind.STEP_OPENED, trouble: str | None = None) -> CaseEvent:
    """Return the event `seq`, that many minutes after the morning began."""
    return CaseEvent(
        seq=seq,
        kind=kind,
        at=MORNING + timedelta(minutes=seq),
        step=Step.SIKS_NG_UPLOAD,
        attempt=1,
        reason=None if trouble else "NIK_BEDA",
        facts={"trouble": trouble, "tries": seq} if trouble else {},
    )


def a_state(
    case: CaseRef, seq: int, *, closed: bool = False, outcome: Outcome = Outcome.REACTIVATED
) -> CaseState:
    """Return a state that differs for every `seq` and has every field filled."""
    at = MORNING + timedelta(minutes=seq)
    return CaseState(
        case=case,
        step=Step.SIKS_NG_UPLOAD,
        attempt=seq,
        since=at,
        trouble="Refused",
        sla_state=SlaState.MET if closed else SlaState.AT_RISK,
        due_at=at + timedelta(hours=24),
        detected_at=at,
        escalation_level=2,
        outcome=outcome if closed else None,
        closed_at=at if closed else None,
    )


def a_telling(
    state: CaseState,
    *events: CaseEvent,
    run: str = "first",
    upto: int | None = None,
    task: int | None = None,
    at: datetime = MORNING,
) -> Record:
    """Return the events with the state that they lead to, told in the order of the newest event."""
    newest = upto or max((event.seq for event in events), default=1)
    return Record(run=run, task=task or newest, at=at, upto=newest, events=events, state=state)


def a_record(case: CaseRef, *events: CaseEvent, closed: bool = False) -> Record:
    """Return the events with the state that the newest of them leads to."""
    newest = max((event.seq for event in events), default=1)
    return a_telling(a_state(case, newest, closed=closed), *events)


def a_closing(case: CaseRef, seq: int = 2, outcome: Outcome = Outcome.REACTIVATED) -> Record:
    """Return the record that ends the case at its first step."""
    beginning = {"step": Step.DOCUMENT_CHECK, "attempt": 1}
    state = a_state(case, seq, closed=True, outcome=outcome).model_copy(update=beginning)
    told = beginning | {"facts": {"outcome": outcome}}
    return a_telling(state, an_event(seq, EventKind.CASE_CLOSED).model_copy(update=told))


def an_alert(case: CaseRef, key: str = "k1", *, level: int = 1, minute: int = 0) -> Alert:
    """Return an alert raised that many minutes after the morning began."""
    return Alert(
        key=key,
        city=case.city,
        case_number=case.case_number,
        kind=AlertKind.SLA_BREACH,
        level=level,
        step=Step.BPJS_RECONNECT,
        kecamatan=case.kecamatan,
        due_at=MORNING,
        raised_at=MORNING + timedelta(minutes=minute),
        detail="Refused",
    )


def desk_of(engine: Engine, case: CaseRef) -> list[dict[str, object]]:
    """Return every desk item of a case, open or not, without what differs from case to case."""
    query = (
        select(*(column for column in desk_items.c if column.name not in {"case_number", "key", "id"}))
        .where(desk_items.c.case_number == case.case_number)
        .order_by(desk_items.c.opened_seq)
    )
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def open_steps(engine: Engine, case: CaseRef) -> list[Step]:
    """Return the steps of a case that lie open on the desk."""
    return [item.step for item in SqlDeskBook(engine, a_vault()).items(case_number=case.case_number)]


def facts_of(person: Person) -> set[str]:
    """Return the strings about a person that may appear in no error."""
    return {str(value) for value in asdict(person).values() if value is not None and len(str(value)) > 1}


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, one thread each, and return what they returned, in order."""
    barrier = Barrier(len(calls))

    def wait_and_make(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(wait_and_make, calls))

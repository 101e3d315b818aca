"""The rows of a report, in SQL. Satisfies `gateways.ports.figures.Reports`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    extract,
    func,
    or_,
    select,
)
from sqlmodel import UTCDateTime

from gateways.ledger_access import LedgerAccess, unreachable
from models.case import CaseHealth
from models.messages import EventKind
from models.report import OVER, CaseLine, OwnedTime, Report, ReportAsk, ReportRows, StepTime
from models.report_count import report_of
from models.tables import case_events, cases
from models.turns import OWNER, Owner

_AT_A_TIME: Final = 2_000
"""Rows that are in memory at once."""

_START, _UNTIL = bindparam("start", type_=UTCDateTime()), bindparam("until", type_=UTCDateTime())
_WHOSE = case(
    (cases.c.closed_at.is_not(None), OVER),
    (cases.c.health == CaseHealth.PARKED, Owner.OUTAGE),
    *((cases.c.waiting_on == waiting_on, owner) for waiting_on, owner in OWNER.items()),
).label("owner")
_OF_READER = and_(
    cases.c.city == bindparam("city", type_=String()),
    or_(
        bindparam("everywhere", type_=Boolean()),
        cases.c.kecamatan.in_(bindparam("kecamatan", type_=String(), expanding=True)),
    ),
)
_ENDED = and_(cases.c.closed_at >= _START, cases.c.closed_at < _UNTIL)
_IN_PERIOD = and_(
    _OF_READER, cases.c.received_at < _UNTIL, or_(cases.c.closed_at.is_(None), cases.c.closed_at >= _START)
)
# A reset tells everything anew: only the newest epoch counts.
_TOLD = and_(case_events.c.case_number == cases.c.case_number, case_events.c.epoch == cases.c.epoch)


def _at(kind: EventKind) -> ColumnElement[datetime]:
    """Return when an event of a kind was, within a group of events."""
    return func.max(case((case_events.c.kind == kind, case_events.c.at)), type_=UTCDateTime())


def _seconds(at: ColumnElement[datetime]) -> ColumnElement[int]:
    """Return a time as a number of seconds."""
    return cast(extract("epoch", at), BigInteger)


_OPENED, _ANSWERED = _at(EventKind.STEP_OPENED), _at(EventKind.ANSWER_RECORDED)
_CASES = select(
    cases.c.kecamatan,
    cases.c.track,
    cases.c.step,
    _WHOSE,
    cases.c.received_at,
    cases.c.due_at,
    cases.c.closed_at,
    cases.c.outcome,
    cases.c.sla_state,
).where(_IN_PERIOD)
_STEPS = (
    select(
        cases.c.kecamatan,
        cases.c.track,
        case_events.c.step,
        _WHOSE,
        _seconds(_ANSWERED) - _seconds(_OPENED),
    )
    .join(case_events, _TOLD)
    .where(_IN_PERIOD, case_events.c.kind.in_([EventKind.STEP_OPENED, EventKind.ANSWER_RECORDED]))
    .group_by(cases.c.case_number, case_events.c.step, case_events.c.attempt)
    .having(and_(_OPENED.is_not(None), _ANSWERED >= _START, _ANSWERED < _UNTIL))
)
_MINUTES = (
    select(
        cases.c.kecamatan,
        cases.c.track,
        cases.c.step,
        _WHOSE,
        *(
            func.sum(func.coalesce(case_events.c.facts[f"{owner}_minutes"].as_integer(), 0))
            for owner in Owner
        ),
    )
    .join(case_events, _TOLD)
    .where(_IN_PERIOD, _ENDED, case_events.c.kind.in_([EventKind.SLA_MET, EventKind.SLA_MISSED]))
    .group_by(cases.c.kecamatan, cases.c.track, cases.c.step, _WHOSE)
)


class SqlReports:
    """Reports from SQLite or PostgreSQL, in three queries whose rows pass by. Thread-safe.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def of(self, ask: ReportAsk) -> Report:
        """Return the report; holds no case in memory, a number for each answered step."""
        with self._access.snapshot() as connection:
            return report_of(
                ask,
                ReportRows(
                    cases=map(CaseLine._make, _rows(connection, _CASES, ask)),
                    steps=map(StepTime._make, _rows(connection, _STEPS, ask)),
                    minutes=_minutes(_rows(connection, _MINUTES, ask)),
                ),
            )


def _rows(
    connection: Connection, query: Select[tuple[object, ...]], ask: ReportAsk
) -> Iterator[Row[tuple[object, ...]]]:
    """Run a query when its first row is asked for."""
    asked = {
        "city": ask.city,
        "everywhere": not ask.is_part,
        "kecamatan": ask.kecamatan,
        "start": ask.period.start,
        "until": ask.until,
    }
    yield from connection.execute(query, asked, execution_options={"yield_per": _AT_A_TIME})


def _minutes(rows: Iterable[Row[tuple[object, ...]]]) -> Iterator[OwnedTime]:
    """Yield one line for each owner of a group who had any time."""
    for row in rows:
        columns = tuple(row)
        for whose, spent in zip(Owner, columns[4:], strict=True):
            if spent:
                yield OwnedTime._make((*columns[:4], whose, spent))

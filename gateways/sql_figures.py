"""What a city's daily digest is made of, in SQL. Satisfies `gateways.ports.figures.Figures`."""

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import Engine, Integer, RowMapping, String, and_, bindparam, func, select
from sqlmodel import UTCDateTime

from gateways import desk_rows
from gateways.ledger_access import LedgerAccess, unavailable
from models.case import CaseHealth, Outcome, Step
from models.desk_tables import desk_items
from models.digest import CityFigures, OpenCase
from models.messages import EventKind
from models.outage import System
from models.tables import case_events, cases
from models.watch_tables import outages

_CITY = bindparam("city", type_=String())

# Of the steps that a case opened, the newest is the present one, unless it was only registered so far.
_OPENED_AT = (
    select(func.max(case_events.c.at))
    .where(
        case_events.c.case_number == cases.c.case_number,
        case_events.c.epoch == cases.c.epoch,
        case_events.c.kind == EventKind.STEP_OPENED,
    )
    .scalar_subquery()
)
_OPEN = select(
    cases.c.case_number,
    cases.c.step,
    func.coalesce(_OPENED_AT, cases.c.since).label("opened_at"),
    cases.c.since,
    cases.c.due_at,
    cases.c.health,
).where(cases.c.city == _CITY, cases.c.closed_at.is_(None))
_UNASSIGNED = (
    select(func.count())
    .select_from(desk_items)
    .join(cases, cases.c.case_number == desk_items.c.case_number)
    .where(cases.c.city == _CITY, desk_items.c.closed_at.is_(None), desk_items.c.assignee.is_(None))
)
_HELD = desk_rows.HELD.where(cases.c.city == _CITY).order_by(desk_items.c.id)
_LATELY = (
    select(cases.c.case_number, cases.c.epoch, cases.c.closed_at)
    .where(
        cases.c.city == _CITY,
        cases.c.outcome == Outcome.REACTIVATED,
        cases.c.closed_at >= bindparam("since", type_=UTCDateTime()),
    )
    .order_by(cases.c.closed_at.desc(), cases.c.case_number)
    .limit(bindparam("most", type_=Integer()))
    .subquery()
)
_REMAINING = (
    select(case_events.c.step, func.min(case_events.c.at).label("opened_at"), _LATELY.c.closed_at)
    .join(
        _LATELY,
        and_(_LATELY.c.case_number == case_events.c.case_number, _LATELY.c.epoch == case_events.c.epoch),
    )
    .where(case_events.c.kind == EventKind.STEP_OPENED)
    .group_by(case_events.c.case_number, case_events.c.step, _LATELY.c.closed_at)
)
_OUTAGES = (
    select(outages.c.system, outages.c.since).where(outages.c.closed_at.is_(None)).order_by(outages.c.since)
)


class SqlFigures:
    """The figures in SQLite or PostgreSQL, in five queries however many cases there are. Thread-safe.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unavailable)

    def of_city(self, city: str, closed_since: datetime, at_most: int) -> CityFigures:
        """Return what is open, and how long the `at_most` newest cases took that ended since a time."""
        remaining = defaultdict[Step, list[timedelta]](list)
        with self._access.snapshot() as connection:
            open_cases = [_open_case(row) for row in connection.execute(_OPEN, {"city": city}).mappings()]
            unassigned = connection.execute(_UNASSIGNED, {"city": city}).scalar_one()
            held = connection.execute(_HELD, {"city": city}).mappings()
            in_hands = tuple(map(desk_rows.read, held))
            lately = {"city": city, "since": closed_since, "most": at_most}
            for step, opened_at, closed_at in connection.execute(_REMAINING, lately):
                remaining[Step(step)].append(max(closed_at - opened_at, timedelta(0)))
            down = tuple((System(row.system), row.since) for row in connection.execute(_OUTAGES))
        return CityFigures(open_cases, unassigned, remaining, down, in_hands)


def _open_case(row: RowMapping) -> OpenCase:
    return OpenCase(
        case_number=row["case_number"],
        step=Step(row["step"]),
        opened_at=row["opened_at"],
        since=row["since"],
        due_at=row["due_at"],
        health=CaseHealth(row["health"]),
    )

"""Whose data people saw or worked in a time, for a notice of a breach."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from models.audit import Touch, Touched
from models.audit_tables import accesses
from models.desk_tables import commands, refusals
from models.messages import EventKind
from models.roles import MACHINE
from models.tables import case_events, cases


def _within(at: ColumnElement[datetime], case_number: ColumnElement[str]) -> ColumnElement[bool]:
    """Tell whether something was done in the time that is asked for, to a case of the cities or to none."""
    of_cities = func.substr(case_number, 5, 4).in_(bindparam("cities", expanding=True))
    return and_(at >= bindparam("since"), at < bindparam("until"), or_(case_number.is_(None), of_cities))


_seen = select(
    accesses.c.at,
    accesses.c.actor,
    accesses.c.role,
    accesses.c.door.label("what"),
    accesses.c.case_number,
    accesses.c.count,
    literal(1).label("is_door"),
).where(_within(accesses.c.at, accesses.c.case_number))
_given = select(
    commands.c.given_at,
    commands.c.actor,
    commands.c.role,
    commands.c.kind,
    commands.c.case_number,
    literal(1),
    literal(0),
).where(_within(commands.c.given_at, commands.c.case_number), commands.c.actor != MACHINE)
_brought = select(
    case_events.c.recorded_at,
    case_events.c.facts["by"].as_string(),
    null(),
    literal("submit"),
    case_events.c.case_number,
    literal(1),
    literal(0),
).where(
    _within(case_events.c.recorded_at, case_events.c.case_number),
    case_events.c.kind == EventKind.CASE_REGISTERED,
    case_events.c.facts["by"].as_string().is_not(None),
)
_acts = union_all(_seen, _given, _brought).subquery("acts")
_BY = (
    select(
        _acts.c.actor,
        _acts.c.role,
        _acts.c.what,
        _acts.c.is_door,
        func.count().label("times"),
        func.count(_acts.c.case_number.distinct()).label("cases"),
        func.max(case((_acts.c.case_number.is_(None), _acts.c.count), else_=0)).label("told"),
        func.min(_acts.c.at).label("first"),
        func.max(_acts.c.at).label("last"),
    )
    .group_by(_acts.c.actor, _acts.c.role, _acts.c.what, _acts.c.is_door)
    .order_by(_acts.c.is_door.desc(), _acts.c.actor, _acts.c.what)
)
_met = select(_acts.c.case_number).distinct().subquery("met")
_MET = (
    select(cases.c.case_number, cases.c.track)
    .join(_met, _met.c.case_number == cases.c.case_number)
    .order_by(cases.c.case_number)
)
_PEOPLE = select(func.count(cases.c.person_id.distinct())).join(
    _met, _met.c.case_number == cases.c.case_number
)
_REFUSED = select(func.count()).select_from(refusals).where(_within(refusals.c.at, refusals.c.case_number))
_MOVED = select(func.count(case_events.c.case_number.distinct())).where(
    _within(case_events.c.recorded_at, case_events.c.case_number)
)


def touched(connection: Connection, when: Mapping[str, object]) -> Touched:
    """Return it for `since`, `until` and `cities`."""
    met = connection.execute(_MET, when).all()
    return Touched(
        by=tuple(
            Touch(
                actor=row.actor,
                role=row.role,
                what=row.what,
                is_door=bool(row.is_door),
                times=row.times,
                cases=max(row.cases, row.told),
                first=row.first,
                last=row.last,
            )
            for row in connection.execute(_BY, when)
        ),
        cases=tuple((row.case_number, row.track) for row in met),
        people=connection.execute(_PEOPLE, when).scalar_one(),
        refusals=connection.execute(_REFUSED, when).scalar_one(),
        machine_cases=connection.execute(_MOVED, when).scalar_one(),
    )

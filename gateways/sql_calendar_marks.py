"""By which calendar the clocks of each city count, in SQL.

Satisfies `gateways.ports.calendars.CalendarMarks`.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping, String, and_, bindparam, exists, insert, select, update

from gateways import ledger_rows
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, Upsert, unreachable
from gateways.ports.calendars import OpenClock
from models.calendar import CalendarKind
from models.desk import CommandKind
from models.desk_tables import CommandRow, commands
from models.messages import EventKind, Recount
from models.roles import MACHINE
from models.tables import case_events, cases
from models.watch_tables import calendar_marks

_FIRST_MARK = Upsert(calendar_marks, lambda insert: insert.on_conflict_do_nothing())
_MARK_ANEW = (
    update(calendar_marks)
    .where(
        calendar_marks.c.city == bindparam("of_city"),
        calendar_marks.c.digest != bindparam("other_digest", type_=String()),
    )
    .values(digest=bindparam("new_digest"), noted_at=bindparam("at"))
)
_SWITCHING = select(commands.c.command_id).where(
    commands.c.case_number == cases.c.case_number,
    commands.c.kind == CommandKind.SWITCH_TRACK,
    commands.c.result.is_(None),
)
_OPEN_CLOCKS = (
    select(
        cases.c.case_number,
        cases.c.city,
        cases.c.track,
        cases.c.kecamatan,
        cases.c.received_at,
        case_events.c.facts,
        exists(_SWITCHING).label("may_change"),
    )
    .select_from(
        cases.outerjoin(
            case_events,
            and_(
                case_events.c.case_number == cases.c.case_number,
                case_events.c.kind == EventKind.SLA_STARTED,
            ),
        )
    )
    .where(cases.c.city == bindparam("city", type_=String()), cases.c.closed_at.is_(None))
    .order_by(cases.c.case_number, case_events.c.epoch, case_events.c.seq)
)
_GIVE = insert(commands)


class SqlCalendarMarks:
    """The marks in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def renew(
        self, city: str, digest: str, at: datetime, recount: Callable[[OpenClock], Recount | None]
    ) -> int | None:
        """Note the calendar of a city; if it was another, write a command for each open case it concerns.

        Whoever changes the mark writes the commands, in the same transaction: of several calls at once the
        others find nothing to change. Return how many were written; None when the mark was not changed.
        """
        mark = {"of_city": city, "other_digest": digest, "new_digest": digest, "at": at}
        with self._access.write() as connection:
            first = {"city": city, "digest": digest, "noted_at": at}
            connection.execute(_FIRST_MARK.on(connection), first)
            if connection.execute(_MARK_ANEW, mark).rowcount == 0:
                return None
            rows = [
                _command(clock.case.case_number, message, at)
                for clock in _open_clocks(connection, city)
                if (message := recount(clock)) is not None
            ]
            if rows:
                connection.execute(_GIVE, [row.model_dump() for row in rows])
                announce(connection, "commands", [(row.command_id,) for row in rows], at)
        return len(rows)


def _open_clocks(connection: Connection, city: str) -> list[OpenClock]:
    """Return the open cases of a city; a clock that was started more than once counts as it did last."""
    rows = connection.execute(_OPEN_CLOCKS, {"city": city}).mappings().all()
    clocks = {
        row["case_number"]: OpenClock(ledger_rows.case_ref(row), _counts(row), row["may_change"])
        for row in rows
    }
    return list(clocks.values())


def _counts(row: RowMapping) -> CalendarKind | None:
    facts = row["facts"] or {}
    return CalendarKind(facts["counts"]) if "counts" in facts else None


def _command(case_number: str, message: Recount, at: datetime) -> CommandRow:
    return CommandRow(
        command_id=message.command_id,
        case_number=case_number,
        kind=CommandKind.of(message),
        message=message.model_dump_json(),
        actor=MACHINE,
        role=None,
        given_at=at,
    )

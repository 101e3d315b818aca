"""The work of people in SQL, as activities see it. Satisfies `gateways.ports.desk.Desk`."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, Integer, String, bindparam, or_, select, update

from gateways import desk_rows
from gateways.given_answers import given
from gateways.ledger_access import LedgerAccess, lock_case, unavailable, utc_now
from models.desk_tables import desk_items
from models.messages import EventKind, GiveAnswer, StepAsk
from models.roles import MACHINE
from models.tables import case_events

_OF_STEP = {
    "case_number": bindparam("case_number", type_=String()),
    "step": bindparam("step", type_=String()),
    "attempt": bindparam("attempt", type_=Integer()),
}
_ANSWERED = select(case_events.c.seq).where(
    *(case_events.c[name] == value for name, value in _OF_STEP.items()),
    case_events.c.epoch == bindparam("epoch", type_=Integer()),
    case_events.c.kind == EventKind.ANSWER_RECORDED,
)
_OPEN_OF_KEY = (desk_items.c.key == bindparam("of_key"), desk_items.c.closed_at.is_(None))
_LIES_ON_DESK = select(desk_items.c.id).where(*_OPEN_OF_KEY)
_TAKE = (
    update(desk_items)
    .where(*_OPEN_OF_KEY, or_(desk_items.c.assignee.is_(None), desk_items.c.assignee == MACHINE))
    .values(assignee=MACHINE, claimed_at=bindparam("at"))
)
_LEAVE = (
    update(desk_items)
    .where(*_OPEN_OF_KEY, desk_items.c.assignee == MACHINE)
    .values(assignee=None, claimed_at=None)
)
_SAY_WHY = update(desk_items).where(*_OPEN_OF_KEY).values(reason=bindparam("because"))


class SqlDesk:
    """The desk in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises Unavailable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `clock` tells the wall time at which work is opened."""
        self._access = LedgerAccess(engine, unavailable)
        self._clock = clock

    def given(self, ask: StepAsk) -> GiveAnswer | None:
        """Return the answer that a person gave to this step and attempt, unless it came too late."""
        with self._access.read() as connection:
            return _given(connection, ask)

    def open(self, ask: StepAsk, because: str | None = None) -> GiveAnswer | None:
        """Put the step on the desk, once, or return the answer that a person gave to it already.

        A step that was answered meanwhile, or whose case is over, is not put there. Raises NotFound.
        """
        with self._access.write() as connection:
            case = lock_case(connection, ask.case_number)
            if (answer := _given(connection, ask)) is not None:
                return answer
            if case["closed_at"] is None and not _is_answered(connection, ask, case["epoch"]):
                desk_rows.open_answer(connection, ask, because, self._clock())
        return None

    def take_for_machine(self, ask: StepAsk) -> bool:
        """Claim the work for the machine, if it lies on the desk; False when a person has or did it."""
        with self._access.read() as connection:
            if connection.execute(_LIES_ON_DESK, {"of_key": ask.key}).first() is None:
                return _given(connection, ask) is None
        with self._access.write() as connection:
            lock_case(connection, ask.case_number)
            return connection.execute(_TAKE, {"of_key": ask.key, "at": self._clock()}).rowcount > 0

    def leave_to_people(self, ask: StepAsk, because: str) -> None:
        """Give back what the machine could not finish, and say why; opens the work if it was not."""
        self.open(ask, because)
        with self._access.write() as connection:
            lock_case(connection, ask.case_number)
            connection.execute(_LEAVE, {"of_key": ask.key})
            connection.execute(_SAY_WHY, {"of_key": ask.key, "because": because})


def _given(connection: Connection, ask: StepAsk) -> GiveAnswer | None:
    return given(connection, ask.case_number, ask.step, ask.attempt)


def _is_answered(connection: Connection, ask: StepAsk, epoch: int) -> bool:
    return connection.execute(_ANSWERED, {**_of(ask), "epoch": epoch}).first() is not None


def _of(ask: StepAsk) -> dict[str, str | int]:
    return {"case_number": ask.case_number, "step": ask.step, "attempt": ask.attempt}

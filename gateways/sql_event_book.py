"""Events that outside systems pushed, in SQL. Satisfies `gateways.ports.events.EventBook`."""

from collections.abc import Collection

from sqlalchemy import Engine, RowMapping, insert, select

from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.paging import TOTAL, cut, of_cities, page
from models.event_tables import ReceivedEventRow, received_events
from models.events import EventNote, EventResult
from models.page import Page

_NOTE = insert(received_events).returning(received_events.c.id)
_LATEST = select(received_events).order_by(received_events.c.id.desc())


class SqlEventBook:
    """What came in at the door of events. Raises EngineUnreachable when the database is away."""

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    def note(self, note: EventNote) -> None:
        """Write down that an event came in, and what became of it."""
        row = ReceivedEventRow(**vars(note))
        with self._access.write() as connection:
            number = connection.execute(_NOTE, row.model_dump(exclude={"id"})).scalar_one()
            announce(connection, "received_events", [(number,)], note.at)

    def latest(self, cities: Collection[str], limit: int = 200) -> Page[EventNote]:
        """Return what came in for cases of these cities or for none that is known, the newest first."""
        query = _LATEST.where(of_cities(received_events.c.case_number, cities))
        with self._access.read() as connection:
            return page(connection.execute(cut(query, limit)).mappings().all(), _read)


def _read(row: RowMapping) -> EventNote:
    kept = {name: value for name, value in row.items() if name not in {"id", TOTAL}}
    return EventNote(**{**kept, "result": EventResult(row["result"])})

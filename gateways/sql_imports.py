"""Lists and their rows in SQL. Satisfies `gateways.ports.lists.Imports`."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from gateways import ledger_rows, lineage_rows
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, Upsert, unreachable, utc_now
from gateways.ports.lists import ImportHead, NewRow
from gateways.ports.vault import Vault
from gateways.registration import STARTED, register_all
from models.case import CaseRef
from models.dossier import Registered
from models.import_tables import import_rows, imports
from models.tables import cases

_KEY = imports.c.key == bindparam("of_list")
_BEGIN = Upsert(
    imports, lambda insert: insert.on_conflict_do_nothing(index_elements=["key"]).returning(imports.c.id)
)
_LOCK_LIST = select(imports.c.id).where(_KEY).with_for_update()
_NUMBERS = import_rows.c.row.in_(bindparam("numbers", expanding=True))
_TAKEN = (
    select(import_rows.c.row).join(imports, imports.c.id == import_rows.c.import_id).where(_KEY, _NUMBERS)
)
_CASES_OF = (
    select(import_rows.c.row, cases)
    .join(cases, cases.c.case_number == import_rows.c.case_number)
    .where(import_rows.c.import_id == bindparam("list"), _NUMBERS)
)
_TAKE = insert(import_rows)
_OF_LIST = (
    select(import_rows.c.case_number).join(imports, imports.c.id == import_rows.c.import_id).where(_KEY)
)
_UNSTARTED = (
    select(cases)
    .where(cases.c.case_number.in_(_OF_LIST), cases.c.started_at.is_(None), cases.c.closed_at.is_(None))
    .order_by(cases.c.case_number)
)
_END = update(imports).where(_KEY).values(rejected=bindparam("refused"), ended_at=bindparam("at"))


class SqlImports:
    """The lists in SQLite or PostgreSQL; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys; `clock` tells the wall time."""
        self._access = LedgerAccess(engine, unreachable(engine))
        self._vault = vault
        self._clock = clock

    def begin(self, head: ImportHead) -> None:
        """Note that a list is being taken; the first note stays."""
        with self._access.write() as connection:
            begun = connection.execute(_BEGIN.on(connection), vars(head)).scalar_one_or_none()
            if begun is not None:
                announce(connection, "imports", [(begun,)], head.begun_at)

    def taken(self, key: str, numbers: Collection[int]) -> set[int]:
        """Return those of these rows that were taken before."""
        with self._access.read() as connection:
            return set(connection.execute(_TAKEN, {"of_list": key, "numbers": list(numbers)}).scalars())

    def take(self, key: str, rows: Sequence[NewRow]) -> list[Registered]:
        """Register rows, all or none, each with the note that it was taken; in the order given.

        A row that was taken before, also a moment ago by somebody else, keeps its case.
        """
        with self._access.write() as connection:
            list_id = connection.execute(_LOCK_LIST, {"of_list": key}).scalar_one()
            answers = _taken_before(connection, list_id, [row.number for row in rows])
            untaken = [row for row in rows if row.number not in answers]
            if untaken:
                news = [row.new for row in untaken]
                registered = register_all(connection, self._vault, news, self._clock(), knows_letters=True)
                fresh = dict(zip((row.number for row in untaken), registered, strict=True))
                connection.execute(_TAKE, [_note(list_id, *row) for row in fresh.items()])
                answers |= fresh
            past = lineage_rows.past(connection)
        self._vault.witness(past)
        return [answers[row.number] for row in rows]

    def unstarted(self, key: str) -> list[CaseRef]:
        """Return the open cases of a list whose workflow is not known to be started."""
        with self._access.read() as connection:
            rows = connection.execute(_UNSTARTED, {"of_list": key}).mappings().all()
        return [ledger_rows.case_ref(row) for row in rows]

    def mark_started(self, case_numbers: Collection[str]) -> None:
        """Note that the workflows of these cases exist."""
        now = self._clock()
        notes = [{"number": number, "now": now} for number in case_numbers]
        if notes:
            with self._access.write() as connection:
                connection.execute(STARTED, notes)

    def end(self, key: str, rejected: int, at: datetime) -> None:
        """Note that every row of a list was looked at, and how many were rejected; the last note stays."""
        with self._access.write() as connection:
            connection.execute(_END, {"of_list": key, "refused": rejected, "at": at})


def _taken_before(connection: Connection, list_id: int, numbers: Sequence[int]) -> dict[int, Registered]:
    found = connection.execute(_CASES_OF, {"list": list_id, "numbers": numbers}).mappings()
    return {
        row["row"]: Registered(
            ledger_rows.case_ref(row), is_new=False, is_started=row["started_at"] is not None
        )
        for row in found
    }


def _note(list_id: int, row: int, answer: Registered) -> dict[str, object]:
    number, is_new = answer.case.case_number, answer.is_new
    return {"import_id": list_id, "row": row, "case_number": number, "is_new": is_new}

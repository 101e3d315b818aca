"""Bulk operations in SQL. Satisfies `gateways.ports.bulk.BulkBook`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, RowMapping, String, bindparam, case, func, insert, select, update

from gateways.audit_forms import announce
from gateways.ledger_access import Away, LedgerAccess, unreachable
from gateways.paging import TOTAL, cut, page
from models.bulk import Bulk, BulkItem, BulkProgress, Chosen, ItemResult, ItemVerdict, Operation
from models.bulk_tables import BulkItemRow, BulkRow, bulk_items, bulk_operations
from models.desk import CommandResult
from models.desk_tables import commands
from models.errors import NotFound
from models.page import Page

_ID = bindparam("bulk_id", type_=String())
_KEEP = insert(bulk_operations)
_KEEP_ITEMS = insert(bulk_items)
_BULK = select(bulk_operations).where(bulk_operations.c.id == _ID)
_LATEST = select(bulk_operations).order_by(bulk_operations.c.given_at.desc(), bulk_operations.c.id.desc())
_LEFT = (
    select(bulk_items)
    .where(bulk_items.c.bulk_id == _ID, bulk_items.c.result.is_(None))
    .order_by(bulk_items.c.number)
    .limit(bindparam("most"))
)
_SETTLE = (
    update(bulk_items)
    .where(bulk_items.c.bulk_id == bindparam("of_bulk"), bulk_items.c.case_number == bindparam("of_case"))
    .values(result=bindparam("as_"), detail=bindparam("words", type_=String()), at=bindparam("when"))
)
# A command that nobody took at the time may have been delivered since: then the workflow's word counts.
_OF_ITEM = commands.c.command_id == "bulk-" + bulk_items.c.bulk_id + "-" + bulk_items.c.case_number
_IS_LATER = (bulk_items.c.result == ItemResult.UNDELIVERED) & commands.c.result.is_not(None)
_LATER = case((commands.c.result == CommandResult.ACCEPTED, ItemResult.DONE), else_=ItemResult.REFUSED)
_RESULT = case((_IS_LATER, _LATER), else_=bulk_items.c.result).label("result")
_ITEMS = (
    select(
        bulk_items.c.case_number,
        bulk_items.c.seen,
        _RESULT,
        case((_IS_LATER, commands.c.said), else_=bulk_items.c.detail).label("detail"),
        case((_IS_LATER, commands.c.settled_at), else_=bulk_items.c.at).label("at"),
    )
    .outerjoin(commands, _OF_ITEM)
    .where(bulk_items.c.bulk_id == _ID)
    .order_by(bulk_items.c.number)
)
_COUNTS = (
    select(_RESULT, func.count().label("number"))
    .select_from(bulk_items.outerjoin(commands, _OF_ITEM))
    .where(bulk_items.c.bulk_id == _ID)
    .group_by(_RESULT)
)


class SqlBulkBook:
    """The orders in SQLite or PostgreSQL. Thread-safe; every call is one short transaction."""

    def __init__(self, engine: Engine, away: Away | None = None) -> None:
        """`away` makes the error for a database that is away: EngineUnreachable unless given."""
        self._access = LedgerAccess(engine, away or unreachable(engine))

    def keep(self, bulk: Bulk, chosen: Sequence[Chosen]) -> None:
        """Write an order and its cases, all or nothing, before anything is done."""
        rows = [
            BulkItemRow(bulk_id=bulk.id, number=number, case_number=one.case_number, seen=dict(one.seen))
            for number, one in enumerate(chosen, 1)
        ]
        with self._access.write() as connection:
            connection.execute(_KEEP, BulkRow(**vars(bulk)).model_dump())
            announce(connection, "bulk_operations", [(bulk.id,)], bulk.given_at)
            connection.execute(_KEEP_ITEMS, [row.model_dump() for row in rows])

    def bulk(self, bulk_id: str) -> Bulk:
        """Return an order. Raises NotFound."""
        with self._access.read() as connection:
            row = connection.execute(_BULK, {"bulk_id": bulk_id}).mappings().one_or_none()
        if row is None:
            raise NotFound("there is no such bulk operation (see `starter.py bulk list`)")
        return _bulk(row)

    def latest(self, limit: int = 50) -> Page[Bulk]:
        """Return the orders, the newest first."""
        with self._access.read() as connection:
            return page(connection.execute(cut(_LATEST, limit)).mappings().all(), _bulk)

    def left(self, bulk_id: str, limit: int) -> list[BulkItem]:
        """Return the next cases that had no turn yet."""
        with self._access.read() as connection:
            rows = connection.execute(_LEFT, {"bulk_id": bulk_id, "most": limit}).mappings().all()
        return [_item(row) for row in rows]

    def settle(self, bulk_id: str, case_number: str, verdict: ItemVerdict, at: datetime) -> None:
        """Write down what became of a case."""
        values = {
            "of_bulk": bulk_id,
            "of_case": case_number,
            "as_": verdict.result,
            "words": verdict.detail,
            "when": at,
        }
        with self._access.write() as connection:
            connection.execute(_SETTLE, values)

    def items(self, bulk_id: str) -> list[BulkItem]:
        """Return every case of an order in its turn, with what is known of it now."""
        with self._access.read() as connection:
            rows = connection.execute(_ITEMS, {"bulk_id": bulk_id}).mappings().all()
        return [_item(row) for row in rows]

    def progress(self, bulk_id: str) -> BulkProgress:
        """Return how far an order is."""
        with self._access.read() as connection:
            rows = connection.execute(_COUNTS, {"bulk_id": bulk_id}).all()
        return BulkProgress.of({None if row[0] is None else ItemResult(row[0]): row[1] for row in rows})


def _bulk(row: RowMapping) -> Bulk:
    kept = {name: value for name, value in row.items() if name != TOTAL}
    return Bulk(**{**kept, "operation": Operation(row["operation"])})


def _item(row: RowMapping) -> BulkItem:
    result = None if row["result"] is None else ItemResult(row["result"])
    return BulkItem(row["case_number"], row["seen"], result, row["detail"], row["at"])

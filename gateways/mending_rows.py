"""Pieces of mending on the desk, folded from the events of a case."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, String, bindparam, insert, select, update

from gateways import ledger_rows
from models.desk import DeskResult, ItemKind
from models.desk_tables import DeskItemRow, desk_items
from models.errors import BadReply
from models.messages import CaseEvent, EventKind
from models.roles import Role
from models.tables import case_events

_NUMBER = bindparam("case_number", type_=String())
KINDS = frozenset({EventKind.STEP_STUCK, EventKind.STEP_RETRIED, EventKind.CASE_CLOSED})
"""What begins and ends a piece of mending."""
_CLOSING: dict[str, BindParameter[Any]] = {
    "closed_at": bindparam("at"),
    "closed_by": bindparam("by"),
    "result": bindparam("as_"),
}
_CLOSE = (
    update(desk_items)
    .where(
        desk_items.c.case_number == bindparam("of_case"),
        desk_items.c.kind == ItemKind.MEND,
        desk_items.c.closed_at.is_(None),
    )
    .values(**_CLOSING)
)
_EVENTS = (
    select(case_events)
    .where(
        case_events.c.case_number == _NUMBER,
        case_events.c.epoch == bindparam("epoch"),
        case_events.c.kind.in_(sorted(KINDS)),
    )
    .order_by(case_events.c.seq)
)
_ITEMS = select(desk_items).where(
    desk_items.c.case_number == _NUMBER,
    desk_items.c.kind == ItemKind.MEND,
    desk_items.c.epoch == bindparam("epoch"),
)
_INSERT = insert(desk_items)
_RECLOSE = update(desk_items).where(desk_items.c.key == bindparam("of_key")).values(**_CLOSING)


@dataclass(frozen=True)
class _Mending:
    """A piece of mending, as the events tell it."""

    stuck: CaseEvent
    closed_at: datetime | None = None
    closed_by: str | None = None
    result: DeskResult | None = None


def close(connection: Connection, case_number: str, now: datetime) -> None:
    """End the mending that an earlier run of the workflow asked for."""
    connection.execute(_CLOSE, {"of_case": case_number, "at": now, "by": None, "as_": DeskResult.VOIDED})


def draw(connection: Connection, case_number: str, epoch: int) -> None:
    """Fold the epoch's events into items to mend, so that the order in which they came does not matter."""
    of_epoch = {"case_number": case_number, "epoch": epoch}
    events = map(ledger_rows.case_event, connection.execute(_EVENTS, of_epoch).mappings().all())
    there = {row["key"]: row for row in connection.execute(_ITEMS, of_epoch).mappings()}
    for mending in _mendings(events):
        key = f"{case_number}:mend:{epoch}:{mending.stuck.seq}"
        if key not in there:
            row = _row(case_number, epoch, key, mending)
            connection.execute(_INSERT, row.model_dump(exclude={"id"}))
        elif there[key]["closed_at"] != mending.closed_at:
            connection.execute(
                _RECLOSE,
                {"of_key": key, "at": mending.closed_at, "by": mending.closed_by, "as_": mending.result},
            )


def _mendings(events: Iterable[CaseEvent]) -> list[_Mending]:
    """Fold events, in order: stuck opens a piece of mending, retried and closed end the open ones."""
    mendings: list[_Mending] = []
    for event in events:
        if event.kind is EventKind.STEP_STUCK:
            mendings.append(_Mending(event))
            continue
        is_done = event.kind is EventKind.STEP_RETRIED
        result = DeskResult.DONE if is_done else DeskResult.VOIDED
        by = str(event.facts.get("by")) if is_done and "by" in event.facts else None
        mendings = [
            mending
            if mending.result is not None
            else replace(mending, closed_at=event.at, closed_by=by, result=result)
            for mending in mendings
        ]
    return mendings


def _row(case_number: str, epoch: int, key: str, mending: _Mending) -> DeskItemRow:
    stuck = mending.stuck
    if stuck.step is None or stuck.attempt is None:
        raise BadReply("ledger", f"{EventKind.STEP_STUCK} must name its step and attempt")
    trouble = stuck.facts.get("trouble")
    return DeskItemRow(
        key=key,
        case_number=case_number,
        kind=ItemKind.MEND,
        step=stuck.step,
        attempt=stuck.attempt,
        role=Role(str(stuck.facts.get("role", Role.SUPERVISOR))),
        reason=stuck.reason or (None if trouble is None else str(trouble)),
        opened_at=stuck.at,
        epoch=epoch,
        opened_seq=stuck.seq,
        closed_at=mending.closed_at,
        closed_by=mending.closed_by,
        result=mending.result,
    )

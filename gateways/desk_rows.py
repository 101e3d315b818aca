"""Desk items in the ledger: opened by activities and events, closed by answers, retries and a case's end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, String, bindparam, insert, select, update

from gateways import ledger_rows
from gateways.ledger_access import Upsert
from models.case import Step
from models.desk import DeskItem, DeskResult, ItemKind
from models.desk_tables import DeskItemRow, desk_items
from models.errors import BadReply, NotFound
from models.messages import CaseEvent, EventKind, StepAsk
from models.roles import ANSWERS, MACHINE, Role
from models.tables import case_events, cases

_NUMBER = bindparam("case_number", type_=String())
_MENDING = frozenset({EventKind.STEP_STUCK, EventKind.STEP_RETRIED, EventKind.CASE_CLOSED})
_IS_OPEN = desk_items.c.closed_at.is_(None)

ITEMS = select(
    desk_items,
    cases.c.city,
    cases.c.track,
    cases.c.kecamatan,
    cases.c.received_at,
    cases.c.due_at,
).join(cases, cases.c.case_number == desk_items.c.case_number)
"""Items with what is needed of their cases."""

_OPEN_ITEM = Upsert(
    desk_items,
    lambda insert: insert.on_conflict_do_nothing(index_elements=["key"], index_where=_IS_OPEN),
)
_ITEM = ITEMS.where(desk_items.c.id == bindparam("number"))
_CLOSING: dict[str, BindParameter[Any]] = {
    "closed_at": bindparam("at"),
    "closed_by": bindparam("by"),
    "result": bindparam("as_"),
}
_HAS_WORK = select(desk_items.c.id).where(desk_items.c.case_number == _NUMBER, _IS_OPEN).limit(1)
_CLOSE_KEY = update(desk_items).where(desk_items.c.key == bindparam("of_key"), _IS_OPEN).values(**_CLOSING)
_CLOSE_OTHER_ANSWERS = (
    update(desk_items)
    .where(
        desk_items.c.case_number == bindparam("of_case"),
        desk_items.c.kind == ItemKind.ANSWER,
        desk_items.c.key != bindparam("but_key"),
        _IS_OPEN,
    )
    .values(**_CLOSING)
)
_CLOSE_ALL = (
    update(desk_items).where(desk_items.c.case_number == bindparam("of_case"), _IS_OPEN).values(**_CLOSING)
)
_CLOSE_MENDING = (
    update(desk_items)
    .where(
        desk_items.c.case_number == bindparam("of_case"),
        desk_items.c.kind == ItemKind.MEND,
        _IS_OPEN,
    )
    .values(**_CLOSING)
)
_MENDING_EVENTS = (
    select(case_events)
    .where(
        case_events.c.case_number == _NUMBER,
        case_events.c.epoch == bindparam("epoch"),
        case_events.c.kind.in_(sorted(_MENDING)),
    )
    .order_by(case_events.c.seq)
)
_MEND_ITEMS = select(desk_items).where(
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


def read(row: RowMapping) -> DeskItem:
    """Read a row of `ITEMS`."""
    return DeskItem(
        id=row["id"],
        case=ledger_rows.case_ref(row),
        kind=ItemKind(row["kind"]),
        step=Step(row["step"]),
        attempt=row["attempt"],
        role=Role(row["role"]),
        reason=row["reason"],
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        assignee=row["assignee"],
        claimed_at=row["claimed_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        result=None if row["result"] is None else DeskResult(row["result"]),
    )


def open_answer(connection: Connection, ask: StepAsk, because: str | None, now: datetime) -> None:
    """Open the work of answering a step, unless it is open."""
    item = DeskItemRow(
        key=ask.key,
        case_number=ask.case_number,
        kind=ItemKind.ANSWER,
        step=ask.step,
        attempt=ask.attempt,
        role=ANSWERS[ask.step],
        reason=because,
        opened_at=now,
    )
    connection.execute(_OPEN_ITEM.on(connection), item.model_dump(exclude={"id"}))


def close_mending(connection: Connection, case_number: str, now: datetime) -> None:
    """End the mending that an earlier run of the workflow asked for."""
    connection.execute(
        _CLOSE_MENDING, {"of_case": case_number, "at": now, "by": None, "as_": DeskResult.VOIDED}
    )


def follow(connection: Connection, case_number: str, epoch: int, new: Sequence[CaseEvent]) -> None:
    """Bring the desk in line with events that are new to the ledger.

    Only the newest step that was opened says which work still matters: what it asks of people may lie on the
    desk before the events of earlier steps are written.
    """
    has_work = connection.execute(_HAS_WORK, {"case_number": case_number}).first() is not None
    if not has_work and not any(event.kind is EventKind.STEP_STUCK for event in new):
        return
    newest = max((event.seq for event in new if event.kind is EventKind.STEP_OPENED), default=0)
    for event in new:
        ending = {"at": event.at, "by": MACHINE, "as_": DeskResult.VOIDED}
        key = f"{case_number}:{event.step}:{event.attempt}"
        match event.kind:
            case EventKind.ANSWER_RECORDED:
                connection.execute(_CLOSE_KEY, {"of_key": key, **ending})
            case EventKind.STEP_OPENED if event.seq == newest:
                connection.execute(_CLOSE_OTHER_ANSWERS, {"of_case": case_number, "but_key": key, **ending})
            case _:
                pass
    if any(event.kind in _MENDING for event in new):
        _draw_mending(connection, case_number, epoch)
    for event in new:
        if event.kind is EventKind.CASE_CLOSED:
            ending = {"at": event.at, "by": None, "as_": DeskResult.VOIDED}
            connection.execute(_CLOSE_ALL, {"of_case": case_number, **ending})


def _draw_mending(connection: Connection, case_number: str, epoch: int) -> None:
    """Fold the epoch's events into items to mend, so that the order in which they came does not matter."""
    of_epoch = {"case_number": case_number, "epoch": epoch}
    events = map(ledger_rows.case_event, connection.execute(_MENDING_EVENTS, of_epoch).mappings().all())
    there = {row["key"]: row for row in connection.execute(_MEND_ITEMS, of_epoch).mappings()}
    for mending in _mendings(events):
        key = f"{case_number}:mend:{epoch}:{mending.stuck.seq}"
        if key not in there:
            row = _mend_row(case_number, epoch, key, mending)
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


def _mend_row(case_number: str, epoch: int, key: str, mending: _Mending) -> DeskItemRow:
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


def item(connection: Connection, number: int) -> DeskItem:
    """Return a piece of work. Raises NotFound."""
    row = connection.execute(_ITEM, {"number": number}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no desk item {number}")
    return read(row)


def in_whose_hand(item: DeskItem) -> str:
    """Return the words that tell why an item cannot be taken or ended."""
    what = f"desk item {item.id} ({item.case.case_number}, {item.step})"
    if item.result is not None:
        return f"{what} is {item.result} already"
    return f"{what} is in the hand of {item.assignee or 'nobody'}"

"""Desk items in the ledger: opened by activities and events, closed by answers, retries and a case's end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, String, bindparam, select, update

from gateways import ledger_rows, mending_rows
from gateways.given_answers import given
from gateways.ledger_access import Upsert
from models.case import Step
from models.desk import DeskItem, DeskResult, ItemKind
from models.desk_tables import DeskItemRow, desk_items
from models.errors import NotFound
from models.messages import CaseEvent, EventKind, StepAsk
from models.roles import ANSWERS, MACHINE, Role
from models.tables import cases

_NUMBER = bindparam("case_number", type_=String())
_MAKES_WORK = frozenset({EventKind.STEP_STUCK, EventKind.STEP_ON_DESK})
_ENDS_WORK = frozenset({EventKind.ANSWER_RECORDED, EventKind.STEP_OPENED, EventKind.CASE_CLOSED})
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

HELD = ITEMS.where(
    desk_items.c.closed_at.is_(None), desk_items.c.assignee.is_not(None), desk_items.c.assignee != MACHINE
)
"""Open work that is in a person's hand."""

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
        taken_from=row["taken_from"],
        claimed_at=row["claimed_at"],
        closed_at=row["closed_at"],
        closed_by=row["closed_by"],
        result=None if row["result"] is None else DeskResult(row["result"]),
    )


def open_answer(connection: Connection, ask: StepAsk, because: str | None, now: datetime) -> None:
    """Open the work of answering a step, unless it is open."""
    _open(connection, (ask.case_number, ask.step, ask.attempt), because, now)


def _open(connection: Connection, of_step: tuple[str, Step, int], because: str | None, now: datetime) -> None:
    case_number, step, attempt = of_step
    item = DeskItemRow(
        key=f"{case_number}:{step}:{attempt}",
        case_number=case_number,
        kind=ItemKind.ANSWER,
        step=step,
        attempt=attempt,
        role=ANSWERS[step],
        reason=because,
        opened_at=now,
    )
    connection.execute(_OPEN_ITEM.on(connection), item.model_dump(exclude={"id"}))


def follow(connection: Connection, case_number: str, epoch: int, new: Sequence[CaseEvent]) -> None:
    """Bring the desk in line with events that are new to the ledger.

    Only the newest step that was opened says which work still matters: what it asks of people may lie on the
    desk before the events of earlier steps are written.
    """
    has_work = connection.execute(_HAS_WORK, {"case_number": case_number}).first() is not None
    if not has_work and not any(event.kind in _MAKES_WORK for event in new):
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
    if any(event.kind in mending_rows.KINDS for event in new):
        mending_rows.draw(connection, case_number, epoch)
    _lay_open(connection, case_number, new)
    for event in new:
        if event.kind is EventKind.CASE_CLOSED:
            ending = {"at": event.at, "by": None, "as_": DeskResult.VOIDED}
            connection.execute(_CLOSE_ALL, {"of_case": case_number, **ending})


def _lay_open(connection: Connection, case_number: str, new: Sequence[CaseEvent]) -> None:
    """Open the work of a step that is told to lie on the desk, unless it lies there or was answered.

    Who asked for it may have found the case over, before the story that was begun anew was told.
    """
    on_desk = None
    for event in new:
        if event.kind is EventKind.STEP_ON_DESK:
            on_desk = event
        elif event.kind in _ENDS_WORK:
            on_desk = None
    if on_desk is None or on_desk.step is None or on_desk.attempt is None:
        return
    if given(connection, case_number, on_desk.step, on_desk.attempt) is None:
        _open(connection, (case_number, on_desk.step, on_desk.attempt), None, on_desk.at)


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

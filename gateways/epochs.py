"""The numbering of a case's events: a story that is begun anew has an epoch of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Integer, RowMapping, String, bindparam, insert, select

from gateways import ledger_rows, mending_rows
from gateways.audit_forms import announce
from gateways.ledger_access import Upsert
from models.messages import CaseEvent, EventKind, Record
from models.tables import case_events, case_runs

_NUMBER = bindparam("case_number", type_=String())
_EPOCH = bindparam("epoch", type_=Integer())
_TELLS_THE_END = frozenset({EventKind.ANSWER_RECORDED, EventKind.CASE_WITHDRAWN, EventKind.CASE_CLOSED})
"""By the times of these a case ended when it did: told at another time, the end is another."""
_FIRST_OF_A_RUN = 2
"""Number 1 is `case.registered`, which no run tells."""

_APPEND = Upsert(case_events, lambda insert: insert.on_conflict_do_nothing().returning(case_events.c.seq))
_TOLD = (
    select(case_events)
    .where(
        case_events.c.case_number == _NUMBER,
        case_events.c.epoch == _EPOCH,
        case_events.c.seq >= bindparam("from_seq", type_=Integer()),
    )
    .order_by(case_events.c.seq)
)
_EPOCH_OF = select(case_runs.c.epoch).where(
    case_runs.c.case_number == _NUMBER, case_runs.c.run == bindparam("run", type_=String())
)
_NEW_RUN = insert(case_runs)


@dataclass(frozen=True)
class Written:
    """What became of the events of a record."""

    new: tuple[CaseEvent, ...]
    """Those that were not there before."""
    epoch: int
    story: tuple[CaseEvent, ...] | None
    """What the desk must follow; None when the record changes neither state nor desk."""


def write(connection: Connection, case: RowMapping, record: Record, now: datetime) -> Written:
    """Append a record's events to the story that they belong to; `case` is locked."""
    number = record.state.case.case_number
    epoch: int = case["epoch"]
    if record.run != case["run"]:
        of_run = {"case_number": number, "run": record.run}
        known: int | None = connection.execute(_EPOCH_OF, of_run).scalar_one_or_none()
        if known is not None:  # left by a reset: what it still tells is kept, and changes nothing
            return Written(append(connection, number, known, record.events, now), known, None)
        is_reset = case["run"] is not None
        epoch += is_reset
        connection.execute(_NEW_RUN, {**of_run, "epoch": epoch})
        if is_reset:
            _begin(connection, number, epoch, EventKind.CASE_RESET, now)
    elif _is_overtaken(record, case):
        return Written((), epoch, None)
    elif case["last_seq"] >= (first := _first_of(record)):
        story = _story(connection, number, epoch)
        if (parting := _parting(story, record)) is not None:
            epoch += 1
            _begin(connection, number, epoch, EventKind.CASE_RETOLD, now)
            true = [event for event in story if event.seq < min(first, parting)]
            told = append(connection, number, epoch, (*true, *record.events), now)
            return Written(tuple(event for event in record.events if event.seq >= parting), epoch, told)
    new = append(connection, number, epoch, record.events, now)
    return Written(new, epoch, new)


def append(
    connection: Connection, number: str, epoch: int, events: Sequence[CaseEvent], now: datetime
) -> tuple[CaseEvent, ...]:
    """Append events to an epoch and return those that were not there before."""
    if not events:
        return ()
    own = {"case_number": number, "epoch": epoch, "recorded_at": now}
    rows = [{**own, **event.model_dump()} for event in events]
    appended = set(connection.execute(_APPEND.on(connection), rows).scalars())
    announce(connection, "case_events", [(number, epoch, seq) for seq in sorted(appended)], now)
    return tuple(event for event in events if event.seq in appended)


def _is_overtaken(record: Record, case: RowMapping) -> bool:
    """Tell whether something was told from a later place: a worker that was frozen meanwhile tells this."""
    if case["told_at"] is None:
        return False
    return (record.task, record.at, record.upto) < (case["told_task"], case["told_at"], case["last_seq"])


def _story(connection: Connection, number: str, epoch: int) -> list[CaseEvent]:
    of_epoch = {"case_number": number, "epoch": epoch, "from_seq": _FIRST_OF_A_RUN}
    return [ledger_rows.case_event(row) for row in connection.execute(_TOLD, of_epoch).mappings()]


def _parting(story: list[CaseEvent], record: Record) -> int | None:
    """Return the first event that was told and is not true; None when the record tells the same story.

    Temporal lost a workflow task after the case had told of it; tried again, the case went another way.
    """
    tells = {event.seq: event for event in record.events}
    for event in story:
        again = tells.get(event.seq, event)
        is_moved = (
            record.state.closed_at is not None and event.kind in _TELLS_THE_END and again.at != event.at
        )
        if event.seq > record.upto or is_moved or _gist(again) != _gist(event):
            return event.seq
    return None


def _gist(event: CaseEvent) -> tuple[object, ...]:
    """Return what does not differ when the same is told again at a later time."""
    codes = {name: fact for name, fact in event.facts.items() if isinstance(fact, str)}
    return event.kind, event.step, event.attempt, event.reason, codes


def _first_of(record: Record) -> int:
    return min((event.seq for event in record.events), default=record.upto + 1)


def _begin(connection: Connection, number: str, epoch: int, because: EventKind, now: datetime) -> None:
    """Write the line that begins an epoch; the mending that was asked for before is asked for anew."""
    mending_rows.close(connection, number, now)
    append(connection, number, epoch, (CaseEvent(seq=0, kind=because, at=now, facts={"epoch": epoch}),), now)

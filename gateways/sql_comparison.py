"""What the audit compares although it is not sealed: cases with their events, counters with numbers given.

A difference was made past the engine, which writes both in one transaction.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, String, bindparam, func, select

from gateways.audit_forms import Stored, stored
from gateways.ledger_access import LedgerAccess
from models.audit import Fault
from models.desk_tables import letters
from models.projection import COMPARED, TOLD_BY, Line, contradictions
from models.tables import case_events, cases, counters

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    cases.name: (*COMPARED, "epoch"),
    counters.name: ("value",),
}
"""Table -> the columns that are compared."""
_AT_ONCE: Final = 500
_SERIES: Final = len("PBI-3674-2026")
_NUMBER: Final = re.compile(r"PBI-(\d{4})-(\d{4})-(\d{6})", re.ASCII)

_CASES = (
    select(Stored(cases.c.case_number), Stored(cases.c.epoch), *(Stored(cases.c[name]) for name in COMPARED))
    .where(cases.c.case_number > bindparam("after", type_=String()))
    .order_by(cases.c.case_number)
    .limit(_AT_ONCE)
)
_EVENTS = (
    select(
        Stored(case_events.c.case_number),
        Stored(case_events.c.epoch),
        *(Stored(case_events.c[name]) for name in ("kind", "at", "step", "attempt", "facts")),
    )
    .where(
        case_events.c.case_number > bindparam("after", type_=String()),
        case_events.c.case_number <= bindparam("last", type_=String()),
        case_events.c.kind.in_(sorted(TOLD_BY)),
    )
    .order_by(case_events.c.case_number, case_events.c.epoch, case_events.c.seq)
)
_CASES_GIVEN = select(func.max(cases.c.case_number)).group_by(func.substr(cases.c.case_number, 1, _SERIES))
_LETTERS_GIVEN = select(letters.c.city, letters.c.year, func.max(letters.c.sequence)).group_by(
    letters.c.city, letters.c.year
)
_COUNTERS = select(Stored(counters.c.name), Stored(counters.c.value))


def differences(access: LedgerAccess) -> Iterator[Fault]:
    """Name each case that is not as its events say, and each counter below a number that was given.

    Reads so many cases at a time, each lot as of one moment.
    """
    after = ""
    while True:
        with access.snapshot() as connection:
            lot = [_texts(row) for row in connection.execute(_CASES, {"after": after})]
            if not lot:
                break
            last = lot[-1][0] or ""
            stories = _stories(connection, after, last)
        for number, epoch, *values in lot:
            yield from _of_case(number or "", epoch, dict(zip(COMPARED, values, strict=True)), stories)
        after = last
    with access.snapshot() as connection:
        there = {row[0]: row[1] for row in map(_texts, connection.execute(_COUNTERS))}
        given = dict(_given(connection))
    for name, highest in sorted(given.items()):
        value = there.get(name)
        if value is None:
            yield Fault(counters.name, name, f"is gone, and {highest} was given")
        elif not value.lstrip("-").isdecimal() or int(value) < highest:
            yield Fault(counters.name, name, f"is {value}, and {highest} was given")


_Stories = Mapping[str, list[tuple[str | None, Line]]]


def _stories(connection: Connection, after: str, last: str) -> _Stories:
    """Return events by case, each with its epoch."""
    found: dict[str, list[tuple[str | None, Line]]] = defaultdict(list)
    for row in connection.execute(_EVENTS, {"after": after, "last": last}):
        number, epoch, kind, at, step, attempt, facts = _texts(row)
        line = Line(kind or "", at or "", step, attempt, _facts(facts))
        found[number or ""].append((epoch, line))
    return found


def _of_case(
    number: str, epoch: str | None, row: Mapping[str, str | None], stories: _Stories
) -> Iterator[Fault]:

    epochs = [
        (told, [line for _, line in lines])
        for told, lines in groupby(stories.get(number, ()), key=lambda one: one[0])
    ]
    if not epochs:
        return  # every event is gone, and named as such
    newest, story = epochs[-1]
    if epoch != newest:
        yield Fault(cases.name, number, f"epoch is {epoch}, its events say {newest}")
    for what in contradictions(row, story):
        yield Fault(cases.name, number, what)


def _given(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield the name of each counter that numbers were taken from, and the highest of them."""
    for (number,) in connection.execute(_CASES_GIVEN):
        if (parts := _NUMBER.fullmatch(number)) is not None:
            yield f"case:{parts[1]}:{parts[2]}", int(parts[3])
    for city, year, highest in connection.execute(_LETTERS_GIVEN):
        if isinstance(highest, int):
            yield f"letter:{city}:{year}", highest


def _texts(row: Iterable[bytes | str | None]) -> list[str | None]:
    """Return a row's values as text; what cannot be one is shown as escapes."""
    values = map(stored, row)
    return [None if value is None else value.decode(errors="backslashreplace") for value in values]


def _facts(text: str | None) -> Mapping[str, object]:
    """Return the facts of an event; none when they were made unreadable, which the chain tells."""
    try:
        facts = json.loads(text or "{}")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}

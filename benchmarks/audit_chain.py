"""How fast rows are sealed in the audit chain and verified: `python -m benchmarks.audit_chain`."""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from sqlalchemy import Engine, insert

from benchmarks.bench import SQLITE, add_database, postgres
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, unreachable, utc_now
from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine
from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_audit import SqlAudit
from gateways.sql_imports import SqlImports
from models.case import Step
from models.messages import EventKind
from models.tables import EventRow, case_events
from runtime.sealing import seal_all
from tests.ledger.builders import a_new_case
from tests.vaults import a_vault

_EVENTS: Final = 12
_AT_ONCE: Final = 500
_SCREEN: Final = Console(highlight=False, width=100)


def main() -> None:
    """Fill a ledger, seal it, verify it, and print how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    add_database(parser)
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _database(choice.database, Path(folder)) as url:
        engine = open_engine(url)
        migrate(engine)
        _timed("fill", lambda: _fill(engine, choice.cases))
        audit = SqlAudit(engine)
        _timed("seal", lambda: seal_all(audit, utc_now))
        _timed("verify", lambda: _verify(audit))
        engine.dispose()
        _SCREEN.print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _timed(what: str, work: Callable[[], int]) -> None:
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    rows = work()
    took = time.monotonic() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    _SCREEN.print(f"{what:7} {rows:9,} rows  {took:7.1f} s  {rows / took:9,.0f} rows/s  +{grown:.0f} MB")


def _fill(engine: Engine, cases: int) -> int:
    """Take a list, and give each case its events."""
    imports, now = SqlImports(engine, a_vault()), datetime.now(UTC)
    access = LedgerAccess(engine, unreachable(engine))
    imports.begin(ImportHead("list", "3674", "f" * 64, cases, "tangsel-loket-1", now))
    for first in range(0, cases, _AT_ONCE):
        some = range(first, min(first + _AT_ONCE, cases))
        taken = imports.take("list", [NewRow(row + 2, a_new_case()) for row in some])
        with access.write() as connection:
            numbers = [one.case.case_number for one in taken]
            rows = [_event(number, seq, now) for number in numbers for seq in range(2, _EVENTS + 1)]
            connection.execute(insert(case_events), rows)
            announce(connection, "case_events", [(row["case_number"], 1, row["seq"]) for row in rows], now)  # type: ignore[misc]  # a row is plain
    return cases * _EVENTS


def _event(number: str, seq: int, now: datetime) -> dict[str, object]:
    return EventRow(
        case_number=number,
        epoch=1,
        seq=seq,
        kind=EventKind.ANSWER_RECORDED,
        at=now + timedelta(minutes=seq),
        recorded_at=now,
        step=Step.SIKS_NG_UPLOAD,
        attempt=1,
        reason="NIK_BEDA",
        facts={"by": "machine", "command": f"answer-{number}-{seq}"},
    ).model_dump()


def _verify(audit: SqlAudit) -> int:
    head = audit.head()
    if head is None or list(audit.faults(head.number, lambda _: None)):
        raise SystemExit("the chain is broken")
    return head.number


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == SQLITE:
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    with postgres() as url:
        yield url


if __name__ == "__main__":
    main()

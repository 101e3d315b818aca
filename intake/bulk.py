"""Lists of applications: every row is checked before the first becomes a case, and each becomes one, once."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from gateways.ports.lists import ImportHead, Imports, NewRow, Table, TableRow, Tables
from gateways.ports.papers import Documents
from gateways.ports.policies import PolicyShelf
from intake.intake import StartCase, new_case
from intake.layouts import ColumnMap, FieldName, Plan, plan
from intake.rejects import RejectFile
from intake.rows import RowFault, RowReader
from intake.rules import warnings
from intake.scans import Scans
from intake.seen import Seen
from intake.starting import Starting
from intake.verdict import Checked, Taken
from models.application import Application, IntakeContext
from models.dossier import Registered
from models.errors import EngineUnreachable
from models.roles import Officer
from models.wib import wib_date

BATCH: Final = 200
"""Rows that are registered in one transaction."""
_ROWS_AT_A_TIME: Final = 10
"""Rows that are checked before others have their turn."""

Told = Callable[[int], None]
"""Hears of so many more rows that are done with."""


@dataclass(frozen=True)
class ListWanted:
    """What an operator hands in."""

    file: Path
    city: str
    columns: ColumnMap
    constants: Mapping[FieldName, str]
    rejects: Path


@dataclass(frozen=True)
class _Source:
    """A list and how it is read."""

    table: Table
    plan: Plan
    reader: RowReader
    context: IntakeContext
    scans: Scans
    key: str


@dataclass(frozen=True)
class _Judged:
    """A row that was looked at."""

    number: int
    application: Application | None = None
    faults: tuple[RowFault, ...] = ()
    is_taken: bool = False


class BulkIntake:
    """The door for lists."""

    def __init__(
        self, tables: Tables, imports: Imports, documents: Documents, shelf: PolicyShelf, start: StartCase
    ) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._tables = tables
        self._imports = imports
        self._documents = documents
        self._shelf = shelf
        self._start = start

    @contextmanager
    def open(self, wanted: ListWanted, clock: Callable[[], datetime]) -> Iterator["OpenList"]:
        """Open a list. Raises BadInput for a file, a header or a constant that is wrong."""
        policy = self._shelf.city(wanted.city)
        scans = Scans(wanted.file.parent, self._documents)
        context = IntakeContext(
            today=wib_date(clock()),
            city_codes=(policy.code,),
            city_names={policy.code: policy.name},
            regions=self._shelf.regions(),
            inspect_paper=scans.inspect,
        )
        with self._tables.open(wanted.file) as table:
            columns = plan(table.header, wanted.columns, wanted.constants)
            reader, key = RowReader(columns, policy, context), _key(table, wanted.city, columns)
            source = _Source(table, columns, reader, context, scans, key)
            yield OpenList(wanted, source, self._imports, self._start, clock)


class OpenList:
    """A list that is held as it was when it was opened."""

    def __init__(
        self,
        wanted: ListWanted,
        source: _Source,
        imports: Imports,
        start: StartCase,
        clock: Callable[[], datetime],
    ) -> None:
        """Made by `BulkIntake.open`."""
        self._wanted = wanted
        self._source = source
        self._imports = imports
        self._start = start
        self._clock = clock

    async def check(self, told: Told) -> Checked:
        """Look at every row and write the reject file.

        Raises BadInput when the list as a whole may not be taken; the reject file is there all the same.
        """
        checked = Checked(self._source.plan)
        with self._rejects() as rejects:
            async with aclosing(self._batches()) as batches:
                async for batch in batches:
                    for row in batch:
                        self._count(row, checked)
                        rejects.add(row.faults)
                    told(len(batch))
        checked.require_fit(self._wanted.rejects)
        return checked

    async def take(self, checked: Checked, officer: Officer, told: Told) -> Taken:
        """Register every good row that was not taken before, and start its case. It can be repeated.

        Raises EngineUnreachable when it cannot go on; what was taken stays taken.
        """
        taken, starting = Taken(), Starting(self._start, self._imports, told)
        try:
            await self._take(checked, officer, taken, starting)
        except EngineUnreachable as error:
            raise EngineUnreachable(
                f"{error}. {taken.rows} of {checked.rows} rows are taken, and a worker starts their cases; "
                "give the same command again, and it goes on behind them"
            ) from None
        finally:
            await starting.abandon()
            taken.started = starting.started
        return taken

    async def _take(self, checked: Checked, officer: Officer, taken: Taken, starting: Starting) -> None:
        head = ImportHead(
            key=self._source.key,
            city=self._wanted.city,
            file_sha256=self._source.table.sha256,
            rows=checked.rows,
            begun_by=officer.id,
            begun_at=self._clock(),
        )
        await asyncio.to_thread(self._imports.begin, head)
        await starting.add(await asyncio.to_thread(self._imports.unstarted, head.key), rows=0)
        with self._rejects() as rejects:
            async with aclosing(self._batches()) as batches:
                async for batch in batches:
                    registered, late = await asyncio.to_thread(self._register, batch, officer)
                    for faults in [*(row.faults for row in batch if row.faults), *late]:
                        taken.rejected += 1
                        rejects.add(faults)
                    taken.taken_before += sum(row.is_taken for row in batch)
                    taken.new += sum(one.is_new for one in registered)
                    taken.known += sum(not one.is_new for one in registered)
                    unstarted = [one.case for one in registered if not one.is_started]
                    await starting.add(unstarted, rows=len(batch))
        await starting.finish()
        await asyncio.to_thread(self._imports.end, head.key, taken.rejected, self._clock())

    def _rejects(self) -> RejectFile:
        return RejectFile(self._wanted.rejects, self._wanted.file)

    async def _batches(self) -> AsyncGenerator[list[_Judged]]:
        """Read and judge the rows; the same person twice counts once, in the first good row."""
        with Seen() as seen:
            rows = self._source.table.rows()
            while batch := list(islice(rows, BATCH)):
                numbers = [row.number for row in batch]
                taken = await asyncio.to_thread(self._imports.taken, self._source.key, numbers)
                judged = []
                for place, row in enumerate(batch):
                    if place % _ROWS_AT_A_TIME == 0:
                        await asyncio.sleep(0)
                    judged.append(self._judge(row, seen, is_taken=row.number in taken))
                yield judged

    def _judge(self, row: TableRow, seen: Seen, *, is_taken: bool) -> _Judged:
        read = self._source.reader.read(row)
        if not isinstance(read, Application):
            # A row that was taken stays so, whatever has become of its papers or of the rules.
            return _Judged(row.number, faults=() if is_taken else tuple(read), is_taken=is_taken)
        first = seen.first(int(read.applicant.nik), row.number)
        if first != row.number and not is_taken:
            column, rule = self._source.plan.column_of("nik"), "is the same person as in an earlier row"
            fix = f"compare it with row {first}, and leave one out"
            return _Judged(row.number, faults=(RowFault(row.number, column, "duplicate_in_file", rule, fix),))
        return _Judged(row.number, read, is_taken=is_taken)

    def _count(self, row: _Judged, checked: Checked) -> None:
        checked.rows += 1
        checked.taken_before += row.is_taken
        if row.faults:
            checked.reject(row.faults)
        elif row.application is not None:
            checked.untaken += not row.is_taken
            checked.accept(row.application, warnings(row.application, today=self._source.context.today))

    def _register(
        self, batch: Sequence[_Judged], officer: Officer
    ) -> tuple[list[Registered], list[tuple[RowFault, ...]]]:
        """Keep the papers and register the rows; rows whose papers have changed meanwhile are told."""
        good = [(row.number, row.application) for row in batch if row.application and not row.is_taken]
        kept = self._source.scans.keep(application.documents for _, application in good)
        now, news = self._clock(), []
        late: list[tuple[RowFault, ...]] = []
        for (number, application), papers in zip(good, kept, strict=True):
            kecamatan = self._source.context.regions.kecamatan_of(application.applicant.kelurahan)
            if papers is None or kecamatan is None:
                column = self._source.plan.column_of("documents")
                rule, fix = "changed while it was read", "import the list again"
                late.append((RowFault(number, column, "paper_changed", rule, fix),))
            else:
                new = new_case(application, kecamatan, papers, received_at=now, by=officer)
                news.append(NewRow(number, replace(new, from_list=True)))
        return self._imports.take(self._source.key, news) if news else [], late


def _key(table: Table, city: str, columns: Plan) -> str:
    """Return what a list is known by: the same file, city and reading of its columns."""
    names = {name: column for name, (_, column) in columns.columns.items()}
    told = json.dumps([table.sha256, city, names, dict(columns.constants)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()

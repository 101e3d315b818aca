"""Lists for tests, and a desk that takes them: its own ledger, store and Temporal."""

import csv
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from gateways.folder_documents import FolderDocuments
from gateways.ledger_schema import open_engine
from gateways.policy_folder import PolicyFolder
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.table_files import TableFiles
from intake.bulk import BulkIntake, ListWanted
from intake.layouts import ColumnMap, FieldName
from intake.verdict import Checked, Taken
from models.case import CaseRef
from models.errors import EngineUnreachable
from models.roles import Officer, Role
from models.tables import cases
from tests.builders import PDF
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
SHELF = PolicyFolder(ROOT / "policies")
NOW = datetime(2026, 2, 11, 2, 0, tzinfo=UTC)
OFFICER = Officer(
    id="tangsel-loket-1", name="Petugas", roles=frozenset({Role.INTAKE}), cities=frozenset({"3674"})
)
Row = dict[str, str]

_numbers = itertools.count(1)


def a_row(**changes: str) -> Row:
    """Return a row in our own columns about a person that no other row has."""
    number = next(_numbers)
    row = {
        "nik": f"367406520385{number:04d}",
        "kk": f"367406150310{number:04d}",
        "card_number": f"000{number:010d}",
        "name": f"Ma'ruf Contoh {number}",
        "birth_date": "12-03-1985",
        "sex": "P",
        "phone": f"0812{number:08d}",
        "kelurahan": "36.74.06.1001",
        "track": "medical",
        "need_kind": "routine",
        "facility": "RS Contoh",
        "letter_number": f"445/{number}/RSC",
        "letter_date": "10-02-2026",
        "deactivated_on": "01-02-2026",
        "documents": "facility_letter=surat.pdf",
    }
    return row | changes


def rows(many: int) -> list[Row]:
    """Return so many good rows."""
    return [a_row() for _ in range(many)]


def write(folder: Path, told: Sequence[Mapping[str, str]], name: str = "daftar.csv", mark: str = ",") -> Path:
    """Write rows, and the scan that they name, into a folder; the first row tells the columns."""
    (folder / "surat.pdf").write_bytes(PDF)
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, list(told[0]), delimiter=mark)
        lines.writeheader()
        lines.writerows(told)
    return path


class Temporal:
    """Starts nothing, remembers everything."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.before: Callable[[], object] = lambda: None
        """What happens when a case is to be started."""
        self.takes = 10**9
        """How many cases it takes before it is away."""

    async def __call__(self, case: CaseRef) -> None:
        """Start a case. Raises EngineUnreachable."""
        self.before()
        if len(self.started) >= self.takes:
            raise EngineUnreachable("Temporal does not answer")
        self.started.append(case.case_number)


class Desk:
    """A desk that has seen nobody yet."""

    def __init__(self, folder: Path, url: str) -> None:
        """`url` is that of an empty ledger."""
        self.folder = folder
        self.engine = open_engine(url)
        self.imports = SqlImports(self.engine, a_vault(), clock=lambda: NOW)
        self.registry = SqlRegistry(self.engine, a_vault(), clock=lambda: NOW)
        self.ledger = SqlLedger(self.engine, a_vault())
        self.store = FolderDocuments(folder / "store", a_vault())
        self.temporal = Temporal()
        self.now = NOW
        self.between: Callable[[], object] = lambda: None
        """What happens after the list was checked and before it is taken."""

    @property
    def intake(self) -> BulkIntake:
        """The door for lists, as a new process has it."""
        return BulkIntake(TableFiles(), self.imports, self.store, SHELF, self.temporal)

    def wanted(
        self,
        path: Path,
        columns: ColumnMap | None = None,
        constants: Mapping[FieldName, str] | None = None,
        city: str = "3674",
    ) -> ListWanted:
        """Return what an operator hands in."""
        return ListWanted(path, city, columns or ColumnMap(), constants or {}, self.rejects)

    @property
    def rejects(self) -> Path:
        """The reject file."""
        return self.folder / "rejects.csv"

    def rejected(self) -> list[tuple[str, str, str]]:
        """Return row, column and code of each fault in the reject file."""
        with self.rejects.open(encoding="utf-8", newline="") as file:
            return [(one["row"], one["column"], one["code"]) for one in csv.DictReader(file, delimiter=";")]

    async def check(self, wanted: ListWanted | Path) -> Checked:
        """Look at a list and take nothing."""
        wanted = self.wanted(wanted) if isinstance(wanted, Path) else wanted
        with self.intake.open(wanted, lambda: self.now) as found:
            return await found.check(lambda _rows: None)

    async def take(self, wanted: ListWanted | Path) -> Taken:
        """Take a list as the command does."""
        wanted = self.wanted(wanted) if isinstance(wanted, Path) else wanted
        with self.intake.open(wanted, lambda: self.now) as found:
            checked = await found.check(lambda _rows: None)
            self.between()
            return await found.take(checked, OFFICER, lambda _rows: None)

    def cases(self) -> int:
        """Return how many cases the ledger holds."""
        with self.engine.begin() as connection:
            return connection.execute(select(func.count()).select_from(cases)).scalar_one()

    def niks(self) -> list[str]:
        """Return whose cases the ledger holds, by case number."""
        numbers = sorted(state.case.case_number for state in self.registry.cases(limit=10_000))
        return [self.ledger.dossier(number).person.nik for number in numbers]

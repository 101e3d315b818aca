"""Tables of the lists that were taken, and of what became of their rows. Nothing personal is in them."""

from datetime import datetime

from sqlalchemy import Table
from sqlmodel import Field

from models.tables import LedgerTable


class ImportRow(LedgerTable, table=True):
    """A list that was taken, in a city and in one reading of its columns."""

    __tablename__ = "imports"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    """A digest of file, city and reading: the same list again is the same import."""
    city: str
    file_sha256: str
    rows: int
    begun_by: str
    """An officer's id."""
    begun_at: datetime
    rejected: int | None = None
    """How many rows were no application when every row had been looked at last; None before."""
    ended_at: datetime | None = None


class ImportedRow(LedgerTable, table=True):
    """A row of a list that was taken, and the case it belongs to, whether or not it opened that."""

    __tablename__ = "import_rows"

    import_id: int = Field(primary_key=True, foreign_key="imports.id")
    row: int = Field(primary_key=True)
    """As a spreadsheet shows it."""
    case_number: str = Field(foreign_key="cases.case_number", index=True)
    is_new: bool
    """Whether the row opened the case."""


_tables = LedgerTable.metadata.tables
imports: Table = _tables["imports"]
import_rows: Table = _tables["import_rows"]

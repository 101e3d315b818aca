"""Tables of the ledger's own identity."""

from datetime import datetime

from sqlalchemy import Table
from sqlmodel import AutoString, Field

from models.lineage import Discord
from models.tables import LedgerTable


class LineageRow(LedgerTable, table=True):
    """Which ledger this is; one row. Columns as in `models.lineage.Lineage`."""

    __tablename__ = "lineage"

    ledger: str = Field(primary_key=True)
    generation: int
    keys_tick: int = 0
    temporal_tick: int = 0
    held_since: datetime | None = None
    held_because: Discord | None = Field(default=None, sa_type=AutoString)


class GenerationRow(LedgerTable, table=True):
    """A life of the ledger that began when it was put back from a copy; never changed, never removed."""

    __tablename__ = "generations"

    number: int = Field(primary_key=True)
    began_at: datetime
    begun_by: str
    entries: int
    """Number of the audit chain's last entry then; 0 while there was none."""


# The same tables, as SQLAlchemy Core statements want them.
_tables = LedgerTable.metadata.tables
lineage: Table = _tables["lineage"]
generations: Table = _tables["generations"]

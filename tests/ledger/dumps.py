"""What a thief gets: the files of a database and of its log, and the folder of papers."""

import re
from pathlib import Path

from sqlalchemy import Engine, text

from models.tables import LedgerTable

_READABLE = re.compile(rb"[\x20-\x7e\x80-\xff]{5,}")
_POSITION = text("SELECT file_name, file_offset FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())")
_FILE = text("SELECT pg_relation_filepath(:name)")


def log_position(engine: Engine) -> tuple[str, int]:
    """Return where the write-ahead log of a PostgreSQL is now: file and offset."""
    if engine.dialect.name == "sqlite":
        return "", 0
    with engine.connect() as connection:
        file, offset = connection.execute(_POSITION).one()
        return file, offset


def dump(engine: Engine, since: tuple[str, int]) -> dict[str, bytes]:
    """Return the readable parts of every file of a database, and of its log since a position."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        return {path.name: _readable(path.read_bytes()) for path in file.parent.glob(f"{file.name}*")}
    first, begin = since
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        last, end = connection.execute(_POSITION).one()
        connection.execute(text("CHECKPOINT"))
        folder = Path(connection.execute(text("SHOW data_directory")).scalar_one())
        found = {
            table: folder / connection.execute(_FILE, {"name": table}).scalar_one()
            for table in LedgerTable.metadata.tables
        }
    read = {table: _readable(path.read_bytes()) for table, path in found.items()}
    for path in (folder / "pg_wal").glob("0*"):
        if first <= path.name <= last:
            content = path.read_bytes()[: end if path.name == last else None]
            read[path.name] = _readable(content[begin if path.name == first else 0 :])
    return read


def _readable(content: bytes) -> bytes:
    return b"\n".join(_READABLE.findall(content))

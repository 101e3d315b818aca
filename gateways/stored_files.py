"""Which files of the document store a ledger names, and copies of them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine, select, union

from gateways.folder_documents import place_of
from gateways.ledger_access import LedgerAccess, unreachable
from models.desk_tables import letters, submissions
from models.tables import documents

_NAMES = union(
    select(documents.c.name),
    select(letters.c.pdf_name).where(letters.c.pdf_name.is_not(None)),
    select(submissions.c.proof_name).where(submissions.c.proof_name.is_not(None)),
)


def names_in(engine: Engine) -> Iterator[str]:
    """Yield the names of the files that a ledger names, each once."""
    with LedgerAccess(engine, unreachable(engine)).snapshot() as connection:
        yield from connection.execute(_NAMES.execution_options(yield_per=1000)).scalars()


def copy_files(root: Path, target: Path, told: Callable[[int], None]) -> int:
    """Copy a document store into a new folder; return how many files that were. Tell after each."""
    target.mkdir(mode=0o700)
    copied = 0
    for path in root.glob("??/??/*"):
        place = target / path.relative_to(root)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copy2(path, place)
        except FileNotFoundError:
            continue  # erased meanwhile
        copied += 1
        told(1)
    return copied


def missing_from(root: Path, names: Iterator[str]) -> int:
    """Return how many of these files a store has not."""
    return sum(not place_of(root, name).is_file() for name in names)

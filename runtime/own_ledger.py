"""Where the ledger is: in the database that is named, or in the folder of a local stack, if there is one."""

from sqlalchemy import Engine

from gateways.ledger_schema import open_engine
from models.errors import NoStack
from runtime.settings import Settings


def has_ledger(settings: Settings) -> bool:
    """Tell whether a database is named, or a local stack has made its ledger. It may be out of reach."""
    if settings.database_url is not None:
        return True
    try:
        settings.ledger_file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True  # something is in the way: who opens it is told what
    return True


def require_ledger(settings: Settings) -> None:
    """Raise NoStack where no ledger can be: none is named, and none was made here."""
    if not has_ledger(settings):
        raise NoStack


def open_ledger(settings: Settings) -> Engine:
    """Open the ledger's database, which makes no file; nothing is connected yet.

    Raises Misconfigured for an address that is none, NoStack where there is no ledger.
    """
    require_ledger(settings)
    return open_engine(settings.ledger_url)

"""Whether the keys that are loaded open what the ledger holds."""

from contextlib import suppress

from sqlalchemy import Engine, select

from gateways import sealed_rows
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ports.vault import Vault
from models.errors import Erased
from models.tables import people

_AT_A_TIME = 50
_NEWEST = select(people).where(people.c.sealed.is_not(None)).order_by(people.c.id.desc())


def require_opens(engine: Engine, vault: Vault) -> bool:
    """Open what the ledger holds of the newest person who was not erased; False when there is none.

    Raises Misconfigured.
    """
    vault.index(sealed_rows.NIK, "")
    with LedgerAccess(engine, lambda: unreachable(engine)).snapshot() as connection:
        for row in connection.execution_options(yield_per=_AT_A_TIME).execute(_NEWEST).mappings():
            with suppress(Erased):
                sealed_rows.person(vault.key(row["key_id"]), row["sealed"])
                return True
    return False

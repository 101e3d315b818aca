"""Whether the keys that are loaded open what the ledger holds."""

from contextlib import suppress

from sqlalchemy import Engine, select

from gateways import sealed_rows
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ports.vault import Vault
from models.errors import Erased
from models.tables import people

_NEWEST = select(people).where(people.c.sealed.is_not(None)).order_by(people.c.id.desc()).limit(1)


def require_opens(engine: Engine, vault: Vault) -> bool:
    """Open what the ledger holds of the newest person; False when it holds nobody. Raises Misconfigured."""
    with LedgerAccess(engine, unreachable(engine)).read() as connection:
        row = connection.execute(_NEWEST).mappings().one_or_none()
    if row is None:
        vault.index(sealed_rows.NIK, "")
        return False
    with suppress(Erased):  # the key store knew the person
        sealed_rows.person(vault.key(row["key_id"]), row["sealed"])
    return True

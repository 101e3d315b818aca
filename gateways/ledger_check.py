"""Whether the keys that are loaded open what the ledger holds."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, bindparam, select

from gateways import sealed_rows
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ports.vault import Vault
from models.errors import BadReply, Erased
from models.tables import people

_LOOKED_AT: Final = 20
_NEWEST = (
    select(people).where(people.c.sealed.is_not(None)).order_by(people.c.id.desc()).limit(bindparam("most"))
)


@dataclass(frozen=True)
class Opened:
    """What was found of the newest people."""

    readable: int
    """Those whom the keys open, or whose key the key store destroyed."""
    unreadable: int
    """Those whose keys were lost with a key store that was put back."""


def require_opens(engine: Engine, vault: Vault) -> Opened:
    """Open what the ledger holds of the newest people. Raises Misconfigured or BadReply when none opens."""
    with LedgerAccess(engine, unreachable(engine)).read() as connection:
        rows = connection.execute(_NEWEST, {"most": _LOOKED_AT}).mappings().all()
    vault.index(sealed_rows.NIK, "")
    readable, lost = 0, None
    for row in rows:
        try:
            sealed_rows.person(vault.key(row["key_id"]), row["sealed"])
        except Erased:
            readable += 1
        except BadReply as fault:
            lost = fault
        else:
            readable += 1
    if lost is not None and not readable:
        raise lost
    return Opened(readable, len(rows) - readable)

"""Whether the keys that are loaded open what the ledger holds."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, select

from gateways import sealed_rows
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ports.vault import Vault
from models.errors import BadReply, Erased, KeyLost
from models.tables import people

_LOOKED_AT: Final = 20
_AT_A_TIME: Final = 50
_NEWEST = select(people).where(people.c.sealed.is_not(None)).order_by(people.c.id.desc())


@dataclass(frozen=True)
class Opened:
    """What was found of the newest people who were not erased."""

    readable: int
    unreadable: int
    """Those whose keys were lost with a key store that was put back."""


def require_opens(engine: Engine, vault: Vault) -> Opened:
    """Open what the ledger holds of the newest people. Raises Misconfigured or BadReply when none opens."""
    vault.index(sealed_rows.NIK, "")
    readable, lost, faults = 0, 0, list[BadReply]()
    with LedgerAccess(engine, unreachable(engine)).snapshot() as connection:
        for row in connection.execution_options(yield_per=_AT_A_TIME).execute(_NEWEST).mappings():
            try:
                sealed_rows.person(vault.key(row["key_id"]), row["sealed"])
            except Erased:
                continue
            except KeyLost:
                lost += 1
            except BadReply as fault:
                faults.append(fault)
            else:
                readable += 1
            if readable + lost + len(faults) == _LOOKED_AT:
                break
    if faults and not readable:
        raise faults[0]
    return Opened(readable, lost + len(faults))

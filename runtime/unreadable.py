"""Open cases that nobody can read again, because their people's keys were lost with a key store."""

from collections.abc import Sequence

from gateways.ports.recovery import RecoveryBook
from gateways.ports.vault import Vault


def unreadable_cases(book: RecoveryBook, vault: Vault) -> Sequence[str]:
    """Return the open cases that were sealed with keys that `starter.py restored` made anew.

    None of them can go on: it is withdrawn, and the person applies anew, with the new key.
    """
    renewed = vault.lost()
    return book.sealed_before(renewed) if renewed else ()

"""Holds a Temporal namespace for one ledger: it runs for as long as the ledger is served there."""

from typing import Final

from temporalio import workflow

from models.lineage import Claim

CLAIM_ID: Final = "ledger-claim"
"""The workflow id; there is one in a namespace, and whoever starts it first has the namespace."""
CLAIM: Final = "claim"
"""The memo that says whose it is, which can be read without a worker."""


@workflow.defn
class LedgerClaim:
    """Does nothing but run. An administrator who terminates it gives the namespace free."""

    @workflow.run
    async def run(self, claim: Claim) -> None:
        """Say whose the namespace is, for ever."""
        workflow.set_current_details(
            f"Namespace ini melayani buku besar `{claim.ledger}` (generasi {claim.generation}).\n\n"
            "Jangan dihentikan selama buku besar itu dipakai."
        )
        await workflow.wait_condition(lambda: False)

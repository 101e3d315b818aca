"""Holds a Temporal namespace for one ledger, and notes how far it is, so that an older copy is noticed."""

from typing import Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from models.errors import AnotherLedger
from models.lineage import Claim, Past, Witnessed

CLAIM_ID: Final = "ledger-claim"
"""The workflow id; there is one in a namespace, and whoever starts it first has the namespace."""
CLAIM: Final = "claim"
"""The memo that says whose it is and what was noted, which can be read without a worker."""


@workflow.defn
class LedgerClaim:
    """Runs as long as the ledger is served. An administrator who terminates it gives the namespace free."""

    @workflow.init
    def __init__(self, claim: Claim) -> None:
        """Begin with what was noted before."""
        self._claim = claim

    @workflow.run
    async def run(self, claim: Claim) -> None:
        """Say whose the namespace is, for ever."""
        workflow.set_current_details(
            f"Namespace ini melayani buku besar `{claim.ledger}` (generasi {claim.generation}).\n\n"
            "Jangan dihentikan selama buku besar itu dipakai."
        )
        await workflow.wait_condition(lambda: workflow.info().is_continue_as_new_suggested())
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self._claim)

    @workflow.update(description="Note how far the ledger is.")
    def note(self, past: Past) -> Witnessed:
        """Note it where everybody can read it, and return what stands there now."""
        noted = Witnessed.after(self._claim.noted, past)
        if noted != self._claim.noted:
            self._claim = self._claim.model_copy(update={"noted": noted})
            workflow.upsert_memo({CLAIM: self._claim})
        return noted

    @note.validator
    def _is_of_this_ledger(self, past: Past) -> None:
        if (past.ledger, past.generation) != (self._claim.ledger, self._claim.generation):
            raise ApplicationError("the namespace serves another ledger", type=AnotherLedger.__name__)

"""Step four: the ministry verifies the submission."""

from temporalio import activity

from gateways.ports import Kemensos, Ledger
from models.errors import NotYetAnswered, WrongState
from models.messages import StepAsk, StepReply


class KemensosVerification:
    """Asks until the ministry has decided."""

    def __init__(self, ledger: Ledger, kemensos: Kemensos) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._ledger = ledger
        self._kemensos = kemensos

    @activity.defn
    def kemensos_verification(self, ask: StepAsk) -> StepReply:
        """Return the ministry's decision. Raises NotYetAnswered while there is none."""
        reference = self._ledger.submission_reference(ask.case_number)
        if reference is None:
            raise WrongState("the case has no SIKS-NG submission yet")
        decision = self._kemensos.decision(reference)
        if decision is None:
            raise NotYetAnswered("kemensos", ask.poll_every)
        return StepReply(answer=decision)

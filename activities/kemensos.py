"""Step four: the ministry verifies the submission."""

from temporalio import activity

from activities.ways import Way
from gateways.ports.institutions import Kemensos, Verdict
from gateways.ports.ledger import Ledger
from gateways.ports.policies import PolicyShelf
from models.answers import Answer, Approved
from models.errors import LedgerBehind, Misconfigured, NotYetAnswered
from models.messages import StepAsk, StepReply
from models.reasons import OTHER


class KemensosVerification:
    """Asks until the ministry has decided, or leaves it to the people who read its portal."""

    def __init__(self, ledger: Ledger, shelf: PolicyShelf, kemensos: Kemensos | None, way: Way) -> None:
        """Hold the ports; `kemensos` is None when only people work the ministry's portal."""
        self._ledger = ledger
        self._shelf = shelf
        self._kemensos = kemensos
        self._way = way

    @activity.defn(no_thread_cancel_exception=True)
    def kemensos_verification(self, ask: StepAsk) -> StepReply:
        """Return the ministry's decision. Raises NotYetAnswered while there is none."""
        return self._way.reply(ask, self._by_machine)

    def _by_machine(self, ask: StepAsk) -> Answer:
        if self._kemensos is None:
            raise Misconfigured("kemensos: no machine is set up")
        reference = self._ledger.submission_reference(ask.case_number)
        if reference is None:
            raise LedgerBehind("the ledger has no submission of the case")
        decision = self._kemensos.decision(reference)
        if decision is None:
            raise NotYetAnswered("kemensos", ask.poll_every)
        reasons, code = self._shelf.reasons(), decision.code or OTHER
        match decision.verdict:
            case Verdict.APPROVED:
                return Approved()
            case Verdict.RETURNED:
                return reasons.returned(code)
            case Verdict.REJECTED:
                return reasons.final(code)

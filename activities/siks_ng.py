"""Step three: hand the person's submission to SIKS-NG."""

from temporalio import activity

from activities.moot import moot_for
from activities.ways import Way
from gateways.ports.institutions import Bpjs, SiksNg, Submission
from gateways.ports.ledger import Ledger
from models.answers import Answer, Approved
from models.errors import LedgerBehind, Misconfigured
from models.messages import StepAsk, StepReply


class SiksNgUpload:
    """Submits once per attempt, whatever crashes, or leaves it to the people who work the portal."""

    def __init__(self, ledger: Ledger, siks_ng: SiksNg | None, bpjs: Bpjs | None, way: Way) -> None:
        """Hold the ports; `siks_ng` is None when only people work the portal."""
        self._ledger = ledger
        self._siks_ng = siks_ng
        self._bpjs = bpjs
        self._way = way

    @activity.defn(no_thread_cancel_exception=True)
    def siks_ng_upload(self, ask: StepAsk) -> StepReply:
        """Submit under the attempt's idempotency key and keep the reference in the ledger.

        A case that was begun anew counts its attempts from one; what a run before handed in is not handed in
        again, but asked for under its own key.

        A person who is covered by now is not submitted. That is asked before the first call only: after
        it, being active may be what this very submission brought about.
        """
        return self._way.reply(ask, self._by_machine, has_effect=True)

    def _by_machine(self, ask: StepAsk) -> Answer:
        if self._siks_ng is None:
            raise Misconfigured("siks_ng: no machine is set up")
        dossier = self._ledger.dossier(ask.case_number)
        if dossier.letter_number is None:
            raise LedgerBehind("the ledger has no recommendation of the case")
        attempt, is_begun = self._ledger.upload(ask.case_number, ask.attempt)
        if not is_begun:
            if (moot := moot_for(dossier.person, self._bpjs, ask.case_number)) is not None:
                return moot
            self._ledger.begin_submission(ask.case_number, attempt)
        submission = Submission(
            person=dossier.person,
            recommendation_number=dossier.letter_number,
            deactivated_on=dossier.deactivated_on,
            documents=tuple(paper.sha256 for paper in dossier.papers),
        )
        reference = self._siks_ng.submit(submission, key=ask.model_copy(update={"attempt": attempt}).key)
        self._ledger.save_submission(ask.case_number, attempt, reference, activity.info().started_time)
        return Approved()

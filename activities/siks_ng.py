"""Step three: hand the person's submission to SIKS-NG."""

from temporalio import activity

from activities.moot import moot_for
from gateways.ports import Bpjs, Ledger, SiksNg, Submission
from models.answers import Approved
from models.errors import WrongState
from models.messages import StepAsk, StepReply


class SiksNgUpload:
    """Submits once per attempt, whatever crashes."""

    def __init__(self, ledger: Ledger, siks_ng: SiksNg, bpjs: Bpjs) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._ledger = ledger
        self._siks_ng = siks_ng
        self._bpjs = bpjs

    @activity.defn
    def siks_ng_upload(self, ask: StepAsk) -> StepReply:
        """Submit under the attempt's idempotency key and keep the reference in the ledger.

        A person who is covered by now is not submitted. That is asked before the first call only: after
        it, being active may be what this very submission brought about.
        """
        dossier = self._ledger.dossier(ask.case_number)
        number = self._ledger.recommendation_number(ask.case_number)
        if number is None:
            raise WrongState("the case has no recommendation yet")
        if not self._ledger.submission_begun(ask.case_number, ask.attempt):
            if (moot := moot_for(dossier.person, self._bpjs, ask.case_number)) is not None:
                return StepReply(answer=moot)
            self._ledger.begin_submission(ask.case_number, ask.attempt)
        submission = Submission(
            person=dossier.person,
            recommendation_number=number,
            deactivated_on=dossier.deactivated_on,
            documents=tuple(paper.sha256 for paper in dossier.papers),
        )
        reference = self._siks_ng.submit(submission, key=ask.key)
        self._ledger.save_submission(ask.case_number, ask.attempt, reference, activity.info().started_time)
        return StepReply(answer=Approved())

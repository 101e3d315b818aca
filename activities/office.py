"""The two steps of the Dinsos itself: is the file complete, and does the office recommend the person."""

from temporalio import activity

from activities.moot import moot_for
from gateways.ports import Bpjs, Documents, Ledger, PolicyShelf
from models.answers import Approved, ReasonCode, Returned
from models.case import Step
from models.errors import DocumentLost
from models.messages import StepAsk, StepReply
from models.wib import wib_date


class Office:
    """Answers by the rules of the city's policy."""

    def __init__(self, ledger: Ledger, documents: Documents, shelf: PolicyShelf, bpjs: Bpjs) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._ledger = ledger
        self._bpjs = bpjs
        self._documents = documents
        self._shelf = shelf

    @activity.defn
    def document_check(self, ask: StepAsk) -> StepReply:
        """Compare the papers with the checklist of city and track, and each paper with its hash.

        A person who is covered already needs no papers. A missing kind is returned to the applicant. A
        paper that the office had and that is gone or altered is nobody's answer: unless another of its
        kind is there, it raises DocumentLost and a person looks into it.
        """
        dossier = self._ledger.dossier(ask.case_number)
        if (moot := moot_for(dossier.person, self._bpjs, ask.case_number)) is not None:
            return StepReply(answer=moot)
        intact = {paper.kind for paper in dossier.papers if self._documents.is_intact(paper.sha256)}
        if {paper.kind for paper in dossier.papers} - intact:
            raise DocumentLost("a paper of the case is gone from the document store or was altered")
        track = self._shelf.city(dossier.case.city).tracks[dossier.case.track]
        if track.missing(intact):
            return StepReply(
                answer=Returned(reason=ReasonCode.DOK_TIDAK_LENGKAP, back_to=Step.DOCUMENT_CHECK)
            )
        return StepReply(answer=Approved())

    @activity.defn
    def recommendation(self, ask: StepAsk) -> StepReply:
        """Recommend a person whose need the track serves, under a number of its own (domain 1.2, 1.4)."""
        dossier = self._ledger.dossier(ask.case_number)
        track = self._shelf.city(dossier.case.city).tracks[dossier.case.track]
        if dossier.need.kind not in track.needs:
            return StepReply(
                answer=Returned(reason=ReasonCode.KEBUTUHAN_TIDAK_SESUAI, back_to=Step.RECOMMENDATION)
            )
        self._ledger.recommend(ask.case_number, ask.attempt, wib_date(activity.info().started_time))
        return StepReply(answer=Approved())

"""The two steps of the Dinsos itself: is the file complete, and does the office recommend the person."""

from contextlib import suppress

from temporalio import activity

from activities.moot import moot_for
from activities.plan import plan_of
from activities.ways import reply_of
from gateways.ports.desk import Desk
from gateways.ports.institutions import Bpjs
from gateways.ports.ledger import Ledger
from gateways.ports.papers import Documents
from gateways.ports.policies import PolicyShelf
from models.answers import Approved
from models.case import CaseRef, Step
from models.desk import NewLetter
from models.dossier import Dossier
from models.errors import DocumentLost, ReactivationError
from models.letters import subject_digest
from models.messages import GiveAnswer, OfficeReplies, Opening, StepAsk, StepReply
from models.reasons import NEED_NOT_SERVED, PAPERS_MISSING
from models.wib import wib_date


class Office:
    """Answers by the rules of the city's policy; where officers work, what the rules let pass is theirs."""

    def __init__(  # noqa: PLR0913 - one port each
        self,
        ledger: Ledger,
        documents: Documents,
        shelf: PolicyShelf,
        *,
        bpjs: Bpjs | None,
        desk: Desk,
        has_officers: bool,
    ) -> None:
        """Hold the ports; with `has_officers` people check papers and sign, otherwise rules decide alone."""
        self._ledger = ledger
        self._bpjs = bpjs
        self._documents = documents
        self._shelf = shelf
        self._desk = desk
        self._has_officers = has_officers

    @activity.defn(no_thread_cancel_exception=True)
    def opening(self, case: CaseRef) -> Opening:
        """Return what a new case is held to, and what the rules answer to its first steps in passing.

        Officers are asked by `office_steps`, once the case has opened the step and can take their answer. So
        is what the rules cannot answer at once: a case whose first attempt took too long or failed, as when
        BPJS hangs, gets its plan alone by the second.
        """
        dossier = self._ledger.dossier(case.case_number)
        plan = plan_of(case, self._shelf, {paper.kind for paper in dossier.papers})
        if self._has_officers or activity.info().attempt > 1:
            return Opening(plan=plan)
        ask = StepAsk(
            case_number=case.case_number, step=Step.DOCUMENT_CHECK, attempt=1, poll_every=plan.poll_every
        )
        with suppress(ReactivationError):
            return Opening(plan=plan, replies=self._in_passing(ask, dossier))
        return Opening(plan=plan)

    @activity.defn(no_thread_cancel_exception=True)
    def office_steps(self, ask: StepAsk) -> OfficeReplies:
        """Answer a step of the office and, when the papers pass, the recommendation that follows.

        Raises as both do; what the first one answered is then asked again.
        """
        return OfficeReplies(replies=self._in_passing(ask, self._ledger.dossier(ask.case_number)))

    @activity.defn(no_thread_cancel_exception=True)
    def document_check(self, ask: StepAsk) -> StepReply:
        """Compare the papers with the checklist of city and track, and each paper with its hash.

        A person who is covered already needs no papers; asked before anything of the case was handed in, also
        when its story is begun anew. A missing kind is returned to the applicant. A
        paper that the office had and that is gone or altered is nobody's answer: unless another of its
        kind is there, it raises DocumentLost and a person looks into it. An officer then looks at the papers
        that no officer accepted before; when nothing changed since, there is nothing to look at.
        """
        return self._checked(ask, self._ledger.dossier(ask.case_number))

    @activity.defn(no_thread_cancel_exception=True)
    def recommendation(self, ask: StepAsk) -> StepReply:
        """Recommend a person whose need the track serves, by a numbered letter (domain 1.2, 1.4).

        A letter that still says what the ledger says stands, and need not be signed again.
        """
        return self._recommended(ask, self._ledger.dossier(ask.case_number))

    def _in_passing(self, ask: StepAsk, dossier: Dossier) -> tuple[StepReply, ...]:
        if ask.step is Step.RECOMMENDATION:
            return (self._recommended(ask, dossier),)
        check = self._checked(ask, dossier)
        if not isinstance(check.answer, Approved):
            return (check,)
        following = ask.model_copy(update={"step": Step.RECOMMENDATION})
        return check, self._recommended(following, dossier)

    def _checked(self, ask: StepAsk, dossier: Dossier) -> StepReply:
        if (given := self._given(ask)) is not None:
            return reply_of(given)
        if not dossier.is_submitted:
            moot = moot_for(dossier.person, self._bpjs, ask.case_number)
            if moot is not None:
                return StepReply(answer=moot)
        intact = [paper for paper in dossier.papers if self._documents.is_intact(paper.sha256)]
        kinds = {paper.kind for paper in intact}
        if {paper.kind for paper in dossier.papers} - kinds:
            raise DocumentLost("a paper of the case is gone from the document store or was altered")
        track = self._shelf.city(dossier.case.city).tracks[dossier.case.track]
        if track.missing(kinds):
            return StepReply(answer=self._shelf.reasons().returned(PAPERS_MISSING))
        if self._has_officers and {paper.sha256 for paper in intact} - dossier.accepted:
            return reply_of(self._desk.open(ask))
        return StepReply(answer=Approved())

    def _recommended(self, ask: StepAsk, dossier: Dossier) -> StepReply:
        if (given := self._given(ask)) is not None:
            return reply_of(given)
        city = self._shelf.city(dossier.case.city)
        if dossier.need.kind not in city.tracks[dossier.case.track].needs:
            return StepReply(answer=self._shelf.reasons().returned(NEED_NOT_SERVED))
        digest = subject_digest(dossier.person, dossier.need, dossier.deactivated_on)
        if self._has_officers:
            letter = self._ledger.letter(ask.case_number)
            if letter is None or letter.subject_digest != digest:
                return reply_of(self._desk.open(ask))
        else:
            today = wib_date(activity.info().started_time)
            new = NewLetter(today, digest, city.letter.number_of, signer=None)
            self._ledger.issue_letter(ask.case_number, ask.attempt, new)
        return StepReply(answer=Approved())

    def _given(self, ask: StepAsk) -> GiveAnswer | None:
        """Return what an officer answered to this attempt before, for example before a reset."""
        return self._desk.given(ask) if self._has_officers else None

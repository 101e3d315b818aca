"""One case: a person whose PBI JK was switched off is switched on again, in five steps, within 24 hours."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from activities.recorder import Recorder
from models.answers import Answer, Approved, Moot, ReasonCode, Rejected, Returned
from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, WaitingOn
from models.errors import DocumentLost
from models.messages import (
    Accepted,
    AlertKind,
    CasePlan,
    EventKind,
    PapersAdded,
    RetryStep,
    StepAsk,
    Withdraw,
)
from workflows import options, steps
from workflows.alarm import Alarm
from workflows.progress import Progress
from workflows.sla import Mark, SlaClock, keep_time
from workflows.steps import NOT_YET_ANSWERED, trouble_of

PAPER_TROUBLE = {ReasonCode.DOK_TIDAK_LENGKAP, ReasonCode.DOK_TIDAK_JELAS, DocumentLost.__name__}
"""What new papers may mend."""


@workflow.defn
class Reactivation:
    """The durable story of one case. It ends by an answer or a withdrawal, never by an error."""

    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        """Begin where the application was registered."""
        self._case = case
        self._progress = Progress(case)
        self._alarm = Alarm()
        self._timekeeper: asyncio.Task[None] | None = None
        self._is_over = False
        self._withdrawn = False
        self._awaits_person = False

    @workflow.run
    async def run(self, case: CaseRef) -> CaseState:  # noqa: ARG002 - taken by __init__
        """Take the case from registration to its outcome and return its final state."""
        story = asyncio.create_task(self._story())
        while not story.done():
            try:
                await workflow.wait_condition(story.done)
            except asyncio.CancelledError:
                # A cancel request in the Web UI is a withdrawal by whoever pressed the button.
                self._withdraw("cancel-request")
        try:
            story.result()
        except FailureError as error:
            # Temporal would fail the case. This suspends the workflow task instead, where supervisors
            # see it, until a worker with mended code comes up.
            raise RuntimeError("a failure escaped the story of the case") from error
        return self._progress.state

    # -- The story -----------------------------------------------------------------------------

    async def _story(self) -> None:
        # What the city holds itself to is read once and belongs to the case from then on.
        plan = await self._open()

        # The office's 24 hours run from the complete file, whoever the case waits for.
        clock = SlaClock(plan.budget, plan.warn_at)
        if plan.complete_at is not None:
            self._start(clock, plan.complete_at)

        # Five steps, one after the other, unless the case is withdrawn on the way.
        walk = asyncio.create_task(self._walk(plan, clock))
        await workflow.wait_condition(lambda: walk.done() or self._clock_is_broken())
        await self._stop_clock()
        outcome = walk.result()

        # The end is judged by arithmetic and written down, and every alert is out before the case is over.
        await self._close(clock, outcome)

    async def _walk(self, plan: CasePlan, clock: SlaClock) -> Outcome:
        """Take step after step until the last is approved, one ends the case, or it is withdrawn."""
        step: Step | None = Step.DOCUMENT_CHECK
        while step is not None and not self._withdrawn:
            await self._enter(step)
            answer = await self._ask(step, plan.poll_every)
            if answer is None:
                return Outcome.WITHDRAWN
            self._progress.note(EventKind.ANSWER_RECORDED, reason=_reason(answer), decision=answer.decision)
            if isinstance(answer, Rejected):
                return Outcome.REJECTED
            if isinstance(answer, Moot):
                return answer.outcome
            if isinstance(answer, Approved) and step is Step.DOCUMENT_CHECK and not clock.is_running:
                self._start(clock, workflow.now())
            if isinstance(answer, Approved) and step.following is None:
                return Outcome.REACTIVATED
            step = await self._mended(answer) if isinstance(answer, Returned) else step.following
        return Outcome.WITHDRAWN

    # -- Its parts ------------------------------------------------------------------------------

    async def _open(self) -> CasePlan:
        """Read what the case is held to, for as long as it takes."""
        self._progress.note(EventKind.CASE_OPENED, track=self._case.track)
        while True:
            try:
                return await workflow.execute_local_activity_method(
                    Recorder.open_case, self._case, **options.LEDGER_AT_ONCE
                )
            except FailureError as error:
                await self._wait_for_person(
                    AlertKind.CASE_STUCK, trouble_of(error), options.ASK_AGAIN_AFTER_OUTAGE
                )

    async def _enter(self, step: Step) -> None:
        self._progress.move(step=step, waiting_on=steps.WAITING_ON[step], since=workflow.now())
        self._progress.note(EventKind.STEP_OPENED)
        await self._progress.publish()

    async def _ask(self, step: Step, poll_every: timedelta) -> Answer | None:
        """Ask until there is an answer; None when the case is withdrawn before.

        A round of failures marks the case stuck; it is then asked again. An effect that is under way when
        the case is withdrawn is awaited, so that its answer is recorded.
        """
        attempt = self._progress.state.attempt
        question = StepAsk(
            case_number=self._case.case_number, step=step, attempt=attempt, poll_every=poll_every
        )
        while not self._withdrawn:
            asking = asyncio.create_task(steps.ask(question))
            await workflow.wait_condition(lambda: asking.done() or self._withdrawn)  # noqa: B023 - awaited here
            if not asking.done():
                asking.cancel()
                await workflow.wait([asking])
            if asking.cancelled():
                return None
            error = asking.exception()
            if error is None:
                return asking.result()
            if not isinstance(error, ActivityError):
                raise error
            trouble = trouble_of(error)
            if trouble != NOT_YET_ANSWERED and not steps.was_cancelled(error):
                await self._wait_for_person(AlertKind.CASE_STUCK, trouble, steps.ask_again_after(error))
        return None

    async def _mended(self, answer: Returned) -> Step:
        """Wait until somebody mended what was wrong and return the step to take again."""
        papers_missing = answer.reason is ReasonCode.DOK_TIDAK_LENGKAP
        self._progress.move(
            waiting_on=WaitingOn.APPLICANT if papers_missing else WaitingOn.OFFICER, since=workflow.now()
        )
        await self._wait_for_person(AlertKind.CASE_RETURNED, answer.reason.value, None)
        self._progress.move(attempt=self._progress.state.attempt + 1)
        return answer.back_to

    async def _wait_for_person(self, alert: AlertKind, trouble: str, at_most: timedelta | None) -> None:
        """Call for a person and wait until one says `retry`; `at_most` is None when nothing else can help."""
        self._awaits_person = True
        self._progress.move(health=CaseHealth.STUCK, trouble=trouble)
        self._progress.note(EventKind.STEP_STUCK, trouble=trouble)
        state = self._progress.state
        self._alarm.raise_(alert, f"{alert}:{state.step}:{state.attempt}", state, trouble)
        await self._progress.publish()
        try:
            await workflow.wait_condition(
                lambda: not self._awaits_person or self._withdrawn,
                timeout=at_most,
                timeout_summary="Dicoba lagi dengan sendirinya",
            )
        except TimeoutError:
            self._awaits_person = False
            self._progress.note(EventKind.STEP_RETRIED, by="engine")
        self._progress.move(health=CaseHealth.OK, trouble=None)
        await self._progress.publish()

    async def _close(self, clock: SlaClock, outcome: Outcome) -> None:
        closed_at = workflow.now()
        # The timer and the last answer may arrive together; then the timekeeper never saw its mark.
        if (mark := clock.reach(closed_at)) is not None and mark.is_breach:
            self._pass(mark)
        sla_state = clock.settle(closed_at)
        self._progress.move(
            waiting_on=WaitingOn.NOBODY,
            since=closed_at,
            health=CaseHealth.OK,
            trouble=None,
            sla_state=sla_state,
            outcome=outcome,
            closed_at=closed_at,
        )
        self._progress.note(EventKind.SLA_MET if sla_state is SlaState.MET else EventKind.SLA_MISSED)
        self._progress.note(EventKind.CASE_CLOSED, outcome=outcome)
        await self._progress.publish()
        await self._alarm.silence()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # -- The clock ------------------------------------------------------------------------------

    def _start(self, clock: SlaClock, at: datetime) -> None:
        clock.start(at)
        self._progress.move(due_at=clock.due_at)
        self._progress.note(EventKind.SLA_STARTED, at=at)
        self._timekeeper = asyncio.create_task(keep_time(clock, self._tell, lambda: self._is_over))

    async def _tell(self, mark: Mark) -> None:
        self._pass(mark)
        await self._progress.publish()

    def _pass(self, mark: Mark) -> None:
        """Note a mark and begin to tell people."""
        now = workflow.now()
        if mark.is_breach:
            self._progress.move(sla_state=SlaState.BREACHED, escalation_level=mark.level, detected_at=now)
            late = int((now - mark.at).total_seconds())
            self._progress.note(EventKind.SLA_BREACHED, at=mark.at, detected_late_seconds=late)
        else:
            self._progress.move(sla_state=SlaState.AT_RISK)
            self._progress.note(EventKind.SLA_WARNED, at=mark.at, percent=mark.percent)
        kind = AlertKind.SLA_BREACH if mark.is_breach else AlertKind.SLA_WARNING
        self._alarm.raise_(kind, f"sla:{mark.percent}", self._progress.state)

    def _clock_is_broken(self) -> bool:
        clock = self._timekeeper
        return clock is not None and clock.done() and clock.exception() is not None

    async def _stop_clock(self) -> None:
        """End the pending timer. An error of the clock comes out here, not in silence."""
        self._is_over = True
        if self._timekeeper is not None:
            await self._timekeeper

    # -- Commands and questions -------------------------------------------------------------------

    @workflow.query(description="Where the case is.")
    def state(self) -> CaseState:
        """Return the present state."""
        return self._progress.state

    @workflow.update(description="End the case because the applicant or the office asked for it.")
    def withdraw(self, command: Withdraw) -> Accepted:
        """Stop the case at the next safe point; an effect under way is awaited and recorded."""
        self._withdraw(command.command_id)
        return Accepted(state=self._progress.state)

    @workflow.update(description="Papers came in; a case that waits for them goes on.")
    def papers_added(self, command: PapersAdded) -> Accepted:
        """Note the papers; when the case waits because of papers, take the step again."""
        self._progress.note(EventKind.PAPERS_ADDED, papers=command.count, command=command.command_id)
        if self._awaits_person and self._progress.state.trouble in PAPER_TROUBLE:
            self._awaits_person = False
            self._progress.note(EventKind.STEP_RETRIED, by="papers", command=command.command_id)
        return Accepted(state=self._progress.state)

    @papers_added.validator
    def _papers_are_welcome(self, command: PapersAdded) -> None:  # noqa: ARG002 - the SDK wants the same parameters
        self._require_open()

    @withdraw.validator
    def _withdraw_is_possible(self, command: Withdraw) -> None:  # noqa: ARG002 - the SDK wants the same parameters
        self._require_open()

    @workflow.update(description="Take the step again that waits for a person.")
    def retry_step(self, command: RetryStep) -> Accepted:
        """Go on with a case that is stuck or was returned."""
        self._awaits_person = False
        self._progress.note(EventKind.STEP_RETRIED, by="person", command=command.command_id)
        return Accepted(state=self._progress.state)

    @retry_step.validator
    def _retry_is_possible(self, command: RetryStep) -> None:  # noqa: ARG002 - the SDK wants the same parameters
        if not self._awaits_person:
            raise ApplicationError(
                f"nothing to retry: the case is at {self._progress.state.step} and waits for "
                f"{self._progress.state.waiting_on}",
                type="WrongState",
            )

    def _require_open(self) -> None:
        if self._withdrawn or self._progress.state.outcome is not None:
            raise ApplicationError("the case is ending already", type="WrongState")

    def _withdraw(self, command: str) -> None:
        if not self._withdrawn and self._progress.state.outcome is None:
            self._withdrawn = True
            self._progress.note(EventKind.CASE_WITHDRAWN, command=command)


def _reason(answer: Answer) -> ReasonCode | None:
    return answer.reason if isinstance(answer, Returned | Rejected) else None

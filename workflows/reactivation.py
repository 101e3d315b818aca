"""One case: a person whose PBI JK was switched off is switched on again, in five steps, within 24 hours."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

from activities.recorder import Recorder
from models.answers import Approved, HandedOver, Moot, Rejected, Returned
from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, WaitingOn
from models.errors import DocumentLost
from models.messages import (
    Accepted,
    AlertKind,
    CasePlan,
    DataCorrected,
    EventKind,
    GiveAnswer,
    PapersAdded,
    ReopenUpload,
    RetryStep,
    StepAsk,
    StepReply,
    SwitchTrack,
    Withdraw,
)
from models.roles import MACHINE, mender_of
from workflows import options, steps
from workflows.alarm import Alarm
from workflows.clock import CaseClock
from workflows.inbox import Inbox, refused
from workflows.progress import Progress
from workflows.steps import NOT_YET_ANSWERED, trouble_of


@workflow.defn
class Reactivation:
    """The durable story of one case. It ends by an answer or a withdrawal, never by an error."""

    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        """Begin where the application was registered."""
        self._progress = Progress(case)
        self._alarm = Alarm()
        self._inbox = Inbox()
        self._clock = CaseClock(self._progress, self._alarm)
        self._rounds = 0

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
        self._progress.note(EventKind.CASE_OPENED, {"track": self._progress.state.case.track})
        plan = await self._read_plan(self._progress.state.case)

        # The office's 24 hours run from the complete file, whoever the case waits for.
        self._clock.set(plan)
        if plan.complete_at is not None:
            self._clock.start(plan.complete_at)

        # Five steps, one after the other, unless the case is withdrawn on the way.
        walk = asyncio.create_task(self._walk(plan))
        await workflow.wait_condition(lambda: walk.done() or self._clock.is_broken)
        await self._clock.stop()
        outcome, happened_at = walk.result()

        # The end is judged by arithmetic and written down, and every alert is out before the case is over.
        await self._close(outcome, happened_at)

    async def _walk(self, plan: CasePlan) -> tuple[Outcome, datetime]:
        """Take step after step until one ends the case; return how it ended and when that happened."""
        step: Step | None = Step.DOCUMENT_CHECK
        while step is not None and not self._inbox.withdrawn:
            await self._enter(step)
            reply = await self._ask(step, plan.poll_every)
            if reply is None or reply.answer is None:
                step = self._reopened_step()
                continue
            answer, at = reply.answer, self._note_answer(EventKind.ANSWER_RECORDED, reply)
            if isinstance(answer, Rejected):
                return Outcome.REJECTED, at
            if isinstance(answer, Moot):
                return answer.outcome, at
            if isinstance(answer, Approved) and step is Step.DOCUMENT_CHECK and not self._clock.is_running:
                self._clock.start(at)
            if isinstance(answer, Approved) and step.following is None:
                return Outcome.REACTIVATED, at
            if isinstance(answer, Returned):
                step = await self._mended(answer, plan.max_rounds)
            elif isinstance(answer, HandedOver):
                step = self._skip_to_bpjs()
            else:
                step = step.following
        return Outcome.WITHDRAWN, workflow.now()

    # -- Its parts ------------------------------------------------------------------------------

    async def _read_plan(self, case: CaseRef) -> CasePlan:
        """Read what the case is held to, for as long as it takes."""
        while True:
            try:
                return await workflow.execute_local_activity_method(
                    Recorder.open_case, case, **options.LEDGER_AT_ONCE
                )
            except FailureError as error:
                await self._wait_for_person(
                    AlertKind.CASE_STUCK, trouble_of(error), options.ASK_AGAIN_AFTER_OUTAGE
                )

    async def _enter(self, step: Step) -> None:
        self._progress.move(step=step, waiting_on=steps.WAITING_ON[step], since=workflow.now())
        self._progress.note(EventKind.STEP_OPENED)
        self._inbox.open(step, self._progress.state.attempt)
        await self._progress.publish()

    async def _ask(self, step: Step, poll_every: timedelta) -> StepReply | None:
        """Ask until machine or person answers; None when the case is called off or the step reopened before.

        The first valid answer wins and a later one is noted. A round of failures marks the case stuck; it is
        then asked again. An effect under way is awaited, so that its answer is recorded.
        """
        state = self._progress.state
        question = StepAsk(
            case_number=state.case.case_number, step=step, attempt=state.attempt, poll_every=poll_every
        )
        reply = None
        while reply is None and not self._inbox.calls:
            asking = asyncio.create_task(steps.ask(question))
            await workflow.wait_condition(lambda: asking.done() or self._inbox.calls)  # noqa: B023 - awaited here
            if not asking.done():
                asking.cancel()
                await workflow.wait([asking])
            error = None if asking.cancelled() else asking.exception()
            if error is not None and not isinstance(error, ActivityError):
                raise error
            if error is not None:
                await self._outlive(error)
            elif not asking.cancelled() and asking.result().answer is not None:
                reply = asking.result()
            elif not self._inbox.calls:
                await self._wait_for_desk(step)
        given = self._inbox.take_answer()
        self._inbox.close()
        if reply is not None and (given is not None or self._inbox.reopened):
            self._note_answer(EventKind.ANSWER_LATE, reply)
            reply = None
        return reply if given is None else StepReply(answer=given.answer, given=given)

    async def _outlive(self, error: ActivityError) -> None:
        """Call for a person when a round of asking ended in trouble; waiting for a decision is no trouble."""
        trouble = trouble_of(error)
        if trouble != NOT_YET_ANSWERED and not steps.was_cancelled(error):
            await self._wait_for_person(AlertKind.CASE_STUCK, trouble, steps.ask_again_after(error))

    async def _wait_for_desk(self, step: Step) -> None:
        """Leave the step to the people who have it on their desk, until one answers or asks for it anew."""
        self._inbox.awaits_person = True
        self._progress.note(EventKind.STEP_ON_DESK)
        self._progress.move(waiting_on=steps.ON_DESK_WAITING_ON[step])
        await self._progress.publish()
        await workflow.wait_condition(lambda: not self._inbox.awaits_person or self._inbox.calls)
        self._inbox.awaits_person = False

    async def _mended(self, answer: Returned, max_rounds: int) -> Step:
        """Wait until somebody mended what was wrong and return the step to take again."""
        self._rounds += 1
        is_beyond = self._rounds > max_rounds
        waits_for = WaitingOn.SUPERVISOR if is_beyond else answer.waits_for
        alert = AlertKind.ROUNDS_EXHAUSTED if is_beyond else AlertKind.CASE_RETURNED
        self._progress.move(waiting_on=waits_for, since=workflow.now())
        await self._wait_for_person(alert, answer.reason, None)
        self._progress.move(attempt=self._progress.state.attempt + 1)
        return answer.back_to

    def _reopened_step(self) -> Step | None:
        """Return the step to take again after a receipt was void; None when the case was withdrawn."""
        if not self._inbox.reopened:
            return None
        self._inbox.reopened = False
        self._progress.move(attempt=self._progress.state.attempt + 1)
        return Step.SIKS_NG_UPLOAD

    def _skip_to_bpjs(self) -> Step:
        """Note the steps that the applicant's own way to BPJS makes needless (Pasal 20(4)a)."""
        for skipped in (Step.SIKS_NG_UPLOAD, Step.KEMENSOS_VERIFICATION):
            self._progress.note(EventKind.STEP_SKIPPED, {"skipped": skipped, "because": "handed_over"})
        return Step.BPJS_RECONNECT

    def _note_answer(self, kind: EventKind, reply: StepReply) -> datetime:
        """Note who brought which answer and return when it happened."""
        answer, given = reply.answer, reply.given
        facts: dict[str, str] = {"decision": "none" if answer is None else answer.decision, "by": MACHINE}
        reason = answer.reason if isinstance(answer, Returned | Rejected | Moot) else None
        if given is None:
            self._progress.note(kind, facts, reason=reason)
            return workflow.now()
        step = (given.step, given.attempt)
        optional = {"receipt": given.receipt, "in_place_of": given.in_place_of}
        facts |= {"by": given.actor, "role": given.role, "command": given.command_id}
        facts |= {name: fact for name, fact in optional.items() if fact is not None}
        self._progress.note(kind, facts, at=given.occurred_at, of=step, reason=reason)
        return min(given.occurred_at, workflow.now())

    async def _wait_for_person(self, alert: AlertKind, trouble: str, at_most: timedelta | None) -> None:
        """Call for a person and wait until one acts; `at_most` is None when nothing else can help."""
        self._inbox.awaits_person = True
        self._progress.move(health=CaseHealth.STUCK, trouble=trouble)
        state = self._progress.state
        is_returned = alert is not AlertKind.CASE_STUCK
        role = mender_of(state.waiting_on if is_returned else WaitingOn.SUPERVISOR)
        self._progress.note(EventKind.STEP_STUCK, {"trouble": trouble, "role": role})
        self._alarm.raise_(alert, f"{alert}:{state.step}:{state.attempt}", state, trouble)
        await self._progress.publish()
        try:
            await workflow.wait_condition(
                lambda: not self._inbox.awaits_person or self._inbox.calls,
                timeout=at_most,
                timeout_summary="Dicoba lagi dengan sendirinya",
            )
        except TimeoutError:
            self._progress.note(EventKind.STEP_RETRIED, {"by": "engine"})
        else:
            if self._inbox.awaits_person and not self._inbox.withdrawn:
                self._progress.note(EventKind.STEP_RETRIED, {"by": "answer"})
        self._inbox.awaits_person = False
        self._progress.move(health=CaseHealth.OK, trouble=None)
        await self._progress.publish()

    async def _close(self, outcome: Outcome, happened_at: datetime) -> None:
        sla_state = self._clock.settle(happened_at)
        self._progress.move(
            waiting_on=WaitingOn.NOBODY,
            since=workflow.now(),
            health=CaseHealth.OK,
            trouble=None,
            sla_state=sla_state,
            outcome=outcome,
            closed_at=happened_at,
        )
        self._progress.note(EventKind.SLA_MET if sla_state is SlaState.MET else EventKind.SLA_MISSED)
        self._progress.note(EventKind.CASE_CLOSED, {"outcome": outcome})
        await self._progress.publish()
        await self._alarm.silence()
        await workflow.wait_condition(workflow.all_handlers_finished)

    # -- Commands and questions -------------------------------------------------------------------
    # A handler takes a command in; the story takes it up. Each is taken once, whatever the number of times
    # it comes, also in a run that began by a reset.

    @workflow.query(description="Where the case is.")
    def state(self) -> CaseState:
        """Return the present state."""
        return self._progress.state

    @workflow.update(description="Answer the open step. The first valid answer wins.")
    async def answer(self, command: GiveAnswer) -> Accepted:
        """Take a person's answer; one to a step that was answered before is noted and changes nothing."""
        is_late = self._inbox.was_answered(command.step, command.attempt)
        if self._inbox.take(command.command_id):
            if is_late:
                self._note_answer(EventKind.ANSWER_LATE, StepReply(answer=command.answer, given=command))
                await self._progress.publish()
            else:
                self._inbox.give(command)
        return Accepted(state=self._progress.state, is_late=is_late)

    @answer.validator
    def _answer_is_possible(self, command: GiveAnswer) -> None:
        self._require_open()
        self._inbox.require_answerable(command, self._progress.state, workflow.now())

    @workflow.update(description="End the case because the applicant or the office asked for it.")
    def withdraw(self, command: Withdraw) -> Accepted:
        """Stop the case at the next safe point; an effect under way is awaited and recorded."""
        if self._inbox.take(command.command_id):
            self._withdraw(command.command_id)
        return Accepted(state=self._progress.state)

    @withdraw.validator
    def _withdraw_is_possible(self, command: Withdraw) -> None:
        if not self._inbox.knows(command.command_id):
            self._require_open()

    @workflow.update(description="Papers came in; a case that waits for them goes on.")
    def papers_added(self, command: PapersAdded) -> Accepted:
        """Note the papers; when the case waits because of papers, take the step again."""
        if self._inbox.take(command.command_id):
            self._progress.note(
                EventKind.PAPERS_ADDED, {"papers": command.count, "command": command.command_id}
            )
            state = self._progress.state
            if state.waiting_on is WaitingOn.APPLICANT or state.trouble == DocumentLost.__name__:
                self._go_on("papers", command.command_id)
        return Accepted(state=self._progress.state)

    @papers_added.validator
    def _papers_are_welcome(self, command: PapersAdded) -> None:  # noqa: ARG002 - the SDK wants the same parameters
        self._require_open()

    @workflow.update(description="Take the step again that waits for a person.")
    def retry_step(self, command: RetryStep) -> Accepted:
        """Go on with a case that is stuck, was returned, or lies on a desk."""
        if self._inbox.take(command.command_id):
            self._go_on(command.actor or "person", command.command_id)
        return Accepted(state=self._progress.state)

    @retry_step.validator
    def _retry_is_possible(self, command: RetryStep) -> None:
        if not self._inbox.awaits_person and not self._inbox.knows(command.command_id):
            state = self._progress.state
            raise refused(f"nothing to retry: the case is at {state.step} and waits for {state.waiting_on}")

    @workflow.update(description="The applicant's data were mended; a case that waits for that goes on.")
    def data_corrected(self, command: DataCorrected) -> Accepted:
        """Note which fields were mended, and take the step again that they were returned for."""
        if self._inbox.take(command.command_id):
            facts = {"fields": ".".join(command.fields), "by": command.actor, "command": command.command_id}
            self._progress.note(EventKind.DATA_CORRECTED, facts)
            if self._inbox.waits_to_be_mended and self._progress.state.waiting_on is WaitingOn.OFFICER:
                self._go_on(command.actor, command.command_id)
        return Accepted(state=self._progress.state)

    @data_corrected.validator
    def _correction_is_welcome(self, command: DataCorrected) -> None:  # noqa: ARG002 - the SDK wants the same parameters
        self._require_open()

    @workflow.update(description="The receipt of the upload was void: hand the person in again.")
    def reopen_upload(self, command: ReopenUpload) -> Accepted:
        """Go back to the upload, as another attempt; what was answered since counts no more."""
        if self._inbox.take(command.command_id):
            self._progress.note(EventKind.STEP_REOPENED, {"by": command.actor, "command": command.command_id})
            self._inbox.reopened = True
        return Accepted(state=self._progress.state)

    @reopen_upload.validator
    def _reopening_is_possible(self, command: ReopenUpload) -> None:
        state = self._progress.state
        is_after = state.step in {Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT}
        is_there = is_after and self._inbox.is_open(state.step, command.attempt)
        if not is_there and not self._inbox.knows(command.command_id):
            raise refused(
                f"the upload cannot be reopened: the case is at {state.step}, attempt {state.attempt}"
            )

    @workflow.update(description="Follow another track, with a new clock.")
    async def switch_track(self, command: SwitchTrack) -> Accepted:
        """Hold the case to the other track's plan from the switch on; accepted papers stay accepted."""
        if not self._inbox.knows(command.command_id):
            case = self._progress.state.case.model_copy(update={"track": command.track})
            plan = await workflow.execute_activity_method(
                Recorder.open_case, case, **options.named(options.LEDGER_WHEN_BACK, "Ganti jalur")
            )
            if self._inbox.take(command.command_id) and self._progress.state.outcome is None:
                was = self._progress.state.case.track
                facts = {
                    "track": command.track,
                    "was": was,
                    "by": command.actor,
                    "command": command.command_id,
                }
                self._progress.move(case=case)
                self._progress.note(EventKind.TRACK_SWITCHED, facts)
                self._clock.restart(plan, min(command.occurred_at, workflow.now()))
                await self._progress.publish()
        return Accepted(state=self._progress.state)

    @switch_track.validator
    def _switch_is_possible(self, command: SwitchTrack) -> None:
        if self._inbox.knows(command.command_id):
            return
        self._require_open()
        if command.track is self._progress.state.case.track:
            raise refused(f"the case follows {command.track} already")

    def _go_on(self, by: str, command: str) -> None:
        self._inbox.awaits_person = False
        self._progress.note(EventKind.STEP_RETRIED, {"by": by, "command": command})

    def _require_open(self) -> None:
        if self._inbox.withdrawn or self._progress.state.outcome is not None:
            raise refused("the case is ending already")

    def _withdraw(self, command: str) -> None:
        if not self._inbox.withdrawn and self._progress.state.outcome is None:
            self._inbox.withdrawn = True
            self._progress.note(EventKind.CASE_WITHDRAWN, {"command": command})

"""One case: a person whose PBI JK was switched off is switched on again, in five steps, within 24 hours."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError
from temporalio.workflow import ActivityConfig

from activities.recorder import Recorder
from models.answers import Approved, HandedOver, Moot, Rejected, Returned
from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, WaitingOn
from models.messages import (
    AlertKind,
    CasePlan,
    EventKind,
    StepAsk,
    StepReply,
)
from models.outage import System
from models.roles import MACHINE, mender_of
from workflows import options, steps
from workflows.commands import CaseCommands
from workflows.manner import Manner
from workflows.steps import NOT_YET_ANSWERED, SYSTEM_DOWN, trouble_of


@workflow.defn
class Reactivation(CaseCommands):
    """The durable story of one case. It ends by an answer or a withdrawal, never by an error."""

    @workflow.init
    def __init__(self, case: CaseRef) -> None:
        """Begin where the application was registered."""
        super().__init__(case)
        self._rounds = 0
        self._manner = Manner.of_this_case()
        self._in_hand: dict[str, StepReply] = {}
        """What came together with the answer to an earlier step."""

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
        if plan is None:
            await self._close(*self._withdrawal)
            return

        # The office's 24 hours run from the complete file, whoever the case waits for.
        self._clock.hold_to(plan)
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
        at, by = self._progress.state.case.received_at, MACHINE
        while step is not None and not self._inbox.withdrawn:
            await self._enter(step, at, by)
            reply = await self._ask(step, plan.poll_every)
            if reply is None or reply.answer is None:
                step, at, by = self._reopened_step(), workflow.now(), MACHINE
                continue
            by = MACHINE if reply.given is None else reply.given.actor
            answer, at = reply.answer, self._note_answer(EventKind.ANSWER_RECORDED, reply)
            self._answered_at = at
            if isinstance(answer, Rejected):
                return Outcome.REJECTED, at
            if isinstance(answer, Moot):
                return answer.outcome, at
            if isinstance(answer, Approved) and step is Step.DOCUMENT_CHECK and not self._clock.is_running:
                self._clock.start(at)
            if isinstance(answer, Approved) and step.following is None:
                return Outcome.REACTIVATED, at
            if isinstance(answer, Returned):
                step = await self._mended(answer, plan.max_rounds, at, by)
                at, by = workflow.now(), MACHINE
            elif isinstance(answer, HandedOver):
                step = self._skip_to_bpjs()
            else:
                step = step.following
        return self._withdrawal

    # -- Its parts ------------------------------------------------------------------------------

    async def _read_plan(self, case: CaseRef) -> CasePlan | None:
        """Read what the case is held to, for as long as it takes; None when it was withdrawn before.

        A ledger that is away for minutes calls for nobody: it is waited for with a pending activity.
        """
        with suppress(FailureError):
            async with self._progress.in_passing:
                opening = await self._manner.opening(case)
            first = self._question(Step.DOCUMENT_CHECK, opening.plan.poll_every)
            self._in_hand = steps.by_key(first, opening.replies)
            return opening.plan
        while not self._inbox.withdrawn:
            try:
                plan = await self._plan_when_back(case)
            except FailureError as error:
                await self._stand_still(trouble_of(error), options.ASK_AGAIN_AFTER_OUTAGE)
            else:
                if plan is not None:
                    self._recover("engine")
                return plan
        return None

    async def _plan_when_back(self, case: CaseRef) -> CasePlan | None:
        how = options.named(options.PLAN_WHEN_BACK, "Menunggu buku besar")
        reading = asyncio.create_task(workflow.execute_activity_method(Recorder.open_case, case, **how))
        await workflow.wait_condition(lambda: reading.done() or self._inbox.withdrawn)
        if reading.done():
            return reading.result()
        reading.cancel()
        await workflow.wait([reading])
        return None

    async def _enter(self, step: Step, at: datetime, by: str) -> None:
        """Open a step; `at` is when what led to it happened, `by` whose deed that was."""
        self._progress.move(step=step, since=workflow.now())
        self._clock.turn(steps.WAITING_ON[step], reason=step, by=by, at=at)
        self._clock.enter_step(step, at)
        self._progress.note(EventKind.STEP_OPENED, at=min(at, workflow.now()))
        self._pace.begin_anew()
        self._inbox.open(step, self._progress.state.attempt, at)

    async def _ask(self, step: Step, poll_every: timedelta) -> StepReply | None:
        """Ask until machine or person answers; None when the case is called off or the step reopened before.

        The first valid answer wins and a later one is noted. A round of failures marks the case stuck; it is
        then asked again. An effect under way is awaited, so that its answer is recorded.
        """
        question = self._question(step, poll_every)
        reply = None
        while reply is None and not self._inbox.calls:
            reply = await self._ask_once(question)
        given = self._inbox.take_answer()
        self._inbox.close()
        if not self._inbox.withdrawn:
            by = "engine" if given is None else "answer"
            self._recover("reopening" if self._inbox.reopened else by)
        self._unpark(workflow.now(), by="step-over")
        self._clock.leave_step()
        # The desk may hold the command of an update that is here or on its way: it is one command.
        is_new = reply is None or reply.given is None or self._inbox.take(reply.given.command_id)
        if reply is not None and (given is not None or self._inbox.reopened):
            if is_new:
                self._note_late(reply)
            reply = None
        return reply if given is None else StepReply(answer=given.answer, given=given)

    def _question(self, step: Step, poll_every: timedelta) -> StepAsk:
        state = self._progress.state
        return StepAsk(
            case_number=state.case.case_number,
            step=step,
            attempt=state.attempt,
            poll_every=poll_every,
            birth=state.case.birth,
        )

    async def _ask_once(self, question: StepAsk) -> StepReply | None:
        """Ask, and wait with whoever has to act when there is no answer; None when it is to be asked again.

        Nobody has to see a step that the office's rules answer in passing; every other is shown first.
        """
        if question.key not in self._in_hand:
            async with self._progress.in_passing:
                self._in_hand = await steps.ask_at_once(question, self._manner)
        reply = self._in_hand.pop(question.key, None)
        if reply is None:
            await self._progress.publish()
            asking = asyncio.create_task(
                steps.ask(question, self._progress.state.case, self._round(question))
            )
            await self._until_done_or_called(asking)
            if not asking.done():
                asking.cancel()
                await workflow.wait([asking])
            if asking.cancelled():
                return None
            error = asking.exception()
            if isinstance(error, ActivityError):
                await self._outlive(error)
                return None
            reply = asking.result()
        if reply.answer is None and not self._inbox.calls:
            self._recover("engine")
            await self._wait_for_desk(question.step)
        return None if reply.answer is None else reply

    async def _until_done_or_called(self, asking: asyncio.Task[StepReply]) -> None:
        """Wait for what is asked, and tell when somebody lets a case go on that is being asked in vain."""
        in_vain = self._in_vain

        def is_over() -> bool:
            return asking.done() or self._inbox.calls

        await workflow.wait_condition(lambda: is_over() or self._in_vain != in_vain)
        if not is_over():
            await self._progress.publish()
            await workflow.wait_condition(is_over)

    def _round(self, question: StepAsk) -> ActivityConfig:
        """Return how an institution's answer is asked for: longer at a time, the longer there is none."""
        first = steps.first_round(self._progress.state.case)
        if self._in_vain is not None:
            return steps.trial_round(first, question.poll_every)
        return steps.answer_round(self._pace.last(NOT_YET_ANSWERED, first), question.poll_every)

    async def _outlive(self, error: ActivityError) -> None:
        """Call for a person when a round of asking ended in trouble and nobody has acted meanwhile.

        Waiting for a decision is no trouble, and an outage is not one of this case.
        """
        trouble = trouble_of(error)
        if trouble == SYSTEM_DOWN:
            await self._sit_out()
            return
        self._unpark(workflow.now(), by="engine")
        if self._inbox.calls:
            return
        if trouble == NOT_YET_ANSWERED:
            self._recover("engine")
            case, now = self._progress.state.case, workflow.now()
            self._pace.slow(trouble, steps.first_round(case), now, steps.longest_round(case))
        else:
            await self._stand_still(trouble, steps.ask_again_after(error))

    async def _sit_out(self) -> None:
        """Wait until the system that the step needs is back, or somebody answers in its place.

        Whoever ends the outage releases the case. Should nobody, it looks for itself after a while; that
        calls no system that is still down.
        """
        state = self._progress.state
        system = System.of(state.step)
        if system is not None and state.health is not CaseHealth.PARKED:
            self._park(system, workflow.now())
        await self._progress.publish()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: not self._is_parked or self._inbox.calls,
                timeout=options.LOOK_AFTER_PARKING,
                timeout_summary="Diparkir: dilepas setelah gangguan selesai",
            )
        await self._progress.publish()

    async def _wait_for_desk(self, step: Step) -> None:
        """Leave the step to the people who have it on their desk, until one answers or asks for it anew."""
        self._inbox.awaits_person = True
        self._progress.note(EventKind.STEP_ON_DESK)
        self._clock.turn(steps.ON_DESK_WAITING_ON[step], reason=step, at=workflow.now())
        await self._progress.publish()
        await workflow.wait_condition(lambda: not self._inbox.awaits_person or self._inbox.calls)
        self._inbox.awaits_person = False

    async def _mended(self, answer: Returned, max_rounds: int, at: datetime, by: str) -> Step:
        """Wait until somebody mended what was returned at a time, and return the step to take again."""
        self._rounds += 1
        is_beyond = self._rounds > max_rounds
        waits_for = WaitingOn.SUPERVISOR if is_beyond else answer.waits_for
        alert = AlertKind.ROUNDS_EXHAUSTED if is_beyond else AlertKind.CASE_RETURNED
        self._progress.move(since=workflow.now())
        self._clock.turn(waits_for, reason=answer.reason, by=by, at=at)
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

    async def _stand_still(self, trouble: str, first: timedelta) -> None:
        """Call for a person, and wait until one acts or it is time to ask again.

        What ends round after round in the same trouble is told once. The case stays stuck while it is asked
        again, until something else comes of it.
        """
        pause = self._pace.slow(trouble, first, workflow.now())
        if not workflow.patched("trouble-told-once"):
            await self._wait_for_person(AlertKind.CASE_STUCK, trouble, pause)
            return
        if trouble != self._in_vain:
            self._in_vain = trouble
            self._call_for_person(AlertKind.CASE_STUCK, trouble)
        self._inbox.awaits_person = True
        await self._progress.publish()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._pace.is_anew or self._is_parked or self._inbox.calls,
                timeout=pause,
                timeout_summary="Dicoba lagi dengan sendirinya",
            )
        self._inbox.awaits_person = False

    def _call_for_person(self, alert: AlertKind, trouble: str) -> None:
        self._progress.move(health=CaseHealth.STUCK, trouble=trouble)
        state = self._progress.state
        is_returned = alert is not AlertKind.CASE_STUCK
        role = mender_of(state.waiting_on if is_returned else WaitingOn.SUPERVISOR)
        self._progress.note(EventKind.STEP_STUCK, {"trouble": trouble, "role": role})
        self._alarm.raise_(alert, f"{alert}:{state.step}:{state.attempt}", state, trouble)

    async def _wait_for_person(self, alert: AlertKind, trouble: str, at_most: timedelta | None) -> None:
        """Call for a person and wait until one acts; `at_most` is None when nothing else can help."""
        self._inbox.awaits_person = True
        self._call_for_person(alert, trouble)
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
                by = "reopening" if self._inbox.reopened else "answer"
                self._progress.note(EventKind.STEP_RETRIED, {"by": by})
        self._inbox.awaits_person = False
        self._progress.move(health=CaseHealth.OK, trouble=None, since=workflow.now())
        self._clock.patience.judge()
        await self._progress.publish()

    async def _close(self, outcome: Outcome, happened_at: datetime) -> None:
        sla_state, minutes = self._clock.settle(happened_at)
        self._progress.move(
            waiting_on=WaitingOn.NOBODY,
            since=workflow.now(),
            health=CaseHealth.OK,
            trouble=None,
            sla_state=sla_state,
            outcome=outcome,
            closed_at=happened_at,
        )
        self._progress.note(EventKind.SLA_MET if sla_state is SlaState.MET else EventKind.SLA_MISSED, minutes)
        self._progress.note(EventKind.CASE_CLOSED, {"outcome": outcome})
        await self._progress.publish()
        await self._alarm.silence()
        await workflow.wait_condition(workflow.all_handlers_finished)

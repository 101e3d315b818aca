"""What people may ask of a case: the update handlers and the query of the workflow.

A handler takes a command in and the story takes it up. Each command is taken once, however often it comes,
also in a run that began by a reset.
"""

from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.recorder import Recorder
from models.answers import Moot, Rejected, Returned
from models.case import CaseHealth, CaseRef, CaseState, Outcome, Step, Track, WaitingOn
from models.errors import AnotherCase, DocumentLost
from models.messages import (
    Accepted,
    Acknowledge,
    CaseCommand,
    CasePlan,
    DataCorrected,
    DueForecast,
    DueQuestion,
    EventKind,
    Extend,
    GiveAnswer,
    PapersAdded,
    Park,
    Record,
    Recount,
    Release,
    ReopenUpload,
    RetryStep,
    Shorten,
    StepReply,
    SwitchTrack,
    Withdraw,
)
from models.outage import System, parked_for
from models.reasons import PAPERS_MISSING
from models.roles import MACHINE
from models.standstill import MAY_BE_DOWN, stands_still
from workflows import due_time, options
from workflows.alarm import Alarm
from workflows.inbox import Inbox, refused
from workflows.pace import Pace
from workflows.progress import Progress
from workflows.sla import CaseClock

_IN_ITS_STEP = "answers-in-their-step"
"""Patch: an answer happened not before what opened its step; before, any time before now was believed."""


class CaseCommands:
    """The doors of a case. `Reactivation` is the story behind them."""

    def __init__(self, case: CaseRef) -> None:
        """Begin where the application was registered."""
        self._alarm = Alarm()
        self._progress = Progress(case, self._alarm)
        self._inbox = Inbox()
        self._clock = CaseClock(self._progress, self._alarm)
        self._plans_on_their_way = 0
        self._pace = Pace()
        self._in_vain: str | None = None
        """The trouble that people were told of and that is still asked about, round after round."""
        self._answered_at = case.received_at
        """When the answer happened that brought the case where it is."""
        self._withdrawn_at: datetime | None = None

    @workflow.query(description="Where the case is.")
    def state(self) -> CaseState:
        """Return the present state."""
        return self._progress.state

    @workflow.query(description="What the case told its ledger, for a ledger that was put back from a copy.")
    def story(self, since: int) -> Record:
        """Return the first events from this number on, with where the case is now."""
        return self._progress.told(since)

    @workflow.update(description="Answer the open step. The first valid answer wins.")
    async def answer(self, command: GiveAnswer) -> Accepted:
        """Take a person's answer; one to a step that was answered before is noted and changes nothing."""
        if self._inbox.take(command.command_id):
            if self._inbox.was_answered(command.step, command.attempt):
                self._note_late(StepReply(answer=command.answer, given=command))
                await self._progress.publish()
            else:
                self._inbox.give(command)
        return Accepted(state=self._progress.state, is_late=self._inbox.was_late(command.command_id))

    @answer.validator
    def _answer_is_possible(self, command: GiveAnswer) -> None:
        self._require_own(command)
        self._require_open()
        self._inbox.require_answerable(command, self._progress.state, workflow.now())

    @workflow.update(description="End the case because the applicant or the office asked for it.")
    def withdraw(self, command: Withdraw) -> Accepted:
        """Stop the case at the next safe point; an effect under way is awaited and recorded."""
        if self._inbox.take(command.command_id):
            self._withdraw(command.command_id, command.actor, self._given(command))
        return Accepted(state=self._progress.state)

    @withdraw.validator
    def _withdraw_is_possible(self, command: Withdraw) -> None:
        self._require_own(command)
        if not self._inbox.knows(command.command_id):
            self._require_open()

    @workflow.update(description="Papers came in; a case that waits for them goes on.")
    async def papers_added(self, command: PapersAdded) -> Accepted:
        """Note the papers; when the case waits because of papers, take the step again."""
        if self._inbox.take(command.command_id):
            by = command.actor or "person"
            facts: dict[str, str | int] = {"papers": command.count, "by": by, "command": command.command_id}
            self._progress.note(EventKind.PAPERS_ADDED, facts, at=self._given(command))
            state = self._progress.state
            if state.waiting_on is WaitingOn.APPLICANT or state.trouble == DocumentLost.__name__:
                self._go_on(by, command.command_id)
            else:
                self._pace.begin_anew()
                await self._progress.publish()
        return Accepted(state=self._progress.state)

    @papers_added.validator
    def _papers_are_welcome(self, command: PapersAdded) -> None:
        self._require_own(command)
        self._require_open()

    @workflow.update(description="Take the step again that waits for a person.")
    def retry_step(self, command: RetryStep) -> Accepted:
        """Go on with a case that is stuck, was returned, or lies on a desk."""
        if self._inbox.take(command.command_id):
            self._go_on(command.actor or "person", command.command_id)
        return Accepted(state=self._progress.state)

    @retry_step.validator
    def _retry_is_possible(self, command: RetryStep) -> None:
        self._require_own(command)
        state = self._progress.state
        is_awaited = self._inbox.awaits_person and (stands_still(state) or not command.only_stuck)
        can_go_on = is_awaited or self._is_parked or self._in_vain is not None
        if not can_go_on and not self._inbox.knows(command.command_id):
            raise refused(f"nothing to retry: the case is at {state.step} and waits for {state.waiting_on}")

    @workflow.update(description="The applicant's data were mended; a case that waits for that goes on.")
    async def data_corrected(self, command: DataCorrected) -> Accepted:
        """Note which fields were mended, and take the step again that they were returned for."""
        if self._inbox.take(command.command_id):
            facts = {"fields": ".".join(command.fields), "by": command.actor, "command": command.command_id}
            self._progress.note(EventKind.DATA_CORRECTED, facts, at=self._given(command))
            if self._inbox.waits_to_be_mended and self._progress.state.waiting_on is WaitingOn.OFFICER:
                self._go_on(command.actor, command.command_id)
            else:
                self._pace.begin_anew()
                await self._progress.publish()
        return Accepted(state=self._progress.state)

    @data_corrected.validator
    def _correction_is_welcome(self, command: DataCorrected) -> None:
        self._require_own(command)
        self._require_open()

    @workflow.update(description="The receipt of the upload was void: hand the person in again.")
    def reopen_upload(self, command: ReopenUpload) -> Accepted:
        """Go back to the upload, as another attempt; what was answered since counts no more."""
        if self._inbox.take(command.command_id):
            facts = {"by": command.actor, "command": command.command_id}
            self._progress.note(EventKind.STEP_REOPENED, facts, at=self._given(command))
            self._inbox.reopened = True
        return Accepted(state=self._progress.state)

    @reopen_upload.validator
    def _reopening_is_possible(self, command: ReopenUpload) -> None:
        self._require_own(command)
        state = self._progress.state
        is_after = state.step in {Step.KEMENSOS_VERIFICATION, Step.BPJS_RECONNECT}
        is_there = is_after and self._inbox.is_open(state.step, command.attempt)
        if not is_there and not self._inbox.knows(command.command_id):
            raise refused(
                f"the upload cannot be reopened: the case is at {state.step}, attempt {state.attempt}"
            )

    @workflow.update(description="Give the case more time.")
    async def extend(self, command: Extend) -> Accepted:
        """Move the due time; what was told of the old one stays told."""
        if self._inbox.take(command.command_id) and self._clock.is_running:
            self._move_due_time(EventKind.SLA_EXTENDED, command, command.by)
            self._pace.begin_anew()
            await self._progress.publish()
        return Accepted(state=self._progress.state)

    @extend.validator
    def _extension_is_possible(self, command: Extend) -> None:
        self._require_own(command)
        if self._inbox.knows(command.command_id):
            return
        self._require_open()
        due_time.require_later(self._clock, command)

    @workflow.update(description="Take time from the case.")
    async def shorten(self, command: Shorten) -> Accepted:
        """Move the due time; a case that is late by that is told as late at once."""
        if self._inbox.take(command.command_id) and self._clock.is_running:
            self._move_due_time(EventKind.SLA_SHORTENED, command, None if command.by is None else -command.by)
            self._pace.begin_anew()
            await self._progress.publish()
        return Accepted(state=self._progress.state)

    @shorten.validator
    def _shortening_is_possible(self, command: Shorten) -> None:
        self._require_own(command)
        if self._inbox.knows(command.command_id):
            return
        self._require_open()
        due_time.require_earlier(self._clock, self._progress.state, command)

    @workflow.query(description="What would become of the due time.")
    def due_if(self, question: DueQuestion) -> DueForecast:
        """Return when the case is due, and when it would be if it were extended or shortened."""
        due_at = self._progress.state.due_at
        is_running = self._clock.is_running
        would_be = self._clock.forecast(question.by, question.until) if is_running else None
        return DueForecast(due_at=due_at, would_be=would_be)

    @workflow.update(description="Take charge of a late case: nobody higher is told.")
    async def acknowledge(self, command: Acknowledge) -> Accepted:
        """Stop the climb, not the clock."""
        if self._inbox.take(command.command_id):
            self._clock.stop_climbing()
            facts = {"by": command.actor, "command": command.command_id}
            self._progress.note(EventKind.SLA_ACKNOWLEDGED, facts, at=self._given(command))
            self._pace.begin_anew()
            await self._progress.publish()
        return Accepted(state=self._progress.state)

    @acknowledge.validator
    def _charge_can_be_taken(self, command: Acknowledge) -> None:
        self._require_own(command)
        if not self._inbox.knows(command.command_id):
            self._require_open()

    @workflow.update(description="The system that the step needs is down: wait for it.")
    async def park(self, command: Park) -> Accepted:
        """Set the case aside; an answer that somebody brings is taken all the same."""
        self._park(command.system, command.since)
        await self._progress.publish()
        return Accepted(state=self._progress.state)

    @park.validator
    def _parking_is_possible(self, command: Park) -> None:
        self._require_own(command)
        state = self._progress.state
        needs_it = System.of(state.step) is command.system and self._inbox.is_open(state.step, state.attempt)
        may_be_down = not stands_still(state) or self._in_vain in MAY_BE_DOWN
        if not needs_it or self._is_parked or not may_be_down:
            raise refused(f"the case does not wait for {command.system}")

    @workflow.update(description="The system is back: go on.")
    async def release(self, command: Release) -> Accepted:
        """Take a parked case up again."""
        self._unpark(command.until, by="outage-over")
        await self._progress.publish()
        return Accepted(state=self._progress.state)

    @release.validator
    def _is_parked_for_it(self, command: Release) -> None:
        self._require_own(command)
        if not self._is_parked or System.of(self._progress.state.step) is not command.system:
            raise refused(f"the case is not parked for {command.system}")

    @workflow.update(description="Follow another track, with a new clock.")
    async def switch_track(self, command: SwitchTrack) -> Accepted:
        """Hold the case to the other track's plan from the switch on; accepted papers stay accepted."""
        # A case that was just opened is first held to the track that it was registered with.
        await workflow.wait_condition(
            lambda: self._clock.has_plan or self._progress.state.outcome is not None
        )
        if not self._inbox.knows(command.command_id):
            waits_in_list = self._progress.state.case.from_list and command.track is not Track.EMERGENCY
            change = {"track": command.track, "from_list": waits_in_list}
            case = self._progress.state.case.model_copy(update=change)
            plan = await self._plan_of(case)
            was, is_over = self._progress.state.case.track, self._progress.state.outcome is not None
            if self._inbox.take(command.command_id) and not is_over and command.track is not was:
                facts = {
                    "track": command.track,
                    "was": was,
                    "by": command.actor,
                    "command": command.command_id,
                }
                self._progress.move(case=case)
                self._progress.note(EventKind.TRACK_SWITCHED, facts, at=self._given(command))
                if self._inbox.waits_to_be_mended and self._progress.state.trouble == PAPERS_MISSING:
                    self._go_on(command.actor, command.command_id)  # the papers may do for this track
                self._pace.begin_anew()
                self._clock.restart(plan, min(command.occurred_at, workflow.now()))
                await self._progress.publish()
        return Accepted(state=self._progress.state)

    @switch_track.validator
    def _switch_is_possible(self, command: SwitchTrack) -> None:
        self._require_own(command)
        if self._inbox.knows(command.command_id):
            return
        self._require_open()
        if command.track is self._progress.state.case.track:
            raise refused(f"the case follows {command.track} already")

    @workflow.update(description="The calendar was edited: count by the new one.")
    async def recount(self, command: Recount) -> Accepted:
        """Count office time anew, from the clock's start on; what was told of the old due time stays told."""
        # A plan that is on its way may have been read before the edit: it is recounted when it is there.
        await workflow.wait_condition(
            lambda: (
                (self._clock.has_plan and not self._plans_on_their_way)
                or self._progress.state.outcome is not None
            )
        )
        was = self._progress.state.due_at
        if self._inbox.take(command.command_id) and self._progress.state.outcome is None:
            self._clock.count_by(command.calendar)
        if (due := self._progress.state.due_at) != was:
            facts = {"due_was": _utc_text(was), "due": _utc_text(due), "command": command.command_id}
            self._progress.note(EventKind.SLA_RECOUNTED, facts)
            await self._progress.publish()
        return Accepted(state=self._progress.state)

    @recount.validator
    def _recount_is_possible(self, command: Recount) -> None:
        self._require_own(command)
        if not self._inbox.knows(command.command_id):
            self._require_open()

    async def _plan_of(self, case: CaseRef) -> CasePlan:
        """Read what the case is held to on another track."""
        self._plans_on_their_way += 1
        try:
            return await workflow.execute_activity_method(
                Recorder.open_case, case, **options.named(options.LEDGER_WHEN_BACK, "Ganti jalur")
            )
        finally:
            self._plans_on_their_way -= 1

    def _move_due_time(self, kind: EventKind, command: Extend | Shorten, by: timedelta | None) -> None:
        was = self._progress.state.due_at
        given = self._given(command)
        self._clock.extend(by, command.until, given or workflow.now())
        due = self._progress.state.due_at
        facts: dict[str, str | int] = {"due_was": _utc_text(was), "due": _utc_text(due)}
        if by is not None:
            facts["minutes"] = round(by / timedelta(minutes=1))
        self._progress.note(kind, facts | {"by": command.actor, "command": command.command_id}, at=given)

    def _go_on(self, by: str, command: str) -> None:
        """Wake the story up, which tells it."""
        self._inbox.awaits_person = False
        self._progress.note(EventKind.STEP_RETRIED, {"by": by, "command": command})
        self._forget_trouble()
        self._unpark(workflow.now(), by=by)
        self._pace.begin_anew()

    def _recover(self, by: str) -> None:
        """Let a case that asked in vain be well again, and say so; any other stays as it is."""
        if self._in_vain is not None:
            self._progress.note(EventKind.STEP_RETRIED, {"by": by})
            self._forget_trouble()

    def _forget_trouble(self) -> None:
        if self._in_vain is not None:
            self._in_vain = None
            self._progress.move(health=CaseHealth.OK, trouble=None, since=workflow.now())
            self._clock.patience.judge()

    @property
    def _is_parked(self) -> bool:
        return self._progress.state.health is CaseHealth.PARKED

    def _park(self, system: System, since: datetime) -> None:
        """Set the case aside; its time is the outage's from then on."""
        self._recover("engine")
        self._progress.move(health=CaseHealth.PARKED, trouble=parked_for(system))
        self._progress.note(EventKind.STEP_PARKED, {"system": system})
        self._clock.park(since, reason=parked_for(system))

    def _unpark(self, at: datetime, *, by: str) -> None:
        """Take the case up again; one that is not parked stays as it is."""
        if self._is_parked:
            self._progress.move(health=CaseHealth.OK, trouble=None)
            self._progress.note(EventKind.STEP_RELEASED, {"by": by})
            self._pace.begin_anew()
            self._clock.release(at, reason=self._progress.state.step, by=by)

    def _require_own(self, command: CaseCommand) -> None:
        """Refuse what is meant for another case of this number, which another ledger or an older copy has.

        Supervisors who press a button of the Web UI look at this very case.
        """
        is_own = command.birth == self._progress.state.case.birth
        if not is_own and not (isinstance(command, RetryStep) and command.birth is None):
            raise ApplicationError(
                "the command is for another case of this number", type=AnotherCase.__name__
            )

    def _require_open(self) -> None:
        if self._inbox.withdrawn or self._progress.state.outcome is not None:
            raise refused("the case is ending already")

    def _given(self, command: CaseCommand) -> datetime | None:
        """Return when a command was given, as late as it may be delivered; None when that is now.

        As an answer it lies not in the future, and not before the answer that brought the case where it is.
        """
        if command.given_at is None:
            return None
        return min(max(command.given_at, self._answered_at), workflow.now())

    def _withdraw(self, command: str, actor: str | None = None, at: datetime | None = None) -> None:
        if not self._inbox.withdrawn and self._progress.state.outcome is None:
            self._inbox.withdrawn = True
            self._withdrawn_at = at
            by = {} if actor is None else {"by": actor}
            self._progress.note(EventKind.CASE_WITHDRAWN, {"command": command, **by}, at=at)

    @property
    def _withdrawal(self) -> tuple[Outcome, datetime]:
        """How a withdrawn case ends: when that was given, or with an answer that was under way by then."""
        at = self._withdrawn_at
        return Outcome.WITHDRAWN, workflow.now() if at is None else max(at, self._answered_at)

    def _note_late(self, reply: StepReply) -> None:
        """Note an answer that changes nothing."""
        if reply.given is not None:
            self._inbox.mark_late(reply.given.command_id)
        self._note_answer(EventKind.ANSWER_LATE, reply)

    def _note_answer(self, kind: EventKind, reply: StepReply) -> datetime:
        """Note who brought which answer and return when it happened.

        That is not before the step was opened, whatever was said: an answer is never refused for its time.
        """
        answer, given = reply.answer, reply.given
        facts: dict[str, str] = {"decision": "none" if answer is None else answer.decision, "by": MACHINE}
        reason = answer.reason if isinstance(answer, Returned | Rejected | Moot) else None
        if given is None:
            self._progress.note(kind, facts, reason=reason)
            return workflow.now()
        step = (given.step, given.attempt)
        optional = {"role": given.role, "receipt": given.receipt, "in_place_of": given.in_place_of}
        facts |= {"by": given.actor, "command": given.command_id}
        facts |= {name: fact for name, fact in optional.items() if fact is not None}
        now = workflow.now()
        at, opened = min(given.occurred_at, now), min(self._inbox.not_before(given), now)
        if at < opened and workflow.patched(_IN_ITS_STEP):
            at, facts["said"] = opened, _utc_text(at)
        self._progress.note(kind, facts, at=at, of=step, reason=reason)
        return at


def _utc_text(at: datetime | None) -> str:
    """Return for example `2026-02-13T08:00:00Z`, or `none`."""
    return "none" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

"""What the world sees of a case: its state, its ledger events, the supervisor's screen."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Unpack

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError

from activities.recorder import Recorder
from models.answers import ReasonCode
from models.case import CaseRef, CaseState, StateChange, Step
from models.messages import EVENTS_AT_MOST, Alert, CaseEvent, EventKind, Record, Recorded
from models.texts import details
from workflows import options, search_attributes
from workflows.alarm import Alarm
from workflows.pace import Pace

FIRST_SEQ = 2
"""Seq 1 is `case.registered`, written by intake together with the case."""


class Progress:
    """Keeps the state of one case, and publishes it to search attributes, current details and ledger.

    Events are numbered here, so that writing them again changes nothing in the ledger. Nothing cancels a
    write: whoever wants a case to stop says so in a condition that its tasks look at.
    """

    def __init__(self, case: CaseRef, alarm: Alarm) -> None:
        """Begin with the state that the case was started with; what `alarm` raised goes out with events."""
        self._alarm = alarm
        self.state = CaseState.opening(case)
        self._shown = self.state
        self._seq = FIRST_SEQ
        self._events: list[CaseEvent] = []
        """All of this run, for a ledger that was put back from a copy."""
        self._unwritten: list[CaseEvent] = []
        self.in_passing = asyncio.Lock()
        """Held by whoever runs a local activity: a replay does not keep the order of two that overlap."""

    def move(self, **changes: Unpack[StateChange]) -> None:
        """Change fields of the state; nobody sees it before `publish`."""
        self.state = self.state.model_copy(update=dict(changes))

    def note(
        self,
        kind: EventKind,
        facts: Mapping[str, str | int] | None = None,
        *,
        at: datetime | None = None,
        of: tuple[Step, int] | None = None,
        reason: ReasonCode | None = None,
    ) -> None:
        """Add an event of the present step, or `of` another step and attempt; `at` is now unless given."""
        step, attempt = of or (self.state.step, self.state.attempt)
        event = CaseEvent(
            seq=self._seq,
            kind=kind,
            at=at or workflow.now(),
            step=step,
            attempt=attempt,
            reason=reason,
            facts=dict(facts or {}),
        )
        self._seq += 1
        self._events.append(event)
        self._unwritten.append(event)

    async def publish(self) -> None:
        """Show the state to supervisors and write the events to the ledger; returns when they are there."""
        if updates := search_attributes.changes(self._shown, self.state):
            workflow.upsert_search_attributes(updates)
        self._shown = self.state
        workflow.set_current_details(details(self.state))
        async with self.in_passing:
            batch, alerts = tuple(self._unwritten), self._alarm.take()
            if batch or alerts:
                record = self._record(batch, alerts)
                untold = (await self._write(record)).untold
                self._unwritten = self._unwritten[len(batch) :]
                self._alarm.tell_by_themselves([alert for alert in alerts if alert.key in untold])

    def told(self, since: int) -> Record:
        """Return the first events from a number on, as a record that the ledger may be told."""
        first = max(since - FIRST_SEQ, 0)
        return self._record(tuple(self._events[first : first + EVENTS_AT_MOST]), self._alarm.ever)

    def _record(self, events: tuple[CaseEvent, ...], alerts: tuple[Alert, ...]) -> Record:
        told_by = workflow.info()
        return Record(
            run=told_by.run_id,
            task=told_by.get_current_history_length(),
            at=workflow.now(),
            upto=self._seq - 1,
            events=events,
            state=self.state,
            alerts=alerts,
        )

    async def _write(self, record: Record) -> Recorded:
        """Write at once if the database answers; otherwise as a pending activity, for as long as it takes."""
        try:
            return await workflow.execute_local_activity_method(
                Recorder.record, record, **options.LEDGER_AT_ONCE
            )
        except FailureError:  # a local activity's own failure comes bare, not as ActivityError
            pace = Pace()
            while (recorded := await self._written_when_back(record)) is None:
                pause = pace.slow("ledger", options.ASK_AGAIN_AFTER_OUTAGE, workflow.now())
                await workflow.sleep(pause, summary="Buku besar menolak")
            return recorded

    async def _written_when_back(self, record: Record) -> Recorded | None:
        try:
            return await workflow.execute_activity_method(
                Recorder.record, record, **options.named(options.LEDGER_WHEN_BACK, "Menunggu buku besar")
            )
        except ActivityError:
            return None

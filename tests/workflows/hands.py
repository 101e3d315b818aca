"""Hands of the office: answers as officers give them, and a machine that is held back."""

import threading
import uuid
from datetime import UTC, datetime
from typing import TypedDict, Unpack

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from models.answers import Answer, Approved
from models.case import CaseState, Step, Track
from models.messages import Accepted, CaseEvent, EventKind, GiveAnswer, SwitchTrack
from models.roles import ANSWERS, Role
from tests.workflows.conftest import Bench, Handle
from workflows.reactivation import Reactivation

APPROVED = Approved()


class AnswerFields(TypedDict, total=False):
    """What a test may say about an answer."""

    command_id: str
    attempt: int
    answer: Answer
    receipt: str
    actor: str
    role: Role
    in_place_of: str
    occurred_at: datetime


def an_answer(step: Step, **fields: Unpack[AnswerFields]) -> GiveAnswer:
    """Return a yes to the first attempt by the step's own role, that happened now, unless said otherwise."""
    return GiveAnswer(
        command_id=fields.get("command_id", f"c-{uuid.uuid4().hex}"),
        step=step,
        attempt=fields.get("attempt", 1),
        answer=fields.get("answer", APPROVED),
        receipt=fields.get("receipt"),
        actor=fields.get("actor", "sari"),
        role=fields.get("role", ANSWERS[step]),
        in_place_of=fields.get("in_place_of"),
        occurred_at=fields.get("occurred_at", datetime.now(UTC)),
    )


async def give(handle: Handle, step: Step, **fields: Unpack[AnswerFields]) -> Accepted:
    """Answer a step by hand."""
    return await send(handle, an_answer(step, **fields))


async def send(handle: Handle, command: GiveAnswer) -> Accepted:
    """Send an answer, under another update id each time."""
    accepted: Accepted = await handle.execute_update("answer", command, result_type=Accepted)
    return accepted


async def switch(
    handle: Handle,
    track: Track = Track.EMERGENCY,
    *,
    command_id: str = "t-1",
    occurred_at: datetime | None = None,
) -> Accepted:
    """Put a case on another track, from now on unless said otherwise."""
    command = SwitchTrack(
        command_id=command_id, track=track, actor="sari", occurred_at=occurred_at or datetime.now(UTC)
    )
    accepted: Accepted = await handle.execute_update("switch_track", command, result_type=Accepted)
    return accepted


async def refusal(handle: Handle, command: GiveAnswer) -> str:
    """Send an answer, expect that it is refused as out of place, and return the words."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await send(handle, command)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "WrongState"
    return refused.value.cause.message


def events(bench: Bench, handle: Handle, kind: EventKind) -> list[CaseEvent]:
    """Return a case's events of a kind, in order."""
    told = bench.ledger.events[handle.id]
    return [told[seq] for seq in sorted(told) if told[seq].kind is kind]


async def on_desk(bench: Bench, handle: Handle, step: Step, attempt: int = 1, *, times: int = 1) -> CaseState:
    """Wait until a step lies on the desk and everything is at rest; return the state."""

    def lies_there(state: CaseState) -> bool:
        laid = events(bench, handle, EventKind.STEP_ON_DESK)
        return [(event.step, event.attempt) for event in laid].count((step, attempt)) == times

    await bench.until(handle, lies_there)
    await bench.at_rest(handle)
    return await handle.query(Reactivation.state)


async def work(
    bench: Bench, handle: Handle, *steps: Step, attempt: int = 1, occurred_at: datetime | None = None
) -> None:
    """Say yes to these steps, each once it lies on the desk; it happened now unless said otherwise."""
    for step in steps:
        await on_desk(bench, handle, step, attempt)
        await give(handle, step, attempt=attempt, occurred_at=occurred_at or datetime.now(UTC))


class Gates:
    """Holds calls back, each by its name, until the test lets it go."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._gates: dict[str, threading.Event] = {}

    def hold(self, name: str) -> None:
        """Stand in the call's way."""
        gate = self._gate(name)
        self._held.add(name)
        assert gate.wait(20), "nobody opened the gate"

    def open(self, name: str) -> None:
        """Let the call go on, also one that comes later."""
        self._gate(name).set()

    def is_held(self, name: str) -> bool:
        """Tell whether the call has come."""
        return name in self._held

    def _gate(self, name: str) -> threading.Event:
        return self._gates.setdefault(name, threading.Event())


async def asked(bench: Bench, handle: Handle, gates: Gates) -> str:
    """Wait until Kemensos is being asked about a case; return the submission's reference."""

    def is_asked(state: CaseState) -> bool:
        return gates.is_held(bench.ledger.references.get(handle.id, ""))

    await bench.until(handle, is_asked)
    return bench.ledger.references[handle.id]

"""Commands that were kept while nobody took them: they are dated when they were given, within bounds."""

from datetime import datetime, timedelta

import pytest

from models.case import CaseState, Outcome, SlaState, Step
from models.messages import (
    Acknowledge,
    CaseCommand,
    CaseEvent,
    DataCorrected,
    EventKind,
    Extend,
    PapersAdded,
    Shorten,
    SwitchTrack,
    Withdraw,
)
from tests.builders import a_case
from tests.workflows.conftest import Bench, Handle
from tests.workflows.hands import events, give, on_desk

HOUR = timedelta(hours=1)
BOSS = "ibu.kepala"


async def at_the_recommendation(office: Bench) -> tuple[Handle, CaseState, datetime]:
    """Return a case whose papers were approved, and when that was."""
    handle = await office.start(a_case())
    before = await on_desk(office, handle, Step.DOCUMENT_CHECK)
    answered = before.since + timedelta(minutes=10)
    await office.forward(handle, HOUR)
    await give(handle, Step.DOCUMENT_CHECK, occurred_at=answered)
    return handle, await on_desk(office, handle, Step.RECOMMENDATION), answered


async def told(office: Bench, handle: Handle, name: str, command: CaseCommand, kind: EventKind) -> CaseEvent:
    """Give a command and return the event that it left."""
    await handle.execute_update(name, command)
    await office.at_rest(handle)
    (event,) = events(office, handle, kind)
    return event


async def due(handle: Handle) -> datetime:
    """Return when a case is due."""
    state: CaseState = await handle.query("state", result_type=CaseState)
    assert state.due_at is not None
    return state.due_at


@pytest.mark.parametrize("is_kept", [False, True], ids=["at once", "kept"])
@pytest.mark.parametrize(
    ("name", "by", "kind"),
    [("extend", 8 * HOUR, EventKind.SLA_EXTENDED), ("shorten", -2 * HOUR, EventKind.SLA_SHORTENED)],
)
async def test_time_that_was_given_while_nobody_listened_is_the_same_time(
    office: Bench, name: str, by: timedelta, kind: EventKind, *, is_kept: bool
) -> None:
    """The due time is the one that the command brings at once; the event is of when it was given."""
    handle, _, _ = await at_the_recommendation(office)
    given, was = await office.environment.get_current_time(handle), await due(handle)
    if is_kept:
        await office.forward(handle, 9 * HOUR)
    of = {"command_id": "m-1", "actor": BOSS, "by": abs(by), "given_at": given}
    command = Extend.model_validate(of) if name == "extend" else Shorten.model_validate(of)
    event = await told(office, handle, name, command, kind)
    assert (event.at, await due(handle)) == (given, was + by)
    await handle.execute_update("withdraw", Withdraw(command_id="w-1"))


async def test_a_time_that_was_promised_is_dated_when_it_was(office: Bench) -> None:
    """And the due time is the promised one."""
    handle, _, answered = await at_the_recommendation(office)
    await office.forward(handle, 9 * HOUR)
    until, given = await due(handle) + 3 * HOUR, answered + HOUR
    command = Extend(command_id="e-1", actor=BOSS, until=until, given_at=given)
    event = await told(office, handle, "extend", command, EventKind.SLA_EXTENDED)
    assert (event.at, await due(handle)) == (given, until)
    await handle.execute_update("withdraw", Withdraw(command_id="w-1"))


async def test_a_withdrawal_ends_the_case_when_it_was_given(office: Bench) -> None:
    """Given in time and delivered after the breach: what was told stays told, and the case met its SLA."""
    handle, _, answered = await at_the_recommendation(office)
    await office.forward(handle, 25 * HOUR)
    await office.at_rest(handle)
    assert events(office, handle, EventKind.SLA_BREACHED)
    given = answered + 2 * HOUR
    await handle.execute_update("withdraw", Withdraw(command_id="w-1", actor=BOSS, given_at=given))
    state = await handle.result()
    (event,) = events(office, handle, EventKind.CASE_WITHDRAWN)
    assert event.at == given
    assert (state.outcome, state.closed_at, state.sla_state) == (Outcome.WITHDRAWN, given, SlaState.MET)


@pytest.mark.parametrize(
    ("name", "command", "kind"),
    [
        ("papers_added", PapersAdded(command_id="c", count=1, actor=BOSS), EventKind.PAPERS_ADDED),
        (
            "data_corrected",
            DataCorrected(command_id="c", fields=("nik",), actor=BOSS),
            EventKind.DATA_CORRECTED,
        ),
        ("acknowledge", Acknowledge(command_id="c", actor=BOSS), EventKind.SLA_ACKNOWLEDGED),
    ],
)
async def test_whatever_an_officer_does_is_dated_when_he_did(
    office: Bench, name: str, command: CaseCommand, kind: EventKind
) -> None:
    """Each kept command, not only those that move time."""
    handle, _, answered = await at_the_recommendation(office)
    await office.forward(handle, 9 * HOUR)
    given = answered + 2 * HOUR
    kept = command.model_copy(update={"given_at": given})
    assert (await told(office, handle, name, kept, kind)).at == given
    await handle.execute_update("withdraw", Withdraw(command_id="w-1"))


async def test_another_track_is_dated_when_it_was_chosen(office: Bench) -> None:
    """As its clock is."""
    handle, state, answered = await at_the_recommendation(office)
    await office.forward(handle, 9 * HOUR)
    given = answered + 2 * HOUR
    track = "medical" if state.case.track == "emergency" else "emergency"
    command = SwitchTrack.model_validate(
        {"command_id": "t-1", "track": track, "actor": BOSS, "occurred_at": given, "given_at": given}
    )
    assert (await told(office, handle, "switch_track", command, EventKind.TRACK_SWITCHED)).at == given
    await handle.execute_update("withdraw", Withdraw(command_id="w-1"))


async def test_no_command_is_dated_before_the_answer_or_in_the_future(office: Bench) -> None:
    """As no answer is: a clock that is wrong moves no event out of its step."""
    handle, _, answered = await at_the_recommendation(office)
    await office.forward(handle, HOUR)
    early = Extend(command_id="e-1", actor=BOSS, by=HOUR, given_at=answered - HOUR)
    assert (await told(office, handle, "extend", early, EventKind.SLA_EXTENDED)).at == answered
    late = Acknowledge(command_id="a-1", actor=BOSS, given_at=answered + 48 * HOUR)
    event = await told(office, handle, "acknowledge", late, EventKind.SLA_ACKNOWLEDGED)
    assert answered + HOUR < event.at <= await office.environment.get_current_time(handle)
    await handle.execute_update("withdraw", Withdraw(command_id="w-1"))

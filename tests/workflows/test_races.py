"""Machine and hand on one step: the first valid answer wins, the other is noted; who steps in for whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from activities.ways import Mode
from gateways.ports.institutions import Decision, Verdict
from models.answers import HandedOver, Rejected
from models.case import CaseHealth, Outcome, Step, WaitingOn
from models.errors import BadReply, Misconfigured, ReactivationError, Refused
from models.messages import Accepted, EventKind, ReopenUpload
from runtime.adapters import Modes
from tests.builders import a_case
from tests.workflows.conftest import Bench, Handle, proven, require_sound
from tests.workflows.hands import Gates, an_answer, asked, events, give, on_desk, send, work
from workflows.reactivation import Reactivation

KEMENSOS = Step.KEMENSOS_VERIFICATION
FIRST_IS_FASTER = Modes(has_officers=False, siks_ng=Mode.HTTP, kemensos=Mode.BOTH, bpjs=Mode.DESK)
MACHINE_UPLOADS = Modes(has_officers=False, siks_ng=Mode.HTTP, kemensos=Mode.DESK, bpjs=Mode.DESK)
AT_ONCE = pytest.mark.parametrize("at_once", [6, pytest.param(20, marks=pytest.mark.slow)])
ACTIVITY_ENDED = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
}


@pytest.fixture
def gates() -> Gates:
    """What holds Kemensos back."""
    return Gates()


@pytest.fixture
async def raced(stopped_bench: Bench, gates: Gates) -> AsyncIterator[Bench]:
    """Kemensos may be answered by machine or by hand, and the machine waits for the test; BPJS by hand."""
    stopped_bench.modes = FIRST_IS_FASTER
    stopped_bench.kemensos.before = gates.hold
    async with proven(stopped_bench):
        yield stopped_bench


def bearers(bench: Bench, handle: Handle, kind: EventKind) -> list[str | int]:
    """Return who brought the answers to Kemensos' step that are noted as this."""
    return [event.facts["by"] for event in events(bench, handle, kind) if event.step is KEMENSOS]


async def finish(bench: Bench, handle: Handle) -> Outcome | None:
    """Bring a case to its end by hand."""
    await work(bench, handle, Step.BPJS_RECONNECT)
    return (await handle.result()).outcome


async def test_the_hand_was_first_and_the_machines_answer_is_late(raced: Bench, gates: Gates) -> None:
    """The machine's no, in the air when the hand said yes, is noted as the machine's and not taken."""
    raced.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    handle = await raced.start(a_case())
    reference = await asked(raced, handle, gates)
    assert not (await give(handle, KEMENSOS)).is_late
    gates.open(reference)
    assert await finish(raced, handle) is Outcome.REACTIVATED
    (late,) = events(raced, handle, EventKind.ANSWER_LATE)
    assert (late.step, late.attempt, late.reason) == (KEMENSOS, 1, "DINILAI_MAMPU")
    assert late.facts == {"decision": "rejected", "by": "machine"}
    assert bearers(raced, handle, EventKind.ANSWER_RECORDED) == ["sari"]
    assert raced.kemensos.asked == 1


async def test_the_machine_was_first_and_the_hands_answer_is_late(raced: Bench, gates: Gates) -> None:
    """The officer is told so, and the officer's no is noted and not taken."""
    handle = await raced.start(a_case())
    gates.open(await asked(raced, handle, gates))
    await on_desk(raced, handle, Step.BPJS_RECONNECT)
    accepted = await give(handle, KEMENSOS, answer=Rejected(reason="DINILAI_MAMPU"))
    assert accepted.is_late
    assert await finish(raced, handle) is Outcome.REACTIVATED
    assert bearers(raced, handle, EventKind.ANSWER_RECORDED) == ["machine"]
    assert bearers(raced, handle, EventKind.ANSWER_LATE) == ["sari"]


@AT_ONCE
@pytest.mark.parametrize("hand_first", [True, False])
async def test_machine_and_hand_in_the_same_moment(
    raced: Bench, gates: Gates, hand_first: bool, at_once: int
) -> None:
    """Several cases at once: one answer is recorded, the other is late, whoever of them it was; all end."""

    async def race() -> Outcome | None:
        handle = await raced.start(a_case())
        reference = await asked(raced, handle, gates)
        if hand_first:
            by_hand = asyncio.create_task(give(handle, KEMENSOS))
            await asyncio.sleep(0)
            gates.open(reference)
        else:
            gates.open(reference)
            by_hand = asyncio.create_task(give(handle, KEMENSOS))
        is_late = (await by_hand).is_late
        outcome = await finish(raced, handle)
        recorded = bearers(raced, handle, EventKind.ANSWER_RECORDED)
        late = bearers(raced, handle, EventKind.ANSWER_LATE)
        assert (recorded, late) == ((["machine"], ["sari"]) if is_late else (["sari"], ["machine"]))
        return outcome

    outcomes = await asyncio.gather(*(race() for _ in range(at_once)))
    assert outcomes == [Outcome.REACTIVATED] * at_once


async def in_one_task(
    bench: Bench, gates: Gates, update: Callable[[Handle], Coroutine[None, None, Accepted]]
) -> tuple[Handle, Accepted]:
    """Bring what the machine said and an update to the story in one workflow task, until both were taken."""
    bench.kemensos.before = gates.hold
    bench.modes = FIRST_IS_FASTER
    async with bench.serving(stories=False):
        async with bench.serving(activities=False):
            handle = await bench.start(a_case())
            reference = await asked(bench, handle, gates)
        seen = len((await handle.fetch_history()).events)
        gates.open(reference)
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_id > seen and event.event_type in ACTIVITY_ENDED:
                break
        sending = asyncio.create_task(update(handle))
        while not (await handle.describe()).raw_description.HasField("pending_workflow_task"):
            await asyncio.sleep(0)
        async with bench.serving(activities=False):
            accepted = await sending
            await bench.at_rest(handle)
    return handle, accepted


async def test_machine_and_hand_in_one_workflow_task(stopped_bench: Bench, gates: Gates) -> None:
    """Both are there when the story looks up: the hand's yes is taken, the machine's no is noted."""
    bench = stopped_bench
    bench.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    handle, accepted = await in_one_task(bench, gates, lambda handle: give(handle, KEMENSOS))
    assert not accepted.is_late
    assert bearers(bench, handle, EventKind.ANSWER_RECORDED) == ["sari"]
    assert bearers(bench, handle, EventKind.ANSWER_LATE) == ["machine"]
    assert bench.ledger.states[handle.id].step is Step.BPJS_RECONNECT
    await require_sound(bench)


async def test_a_failed_machine_and_a_hand_in_one_workflow_task(stopped_bench: Bench, gates: Gates) -> None:
    """The step is answered, so nobody is called for it."""
    bench = stopped_bench
    bench.kemensos.script = [Refused("kemensos", "call refused")]
    handle, _ = await in_one_task(bench, gates, lambda handle: give(handle, KEMENSOS))
    assert bearers(bench, handle, EventKind.ANSWER_RECORDED) == ["sari"]
    assert events(bench, handle, EventKind.STEP_STUCK) == []
    assert bench.ledger.alerts == {}
    await require_sound(bench)


async def test_a_void_receipt_and_the_machines_answer_in_one_workflow_task(
    stopped_bench: Bench, gates: Gates
) -> None:
    """What Kemensos said of the void submission is noted as late, and the upload is open again."""
    bench = stopped_bench
    bench.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU")]
    bench.siks_ng.script = [None, Refused("siks_ng", "call refused")]
    handle, _ = await in_one_task(bench, gates, reopen)
    assert bearers(bench, handle, EventKind.ANSWER_RECORDED) == []
    assert bearers(bench, handle, EventKind.ANSWER_LATE) == ["machine"]
    state = bench.ledger.states[handle.id]
    assert (state.step, state.attempt, state.trouble) == (Step.SIKS_NG_UPLOAD, 2, "Refused")
    await require_sound(bench)


@AT_ONCE
async def test_two_hands_in_the_same_moment(office: Bench, at_once: int) -> None:
    """Several cases at once, two officers on each: one is told that the other was faster."""

    async def race() -> None:
        handle = await office.start(a_case())
        await on_desk(office, handle, Step.DOCUMENT_CHECK)
        both = ("sari", "budi")
        said = await asyncio.gather(*(give(handle, Step.DOCUMENT_CHECK, actor=one) for one in both))
        await on_desk(office, handle, Step.RECOMMENDATION)
        by = {accepted.is_late: one for accepted, one in zip(said, both, strict=True)}
        (recorded,) = events(office, handle, EventKind.ANSWER_RECORDED)
        (late,) = events(office, handle, EventKind.ANSWER_LATE)
        assert (recorded.facts["by"], late.facts["by"]) == (by[False], by[True])

    await asyncio.gather(*(race() for _ in range(at_once)))


async def test_an_answer_that_the_desk_finds_after_another_is_late_once(office: Bench) -> None:
    """Two officers' commands: one delivered, one found on the desk, and then delivered too: late, once."""
    gates = Gates()
    office.desk.before = gates.hold
    case = a_case()
    key = f"{case.case_number}:document_check:1"
    gates.open(f"{case.case_number}:recommendation:1")
    handle = await office.start(case)
    await office.until(handle, lambda _state: gates.is_held(key))
    second = office.desk.answers[key] = an_answer(Step.DOCUMENT_CHECK, actor="budi")
    await give(handle, Step.DOCUMENT_CHECK, actor="sari")
    gates.open(key)
    await on_desk(office, handle, Step.RECOMMENDATION)
    assert (await send(handle, second)).is_late
    (recorded,) = events(office, handle, EventKind.ANSWER_RECORDED)
    (late,) = events(office, handle, EventKind.ANSWER_LATE)
    assert (recorded.facts["by"], late.facts["by"]) == ("sari", "budi")


async def test_a_machine_that_fails_when_the_hand_has_answered_alarms_nobody(
    raced: Bench, gates: Gates
) -> None:
    """The call in the air ends in an error that needs a person; one has acted already."""
    raced.kemensos.script = [Refused("kemensos", "call refused")]
    handle = await raced.start(a_case())
    reference = await asked(raced, handle, gates)
    await give(handle, KEMENSOS)
    gates.open(reference)
    assert await finish(raced, handle) is Outcome.REACTIVATED
    assert events(raced, handle, EventKind.STEP_STUCK) == []
    assert raced.ledger.alerts == {}


# -- The machine gives up, and a person steps in --------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [Refused("siks_ng", "call refused"), BadReply("siks_ng", "no JSON"), Misconfigured("siks_ng: url")],
)
async def test_a_step_that_the_machine_fails_for_good_is_done_by_hand(
    stopped_bench: Bench, error: ReactivationError
) -> None:
    """It lies on the desk with the reason, the case is stuck and told; a person frees it, for good."""
    bench = stopped_bench
    bench.modes = MACHINE_UPLOADS
    bench.siks_ng.script = [error, None]
    case = a_case()
    trouble = type(error).__name__
    async with proven(bench):
        handle = await bench.start(case)
        state = await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        assert (state.step, state.trouble) == (Step.SIKS_NG_UPLOAD, trouble)
        assert bench.desk.items == {f"{case.case_number}:siks_ng_upload:1": trouble}
        stuck = f"{case.case_number}:case.stuck:siks_ng_upload:1"
        await bench.until(handle, lambda _state: stuck in bench.ledger.alerts)

        assert not (await give(handle, Step.SIKS_NG_UPLOAD, receipt="receipt-1")).is_late
        state = await on_desk(bench, handle, KEMENSOS)
        assert (state.health, state.trouble) == (CaseHealth.OK, None)
        await bench.forward(handle, timedelta(hours=2))
        await work(bench, handle, KEMENSOS, Step.BPJS_RECONNECT)
        assert (await handle.result()).outcome is Outcome.REACTIVATED
        assert bench.siks_ng.effects == {}

        another = await bench.start(a_case())
        await on_desk(bench, another, KEMENSOS)
        assert set(bench.siks_ng.effects) == {f"{another.id}:siks_ng_upload:1"}
        assert f"{another.id}:siks_ng_upload:1" not in bench.desk.items


async def test_an_effect_that_a_person_has_in_hand_is_not_done_by_the_machine(stopped_bench: Bench) -> None:
    """Mode both: an officer has claimed the upload, so the machine leaves it and the office is waited for."""
    bench = stopped_bench
    bench.modes = Modes(has_officers=False, siks_ng=Mode.BOTH, kemensos=Mode.DESK, bpjs=Mode.DESK)
    case = a_case()
    bench.desk.in_hand.add(f"{case.case_number}:siks_ng_upload:1")
    async with proven(bench):
        handle = await bench.start(case)
        state = await on_desk(bench, handle, Step.SIKS_NG_UPLOAD)
        assert (state.waiting_on, state.health) == (WaitingOn.OFFICER, CaseHealth.OK)
        await give(handle, Step.SIKS_NG_UPLOAD)
        await work(bench, handle, KEMENSOS, Step.BPJS_RECONNECT)
        assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert bench.siks_ng.effects == {}


async def test_mode_both_is_done_by_the_machine_when_nobody_has_it_in_hand(stopped_bench: Bench) -> None:
    """The step lies on the desk for whoever looks, and the machine is faster."""
    bench = stopped_bench
    bench.modes = Modes(has_officers=False, siks_ng=Mode.BOTH, kemensos=Mode.BOTH, bpjs=Mode.BOTH)
    async with proven(bench):
        handle = await bench.start(a_case())
        assert (await handle.result()).outcome is Outcome.REACTIVATED
    recorded = events(bench, handle, EventKind.ANSWER_RECORDED)
    assert {event.facts["by"] for event in recorded} == {"machine"}
    assert len(bench.siks_ng.effects) == 1
    assert len(bench.desk.items) == 3


# -- The applicant's own way, and a receipt that was void -----------------------------------------------


async def test_a_case_that_is_handed_over_goes_straight_to_bpjs(stopped_bench: Bench) -> None:
    """The applicant takes the letters along; SIKS-NG and Kemensos are skipped, in words, and never asked."""
    bench = stopped_bench
    bench.modes = Modes(has_officers=False, siks_ng=Mode.HTTP, kemensos=Mode.HTTP, bpjs=Mode.DESK)
    bench.siks_ng.script = [Refused("siks_ng", "call refused")]
    async with proven(bench):
        handle = await bench.start(a_case())
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        await give(handle, Step.SIKS_NG_UPLOAD, answer=HandedOver())
        state = await on_desk(bench, handle, Step.BPJS_RECONNECT)
        assert (state.attempt, state.waiting_on, state.health) == (1, WaitingOn.BPJS, CaseHealth.OK)
        await give(handle, Step.BPJS_RECONNECT)
        assert (await handle.result()).outcome is Outcome.REACTIVATED
    skipped = events(bench, handle, EventKind.STEP_SKIPPED)
    assert [event.facts for event in skipped] == [
        {"skipped": "siks_ng_upload", "because": "handed_over"},
        {"skipped": "kemensos_verification", "because": "handed_over"},
    ]
    opened = [event.step for event in events(bench, handle, EventKind.STEP_OPENED)]
    assert opened == [Step.DOCUMENT_CHECK, Step.RECOMMENDATION, Step.SIKS_NG_UPLOAD, Step.BPJS_RECONNECT]
    assert (bench.siks_ng.effects, bench.kemensos.asked) == ({}, 0)


async def reopen(handle: Handle, attempt: int = 1, command_id: str = "v-1") -> Accepted:
    """Say that the receipt of an attempt was void."""
    command = ReopenUpload(command_id=command_id, attempt=attempt, actor="ibu.kepala")
    return await handle.execute_update(Reactivation.reopen_upload, command)


@pytest.mark.parametrize("step", [KEMENSOS, Step.BPJS_RECONNECT])
async def test_a_void_receipt_opens_the_upload_again_under_another_key(
    stopped_bench: Bench, step: Step
) -> None:
    """From either later step: attempt 2 is handed in anew, once however often the command comes."""
    bench = stopped_bench
    bench.modes = MACHINE_UPLOADS
    async with proven(bench):
        handle = await bench.start(a_case())
        steps = list(Step)
        await work(bench, handle, *steps[steps.index(KEMENSOS) : steps.index(step)])
        await on_desk(bench, handle, step)
        for _ in range(2):
            await reopen(handle)
        await work(bench, handle, KEMENSOS, Step.BPJS_RECONNECT, attempt=2)
        state = await handle.result()
    assert (state.outcome, state.attempt) == (Outcome.REACTIVATED, 2)
    assert set(bench.siks_ng.effects) == {f"{handle.id}:siks_ng_upload:{attempt}" for attempt in (1, 2)}
    (event,) = events(bench, handle, EventKind.STEP_REOPENED)
    assert (event.step, event.attempt, event.facts) == (step, 1, {"by": "ibu.kepala", "command": "v-1"})


async def test_the_upload_is_reopened_only_after_it_and_by_its_own_attempt(office: Bench) -> None:
    """Before there was a receipt, or for another attempt's, the command is refused and changes nothing."""
    handle = await office.start(a_case())
    for step in (Step.DOCUMENT_CHECK, Step.RECOMMENDATION, Step.SIKS_NG_UPLOAD):
        await on_desk(office, handle, step)
        with pytest.raises(Exception, match="failed") as refused:
            await reopen(handle)
        assert f"{step}, attempt 1" in str(refused.value.__cause__)
        await give(handle, step)
    await on_desk(office, handle, KEMENSOS)
    with pytest.raises(Exception, match="failed"):
        await reopen(handle, attempt=2)
    await work(office, handle, KEMENSOS, Step.BPJS_RECONNECT)
    assert (await handle.result()).attempt == 1
    assert events(office, handle, EventKind.STEP_REOPENED) == []


async def test_an_answer_in_the_air_when_the_upload_was_reopened_is_late(raced: Bench, gates: Gates) -> None:
    """Machine's and hand's alike, a final no included: what was said of the void receipt counts no more."""
    raced.kemensos.script = [Decision(Verdict.REJECTED, "DINILAI_MAMPU"), Decision(Verdict.APPROVED)]
    handle = await raced.start(a_case())
    reference = await asked(raced, handle, gates)
    await reopen(handle)
    accepted = await give(handle, KEMENSOS, answer=Rejected(reason="DINILAI_MAMPU"))
    assert accepted.is_late
    gates.open(reference)
    await raced.until(handle, lambda _state: raced.ledger.references[handle.id] != reference)
    gates.open(await asked(raced, handle, gates))
    await work(raced, handle, Step.BPJS_RECONNECT, attempt=2)
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    late = events(raced, handle, EventKind.ANSWER_LATE)
    assert [(event.facts["by"], event.step, event.attempt) for event in late] == [
        ("sari", KEMENSOS, 1),
        ("machine", KEMENSOS, 1),
    ]
    recorded = events(raced, handle, EventKind.ANSWER_RECORDED)
    assert [(event.step, event.attempt) for event in recorded if event.step is KEMENSOS] == [(KEMENSOS, 2)]

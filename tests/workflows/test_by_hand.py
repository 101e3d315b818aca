"""Answers by hand: a case from desk to desk, what is refused, and what a command does when it comes again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from gateways.ports.institutions import Decision, Verdict
from models.answers import HandedOver, Moot, Rejected, Returned
from models.case import CaseHealth, Outcome, SlaState, Step, WaitingOn
from models.errors import Unavailable
from models.messages import DataCorrected, EventKind, PapersAdded, RetryStep, Withdraw
from models.roles import ANSWERS, Role
from tests.builders import a_case
from tests.workflows.conftest import BY_HAND, Bench, Handle, proven
from tests.workflows.hands import Gates, an_answer, events, give, on_desk, refusal, send, work
from workflows.reactivation import Reactivation

WHOSE_TURN = {
    Step.DOCUMENT_CHECK: WaitingOn.OFFICER,
    Step.RECOMMENDATION: WaitingOn.SIGNER,
    Step.SIKS_NG_UPLOAD: WaitingOn.OFFICER,
    Step.KEMENSOS_VERIFICATION: WaitingOn.KEMENSOS,
    Step.BPJS_RECONNECT: WaitingOn.BPJS,
}
BY_APPLICANT = Returned(
    reason="DOK_TIDAK_LENGKAP", back_to=Step.DOCUMENT_CHECK, waits_for=WaitingOn.APPLICANT
)
BY_OFFICER = Returned(reason="NIK_BEDA", back_to=Step.RECOMMENDATION, waits_for=WaitingOn.OFFICER)


async def is_stuck(bench: Bench, handle: Handle, attempt: int = 1) -> None:
    """Wait until a case stands still to be mended in this attempt."""
    await bench.until(handle, lambda state: state.health is CaseHealth.STUCK and state.attempt == attempt)
    await bench.at_rest(handle)


async def length(handle: Handle) -> int:
    """Return how many events the history has."""
    return len((await handle.fetch_history()).events)


# -- A whole case ----------------------------------------------------------------------------------


async def test_a_whole_case_by_hand_lies_on_the_desk_five_times_and_is_reactivated(office: Bench) -> None:
    """Each step lies there once, waits for whose turn it is, and no activity is pending meanwhile."""
    case = a_case()
    handle = await office.start(case)
    for step in Step:
        state = await on_desk(office, handle, step)
        assert (state.waiting_on, state.health) == (WHOSE_TURN[step], CaseHealth.OK)
        assert not (await handle.describe()).raw_description.pending_activities
        accepted = await give(handle, step)
        assert not accepted.is_late
    state = await handle.result()

    assert (state.outcome, state.sla_state, state.attempt) == (Outcome.REACTIVATED, SlaState.MET, 1)
    assert office.desk.items == {f"{case.case_number}:{step}:1": None for step in Step}
    assert set(office.desk.asked.values()) == {1}
    one_step = ["step.opened", "step.on_desk", "answer.recorded"]
    expected = ["case.opened", "sla.started", *one_step * 5, "sla.met", "case.closed"]
    assert office.ledger.kinds(case.case_number) == expected
    assert (office.siks_ng.effects, office.kemensos.asked) == ({}, 0)


async def test_an_answer_is_recorded_with_its_bearer_and_proof(office: Bench) -> None:
    """Who, in which role and in whose place, by which command and with which receipt, and when."""
    happened_at = datetime.now(UTC) - timedelta(minutes=5)
    received_at = happened_at - timedelta(hours=1)
    handle = await office.start(a_case(received_at=received_at))
    before = (Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await work(office, handle, *before, occurred_at=received_at)
    await on_desk(office, handle, Step.SIKS_NG_UPLOAD)
    await give(
        handle,
        Step.SIKS_NG_UPLOAD,
        command_id="c-3",
        actor="budi",
        role=Role.SUPERVISOR,
        in_place_of="sari",
        receipt="receipt-7",
        occurred_at=happened_at,
    )
    await on_desk(office, handle, Step.KEMENSOS_VERIFICATION)
    (*_, event) = events(office, handle, EventKind.ANSWER_RECORDED)
    assert (event.step, event.attempt, event.at) == (Step.SIKS_NG_UPLOAD, 1, happened_at)
    assert event.facts == {
        "decision": "approved",
        "by": "budi",
        "role": "supervisor",
        "in_place_of": "sari",
        "command": "c-3",
        "receipt": "receipt-7",
    }


@pytest.mark.parametrize("step", Step)
async def test_a_rejection_by_hand_ends_the_case_with_its_reason(office: Bench, step: Step) -> None:
    """A final no may come at any step; the reason is in the ledger as a code."""
    handle = await office.start(a_case())
    steps = list(Step)
    await work(office, handle, *steps[: steps.index(step)])
    await on_desk(office, handle, step)
    await give(handle, step, answer=Rejected(reason="DINILAI_MAMPU"))
    assert (await handle.result()).outcome is Outcome.REJECTED
    (*_, event) = events(office, handle, EventKind.ANSWER_RECORDED)
    assert (event.step, event.reason, event.facts["decision"]) == (step, "DINILAI_MAMPU", "rejected")
    assert event.facts["role"] == ANSWERS[step]


async def test_a_moot_answer_by_hand_ends_the_case_as_that(office: Bench) -> None:
    """An officer who finds that the person died closes the case as that."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    moot = Moot(outcome=Outcome.DECEASED, reason="MENINGGAL")
    await give(handle, Step.DOCUMENT_CHECK, answer=moot)
    assert (await handle.result()).outcome is Outcome.DECEASED


async def test_retry_asks_the_desk_anew_and_lays_the_step_there_once(office: Bench) -> None:
    """Asked again while on the desk, the item is looked up again; nothing is there twice."""
    case = a_case()
    handle = await office.start(case)
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1", actor="sari"))
    await on_desk(office, handle, Step.DOCUMENT_CHECK, times=2)
    key = f"{case.case_number}:document_check:1"
    assert (office.desk.asked, list(office.desk.items)) == ({key: 2}, [key])
    assert not (await give(handle, Step.DOCUMENT_CHECK)).is_late
    await on_desk(office, handle, Step.RECOMMENDATION)
    (event,) = events(office, handle, EventKind.STEP_RETRIED)
    assert event.facts == {"by": "sari", "command": "r-1"}


async def test_a_retry_of_what_is_stuck_leaves_a_step_on_its_desk(office: Bench) -> None:
    """Kept while a case was stuck and delivered once it lies on a desk, it is refused and writes nothing."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    told = len(office.ledger.events[handle.id])
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(
            Reactivation.retry_step, RetryStep(command_id="r-1", actor="sari", only_stuck=True)
        )
    assert "nothing to retry: the case is at document_check and waits for officer" in str(refused.value.cause)
    await office.at_rest(handle)
    assert len(office.ledger.events[handle.id]) == told
    await give(handle, Step.DOCUMENT_CHECK, answer=BY_APPLICANT)
    await is_stuck(office, handle)
    stuck = RetryStep(command_id="r-2", actor="sari", only_stuck=True)
    await handle.execute_update(Reactivation.retry_step, stuck)
    await on_desk(office, handle, Step.DOCUMENT_CHECK, 2)


async def test_withdrawn_on_the_desk_the_case_ends(office: Bench) -> None:
    """Waiting for people is no reason to stay."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
    assert (await handle.result()).outcome is Outcome.WITHDRAWN


# -- When it happened ------------------------------------------------------------------------------


async def test_an_answer_happened_not_before_the_answer_that_opened_its_step(office: Bench) -> None:
    """Said to be of the day before yesterday: it is taken, and counts from the answer before it."""
    signed_at = datetime.now(UTC) - timedelta(minutes=10)
    handle = await office.start(a_case(received_at=signed_at - timedelta(hours=1)))
    await work(office, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION, occurred_at=signed_at)
    await on_desk(office, handle, Step.SIKS_NG_UPLOAD)
    said = signed_at - timedelta(hours=29)
    assert not (await give(handle, Step.SIKS_NG_UPLOAD, occurred_at=said)).is_late
    await on_desk(office, handle, Step.KEMENSOS_VERIFICATION)
    (*_, event) = events(office, handle, EventKind.ANSWER_RECORDED)
    assert (event.step, event.at) == (Step.SIKS_NG_UPLOAD, signed_at)
    assert event.facts["said"] == f"{said:%Y-%m-%dT%H:%M:%SZ}"
    opened = [event.at for event in events(office, handle, EventKind.STEP_OPENED)]
    assert opened == [signed_at - timedelta(hours=1), *[signed_at] * 3]


async def test_an_answer_dated_before_its_step_does_not_heal_a_breach(office: Bench) -> None:
    """Late, told, and opened anew after that: nobody can have answered it in time."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await give(handle, Step.DOCUMENT_CHECK, answer=BY_APPLICANT)
    await is_stuck(office, handle)
    in_time = datetime.now(UTC)
    await office.forward(handle, timedelta(hours=29))
    await office.until(handle, lambda state: state.sla_state is SlaState.BREACHED)
    await papers(handle)
    await work(office, handle, *Step, attempt=2, occurred_at=in_time)
    state = await handle.result()
    assert (state.outcome, state.sla_state) == (Outcome.REACTIVATED, SlaState.MISSED)
    assert state.closed_at is not None
    assert state.closed_at >= in_time + timedelta(hours=29)


async def test_an_answer_that_the_desk_holds_is_bound_to_its_step_too(stopped_bench: Bench) -> None:
    """Found by the activity and never sent: the case does not trust where an answer comes from."""
    bench = stopped_bench
    bench.modes = BY_HAND
    case = a_case()
    long_ago = case.received_at - timedelta(days=3)
    for step in Step:
        bench.desk.answers[f"{case.case_number}:{step}:1"] = an_answer(step, occurred_at=long_ago)
    async with proven(bench):
        state = await (await bench.start(case)).result()
    assert (state.outcome, state.closed_at) == (Outcome.REACTIVATED, case.received_at)


# -- What is refused -------------------------------------------------------------------------------


async def test_an_answer_to_a_step_that_is_not_open_is_refused_with_the_one_that_is(office: Bench) -> None:
    """Another step, another attempt or a time to come: refused in words, without a trace in the history."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    before = await length(handle)

    words = await refusal(handle, an_answer(Step.SIKS_NG_UPLOAD))
    assert "document_check, attempt 1" in words
    assert "siks_ng_upload" not in words
    assert "document_check, attempt 1" in await refusal(handle, an_answer(Step.DOCUMENT_CHECK, attempt=2))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert "future" in await refusal(handle, an_answer(Step.DOCUMENT_CHECK, occurred_at=tomorrow))

    assert await length(handle) == before
    assert not (await give(handle, Step.DOCUMENT_CHECK)).is_late
    await on_desk(office, handle, Step.RECOMMENDATION)
    assert len(events(office, handle, EventKind.ANSWER_RECORDED)) == 1


async def test_a_refused_command_may_come_again_when_its_step_is_open(office: Bench) -> None:
    """A refusal takes nothing: the same command counts later."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    command = an_answer(Step.RECOMMENDATION)
    await refusal(handle, command)
    await give(handle, Step.DOCUMENT_CHECK)
    await on_desk(office, handle, Step.RECOMMENDATION)
    assert not (await send(handle, command)).is_late
    await on_desk(office, handle, Step.SIKS_NG_UPLOAD)


async def test_while_a_case_waits_to_be_mended_no_step_can_be_answered(office: Bench) -> None:
    """The words say why; the step that returned was answered, so a second answer to it is late instead."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await give(handle, Step.DOCUMENT_CHECK, answer=BY_APPLICANT)
    await is_stuck(office, handle)
    before = await length(handle)
    words = await refusal(handle, an_answer(Step.DOCUMENT_CHECK, attempt=2))
    assert "waits to be mended at document_check, attempt 1" in words
    assert await length(handle) == before
    assert (await give(handle, Step.DOCUMENT_CHECK)).is_late
    assert (await handle.query(Reactivation.state)).health is CaseHealth.STUCK


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.SIKS_NG_UPLOAD])
async def test_only_the_upload_can_be_handed_over(office: Bench, step: Step) -> None:
    """Elsewhere it would jump over the check or begin BPJS anew; it is refused before it counts."""
    handle = await office.start(a_case())
    steps = list(Step)
    await work(office, handle, *steps[: steps.index(step)])
    await on_desk(office, handle, step)
    assert "upload" in await refusal(handle, an_answer(step, answer=HandedOver()))


async def test_a_case_that_is_ending_takes_no_answer(stopped_bench: Bench) -> None:
    """The outcome stands and only an alert is still to go out: the answer is refused."""
    bench = stopped_bench
    bench.modes = BY_HAND
    bench.channel.script = [*[Unavailable("channel", "no answer")] * 3, None]
    case = a_case(received_at=datetime.now(UTC) - timedelta(hours=25))
    async with proven(bench):
        handle = await bench.start(case)
        await bench.until(handle, lambda state: state.step is Step.DOCUMENT_CHECK)
        await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
        await bench.until(handle, lambda state: state.outcome is Outcome.WITHDRAWN)
        assert "ending" in await refusal(handle, an_answer(Step.DOCUMENT_CHECK))
        await bench.forward(handle, timedelta(minutes=1))
        await handle.result()


async def test_a_case_that_is_over_takes_no_answer(office: Bench) -> None:
    """There is nobody to ask any more, and Temporal says so."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await give(handle, Step.DOCUMENT_CHECK, answer=Rejected(reason="DINILAI_MAMPU"))
    await handle.result()
    with pytest.raises(RPCError) as over:
        await give(handle, Step.DOCUMENT_CHECK)
    assert over.value.status is RPCStatusCode.NOT_FOUND


# -- A command that comes again, and one that comes second --------------------------------------------


async def test_the_same_command_three_times_is_one_answer(office: Bench) -> None:
    """Each call returns as the first did, under whatever update id, also when the case went on."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    command = an_answer(Step.DOCUMENT_CHECK)
    said = [*await asyncio.gather(send(handle, command), send(handle, command))]
    await on_desk(office, handle, Step.RECOMMENDATION)
    said.append(await send(handle, command))
    assert [accepted.is_late for accepted in said] == [False] * 3
    (event,) = events(office, handle, EventKind.ANSWER_RECORDED)
    assert event.facts["command"] == command.command_id
    assert events(office, handle, EventKind.ANSWER_LATE) == []


async def test_the_second_answer_is_late_and_changes_nothing(office: Bench) -> None:
    """It is in the ledger with its bearer, once however often it comes, and the case goes its way."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await give(handle, Step.DOCUMENT_CHECK, actor="sari")
    before = await on_desk(office, handle, Step.RECOMMENDATION)

    second = an_answer(
        Step.DOCUMENT_CHECK, actor="budi", command_id="c-2", answer=Rejected(reason="DINILAI_MAMPU")
    )
    said = [await send(handle, second) for _ in range(2)]
    assert [(accepted.is_late, accepted.state) for accepted in said] == [(True, before)] * 2
    (event,) = events(office, handle, EventKind.ANSWER_LATE)
    assert (event.step, event.attempt, event.reason) == (Step.DOCUMENT_CHECK, 1, "DINILAI_MAMPU")
    assert event.facts == {"decision": "rejected", "by": "budi", "role": "verifier", "command": "c-2"}

    await work(office, handle, *list(Step)[1:])
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_late_answer_is_in_the_ledger_when_the_call_returns(office: Bench) -> None:
    """Whoever is told that the answer was recorded can read it at once."""
    handle = await office.start(a_case())
    await work(office, handle, Step.DOCUMENT_CHECK)
    await on_desk(office, handle, Step.RECOMMENDATION)
    await give(handle, Step.DOCUMENT_CHECK, command_id="c-2")
    assert [event.facts["command"] for event in events(office, handle, EventKind.ANSWER_LATE)] == ["c-2"]


# -- An answer that lay on the desk before the step opened --------------------------------------------


async def test_an_answer_that_the_desk_holds_is_taken_without_any_update(stopped_bench: Bench) -> None:
    """After a reset or an outage the step asks the desk and goes on, with the bearer's name."""
    bench = stopped_bench
    bench.modes = BY_HAND
    case = a_case()
    for step in Step:
        command = an_answer(step, command_id=f"c-{step}", actor="budi")
        bench.desk.answers[f"{case.case_number}:{step}:1"] = command
    async with proven(bench):
        state = await (await bench.start(case)).result()
    assert (state.outcome, state.closed_at) == (Outcome.REACTIVATED, command.occurred_at)
    recorded = events(bench, bench.handles[0], EventKind.ANSWER_RECORDED)
    assert [(event.facts["by"], event.facts["command"]) for event in recorded] == [
        ("budi", f"c-{step}") for step in Step
    ]
    assert bench.desk.items == {}
    assert events(bench, bench.handles[0], EventKind.STEP_ON_DESK) == []


async def test_a_command_that_was_found_on_the_desk_and_then_delivered_is_one_answer(office: Bench) -> None:
    """The ledger has a command before it is sent: found there first, the delivery finds it taken."""
    case = a_case()
    command = an_answer(Step.DOCUMENT_CHECK)
    office.desk.answers[f"{case.case_number}:document_check:1"] = command
    handle = await office.start(case)
    await on_desk(office, handle, Step.RECOMMENDATION)
    assert not (await send(handle, command)).is_late
    assert len(events(office, handle, EventKind.ANSWER_RECORDED)) == 1
    assert events(office, handle, EventKind.ANSWER_LATE) == []


async def test_a_command_that_is_found_and_delivered_at_the_same_time_is_one_answer(office: Bench) -> None:
    """Delivered while the desk is being asked, which then finds it too: once, and not late."""
    gates = Gates()
    office.desk.before = gates.hold
    case = a_case()
    key = f"{case.case_number}:document_check:1"
    handle = await office.start(case)
    await office.until(handle, lambda _state: gates.is_held(key))
    command = office.desk.answers[key] = an_answer(Step.DOCUMENT_CHECK)
    assert not (await send(handle, command)).is_late
    gates.open(key)
    gates.open(f"{case.case_number}:recommendation:1")
    await on_desk(office, handle, Step.RECOMMENDATION)
    assert len(events(office, handle, EventKind.ANSWER_RECORDED)) == 1
    assert events(office, handle, EventKind.ANSWER_LATE) == []


# -- Returned by hand -----------------------------------------------------------------------------------


async def papers(handle: Handle, number: int = 1) -> None:
    """Say that papers came."""
    await handle.execute_update("papers_added", PapersAdded(command_id=f"p-{number}", count=1))


async def data(handle: Handle, number: int = 1) -> None:
    """Say that data were mended."""
    command = DataCorrected(command_id=f"d-{number}", fields=("name",), actor="sari")
    await handle.execute_update("data_corrected", command)


@pytest.mark.parametrize(
    ("answer", "other", "mend"), [(BY_APPLICANT, data, papers), (BY_OFFICER, papers, data)]
)
async def test_a_returned_case_goes_on_when_the_right_thing_was_mended(
    office: Bench,
    answer: Returned,
    other: Callable[[Handle, int], Awaitable[None]],
    mend: Callable[[Handle, int], Awaitable[None]],
) -> None:
    """The applicant's papers or the officer's correction, not the other; then `back_to`, attempt 2."""
    case = a_case()
    handle = await office.start(case)
    await work(office, handle, Step.DOCUMENT_CHECK, Step.RECOMMENDATION)
    await on_desk(office, handle, Step.SIKS_NG_UPLOAD)
    await give(handle, Step.SIKS_NG_UPLOAD, answer=answer)
    await is_stuck(office, handle)
    state = await handle.query(Reactivation.state)
    assert (state.waiting_on, state.trouble) == (answer.waits_for, answer.reason)
    assert f"{case.case_number}:case.returned:siks_ng_upload:1" in office.ledger.alerts

    await other(handle, 1)
    assert (await handle.query(Reactivation.state)).health is CaseHealth.STUCK
    await mend(handle, 2)
    state = await on_desk(office, handle, answer.back_to, 2)
    assert (state.step, state.attempt, state.health) == (answer.back_to, 2, CaseHealth.OK)
    steps = list(Step)
    await work(office, handle, *steps[steps.index(answer.back_to) :], attempt=2)
    state = await handle.result()
    assert (state.outcome, state.attempt) == (Outcome.REACTIVATED, 2)
    assert f"{case.case_number}:{answer.back_to}:2" in office.desk.items


async def test_a_case_returned_too_often_waits_for_a_supervisor(office: Bench) -> None:
    """After three rounds papers and corrections are noted and free it no more; a retry does."""
    case = a_case()
    handle = await office.start(case)
    for attempt in (1, 2, 3):
        await on_desk(office, handle, Step.DOCUMENT_CHECK, attempt)
        await give(handle, Step.DOCUMENT_CHECK, attempt=attempt, answer=BY_APPLICANT)
        await is_stuck(office, handle, attempt)
        await papers(handle, attempt)
    await on_desk(office, handle, Step.DOCUMENT_CHECK, 4)
    await give(handle, Step.DOCUMENT_CHECK, attempt=4, answer=BY_APPLICANT)
    await is_stuck(office, handle, 4)
    assert (await handle.query(Reactivation.state)).waiting_on is WaitingOn.SUPERVISOR
    assert f"{case.case_number}:case.rounds_exhausted:document_check:4" in office.ledger.alerts
    (*_, event) = events(office, handle, EventKind.STEP_STUCK)
    assert event.facts == {"trouble": "DOK_TIDAK_LENGKAP", "role": "supervisor"}

    await papers(handle, 4)
    await data(handle)
    state = await handle.query(Reactivation.state)
    assert (state.health, state.attempt) == (CaseHealth.STUCK, 4)
    await handle.execute_update(Reactivation.retry_step, RetryStep(command_id="r-1", actor="ibu.kepala"))
    await on_desk(office, handle, Step.DOCUMENT_CHECK, 5)
    await work(office, handle, *Step, attempt=5)
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_return_by_the_machine_can_be_mended_by_hand(bench: Bench) -> None:
    """The correction of the data sends the case to SIKS-NG anew, under attempt 2."""
    bench.kemensos.script = [Decision(Verdict.RETURNED, "NIK_BEDA"), Decision(Verdict.APPROVED)]
    handle = await bench.start(a_case())
    await is_stuck(bench, handle)
    await data(handle)
    state = await handle.result()
    assert (state.outcome, state.attempt, len(bench.siks_ng.effects)) == (Outcome.REACTIVATED, 2, 2)


async def test_a_correction_that_nobody_waits_for_is_noted_once(office: Bench) -> None:
    """The case stays on its desk; the ledger tells which fields, by whom."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await data(handle)
    await data(handle)
    await work(office, handle, Step.DOCUMENT_CHECK)
    await on_desk(office, handle, Step.RECOMMENDATION)
    (event,) = events(office, handle, EventKind.DATA_CORRECTED)
    assert event.facts == {"fields": "name", "by": "sari", "command": "d-1"}
    assert events(office, handle, EventKind.STEP_RETRIED) == []


async def test_a_retry_that_comes_again_is_one(office: Bench) -> None:
    """A command that was taken returns again, and is not refused because the case went on."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    await give(handle, Step.DOCUMENT_CHECK, answer=BY_APPLICANT)
    await is_stuck(office, handle)
    retry = RetryStep(command_id="r-1")
    await handle.execute_update(Reactivation.retry_step, retry)
    await on_desk(office, handle, Step.DOCUMENT_CHECK, 2)
    await handle.execute_update(Reactivation.retry_step, retry)
    assert len(events(office, handle, EventKind.STEP_RETRIED)) == 1
    assert len(events(office, handle, EventKind.STEP_ON_DESK)) == 2

"""The worker is killed with -9 after each step, and in the middle of a call; the case does not notice."""

from collections.abc import AsyncIterator, Mapping

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from models.case import Outcome, Step
from tests.e2e.office import STORY, Office, until, until_async
from tests.e2e.people import Someone, someone

STEPS = list(Step)

Killed = Mapping[Step, str]


@pytest.fixture(scope="module")
async def killed(office: Office) -> AsyncIterator[Killed]:
    """Five cases, each of which lost the worker at another step; the worker is back."""
    cases = {}
    for step in STEPS:
        person = someone()
        _hold(office, person, step)
        case = await office.submit(person)
        if step is STEPS[-1]:
            await until(lambda: office.story(case)[-1] == f"step.opened {step}", 30, lambda: str(office.story(case)))
        else:
            await office.until_answered(case, step)
        office.kill(office.stack.worker)
        # Nobody writes now, so this is what the dead worker left.
        assert office.registry.case(case).outcome is None, "the case was over before the kill"
        assert f"answer.recorded {STEPS[-1]}" not in office.story(case)
        office.stack.worker.start()
        cases[step] = case
    yield cases


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_after_a_step_changes_nothing_of_the_case(step: Step, office: Office, killed: Killed) -> None:
    """The case ends reactivated, each institution did its work once, and the ledger tells the story of a calm day."""
    case = killed[step]

    ended = await office.until(case, lambda state: state.outcome is not None)

    assert ended.outcome is Outcome.REACTIVATED
    assert office.effects(case) == office.effects_wanted(case)
    assert office.story(case) == list(STORY)
    assert [event.seq for event in office.registry.history(case)] == list(range(1, len(STORY) + 1))


async def test_a_worker_killed_in_the_middle_of_a_submission_submits_once(office: Office) -> None:
    """SIKS-NG finishes a call whose caller is dead; the next worker asks again under the same key."""
    person = someone()
    office.turn("siks_ng", person, latency_ms=1500)
    case = await office.submit(person)

    async def in_the_air() -> bool:
        description = await office.client.get_workflow_handle(case).describe()
        waiting = description.raw_description.pending_activities
        return any(
            one.activity_type.name == "siks_ng_upload" and one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            for one in waiting
        )

    await until_async(in_the_air, 30, lambda: str(office.story(case)))
    office.kill(office.stack.worker)
    submitted = {f"{case}:{Step.SIKS_NG_UPLOAD}:1": 1}
    await until(lambda: office.effects(case)["siks_ng"] == submitted, 10, lambda: str(office.effects(case)))
    assert office.ledger.submission_reference(case) is None, "the dead worker heard the reply"
    office.stack.worker.start()

    ended = await office.until(case, lambda state: state.outcome is not None)

    assert ended.outcome is Outcome.REACTIVATED
    assert office.effects(case) == office.effects_wanted(case)
    assert office.story(case) == list(STORY)


def _hold(office: Office, person: Someone, step: Step) -> None:
    """Keep the case from running past the step before the kill."""
    if step in {Step.DOCUMENT_CHECK, Step.RECOMMENDATION}:
        office.turn("siks_ng", person, latency_ms=400)
    elif step is Step.SIKS_NG_UPLOAD:
        office.turn("kemensos", person, decide_after_s=1.5)
    else:
        office.turn("bpjs", person, activate_after_s=1.5)

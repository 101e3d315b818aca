"""The worker is killed with -9 after each step, and in the middle of a call; the cases do not notice."""

from collections.abc import Mapping

import pytest
from temporalio.api.enums.v1 import PendingActivityState

from models.case import Outcome, Step
from tests.e2e.office import STORY, Office, until
from tests.e2e.people import Someone, someone

STEPS = list(Step)
MID_CALL = "in the middle of the submission"

Killed = Mapping[str, str]


@pytest.fixture(scope="module")
async def killed(office: Office) -> Killed:
    """Six cases, each of which lost the worker at another moment, and a new worker for each."""
    # The call in the air comes first: it is given up after 20 seconds, which pass during the other kills.
    cases = {MID_CALL: await _killed_in_mid_call(office)}
    for step in STEPS:
        cases[step.value] = await _killed_after(office, step)
    return cases


async def test_a_worker_killed_after_the_submission_changes_nothing_of_the_case(office: Office) -> None:
    """The moment that matters most: the effect has happened, and the next step has not begun."""
    await _unnoticed(office, await _killed_after(office, Step.SIKS_NG_UPLOAD))


@pytest.mark.slow
@pytest.mark.parametrize("moment", [*[step.value for step in STEPS], MID_CALL])
async def test_a_worker_killed_after_any_step_changes_nothing_of_the_case(
    moment: str, office: Office, killed: Killed
) -> None:
    """The case ends reactivated, each institution acted once, the ledger tells the story of a calm day."""
    await _unnoticed(office, killed[moment])


async def _unnoticed(office: Office, case: str) -> None:
    ended = await office.until(case, lambda state: state.outcome is not None)

    assert ended.outcome is Outcome.REACTIVATED
    assert office.effects(case) == office.effects_wanted(case)
    assert office.story(case) == list(STORY)
    assert office.has_no_gap(case)


async def _killed_after(office: Office, step: Step) -> str:
    """Kill the worker as soon as the ledger holds the answer of a step; the last step while it is open."""
    person = someone()
    _hold(office, person, step)
    case = await office.submit(person)
    if step is STEPS[-1]:
        await until(
            lambda: office.story(case)[-1] == f"step.opened {step}", 30, lambda: str(office.story(case))
        )
    else:
        await office.until_answered(case, step)
    with office.killed(office.stack.worker):
        # Nobody writes now, so this is what the dead worker left.
        assert f"answer.recorded {STEPS[-1]}" not in office.story(case), "the case was over before the kill"
    return case


async def _killed_in_mid_call(office: Office) -> str:
    """Kill the worker while it is in a call about a submission that SIKS-NG has made already."""
    person = someone()
    # The first call is done and its reply cut, so the second one is on its way when the worker is killed.
    office.turn("siks_ng", person, latency_ms=700, lose_reply=1)
    case = await office.submit(person)
    await office.until_pending(
        case,
        lambda activity: (
            activity.activity_type.name == Step.SIKS_NG_UPLOAD
            and activity.attempt == 2
            and activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        ),
    )
    with office.killed(office.stack.worker):
        assert office.effects(case)["siks_ng"] == {f"{case}:{Step.SIKS_NG_UPLOAD}:1": 1}
        assert office.ledger.submission_reference(case) is None, (
            "the worker heard a reply before it was killed"
        )
    return case


def _hold(office: Office, person: Someone, step: Step) -> None:
    """Keep the case from running past the step before the kill."""
    if step in {Step.DOCUMENT_CHECK, Step.RECOMMENDATION}:
        office.turn("siks_ng", person, latency_ms=400)
    elif step is Step.SIKS_NG_UPLOAD:
        office.turn("kemensos", person, decide_after_s=1.5)
    else:
        office.turn("bpjs", person, activate_after_s=1.5)

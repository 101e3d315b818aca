"""The Temporal server is killed with -9 while cases are under way, and comes back on its file and port."""

from models.case import Outcome, Step
from tests.e2e.office import STORY, Office
from tests.e2e.people import someone


async def test_a_server_killed_in_mid_case_changes_nothing_of_the_cases(office: Office) -> None:
    """Cases at three different steps go on by themselves and end reactivated, each effect once."""
    uploading, verifying, reconnecting = someone(), someone(), someone()
    office.turn("siks_ng", uploading, latency_ms=1500)
    office.turn("kemensos", verifying, decide_after_s=4)
    office.turn("bpjs", reconnecting, activate_after_s=4)
    reached = {
        await office.submit(reconnecting): Step.KEMENSOS_VERIFICATION,
        await office.submit(verifying): Step.SIKS_NG_UPLOAD,
    }
    for case, step in reached.items():
        await office.until_answered(case, step)
    reached[await office.submit(uploading)] = Step.RECOMMENDATION
    for case, step in reached.items():
        await office.until_answered(case, step)

    with office.killed(office.stack.temporal):
        assert [office.registry.case(case).outcome for case in reached] == [None] * 3

    for case in reached:
        ended = await office.until(case, lambda state: state.outcome is not None)
        assert ended.outcome is Outcome.REACTIVATED
        assert office.effects(case) == office.effects_wanted(case)
        assert office.story(case) == list(STORY)
        assert office.has_no_gap(case)

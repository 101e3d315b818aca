"""Temporal is killed after a case told the ledger of an answer, before it kept the task that did so."""

import signal
from contextlib import suppress

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from models.case import CaseState, Outcome, Step
from models.messages import EventKind
from tests.e2e.office import Office, until, until_async
from tests.e2e.people import someone

ANSWERED = f"{EventKind.ANSWER_RECORDED} {Step.KEMENSOS_VERIFICATION}"


@pytest.mark.slow
async def test_what_temporal_lost_and_went_another_way_is_told_anew(office: Office) -> None:
    """A cancellation came meanwhile: the case did not go on to the step that the ledger heard of."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)
    case = await office.submit(person)
    asking = f"{EventKind.STEP_OPENED} {Step.KEMENSOS_VERIFICATION}"
    await until(lambda: office.story(case)[-1] == asking, 30, lambda: str(office.story(case)))
    handle = office.client.get_workflow_handle(case, result_type=CaseState)

    async def is_at_work() -> bool:
        """Tell whether a workflow task with the ministry's answer has begun, and is not over."""
        last = (await handle.fetch_history()).events[-1].event_type
        return last == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED

    connection = office.engine.raw_connection()
    connection.cursor().execute("BEGIN IMMEDIATE")  # the worker can read the ledger, and not write
    office.turn("kemensos", person, decide_after_s=0)
    await until_async(is_at_work, 30, lambda: str(office.story(case)))
    with office.killed(office.stack.temporal):
        connection.cursor().execute("ROLLBACK")
        connection.close()
        await until(lambda: ANSWERED in office.story(case), 10, lambda: str(office.story(case)))
        office.stack.worker.stop(signal.SIGKILL)

    async def is_cancelled() -> bool:
        with suppress(RPCError):
            await handle.cancel()
            return True
        return False

    await until_async(is_cancelled, 30, lambda: "Temporal did not come back")
    office.stack.worker.start()

    ended = await office.until(case, lambda state: state.outcome is not None)
    assert ended.outcome is Outcome.WITHDRAWN
    assert await handle.result() == ended
    history = office.registry.history(case)
    (anew,) = [place for place, event in enumerate(history) if event.kind is EventKind.CASE_RETOLD]
    kinds = [event.kind for event in history[anew + 1 :]]
    assert (kinds.count(EventKind.CASE_WITHDRAWN), kinds.count(EventKind.CASE_CLOSED)) == (1, 1)
    opened = [
        [event.step for event in part].count(Step.BPJS_RECONNECT) for part in (history[:anew], history[anew:])
    ]
    assert opened[0] > opened[1] == 0, "the withdrawn case went to BPJS only in what was lost"
    assert [event.seq for event in history[anew + 1 :]] == list(range(2, len(kinds) + 2))
    assert office.effects(case)["siks_ng"] == office.effects_wanted(case)["siks_ng"]

"""A case that began in an earlier manner keeps to it: whoever replays it finds it in the history."""

import asyncio

import pytest

from models.case import Outcome, Step
from runtime.earlier_cases import looking_at, manner_of
from runtime.starting import CaseStarter
from tests.builders import a_case, a_dossier
from tests.namespaces import a_namespace
from tests.replay.fingerprints import commands
from tests.workflows.conftest import Bench
from tests.workflows.hands import on_desk, work
from workflows.ledger_claim import CLAIM_ID
from workflows.manner import MANNER, Manner

IN_PASSING = {
    Manner.AT_ONCE: ["opening", "office_steps"],
    Manner.TWO_STEPS: ["open_case", "office_steps"],
    Manner.STEP_BY_STEP: ["open_case", "document_check"],
}


@pytest.mark.parametrize("manner", Manner)
async def test_a_case_keeps_to_the_manner_that_its_history_shows(office: Bench, manner: Manner) -> None:
    """Its memo says how it begins; read from Temporal alone, the history says the same."""
    handle = await office.start(a_case(), memo={MANNER: manner})
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    told = [word.removeprefix("local_activity ") for word in commands(await handle.fetch_history())]
    assert [name for name in told if name in {*Manner, "open_case"}] == IN_PASSING[manner]
    assert handle.result_run_id is not None
    look = looking_at(office.environment.client)
    assert await asyncio.to_thread(look, handle.id, handle.result_run_id) is manner
    await work(office, handle, *Step)
    assert (await handle.result()).outcome is Outcome.REACTIVATED


async def test_a_case_that_has_no_more_than_its_plan_may_ask_the_office_in_any_manner_after_it(
    office: Bench,
) -> None:
    """Its worker died before that. It must not ask for the plan in another way, which is in the history."""
    handle = await office.start(a_case(), memo={MANNER: Manner.STEP_BY_STEP})
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    events = (await handle.fetch_history()).events
    plan = next(
        place for place, event in enumerate(events) if event.HasField("marker_recorded_event_attributes")
    )
    assert manner_of(events[:plan]) is Manner.AT_ONCE
    assert manner_of(events[: plan + 1]) is Manner.TWO_STEPS
    assert manner_of(events) is Manner.STEP_BY_STEP
    await work(office, handle, *Step)


async def test_a_case_says_at_its_start_how_it_begins(bench: Bench) -> None:
    """Then nobody has to look back at it."""
    case = a_case()
    bench.ledger.dossiers[case.case_number] = a_dossier(case)
    client = bench.environment.client
    await CaseStarter(a_namespace(client, bench.task_queue))(case)
    await client.get_workflow_handle(CLAIM_ID).terminate()  # the server serves every test
    handle = client.get_workflow_handle(case.case_number)
    await handle.result()
    assert await (await handle.describe()).memo() == {MANNER: Manner.AT_ONCE}


async def test_a_case_that_begins_today_begins_in_the_present_manner(bench: Bench) -> None:
    """Without a memo too."""
    handle = await bench.start(a_case())
    assert (await handle.result()).outcome is Outcome.REACTIVATED
    assert "local_activity opening" in commands(await handle.fetch_history())

"""Intake dies between the ledger's write and the start of the workflow."""

import signal
import time

import pytest
from temporalio.service import RPCError, RPCStatusCode

from models.case import CaseState, Outcome
from tests.e2e.office import STORY, Office
from tests.e2e.people import Someone, someone
from workflows import options

LONG_AGO = options.SWEEP_AFTER.total_seconds() + 1


async def test_the_sweep_of_a_worker_starts_what_a_crash_left_behind(office: Office) -> None:
    """A case registered long enough ago and never started is started by a worker that comes up, and ends."""
    case = await _registered_by_a_crash(office, someone(), ago=LONG_AGO)
    office.stack.worker.stop()
    office.stack.worker.start()

    await _runs_to_its_end(office, case, within=30)


async def test_the_sweep_command_starts_what_a_crash_left_behind(office: Office) -> None:
    """`starter.py sweep` starts the case at once and says how many it started."""
    case = await _registered_by_a_crash(office, someone(), ago=0)

    ran = await office.cli("sweep")

    assert ran.code == 0
    assert ran.out.strip() == "1 case(s) started, 0 command(s) taken or refused by their cases"
    assert await _has_workflow(office, case)
    await _runs_to_its_end(office, case, within=30)


async def test_the_same_application_again_starts_what_a_crash_left_behind(office: Office) -> None:
    """An operator who repeats the command after the crash gets the same case number, and the case runs."""
    person = someone()
    case = await _registered_by_a_crash(office, person, ago=0)

    ran = await office.cli("submit", office.write(person), "--json")

    assert ran.code == 0
    told = ran.data()
    assert (told["case_number"], told["is_new"], told["is_started"]) == (case, False, True)
    assert await _has_workflow(office, case)
    await _runs_to_its_end(office, case, within=30)


@pytest.mark.slow
async def test_a_running_worker_starts_a_lost_case_within_a_minute(office: Office) -> None:
    """Nobody does anything after the crash; the worker that is up finds the case by itself."""
    case = await _registered_by_a_crash(office, someone(), ago=0)
    began = time.monotonic()

    await _runs_to_its_end(office, case, within=60)

    assert time.monotonic() - began > 10, "found before it was old enough: something else started it"


async def _registered_by_a_crash(office: Office, person: Someone, ago: float) -> str:
    """Have a process killed between register and start; return the number of the case it left."""
    before = {state.case.case_number for state in office.registry.cases(limit=10_000)}
    ran = await office.python("-m", "tests.e2e.crash_before_start", office.write(person), str(ago))
    assert ran.code == -signal.SIGKILL, ran.said
    [left] = [state for state in office.registry.cases(limit=10_000) if state.case.case_number not in before]
    assert not await _has_workflow(office, left.case.case_number)
    return left.case.case_number


async def _has_workflow(office: Office, case: str) -> bool:
    try:
        await office.client.get_workflow_handle(case).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _runs_to_its_end(office: Office, case: str, within: float) -> None:
    def is_over(state: CaseState) -> bool:
        return state.outcome is not None

    ended = await office.until(case, is_over, within)
    assert ended.outcome is Outcome.REACTIVATED
    assert office.story(case) == list(STORY)
    assert office.effects(case) == office.effects_wanted(case)

"""What would become of a due time, as a command asks it of the case."""

from datetime import timedelta

import pytest

from models.case import Step
from models.errors import WrongState
from models.messages import DueForecast, DueQuestion, Withdraw
from runtime.forecast import due_if
from tests.builders import a_case
from tests.workflows.conftest import Bench
from tests.workflows.hands import on_desk
from workflows.reactivation import Reactivation

HOUR = timedelta(hours=1)


async def test_a_case_tells_when_it_would_be_due_and_stays_as_it_is(office: Bench) -> None:
    """By so much, and until a time; nothing is written into its history."""
    case = a_case()
    handle = await office.start(case)
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    client, due = office.environment.client, case.received_at + 24 * HOUR
    before = len((await handle.fetch_history()).events)
    assert await due_if(client, handle.id, DueQuestion(by=-2 * HOUR)) == DueForecast(
        due_at=due, would_be=due - 2 * HOUR
    )
    until = case.received_at + HOUR
    assert await due_if(client, handle.id, DueQuestion(until=until)) == DueForecast(
        due_at=due, would_be=until
    )
    assert len((await handle.fetch_history()).events) == before
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))


async def test_a_case_that_has_not_begun_has_nothing_to_tell(office: Bench) -> None:
    """It is registered, and no workflow is there yet."""
    with pytest.raises(WrongState, match="has not begun"):
        await due_if(office.environment.client, "PBI-3674-2026-999999", DueQuestion(by=HOUR))

"""What a case tells of itself, as its workflow answers when it is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from models.case import CaseState, Step
from models.messages import EVENTS_AT_MOST, CaseEvent, EventKind, Record
from runtime.temporal import birth_of
from workflows.reactivation import Reactivation

FIRST_SEQ: Final = 2
"""Number of the first event that a workflow tells; before it stands `case.registered`."""
_ASKED_WITHIN: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class Story:
    """All that a case tells of itself."""

    run: str
    task: int
    at: datetime
    upto: int
    events: tuple[CaseEvent, ...]
    state: CaseState

    @property
    def place(self) -> tuple[int, datetime, int]:
        """From which place of its history it is told: the ledger hears no telling from an earlier one."""
        return self.task, self.at, self.upto

    @property
    def uploads(self) -> frozenset[int]:
        """Attempts at the upload that were begun."""
        of_upload = (event for event in self.events if event.step is Step.SIKS_NG_UPLOAD)
        return frozenset(
            event.attempt
            for event in of_upload
            if event.kind is EventKind.STEP_OPENED and event.attempt is not None
        )


async def whole_story(client: Client, number: str, run: str | None = None) -> Story | None:
    """Return all that a case tells, or a run of it told; None when no worker answers."""
    events: list[CaseEvent] = []
    since = FIRST_SEQ
    while (record := await asked(client, number, since, run)) is not None:
        events += record.events
        since += EVENTS_AT_MOST
        if since > record.upto:
            return Story(record.run, record.task, record.at, record.upto, tuple(events), record.state)
    return None


async def uploads_of_runs(
    client: Client, case_number: str, birth: str | None, *, but: str | None = None
) -> frozenset[int]:
    """Return the attempts at the upload that the runs of a case began, as far as Temporal still has them.

    `but` is a run that is left out. One that was left behind may know of more than a ledger that was put back
    twice. Raises RPCError.
    """
    query, begun = f'WorkflowId="{case_number}"', frozenset[int]()
    async for found in client.list_workflows(query):
        if found.run_id != but and birth_of(found.raw_info.memo) == birth:
            story = await whole_story(client, case_number, found.run_id)
            begun |= frozenset() if story is None else story.uploads
    return begun


async def asked(client: Client, case_number: str, since: int, run: str | None = None) -> Record | None:
    """Return what a case tells from an event on; None when no worker answers."""
    try:
        return await client.get_workflow_handle(case_number, run_id=run).query(
            Reactivation.story, since, rpc_timeout=_ASKED_WITHIN
        )
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, RPCError, RuntimeError):
        return None

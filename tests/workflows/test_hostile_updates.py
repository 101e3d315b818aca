"""Updates sent past our own commands, by whoever may call Temporal: refused, and no case breaks."""

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from models.case import Outcome, Step
from tests.builders import a_case
from tests.workflows.conftest import Bench
from tests.workflows.hands import give, on_desk, work

NIK = "3674065203859001"
HOSTILE: list[tuple[str, Any]] = [
    ("answer", None),
    ("answer", NIK),
    ("answer", {"command_id": "Siti Rahayu", "step": "document_check"}),
    ("answer", {"command_id": "c", "step": "document_check", "attempt": 1, "answer": {"decision": "approved"},
                "actor": "sari", "role": "verifier", "occurred_at": "2026-02-13T08:00:00"}),
    ("extend", {"command_id": "c", "actor": "sari", "by": "P99999999D"}),
    ("extend", {"command_id": "c", "actor": "sari", "until": "9999-12-31T23:59:59Z"}),
    ("withdraw", {"command_id": f"Siti\n\x1b[2J{NIK}"}),
    ("withdraw", {"command_id": "x" * 1_000_000}),
    ("papers_added", {"command_id": "c", "count": 10**30}),
    ("data_corrected", {"command_id": "c", "actor": "sari", "fields": [f"nama Siti {NIK}"]}),
    ("switch_track", {"command_id": "c", "actor": "sari", "track": "emergency",
                      "occurred_at": "0001-01-01T00:00:00Z"}),
    ("reopen_upload", {"command_id": "c", "actor": "sari", "attempt": -1}),
    ("acknowledge", {"command_id": "c", "actor": "S. Rahayu"}),
    ("park", {"system": "kemensos", "since": "0001-01-01T00:00:00Z"}),
    ("no_such_update", {"nik": NIK}),
]  # fmt: skip


async def test_a_case_outlives_every_hostile_update(office: Bench) -> None:
    """Each is refused, no refusal quotes it, the history does not hold it; the case goes on to its end."""
    handle = await office.start(a_case())
    await on_desk(office, handle, Step.DOCUMENT_CHECK)
    before = len((await handle.fetch_history()).events)
    for name, argument in HOSTILE:
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(name, argument)
        told = f"{refused.value.cause!r}"
        assert NIK not in told, name
        assert "Siti" not in told, name
        assert "Rahayu" not in told, name
        assert len(told) < 1000, name
    events = (await handle.fetch_history()).events
    assert not [event for event in events[before:] if event.HasField("workflow_task_failed_event_attributes")]
    assert NIK not in str(events)
    await give(handle, Step.DOCUMENT_CHECK)
    await work(office, handle, *list(Step)[1:])
    assert (await handle.result()).outcome is Outcome.REACTIVATED

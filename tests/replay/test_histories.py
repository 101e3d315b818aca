"""Cases that began on an earlier version go on: their histories replay on this one."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.sandbox import strict_runner
from workflows.reactivation import Reactivation

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*/*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: f"{file.parent.name}-{file.stem}")
async def test_a_stored_history_replays(file: Path) -> None:
    """The commands of the present code are those of the stored case, event by event."""
    history = WorkflowHistory.from_json(file.stem, file.read_text())
    replayer = Replayer(
        workflows=[Reactivation], data_converter=pydantic_data_converter, workflow_runner=strict_runner()
    )
    await replayer.replay_workflow(history)


def test_every_track_has_a_history() -> None:
    """An empty folder would prove nothing."""
    assert {"emergency", "medical", "newborn"} <= {file.stem for file in HISTORIES}

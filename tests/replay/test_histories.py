"""Cases that began on an earlier version go on: their histories replay on this one."""

import re
from collections.abc import Iterator

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from models.case import Track
from runtime.earlier_cases import EarlierCases, manner_of
from tests.replay.conftest import Advise
from tests.replay.fingerprints import late_patches
from tests.replay.messages import recorded
from tests.replay.paths import NAMES
from tests.replay.versions import HISTORIES, RETIRED, recorded_versions, released_versions
from tests.replay.words import ARE_NOT_RETIRED, ASKS_LATE, GETS_STUCK, HAVE_NO_HISTORIES, NEVER_INSTALLED
from tests.sandbox import strict_runner
from worker import WORKFLOWS


def histories(version: str) -> Iterator[WorkflowHistory]:
    """Yield what is recorded of a version."""
    for file in sorted((HISTORIES / version).glob("*.json")):
        yield WorkflowHistory.from_json(file.stem, file.read_text())


@pytest.mark.parametrize("version", recorded_versions())
async def test_the_cases_of_a_version_replay(version: str, advise: Advise) -> None:
    """The commands of the present code are those of each stored case, event by event."""
    begun = {history.workflow_id: manner_of(history.events) for history in histories(version)}
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=strict_runner(),
        interceptors=[EarlierCases(lambda workflow_id, _: begun[workflow_id])],
    )
    stuck = []
    for history in histories(version):
        replayed = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if (error := replayed.replay_failure) is not None:
            stuck.append(f"    {history.workflow_id}: {_in_short(error)}")
    if stuck:
        said = GETS_STUCK.format(version=version, what="\n".join(stuck))
        advise(said if version in released_versions() else said + NEVER_INSTALLED.format(version=version))


@pytest.mark.parametrize("version", recorded_versions())
def test_no_patch_is_asked_for_after_a_local_activity_of_its_task(version: str, advise: Advise) -> None:
    """A case of such a history replays as long as no worker was slow."""
    late = {patch for history in histories(version) for patch in late_patches(history)}
    if late:
        advise(ASKS_LATE.format(what=", ".join(sorted(late))))


def test_every_version_keeps_its_histories_until_it_is_retired(advise: Advise) -> None:
    """One that was installed could not be checked any more; its messages, which stay, tell of it."""
    without = (released_versions() | set(recorded())) - set(recorded_versions())
    if gone := without - RETIRED:
        advise(HAVE_NO_HISTORIES.format(what=", ".join(sorted(gone))))
    if kept := RETIRED - without:
        advise(ARE_NOT_RETIRED.format(what=", ".join(sorted(kept))))


def test_every_version_has_a_history_of_every_track() -> None:
    """An empty folder would prove nothing."""
    for version in recorded_versions():
        assert {file.stem for file in (HISTORIES / version).glob("*.json")} >= set(Track)


def test_the_newest_version_has_a_history_of_every_path() -> None:
    """A path that was added is recorded too."""
    newest = HISTORIES / recorded_versions()[-1]
    assert {file.stem for file in newest.glob("*.json")} == set(NAMES), "run `make record`"


def _in_short(error: Exception) -> str:
    """Return what the SDK says of a replay that failed, without all that it puts around it."""
    found = re.search(r'message: "(?:\[TMPRL1100\] )?([^"]+)', str(error))
    return found.group(1) if found else type(error).__name__

"""Two versions of the workers, really run: cases change hands, and lose nothing by it."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType

from models.case import Outcome, SlaState, Step
from models.messages import EventKind
from runtime.processes import Child
from runtime.settings import ROOT
from runtime.visibility import pollers
from tests.e2e.office import Office, until, until_async
from tests.e2e.people import someone
from tests.replay.editions import PATCH, edition
from tests.replay.fingerprints import commands
from tests.workflows.hands import give

CASES, AFTERWARDS = 100, 5
VERSION_1 = ROOT / "worker.py"
NAME = "reaktivasi"


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worker of a tree in which a workflow was changed, with a guard."""
    return edition(tmp_path_factory.mktemp("v2") / "tree", is_guarded=True) / "worker.py"


@pytest.fixture
async def own_office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of the test's own: machines at every step, no worker of the stack's."""
    office = Office(tmp_path)
    await office.open()
    office.stack.worker.stop()
    try:
        yield office
    finally:
        office.close()


class Crew:
    """Workers of several versions beside each other."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.workers: list[Child] = []

    async def begin(self, program: Path, **settings: str) -> Child:
        """Start a worker and return when it asks for work; a setting is named without its prefix."""
        number = len(self.workers) + 1
        log = self.office.stack.folder / "logs" / f"worker-of-crew-{number}.log"
        environment = {f"REAKTIVASI_{name}": value for name, value in settings.items()}
        worker = Child(
            f"worker {number}",
            [sys.executable, str(program)],
            self.office.stack.worker.environment | environment,
            log,
        )
        self.workers.append(worker)
        worker.start()

        async def polls() -> bool:
            polling = await pollers(self.office.client, self.office.stack.settings)
            return any(one.startswith(f"{worker.pid}@") for one in polling)

        await until_async(polls, 60, log.read_text)
        return worker


@contextmanager
def crew_of(office: Office) -> Iterator[Crew]:
    """Hire workers, and stop those that are left."""
    crew = Crew(office)
    try:
        yield crew
    finally:
        for worker in crew.workers:
            worker.stop()


@pytest.mark.slow
async def test_a_case_begun_on_version_1_ends_on_version_2_with_its_clock(
    tmp_path: Path, version_2: Path
) -> None:
    """Due time, budget and warnings are the case's own, although the policy was changed with the release."""
    office = Office(tmp_path, by_hand=True)
    _set_budget(office, "PT24H", "PT40S")
    await office.open()
    try:
        case = await office.submit(someone())
        await office.until_on_desk(case, Step.DOCUMENT_CHECK)
        await office.until(case, lambda state: state.sla_state is SlaState.AT_RISK)
        before = office.registry.case(case)

        office.stack.worker.stop()
        _set_budget(office, "PT40S", "PT48H")
        office.stack.worker.command = [sys.executable, str(version_2)]
        office.stack.worker.start()
        late = await office.until(case, lambda state: state.sla_state is SlaState.BREACHED)
        assert late.due_at == before.due_at
        handle = office.client.get_workflow_handle(case)
        for step in Step:
            await office.until_on_desk(case, step)
            await give(handle, step)
        ended = await office.until(case, lambda state: state.outcome is not None)

        assert (ended.outcome, ended.sla_state) == (Outcome.REACTIVATED, SlaState.MISSED)
        assert ended.due_at == before.due_at
        assert office.has_no_gap(case)
        told = office.registry.history(case)
        assert [event.facts["percent"] for event in told if event.kind is EventKind.SLA_WARNED] == [
            50,
            75,
            90,
        ]
        counted = Counter(event.kind for event in told)
        assert counted[EventKind.SLA_STARTED] == counted[EventKind.SLA_BREACHED] == 1
        assert f"patch {PATCH}" in commands(await handle.fetch_history())
        assert await _failures(office, case) == 0
    finally:
        office.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_roll_without_worker_versions_loses_nothing(own_office: Office, version_2: Path) -> None:
    """Two workers are replaced one by one, with the patch held, which can be taken back; then without."""
    with crew_of(own_office) as crew:
        old = [await crew.begin(VERSION_1), await crew.begin(VERSION_1)]
        coming = asyncio.create_task(_cases(own_office, CASES - AFTERWARDS))
        first = await crew.begin(version_2, HOLD_PATCHES=PATCH)
        await until(lambda: "answer.recorded" in first.log_file.read_text(), 60, first.log_file.read_text)
        await asyncio.to_thread(first.stop)
        for held in (PATCH, ""):
            new = []
            for worker in old:
                new.append(await crew.begin(version_2, HOLD_PATCHES=held))
                await asyncio.to_thread(worker.stop)
            old = new
        cases = await coming + await _cases(own_office, AFTERWARDS)
        await _nothing_is_lost(own_office, cases)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_roll_with_worker_versions_loses_nothing(own_office: Office, version_2: Path) -> None:
    """Both versions run beside each other; cases go over when the new one is promoted, those begun too."""
    with crew_of(own_office) as crew:
        first = {"DEPLOYMENT": NAME, "BUILD_ID": "1"}
        old = [await crew.begin(VERSION_1, **first), await crew.begin(VERSION_1, **first)]
        doctor = await own_office.cli("doctor", REAKTIVASI_DEPLOYMENT=NAME)
        assert doctor.code == 5
        assert "no version is the current one" in doctor.out
        unknown = await own_office.cli("deployment", "promote", "9", "--go", REAKTIVASI_DEPLOYMENT=NAME)
        assert unknown.code == 3
        rehearsed = await own_office.cli("deployment", "promote", "1", REAKTIVASI_DEPLOYMENT=NAME)
        assert "no current version" in rehearsed.out
        await _promote(own_office, "1")
        coming = asyncio.create_task(_cases(own_office, CASES - AFTERWARDS))
        await until(lambda: len(own_office.registry.cases()) > CASES // 5, 60, lambda: "too few cases")
        for _ in old:
            await crew.begin(version_2, DEPLOYMENT=NAME, BUILD_ID="2")
        await _promote(own_office, "2")
        for worker in old:
            await asyncio.to_thread(worker.stop)
        cases = await coming + await _cases(own_office, AFTERWARDS)
        await _nothing_is_lost(own_office, cases)

        doctor = await own_office.cli("doctor", REAKTIVASI_DEPLOYMENT=NAME)
        assert f"{NAME}: current is 2" in doctor.out
        used = [await _versions_of(own_office, case) for case in cases]
        assert {f"{NAME}:1", f"{NAME}:2"} in used, "no case went from one version to the other"


def _set_budget(office: Office, before: str, after: str) -> None:
    """Change the budget of the emergency track of Tangerang Selatan."""
    file = office.policies / "kota-tangerang-selatan.toml"
    text, replaced = re.subn(
        rf'(\[tracks\.emergency\.sla\][^\[]*?budget = )"{before}"', rf'\1"{after}"', file.read_text()
    )
    assert replaced == 1
    file.write_text(text)


async def _cases(office: Office, number: int) -> list[str]:
    """Submit the cases, a few a second, so that some are in every state all the time."""
    cases = []
    for _ in range(number):
        person = someone()
        office.turn("kemensos", person, decide_after_s=3)
        cases.append(await office.submit(person))
        await asyncio.sleep(0.1)
    return cases


async def _nothing_is_lost(office: Office, cases: list[str]) -> None:
    """Every case has one outcome, every institution acted once, and no workflow task has failed."""
    assert len(set(cases)) == CASES
    for case in cases:
        ended = await office.until(case, lambda state: state.outcome is not None, within=120)
        assert ended.outcome is Outcome.REACTIVATED
        assert office.effects(case) == office.effects_wanted(case)
        assert office.has_no_gap(case)
        assert [kind for kind in office.story(case) if kind == EventKind.CASE_CLOSED] == [
            EventKind.CASE_CLOSED
        ]
        assert await _failures(office, case) == 0
    told = [commands(await office.client.get_workflow_handle(case).fetch_history()) for case in cases]
    patched = [f"patch {PATCH}" in words for words in told]
    assert not patched[0], "the first case began on version 1 and had passed the place"
    assert patched[-1], "the last case began on version 2"


async def _failures(office: Office, case: str) -> int:
    """Return how many workflow tasks of a case have failed."""
    history = await office.client.get_workflow_handle(case).fetch_history()
    kinds = [event.event_type for event in history.events]
    return kinds.count(EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)


async def _versions_of(office: Office, case: str) -> set[str]:
    """Return the versions of workers that a case was on."""
    description = await office.client.get_workflow_handle(case).describe()
    used = description.typed_search_attributes.search_attributes
    return {
        str(value)
        for pair in used
        if pair.key.name == "TemporalUsedWorkerDeploymentVersions"
        for value in pair.value
    }


async def _promote(office: Office, build_id: str) -> None:
    """Send all cases to a version, as an administrator does."""
    ran = await office.cli("deployment", "promote", build_id, "--go", REAKTIVASI_DEPLOYMENT=NAME)
    assert ran.code == 0, ran.said

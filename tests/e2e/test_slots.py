"""A worker's slots on the real server: a begun case goes on while many new ones wait."""

import asyncio
import threading
from uuid import uuid4

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from runtime.slots import tuner_of
from tests.e2e.office import Office

SLOTS = 4
"""One of them is for new cases."""
SIGNALS = 3


class Inside:
    """Who is in a first task, and how many were at most."""

    def __init__(self) -> None:
        """Nobody was."""
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.somebody = threading.Event()
        self.let_on = threading.Event()

    def stay(self) -> None:
        """Stay until let on, less long than the SDK takes for a deadlock."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.somebody.set()
        self.let_on.wait(0.5)
        with self._lock:
            self._now -= 1


_inside = Inside()


@workflow.defn
class Begins:
    """A new case whose first task takes long: it holds its slot."""

    @workflow.run
    async def run(self) -> None:
        """Hold the slot, then end."""
        _inside.stay()


@workflow.defn
class GoesOn:
    """A begun case: every signal is a task of it."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._came = 0

    @workflow.run
    async def run(self) -> int:
        """Wait for all signals."""
        await workflow.wait_condition(lambda: self._came == SIGNALS)
        return self._came

    @workflow.signal
    def come(self) -> None:
        """Count."""
        self._came += 1

    @workflow.update
    def ask(self) -> int:
        """Answer how many came: the task that a signal began is over then."""
        return self._came


async def test_a_begun_case_goes_on_while_new_ones_hold_all_the_slots_they_get(office: Office) -> None:
    """With the SDK's own slots the new cases take all four of them, and the begun one waits for their end."""
    client, queue = office.client, f"slots-{uuid4().hex}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Begins, GoesOn],
        workflow_runner=UnsandboxedWorkflowRunner(),
        tuner=tuner_of(SLOTS),
    )
    async with worker, asyncio.timeout(30):
        begun = await client.start_workflow(GoesOn.run, id=f"{queue}-begun", task_queue=queue)
        assert await begun.execute_update(GoesOn.ask) == 0
        new = [
            await client.start_workflow(Begins.run, id=f"{queue}-{number}", task_queue=queue)
            for number in range(2 * SLOTS)
        ]
        assert await asyncio.to_thread(_inside.somebody.wait, 20)
        for came in range(1, SIGNALS + 1):
            await begun.signal(GoesOn.come)
            if came < SIGNALS:
                assert await begun.execute_update(GoesOn.ask) == came
        assert await begun.result() == SIGNALS
        _inside.let_on.set()
        await asyncio.gather(*(one.result() for one in new))
    assert _inside.most == 1

"""Slots for new cases and for begun ones, as the SDK asks for them."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import SlotPermit, SlotReleaseContext

from runtime.slots import SlotsByQueue


@dataclass
class _Asked:
    """What the SDK says when it is about to ask a queue for a task."""

    is_sticky: bool
    slot_type: Literal["workflow", "activity", "local-activity"] = "workflow"
    task_queue: str = "reactivation"
    worker_identity: str = "test"
    worker_build_id: str = ""
    worker_deployment_version: WorkerDeploymentVersion | None = None


def _reserve(slots: SlotsByQueue, number: int, *, is_sticky: bool) -> list[asyncio.Task[SlotPermit]]:
    return [asyncio.create_task(slots.reserve_slot(_Asked(is_sticky))) for _ in range(number)]


async def _given(tasks: list[asyncio.Task[SlotPermit]]) -> list[SlotPermit]:
    """Return the slots that were given by now, after everybody had a turn."""
    for _ in range(5):
        await asyncio.sleep(0)
    return [task.result() for task in tasks if task.done()]


async def test_a_waiting_list_leaves_slots_to_the_cases_that_are_begun() -> None:
    """New cases get one slot in six, at least one, however many wait; begun ones get the others."""
    for slots, new, begun in ((4, 1, 3), (6, 1, 5), (12, 2, 10)):
        supplier = SlotsByQueue(slots)
        news = _reserve(supplier, 20, is_sticky=False)
        beguns = _reserve(supplier, 20, is_sticky=True)
        assert (len(await _given(news)), len(await _given(beguns))) == (new, begun)
        for task in (*news, *beguns):
            task.cancel()


async def test_a_slot_that_is_given_back_in_another_thread_goes_to_its_own_kind() -> None:
    """A begun case does not get what a new one gave back, nor the other way round."""
    supplier = SlotsByQueue(6)
    news, beguns = _reserve(supplier, 3, is_sticky=False), _reserve(supplier, 8, is_sticky=True)
    (new,) = await _given(news)
    begun = (await _given(beguns))[0]

    await asyncio.to_thread(supplier.release_slot, SlotReleaseContext(slot_info=None, permit=new))
    assert (len(await _given(news)), len(await _given(beguns))) == (2, 5)
    await asyncio.to_thread(supplier.release_slot, SlotReleaseContext(slot_info=None, permit=begun))
    assert (len(await _given(news)), len(await _given(beguns))) == (2, 6)
    for task in (*news, *beguns):
        task.cancel()


async def test_who_no_longer_waits_for_a_slot_does_not_keep_it() -> None:
    """The SDK cancels a reservation when it stops asking; the slot goes to the next."""
    supplier = SlotsByQueue(4)
    first, second, third = _reserve(supplier, 3, is_sticky=False)
    (permit,) = await _given([first])
    second.cancel()
    supplier.release_slot(SlotReleaseContext(slot_info=None, permit=permit))
    assert len(await _given([third])) == 1

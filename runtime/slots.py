"""Which cases a worker works on: it goes on with those it has begun, and begins others beside them.

By itself the SDK takes too many tasks of new cases while tasks of begun ones wait too. A case has one of the
first kind and three of the other, so a list that waits is begun much sooner than it is worked off: in a list
of 1,500 a case was under way for 11 seconds at the median, and 0.4 with slots of their own (ADR 29).
"""

import asyncio

from temporalio.worker import (
    CustomSlotSupplier,
    FixedSizeSlotSupplier,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
    WorkerTuner,
)

_NEW_OF = 6
"""One slot in so many is for new cases: less than the share that beginning has in the work of a case."""


def tuner_of(slots: int) -> WorkerTuner:
    """Return how many workflow tasks, activities and local activities a worker of cases runs at a time."""
    same = FixedSizeSlotSupplier(slots)
    return WorkerTuner.create_composite(
        workflow_supplier=SlotsByQueue(slots),
        activity_supplier=same,
        local_activity_supplier=same,
        nexus_supplier=same,
    )


class _Permit(SlotPermit):
    """A slot, and where it is given back."""

    def __init__(self, slots: asyncio.Semaphore, loop: asyncio.AbstractEventLoop) -> None:
        self._slots = slots
        self._loop = loop

    def give_back(self) -> None:
        """Called in a thread of the SDK."""
        self._loop.call_soon_threadsafe(self._slots.release)


class SlotsByQueue(CustomSlotSupplier):
    """Slots for the common queue, where new cases wait, and others for the worker's own ("sticky") queue.

    Neither can use the other's, so that neither waits for ever.
    """

    def __init__(self, slots: int) -> None:
        """`slots` is at least 4: with a third of them for new cases the begun ones piled up."""
        new = max(1, slots // _NEW_OF)
        self._new = asyncio.Semaphore(new)
        self._begun = asyncio.Semaphore(slots - new)

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """Wait for a slot of the queue that is going to be asked."""
        slots = self._begun if ctx.is_sticky else self._new
        await slots.acquire()
        return _Permit(slots, asyncio.get_running_loop())

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """Refuse: nobody asks for an eager start (ADR 28)."""

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """Nothing is counted by it."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Take a slot back."""
        if isinstance(ctx.permit, _Permit):
            ctx.permit.give_back()

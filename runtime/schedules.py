"""The schedules of the daily digests: one for each city of the policies, as its file says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.service import RPCError, RPCStatusCode

from models.digest import DigestOrder
from models.errors import EngineUnreachable
from models.policy import CityPolicy
from runtime.temporal import UNREACHABLE
from workflows import options
from workflows.daily_digest import DailyDigest

log = structlog.get_logger()

_ZONE: Final = "Asia/Jakarta"


def schedule_id(city: str) -> str:
    """Return what the schedule of a city is called."""
    return f"digest-{city}"


class DigestSchedules:
    """Makes sure that each city has its schedule. Workers that do so at once agree on what it is."""

    def __init__(self, client: Client, cities: Iterable[CityPolicy], task_queue: str) -> None:
        """`task_queue` is the one that workers poll."""
        self._client = client
        self._missing = list(cities)
        self._task_queue = task_queue

    async def keep(self) -> None:
        """Make the schedules that were not seen to be right yet; what fails is left to the next call."""
        while self._missing:
            city = self._missing[0]
            try:
                await self._keep(schedule_id(city.code), self._wanted(city))
            except (RPCError, RuntimeError):
                log.warning("schedules.not_kept", schedule=schedule_id(city.code), what=UNREACHABLE)
                return
            self._missing.pop(0)

    async def _keep(self, name: str, wanted: Schedule) -> None:
        handle = self._client.get_schedule_handle(name)
        present = await _described(handle)
        if present is None:
            try:
                await self._client.create_schedule(name, wanted)
                log.info("schedule.created", schedule=name)
            except ScheduleAlreadyRunningError:
                pass  # another worker was faster
        elif not _is_as(wanted, present.schedule):
            await handle.update(lambda now: _replaced(now.description.schedule, wanted))
            log.info("schedule.updated", schedule=name)

    def _wanted(self, city: CityPolicy) -> Schedule:
        return Schedule(
            action=ScheduleActionStartWorkflow(
                DailyDigest.run,
                DigestOrder(city=city.code),
                id=schedule_id(city.code),
                task_queue=self._task_queue,
                execution_timeout=options.DIGEST_AT_MOST,
                static_summary=f"Rangkuman harian {city.name}",
            ),
            spec=ScheduleSpec(calendars=[_daily(city)], time_zone_name=_ZONE),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=options.DIGEST_CATCH_UP),
        )


async def next_digest(client: Client, city: str) -> datetime | None:
    """Return when a city's digest is sent next; None without a schedule, or while it is paused.

    Raises EngineUnreachable.
    """
    try:
        present = await _described(client.get_schedule_handle(schedule_id(city)))
    except (RPCError, RuntimeError):
        raise EngineUnreachable(UNREACHABLE) from None
    if present is None or present.schedule.state.paused:
        return None
    return next(iter(present.info.next_action_times), None)


async def _described(handle: ScheduleHandle) -> ScheduleDescription | None:
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


def _daily(city: CityPolicy) -> ScheduleCalendarSpec:
    """Return the time of each day; in tuples, as Temporal gives it back, so that it can be compared."""
    return ScheduleCalendarSpec(
        hour=(ScheduleRange(city.digest_at.hour),),
        minute=(ScheduleRange(city.digest_at.minute),),
        comment=f"{city.digest_at:%H:%M} WIB",
    )


def _is_as(wanted: Schedule, present: Schedule) -> bool:
    """Tell whether a schedule does what is wanted. Whether it is paused is the supervisors' affair."""
    ours, theirs = wanted.action, present.action
    return (
        isinstance(ours, ScheduleActionStartWorkflow)
        and isinstance(theirs, ScheduleActionStartWorkflow)
        and (ours.workflow, ours.id, ours.task_queue, ours.execution_timeout)
        == (theirs.workflow, theirs.id, theirs.task_queue, theirs.execution_timeout)
        and wanted.spec == present.spec
        and wanted.policy == present.policy
    )


def _replaced(present: Schedule, wanted: Schedule) -> ScheduleUpdate:
    """Return the wanted schedule in the state of the present one: a paused one stays paused."""
    return ScheduleUpdate(schedule=replace(wanted, state=present.state))

"""The digest on the real server: its schedules, the day it is of, once however often it is asked for."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from typing import cast

import pytest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleBackfill,
    ScheduleDescription,
    ScheduleHandle,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from models.digest import DigestOrder
from models.errors import EngineUnreachable
from models.messages import Alert, AlertKind, Raised
from models.policy import CityPolicy
from models.wib import wib_date
from runtime.schedules import DigestSchedules, next_digest, schedule_id
from tests.sandbox import strict_runner
from tests.workflows.conftest import Bench
from workflows.daily_digest import DailyDigest

CITY = "3674"


def a_city(bench: Bench, code: str = CITY, at: time = time(7)) -> CityPolicy:
    """Return a city's policy with another code or hour."""
    return bench.shelf.city(CITY).model_copy(update={"code": code, "digest_at": at})


@asynccontextmanager
async def scheduled(bench: Bench, *cities: CityPolicy) -> AsyncIterator[list[ScheduleHandle]]:
    """Make the schedules, and take them away afterwards: they are the namespace's, not a task queue's."""
    client = bench.environment.client
    await DigestSchedules(client, cities, bench.task_queue).keep()
    handles = [client.get_schedule_handle(schedule_id(city.code)) for city in cities]
    try:
        yield handles
    finally:
        for handle in handles:
            await handle.delete()


async def results(bench: Bench, handle: ScheduleHandle, runs: int) -> list[Raised]:
    """Wait until the schedule has run so often; every run must replay. Return what each answered."""
    async with asyncio.timeout(10):
        while len(actions := (await handle.describe()).info.recent_actions) < runs:
            await asyncio.sleep(0.02)
    raised: list[Raised] = []
    for one in actions:
        assert isinstance(one.action, ScheduleActionExecutionStartWorkflow)
        run = bench.environment.client.get_workflow_handle(one.action.workflow_id, result_type=Raised)
        async with asyncio.timeout(10):
            raised.append(await run.result())
        replayer = Replayer(
            workflows=[DailyDigest], data_converter=pydantic_data_converter, workflow_runner=strict_runner()
        )
        await replayer.replay_workflow(await run.fetch_history())
    return raised


def digests(bench: Bench) -> list[Alert]:
    """Return the digests that were sent."""
    return [alert for alert in bench.ledger.alerts.values() if alert.kind is AlertKind.DAILY_DIGEST]


async def test_each_city_is_told_at_seven_in_the_morning(bench: Bench) -> None:
    """07:00 in Jakarta is midnight UTC; an hour of the city's own is its own."""
    client = bench.environment.client
    async with scheduled(bench, a_city(bench, "9001"), a_city(bench, "9002", time(22, 15))) as (seven, other):
        first, second = (await seven.describe()).info.next_action_times[:2]
        assert (first.time(), second - first) == (time(0), timedelta(days=1))
        assert (await other.describe()).info.next_action_times[0].time() == time(15, 15)
        assert await next_digest(client, "9001") == first
        await seven.pause()
        assert await next_digest(client, "9001") is None
    assert await next_digest(client, "9001") is None


async def test_a_triggered_schedule_sends_the_digest_of_the_day_once(bench: Bench) -> None:
    """Also an empty one; supervisor and the level above hear of it, and a second run sends nothing."""
    async with scheduled(bench, a_city(bench)) as (schedule,):
        before = datetime.now(UTC)
        await schedule.trigger()
        (first,) = await results(bench, schedule, 1)
        await schedule.trigger()
        again = await results(bench, schedule, 2)
    assert first.key in {f"digest:{CITY}:{wib_date(at)}" for at in (before, datetime.now(UTC))}
    assert len(again) == 2
    (alert, *_) = digests(bench)
    assert {one.key for one in again} == {one.key for one in digests(bench)}
    assert (alert.key, alert.levels, alert.detail) == (first.key, (1, 2), first.key[-10:])
    assert "Tidak ada kasus terbuka" in (alert.words or "")
    assert before <= alert.raised_at <= datetime.now(UTC)


async def test_a_digest_is_of_the_day_it_was_scheduled_for(bench: Bench) -> None:
    """A server that was down sends it later; the evening before in UTC is that day already."""
    async with scheduled(bench, a_city(bench, at=time(0, 30))) as (schedule,):
        midnight = datetime(2026, 2, 11, 17, 0, tzinfo=UTC)
        await schedule.backfill(ScheduleBackfill(start_at=midnight, end_at=midnight + timedelta(hours=23)))
        assert [one.key for one in await results(bench, schedule, 1)] == [f"digest:{CITY}:2026-02-12"]


async def test_started_by_hand_it_is_of_today(bench: Bench) -> None:
    """Without a schedule there is no other day."""
    run = await bench.environment.client.start_workflow(
        DailyDigest.run, DigestOrder(city=CITY), id=f"by-hand-{bench.task_queue}", task_queue=bench.task_queue
    )
    started_at = (await run.describe()).start_time
    async with asyncio.timeout(10):
        assert (await run.result()).key == f"digest:{CITY}:{wib_date(started_at)}"


async def test_workers_that_start_at_once_make_one_schedule_and_leave_it_alone(bench: Bench) -> None:
    """Nothing is written when nothing differs."""
    client, cities = bench.environment.client, [a_city(bench, "9003")]
    both = [DigestSchedules(client, cities, bench.task_queue) for _ in range(4)]
    await asyncio.gather(*(one.keep() for one in both))
    async with scheduled(bench, *cities) as (schedule,):
        made = await schedule.describe()
        assert made.info.last_updated_at is None
        assert made.info.next_action_times


async def test_a_changed_hour_changes_the_schedule_and_not_whether_it_is_paused(bench: Bench) -> None:
    """The file says when; supervisors say whether."""
    client = bench.environment.client
    async with scheduled(bench, a_city(bench, "9004")) as (schedule,):
        await schedule.pause(note="libur panjang")
        await DigestSchedules(client, [a_city(bench, "9004", time(8))], "another-queue").keep()
        changed = await schedule.describe()
        assert changed.info.next_action_times[0].time() == time(1)
        assert (changed.schedule.state.paused, changed.schedule.state.note) == (True, "libur panjang")
        assert getattr(changed.schedule.action, "task_queue", None) == "another-queue"


async def test_a_server_that_is_away_is_asked_again(bench: Bench) -> None:
    """The worker goes on, and the next sweep makes what is missing."""

    class Flaky:
        """A client that reaches the server at the second call only."""

        calls = 0

        def get_schedule_handle(self, name: str) -> ScheduleHandle:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("Failed client connect")
            return bench.environment.client.get_schedule_handle(name)

        def __getattr__(self, name: str) -> object:
            return getattr(bench.environment.client, name)

    city = a_city(bench, "9005")
    client = Flaky()
    schedules = DigestSchedules(cast("Client", client), [city], bench.task_queue)
    await schedules.keep()
    assert await next_digest(bench.environment.client, "9005") is None
    await schedules.keep()
    async with scheduled(bench, city) as (schedule,):
        assert isinstance(await schedule.describe(), ScheduleDescription)
    asked = client.calls
    await schedules.keep()
    assert client.calls == asked


async def test_nobody_at_the_address_is_told_as_such() -> None:
    """`doctor` says what to mend."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    client = await Client.connect(address, lazy=True)
    with pytest.raises(EngineUnreachable, match="Temporal does not answer"):
        await next_digest(client, CITY)

"""Keeps a task of a process alive: what ends by an error is started again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from runtime.interceptor import failure_of

log = structlog.get_logger()


async def keep_alive(name: str, work: Callable[[], Awaitable[None]], pause: timedelta) -> None:
    """Run work that never ends by itself; start it again a while after it did. Ends only by cancellation.

    The text of an error that is not ours is not logged, where it was raised is.
    """
    while True:
        try:
            await work()
            what = "ended"
        except Exception as error:  # noqa: BLE001 - whatever it is, the task must go on
            what = failure_of(error).message
        log.error("task.restarted", task=name, what=what)
        await asyncio.sleep(pause.total_seconds())

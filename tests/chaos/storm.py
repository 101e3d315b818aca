"""The faults, done to the processes of an office. Whatever dies is started again, unless it is held down."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from runtime.processes import Child
from runtime.stack import Stack
from tests.chaos.clock import Clock
from tests.chaos.databases import Postgres, SqliteFile
from tests.chaos.disk import Disk
from tests.chaos.mailbox import Mailbox
from tests.chaos.plan import Blow, Fault, Store
from tests.chaos.proxy import MessyProxy, Proxy

_ALERT_WITHIN_SECONDS = 8.0
_HANDOVER_SECONDS = 3.0
_OF_WORKER = {Blow.KILL_WORKER, Blow.FREEZE_WORKER, Blow.KILL_DISPATCHER, Blow.CLOCK_JUMP}
_OF_TEMPORAL = {Blow.KILL_TEMPORAL, Blow.TEMPORAL_GONE}


class Storm:
    """Holds what can be broken."""

    def __init__(
        self,
        stack: Stack,
        *,
        database: Postgres | SqliteFile,
        disk: Disk,
        clock: Clock,
        mailbox: Mailbox,
        to_temporal: Proxy,
        to_systems: list[MessyProxy],
    ) -> None:
        """Break nothing yet."""
        self._stack = stack
        self._database = database
        self._disk = disk
        self._clock = clock
        self._mailbox = mailbox
        self._to_temporal = to_temporal
        self._to_systems = to_systems
        self._held = set[str]()
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.struck: list[str] = []
        """What was done, in order."""
        self.restarts = 0
        self.skipped: list[str] = []
        """What could not be done here, and why."""

    async def keep_alive(self) -> None:
        """Start again whatever died and is not held down. Ends only by cancellation."""
        while True:
            for child in reversed(self._stack.children):
                if not child.is_running and child.name not in self._held:
                    self.restarts += 1
                    child.start()
            await asyncio.sleep(0.5)

    @asynccontextmanager
    async def quiet(self, store: Store) -> AsyncIterator[None]:
        """Keep what strikes a store away from it within the block."""
        if store is Store.KEYS:  # nothing strikes it
            yield
            return
        async with self._turns["database" if store is Store.LEDGER else "temporal"]:
            yield

    @asynccontextmanager
    async def everything_down(self) -> AsyncIterator[None]:
        """Kill with -9 whoever has a store open, and keep it down within the block; nothing else strikes."""
        stack, turns = self._stack, self._turns
        async with (
            turns["worker"],
            turns["temporal"],
            turns["database"],
            self._holding(stack.worker, stack.watchdog, stack.temporal),
        ):
            yield

    async def strike(self, fault: Fault) -> None:
        """Do one fault and mend it; two faults of the same thing come one after the other."""
        target = (
            "worker" if fault.blow in _OF_WORKER else "temporal" if fault.blow in _OF_TEMPORAL else fault.blow
        )
        if fault.blow in {Blow.KILL_DATABASE, Blow.DATABASE_GONE, Blow.LOCK_DATABASE, Blow.DISK_FULL}:
            target = "database"
        async with self._turns[target]:
            await self._ways()[fault.blow](fault)
        self.struck.append(fault.blow.value)

    def _ways(self) -> dict[Blow, Callable[[Fault], Awaitable[None]]]:
        return {
            Blow.KILL_WORKER: lambda fault: self._down(self._stack.worker, fault),
            Blow.KILL_TEMPORAL: lambda fault: self._down(self._stack.temporal, fault),
            Blow.TEMPORAL_GONE: lambda fault: self._down(self._stack.temporal, fault),
            Blow.INSTITUTIONS_GONE: lambda fault: self._down(self._stack.institutions, fault),
            Blow.FREEZE_WORKER: self._freeze,
            Blow.KILL_DISPATCHER: self._kill_dispatcher,
            Blow.KILL_DATABASE: self._kill_database,
            Blow.DATABASE_GONE: self._kill_database,
            Blow.LOCK_DATABASE: self._lock_database,
            Blow.DISK_FULL: self._fill_disk,
            Blow.MESSY_REPLIES: self._spoil_replies,
            Blow.SLOW_NETWORK: self._slow_down,
            Blow.CLOCK_JUMP: self._set_clock,
        }

    @asynccontextmanager
    async def _holding(self, *children: Child) -> AsyncIterator[None]:
        """Kill processes with -9 and keep them down within the block."""
        names = {child.name for child in children}
        self._held |= names
        for child in children:
            _signal(child, signal.SIGKILL)
        try:
            yield
        finally:
            self._held -= names

    async def _down(self, child: Child, fault: Fault) -> None:
        async with self._holding(child):
            await asyncio.sleep(fault.seconds)

    async def _kill_dispatcher(self, fault: Fault) -> None:
        """Kill both processes that send alerts while a message is under way."""
        await self._mailbox.swallow_next(_ALERT_WITHIN_SECONDS)
        try:
            async with self._holding(self._stack.worker, self._stack.watchdog):
                await asyncio.sleep(fault.seconds)
        finally:
            self._mailbox.answer_again()

    async def _freeze(self, fault: Fault) -> None:
        """Let a second worker take over what a frozen one has in hand, and let that one wake up then."""
        worker = self._stack.worker
        spare = replace(worker, process=None, log_file=worker.log_file.with_name("worker-spare.log"))
        spare.start()
        _signal(worker, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            _signal(worker, signal.SIGCONT)
        await asyncio.sleep(_HANDOVER_SECONDS)
        await asyncio.to_thread(spare.stop)

    async def _kill_database(self, fault: Fault) -> None:
        assert isinstance(self._database, Postgres)
        await asyncio.to_thread(self._database.kill)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self._database.revive)

    async def _lock_database(self, fault: Fault) -> None:
        assert isinstance(self._database, SqliteFile)
        await asyncio.to_thread(self._database.lock)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._database.release()

    async def _fill_disk(self, fault: Fault) -> None:
        ours = [child.pid for child in (self._stack.worker, self._stack.watchdog) if child.is_running]
        with self._disk.full([*ours, *self._database.writers()]):
            await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self._database.revive)

    async def _spoil_replies(self, fault: Fault) -> None:
        for proxy in self._to_systems:
            proxy.mess = fault.size
        await asyncio.sleep(fault.seconds)
        for proxy in self._to_systems:
            proxy.mess = 0.0

    async def _slow_down(self, fault: Fault) -> None:
        for proxy in (self._to_temporal, *self._to_systems):
            proxy.delay = fault.size
        await asyncio.sleep(fault.seconds)
        for proxy in (self._to_temporal, *self._to_systems):
            proxy.delay = 0.0

    async def _set_clock(self, fault: Fault) -> None:
        if not self._clock.is_there:
            self.skipped.append("clock jumps: no C compiler here")
            return
        self._clock.set(fault.size)
        await asyncio.sleep(fault.seconds)
        self._clock.set(0.0)


def _signal(child: Child, number: signal.Signals) -> None:
    if child.process is not None and child.is_running:
        child.process.send_signal(number)
        if number is signal.SIGKILL:
            child.process.wait()

"""The watchdog: compares ledger and Temporal, and trusts neither case workflows nor workers to tell.

Temporal's lists give suspects only. Each is looked at in Temporal itself, and in the ledger once more, so
that a case that begins or ends meanwhile raises nothing.
"""

import asyncio
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from models.errors import EngineUnreachable, LaterLife
from models.lineage import Held
from models.messages import AlertKind
from runtime.adapters import Watching
from runtime.astray import Astray
from runtime.engine import Engine
from runtime.findings import Finding, Findings, subject_of_case, subject_of_city
from runtime.interceptor import failure_of
from workflows import options

log = structlog.get_logger()

WATCHDOG: Final = "watchdog"
"""The name of its heartbeat."""
HeldBack = Callable[[], Awaitable[Held | None]]
"""Says why no number is given out; None when all is well. Raises EngineUnreachable without the ledger."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_OF_LATER_LIFE: Final = "worker-buku-besar-ini"
"""What is not there where Temporal serves a later life of the ledger: its cases cannot be compared."""


class Watchdog:
    """Looks for what nobody else would tell of, round after round. One task at a time may use it."""

    def __init__(
        self,
        engine: Engine,
        watching: Watching,
        clock: Callable[[], datetime],
        *,
        held: HeldBack,
        unreadable: Callable[[], Collection[str]],
    ) -> None:
        """Hold the ports; `held` tells why no number is given out, `unreadable` whom nobody can read."""
        self._engine = engine
        self._held = held
        self._watch = watching.watch
        self._findings = Findings(watching.watch, watching.alerts)
        self._shelf = watching.shelf
        self._unreadable = unreadable
        self._astray = Astray(engine, watching.watch, self._findings, watching.shelf)
        self._clock = clock
        self._began: datetime | None = None
        self._missing: str | None = None
        """What of the engine is not there for this ledger: `temporal`, `worker`, or nothing."""
        self._so_since: datetime | None = None
        """Since when that has been so, as far as this process knows."""
        self._last_silent = ""
        """The last case that was looked at only because it tells nothing."""

    async def round(self, every: timedelta) -> bool:
        """Make every check; none stops the others. Return whether everything was seen.

        Only then the heart beats, which it does `every` so often: who looks and sees nothing is as good as
        silent. That Temporal is away is something seen.
        """
        now = self._clock()
        self._began = self._began or now
        are_made = [await _is_made(self._look_for_engine(now), "engine")]
        are_made.append(await _is_made(self._look_for_unsent(now), "unsent"))
        are_made.append(await _is_made(self._look_for_untold(now), "untold"))
        are_made.append(await _is_made(self._look_for_unsealed(now), "unsealed"))
        are_made.append(await _is_made(self._look_for_held(now), "numbers"))
        are_made.append(await _is_made(self._look_for_unreadable(now), "unreadable"))
        if self._missing not in {"temporal", _OF_LATER_LIFE}:
            are_made.append(await _is_made(self._compare(now), "lost and astray"))
            are_made.append(await _is_made(self._astray.tell_breaches(now), "breaches astray"))
        if self._missing is None:
            are_made.append(await _is_made(self._look_for_failing(now), "failing"))
        is_seen = all(are_made)
        if is_seen:
            beat = to_thread(self._watch.beat, WATCHDOG, self._clock(), every)
            is_seen = await _is_made(beat, "heartbeat")
        return is_seen

    # -- Nobody works, nobody is told ------------------------------------------------------------

    async def _look_for_engine(self, now: datetime) -> None:
        kind, missing = AlertKind.NO_WORKER, await self._missing_now()
        if missing != self._missing or self._so_since is None:
            self._missing, self._so_since = missing, now
        found = [
            Finding(kind, subject_of_city(kind, city, missing), city, now, detail=missing)
            for city in self._cities()
            if missing is not None
        ]
        is_sure = now - self._so_since >= options.WATCH_MISSED_FOR
        await self._tell_of_cities(kind, found, now, is_sure=is_sure)

    async def _missing_now(self) -> str | None:
        try:
            async with asyncio.timeout(options.WATCH_ENGINE_WITHIN.total_seconds()):
                return None if await self._engine.workers() else "worker"
        except LaterLife:
            return _OF_LATER_LIFE
        except (EngineUnreachable, TimeoutError):
            return "temporal"

    async def _look_for_unsent(self, now: datetime) -> None:
        kind = AlertKind.ALERTS_UNSENT
        unsent = await to_thread(self._watch.unsent, now - options.WATCH_SENT_AFTER)
        found = [
            Finding(kind, subject_of_city(kind, city), city, now, detail=str(count))
            for city, count in unsent.items()
        ]
        await self._tell_of_cities(kind, found, now, is_sure=self._is_warm(now))

    async def _look_for_unsealed(self, now: datetime) -> None:
        """Tell that the sealer is behind; that it is not there at all is told of the worker."""
        kind = AlertKind.AUDIT_BEHIND
        rows = await to_thread(self._watch.unsealed, now - options.WATCH_SEALED_AFTER)
        found = [
            Finding(kind, subject_of_city(kind, city), city, now, detail=str(rows))
            for city in self._cities()
            if rows
        ]
        is_sure = self._missing is None and self._is_warm(now)
        await self._tell_of_cities(kind, found, now, is_sure=is_sure)

    async def _look_for_held(self, now: datetime) -> None:
        """Tell that the stores do not belong together, so that no number is given out."""
        kind, held = AlertKind.NUMBERS_HELD, await self._held()
        found = [
            Finding(kind, subject_of_city(kind, city), city, held.since, detail=held.because)
            for city in self._cities()
            if held is not None
        ]
        await self._tell_of_cities(kind, found, now)

    async def _look_for_untold(self, now: datetime) -> None:
        kind = AlertKind.BREACH_UNTOLD
        untold = await to_thread(self._watch.untold, now - options.WATCH_TOLD_AFTER)
        new = sorted(untold - await self._told_today(kind, now)) if self._is_warm(now) else []
        await self._tell_of_cases(kind, new[: options.WATCH_AT_ONCE], untold, now)

    async def _look_for_unreadable(self, now: datetime) -> None:
        """Tell which open cases can never go on; where the key store is away, that cannot be judged."""
        try:
            kind, unreadable = AlertKind.KEY_LOST, set(await to_thread(self._unreadable))
        except EngineUnreachable:
            return
        new = sorted(unreadable - await self._told_today(kind, now))[: options.WATCH_AT_ONCE]
        await self._tell_of_cases(kind, new, unreadable, now)

    def _is_warm(self, now: datetime) -> bool:
        """Tell whether an engine that came up together with the watchdog has had time to catch up."""
        return self._began is not None and now - self._began >= options.WATCH_WARM_UP

    # -- The ledger and Temporal -------------------------------------------------------------------

    async def _compare(self, now: datetime) -> None:
        """Look for cases that are lost, and for others that are astray."""
        swept_before = now - options.WATCH_SWEPT_AFTER
        is_swept = self._missing is None and self._so_since is not None and self._so_since <= swept_before
        started_before = now - options.WATCH_STARTED_AFTER
        registered_before = swept_before if is_swept else _NEVER
        wanted = await to_thread(self._watch.open_cases, started_before, registered_before)
        running = await self._engine.running()
        there = {one for one, seen in running.items() if one in wanted and wanted[one] == seen.birth}
        await self._look_for_lost({one: wanted[one] for one in wanted.keys() - there}, now)
        others = {
            one: seen for one, seen in running.items() if one not in there and seen.began_at <= started_before
        }
        await self._astray.tell(others, now)

    async def _look_for_lost(self, suspects: Mapping[str, str | None], now: datetime) -> None:
        """Tell which cases Temporal does not run, also when it runs another under the number."""
        kind = AlertKind.CASE_LOST
        unsure = sorted(suspects.keys() - await self._told_today(kind, now))[: options.WATCH_AT_ONCE]
        seen = await self._engine.look(unsure)
        lost = [one for one in unsure if not seen[one].is_running or seen[one].birth != suspects[one]]
        await self._tell_of_cases(kind, lost, (suspects.keys() - set(unsure)).union(lost), now)

    async def _look_for_failing(self, now: datetime) -> None:
        """Tell whose code fails. Temporal lists such cases late, the ledger shows some earlier.

        Those that are only silent have their turn a few a round: in a list that waits nearly all are.
        """
        kind = AlertKind.TASK_FAILING
        reported = set(await self._engine.reported())
        told = {_case_of(subject) for subject in await to_thread(self._findings.told, kind)}
        stalled = await to_thread(self._watch.stalled, now - options.WATCH_MOVES_AFTER)
        suspects = reported | told | stalled
        sure = reported & await self._told_today(kind, now)
        named = sorted((reported | told) - sure, key=lambda one: (one not in reported, one))
        unsure = named[: options.WATCH_AT_ONCE] + self._next_silent(stalled - reported - told)
        seen = await self._engine.look(unsure)
        failing = [one for one in unsure if seen[one].attempts >= options.WATCH_FAILS_AT]
        await self._tell_of_cases(kind, failing, suspects.difference(unsure).union(failing), now)

    def _next_silent(self, silent: Collection[str]) -> list[str]:
        """Return those whose turn it is, beginning after the last one that had it."""
        in_turn = sorted(silent, key=lambda one: (one <= self._last_silent, one))[
            : options.WATCH_SILENT_AT_ONCE
        ]
        self._last_silent = in_turn[-1] if in_turn else ""
        return in_turn

    # -- Common to them ------------------------------------------------------------------------------

    async def _tell_of_cases(
        self, kind: AlertKind, new: Collection[str], lasting: Iterable[str], now: datetime
    ) -> None:
        """Tell of cases that are still open; alerts of those that are in neither are taken back."""
        states = await to_thread(self._watch.states, new)
        found = [Finding.of_case(kind, state, now) for state in states]
        still = {subject_of_case(kind, one) for one in lasting}
        await to_thread(self._findings.settle, kind, found, now, lasting=still)

    async def _tell_of_cities(
        self, kind: AlertKind, found: Collection[Finding], now: datetime, *, is_sure: bool = True
    ) -> None:
        """Tell what was found, if that is sure; take back what was not found."""
        last = {finding.subject for finding in found}
        await to_thread(self._findings.settle, kind, found if is_sure else (), now, lasting=last)

    async def _told_today(self, kind: AlertKind, now: datetime) -> set[str]:
        return {_case_of(subject) for subject in await to_thread(self._findings.told_today, kind, now)}

    def _cities(self) -> list[str]:
        return [city.code for city in self._shelf.cities()]


async def watch_for_ever(watchdog: Watchdog, every: timedelta) -> None:
    """Go round after round. Ends only by cancellation."""
    while True:
        await watchdog.round(every)
        await asyncio.sleep(every.total_seconds())


async def _is_made(check: Awaitable[None], name: str) -> bool:
    """Make a check; False, and a line in the log, when that was not possible."""
    try:
        async with asyncio.timeout(options.WATCH_CHECK_WITHIN.total_seconds()):
            await check
    except TimeoutError:
        what = "takes too long"
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are made
        what = failure_of(error).message
    else:
        return True
    log.error("watch.not_made", check=name, what=what)
    return False


def _case_of(subject: str) -> str:
    return subject.partition(":")[0]

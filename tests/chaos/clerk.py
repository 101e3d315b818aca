"""An operator with patience: hands in every application and gives every command, until it was taken."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from desk.orders import Hand
from intake.intake import Intake
from intake.papers import Papers
from models.case import CaseHealth, CaseState, Outcome
from models.desk import Command
from models.errors import BadReply, EngineUnreachable, KeyLost, KeyMissing, NotFound, TryAgain, WrongState
from models.page import Page
from runtime import adapters
from runtime.delivery import Delivery
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from runtime.stack import LOCAL_ACTOR
from runtime.starting import CaseStarter
from runtime.temporal import connect
from tests.chaos.judge import standing
from tests.chaos.people import application, nik_of, papers_of, write_papers
from tests.chaos.plan import Fate, Plan

_PACE_SECONDS = 0.1
_AT_ONCE = 4
_LOOK_EVERY_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 0.3
_HELP_AFTER_SECONDS = 45.0
"""How long a case may be stuck for another reason than it should before the operator asks again."""


class Clerk:
    """Works in a thread of its own, so that a ledger that does not answer holds up nothing else."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        temporal: dict[str, str],
        inbox: Path,
        simulators: dict[str, str],
    ) -> None:
        """`temporal` names Temporal; `inbox` is an empty folder; `simulators` are the institutions."""
        self._plan = plan
        self._settings = settings
        self._temporal = temporal
        self._inbox = inbox
        self._simulators = simulators
        self.cases: dict[int, str] = {}
        """Case number by place in the plan."""
        self.applied_again: set[int] = set()
        """Places of those who applied anew, since their case was lost or could not be read."""
        self.states: dict[str, CaseState] = {}
        """Where the cases were when the ledger last answered."""
        self.again = 0
        """How often something had to be said again, because nobody answered."""
        self.helped: Counter[str] = Counter()
        """How often a case was stuck for another reason than it should and was asked to go on, by trouble."""
        self.trouble: BaseException | None = None
        self.given: dict[str, int] = {}
        """Place in the plan by every case number that was ever given out."""
        self.mixed: list[str] = []
        """Case numbers that were given to two people."""
        self._stop = threading.Event()
        self._gate = threading.Condition()
        self._is_closed = False
        self._busy = 0
        self._life = 1
        """How often stores were put back, and one."""
        self._may_be_active = False
        self._unreadable: list[str] = []
        """Cases to be withdrawn, since the keys of their people are lost."""
        self._thread = threading.Thread(target=self._run, name="clerk")

    def begin(self) -> None:
        """Open the counter."""
        self._thread.start()

    def end(self) -> None:
        """Close it."""
        self._stop.set()
        self._thread.join()

    def pause(self) -> None:
        """Close the counter: returns when nothing is in hand and nothing is begun any more."""
        with self._gate:
            self._is_closed = True
            self._gate.wait_for(lambda: self._busy == 0 or not self._thread.is_alive())

    def go_on(self, *, withdraw: list[str], may_be_active: bool) -> None:
        """Open it again after stores were put back: who is not known any more applies anew.

        So do the people of the cases `withdraw`, which are withdrawn before. With `may_be_active` the ledger
        does not know of some what the institutions have done for them.
        """
        with self._gate:
            self._may_be_active |= may_be_active
            self._life += 1
            self._unreadable += withdraw
            self._is_closed = False

    @asynccontextmanager
    async def _open_counter(self) -> AsyncIterator[None]:
        while not self._begins():
            await asyncio.sleep(_TRY_AGAIN_SECONDS)
        try:
            yield
        finally:
            with self._gate:
                self._busy -= 1
                self._gate.notify_all()

    def _begins(self) -> bool:
        with self._gate:
            is_open = not self._is_closed or self._stop.is_set()
            self._busy += is_open
            return is_open

    def is_where_it_should(self, place: int) -> bool:
        """Tell whether a case stands where its fate lets it."""
        state = self.states.get(self.cases.get(place, ""))
        return state is not None and standing(state) in self.ends(place)

    def ends(self, place: int) -> frozenset[str]:
        """Return where the newest case of a person may stand."""
        ends = self._plan.fates[place].ends
        is_open = self._may_be_active or place in self.applied_again
        return ends | {Outcome.ALREADY_ACTIVE} if is_open else ends

    @property
    def settled(self) -> int:
        """How many cases stand where they should."""
        return sum(map(self.is_where_it_should, range(len(self._plan.fates))))

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for the cases
            self.trouble = error

    async def _work(self) -> None:
        office = adapters.office(self._settings)
        client = await connect(self._settings, lazy=True, environment=self._temporal)
        namespace = OwnNamespace.over(client, self._settings, office.lineage)
        starter = CaseStarter(namespace)
        self._registry = office.registry
        self._intake = Intake(office.registry, office.documents, office.shelf, starter)
        self._papers = Papers(office.registry, office.documents, office.shelf)
        self._desk = adapters.work(office)
        self._delivery = Delivery(namespace, office.registry, office.book, office.clock)
        write_papers(self._inbox)
        errands = asyncio.create_task(self._run_errands())
        slots = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for place, fate in enumerate(self._plan.fates):
                if self._stop.is_set():
                    break
                await slots.acquire()
                task = group.create_task(self._hand_in(place, fate))
                task.add_done_callback(lambda _: slots.release())
                await asyncio.sleep(_PACE_SECONDS)
        await errands

    async def _hand_in(self, place: int, fate: Fate) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            for system in ("kemensos", "siks_ng", "bpjs"):
                if dials := dict(getattr(fate, system)):
                    url = f"{self._simulators[system]}/_sim/dials/{nik_of(place)}"
                    await self._until_done(lambda url=url, dials=dials: client.put(url, json=dials))  # type: ignore[misc]
        path = self._inbox / f"{place}.json"
        path.write_text(json.dumps(application(place, fate)), encoding="utf-8")

        async def submit() -> None:
            done = await self._intake.submit(path, now=datetime.now(UTC))
            if self.given.setdefault(done.case_number, place) != place:
                self.mixed.append(done.case_number)
            self.cases[place] = done.case_number

        await self._until_done(submit)

    async def _until_done(self, work: Callable[[], Awaitable[object]], life: int | None = None) -> None:
        """Do it until it is done; `life` is when it was chosen, unless that is now."""
        life = self._life if life is None else life
        while not self._stop.is_set():
            try:
                async with self._open_counter():
                    await work()
            except (EngineUnreachable, TryAgain, BadReply, KeyLost, KeyMissing, OSError, httpx.HTTPError):
                self.again += 1
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            except NotFound:
                if life == self._life:
                    raise
                return  # the ledger was put back meanwhile, and its person will apply anew
            else:
                return

    # -- What officers do later -----------------------------------------------------------------------

    async def _run_errands(self) -> None:
        done = set[int]()
        stuck_since: dict[str, float] = {}
        life = self._life
        while not self._stop.is_set():
            found: Page[CaseState] | None = None
            async with self._open_counter():
                with suppress(EngineUnreachable):
                    found = await asyncio.to_thread(self._registry.cases, limit=100_000)
            self.states |= {state.case.case_number: state for state in found or ()}
            if found is not None and life != self._life:
                life = self._life
                done.clear()
                stuck_since.clear()
                await self._let_apply_again({state.case.case_number for state in found})
            for place, number in list(self.cases.items() if found is not None else ()):
                if life != self._life:
                    break  # what was found is of before stores were put back
                if (state := self.states.get(number)) is None:
                    continue
                fate = self._plan.fates[place]
                if place not in done and _is_time(fate, state):
                    done.add(place)
                    await self._give(number, fate, place, life)
                elif _needs_help(fate, state, place in done):
                    since = stuck_since.setdefault(number, time.monotonic())
                    if time.monotonic() - since > _HELP_AFTER_SECONDS:
                        del stuck_since[number]
                        self.helped[str(state.trouble)] += 1
                        await self._order(partial(self._desk.retry, Hand(LOCAL_ACTOR), number), life)
                else:
                    stuck_since.pop(number, None)
            await asyncio.to_thread(self._stop.wait, _LOOK_EVERY_SECONDS)

    async def _let_apply_again(self, known: set[str]) -> None:
        """After stores were put back: take the applications of those whose case is lost or unreadable."""
        for number in self._unreadable:
            hand = Hand(LOCAL_ACTOR, f"unreadable-{number}")
            await self._order(partial(self._desk.withdraw, hand, number, "kunci hilang"))
            await self._until_over(number)
        anew = [
            place for place, number in self.cases.items() if number not in known or number in self._unreadable
        ]
        self._unreadable = []
        for place in anew:
            self.states.pop(self.cases.pop(place), None)
            self.applied_again.add(place)
            await self._hand_in(place, self._plan.fates[place])

    async def _until_over(self, number: str) -> None:
        """Wait until a case that was withdrawn is over."""
        while not self._stop.is_set():
            with suppress(EngineUnreachable):
                if (await asyncio.to_thread(self._registry.case, number)).outcome is not None:
                    return
            await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _give(self, number: str, fate: Fate, place: int, life: int) -> None:
        hand = Hand(LOCAL_ACTOR, f"chaos-{place}-{self._life}")
        if fate.errand == "papers":
            named = [f"{kind}={self._inbox / kind}.pdf" for kind in papers_of(fate)]
            await self._until_done(lambda: asyncio.to_thread(self._papers.add, number, named), life)
            await self._order(lambda: self._desk.papers_added(hand, number, papers_of(fate)), life)
        elif fate.errand == "retry":
            await self._order(lambda: self._desk.retry(hand, number), life)
        else:
            await self._order(lambda: self._desk.withdraw(hand, number, "pemohon membatalkan"), life)

    async def _order(self, write: Callable[[], Command], life: int | None = None) -> None:
        """Write a command into the ledger, under the same id until it is there, and bring it once."""

        async def given() -> None:
            try:
                await self._delivery.deliver(await asyncio.to_thread(write))
            except WrongState:
                return

        await self._until_done(given, life)


def _is_time(fate: Fate, state: CaseState) -> bool:
    """Tell whether it is time for what an officer does once."""
    match fate.errand:
        case "papers":
            return state.trouble == "DOK_TIDAK_LENGKAP"
        case "retry":
            return state.trouble == "NIK_BEDA"
        case "withdraw":
            return state.step == "kemensos_verification"
    return False


def _needs_help(fate: Fate, state: CaseState, is_done: bool) -> bool:
    is_expected = state.trouble in fate.ends or (not is_done and _is_time(fate, state))
    return state.outcome is None and state.health is CaseHealth.STUCK and not is_expected

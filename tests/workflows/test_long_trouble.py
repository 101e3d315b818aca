"""A case whose step ends in vain for weeks: asked again ever more slowly, and told once per change."""

import itertools
import uuid
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from gateways.ports.institutions import Decision, Submission, Verdict
from models.case import CaseHealth, CaseState, Outcome, Step
from models.errors import BadReply, Refused, Unavailable
from models.messages import (
    Accepted,
    Acknowledge,
    AlertKind,
    DataCorrected,
    EventKind,
    Extend,
    Park,
    RetryStep,
    Withdraw,
)
from models.outage import System
from models.payload import Payload
from tests.builders import a_case
from tests.workflows.conftest import ROOT, Bench, Handle, require_sound
from tests.workflows.hands import events, give
from tests.workflows.test_outages import parked, release
from tests.workflows.test_trouble import a_shelf
from workflows.reactivation import Reactivation

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEKS = 30 * DAY
"""How long a case is in trouble. Temporal ends one whose history has 51,200 events."""
SLOWED = 34 * HOUR
"""After a day of eager asking and some pauses that grew to hours."""
REFUSED = Refused("siks_ng", "submission not accepted")
BROKEN = BadReply("siks_ng", "not in the protocol")
AWAY = Unavailable("siks_ng", "no answer")
NOT_YET = None
APPROVED = Decision(Verdict.APPROVED)
RETRY = RetryStep(command_id="r-1", actor="sari")


@dataclass
class Trial:
    """A case on the server that jumps from timer to timer."""

    bench: Bench
    handle: Handle

    async def wait(self, time: timedelta) -> None:
        """Let time pass, a day at a time: a call takes no longer."""
        while time > timedelta(0):
            await self.bench.environment.sleep(min(time, DAY))
            time -= DAY

    async def at_rest(self) -> CaseState:
        """Wait until the case waits for time or people, and return its state."""
        await self.bench.at_rest(self.handle)
        return await self.handle.query(Reactivation.state)

    async def history(self) -> int:
        """Return how many events there are."""
        return (await self.handle.describe()).history_length

    def told(self, kind: EventKind) -> list[str]:
        """Return the trouble, or who ended it, of each event of a kind."""
        told = events(self.bench, self.handle, kind)
        return [str(event.facts.get("trouble") or event.facts["by"]) for event in told]


@asynccontextmanager
async def tried(bench: Bench, patches: Container[str] | None = None) -> AsyncIterator[Trial]:
    """Begin a case and wait until it has asked; afterwards it must replay, and no error may have escaped."""
    async with bench.serving(patches=patches):
        handle = await bench.start(a_case(received_at=await bench.environment.get_current_time()))
        await bench.until(handle, lambda state: state.step not in {Step.DOCUMENT_CHECK, Step.RECOMMENDATION})
        trial = Trial(bench, handle)
        yield trial
        if (await handle.query(Reactivation.state)).outcome is None:
            await handle.terminate()
    await require_sound(bench)


@pytest.fixture
def bench(skipping: WorkflowEnvironment) -> Bench:
    """Fakes, and the server that jumps."""
    return Bench(skipping, task_queue=uuid.uuid4().hex)


# -- How long a history becomes ----------------------------------------------------------------------------


async def test_a_case_refused_for_weeks_has_room_in_its_history(bench: Bench) -> None:
    """Asked each hour for a day and then four times a day, told once. In 60 days it was 25,228."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        await case.wait(WEEKS)
        assert await case.history() < 1_800
        assert case.told(EventKind.STEP_STUCK) == ["Refused"]
        assert case.told(EventKind.STEP_RETRIED) == []
        stuck = [one for one in bench.ledger.alerts.values() if one.kind is AlertKind.CASE_STUCK]
        assert [one.detail for one in stuck] == ["Refused"]
        assert (await case.at_rest()).trouble == "Refused"


@pytest.mark.slow
async def test_a_case_whose_calls_fail_for_weeks_has_room_in_its_history(bench: Bench) -> None:
    """A round is a quarter of an hour of calls, the case stays stuck meanwhile. In 60 days it was 72,000."""
    bench.siks_ng.script = [AWAY]
    async with tried(bench) as case:
        await case.wait(WEEKS)
        assert await case.history() < 2_000
        assert case.told(EventKind.STEP_STUCK) == ["Unavailable"]
        assert case.told(EventKind.STEP_RETRIED) == []


async def test_a_case_that_waits_for_weeks_has_room_in_its_history(bench: Bench) -> None:
    """No decision yet is no trouble; rounds of asking become longer, in an emergency up to four asks."""
    bench.kemensos.script = [NOT_YET]
    bench.shelf = a_shelf(bench, poll_every=2 * HOUR)
    async with tried(bench) as case:
        await case.wait(WEEKS)
        assert await case.history() < 850
        assert bench.kemensos.asked >= WEEKS / (2 * HOUR)
        assert case.told(EventKind.STEP_STUCK) == []


async def test_two_troubles_that_take_turns_do_not_hurry_each_other(bench: Bench) -> None:
    """Each change is told, and after a day each is asked about no more often than one alone."""
    bench.siks_ng.script = [REFUSED, BROKEN] * 200
    async with tried(bench) as case:
        await case.wait(10 * DAY)
        before = await case.history()
        await case.wait(10 * DAY)
        assert await case.history() - before < 10 * 4 * 17
        assert case.told(EventKind.STEP_STUCK)[:3] == ["Refused", "BadReply", "Refused"]


async def test_a_case_begun_before_is_slower_too(bench: Bench) -> None:
    """One that keeps to the old way tells each round, and has fewer of them."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench, patches=()) as case:
        await case.wait(5 * DAY)
        assert await case.history() < 1_000
        stuck, retried = case.told(EventKind.STEP_STUCK), case.told(EventKind.STEP_RETRIED)
        assert len(stuck) == len(retried) + 1 > 24 + 3 * 4


async def test_a_policy_that_asks_seldom_does_not_make_the_case_spin(bench: Bench) -> None:
    """A round without room for a second ask would end with the first, and another begin at once."""
    bench.kemensos.script = [NOT_YET]
    bench.shelf = a_shelf(bench, poll_every=5 * HOUR)
    async with tried(bench) as case:
        await case.wait(2 * DAY)
        assert bench.kemensos.asked < 20
        assert await case.history() < 120


@pytest.mark.slow
@pytest.mark.parametrize("refuses", ["ledger", "channel"])
async def test_what_cannot_be_written_for_weeks_leaves_room_in_the_history(
    bench: Bench, refuses: str
) -> None:
    """The ledger does not take what the case tells, or people cannot be told: tried ever more slowly."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        if refuses == "ledger":
            bench.ledger.faults = itertools.repeat(Refused("ledger", "no"))
        else:
            bench.channel.script = [Refused("channel", "no")]
        await case.wait(3 * DAY)
        before = await case.history()
        await case.wait(3 * DAY)
        assert await case.history() - before < 3 * 4 * 100


# -- How soon it is asked again ----------------------------------------------------------------------------


async def test_the_first_day_is_as_eager_as_an_emergency_needs_it(bench: Bench) -> None:
    """Each hour until the day is over, then after two, four and six hours."""
    asked: list[str] = []

    class Counted(type(bench.siks_ng)):  # type: ignore[misc]  # the bench's own class
        def submit(self, submission: Submission, *, key: str) -> str:
            asked.append(key)
            return str(super().submit(submission, key=key))

    bench.siks_ng = Counted(script=[REFUSED])
    async with tried(bench) as case:
        await case.wait(24 * HOUR - MINUTE)
        assert len(asked) == 24
        await case.wait(13 * HOUR)
        assert len(asked) == 24 + 4


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("data_corrected", DataCorrected(command_id="c-1", fields=("nik",), actor="sari")),
        ("acknowledge", Acknowledge(command_id="c-1", actor="sari")),
        ("extend", Extend(command_id="c-1", by=HOUR, actor="sari")),
        ("retry_step", RETRY),
    ],
)
async def test_whatever_a_person_does_has_the_case_asked_at_once(
    bench: Bench, name: str, command: Payload
) -> None:
    """Somebody looks after it: nobody waits for the end of a pause of hours."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        await case.wait(SLOWED)
        bench.siks_ng.script = [None]
        await case.handle.execute_update(name, command)
        await bench.until(case.handle, lambda state: state.step is not Step.SIKS_NG_UPLOAD)
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED
        assert case.told(EventKind.STEP_RETRIED) == ["sari" if name == "retry_step" else "engine"]


async def test_after_a_person_acted_it_is_asked_each_hour_again(bench: Bench) -> None:
    """In vain for the same: told again only when somebody had said that it goes on."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        await case.wait(SLOWED)
        await case.handle.execute_update("extend", Extend(command_id="c-1", by=HOUR, actor="sari"))
        await case.at_rest()
        assert case.told(EventKind.STEP_STUCK) == ["Refused"]
        await case.handle.execute_update("retry_step", RETRY)
        await bench.until(case.handle, lambda state: state.health is CaseHealth.STUCK)
        assert case.told(EventKind.STEP_STUCK) == ["Refused", "Refused"]
        bench.siks_ng.script = [None]
        await case.wait(61 * MINUTE)
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED


async def test_a_stuck_case_is_parked_with_the_others_and_released_with_them(bench: Bench) -> None:
    """The portal was away for this case alone and then for all: the end of the outage ends its pause."""
    bench.siks_ng.script = [AWAY]
    async with tried(bench) as case:
        await case.wait(17 * MINUTE)
        assert (await case.at_rest()).trouble == "Unavailable"
        bench.guards[System.SIKS_NG].is_out = True
        done: Accepted = await case.handle.execute_update(
            "park",
            Park(system=System.SIKS_NG, since=await bench.environment.get_current_time()),
            result_type=Accepted,
        )
        assert (done.state.health, done.state.trouble) == (CaseHealth.PARKED, "outage.siks_ng")
        await parked(bench, case.handle)
        assert case.told(EventKind.STEP_RETRIED) == ["engine"]
        bench.guards[System.SIKS_NG].is_out = False
        bench.siks_ng.script = [None]
        await release(case.handle)
        await bench.until(case.handle, lambda state: state.step is not Step.SIKS_NG_UPLOAD)
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED


# -- What is told ------------------------------------------------------------------------------------------


async def test_no_decision_yet_after_trouble_is_told_as_the_end_of_it(bench: Bench) -> None:
    """The case is stuck until Kemensos answers at all; then it waits like any other."""
    bench.shelf = a_shelf(bench, poll_every=10 * MINUTE)
    bench.kemensos.script = [Refused("kemensos", "no"), NOT_YET, NOT_YET, APPROVED]
    async with tried(bench) as case:
        await bench.until(case.handle, lambda state: state.health is CaseHealth.STUCK)
        await case.wait(61 * MINUTE)
        state = await case.handle.query(Reactivation.state)
        assert (state.step, state.health, state.trouble) == (
            Step.KEMENSOS_VERIFICATION,
            CaseHealth.OK,
            None,
        )
        assert bench.ledger.states[case.handle.id].health is CaseHealth.OK
        assert case.told(EventKind.STEP_RETRIED) == ["engine"]
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED
        assert case.told(EventKind.STEP_STUCK) == ["Refused"]


async def test_another_trouble_is_told_as_a_change(bench: Bench) -> None:
    """Refused twice and then answered nonsense: the ledger has both, each once, and one end."""
    bench.siks_ng.script = [REFUSED, REFUSED, BROKEN, BROKEN, None]
    async with tried(bench) as case:
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED
        assert case.told(EventKind.STEP_STUCK) == ["Refused", "BadReply"]
        assert case.told(EventKind.STEP_RETRIED) == ["engine"]


async def test_a_retry_while_it_is_being_asked_is_taken_and_told_at_once(bench: Bench) -> None:
    """A case is stuck also while a round is under way, and `bulk retry` finds it there."""
    bench.siks_ng.script = [AWAY]
    async with tried(bench) as case:
        await case.wait(23 * MINUTE)
        assert (await case.handle.query(Reactivation.state)).health is CaseHealth.STUCK
        assert (await case.handle.describe()).raw_description.pending_activities
        done: Accepted = await case.handle.execute_update("retry_step", RETRY, result_type=Accepted)
        assert done.state.health is CaseHealth.OK
        await bench.until(case.handle, lambda _: bench.ledger.states[case.handle.id].health is CaseHealth.OK)
        assert case.told(EventKind.STEP_RETRIED) == ["sari"]
        bench.siks_ng.script = [None]
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED


async def test_an_answer_by_hand_ends_the_trouble_before_it_is_recorded(bench: Bench) -> None:
    """The desk's work of mending is done by it."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        await bench.until(case.handle, lambda state: state.health is CaseHealth.STUCK)
        bench.ledger.references[case.handle.id] = "SIKS-BY-HAND"
        now = await bench.environment.get_current_time()
        await give(case.handle, Step.SIKS_NG_UPLOAD, receipt="r1", occurred_at=now)
        assert (await case.handle.result()).outcome is Outcome.REACTIVATED
        kinds = bench.ledger.kinds(case.handle.id)
        assert kinds[kinds.index("step.stuck") :][:3] == ["step.stuck", "step.retried", "answer.recorded"]
        assert case.told(EventKind.STEP_RETRIED) == ["answer"]


async def test_a_case_withdrawn_in_a_long_pause_ends_at_once(bench: Bench) -> None:
    """Nobody said that it goes on."""
    bench.siks_ng.script = [REFUSED]
    async with tried(bench) as case:
        await case.wait(SLOWED)
        await case.handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1"))
        assert (await case.handle.result()).outcome is Outcome.WITHDRAWN
        assert case.told(EventKind.STEP_RETRIED) == []


async def test_a_plan_that_cannot_be_read_for_hours_is_told_once(bench: Bench) -> None:
    """The policy is broken while the case opens; once it is mended the case goes on and is well."""
    broken = [True]

    class Shelf(type(bench.shelf)):  # type: ignore[misc]  # the bench's own class
        def city(self, code: str) -> object:
            if broken:
                raise REFUSED
            return super().city(code)

    bench.shelf = Shelf(ROOT / "policies")
    async with bench.serving():
        handle = await bench.start(a_case(received_at=await bench.environment.get_current_time()))
        await bench.until(handle, lambda state: state.health is CaseHealth.STUCK)
        case = Trial(bench, handle)
        await case.wait(3 * HOUR)
        broken.clear()
        assert (await handle.result()).outcome is Outcome.REACTIVATED
        assert case.told(EventKind.STEP_STUCK) == ["Refused"]
        assert case.told(EventKind.STEP_RETRIED) == ["engine"]
    await require_sound(bench)

"""A calendar is edited while cases run: their due times follow, and nothing is told twice."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage
from temporalio.api.update.v1 import UpdateRef, WaitPolicy
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import WorkflowUpdateStage
from temporalio.service import RPCError, RPCStatusCode

from gateways.ledger_access import utc_now
from gateways.policy_folder import PolicyFolder
from gateways.sql_calendar_marks import SqlCalendarMarks
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_registry import SqlRegistry
from models.calendar import CalendarKind
from models.calendar_policy import Calendars
from models.case import CaseRef, SlaState, Step, Track
from models.messages import Accepted, AlertKind, EventKind, Extend, Recount, Withdraw
from models.wib import WIB
from runtime.delivery import Delivery
from runtime.recount import Recounter
from tests.builders import a_case, a_new_case
from tests.ledgers import a_ledger
from tests.namespaces import a_namespace
from tests.vaults import a_vault
from tests.workflows.conftest import BY_HAND, Bench, Handle, proven
from tests.workflows.hands import Gates, events, give, on_desk, switch
from workflows.reactivation import Reactivation

POLICIES = Path(__file__).resolve().parents[2] / "policies"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FRIDAY = date(2026, 2, 6)
OPEN = '["08:00-16:00"]'
SLA_DUE_AT = "SlaDueAt"


def a_friday() -> date:
    """Return a Friday that is still to come."""
    today = datetime.now(WIB).date()
    return today + timedelta(days=7 - (today.weekday() - 4) % 7)


def at(day: date, text: str) -> datetime:
    """Return a time of a day in WIB."""
    return datetime.combine(day, time.fromisoformat(text), WIB)


class TimeTable:
    """Policies by which Tangsel's emergencies have four working hours from a Friday, 15:30."""

    def __init__(self, folder: Path, friday: date) -> None:
        self.folder = shutil.copytree(POLICIES, folder / "policies")
        self.friday, self.monday, self.tuesday = friday, friday + 3 * DAY, friday + 4 * DAY
        city = self.folder / "kota-tangerang-selatan.toml"
        head = "[tracks.emergency.sla]"
        ours = f'{head}\ncounts = "office"\nsteps.document_check = "PT3H"\nbudget = "PT4H"'
        text, replaced = re.subn(
            rf"{re.escape(head)}.*?^budget = \S+$", ours, city.read_text(), flags=re.MULTILINE | re.DOTALL
        )
        assert replaced == 1
        city.write_text(text)
        days = "\n".join(f"{day} = {OPEN}" for day in (self.friday, self.monday, self.tuesday))
        with (self.folder / "kalender.toml").open("a") as file:
            file.write(f"\n[city.3674.extra_days]\n{days}\n")

    def close_on_monday(self) -> None:
        """Let the office be closed on Monday after all."""
        path = self.folder / "kalender.toml"
        line = f"{self.monday} = {OPEN}"
        assert line in path.read_text()
        path.write_text(path.read_text().replace(line, f"{self.monday} = []"))

    def recount(self, case: CaseRef, command_id: str = "recount-1") -> Recount:
        """Return what tells a case of the calendar as it is written now."""
        plan = (
            PolicyFolder(self.folder)
            .calendars()
            .plan(case.city, CalendarKind.OFFICE, case.received_at.astimezone(WIB).date())
        )
        return Recount(command_id=command_id, calendar=plan)


@asynccontextmanager
async def by(table: TimeTable, bench: Bench, shelf: PolicyFolder | None = None) -> AsyncIterator[Bench]:
    """Run a proven worker of people on these policies, read by this shelf if one is given."""
    bench.modes = BY_HAND
    bench.shelf = shelf or PolicyFolder(table.folder)
    async with proven(bench):
        yield bench


async def recount(handle: Handle, message: Recount) -> Accepted:
    """Tell a case of another calendar."""
    accepted: Accepted = await handle.execute_update("recount", message, result_type=Accepted)
    return accepted


async def withdraw(handle: Handle, birth: str | None = None) -> None:
    """End the case."""
    await handle.execute_update(Reactivation.withdraw, Withdraw(command_id="w-1", birth=birth))


async def due_at(handle: Handle) -> datetime | None:
    """Return when the case is due."""
    return (await handle.query(Reactivation.state)).due_at


def percents(bench: Bench, handle: Handle) -> list[object]:
    """Return the rungs that were told, a breach as 100."""
    told = bench.ledger.events[handle.id].values()
    kinds = {EventKind.SLA_WARNED, EventKind.SLA_BREACHED}
    return [event.facts.get("percent", 100) for event in told if event.kind in kinds]


async def test_an_edited_file_reaches_a_running_case(stopped_bench: Bench, tmp_path: Path) -> None:
    """Friday 6 February 15:30 and four hours: Monday 11:30, and Tuesday once Monday is a holiday.

    A worker's sweep sees the edit, writes the command and brings it; a second one finds nothing to do.
    """
    table = TimeTable(tmp_path, FRIDAY)
    engine = a_ledger(tmp_path)
    registry, book = SqlRegistry(engine, a_vault()), SqlDeskBook(engine, a_vault())
    case = registry.register(a_new_case(at(table.friday, "15:30").astimezone(UTC))).case
    async with by(table, stopped_bench) as bench:
        recounter = Recounter(bench.shelf, SqlCalendarMarks(engine), utc_now)
        delivery = Delivery(a_namespace(bench.environment.client, bench.task_queue), registry, book, utc_now)
        await recounter.look()
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        assert await due_at(handle) == at(table.monday, "11:30")

        table.close_on_monday()
        assert (await recounter.look(), await delivery.sweep()) == (1, 1)
        assert await due_at(handle) == at(table.tuesday, "11:30")
        assert (await recounter.look(), await delivery.sweep()) == (0, 0)
        assert book.undelivered() == []

        (event,) = events(bench, handle, EventKind.SLA_RECOUNTED)
        facts = {name: fact for name, fact in event.facts.items() if name != "command"}
        assert facts == {"due_was": "2026-02-09T04:30:00Z", "due": "2026-02-10T04:30:00Z"}
        described = await handle.describe()
        shown = {pair.key.name: pair.value for pair in described.typed_search_attributes}
        assert shown[SLA_DUE_AT] == bench.ledger.states[handle.id].due_at == at(table.tuesday, "11:30")
        assert percents(bench, handle) == [50, 75, 90, 100]
        await withdraw(handle, case.birth)
    engine.dispose()


async def test_rungs_and_the_steps_budget_move_with_the_due_time(
    stopped_bench: Bench, tmp_path: Path
) -> None:
    """Half the time was used on Monday morning when Monday became a holiday: the rest is told on Tuesday."""
    table = TimeTable(tmp_path, a_friday())
    case = a_case(received_at=at(table.friday, "15:30").astimezone(UTC))
    async with by(table, stopped_bench) as bench:
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await bench.forward(handle, at(table.monday, "10:00") - datetime.now(UTC))
        assert percents(bench, handle) == [50]

        table.close_on_monday()
        message = table.recount(case)
        states = [(await recount(handle, message)).state for _ in range(2)]
        assert {state.due_at for state in states} == {at(table.tuesday, "11:30")}
        assert len(events(bench, handle, EventKind.SLA_RECOUNTED)) == 1
        await bench.forward(handle, 6 * HOUR)
        assert percents(bench, handle) == [50]
        assert events(bench, handle, EventKind.STEP_OVERDUE) == []

        await bench.forward(handle, 20 * HOUR)
        assert percents(bench, handle) == [50, 75, 90, 100]
        (breach,) = events(bench, handle, EventKind.SLA_BREACHED)
        assert breach.at == at(table.tuesday, "11:30")
        (overdue,) = events(bench, handle, EventKind.STEP_OVERDUE)
        assert overdue.at >= at(table.tuesday, "10:00")
        kinds = [alert.kind for alert in bench.ledger.alerts.values()]
        assert kinds.count(AlertKind.SLA_WARNING) == 3
        await withdraw(handle)


async def test_an_extension_stays_and_the_next_step_counts_by_the_new_calendar(
    stopped_bench: Bench, tmp_path: Path
) -> None:
    """Two hours more: Tuesday 13:30. The next step's clock begins with the calendar as it is now."""
    table = TimeTable(tmp_path, a_friday())
    path = table.folder / "kota-tangerang-selatan.toml"
    path.write_text(path.read_text().replace("steps.document_check", "steps.recommendation"))
    case = a_case(received_at=at(table.friday, "15:30").astimezone(UTC))
    async with by(table, stopped_bench) as bench:
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await handle.execute_update("extend", Extend(command_id="e-1", by=2 * HOUR, actor="supervisor-1"))
        table.close_on_monday()
        assert (await recount(handle, table.recount(case))).state.due_at == at(table.tuesday, "13:30")

        await bench.forward(handle, at(table.friday, "15:30") - datetime.now(UTC))
        await give(handle, Step.DOCUMENT_CHECK, occurred_at=at(table.friday, "15:30"))
        await on_desk(bench, handle, Step.RECOMMENDATION)
        await bench.forward(handle, at(table.tuesday, "09:00") - at(table.friday, "15:30"))
        assert events(bench, handle, EventKind.STEP_OVERDUE) == []
        await bench.forward(handle, 2 * HOUR)
        assert len(events(bench, handle, EventKind.STEP_OVERDUE)) == 1
        await withdraw(handle)


async def test_a_case_round_the_clock_takes_no_notice(stopped_bench: Bench, tmp_path: Path) -> None:
    """Office hours are not its business, and no line of its history says otherwise."""
    table = TimeTable(tmp_path, a_friday())
    case = a_case(track=Track.MEDICAL)
    async with by(table, stopped_bench) as bench:
        handle = await bench.start(case, need="childbirth")
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        table.close_on_monday()
        assert (await recount(handle, table.recount(case))).state.due_at == case.received_at + DAY
        assert events(bench, handle, EventKind.SLA_RECOUNTED) == []
        started = [event.facts for event in events(bench, handle, EventKind.SLA_STARTED)]
        assert started == [{"counts": "24x7"}]
        await withdraw(handle)


async def test_a_case_without_a_plan_is_told_when_it_has_one(stopped_bench: Bench, tmp_path: Path) -> None:
    """It was registered before the edit and comes up after it, with a plan that is older than the edit."""
    table = TimeTable(tmp_path, a_friday())
    case = a_case(received_at=at(table.friday, "15:30").astimezone(UTC))
    bench = stopped_bench
    handle = await bench.start(case)
    old = PolicyFolder(shutil.copytree(table.folder, tmp_path / "old"))
    table.close_on_monday()
    telling = asyncio.create_task(
        handle.start_update(
            "recount",
            table.recount(case),
            id="recount-1",
            result_type=Accepted,
            wait_for_stage=WorkflowUpdateStage.COMPLETED,
        )
    )
    await update_is_waiting(bench, handle, "recount-1")
    bench.modes, bench.shelf = BY_HAND, old
    async with proven(bench):
        told = await (await telling).result()
        assert told.state.due_at == at(table.tuesday, "11:30")
        assert len(events(bench, handle, EventKind.SLA_RECOUNTED)) == 1
        await withdraw(handle)


async def update_is_waiting(bench: Bench, handle: Handle, update_id: str) -> None:
    """Wait until the server has an update that no worker has heard of."""
    client = bench.environment.client
    request = PollWorkflowExecutionUpdateRequest(
        namespace=client.namespace,
        update_ref=UpdateRef(
            workflow_execution=WorkflowExecution(workflow_id=handle.id), update_id=update_id
        ),
        wait_policy=WaitPolicy(
            lifecycle_stage=UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED
        ),
    )
    async with asyncio.timeout(10):
        while True:
            try:
                await client.workflow_service.poll_workflow_execution_update(request)
            except RPCError as error:
                assert error.status is RPCStatusCode.NOT_FOUND  # noqa: PT017 - until it is there
                await asyncio.sleep(0.02)
            else:
                return


class HeldShelf(PolicyFolder):
    """A shelf that reads the calendars and then keeps whoever asked for them waiting."""

    gates = Gates()
    is_holding = False

    def calendars(self) -> Calendars:
        read = super().calendars()
        if self.is_holding:
            self.gates.hold("calendars")
        return read


async def test_a_plan_that_was_read_before_the_edit_is_recounted(
    stopped_bench: Bench, tmp_path: Path
) -> None:
    """The case changes its track while the calendar is edited: the other plan is older than the edit."""
    table = TimeTable(tmp_path, FRIDAY)
    case = a_case(track=Track.MEDICAL, received_at=at(FRIDAY, "15:30").astimezone(UTC))
    shelf = HeldShelf(table.folder)
    async with by(table, stopped_bench, shelf) as bench:
        handle = await bench.start(case, need="childbirth")
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        shelf.is_holding = True
        switching = asyncio.create_task(switch(handle, occurred_at=at(FRIDAY, "15:30")))
        await bench.until(handle, lambda _state: shelf.gates.is_held("calendars"))
        table.close_on_monday()
        telling = await handle.start_update(
            "recount",
            table.recount(case),
            result_type=Accepted,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
        shelf.gates.open("calendars")
        assert (await switching).state.due_at is not None
        await telling.result()
        assert await due_at(handle) == at(table.tuesday, "11:30")
        await withdraw(handle)


async def test_an_extension_until_a_time_ends_at_that_time(stopped_bench: Bench, tmp_path: Path) -> None:
    """In working time too: Tuesday 09:00, and still when Monday becomes a holiday."""
    table = TimeTable(tmp_path, a_friday())
    case = a_case(received_at=at(table.friday, "15:30"))
    async with by(table, stopped_bench) as bench:
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        assert await due_at(handle) == at(table.monday, "11:30")
        until = at(table.tuesday, "09:00")
        await handle.execute_update("extend", Extend(command_id="e-1", until=until, actor="sari"))
        assert await due_at(handle) == until
        table.close_on_monday()
        assert (await recount(handle, table.recount(case))).state.due_at == until
        facts = events(bench, handle, EventKind.SLA_EXTENDED)[0].facts
        assert facts["due"] == f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        await withdraw(handle)
        await handle.result()


async def test_a_calendar_that_is_edited_after_the_breach_arms_the_ladder_again(
    stopped_bench: Bench, tmp_path: Path
) -> None:
    """Late on Monday and not late once Monday is a holiday; late again on Tuesday, and people hear again."""
    table = TimeTable(tmp_path, a_friday())
    case = a_case(received_at=at(table.friday, "15:30").astimezone(UTC))
    async with by(table, stopped_bench) as bench:
        handle = await bench.start(case)
        await on_desk(bench, handle, Step.DOCUMENT_CHECK)
        await bench.forward(handle, at(table.monday, "14:00") - datetime.now(UTC))
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        table.close_on_monday()
        state = (await recount(handle, table.recount(case))).state
        assert (state.due_at, state.sla_state) == (at(table.tuesday, "11:30"), SlaState.ON_TRACK)
        assert (state.escalation_level, state.detected_at) == (0, None)
        await bench.forward(handle, 21 * HOUR)
        assert percents(bench, handle) == [50, 75, 90, 100, 50, 75]
        await bench.forward(handle, HOUR)
        assert (await handle.query(Reactivation.state)).sla_state is SlaState.BREACHED
        keys = [alert.key.split(":", 1)[1] for alert in bench.ledger.alerts.values()]
        assert [key for key in keys if key.endswith(":100")] == ["sla:1:100", "sla:2:100"]
        await withdraw(handle)

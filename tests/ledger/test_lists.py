"""The lists that operators and the sweep live by."""

from datetime import timedelta

from sqlalchemy import Engine, select

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, CaseState, SlaState, Step
from models.tables import cases
from tests.ledger.builders import MORNING, a_clock, a_closing, a_new_case, a_state, a_telling, an_event
from tests.vaults import a_vault


def _due(ledger: SqlLedger, case: CaseRef, hours: int | None, **changes: object) -> None:
    due_at = None if hours is None else MORNING + timedelta(hours=hours)
    state = a_state(case, 2).model_copy(update={"due_at": due_at, **changes})
    ledger.record(a_telling(state, an_event(2)))


def _numbers(states: list[CaseState]) -> list[int]:
    return [int(state.case.case_number[-6:]) for state in states]


def test_next_due_case_is_first_and_a_case_without_due_time_last(
    ledger: SqlLedger, registry: SqlRegistry
) -> None:
    """Among equals the earlier application is first; the limit cuts the far end."""
    for hours, received in ((None, 1), (None, 0), (9, 0), (5, 0)):
        new = a_new_case(received_at=MORNING + timedelta(hours=received))
        _due(ledger, registry.register(new).case, hours)
    assert _numbers(registry.cases()) == [4, 3, 2, 1]
    assert _numbers(registry.cases(limit=2)) == [4, 3]


def test_closed_cases_do_not_push_open_ones_out_of_sight(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """Yesterday's closed cases were due earlier, yet come after what is still open."""
    ledger.record(a_closing(registry.register(a_new_case()).case))
    _due(ledger, registry.register(a_new_case()).case, None)
    assert _numbers(registry.cases()) == [2, 1]


def test_list_is_narrowed_by_city_step_and_sla(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """Every filter that is given must match."""
    other_city = registry.register(a_new_case(city="3275")).case
    for number, (step, sla) in enumerate(
        [
            (Step.DOCUMENT_CHECK, SlaState.BREACHED),
            (Step.BPJS_RECONNECT, SlaState.BREACHED),
            (Step.BPJS_RECONNECT, SlaState.ON_TRACK),
        ]
    ):
        _due(ledger, registry.register(a_new_case()).case, number, step=step, sla_state=sla)
    assert [state.case for state in registry.cases(city="3275")] == [other_city]
    assert _numbers(registry.cases(city="3674")) == [1, 2, 3]
    assert _numbers(registry.cases(step=Step.BPJS_RECONNECT)) == [2, 3]
    assert _numbers(registry.cases(sla=SlaState.BREACHED)) == [1, 2]
    assert _numbers(registry.cases(city="3674", step=Step.BPJS_RECONNECT, sla=SlaState.ON_TRACK)) == [3]


def test_first_note_that_a_case_was_started_stays(engine: Engine, registry: SqlRegistry) -> None:
    """A sweep that comes late does not move the time."""
    number = registry.register(a_new_case()).case.case_number
    for hours in (1, 2):
        SqlRegistry(engine, a_vault(), a_clock(MORNING + timedelta(hours=hours))).mark_started(number)
    with engine.begin() as connection:
        started_at = connection.execute(select(cases.c.started_at)).scalar_one()
    assert started_at == MORNING + timedelta(hours=1)


def test_sweep_finds_what_was_registered_and_never_started(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry
) -> None:
    """Not the started, not the closed, not the fresh; by wall clock, however old the application is."""
    times = iter(MORNING + timedelta(minutes=minute) for minute in (3, 1, 2, 0, 0, 9))
    registry = SqlRegistry(engine, a_vault(), lambda: next(times))
    late, early, middle, started, closed, _fresh = (registry.register(a_new_case()).case for _ in range(6))
    SqlRegistry(engine, a_vault(), a_clock()).mark_started(started.case_number)
    ledger.record(a_closing(closed))
    assert registry.unstarted(MORNING + timedelta(minutes=9)) == [early, middle, late]
    assert registry.unstarted(MORNING + timedelta(minutes=9), limit=1) == [early]

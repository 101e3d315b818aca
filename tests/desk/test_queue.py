"""What an officer sees when he asks for his work."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete

from desk.orders import Hand
from models.case import Step, Track
from models.desk import DeskItem
from models.desk_tables import desk_items
from models.errors import NotAllowed
from tests.desk.bench import (
    AUDITOR,
    COLLEAGUES,
    COUNTER,
    MORNING,
    OPERATOR,
    SECOND_VERIFIER,
    SERVANT_OF_ALL,
    SIGNER,
    SUPERVISOR,
    VERIFIER,
    Bench,
    an_ask,
)


@pytest.fixture(autouse=True)
def empty_desk(desk_engine: Engine) -> None:
    """Clear the desk before each test: here it is about everything that lies on it."""
    with desk_engine.begin() as connection:
        connection.execute(delete(desk_items))


def _ids(items: list[DeskItem]) -> list[int]:
    return [item.id for item in items]


def test_each_role_sees_its_own_work(bench: Bench) -> None:
    """One piece of work per step: it is shown to its role, and to nobody else's."""
    check, signature, upload, verdict, status = (bench.item(step).id for step in Step)
    mend = bench.mending().id
    seen = {
        VERIFIER: [check],
        SIGNER: [signature],
        OPERATOR: [upload, verdict, status],
        SUPERVISOR: [mend],
        COUNTER: [],
        AUDITOR: [],
    }
    assert {officer: _ids(bench.work.queue(officer)) for officer in seen} == seen
    assert _ids(bench.work.queue(SERVANT_OF_ALL)) == [check, signature, upload, verdict, status, mend]


def test_each_area_sees_its_own_work(bench: Bench) -> None:
    """Two cities, and within a city the kecamatan that an officer serves; also with everything."""
    ciputat, serpong = bench.item(kecamatan="Ciputat").id, bench.item(kecamatan="Serpong").id
    bekasi = bench.item(city="3275", kecamatan="Bekasi Timur").id
    seen = {
        VERIFIER: [ciputat, serpong],
        SECOND_VERIFIER: [ciputat],
        "bekasi-verifikator-1": [bekasi],
    }
    assert {officer: _ids(bench.work.queue(officer)) for officer in seen} == seen
    assert {officer: _ids(bench.work.queue(officer, everything=True)) for officer in seen} == seen


def test_emergencies_come_first_then_the_next_due(bench: Bench) -> None:
    """What is not due yet comes last, and among equals what has lain longest."""
    due = MORNING + timedelta(hours=24)
    later, soon, never = (
        bench.item(track=Track.MEDICAL, due_at=when).id for when in (due + timedelta(hours=1), due, None)
    )
    bench.clock.now += timedelta(minutes=1)
    late_emergency = bench.item(due_at=due + timedelta(hours=9)).id
    next_emergency = bench.item(due_at=due - timedelta(hours=9)).id
    newborn = bench.item(track=Track.NEWBORN, due_at=due - timedelta(hours=20)).id
    undue_emergency = bench.item().id
    longest = bench.item(track=Track.MEDICAL).id
    assert _ids(bench.work.queue(VERIFIER)) == [
        *(next_emergency, late_emergency, undue_emergency),
        *(newborn, soon, later, never, longest),
    ]


def test_a_case_that_became_an_emergency_comes_first(bench: Bench) -> None:
    """The desk follows the track that the workflow tells."""
    first, second = (bench.item(track=Track.MEDICAL) for _ in range(2))
    hastened = second.case.model_copy(update={"track": Track.EMERGENCY})
    bench.move(hastened, Step.DOCUMENT_CHECK)
    assert _ids(bench.work.queue(VERIFIER)) == [second.id, first.id]


def test_what_is_in_anothers_hand_is_not_shown(bench: Bench) -> None:
    """A colleague's or the machine's; one's own is, and with everything all of it is."""
    mine, his, machines, free = (bench.item(Step.SIKS_NG_UPLOAD) for _ in range(4))
    bench.work.claim(Hand(OPERATOR), mine.id)
    bench.work.claim(Hand(COLLEAGUES[0]), his.id)
    assert bench.desk.take_for_machine(an_ask(machines.case, machines.step))
    assert _ids(bench.work.queue(OPERATOR)) == [mine.id, free.id]
    assert _ids(bench.work.queue(COLLEAGUES[1])) == [free.id]
    everything = bench.work.queue(COLLEAGUES[1], everything=True)
    assert [item.assignee for item in everything] == [OPERATOR, COLLEAGUES[0], "machine", None]


def test_work_that_a_supervisor_took_is_in_his_queue(bench: Bench) -> None:
    """Although it is of another role."""
    item = bench.item()
    assert bench.work.queue(SUPERVISOR) == []
    bench.work.claim(Hand(SUPERVISOR), item.id)
    assert _ids(bench.work.queue(SUPERVISOR)) == [item.id]


def test_finished_and_void_work_is_not_shown(bench: Bench) -> None:
    """Nor that of a case that is over, not even with everything."""
    void, over = bench.item(), bench.item()
    bench.work.void(Hand(SUPERVISOR), void.id, "salah")
    bench.close(over.case)
    assert bench.work.queue(VERIFIER, everything=True) == []


def test_an_auditor_sees_all_and_works_on_nothing(bench: Bench) -> None:
    """Both cities with everything; claiming, releasing and answering are refused."""
    items = [bench.item(), bench.item(city="3275", kecamatan="Bekasi Timur")]
    assert bench.work.queue(AUDITOR) == []
    assert _ids(bench.work.queue(AUDITOR, everything=True)) == _ids(items)
    number = items[0].id
    for act in (
        lambda: bench.work.claim(Hand(AUDITOR), number),
        lambda: bench.work.release(Hand(AUDITOR), number),
        lambda: bench.work.sheet(Hand(AUDITOR), number),
        lambda: bench.work.retry(Hand(AUDITOR), items[0].case.case_number),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert bench.book.item(number) == items[0]


def test_much_work_of_others_hides_none_of_mine(bench: Bench) -> None:
    """One signature behind 210 pieces of work that are due before it, of another role or area."""
    case = bench.case(track=Track.MEDICAL)
    for attempt in range(1, 211):
        bench.desk.open(an_ask(case, Step.KEMENSOS_VERIFICATION, attempt))
    bench.clock.now += timedelta(hours=1)
    signature = bench.item(Step.RECOMMENDATION, track=Track.MEDICAL)
    assert _ids(bench.work.queue(SIGNER)) == [signature.id]
    assert len(bench.work.queue(OPERATOR)) == 210

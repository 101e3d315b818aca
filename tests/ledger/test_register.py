"""Registering: one open case per person, numbers without gaps, everything or nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, CaseState, Track
from models.dossier import Dossier
from models.errors import BadReply, NotFound
from models.messages import CaseEvent, EventKind
from models.policy import DocumentKind
from models.tables import cases, counters, people
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_paper, a_person, at_once


def test_first_case_gets_the_first_number_of_its_city_and_year(registry: SqlRegistry) -> None:
    """The answer is a new, unstarted case with a reference made of codes only."""
    registered = registry.register(a_new_case())
    assert registered.is_new
    assert not registered.is_started
    assert registered.case == CaseRef(
        case_number="PBI-3674-2026-000001",
        city="3674",
        track=Track.EMERGENCY,
        kecamatan="Pamulang",
        received_at=MORNING,
        birth=registered.case.birth,
    )
    assert registered.case.birth is not None


def test_numbers_run_per_city_and_year(registry: SqlRegistry) -> None:
    """Another city and another year begin at one; the year is that of Jakarta."""
    last_evening_utc = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)  # midnight in Jakarta
    numbers = [
        registry.register(new).case.case_number
        for new in (
            a_new_case(),
            a_new_case(),
            a_new_case(city="3275"),
            a_new_case(received_at=last_evening_utc - timedelta(seconds=1)),
            a_new_case(received_at=last_evening_utc),
        )
    ]
    assert numbers == [
        "PBI-3674-2026-000001",
        "PBI-3674-2026-000002",
        "PBI-3275-2026-000001",
        "PBI-3674-2026-000003",
        "PBI-3674-2027-000001",
    ]


def test_everything_registered_is_in_the_dossier(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """Person, need and papers come back as they were handed in; a paper handed in twice counts once."""
    ktp, kk = a_paper(DocumentKind.KTP), a_paper(DocumentKind.KK, "1" * 64)
    new = a_new_case(papers=(kk, ktp, ktp))
    case = registry.register(new).case
    assert ledger.dossier(case.case_number) == Dossier(
        case=case, person=new.person, need=new.need, deactivated_on=new.deactivated_on, papers=(kk, ktp)
    )
    assert ledger.person(case.case_number) == new.person


def test_history_begins_with_the_registration(registry: SqlRegistry) -> None:
    """Event 1 tells the track, at the time the application came in."""
    case = registry.register(a_new_case()).case
    assert registry.history(case.case_number) == [
        CaseEvent(seq=1, kind=EventKind.CASE_REGISTERED, at=MORNING, facts={"track": "emergency"})
    ]
    assert registry.case(case.case_number) == CaseState(case=case, since=MORNING)


def test_person_with_an_open_case_gets_that_case(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """The second application makes nothing, changes nothing and uses no number."""
    first = a_new_case()
    case = registry.register(first).case
    again = registry.register(a_new_case(replace(first.person, name="Another Name"), city="3275"))
    assert (again.case, again.is_new, again.is_started) == (case, False, False)
    assert ledger.dossier(case.case_number).person == first.person
    assert registry.register(a_new_case()).case.case_number.endswith("000002")


def test_open_case_tells_whether_it_was_started(registry: SqlRegistry) -> None:
    """Intake learns from a second application that the workflow is there."""
    new = a_new_case()
    registry.mark_started(registry.register(new).case.case_number)
    assert registry.register(new).is_started


def test_person_can_apply_again_once_the_case_is_closed(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """The new case has its own number, and the details are the new ones."""
    new = a_new_case()
    first = registry.register(new).case
    ledger.record(a_closing(first))
    renewed = replace(new.person, name="Siti Rahayu Wulandari", phone="0812", birth_date=date(1990, 1, 2))
    second = registry.register(a_new_case(renewed))
    assert second.is_new
    assert second.case.case_number != first.case_number
    assert ledger.dossier(second.case.case_number).person == renewed


def test_ten_applications_of_one_person_at_once_make_one_case(engine: Engine, registry: SqlRegistry) -> None:
    """Ten threads get the same case, one of them as new, and the counter stands at one."""
    new = a_new_case()
    answers = at_once([lambda: registry.register(new)] * 10)
    assert {answer.case.case_number for answer in answers} == {"PBI-3674-2026-000001"}
    assert sum(answer.is_new for answer in answers) == 1
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(cases)).scalar_one() == 1
        assert connection.execute(select(counters.c.value)).scalars().all() == [1]


def test_fifty_people_at_once_get_numbers_without_gaps(registry: SqlRegistry) -> None:
    """No number is given twice and none is left out."""
    calls = [partial(registry.register, a_new_case()) for _ in range(50)]
    numbers = {answer.case.case_number for answer in at_once(calls)}
    assert numbers == {f"PBI-3674-2026-{sequence:06d}" for sequence in range(1, 51)}


def test_registration_that_fails_leaves_nothing(engine: Engine, registry: SqlRegistry) -> None:
    """A paper without a size spoils it all: no person stays, and the number is given to the next."""
    spoiled = replace(a_paper(), size=None)  # type: ignore[arg-type]
    with pytest.raises(BadReply):
        registry.register(a_new_case(papers=(spoiled,)))
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar_one() == 0
    assert registry.register(a_new_case()).case.case_number == "PBI-3674-2026-000001"


def test_database_itself_refuses_a_second_open_case(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry
) -> None:
    """The rule does not hang on our code alone: the partial unique index holds it."""
    new = a_new_case()
    closed = registry.register(new).case
    ledger.record(a_closing(closed))
    registry.register(new)
    reopen = update(cases).where(cases.c.case_number == closed.case_number).values(closed_at=None)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(reopen)


def test_unknown_case_has_no_dossier_and_cannot_be_started(ledger: SqlLedger, registry: SqlRegistry) -> None:
    """Both say NotFound and name the number."""
    for ask in (ledger.dossier, registry.mark_started, registry.case):
        with pytest.raises(NotFound, match="PBI-3674-2026-999999"):
            ask("PBI-3674-2026-999999")


def test_person_is_found_by_nik_whatever_the_name(registry: SqlRegistry) -> None:
    """Two people with equal names and different NIK have two cases."""
    one, other = a_person(name="Budi"), a_person(name="Budi")
    assert registry.register(a_new_case(one)).is_new
    assert registry.register(a_new_case(other)).is_new

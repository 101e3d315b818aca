"""Who did and saw what, and whose data were touched, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gateways.sql_registry import SqlRegistry
from models.audit import Access, Door, TrailAsk
from models.desk import Command, Completion
from models.errors import NotFound
from models.messages import RetryStep, Withdraw
from models.roles import MACHINE, Role
from tests.ledger.audited import COUNTER, NOON, SUPERVISOR, VERIFIER, Audited
from tests.ledger.builders import MORNING, a_new_case, a_person
from tests.vaults import a_vault

TANGSEL = frozenset({"3674"})
HOUR = timedelta(hours=1)


@pytest.fixture
def audited(engine: Engine) -> Iterator[Audited]:
    """Give a ledger in which everything happened to two cases, not sealed yet."""
    made = Audited(engine)
    made.work(2)
    made = Audited(engine)
    yield made
    made.close()


def test_everything_that_happened_to_a_case_is_told_in_order(audited: Audited) -> None:
    """With who, in which role, why, and its number in the chain once it is sealed."""
    first, second = audited.numbers
    lines = audited.trail.lines(TrailAsk(case_number=first))
    assert {line.what for line in lines} == {
        "case.registered", "step.opened", "alert sla.breach", "alert acknowledged", "command papers_added",
        "command withdraw",
        "command reopen_upload", "command withdraw refused", "refused extend", "desk show",
    }  # fmt: skip
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.case_number for line in lines} == {first}
    assert all(line.entry is None for line in lines)
    audited.seal()
    sealed = audited.trail.lines(TrailAsk(case_number=first))
    assert [line.entry is not None for line in sealed] == [True] * len(lines)
    view = next(line for line in sealed if line.what == "desk show")
    assert (view.actor, view.role, view.reason) == (VERIFIER, Role.VERIFIER, "item:1")
    assert audited.trail.lines(TrailAsk(case_number=second)) != []


def test_the_trail_is_asked_by_person_time_and_city(audited: Audited) -> None:
    """The newest of it when it is limited; what is about no case belongs to every city."""
    audited.see(audited.numbers[0], NOON, actor="tangsel-verifikator-2")
    ask = audited.trail.lines
    [line] = ask(TrailAsk(actor="tangsel-verifikator-2"))
    assert line.at == NOON
    assert [one.what for one in ask(TrailAsk(since=NOON))] == ["desk show"]
    assert len(ask(TrailAsk(until=NOON))) == len(ask(TrailAsk())) - 1
    assert [one.key for one in ask(TrailAsk(limit=1))] == [line.key]
    elsewhere = ask(TrailAsk(cities=frozenset({"3275"})))
    assert {one.what for one in elsewhere} == {
        "import 3674", "bulk retry", "event accepted", "alert watch.no_worker", "alert acknowledged",
        "case.registered", "case.closed", "privacy hold", "privacy release-hold", "privacy erase",
        "restored",
    }  # fmt: skip
    assert {one.actor for one in elsewhere} == {COUNTER, SUPERVISOR, MACHINE, "mesin-kemensos"}


def test_every_case_of_the_person_is_found(audited: Audited) -> None:
    """Those of nobody else; an unknown case is told."""
    registry, somebody = SqlRegistry(audited.engine, a_vault()), a_person()
    mine = registry.register(a_new_case(somebody)).case.case_number
    assert audited.trail.cases_of_person(mine) == [mine]
    with pytest.raises(NotFound):
        audited.trail.cases_of_person("PBI-3674-2026-999999")


def test_who_touched_whose_data_is_counted(audited: Audited) -> None:
    """By person and door, in the time that is asked for and the cities; the machine's work apart."""
    first, second = audited.numbers
    for number, minutes in ((first, 0), (first, 1), (second, 2)):
        audited.see(number, NOON + timedelta(minutes=minutes))
    audited.trail.keep(Access(NOON, SUPERVISOR, Role.SUPERVISOR, Door.BULK_FILE, "b-1", count=7))
    audited.clock = lambda: NOON + timedelta(minutes=5)
    audited.give(first, Withdraw(command_id="w-later"))
    asked = Command(second, RetryStep(command_id="r-later"), MACHINE, None, audited.clock())
    audited.book.give(Completion(asked))

    found = audited.trail.touched(NOON, NOON + HOUR, TANGSEL)
    assert [(one.actor, one.what, one.is_door, one.times, one.cases) for one in found.by] == [
        (SUPERVISOR, "bulk file", True, 1, 7),
        (VERIFIER, "desk show", True, 3, 2),
        (COUNTER, "withdraw", False, 1, 1),
    ]
    assert found.by[1].last - found.by[1].first == timedelta(minutes=2)
    assert found.cases == ((first, "emergency"), (second, "emergency"))
    assert (found.people, found.refusals, found.machine_cases) == (2, 0, 0)

    whole_day = audited.trail.touched(MORNING, NOON, TANGSEL)
    assert (whole_day.people, whole_day.refusals, whole_day.machine_cases) == (2, 2, 2)
    elsewhere = audited.trail.touched(NOON, NOON + HOUR, frozenset({"3275"}))
    assert [one.what for one in elsewhere.by] == ["bulk file"]
    assert elsewhere.cases == ()

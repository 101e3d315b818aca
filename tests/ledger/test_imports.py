"""Lists in the ledger: a row becomes a case in the same breath in which it is noted, or neither happens."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Engine, func, select

from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.dossier import NewCase, Registered
from models.errors import BadReply
from models.import_tables import import_rows, imports
from models.tables import cases, counters, people
from tests.ledger.builders import MORNING, a_clock, a_closing, a_new_case, a_paper, a_person, at_once
from tests.vaults import a_vault

KEY = "k" * 64


@pytest.fixture
def book(engine: Engine) -> SqlImports:
    """Give the lists of a ledger, one of which has been begun."""
    book = SqlImports(engine, a_vault(), a_clock())
    book.begin(a_head())
    return book


def a_head(key: str = KEY, by: str = "tangsel-loket-1") -> ImportHead:
    """Return a list."""
    return ImportHead(key=key, city="3674", file_sha256="f" * 64, rows=3, begun_by=by, begun_at=MORNING)


def numbered(news: Sequence[NewCase], first: int = 2) -> list[NewRow]:
    """Return the applications as rows of a list."""
    return [NewRow(number, new) for number, new in enumerate(news, start=first)]


def numbers(answers: Sequence[Registered]) -> list[int]:
    """Return the last digits of the case numbers."""
    return [int(answer.case.case_number[-6:]) for answer in answers]


def count(engine: Engine, table: str) -> int:
    """Return how many rows a table has."""
    with engine.begin() as connection:
        found = {"cases": cases, "people": people, "import_rows": import_rows}[table]
        return connection.execute(select(func.count()).select_from(found)).scalar_one()


def test_rows_are_registered_like_single_applications(
    engine: Engine, book: SqlImports, registry: SqlRegistry, ledger: SqlLedger
) -> None:
    """Dossier, state and history are the same, whichever door an application comes through."""
    paper, person = a_paper(), a_person()
    single = registry.register(a_new_case(papers=(paper,))).case
    [answer] = book.take(KEY, numbered([replace(a_new_case(person, papers=(paper,)), from_list=True)]))
    case = answer.case
    assert (answer.is_new, answer.is_started, case.from_list) == (True, False, True)
    known, found = ledger.dossier(single.case_number), ledger.dossier(case.case_number)
    assert replace(found, case=single, person=known.person) == known
    assert found.person == person
    assert registry.history(case.case_number) == registry.history(single.case_number)
    assert registry.case(case.case_number).model_copy(update={"case": single}) == registry.case(
        single.case_number
    )


def test_numbers_follow_the_rows_without_gaps(book: SqlImports, registry: SqlRegistry) -> None:
    """Of several cities and years at once too; a person with an open case uses none."""
    known = a_new_case()
    registry.register(known)
    news = [a_new_case(), known, a_new_case(city="3275"), a_new_case(), a_new_case(city="3275")]
    answers = book.take(KEY, numbered(news))
    assert [answer.case.case_number[4:] for answer in answers] == [
        "3674-2026-000002",
        "3674-2026-000001",
        "3275-2026-000001",
        "3674-2026-000003",
        "3275-2026-000002",
    ]
    assert [answer.is_new for answer in answers] == [True, False, True, True, True]
    assert numbers([registry.register(a_new_case())]) == [4]


def test_a_row_that_was_taken_keeps_its_case(engine: Engine, book: SqlImports, ledger: SqlLedger) -> None:
    """Also when that is over, and when the row comes among others."""
    rows = numbered([a_new_case(), a_new_case(), a_new_case()])
    first = book.take(KEY, rows[:2])
    ledger.record(a_closing(first[0].case))
    changed = NewRow(2, replace(rows[0].new, deactivated_on=MORNING.date()))
    again = book.take(KEY, [changed, *rows[1:]])
    assert numbers(again) == [1, 2, 3]
    assert [answer.is_new for answer in again] == [False, False, True]
    assert book.taken(KEY, [1, 2, 3, 4, 5]) == {2, 3, 4}
    assert (count(engine, "cases"), count(engine, "import_rows")) == (3, 3)


def test_a_person_twice_among_rows_has_one_case(book: SqlImports) -> None:
    """The first row opens it."""
    new = a_new_case()
    answers = book.take(KEY, numbered([a_new_case(), new, new, a_new_case()]))
    assert numbers(answers) == [1, 2, 2, 3]
    assert [answer.is_new for answer in answers] == [True, True, False, True]


def test_the_same_letter_does_not_open_a_second_case(book: SqlImports, ledger: SqlLedger) -> None:
    """For the same deactivation; another letter or another deactivation is another application."""
    news = [a_new_case() for _ in range(4)]
    for answer in book.take(KEY, numbered(news)):
        ledger.record(a_closing(answer.case))
    later = [
        news[0],
        replace(news[1], need=replace(news[1].need, letter_number="other")),
        replace(news[2], need=replace(news[2].need, letter_date=MORNING.date())),
        replace(news[3], deactivated_on=MORNING.date()),
    ]
    answers = book.take(KEY, numbered(later, first=100))
    assert numbers(answers) == [1, 5, 6, 7]
    assert [(answer.is_new, answer.is_started) for answer in answers] == [(False, True)] + [(True, False)] * 3
    assert numbers(book.take(KEY, numbered([news[1]], first=200))) == [5], "the open case comes first"


def test_a_single_application_may_come_again_with_its_letter(
    book: SqlImports, registry: SqlRegistry, ledger: SqlLedger
) -> None:
    """An officer at the counter knows why."""
    new = a_new_case()
    [answer] = book.take(KEY, numbered([new]))
    ledger.record(a_closing(answer.case))
    assert registry.register(new).is_new


def test_rows_that_fail_leave_nothing(engine: Engine, book: SqlImports) -> None:
    """One spoiled paper among three rows: no person, no case, no note, and the numbers are given back."""
    spoiled = replace(a_paper(), size=None)  # type: ignore[arg-type]
    news = [a_new_case(), a_new_case(papers=(spoiled,)), a_new_case()]
    with pytest.raises(BadReply):
        book.take(KEY, numbered(news))
    assert [count(engine, table) for table in ("people", "cases", "import_rows")] == [0, 0, 0]
    assert book.taken(KEY, [2, 3, 4]) == set()
    assert numbers(book.take(KEY, numbered(news[:1]))) == [1]


def test_one_list_taken_many_times_at_once_makes_each_case_once(engine: Engine, book: SqlImports) -> None:
    """Six processes with the same rows: one of them opens each case."""
    rows = numbered([a_new_case() for _ in range(60)])

    def take() -> list[Registered]:
        assert book.taken("nothing", [1]) == set(), "opens the connection"
        return book.take(KEY, rows)

    answers = at_once([take] * 6)
    assert {tuple(numbers(answer)) for answer in answers} == {tuple(range(1, 61))}
    assert sum(one.is_new for answer in answers for one in answer) == 60
    assert (count(engine, "cases"), count(engine, "import_rows")) == (60, 60)


def test_lists_with_the_same_people_do_not_block_each_other(
    engine: Engine, book: SqlImports, registry: SqlRegistry
) -> None:
    """In opposite order, single applications between: nobody waits for ever, nobody has two cases."""
    news = [a_new_case() for _ in range(30)]
    book.begin(a_head("other"))
    calls: list[Callable[[], object]] = [
        partial(book.take, KEY, numbered(news)),
        partial(book.take, "other", numbered(news[::-1])),
        *(partial(registry.register, new) for new in (news[0], news[15], news[29])),
    ]
    at_once(calls)
    assert (count(engine, "cases"), count(engine, "import_rows")) == (30, 60)
    with engine.begin() as connection:
        assert connection.execute(select(counters.c.value)).scalars().all() == [30]


def test_what_is_registered_and_not_started_is_found(
    book: SqlImports, registry: SqlRegistry, ledger: SqlLedger
) -> None:
    """By list, in the order of rows, once, and neither what is started nor what is over."""
    shared = a_new_case()
    answers = book.take(KEY, numbered([a_new_case(), shared, a_new_case(), a_new_case()]))
    book.begin(a_head("other"))
    book.take("other", numbered([a_new_case(), shared]))
    book.take(KEY, numbered([shared], first=9))
    book.mark_started([answers[0].case.case_number])
    ledger.record(a_closing(answers[3].case))
    assert book.unstarted(KEY) == [answers[1].case, answers[2].case]
    started = [answer.case.case_number for answer in answers]
    book.mark_started(started)
    assert book.unstarted(KEY) == []
    assert [case.case_number for case in book.unstarted("other")] == ["PBI-3674-2026-000005"]


def test_a_case_was_started_when_it_was_first_known_to_be(engine: Engine, book: SqlImports) -> None:
    """A second note changes nothing, and no case is no fault."""
    [answer] = book.take(KEY, numbered([a_new_case()]))
    when = select(cases.c.started_at)
    book.mark_started([answer.case.case_number])
    with engine.begin() as connection:
        first = connection.execute(when).scalar_one()
    book.mark_started([answer.case.case_number])
    book.mark_started([])
    with engine.begin() as connection:
        assert connection.execute(when).scalar_one() == first
    assert first is not None


def test_who_began_a_list_stays_and_its_end_is_the_last_one(engine: Engine, book: SqlImports) -> None:
    """The same list may be given again by somebody else."""
    book.begin(a_head(by="another"))
    book.end(KEY, 5, MORNING)
    book.end(KEY, 3, MORNING.replace(hour=2))
    with engine.begin() as connection:
        [row] = connection.execute(select(imports)).mappings().all()
    assert (row["begun_by"], row["rows"], row["rejected"]) == ("tangsel-loket-1", 3, 3)
    assert row["ended_at"] == MORNING.replace(hour=2)

"""An edited calendar reaches every open case that counts office time, once, and no other."""

import asyncio
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from structlog.testing import capture_logs

from gateways.policy_folder import PolicyFolder
from gateways.sql_calendar_marks import SqlCalendarMarks
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseRef, Track
from models.desk import Command, CommandKind, CommandResult, Completion
from models.desk_tables import commands
from models.messages import EventKind, Recount, SwitchTrack
from models.roles import Role
from runtime.recount import Recounter
from tests.ledger.builders import MORNING, a_clock, a_closing, a_new_case, a_record, an_event, at_once
from tests.vaults import a_vault

POLICIES = Path(__file__).parents[2] / "policies"
HOLIDAY = date(2026, 3, 9)
NEXT_HOLIDAY = "    { date = 2026-03-18"
LINE = f'    {{ date = {HOLIDAY}, name = "Libur contoh", kind = "national", source = "Perwal" }},\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return policies by which Tangsel's medical track counts office time, and no other does."""
    copy = shutil.copytree(POLICIES, tmp_path / "policies")
    path = copy / "kota-tangerang-selatan.toml"
    head = "[tracks.medical.sla]\n"
    path.write_text(path.read_text().replace(head, f'{head}counts = "office"\n'))
    return copy


@pytest.fixture
def recounter(engine: Engine, folder: Path) -> Recounter:
    """Return a worker's recounter that has seen the calendars as they ship."""
    made = a_recounter(engine, folder)
    assert look(made) == 0
    return made


def a_recounter(engine: Engine, folder: Path) -> Recounter:
    """Return the recounter of a worker that has just come up."""
    return Recounter(PolicyFolder(folder), SqlCalendarMarks(engine), a_clock())


def look(recounter: Recounter) -> int:
    """Let the worker look at its calendars."""
    return asyncio.run(recounter.look())


def add_holiday(folder: Path) -> None:
    """Close the offices of all cities on a Monday."""
    path = folder / "libur-2026.toml"
    path.write_text(path.read_text().replace(NEXT_HOLIDAY, LINE + NEXT_HOLIDAY))


def take_holiday_back(folder: Path) -> None:
    """Write the table as it was."""
    path = folder / "libur-2026.toml"
    path.write_text(path.read_text().replace(LINE, ""))


def an_open_case(engine: Engine, track: Track = Track.MEDICAL, *counts: str, city: str = "3674") -> CaseRef:
    """Register a case; its clock has started once for each way to count, `?` when that was not told."""
    new = replace(a_new_case(city=city), track=track)
    case = SqlRegistry(engine, a_vault(), a_clock()).register(new).case
    started = [
        an_event(seq, EventKind.SLA_STARTED).model_copy(
            update={"facts": {} if one == "?" else {"counts": one}}
        )
        for seq, one in enumerate(counts, 2)
    ]
    if started:
        SqlLedger(engine, a_vault()).record(a_record(case, *started))
    return case


def given(engine: Engine) -> list[Command]:
    """Return the commands that wait to be delivered."""
    return SqlDeskBook(engine, a_vault()).undelivered()


def asked(engine: Engine) -> list[str]:
    """Return the cases that were asked to count anew, once for each time."""
    return sorted(command.case_number for command in given(engine))


def test_an_edit_asks_the_cases_that_count_office_time(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """Also one whose clock has not started: its plan was read before the edit. Round the clock: nobody."""
    concerned = [
        an_open_case(engine, Track.MEDICAL, "office"),
        an_open_case(engine, Track.MEDICAL),
        an_open_case(engine, Track.MEDICAL, "?"),
        an_open_case(engine, Track.EMERGENCY, "office"),  # began under another policy
        an_open_case(engine, Track.EMERGENCY, "24x7", "office"),  # changed its track
    ]
    an_open_case(engine, Track.EMERGENCY, "24x7")
    an_open_case(engine, Track.EMERGENCY)
    an_open_case(engine, Track.EMERGENCY, "?")
    an_open_case(engine, Track.MEDICAL, "24x7")
    an_open_case(engine, Track.MEDICAL, "office", "24x7")
    an_open_case(engine, Track.MEDICAL, city="3275")
    over = an_open_case(engine, Track.MEDICAL, "office")
    SqlLedger(engine, a_vault()).record(a_closing(over, 9))

    add_holiday(folder)
    with capture_logs() as logs:
        assert look(recounter) == 5
    assert asked(engine) == sorted(case.case_number for case in concerned)
    told = [(one["event"], one["city"], one["cases"]) for one in logs]
    assert told == [("calendar.changed", "3275", 0), ("calendar.changed", "3674", 5)]

    assert look(recounter) == 0
    assert look(a_recounter(engine, folder)) == 0
    assert len(given(engine)) == 5


def test_the_command_is_the_machines_and_brings_the_calendar(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """It has the holidays from the day on which the case came in, and is settled like any other."""
    case = an_open_case(engine, Track.MEDICAL, "office")
    add_holiday(folder)
    look(recounter)
    command = given(engine)[0]
    assert (command.actor, command.role, command.kind) == ("machine", None, CommandKind.RECOUNT)
    assert isinstance(command.message, Recount)
    assert command.message.calendar.holidays[:2] == (HOLIDAY, date(2026, 3, 18))
    assert command.command_id.endswith(case.case_number)

    book = SqlDeskBook(engine, a_vault())
    book.settle(command.command_id, CommandResult.ACCEPTED, None, MORNING)
    settled = book.command(command.command_id)
    assert settled is not None
    assert (settled.result, given(engine)) == (CommandResult.ACCEPTED, [])


def test_a_case_that_is_changing_its_track_is_asked(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """The other track's plan may have been read before the edit; once it is there its clock tells."""
    book = SqlDeskBook(engine, a_vault())
    for number in range(2):
        case = an_open_case(engine, Track.EMERGENCY, "24x7")
        message = SwitchTrack(
            command_id=f"t-{number}", track=Track.MEDICAL, actor="sari", occurred_at=MORNING
        )
        book.give(Completion(Command(case.case_number, message, "sari", Role.SUPERVISOR, MORNING)))
    book.settle("t-0", CommandResult.ACCEPTED, None, MORNING)
    add_holiday(folder)
    assert look(recounter) == 1
    kinds = [(command.kind, command.case_number) for command in given(engine)]
    assert kinds == [(CommandKind.SWITCH_TRACK, case.case_number), (CommandKind.RECOUNT, case.case_number)]


def test_the_first_calendar_of_a_city_is_only_noted(engine: Engine, folder: Path) -> None:
    """Nobody knows what came before; the clocks count by it already."""
    an_open_case(engine, Track.MEDICAL, "office")
    assert look(a_recounter(engine, folder)) == 0
    assert given(engine) == []


def test_an_edit_while_no_worker_ran_is_noticed_when_one_comes_up(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """The mark is in the ledger."""
    an_open_case(engine, Track.MEDICAL, "office")
    add_holiday(folder)
    assert look(a_recounter(engine, folder)) == 1


def test_workers_that_notice_at_once_ask_each_case_once(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """One of them writes all the commands."""
    cases = [an_open_case(engine, Track.MEDICAL, "office") for _ in range(5)]
    workers = [a_recounter(engine, folder) for _ in range(4)]
    add_holiday(folder)
    counts = at_once([lambda worker=worker: look(worker) for worker in workers])  # type: ignore[misc]
    assert sorted(counts) == [0, 0, 0, 5]
    assert asked(engine) == [case.case_number for case in cases]


def test_workers_that_note_the_first_calendar_at_once_ask_nobody(engine: Engine, folder: Path) -> None:
    """Each finds the mark, or makes it."""
    an_open_case(engine, Track.MEDICAL, "office")
    workers = [a_recounter(engine, folder) for _ in range(4)]
    assert at_once([lambda worker=worker: look(worker) for worker in workers]) == [0] * 4  # type: ignore[misc]


def test_an_edit_that_is_taken_back_and_made_again_asks_each_time(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """A calendar that was there before is an edit too, and no command stands in another's way."""
    an_open_case(engine, Track.MEDICAL, "office")
    for edit in (add_holiday, take_holiday_back, add_holiday):
        edit(folder)
        assert look(recounter) == 1
    holidays = [HOLIDAY in message.calendar.holidays for message in messages(engine)]
    assert holidays == [True, False, True]


def messages(engine: Engine) -> list[Recount]:
    """Return what cases were asked, in the order in which they will be."""
    return [command.message for command in given(engine) if isinstance(command.message, Recount)]


def test_a_worker_with_older_policies_does_not_turn_the_edit_back(
    engine: Engine, folder: Path, recounter: Recounter, tmp_path: Path
) -> None:
    """While a new version is rolled out both are at work; they must not count against each other."""
    an_open_case(engine, Track.MEDICAL, "office")
    newer = shutil.copytree(folder, tmp_path / "newer")
    add_holiday(newer)
    rolled_out = a_recounter(engine, newer)
    assert look(rolled_out) == 1
    assert [look(one) for one in (recounter, rolled_out, recounter)] == [0, 0, 0]


def test_what_the_ledger_refuses_is_tried_again(engine: Engine, folder: Path, recounter: Recounter) -> None:
    """Mark and commands are one: without the commands the mark stays as it was."""
    case = an_open_case(engine, Track.MEDICAL, "office")
    shelf, marks = PolicyFolder(folder), SqlCalendarMarks(engine)
    plan = shelf.calendars().plan("3674", shelf.city("3674").tracks[Track.MEDICAL].sla.counts, HOLIDAY)

    def fails(clock: object) -> Recount:
        raise RuntimeError("the worker was killed")

    with pytest.raises(RuntimeError):
        marks.renew("3674", "another", MORNING, fails)
    assert given(engine) == []
    message = Recount(command_id="recount-1", calendar=plan)
    assert marks.renew("3674", "another", MORNING, lambda clock: message) == 1
    assert marks.renew("3674", "another", MORNING, lambda clock: message) is None
    assert asked(engine) == [case.case_number]


def test_a_calendar_without_working_time_is_not_taken_over(
    engine: Engine, folder: Path, recounter: Recounter
) -> None:
    """A case that counted by it would stand still; it is said once, and the next edit counts."""
    an_open_case(engine, Track.MEDICAL, "office")
    path = folder / "kalender.toml"
    text = path.read_text()
    days = (MORNING.date() + timedelta(days=day) for day in range(-2, 500))
    closed = "".join(f"{day} = []\n" for day in days)
    path.write_text(f"{text}\n[city.3674.extra_days]\n{closed}")
    with capture_logs() as logs:
        assert [look(recounter), look(recounter)] == [0, 0]
    assert [(one["event"], one["city"]) for one in logs] == [("calendar.not_taken_over", "3674")]
    path.write_text(text)
    add_holiday(folder)
    assert look(recounter) == 1


def test_calendars_that_cannot_be_read_stop_nothing(engine: Engine, folder: Path) -> None:
    """The sweep goes on, and the fault is told."""
    (folder / "kalender.toml").unlink()
    with capture_logs() as logs:
        assert look(a_recounter(engine, folder)) == 0
    assert [one["event"] for one in logs] == ["calendar.unreadable"]


def test_where_every_track_counts_round_the_clock_nobody_is_asked(engine: Engine, folder: Path) -> None:
    """Emergencies count all hours: an edit of office hours is not their business."""
    shipped = a_recounter(engine, POLICIES)
    look(shipped)
    for _ in range(3):
        an_open_case(engine, Track.MEDICAL)
    copy = shutil.copytree(POLICIES, folder.with_name("all-hours"))
    add_holiday(copy)
    assert look(a_recounter(engine, copy)) == 0
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(commands)).scalar_one() == 0

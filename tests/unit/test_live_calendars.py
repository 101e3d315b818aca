"""Calendars are read anew after an edit; a fault in one never takes the last good ones away."""

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateways.policy_folder import PolicyFolder
from models.errors import Misconfigured
from runtime.recount import digest_of

ROOT = Path(__file__).resolve().parents[2]
LONG_AGO = (10**18, 10**18)
NO_HOLIDAY = date(2026, 2, 9)
HOLIDAY = '    { date = 2026-02-09, name = "Libur contoh", kind = "national", source = "Perwal" },\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the policies that ship."""
    return shutil.copytree(ROOT / "policies", tmp_path / "policies")


def is_working_day(shelf: PolicyFolder) -> bool:
    """Tell whether Tangsel works on a day that is a holiday by the edit below."""
    return shelf.calendars().working_time("3674").is_working_day(NO_HOLIDAY)


def add_holiday(folder: Path) -> None:
    """Make 9 February 2026 a holiday."""
    path = folder / "libur-2026.toml"
    before = "    { date = 2026-02-16"
    path.write_text(path.read_text().replace(before, HOLIDAY + before))


def close_on_mondays(folder: Path) -> None:
    """Edit the hours to others of the same length in bytes, in a city after the first."""
    path = folder / "kalender.toml"
    head, tangsel = path.read_text().split("[city.3674.hours]")
    path.write_text(f"{head}[city.3674.hours]{tangsel.replace('monday   ', 'saturday ')}")


def without_2027(folder: Path) -> None:
    """Take a year away."""
    (folder / "libur-2027.toml").unlink()


def test_an_edited_holiday_counts_at_once(folder: Path) -> None:
    """Neither the process nor the folder is opened anew."""
    shelf = PolicyFolder(folder)
    assert is_working_day(shelf)
    add_holiday(folder)
    assert not is_working_day(shelf)


def test_an_edit_of_the_same_length_is_seen(folder: Path) -> None:
    """Its time tells it."""
    path = folder / "kalender.toml"
    path.write_text(path.read_text().replace("monday = [", "monday   = ["))
    os.utime(path, ns=LONG_AGO)
    shelf = PolicyFolder(folder)
    assert is_working_day(shelf)
    size = path.stat().st_size
    close_on_mondays(folder)
    assert path.stat().st_size == size
    assert not is_working_day(shelf)


def test_a_year_that_comes_or_goes_is_seen(folder: Path) -> None:
    """`calendar load` adds a file; somebody may remove one."""
    shelf = PolicyFolder(folder)
    assert shelf.calendars().last_year == 2027
    text = (folder / "libur-2027.toml").read_text()
    (folder / "libur-2028.toml").write_text(text.replace("2027", "2028"))
    assert shelf.calendars().last_year == 2028
    (folder / "libur-2028.toml").unlink()
    without_2027(folder)
    assert shelf.calendars().last_year == 2026


def test_what_was_not_edited_is_not_read_again(folder: Path) -> None:
    """A look costs no parsing."""
    shelf = PolicyFolder(folder)
    before = shelf.calendars()
    (folder / "kota-bekasi.toml").touch()
    assert shelf.calendars() is before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "kalender.toml").write_text("[city."),
        lambda folder: (folder / "kalender.toml").unlink(),
        lambda folder: (folder / "libur-2026.toml").write_text("year = 2025"),
        lambda folder: (folder / "libur-2026.toml").rename(folder / "libur-2025.toml"),
        lambda folder: folder.rename(folder.with_name("elsewhere")),
    ],
    ids=["half written", "no hours", "wrong year", "renamed", "folder away"],
)
def test_a_fault_keeps_the_last_good_calendars_and_is_logged_once(
    folder: Path, spoil: Callable[[Path], object]
) -> None:
    """Cases go on by what was right; the fault is told with its file, and what comes after it counts."""
    kept = shutil.copytree(folder, folder.with_name("kept"))
    shelf = PolicyFolder(folder)
    before = shelf.calendars()
    spoil(folder)
    with capture_logs() as logs:
        assert shelf.calendars() is before
        assert shelf.calendars() is before
    assert [(one["event"], one["log_level"]) for one in logs] == [("calendar.faulty", "warning")]
    assert "policies: " in logs[0]["what"]

    shutil.rmtree(folder, ignore_errors=True)
    kept.rename(folder)
    add_holiday(folder)
    assert not is_working_day(shelf)


def test_each_faulty_state_is_told(folder: Path) -> None:
    """Who mends one fault and makes another hears of both."""
    shelf = PolicyFolder(folder)
    shelf.calendars()
    with capture_logs() as logs:
        for text in ("[city.", "city = 1"):
            (folder / "kalender.toml").write_text(text)
            shelf.calendars()
    assert len(logs) == 2


def test_a_fault_that_leaves_no_trace_in_the_files_time_ends_too(folder: Path) -> None:
    """A file that could not be read for a while is read when it can be, though time and size are the same."""
    shelf = PolicyFolder(folder)
    shelf.calendars()
    add_holiday(folder)
    path = folder / "libur-2026.toml"
    edited = path.read_bytes()
    path.write_bytes(b"\xff" + edited[1:])
    os.utime(path, ns=LONG_AGO)
    with capture_logs():
        assert is_working_day(shelf)
    path.write_bytes(edited)
    os.utime(path, ns=LONG_AGO)
    assert not is_working_day(shelf)


def test_the_first_time_a_fault_is_refused_each_time(folder: Path) -> None:
    """There is nothing good to keep; once it is mended it is read."""
    path = folder / "kalender.toml"
    text = path.read_text()
    path.write_text("[city.")
    shelf = PolicyFolder(folder)
    for _ in range(2):
        with pytest.raises(Misconfigured, match=r"kalender\.toml is not TOML"):
            shelf.calendars()
    path.write_text(text)
    assert is_working_day(shelf)


@pytest.mark.parametrize(
    ("file", "old", "new", "is_another"),
    [
        ("kalender.toml", 'friday = ["08:00-16:00"]', 'friday = ["08:00-11:30"]', True),
        (
            "kalender.toml",
            "[city.3674.hours]",
            "[city.3674.extra_days]\n2026-03-28 = []\n[city.3674.hours]",
            True,
        ),
        ("libur-2026.toml", "date = 2026-03-18", "date = 2026-03-17", True),
        ("libur-2026.toml", "Hari Lahir Pancasila", "Pancasila", False),
        ("libur-2026.toml", "provisional = false", "provisional = true", False),
    ],
)
def test_another_calendar_is_one_that_counts_otherwise(
    folder: Path, file: str, old: str, new: str, *, is_another: bool
) -> None:
    """Hours, days with hours of their own and holidays; not their names. Cases are asked anew for that."""
    shelf, path = PolicyFolder(folder), folder / file
    before = digest_of(shelf.calendars().working_time("3674"))
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (digest_of(shelf.calendars().working_time("3674")) != before) == is_another

"""Hostile arguments for every command: a documented exit code, never a traceback, a calm terminal."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.testing import CliRunner

import cli.door
from gateways.sql_registry import SqlRegistry
from starter import app
from tests.builders import a_new_case
from tests.ledgers import a_ledger
from tests.vaults import a_vault

NIK = "3674065203859001"
HOSTILE = (
    "", "\x1b[2J\x1b[31mx", "[bold]x[/nope]", "../../etc/passwd", "/dev/zero", "/proc/self/mem", "-1", "0",
    "99999999999999999999999", "nan", "P99999999999D", "0001-01-01", "9999-12-31 23:59", "24:61",
    NIK, "x" * 20_000, "a\nb", "\u202eabc", "{}", "' OR 1=1 --", "=1+1", "PBI-3674-2026-999999", "٣٦٧٤",
)  # fmt: skip
CODES = {0, 2, 3, 4, 5}
LONG_LIVED = {"up", "down", "events serve", "desk work"}
"""They begin or end processes, or hold a dialogue."""


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Return every command with the words that name it."""
    if isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield from commands(command, (*path, name))
    elif isinstance(group, TyperCommand):
        yield path, group


EVERY = {" ".join(path): command for path, command in commands(typer.main.get_command(app))}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with an empty ledger."""
    folder = tmp_path_factory.mktemp("office")
    engine = a_ledger(folder)
    engine.dispose()
    return folder


@pytest.fixture(autouse=True)
def quiet(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command end as a call ends, in that folder, with no Temporal."""

    def leave(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(cli.door, "leave", leave)
    monkeypatch.setattr(cli.door, "configure_logging", lambda *_form: None)
    for name in [name for name in os.environ if name.startswith(("REAKTIVASI_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REAKTIVASI_LOCAL_DIR", str(office))
    monkeypatch.setenv("REAKTIVASI_ACTOR", "tangsel-supervisor")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    monkeypatch.chdir(office)


def lines(command: TyperCommand, value: str) -> Iterator[list[str]]:
    """Return command lines: the value as every argument, then as each option in turn."""
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption) and not one.is_flag]
    words = [value for one in arguments if one.required or one.nargs == -1]
    needed = [part for one in options if one.required for part in (one.opts[0], "x")]
    yield [*needed, "--", *words]
    for option in options:
        if option.name != "help":
            yield [*needed, option.opts[0], value, "--", *words]


def findings(name: str, tries: Iterable[tuple[str, list[str]]]) -> list[tuple[list[str], int, str]]:
    """Return what a command does with hostile words that none should."""
    broken = []
    for value, words in tries:
        ran = CliRunner().invoke(app, [*name.split(), *words], input="\n" * 50)
        is_told = ran.exception is None or isinstance(ran.exception, SystemExit)
        is_calm = "Traceback" not in ran.output and "\x1b[2J" not in ran.output
        repeats = value == NIK and NIK in ran.output and "Usage:" not in ran.output  # Typer's own words
        if ran.exit_code not in CODES or not is_told or not is_calm or repeats:
            broken.append((words, ran.exit_code, f"{ran.exception!r} {ran.output!r}"[:400]))
    return broken


TIMES = (
    "P3661D", "P99999999999D", "-PT48H", "PT0S", "PT1E9H", "3000", "9999-12-31", "9999-12-31T23:59:59-12:00",
    "0001-01-01", "0001-01-01T00:00:00+14:00", "1999-12-31", "99999",
)  # fmt: skip
"""Durations and times at the edges of what can be counted, and beyond."""
TIMELY = {"at", "budget", "by", "from_", "start", "to", "until", "year"}
"""Parameters that take one."""
SENSIBLE = {
    "start": "2026-02-13 15:30", "budget": "PT4H", "city": "3674", "reason": "x", "step": "document_check",
    "system": "siks_ng", "where": 'CaseHealth="stuck"', "year": "2027", "by": "PT4H", "from_": "2026-11-01",
    "number": "1", "out": "laporan.md",
}  # fmt: skip
"""What the other parameters are given, so that a command comes as far as it can."""


@pytest.fixture(scope="module")
def case(office: Path) -> str:
    """Register a case in that ledger, that nobody works."""
    engine = a_ledger(office)
    number = SqlRegistry(engine, a_vault()).register(a_new_case(datetime.now(UTC))).case.case_number
    engine.dispose()
    return number


def timely(command: TyperCommand, case: str) -> Iterator[list[str]]:
    """Return a command line for each parameter that takes a time, with its place left open."""
    for place in command.params:
        if place.name not in TIMELY:
            continue
        words = []
        for one in command.params:
            value = "{}" if one is place else {**SENSIBLE, "case": case}.get(str(one.name), "")
            if isinstance(one, TyperOption) and (one is place or one.required):
                words.append(f"{one.opts[0]}={value}")
            elif isinstance(one, TyperArgument) and one.required:
                words.append(value)
        yield words


BY_TIME = sorted(name for name, command in EVERY.items() if any(one.name in TIMELY for one in command.params))


@pytest.mark.parametrize("name", BY_TIME)
def test_no_time_breaks_a_command_that_has_a_case_to_work_on(name: str, case: str) -> None:
    """Beyond what a date can hold, below zero, none at all: told plainly, however far the command comes."""
    broken = []
    for words in timely(EVERY[name], case):
        for value in TIMES:
            line = [word.format(value) if "{}" in word else word for word in words]
            broken += findings(name, [(value, line)])
    assert broken == []


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("extend {} --by=-PT48H", "--by"),
        ("extend {} --by=PT0S", "--by"),
        ("extend {} --by=P3000D", "--by"),
        ("extend {} --by=P3661D", "--by"),
        ("extend {} --until=9999-12-31", "--until"),
        ("shorten {} --by=-PT1H", "--by"),
        ("shorten {} --until=0001-01-01", "--until"),
        ("answer {} document_check --approve --at=0001-01-01", "--at"),
    ],
)
def test_a_time_that_cannot_be_is_bad_input(line: str, field: str, case: str) -> None:
    """Exit code 2, with field, rule and fix."""
    words = [*line.format(case).split(), *([] if "answer" in line else ["--reason", "x"])]
    ran = CliRunner().invoke(app, words)
    assert (ran.exit_code, f"{field}: " in ran.stderr) == (2, True), ran.output


@pytest.mark.parametrize("stretch", ["P1Y", "P6M", "P1Y2DT3H", "+P1M", "-P1Y"])
def test_a_time_in_years_or_months_is_told_what_it_lacks(stretch: str, case: str) -> None:
    """A month has no fixed length: the rule is named, and what to write; minutes are no months."""
    for order in ("extend", "shorten"):
        ran = CliRunner().invoke(app, [order, case, f"--by={stretch}", "--reason", "x"])
        said = "--by: is in years or months, which have no fixed length (give weeks, days or hours, as P2W, "
        assert (ran.exit_code, said in ran.stderr) == (2, True), ran.output
    ran = CliRunner().invoke(app, ["extend", case, "--by=PT0M", "--reason", "x"])
    assert "is no more time" in ran.stderr


def test_the_second_in_which_a_case_came_does_not_lie_before_it(case: str) -> None:
    """A time is typed to the second, and the case is told to the second."""
    came = json.loads(CliRunner().invoke(app, ["show", case, "--json"]).stdout)["case"]["received_at"]
    for earlier, code in ((1, 2), (0, 5)):  # 5: taken, and nobody is there to say what would be
        until = datetime.fromisoformat(came).replace(microsecond=0) - timedelta(seconds=earlier)
        ran = CliRunner().invoke(app, ["shorten", case, f"--until={until.isoformat()}", "--reason", "x"])
        assert (ran.exit_code, "lies before the case" in ran.stderr) == (code, code == 2), ran.output


def test_less_time_is_not_taken_blindly(case: str) -> None:
    """Nobody can tell what would become of the due time: nothing is written, with --yes neither."""
    words = ["shorten", case, "--by=PT2H", "--reason", "x", "--yes"]
    ran = CliRunner().invoke(app, words)
    assert (ran.exit_code, "Temporal does not answer" in ran.stderr) == (5, True), ran.output
    shown = CliRunner().invoke(app, ["show", case])
    assert "not delivered" not in shown.output


def test_no_argument_breaks_a_command() -> None:
    """Two hostile values at the first place of each command, others for each."""
    turn = cycle(HOSTILE)
    for name in sorted(EVERY.keys() - LONG_LIVED):
        tries = [(value, next(lines(EVERY[name], value))) for value in (next(turn), next(turn))]
        assert findings(name, tries) == [], name


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(EVERY.keys() - LONG_LIVED))
def test_no_value_breaks_a_command_anywhere(name: str) -> None:
    """Each hostile value at each place."""
    assert findings(name, ((value, words) for value in HOSTILE for words in lines(EVERY[name], value))) == []

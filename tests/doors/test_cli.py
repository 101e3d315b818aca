"""Hostile arguments for every command: a documented exit code, never a traceback, a calm terminal."""

import os
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import NoReturn

import pytest
import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.testing import CliRunner

import cli.door
from starter import app
from tests.ledgers import a_ledger

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

"""Commands that move the due time of a case: `extend` gives time, `shorten` takes it."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.door import (
    As,
    CaseArgument,
    CommandId,
    Json,
    Reason,
    counter,
    hand,
    known_form,
    ledger_time,
    print_json,
    run,
)
from cli.saying import read_duration, read_time
from cli.screens import clock
from desk.due_time import Move
from models.messages import DueForecast, DueQuestion
from models.texts import duration
from runtime.forecast import due_if
from runtime.settings import Settings

app = typer.Typer()

_UNTIL = "The new due time, '2026-02-12 16:00' (WIB). No pause moves it."
_Until = Annotated[str | None, typer.Option("--until", help=_UNTIL)]
_UNKNOWN = "not known before the pause ends"
_NOT_DONE = "nothing was done: --yes takes the time"


@app.command(epilog='Example: starter.py extend PBI-3674-2026-000001 --by PT4H --reason "SIKS-NG mati"')
def extend(
    case: CaseArgument,
    reason: Reason,
    by: Annotated[str | None, typer.Option("--by", help="Longer by this, for example PT4H.")] = None,
    until: _Until = None,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Give a case more time. Supervisors only; what was told of the old due time stays told."""

    async def work(settings: Settings, screen: Console) -> None:
        number, move = known_form(case), _move(by, until, ledger_time(settings))
        desk = await counter(settings)
        command = desk.work.extend(hand(as_, command_id, settings), number, reason, move)
        await desk.give(command, "due time moved", screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog='Example: starter.py shorten PBI-3674-2026-000001 --by PT2H --reason "salah ketik" --yes')
def shorten(
    case: CaseArgument,
    reason: Reason,
    by: Annotated[str | None, typer.Option("--by", help="Shorter by this, for example PT2H.")] = None,
    until: _Until = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only what would be is told.")] = False,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Take time from a case: tells what would become of it, and does it with --yes. Supervisors only."""

    async def work(settings: Settings, screen: Console) -> None:
        number, giver, now = known_form(case), hand(as_, command_id, settings), ledger_time(settings)
        move = _move(by, until, now)
        desk = await counter(settings)
        desk.work.require_shortening(giver, number, reason, move)
        question = DueQuestion(by=None if move.by is None else -move.by, until=move.until)
        forecast = await due_if(await desk.namespace.client(), number, question)
        if not json_:
            _show(forecast, now, screen)
        if yes:
            command = desk.work.shorten(giver, number, reason, move)
            await desk.give(command, "due time moved", screen, as_json=json_)
        elif json_:
            told = {"is_late_at_once": _is_late(forecast.would_be, now), "result": "nothing"}
            print_json(forecast.model_dump() | told)
        else:
            screen.print(_NOT_DONE, style="yellow")

    run(work, as_json=json_)


def _move(by: str | None, until: str | None, now: datetime) -> Move:
    return Move(
        by=None if by is None else read_duration(by),
        until=None if until is None else read_time(until, "--until", now=now),
    )


def _is_late(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _show(forecast: DueForecast, now: datetime, screen: Console) -> None:
    due, would_be = forecast.due_at, forecast.would_be
    screen.print(f"due       {_UNKNOWN if due is None else f'{clock(due)} WIB'}")
    if would_be is None:
        screen.print(f"would be  {_UNKNOWN}")
    elif _is_late(would_be, now):
        late = duration(now - would_be)
        told = "it is late already" if _is_late(due, now) else "LATE AT ONCE, and the ladder is told"
        screen.print(Text(f"would be  {clock(would_be)} WIB, {late} ago: {told}", style="bold red"))
    else:
        left = duration(would_be - now)
        screen.print(Text(f"would be  {clock(would_be)} WIB, in {left}", style="bold"))

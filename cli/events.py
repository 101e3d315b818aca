"""Commands on the door for answers that outside systems push: open it, see what came in."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from cli.cutting import print_cut, say_cut
from cli.door import As, Json, hand, run
from cli.screens import clock
from models.errors import BadInput, Finding
from models.events import EventNote
from models.roles import Act
from runtime import adapters
from runtime.logging import configure_logging
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Answers that outside systems push: `serve`, `list`.")


@app.command(epilog="Example: REAKTIVASI_EVENT_SOURCES=/etc/reaktivasi/sources.toml starter.py events serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8470,
    certificate: Annotated[
        Path | None, typer.Option(help="PEM certificate; without one let a reverse proxy do TLS.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
) -> None:
    """Take signed CloudEvents at POST /events until SIGTERM; each becomes an answer in the ledger, once."""

    async def work(settings: Settings, _screen: Console) -> None:
        if (certificate is None) != (key is None):
            raise BadInput([Finding("--certificate", "and --key belong together", "give both or none")])
        from runtime.event_server import Listening, serve_events  # noqa: PLC0415 - loads the HTTP server

        configure_logging(settings.log_format)
        await serve_events(settings, Listening(host, port, certificate, key))

    run(work)


@app.command("list", epilog="Example: starter.py events list --as auditor")
def list_(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=1_000_000)] = 50,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Show which events came in and what became of them. Supervisors and auditors only."""

    async def work(settings: Settings, screen: Console) -> None:
        gate = adapters.work(adapters.office(settings)).gate
        reader = gate.officer(hand(as_, None, settings).actor, Act.READ_REFUSALS)
        notes = adapters.event_book(settings).latest(reader.cities, limit)
        if json_:
            print_cut("events", [vars(note) for note in notes], notes)
        else:
            screen.print(_screen(notes) if notes else "nothing came in for cases of your cities")
            say_cut(notes, screen)

    run(work, as_json=json_)


def _screen(notes: list[EventNote]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("WIB", "source", "result", "case", "answer", "event"):
        table.add_column(name)
    for note in notes:
        result = f"{note.result} (again)" if note.is_repeated else note.result
        event = "-" if note.digest is None else note.digest[:12]
        style = "" if note.result.is_taken else "red"
        words = (note.source or "-", result, note.case_number or "-", note.said or "-", event)
        table.add_row(clock(note.at), *words, style=style)
    return table

"""Commands on the master keys: make one, see what each wraps, turn to the newest."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.door import Json, print_json, run
from gateways import keyring
from models.wib import wib_date
from runtime import adapters, keys
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Master keys: `new`, `list`, `rotate`.")


@app.command("new", epilog="Example: starter.py keys new /etc/reaktivasi/master.key")
def keys_new(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Key file; the key is added at its end, mode 0600."),
    ] = None,
) -> None:
    """Make a master key and add it to a file, or print its line for a secrets manager."""

    async def work(_settings: Settings, screen: Console) -> None:
        key = keyring.new_key(wib_date(datetime.now(UTC)))
        if file is None:
            typer.echo(key.line, nl=False)
            return
        keyring.add_to_file(key, file)
        screen.print(
            f"{key.id} was added to {file}: keep a copy where no backup of the ledger is", markup=False
        )

    run(work)


@app.command("list", epilog="Example: starter.py keys list")
def keys_list(json_: Json = False) -> None:
    """Show the master keys that are loaded, the newest last, and how many people's keys each wraps."""

    async def work(settings: Settings, screen: Console) -> None:
        ledger, ring = adapters.ledger_engine(settings), keys.load_ring(settings)
        vault = keys.vault(settings, ledger)
        wraps = vault.wrapped_by()
        found = [
            {"id": key.id, "wraps": wraps.get(key.id, 0), "newest": key is ring.newest} for key in ring.keys
        ]
        if json_:
            print_json(found)
            return
        for key in ring.keys:
            newest = "  newest" if key is ring.newest else ""
            screen.print(f"{key.id:32} {wraps.get(key.id, 0):>8} people{newest}", markup=False)

    run(work, as_json=json_)


@app.command("rotate", epilog="Example: starter.py keys rotate --yes")
def keys_rotate(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; otherwise it is only counted.")] = False,
) -> None:
    """Wrap every person's key under the newest master key. Work goes on meanwhile; safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        ledger, newest = adapters.ledger_engine(settings), keys.load_ring(settings).newest.id
        vault = keys.vault(settings, ledger)
        left = sum(number for master, number in vault.wrapped_by().items() if master != newest)
        screen.print(f"{left} people's keys are not under {newest} yet", markup=False)
        if not yes:
            screen.print("nothing was done: repeat with --yes")
            return
        done = 0
        for number in vault.rotate():
            done += number
            screen.print(f"{done} of {max(left, done)}")
        left = sum(number for master, number in vault.wrapped_by().items() if master != newest)
        if left:  # another process with an older newest key made some meanwhile
            screen.print(f"{left} people's keys came meanwhile under another key: rotate again", markup=False)
            return
        screen.print(f"everything is under {newest}", markup=False)
        screen.print(
            "destroy an older key when `keys list` shows 0 beside it and every process knows the newest"
        )

    run(work)

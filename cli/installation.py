"""Commands on the installation: the local stack, the checks, the ledger, the search attributes."""

import asyncio
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.door import Json, print_json, run
from cli.progress import progress
from gateways.database_rights import grants
from runtime import doctor, stack
from runtime.own_ledger import require_ledger
from runtime.preparing import prepare
from runtime.processes import stop_stack
from runtime.security import examine_security
from runtime.settings import PREFIX, ROOT, Settings
from runtime.temporal import connect
from runtime.visibility import register_search_attributes

app = typer.Typer()

_READY = "ready: `starter.py submit FILE`, `starter.py list`; Ctrl-C stops everything"
_REFUSED = (
    "not ready: no case goes on. Temporal stays up, so that it can be mended; the worker is tried again by"
    " itself; Ctrl-C stops everything"
)


@app.command(epilog="Example: starter.py up --policies examples/policies")
def up(
    port: Annotated[
        int,
        typer.Option(help="Temporal's port; a free one is taken when it is not free.", min=0, max=65535),
    ] = 7233,
    ui_port: Annotated[int, typer.Option(help="The Web UI's port; likewise.", min=0, max=65535)] = 8233,
    policies: Annotated[Path, typer.Option(help="Folder of policies.", envvar=f"{PREFIX}POLICIES_DIR")] = ROOT
    / "policies",
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="People answer every step at their desks; nothing is simulated.")
    ] = False,
) -> None:
    """Start the local stack: Temporal, simulators, worker, watchdog. Ctrl-C stops it; nothing is lost."""

    async def work(settings: Settings, screen: Console) -> None:
        def say(line: str) -> None:
            screen.print(line, markup=False)

        choice = stack.StackOptions(
            port=port, ui_port=ui_port, policies_dir=policies.resolve(), by_hand=by_hand
        )
        local = stack.Stack(settings.local_dir, choice)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        is_served = await local.start(say)
        say(_READY if is_served else _REFUSED)
        watching = asyncio.create_task(local.watch(say))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((watching, stopping), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            watching.cancel()
            local.stop(say)

    run(work)


@app.command(epilog="Example: starter.py down")
def down() -> None:
    """Stop the local stack that was left up, or what a killed one left behind."""

    async def work(settings: Settings, screen: Console) -> None:
        folders = (settings.local_dir, settings.local_dir / "demo", settings.local_dir / "desk-day")
        stopped = [folder for folder in folders if stop_stack(folder)]
        screen.print(f"stopped: {', '.join(map(str, stopped))}" if stopped else "nothing was running")

    run(work)


@app.command("doctor", epilog="Example: starter.py doctor")
def doctor_(
    security: Annotated[
        bool, typer.Option("--security", help="Look at files, keys, ports, TLS instead; exit code 4.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check everything that cases need and say how to mend what is missing.

    Exit code 5 when something is missing, 4 when only stores do not belong together or Temporal is another's.
    """

    async def work(settings: Settings, screen: Console) -> int:
        if security:
            require_ledger(settings)
        checks = examine_security(settings) if security else await doctor.examine(settings)
        if json_:
            print_json([vars(check) for check in checks])
        else:
            for check in checks:
                screen.print(
                    f"{'ok  ' if check.is_ok else 'FAIL'} {check.name:18} {check.saw}",
                    style="green" if check.is_ok else "bold red",
                    markup=False,
                )
                if not check.is_ok:
                    screen.print(f"     {'':18} mend: {check.mend}", markup=False)
        return max((check.exit_code for check in checks if not check.is_ok), default=0)

    run(work, as_json=json_)


@app.command(epilog="Example: REAKTIVASI_DATABASE_URL=postgresql+psycopg://... starter.py migrate")
def migrate() -> None:
    """Bring ledger, key store and documents to this version; seal what is in the clear. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        prepare(settings, screen.print)
        screen.print("the ledger's schema is current")

    run(work)


@app.command(epilog="Example: starter.py backup /mnt/backup/office --keys /mnt/usb/keys")
def backup(
    into: Annotated[str, typer.Argument(metavar="DIR", help="Where a new folder is made for it.")],
    keys: Annotated[
        str,
        typer.Option(
            "--keys", metavar="DIR", help="Where the key store's copy goes: on another disk, a stick."
        ),
    ],
    json_: Json = False,
) -> None:
    """Copy ledger, papers and policies, and apart from them the key store; open the copy, tell what is in it.

    Both folders must be there. Works while the office does, or is down. How it is put back: docs/restore.md.
    Master keys are not in it.
    """

    async def work(settings: Settings, screen: Console) -> None:
        from runtime.backup import back_up  # noqa: PLC0415 - what no other command needs

        with progress("papers", None) as told:
            made = await asyncio.to_thread(back_up, settings, into, keys, told=told)
        if json_:
            print_json({"folder": made.folder, "keys": made.keys} | asdict(made.manifest))
            return
        it = made.manifest
        screen.print(Text(f"{made.folder}", style="bold"), soft_wrap=True)
        screen.print(f"  {it.cases} case(s), {it.open_cases} open, {it.people} people, {it.files} file(s)")
        screen.print(
            f"  ledger {it.ledger}, generation {it.generation}, chain entry {it.entries} {it.head[:16]}"
        )
        if it.files_missing:
            screen.print(f"  WARN {it.files_missing} file(s) that the ledger names are gone", style="yellow")
        screen.print(Text(f"{made.keys}", style="bold"), soft_wrap=True)
        screen.print("  keys of people: keep it apart, and destroy it within days (erased people are in it)")

    run(work, as_json=json_)


@app.command("database-rights", epilog="Example: starter.py database-rights --role engine | psql -d ledger")
def database_rights(
    role: Annotated[str, typer.Option("--role", help="The role under which workers and commands connect.")],
) -> None:
    """Print the SQL that gives a PostgreSQL role the least it needs; its owner runs it after each migrate."""

    async def work(_settings: Settings, _screen: Console) -> None:
        typer.echo("\n".join(grants(role)))

    run(work)


@app.command("search-attributes", epilog="Example: TEMPORAL_PROFILE=prod starter.py search-attributes")
def search_attributes_() -> None:
    """Register the search attributes that supervisors filter by. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        added = await register_search_attributes(await connect(settings))
        names = ", ".join(column.declaration for column in added)
        screen.print(f"added: {names}" if added else "all there")

    run(work)

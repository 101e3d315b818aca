"""Commands on versions of the workers: `show`, `promote`. How a release goes: docs/changing-a-workflow.md."""

from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.client import Client

from cli.door import Json, print_json, run
from models.errors import BadInput, Finding, NotFound, WrongState
from runtime import adapters
from runtime.deployment import ALL, Deployment, Deployments
from runtime.namespace import OwnNamespace
from runtime.settings import PREFIX, Settings
from runtime.visibility import pollers

app = typer.Typer(no_args_is_help=True, help="Versions of the workers, and who goes to which.")


@app.command(epilog="Example: starter.py deployment show")
def show(json_: Json = False) -> None:
    """Show the versions of which workers have come, and which of them cases go to."""

    async def work(settings: Settings, screen: Console) -> None:
        deployments = Deployments(await _own(settings), _name(settings))
        _print(await deployments.look(), screen, as_json=json_)

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py deployment promote 0.2.0 --go")
def promote(
    build_id: Annotated[str, typer.Argument(metavar="BUILD_ID", help="The version, as `show` lists it.")],
    ramp: Annotated[
        float, typer.Option(min=0, max=ALL, metavar="PERCENT", help="So many of the cases only, old and new.")
    ] = ALL,
    go: Annotated[bool, typer.Option("--go", help="Do it; otherwise only say what would be done.")] = False,
    json_: Json = False,
) -> None:
    """Send cases to a version: new ones, and each open one with its next step. Also the way back."""

    async def work(settings: Settings, screen: Console) -> None:
        client, name = await _own(settings), _name(settings)
        deployments = Deployments(client, name)
        seen = await deployments.look()
        if build_id not in {one.build_id for one in seen.versions}:
            raise NotFound(f"{seen.name} has no version {build_id!r}: start a worker of it first")
        if not await pollers(client, settings, build_id=build_id):
            raise WrongState(f"no worker of {build_id} asks for work now: cases would wait")
        if go:
            await deployments.promote(seen, build_id, ramp)
            seen = await deployments.look()
        elif not json_:
            words = f"would send {ramp:g} % of the cases to {build_id}; with --go it is done. Now:"
            screen.print(Text(words, style="bold"))
        _print(seen, screen, as_json=json_)

    run(work, as_json=json_)


async def _own(settings: Settings) -> Client:
    return await OwnNamespace.of(settings, adapters.lineage(settings)).client()


def _name(settings: Settings) -> str:
    if settings.deployment is None:
        fix = "set it to the name that the workers have"
        raise BadInput([Finding(f"{PREFIX}DEPLOYMENT", "is not set", fix)])
    return settings.deployment


def _print(seen: Deployment, screen: Console, *, as_json: bool) -> None:
    if as_json:
        versions = [vars(one) for one in seen.versions]
        print_json({"deployment": seen.name, "current": seen.current, "versions": versions})
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("version", "status", "cases"):
        table.add_column(column)
    for one in seen.versions:
        table.add_row(*map(Text, (one.build_id, one.status, f"{one.share:g} %" if one.share else "")))
    screen.print(table)
    if seen.current is None:
        screen.print(Text(f"no current version: workers of {seen.name} get no case", style="bold red"))

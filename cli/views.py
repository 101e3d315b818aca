"""The list filters that a supervisor saves once in the Web UI, as addresses with the times filled in."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.door import Json, ledger_time, print_json, run
from models.views import UNASSIGNED, View, views_at
from runtime import adapters
from runtime.settings import Settings
from runtime.web_ui import WebUi

app = typer.Typer()


@app.command(epilog="Example: starter.py views --city 3674")
def views(
    city: Annotated[
        str | None, typer.Option(metavar="CODE", help="One city, for example 3674; all unless given.")
    ] = None,
    json_: Json = False,
) -> None:
    """Print the saved views of the Web UI: opening an address saves the view in that browser."""

    async def work(settings: Settings, screen: Console) -> None:
        shelf, ui = adapters.office(settings).shelf, WebUi.of(settings)
        codes = [shelf.city(city).code] if city is not None else [one.code for one in shelf.cities()]
        # The prefix of a kecamatan's code is its city's: `36.74.06` lies in `3674`.
        regions = shelf.regions().kecamatan
        places = [one.name for code, one in regions.items() if code[:5].replace(".", "") in codes]
        found = views_at(ledger_time(settings), city, places)
        if json_:
            told = [vars(view) | {"web_ui": _address(ui, view)} for view in found]
            print_json({"views": told, "unassigned": UNASSIGNED})
            return
        for view in found:
            screen.print(Text(view.name, style="bold"))
            screen.print(Text(f"   {view.query}"), soft_wrap=True)
            if address := _address(ui, view):
                screen.print(Text(f"   {address}", style="cyan"), soft_wrap=True)
        screen.print(Text("Belum diambil", style="bold"))
        screen.print(Text(f"   {UNASSIGNED} (whose work it is stands in the ledger, not in Temporal)"))

        if ui is None:
            screen.print("no Web UI is named: REAKTIVASI_WEB_UI adds the addresses", style="yellow")

    run(work, as_json=json_)


def _address(ui: WebUi | None, view: View) -> str | None:
    return None if ui is None else ui.list(view.query, save_as=view.name)

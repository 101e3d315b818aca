"""Commands on alerts: which are there, take charge of one, who was told. Never an address."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.door import As, CaseArgument, Json, counter, hand, known_form, print_json, run
from cli.screens import clock
from models.alert_texts import late_words
from models.errors import BadInput, Finding
from models.outbox import AlertEntry, AlertState, DeliveryEntry, DeliveryState
from models.roles import Act
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Alerts: `list`, `ack`, `deliveries`.")

_SPAN = re.compile(r"([1-9]\d{0,4})([mh])")


@app.command("list", epilog="Example: starter.py alerts list --city 3674 --unacknowledged-over 30m")
def alerts_list(
    city: Annotated[
        str | None, typer.Option(metavar="CODE", help="One city, for example 3674; all unless given.")
    ] = None,
    state: Annotated[AlertState | None, typer.Option(help="Only alerts in this state.")] = None,
    unacknowledged_over: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Open for longer than this: 30m, 2h.")
    ] = None,
    json_: Json = False,
) -> None:
    """List alerts, the newest first."""

    async def work(settings: Settings, screen: Console) -> None:
        open_since = None if unacknowledged_over is None else datetime.now(UTC) - _span(unacknowledged_over)
        book = adapters.office(settings).alerts
        entries = book.entries(city=city, state=state, open_since=open_since)
        if json_:
            print_json([_entry_data(entry) for entry in entries])
        else:
            screen.print(_entries_screen(entries) if entries else "no alerts")

    run(work, as_json=json_)


@app.command("ack", epilog="Example: starter.py alerts ack PBI-3674-2026-000123 --as tangsel-supervisor")
def ack(
    what: Annotated[str, typer.Argument(metavar="CASE|KEY", help="A case, or the key of one alert.")],
    as_: As = None,
    json_: Json = False,
) -> None:
    """Take care of a case: its alerts are not repeated, and nobody higher is told. The clock goes on."""

    async def work(settings: Settings, screen: Console) -> None:
        number = known_form(what.split(":", 1)[0])
        key = what if ":" in what else None
        office = adapters.office(settings)
        case = office.registry.case(number).case
        desk = await counter(settings)
        officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.ACK, case)
        taken = office.alerts.acknowledge(number, key, officer.id, datetime.now(UTC))
        if json_:
            print_json({"case_number": number, "acknowledged": [alert.key for alert in taken]})
        else:
            screen.print(f"{number}: {len(taken)} alert(s) acknowledged by {officer.id}", style="bold")
        if key is None and office.registry.case(number).outcome is None:
            command = desk.work.acknowledge(hand(as_, None, settings), number)
            await desk.delivery.deliver(command)  # when nobody answers, a worker delivers it later

    run(work, as_json=json_)


@app.command("deliveries", epilog="Example: starter.py alerts deliveries PBI-3674-2026-000123")
def deliveries(case: CaseArgument, json_: Json = False) -> None:
    """Show who was told what of a case, and what could not be sent."""

    async def work(settings: Settings, screen: Console) -> None:
        entries = adapters.office(settings).alerts.deliveries(known_form(case))
        if json_:
            print_json([vars(entry) for entry in entries])
        else:
            screen.print(_deliveries_screen(entries) if entries else "nobody was told anything")

    run(work, as_json=json_)


def _span(words: str) -> timedelta:
    """Return a span as typed. Raises BadInput."""
    found = _SPAN.fullmatch(words)
    if found is None:
        raise BadInput([Finding("--unacknowledged-over", "is not a span", "type 30m, or 2h")])
    number, unit = int(found[1]), found[2]
    return timedelta(minutes=number) if unit == "m" else timedelta(hours=number)


def _entry_data(entry: AlertEntry) -> dict[str, object]:
    state = {name: value for name, value in vars(entry).items() if name != "alert"}
    return {**entry.alert.model_dump(mode="json"), "city": entry.alert.city, **state}


def _entries_screen(entries: list[AlertEntry]) -> Table:
    rows = []
    for entry in entries:
        alert = entry.alert
        late = late_words(alert.late_by) if alert.late_by else ""
        facts = (clock(alert.raised_at), alert.kind.value, str(alert.level), alert.step.value, late)
        rows.append((*facts, entry.state.value, entry.acknowledged_by or "", alert.key))
    return _table(("WIB", "alert", "level", "step", "late", "state", "by", "key"), rows)


def _deliveries_screen(entries: list[DeliveryEntry]) -> Table:
    rows = []
    for entry in entries:
        sent = clock(entry.sent_at) if entry.sent_at else ""
        following = clock(entry.next_at) if entry.state is DeliveryState.PENDING else ""
        facts = (entry.recipient, str(entry.number), entry.state.value, str(entry.attempts))
        rows.append((*facts, sent, following, entry.trouble or "", entry.alert_key))
    return _table(("to", "no", "state", "tries", "sent (WIB)", "next (WIB)", "trouble", "alert"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text: a key that holds `:100:` is no emoji
    return table

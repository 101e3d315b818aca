"""Commands on alerts: which are there, take charge of one, who was told. Never an address."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.cutting import print_cut, say_cut
from cli.door import As, Json, counter, hand, known_form, ledger_time, print_json, run
from cli.known_people import has_left, known_people, say_if_unknown
from cli.screens import clock, silence_line
from models.alert_texts import late_words
from models.case import CASE_NUMBER_PATTERN
from models.errors import BadInput, Finding
from models.outbox import AlertEntry, AlertState, DeliveryEntry, DeliveryState
from models.roles import Act, People
from runtime import adapters
from runtime.settings import Settings
from workflows import options

app = typer.Typer(no_args_is_help=True, help="Alerts: `list`, `ack`, `deliveries`.")

What = Annotated[str, typer.Argument(metavar="CASE|KEY", help="A case, or the key of one alert.")]

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
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the newest.")] = 200,
    json_: Json = False,
) -> None:
    """List alerts, the newest first."""

    async def work(settings: Settings, screen: Console) -> None:
        open_since = (
            None if unacknowledged_over is None else ledger_time(settings) - _span(unacknowledged_over)
        )
        book = adapters.office(settings).alerts
        entries = book.entries(city=city, state=state, open_since=open_since, limit=limit)
        if json_:
            print_cut("alerts", [_entry_data(entry) for entry in entries], entries)
        else:
            people = known_people(adapters.office(settings).shelf)
            screen.print(_entries_screen(entries, people) if entries else "no alert matches")
            say_cut(entries, screen)
            if silence := book.silence(ledger_time(settings) - options.WATCH_SENT_AFTER):
                screen.print(silence_line(silence))
            say_if_unknown(people, screen)

    run(work, as_json=json_)


@app.command("ack", epilog="Example: starter.py alerts ack PBI-3674-2026-000123 --as tangsel-supervisor")
def ack(
    what: What,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Take care of a case: its alerts are not repeated, and nobody higher is told. The clock goes on."""

    async def work(settings: Settings, screen: Console) -> None:
        office, desk, now = adapters.office(settings), await counter(settings), ledger_time(settings)
        number, key = _case_of(what), what if ":" in what else None
        if number is None:
            city = office.alerts.of_city(what).city
            officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.ACK, city=city)
            taken = office.alerts.acknowledge_of_city(what, officer.id, now)
        else:
            case = office.registry.case(number).case
            officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.ACK, case)
            taken = office.alerts.acknowledge(number, key, officer.id, now)
        if json_:
            print_json({"case_number": number, "acknowledged": [alert.key for alert in taken]})
        else:
            said = f"{number or what}: {len(taken)} alert(s) acknowledged by {officer.id}"
            screen.print(Text(said, style="bold"))
        if number is not None and key is None and office.registry.case(number).outcome is None:
            command = desk.work.acknowledge(hand(as_, None, settings), number)
            await desk.delivery.deliver(command)  # when nobody answers, a worker delivers it later

    run(work, as_json=json_)


@app.command("deliveries", epilog="Example: starter.py alerts deliveries PBI-3674-2026-000123")
def deliveries(what: What, json_: Json = False) -> None:
    """Show who was told what of a case, and what could not be sent."""

    async def work(settings: Settings, screen: Console) -> None:
        book = adapters.office(settings).alerts
        entries = book.deliveries_of(what) if ":" in what else book.deliveries(known_form(what))
        if not entries and ":" in what:
            book.of_key(what)
        if json_:
            print_json([vars(entry) for entry in entries])
        else:
            screen.print(_deliveries_screen(entries) if entries else "nobody was told anything")

    run(work, as_json=json_)


def _case_of(what: str) -> str | None:
    """Return the case that is meant, also by the key of an alert; None when that is about a city.

    Raises BadInput.
    """
    first, *rest = what.split(":", 1)
    return None if rest and re.fullmatch(CASE_NUMBER_PATTERN, first) is None else known_form(first)


def _span(words: str) -> timedelta:
    """Return a span as typed. Raises BadInput."""
    found = _SPAN.fullmatch(words)
    if found is None:
        raise BadInput([Finding("--unacknowledged-over", "is not a span", "type 30m, or 2h")])
    number, unit = int(found[1]), found[2]
    return timedelta(minutes=number) if unit == "m" else timedelta(hours=number)


def _entry_data(entry: AlertEntry) -> dict[str, object]:
    state = {name: value for name, value in vars(entry).items() if name != "alert"}
    return {**entry.alert.model_dump(mode="json"), **state}


def _entries_screen(entries: list[AlertEntry], people: People | None) -> Table:
    rows = []
    for entry in entries:
        alert = entry.alert
        late = late_words(alert.late_by) if alert.late_by else ""
        step = "" if alert.step is None else alert.step.value
        facts = (clock(alert.raised_at), alert.kind.value, str(alert.level), step, late)
        by = entry.acknowledged_by or ""
        by += " (left)" * has_left(entry.acknowledged_by, people)
        rows.append((*facts, entry.state.value, by, alert.key))
    return _table(("WIB", "alert", "level", "step", "late", "state", "by", "key"), rows)


def _deliveries_screen(entries: list[DeliveryEntry]) -> Table:
    rows = []
    for entry in entries:
        sent = clock(entry.sent_at) if entry.sent_at else ""
        following = clock(entry.next_at) if entry.state is DeliveryState.PENDING else ""
        number = f"{entry.number}" if entry.climb == 0 else f"{entry.number} climb {entry.climb}"
        facts = (entry.recipient, number, entry.state.value, str(entry.attempts))
        rows.append((*facts, sent, following, entry.trouble or "", entry.alert_key))
    return _table(("to", "no", "state", "tries", "sent (WIB)", "next (WIB)", "trouble", "alert"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as text: a key that holds `:100:` is no emoji
    return table

"""Commands on cases that do not move: which are stuck and why, and why one case stands where it does."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.door import CaseArgument, Json, known_form, ledger_time, print_json, run, say_held
from cli.known_people import has_left, known_people, say_if_unknown
from cli.screens import clock
from models.case import CaseHealth, city_of
from models.case_words import CaseWords
from models.desk import Gone
from models.errors import LaterLife, NoTemporal
from models.holding import looked_at
from models.outbox import AlertState
from models.reasons import Reasons
from models.standstill import judged
from models.stuck_groups import CODE_FAILS, EXAMPLES, RUNNING, StuckGroup, groups_of
from models.texts import GONE, HEALTH, ITEM, STEP, duration, hand_words, trouble_words
from models.why import Glance, Why
from models.wib import wib_date
from runtime import adapters
from runtime.comparing import Comparison
from runtime.glance import compared, failing, glance
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from runtime.web_ui import WebUi

app = typer.Typer()

_NONE_NAMED: Final = "no Temporal is named"


@app.command(epilog="Example: starter.py stuck --city 3674")
def stuck(
    city: Annotated[
        str | None, typer.Option(metavar="CODE", help="One city, for example 3674; all unless given.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show which cases are stuck or parked, why, and what to type: for each reason a filter of the Web UI."""

    async def work(settings: Settings, screen: Console) -> None:
        office, now, ui = adapters.office(settings), ledger_time(settings), WebUi.of(settings)
        say_held(office)
        shelf = office.shelf
        served = shelf.cities() if city is None else [shelf.city(city)]
        rules = {one.code: one.stuck for one in served}
        groups = groups_of(adapters.standstills(settings).unwell(rules, now), rules, now)
        fails, silent = await _failing(OwnNamespace.of(settings, office.lineage), rules)
        addresses = [_address(ui, group.where) for group in groups]
        unreadable = adapters.recovering(settings).book.unreadable()
        unreadable = [one for one in unreadable if city_of(one) in rules]
        if json_:
            told = [
                vars(group) | {"fix": group.fix, "web_ui": address}
                for group, address in zip(groups, addresses, strict=True)
            ]
            code_fails = None if fails is None else sorted(fails)
            print_json(
                {
                    "groups": told,
                    "code_fails": code_fails,
                    "unreadable": unreadable,
                    "temporal_is_named": silent != _NONE_NAMED,
                }
            )
            return
        reasons = shelf.reasons()
        for group, address in zip(groups, addresses, strict=True):
            _print(screen, _group_lines(group, reasons, now, address))
        if fails:
            head = f"{len(fails)}  Macet: kesalahan program (workflow task)"
            lines = [(head, "bold red"), (_named(fails), "")]
            _print(screen, [*lines, *_link(_address(ui, CODE_FAILS))])
        if unreadable:
            head = f"{len(unreadable)}  Macet: {trouble_words('KeyLost', reasons)} (KeyLost)"
            fix = f"   starter.py why {unreadable[0]}"
            _print(screen, [(head, "bold red"), (_named(unreadable), ""), (fix, "bold")])
        if not groups and not fails and not unreadable:
            screen.print(f"no case is stuck or parked{' by the ledger' if fails is None else ''}")
        if silent is not None:
            screen.print(f"{silent}: cases whose code fails are not in this list", style="yellow")

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py why PBI-3674-2026-000123")
def why(case: CaseArgument, json_: Json = False) -> None:
    """Say whom a case waits for since when, what went wrong last, and what to type next."""

    async def work(settings: Settings, screen: Console) -> None:
        office, number, now = adapters.office(settings), known_form(case), ledger_time(settings)
        say_held(office)
        told, people = office.registry.case(number), known_people(office.shelf)
        alerts, erased_at = (
            office.alerts.entries(case_number=number, limit=1),
            office.erasures.erased([number]).get(number),
        )
        namespace = OwnNamespace.of(settings, office.lineage)
        recovery = adapters.recovering(settings).book
        comparison = Comparison(recovery, namespace, office.clock)
        rule = office.shelf.city(told.case.city).stuck.rule_of(told.case.track)
        found = Why(
            state=told if told.outcome else judged(told, rule, now),
            items=looked_at(office.book.items(case_number=number), people, wib_date(now)),
            undelivered=len(office.book.undelivered(number)),
            alert=alerts[0] if alerts else None,
            glance=await compared(await glance(namespace, told.case), told.case, comparison),
            is_begun=office.registry.is_started(number),
            now=now,
            words=replace(CaseWords.of(told, office.registry.history(number), now), tells_rest=True),
            held=office.lineage.lineage().held,
            is_unreadable=number in recovery.unreadable(),
            in_charge_left=bool(alerts) and has_left(alerts[0].acknowledged_by, people),
        )
        if json_:
            print_json(_why_data(found) | {"erased_at": erased_at, "knows_people": people is not None})
        else:
            screen.print(_why_screen(found, office.shelf.reasons()))
            if erased_at is not None:
                screen.print(f"person  erased on {clock(erased_at)} WIB")
            say_if_unknown(people, screen)

    run(work, as_json=json_)


async def _failing(
    namespace: OwnNamespace, cities: Collection[str]
) -> tuple[Collection[str] | None, str | None]:
    """Return the cases whose code fails, or None and the words that say why it is not known."""
    try:
        found = await failing(namespace, cities)
    except NoTemporal:
        return None, _NONE_NAMED
    except LaterLife:
        return None, "Temporal serves a later life of this ledger"
    return found, "Temporal does not answer" if found is None else None


def _named(numbers: Collection[str]) -> str:
    """Return the line that names some of these cases."""
    more = f" +{len(numbers) - EXAMPLES}" if len(numbers) > EXAMPLES else ""
    return f"   {', '.join(sorted(numbers)[:EXAMPLES])}{more}"


def _address(ui: WebUi | None, where: str) -> str | None:
    return None if ui is None else ui.list(f"{RUNNING} AND {where}")


def _link(address: str | None) -> Iterator[tuple[str, str]]:
    """Yield the line of an address, if there is one to go to."""
    if address is not None:
        yield f"   {address}", ""


def _group_lines(
    group: StuckGroup, reasons: Reasons, now: datetime, address: str | None
) -> Iterator[tuple[str, str]]:
    style = "bold cyan" if group.health is CaseHealth.PARKED else "bold red"
    head = f"{group.count}  {HEALTH[group.health]}: {trouble_words(group.trouble, reasons)} ({group.trouble})"
    yield f"{head}, {STEP[group.step]}, {group.city}", style
    yield f"   tertua {duration(now - group.oldest)}, sejak {clock(group.oldest)} WIB", ""
    more = f" +{group.count - len(group.examples)}" if group.count > len(group.examples) else ""
    yield f"   {', '.join(group.examples)}{more}", ""
    if not group.is_marked:
        yield "   belum ditandai di Web UI: kasus lama, atau tidak ada worker", "yellow"
    yield f"   {group.fix}", "bold"
    yield from _link(address)


def _print(screen: Console, lines: Sequence[tuple[str, str]] | Iterator[tuple[str, str]]) -> None:
    """Print lines that a terminal may wrap but never cuts: an address must stay whole."""
    for words, style in lines:
        screen.print(Text(words, style=style), soft_wrap=True)
    screen.print()


def _why_screen(found: Why, reasons: Reasons) -> RenderableType:
    state = found.state
    head = Text(f"{state.case.case_number}  {STEP[state.step]} (percobaan {state.attempt})", style="bold")
    facts = Table.grid(padding=(0, 2))
    for label, words, style in _facts(found, reasons):
        facts.add_row(label, Text(words, style=style))
    for label, command in zip(("next", *[""] * 9), found.next, strict=False):
        facts.add_row(label, Text(command, style="bold"))
    return Group(head, facts)


def _facts(found: Why, reasons: Reasons) -> Iterator[tuple[str, str, str]]:
    state, now = found.state, found.now
    if state.outcome is not None:
        yield "over", f"{state.outcome}, {clock(state.closed_at or now)} WIB", ""
        return
    waited = duration(now - state.since)
    yield "waiting on", f"{found.words.waiting} ({waited})", ""
    yield "due", found.words.due, _due_style(found)
    if state.health is not CaseHealth.OK:
        yield "health", f"{HEALTH[state.health]}: {trouble_words(state.trouble or '-', reasons)}", "bold red"
    if found.error is not None:
        yield "last error", f"{trouble_words(found.error, reasons)} ({found.error})", "red"
    yield from _people(found)
    yield from _temporal(found)


def _people(found: Why) -> Iterator[tuple[str, str, str]]:
    for item in found.items:
        what = f"item {item.id}: {STEP[item.step]}, {ITEM[item.kind]} ({item.role}, {hand_words(item)})"
        yield "desk", what, "bold red" if item.gone else ""
    if found.undelivered:
        yield "not delivered", f"{found.undelivered} perintah belum sampai ke kasus", "yellow"
    if found.alert is not None:
        alert, by = found.alert.alert, found.alert.acknowledged_by
        left = f", yang {GONE[Gone.LEFT]}" if found.in_charge_left else ""
        charge = f"ditangani {by}{left}" if by else "belum ditangani"
        charge = "ditutup" if found.alert.state is AlertState.CLOSED else charge
        yield "last alert", f"{alert.kind}, {clock(alert.raised_at)} WIB, {charge}", ""


def _temporal(found: Why) -> Iterator[tuple[str, str, str]]:
    for one in found.glance.pending:
        then = "sedang berjalan" if one.next_at is None else f"dicoba lagi {clock(one.next_at)} WIB"
        yield "temporal", f"{one.name}: percobaan {one.attempt}, {then}", ""
    if not found.glance.answers:
        yield "temporal", *_unanswered(found.glance)
    elif found.glance.is_anothers:
        yield "temporal", "menjalankan kasus lain di bawah nomor ini", "bold red"
    elif not found.glance.is_running and found.is_begun:
        yield "temporal", "tidak menjalankan kasus ini", "bold red"
    elif not found.glance.is_running:
        yield "temporal", "belum dimulai: worker memulainya", "yellow"
    elif not found.glance.workers:
        yield "temporal", "tidak ada worker: ini dari buku besar", "yellow"
    elif found.glance.tells_else:
        yield "temporal", "bercerita lain daripada buku besar", "bold red"
    elif found.code_fails:
        yield "temporal", f"workflow task gagal, percobaan {found.glance.task_attempts}", "bold red"


def _unanswered(glance: Glance) -> tuple[str, str]:
    """Return why Temporal says nothing of a case, and the style of these words."""
    if not glance.is_named:
        return f"{_NONE_NAMED}: ini dari buku besar", "yellow"
    if glance.serves_later:
        return "melayani buku besar yang lebih baru: ini dari salinan lama", "bold red"
    return "tidak menjawab: ini dari buku besar", "yellow"


def _due_style(found: Why) -> str:
    if found.state.due_at is None:
        return "yellow"
    return "bold red" if found.words.is_past_due else ""


def _why_data(found: Why) -> dict[str, object]:
    return {
        "state": found.state.model_dump(mode="json"),
        "error": found.error,
        "desk_items": [item.id for item in found.items],
        "gone": {item.id: item.gone for item in found.items if item.gone is not None},
        "undelivered": found.undelivered,
        "alert": None if found.alert is None else found.alert.alert.key,
        "acknowledged_by": None if found.alert is None else found.alert.acknowledged_by,
        "in_charge_left": found.in_charge_left,
        "temporal_is_named": found.glance.is_named,
        "temporal_answers": found.glance.answers,
        "is_running": found.glance.is_running if found.glance.answers else None,
        "tells_else": found.glance.tells_else if found.glance.answers else None,
        "is_unreadable": found.is_unreadable,
        "numbers_held": None if found.held is None else found.held.because,
        "workers": found.glance.workers if found.glance.answers else None,
        "is_begun": found.words.is_begun,
        "is_past_due": found.words.is_past_due,
        "pending": [vars(one) for one in found.glance.pending],
        "next": list(found.next),
    }

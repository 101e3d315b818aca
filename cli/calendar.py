"""Commands on the calendars: look at them, load a year of holidays, compute a due time to check one."""

from datetime import datetime
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.door import Json, print_json, run
from cli.saying import read_time
from gateways.holiday_source import Loaded, load_year
from gateways.policy_folder import PolicyFolder
from models.calendar import AllHours, Budget, DayHours
from models.calendar_policy import CityCalendar, Holiday, HolidayKind, HolidayYear
from models.errors import BadInput, Finding, NotFound
from models.policy import CityPolicy
from models.texts import duration
from models.wib import WIB
from runtime.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Office hours and holidays, as SLA clocks count: `show`, `load`, `due`."
)

_DAYS: Final = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_KINDS: Final = {
    HolidayKind.NATIONAL: "libur nasional",
    HolidayKind.CUTI_BERSAMA: "cuti bersama",
    HolidayKind.CANCELLED: "batal: bukan libur",
}
_FIRST_YEAR, _LAST_YEAR = 2024, 2100

City = Annotated[str, typer.Option("--city", metavar="CODE", help="City code, for example 3674.")]
Year = Annotated[int, typer.Argument(min=_FIRST_YEAR, max=_LAST_YEAR, help="For example 2027.")]


@app.command(epilog="Example: starter.py calendar show --city 3674 --year 2026")
def show(
    city: Annotated[
        str | None, typer.Option("--city", metavar="CODE", help="One city; all cities unless given.")
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=_FIRST_YEAR, max=_LAST_YEAR, help="This year unless given.")
    ] = None,
    json_: Json = False,
) -> None:
    """Show office hours and the holidays of a year."""

    async def work(settings: Settings, screen: Console) -> None:
        shelf = PolicyFolder(settings.policies_dir)
        calendars = shelf.calendars()
        asked = datetime.now(WIB).year if year is None else year
        table = calendars.year(asked)
        if table is None:
            raise NotFound(
                f"the holidays of {asked} are not loaded; loaded are {calendars.first_year} to "
                f"{calendars.last_year} (`starter.py calendar load {asked}`)"
            )
        cities = [shelf.city(city)] if city is not None else shelf.cities()
        shown = [(one, calendars.city[one.code]) for one in cities]
        if json_:
            hours = {one.code: calendar.model_dump(mode="json") for one, calendar in shown}
            print_json({"holidays": table.model_dump(mode="json"), "city": hours})
        else:
            screen.print(_year_screen(table, shown))

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py calendar load 2027 --dry-run")
def load(
    year: Year,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
) -> None:
    """Add the holidays that the library knows to libur-YEAR.toml. What is in the table stays as it is."""

    async def work(settings: Settings, screen: Console) -> None:
        loaded = load_year(settings.policies_dir, year, is_dry_run=dry_run)
        for line in _told(loaded, is_dry_run=dry_run):
            screen.print(line, markup=False)

    run(work)


@app.command(epilog="Example: starter.py calendar due '2026-02-13 15:30' PT4H --city 3674")
def due(
    start: Annotated[
        str, typer.Argument(metavar="START", help="When the clock starts, in WIB: 'yyyy-mm-dd hh:mm'.")
    ],
    budget: Annotated[str, typer.Argument(metavar="BUDGET", help="For example PT4H, or '3 hari kerja'.")],
    city: City,
    json_: Json = False,
) -> None:
    """Compute when a budget is used up: in the city's working time, and 24x7 beside it."""

    async def work(settings: Settings, screen: Console) -> None:
        begun, asked = _read(start, budget, datetime.now(WIB))
        shelf = PolicyFolder(settings.policies_dir)
        calendars = shelf.calendars()
        at_office = asked.due(calendars.working_time(shelf.city(city).code), begun)
        always = None if asked.duration is None else asked.due(AllHours(), begun)
        is_known = calendars.covers(begun, at_office)
        if json_:
            at = {"start": begun, "office": at_office, "24x7": always}
            told = {name: value and value.astimezone(WIB).isoformat() for name, value in at.items()}
            print_json({**told, "holidays_known": is_known})
            return
        rows = Table.grid(padding=(0, 2))
        rows.add_row("mulai", _at(begun))
        rows.add_row("anggaran", duration(asked.duration) if asked.duration else f"{asked.days} hari kerja")
        rows.add_row("jam kerja", Text(_at(at_office), style="bold"))
        rows.add_row("24x7", _at(always) if always else "- (hari kerja hanya ada pada jam kerja)")
        screen.print(rows)
        if not is_known:
            known = f"{calendars.first_year} sampai {calendars.last_year}"
            screen.print(
                f"libur hanya diketahui untuk {known}; di luar itu dihitung tanpa libur", style="yellow"
            )

    run(work, as_json=json_)


def _read(start: str, budget: str, now: datetime) -> tuple[datetime, Budget]:
    """Return what was typed. Raises BadInput with every fault."""
    findings = []
    try:
        begun = read_time(start, "START", now=now)
    except BadInput as fault:
        findings += fault.findings
    try:
        asked = TypeAdapter(Budget).validate_python(budget)
    except ValidationError:
        findings.append(Finding("BUDGET", "is not a budget", "type PT4H, or '3 hari kerja', up to 366 days"))
    if findings:
        raise BadInput(findings)
    return begun, asked


def _year_screen(table: HolidayYear, shown: list[tuple[CityPolicy, CityCalendar]]) -> RenderableType:
    hours = Table.grid(padding=(0, 2))
    for policy, calendar in shown:
        hours.add_row(Text(policy.name, style="bold"), "jam kerja (WIB)")
        for name, spans in zip(_DAYS, calendar.hours.week, strict=True):
            hours.add_row(f"  {name}", _hours(spans))
        for day, spans in sorted(calendar.extra_days.items()):
            hours.add_row(f"  {day}", f"{_hours(spans)} (hari khusus)")
    days = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("tanggal", "hari", "libur", "jenis", "sumber"):
        days.add_column(column, no_wrap=column == "tanggal", overflow="fold")
    for one in table.day:
        days.add_row(str(one.date), _DAYS[one.date.weekday()], one.name, _KINDS[one.kind], one.source)
    words = f"libur {table.year}: {len(table.closed)} hari"
    parts: list[RenderableType] = [hours, "", Text(words, style="bold")]
    if table.provisional:
        parts.append(Text("SEMENTARA: belum dicocokkan dengan SKB", style="bold yellow"))
    return Group(*parts, days)


def _told(loaded: Loaded, *, is_dry_run: bool) -> list[str]:
    """Return what loading a year changed, line by line."""
    lines = [f"+ {_one(one)}" for one in loaded.added]
    lines += [f"= {_one(one)}; the library has it as another kind, kept" for one in loaded.of_other_kind]
    lines += [f"= {_one(one)}; the library does not have it, kept" for one in loaded.unknown]
    if not loaded.added:
        return [*lines, f"{loaded.path.name}: nothing new"]
    done = "would be added" if is_dry_run else "added"
    lines.append(f"{loaded.path.name}: {len(loaded.added)} {done}")
    if loaded.is_new and not is_dry_run:
        lines.append("a draft: compare it with the joint decree (SKB), then set provisional = false")
    return lines


def _one(one: Holiday) -> str:
    return f"{one.date} {_DAYS[one.date.weekday()]:6} {one.name} ({_KINDS[one.kind]})"


def _hours(spans: DayHours) -> str:
    return ", ".join(f"{opens:%H.%M}-{closes:%H.%M}" for opens, closes in spans) or "tutup"


def _at(at: datetime) -> str:
    local = at.astimezone(WIB)
    return f"{_DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M:%S} WIB"

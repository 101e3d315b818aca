"""The report of a period, on the terminal, as CSV, or as one HTML page with charts."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from cli.door import As, Json, hand, ledger_time, print_json, run
from cli.exporting import exported, is_there, shown, unwritten
from cli.report_data import report_csv, report_data
from cli.report_screen import report_screen
from gateways.ports.policies import PolicyShelf
from models.audit import Door
from models.case import Track
from models.errors import BadInput, Finding
from models.policy import CityPolicy
from models.report import Grouping, Period, Report, ReportAsk
from models.roles import Act, Officer
from models.wib import wib_date
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer()

_USUAL_DAYS: Final = 30
_MOST_DAYS: Final = 3 * 366
_FIRST_YEAR: Final = 2020
_DAY: Final = timedelta(days=1)


@app.command(
    "report",
    epilog="Example: starter.py report --from 2026-02-01 --to 2026-02-28 --by kecamatan --html laporan.html "
    "--as tangsel-supervisor",
)
def report(
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="First day in WIB, yyyy-mm-dd; 30 days in all if absent."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Last day, included; today if absent.")
    ] = None,
    by: Annotated[
        Grouping | None,
        typer.Option(help="A line for each; step and owner are where a case is now."),
    ] = None,
    city: Annotated[
        str | None, typer.Option(metavar="CODE", help="For example 3674; yours if you serve one.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write CSV: commas, UTF-8 with BOM, so that Excel opens it."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one HTML page with charts; it needs no network."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a FILE that is there.")] = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Report a period: received, reactivated, on time, late, time per step, whose time passed, what is left.

    Every case counts that the case list has; nothing in a report is personal.
    """

    async def work(settings: Settings, screen: Console) -> None:
        now = ledger_time(settings)
        period = asked_period(from_, to, wib_date(now), {"--csv": csv, "--html": html}, force=force)
        office = adapters.office(settings)
        code = None if city is None else office.shelf.city(city).code
        actor = hand(as_, None, settings).actor
        officer = adapters.work(office).gate.officer(actor, Act.READ_REPORT, city=code)
        policy = office.shelf.city(code or _only_city(officer))
        needed = {one for one in (by, None if html is None else Grouping.KECAMATAN) if one is not None}
        ask = ask_for(officer, policy, office.shelf, period, now, tuple(needed))
        made = adapters.reports(settings).of(ask)
        files = _contents(made, policy.name, by, csv, html)
        for path, content in files.items():
            reason = f"{ask.city}:{period.first}:{period.last}"
            exported(settings, officer, Act.READ_REPORT, Door.REPORT, reason, content=content)
            write_whole(path, content)
        if json_:
            print_json({**report_data(made, by), "files": list(map(str, files))})
        elif files:
            said = (Text(f"written: {shown(path)}", style="bold green") for path in files)
            screen.print(*said, sep="\n", soft_wrap=True)
        else:
            screen.print(report_screen(made, policy.name, by, screen.width))

    run(work, as_json=json_)


def asked_period(
    from_: str | None,
    to: str | None,
    today: date,
    files: Mapping[str, Path | None],
    *,
    force: bool = False,
) -> Period:
    """Return the period. Raises BadInput with every fault, also of the files that are to be written.

    A report is made anew often, and lists of people are CSV files too: a file is replaced on demand only.
    """
    faults: list[Finding] = []
    last = _day("--to", to, today, faults)
    first = _day("--from", from_, today, faults)
    period = _period(first, last or today) if not faults else None
    if period is not None and period.last < period.first:
        faults.append(Finding("--to", "lies before --from", "give the first day as --from"))
    elif period is not None and (period.last - period.first).days >= _MOST_DAYS:
        faults.append(Finding("--from", "lies more than three years before --to", "report year by year"))
    for option, path in files.items():
        if path is not None and is_there(path, option) and not force:
            fix = "give another name, or --force to replace it"
            faults.append(Finding(option, "names a file that is there already", fix))
        elif path is not None and not path.parent.is_dir():
            faults.append(Finding(option, "names a folder that is not there", "make the folder first"))
    if faults or period is None:
        raise BadInput(faults)
    return period


def _period(first: date | None, last: date) -> Period:
    return Period(first or last - (_USUAL_DAYS - 1) * _DAY, last)


def _day(option: str, typed: str | None, today: date, faults: list[Finding]) -> date | None:
    """Return a day as typed; None when there is none, or a fault."""
    if typed is None:
        return None
    try:
        day = date.fromisoformat(typed.strip())
    except ValueError:
        faults.append(Finding(option, "is not a day", "type it as 2026-02-28"))
        return None
    if day.year < _FIRST_YEAR:
        faults.append(Finding(option, f"lies before {_FIRST_YEAR}", "give a day on which the office worked"))
    if day > today:
        faults.append(Finding(option, "lies in the future", f"give {today} or an earlier day"))
    return day


def _only_city(officer: Officer) -> str:
    """Return the city that an officer serves. Raises BadInput when there are several."""
    first, *others = sorted(officer.cities)
    if others:
        fix = f"give one of {', '.join((first, *others))}"
        raise BadInput([Finding("--city", "must be named: you serve more than one", fix)])
    return first


def ask_for(
    officer: Officer,
    policy: CityPolicy,
    shelf: PolicyShelf,
    period: Period,
    now: datetime,
    by: tuple[Grouping, ...],
) -> ReportAsk:
    """Return the question for what the officer serves of a city: all of it, or some kecamatan."""
    areas = shelf.regions().kecamatan.items()
    names = [area.name for code, area in areas if code.replace(".", "").startswith(policy.code)]
    served: Collection[str] = officer.kecamatan or names
    return ReportAsk(
        city=policy.code,
        period=period,
        now=now,
        kecamatan=tuple(sorted(name for name in names if name in served)),
        is_part=bool(officer.kecamatan),
        by=by,
        pausing={track: frozenset(policy.tracks[track].sla.pauses) for track in Track},
    )


def _contents(
    made: Report, city: str, by: Grouping | None, csv: Path | None, html: Path | None
) -> dict[Path, bytes]:
    """Return what is to be written where."""
    files: dict[Path, bytes] = {}
    if csv is not None:
        files[csv] = report_csv(made, by)
    if html is not None:
        from cli.report_page import report_page  # noqa: PLC0415 - charts take a while to load

        files[html] = report_page(made, city, by).encode()
    return files


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: who looks meanwhile sees the one before. Raises BadInput."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise unwritten(shown(path), error) from None

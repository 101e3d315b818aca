"""Commands for after a store was put back: numbers go on, cases are brought together again."""

from collections import Counter as Count
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.door import As, Counter, Json, counter, hand, known_form, print_json, run
from cli.progress import progress
from models.errors import BadInput, Finding, NumbersHeld, ReactivationError
from models.lineage import NUMBERS_SKIPPED
from models.recovery import Finding as CaseFinding
from models.recovery import Remedy, Series, Standing
from models.roles import Act
from runtime import adapters
from runtime.adapters import Recovering
from runtime.comparing import Comparison
from runtime.entry import REFUSED
from runtime.recovery import Recovery
from runtime.restoring import Restoring
from runtime.same_past import SamePast
from runtime.settings import Settings

app = typer.Typer()

_SHOWN = 20
_Yes = Annotated[bool, typer.Option("--yes", help="Do it; otherwise only say what would be done.")]


@app.command(epilog="Example: starter.py restored --as tangsel-supervisor")
def restored(yes: _Yes = False, as_: As = None, json_: Json = False) -> None:
    """After ledger, key store or Temporal was put back: let numbers go on past what any of them knows.

    Until then no case and no letter gets a number. Says what each store knows; with --yes another life of the
    ledger begins, and whoever was erased before is erased again. Then: `starter.py recover --lost`. Where
    nothing was put back, it says so and does nothing.
    """

    async def work(settings: Settings, screen: Console) -> int:
        desk = await counter(settings, of_any_life=True)
        officer = desk.work.gate.officer(hand(as_, None, settings).actor, Act.RECOVER)
        restoring = _restoring(settings, desk)
        standing = await restoring.look()
        before = desk.office.lineage.lineage()
        is_done = yes and not standing.is_restored
        now = await restoring.go_on(standing, by=officer.id) if is_done else before
        code = REFUSED if is_done and now.held is not None else 0
        held = None if before.held is None else before.held.because
        if json_:
            print_json(
                {
                    "ledger": before.ledger,
                    "generation": now.generation,
                    "latest_generation": standing.generation,
                    "held": held,
                    "still_held": None if now.held is None else now.held.because,
                    "is_done": is_done,
                    "numbers": [vars(one) | {"goes_on_at": _next(one)} for one in standing.series],
                    "people_without_key": standing.people_without_key,
                    "cases_without_key": list(standing.cases_without_key),
                    "keys_of_erased": standing.keys_of_erased,
                }
            )
            return code
        why = "numbers are given out" if held is None else f"no number is given out: {held}"
        screen.print(Text(f"ledger {before.ledger}, generation {before.generation}; {why}", style="bold"))
        if standing.is_restored:
            screen.print("the stores belong together: nothing is to be done, nothing was")
            _say_unreadable(standing, screen)
            return code
        if standing.generation > before.generation:
            _say_later(standing, screen)
        screen.print(_numbers(standing))
        _say_people(standing, screen, done=is_done)
        if not is_done:
            screen.print("nothing was done; to do it: starter.py restored --yes", style="yellow")
        elif now.held is not None:
            screen.print(Text(f"generation {now.generation}: {NumbersHeld(now.held)}", style="bold red"))
        else:
            screen.print(Text(f"generation {now.generation}: numbers go on", style="bold"))
            screen.print("next: starter.py recover --lost, then starter.py recover --astray")
        return code

    run(work, as_json=json_)


@app.command(epilog="Example: starter.py recover --lost --as tangsel-supervisor")
def recover(
    case: Annotated[str | None, typer.Argument(metavar="[CASE]", help="Case number.")] = None,
    lost: Annotated[
        bool, typer.Option("--lost", help="Every open case on which ledger and Temporal do not agree.")
    ] = False,
    astray: Annotated[
        bool, typer.Option("--astray", help="End in Temporal what this ledger does not know, or has as over.")
    ] = False,
    yes: _Yes = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Bring a case together again on which ledger and Temporal do not agree, once, with its keys."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        desk.work.gate.officer(hand(as_, None, settings).actor, Act.RECOVER)
        if (case is not None) + lost + astray != 1:
            raise BadInput([Finding("CASE", "or --lost or --astray: exactly one is needed", "name one")])
        ports = adapters.recovering(settings)
        comparison = Comparison(ports.book, desk.namespace, desk.office.clock)
        if case is not None:
            found = _one(comparison, known_form(case))
        else:
            found = comparison.lost() if lost else comparison.astray()
        told = await _work_through(_recovery(ports, desk), found, do=yes)
        if json_:
            print_json({"is_done": yes, "looked_at": told.looked_at, "cases": told.rows})
        else:
            _say(told, screen, done=yes)
        if told.failed:
            raise told.failed

    run(work, as_json=json_)


class _Told:
    """What became of the cases that were looked at."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.rows: list[dict[str, object]] = []
        """Those with which something is to be done."""
        self.failed: ReactivationError | None = None


async def _one(comparison: Comparison, number: str) -> AsyncIterator[CaseFinding]:
    yield await comparison.look(number)


async def _work_through(recovery: Recovery, found: AsyncIterator[CaseFinding], *, do: bool) -> _Told:
    """Look at each case and, if wanted, mend it; one that cannot be mended stops no other."""
    told = _Told()
    with progress("looking at", None) as step:
        async for one in found:
            told.looked_at += 1
            step(1)
            if one.remedy is Remedy.NOTHING:
                continue
            row: dict[str, object] = {"case_number": one.case_number, "remedy": one.remedy.value}
            row["lost"] = [loss.words for loss in one.lost]
            row["may_be_uploaded"] = bool(one.uploads)
            if do:
                try:
                    row["result"] = await recovery.mend(one)
                except ReactivationError as error:
                    told.failed = error
                    row["result"] = f"not done: {error}"
            told.rows.append(row)
    return told


def _say(told: _Told, screen: Console, *, done: bool) -> None:
    kinds = Count(str(row["remedy"]) for row in told.rows)
    agree = told.looked_at - len(told.rows)
    screen.print(Text(f"{told.looked_at} case(s) looked at, {agree} of them agree", style="bold"))
    for kind, many in kinds.items():
        screen.print(Text(f"  {many}  {Remedy(kind).words}"))
    for row in told.rows[:_SHOWN]:
        screen.print(Text(_line(row)), soft_wrap=True)
    if len(told.rows) > _SHOWN:
        screen.print(f"    and {len(told.rows) - _SHOWN} more: --json names all")
    if told.rows and not done:
        screen.print("nothing was done; --yes does it", style="yellow")


def _line(row: Mapping[str, object]) -> str:
    """Return what is, or was, to be done with a case, and what of it is lost."""
    lost = row["lost"]
    without = f"; the copy of the ledger has not {', '.join(lost)}" if isinstance(lost, list) and lost else ""
    portal = "; may be in SIKS-NG already: look there first" if row["may_be_uploaded"] else ""
    return f"    {row['case_number']}  {row.get('result', row['remedy'])}{without}{portal}"


def _say_later(standing: Standing, screen: Console) -> None:
    """Say that there was a later life of the ledger, which may be at work somewhere."""
    screen.print(
        f"WARN this is an older copy: generation {standing.generation} of it was at work. If that one still"
        " is, go on with it: once this one goes on, it is refused",
        style="bold red",
        soft_wrap=True,
    )


def _say_people(standing: Standing, screen: Console, *, done: bool) -> None:
    if many := standing.people_without_key:
        screen.print(f"{many} person(s) cannot be read again: their keys are lost", style="bold red")
        screen.print("  they get new keys, with which they can apply anew")
    _say_unreadable(standing, screen)
    if many := standing.keys_of_erased:
        then = "destroyed again" if done else "it would be destroyed again"
        screen.print(f"{many} person(s) who were erased had their key again: {then}", style="yellow")


def _say_unreadable(standing: Standing, screen: Console) -> None:
    """Name the cases that can never go on, for as long as they are open."""
    if numbers := standing.cases_without_key:
        screen.print(
            f"{len(numbers)} open case(s) cannot be read again: withdraw each, and take its application anew",
            style="bold red",
        )
        for number in numbers:
            screen.print(f"    {number}")


def _next(series: Series) -> int:
    return series.known + NUMBERS_SKIPPED + 1


def _numbers(standing: Standing) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("series", "ledger", "key store", "Temporal", "goes on at"):
        table.add_column(column, justify="left" if column == "series" else "right")
    for one in standing.series:
        numbers = (one.ledger, one.keys, one.temporal, _next(one))
        table.add_row(one.name, *map(str, numbers))
    return table


def _restoring(settings: Settings, desk: Counter) -> Restoring:
    office = desk.office
    return Restoring(
        office.lineage,
        adapters.recovering(settings).book,
        office.vault,
        desk.namespace,
        past=SamePast.of(settings, office, desk.namespace),
        clock=desk.office.clock,
    )


def _recovery(ports: Recovering, desk: Counter) -> Recovery:
    return Recovery(
        ports.book,
        ports.ledger,
        ports.alerts,
        desk.namespace,
        delivery=desk.delivery,
        clock=desk.office.clock,
    )

"""Commands on the work of people: see it, take it, give it, finish it."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.cutting import print_cut, say_cut
from cli.desk_screens import desk_screen, item_data, refusals_screen, sheet_data, sheet_screen
from cli.door import As, CommandId, Json, Reason, counter, hand, ledger_time, print_json, run, say_held
from cli.officer import Officer
from cli.saying import At, Note, Proof, Receipt, ReceiptAgain, RejectCode, ReturnCode, said
from models.desk import DeskItem
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="The work of people: see it, take it, give it, finish it.",
)

Item = Annotated[
    int,
    typer.Argument(metavar="ITEM", help="Number of the item, from `desk list`.", min=1, max=2_147_483_647),
]


@app.command("list", epilog="Example: starter.py desk list --as tangsel-verifikator-1")
def desk_list(
    everything: Annotated[
        bool, typer.Option("--all", help="All open work of the area, whosever it is.")
    ] = False,
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Only what is in no hand, or in one that is gone.")
    ] = False,
    as_: As = None,
    json_: Json = False,
) -> None:
    """List the work that waits for an officer, emergencies first, then the next due."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings, of_any_life=True)
        say_held(desk.office)
        items = desk.work.queue(hand(as_, None, settings).actor, everything=everything)
        items = [item for item in items if item.is_free or not unassigned]
        if json_:
            print_json([item_data(item) for item in items])
        else:
            screen.print(
                desk_screen(items) if items else _nothing(everything=everything, unassigned=unassigned)
            )

    run(work, as_json=json_)


@app.command("show", epilog="Example: starter.py desk show 17 --as tangsel-siksng-1")
def show(item: Item, as_: As = None, json_: Json = False) -> None:
    """Show everything about a piece of work; an upload's fields are in the portal's order. Personal."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings, of_any_life=True)
        say_held(desk.office)
        sheet = desk.work.sheet(hand(as_, None, settings), item)
        if json_:
            print_json(sheet_data(sheet))
        else:
            screen.print(sheet_screen(sheet))

    run(work, as_json=json_)


@app.command("claim", epilog="Example: starter.py desk claim 17 --as tangsel-verifikator-1")
def claim(item: Item, as_: As = None, json_: Json = False) -> None:
    """Take a piece of work; of two who take it at once, one gets it."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        _tell(desk.work.claim(hand(as_, None, settings), item), screen, as_json=json_)

    run(work, as_json=json_)


@app.command("release", epilog="Example: starter.py desk release 17")
def release(item: Item, as_: As = None, json_: Json = False) -> None:
    """Give a piece of work back."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        _tell(desk.work.release(hand(as_, None, settings), item), screen, as_json=json_)

    run(work, as_json=json_)


@app.command("assign", epilog="Example: starter.py desk assign 17 tangsel-verifikator-2")
def assign(
    item: Item,
    officer: Annotated[str, typer.Argument(help="Who gets it: an id of people.toml.")],
    as_: As = None,
    json_: Json = False,
) -> None:
    """Give a piece of work to an officer who may do it. Supervisors only."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        _tell(desk.work.assign(hand(as_, None, settings), item, officer), screen, as_json=json_)

    run(work, as_json=json_)


@app.command(
    "complete", epilog="Example: starter.py desk complete 17 --return DOK_TIDAK_JELAS --note 'KTP buram'"
)
def complete(
    item: Item,
    approve: Annotated[bool, typer.Option("--approve", help="It is done, or mended.")] = False,
    return_: ReturnCode = None,
    reject: RejectCode = None,
    hand_over: Annotated[
        bool, typer.Option("--hand-over", help="The applicant takes the letters to BPJS himself.")
    ] = False,
    receipt: Receipt = None,
    receipt_again: ReceiptAgain = None,
    at: At = None,
    proof: Proof = None,
    note: Note = None,
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Finish a piece of work that is in your hand; an upload needs --receipt twice, --at and --proof."""

    async def work(settings: Settings, screen: Console) -> None:
        words = said(
            approve=approve, return_=return_, reject=reject, hand_over=hand_over, note=note, at=at,
            portal=(receipt, receipt_again, proof), now=ledger_time(settings),
        )  # fmt: skip
        desk = await counter(settings)
        command = desk.work.complete(hand(as_, command_id, settings), item, words)
        await desk.give(command, f"item {item} done: {words.verb}", screen, as_json=json_)

    run(work, as_json=json_)


@app.command("void", epilog="Example: starter.py desk void 17 --reason 'terbuka dua kali'")
def void(
    item: Item, reason: Reason, as_: As = None, command_id: CommandId = None, json_: Json = False
) -> None:
    """End a piece of work that should not be there; the case asks for it anew. Supervisors only."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        command = desk.work.void(hand(as_, command_id, settings), item, reason)
        await desk.give(command, f"item {item} void", screen, as_json=json_)

    run(work, as_json=json_)


@app.command("refusals", epilog="Example: starter.py desk refusals --as auditor")
def refusals(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many, the newest.")] = 200,
    as_: As = None,
    json_: Json = False,
) -> None:
    """Show what officers were not allowed to do, the newest first. Supervisors and auditors only."""

    async def work(settings: Settings, screen: Console) -> None:
        desk = await counter(settings)
        refused = desk.work.refusals(hand(as_, None, settings).actor, limit)
        if json_:
            print_cut("refusals", [vars(one) for one in refused], refused)
        else:
            words = "nobody was refused anything on cases of your cities"
            screen.print(refusals_screen(refused) if refused else words)
            say_cut(refused, screen)

    run(work, as_json=json_)


@app.command("work", epilog="Example: starter.py desk work --as tangsel-verifikator-1")
def work_(as_: As = None) -> None:
    """Go through your queue, item by item: read, decide, next. `q` leaves; what is undecided goes back.

    So it does when the terminal is closed or the machine goes down. After a power cut or `kill -9` the item
    stays in your hand: your next `desk work` has it, and `desk release` gives it back.
    """

    async def work(settings: Settings, screen: Console) -> int:
        desk = await counter(settings)
        return await Officer(desk, hand(as_, None, settings), screen, adapters.clock(settings)).work()

    run(work)


def _nothing(*, everything: bool, unassigned: bool) -> str:
    """Say of what there is none: another filter, role or area may have work."""
    whose = "of your area" if everything else "for you"
    return f"no open work {whose}{' that is in no hand' if unassigned else ''}"


def _tell(item: DeskItem, screen: Console, *, as_json: bool) -> None:
    if as_json:
        print_json(item_data(item))
    else:
        whose = f"in the hand of {item.assignee}" if item.assignee else "in nobody's hand"
        left = f", taken over from {item.taken_from}" if item.taken_from else ""
        what = f"item {item.id} ({item.case.case_number}, {item.step}) is {whose}{left}"
        screen.print(Text(what, style="bold"), soft_wrap=True)
        if item.gone is not None:
            screen.print(Text(f"  {item.assignee} cannot do it now: {item.gone}", style="yellow"))

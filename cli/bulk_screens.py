"""What a terminal shows of an order for many cases: the rehearsal, how far it is, what became of each."""

import csv
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.door import print_json
from cli.exporting import unwritten
from cli.screens import clock
from gateways.ports.bulk import BulkBook
from models.bulk import Bulk, BulkItem, BulkProgress, Filter, Operation
from models.plain import safe_cell
from models.roles import Officer
from runtime.bulk_desk import BulkDesk, Found

_SAMPLE = 10
_IN_VAIN = 4
Export = Callable[[str, int], None]
"""Writes down that a file of case numbers is about to be written: why, and of how many cases."""


def rehearse(
    operation: Operation,
    chosen_by: Filter,
    found: list[Found],
    running: int,
    officer: Officer,
    path: Path | None,
    screen: Console,
    *,
    export: Export,
    as_json: bool,
) -> None:
    """Tell what would be done, and to which cases; their numbers are written down where there is a path."""
    numbers = [one.chosen.case_number for one in found]
    outside = sum(not officer.serves_area(one.city, one.kecamatan) for one in found)
    if path is not None:
        export(f"rehearsal:{operation}", len(numbers))
        _write(path, lambda file: file.write_text("".join(f"{number}\n" for number in numbers)), "--ids")
    if as_json:
        told = {"operation": operation, "query": chosen_by.query, "count": len(found), "running": running}
        print_json(told | {"outside_area": outside, "sample": numbers[:_SAMPLE], "ids": path})
        return
    screen.print(Text(f"rehearsal: {operation} would meet {len(found)} of {running} case(s)", style="bold"))
    for number in numbers[:_SAMPLE]:
        screen.print(f"  {number}", markup=False)
    if len(numbers) > _SAMPLE:
        screen.print(f"  and {len(numbers) - _SAMPLE} more")
    if path is not None:
        screen.print(Text(f"  all of them: {path}"), soft_wrap=True)
    if outside:
        screen.print(f"  {outside} lie outside your area and will be refused", style="yellow")
    if outside == len(found):
        why = "every one would be refused" if found else "there is no such case"
        screen.print(f"nothing was done, and nothing can be: {why}", style="bold red")
        return
    every = " --all-of-them" if len(found) == running > 1 else ""
    screen.print(
        f"nothing was done; to do it: --go --reason '...' --expect {len(found)}{every}", style="yellow"
    )


async def follow(
    desk: BulkDesk,
    book: BulkBook,
    bulk: Bulk,
    results: Path | None,
    screen: Console,
    *,
    export: Export,
    as_json: bool,
) -> int:
    """Begin or find the order's workflow, show how far it is until the end, and tell what became of it.

    Return the exit code: 4 when nothing was done to any case.
    """
    path = results or Path(f"bulk-{bulk.id}.csv")
    if not as_json:
        screen.print(Text(f"order {bulk.id}: {bulk.operation} by {bulk.actor}", style="bold"))
        screen.print("  Ctrl-C leaves it running; `starter.py bulk run ID` watches it, or takes it up again")
    if book.progress(bulk.id).left:
        await desk.begin(bulk)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=screen, disable=as_json or not screen.is_terminal,
        ) as bar:  # fmt: skip
            task = bar.add_task(bulk.operation.value)
            last = [""]

            def shown(progress: BulkProgress) -> None:
                bar.update(task, total=progress.total, completed=progress.settled)
                if not as_json and not screen.is_terminal and progress.words != last[0]:
                    screen.print(f"  {progress.words}")
                last[0] = progress.words

            await desk.follow(bulk.id, shown)
    tell(book, bulk, path, screen, export=export, as_json=as_json)
    return _IN_VAIN if book.progress(bulk.id).is_in_vain else 0


def tell(
    book: BulkBook, bulk: Bulk, results: Path | None, screen: Console, *, export: Export, as_json: bool
) -> None:
    """Tell what became of an order, and write it down case by case."""
    progress, items = book.progress(bulk.id), book.items(bulk.id)
    if results is not None:
        export(bulk.id, len(items))
        _write(results, lambda file: _write_results(file, items), "--results")
    if as_json:
        told = [{name: value for name, value in vars(item).items() if name != "seen"} for item in items]
        print_json(bulk_data(bulk, progress) | {"items": told, "file": results})
        return
    screen.print(Text(f"{bulk.operation} by {bulk.actor}, {clock(bulk.given_at)} WIB: {progress.words}"))
    screen.print(Text(f"  where {bulk.where}"), soft_wrap=True)
    if progress.is_in_vain:
        screen.print("  nothing was done to any case", style="bold red")
    told_of = [one for one in items if one.detail is not None]
    for item in told_of[:_SAMPLE]:
        screen.print(Text(f"  {item.case_number}  {_words(item)}: {item.detail}"), soft_wrap=True)
    if len(told_of) > _SAMPLE:
        screen.print(f"  and {len(told_of) - _SAMPLE} more")
    if results is not None:
        screen.print(Text(f"  what became of each: {results}"), soft_wrap=True)


def _words(item: BulkItem) -> str:
    return "-" if item.result is None else item.result.words


def _write_results(file: Path, items: list[BulkItem]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("case_number", "result", "detail", "at"))
        for item in items:
            at = "" if item.at is None else f"{item.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            writer.writerow(map(safe_cell, (item.case_number, item.result, item.detail, at)))


def _write(path: Path, write: Callable[[Path], object], option: str) -> None:
    try:
        write(path)
    except OSError as error:
        raise unwritten(option, error) from None


def bulk_data(bulk: Bulk, progress: BulkProgress) -> dict[str, object]:
    """Return an order as JSON data, without the words of its reason."""
    told = {name: value for name, value in vars(bulk).items() if name != "reason"}
    return told | {"total": progress.total, "left": progress.left, "results": progress.results}

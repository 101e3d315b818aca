"""What officers see of the work of people: their queue, one piece of it, refusals."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.screens import clock
from desk.sheets import PaperLine, Sheet
from models.case import Track
from models.desk import DeskItem, DeskResult, ItemKind, Refusal
from models.texts import ITEM, STEP, hand_words


def item_data(item: DeskItem) -> dict[str, object]:
    """Return a piece of work as JSON data."""
    return {
        "item": item.id,
        "case_number": item.case.case_number,
        "city": item.case.city,
        "kecamatan": item.case.kecamatan,
        "track": item.case.track,
        "kind": item.kind,
        "step": item.step,
        "attempt": item.attempt,
        "role": item.role,
        "reason": item.reason,
        "state": item.state,
        "assignee": item.assignee,
        "gone": item.gone,
        "taken_from": item.taken_from,
        "opened_at": item.opened_at,
        "due_at": item.due_at,
        "closed_at": item.closed_at,
        "closed_by": item.closed_by,
    }


def desk_screen(items: Sequence[DeskItem]) -> RenderableType:
    """Return work as a table, in the order given."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("item", "case", "track", "kecamatan", "work", "try", "for", "hand", "due (WIB)"):
        table.add_column(column, no_wrap=column in {"item", "case"}, overflow="fold")
    for item in items:
        what = STEP[item.step] if item.kind is ItemKind.ANSWER else f"perbaiki: {item.reason}"
        table.add_row(
            str(item.id),
            item.case.case_number,
            Text(item.case.track, style="bold red" if item.case.track is Track.EMERGENCY else ""),
            item.case.kecamatan,
            what,
            str(item.attempt),
            item.role,
            Text(_hand(item), style="bold red" if item.gone else ""),
            clock(item.due_at)[:16] if item.due_at else "-",
        )
    return table


def _hand(item: DeskItem) -> str:
    return f"{item.assignee or '-'}{f' ({item.gone})' if item.gone else ''}"


def refusals_screen(refused: Sequence[Refusal]) -> RenderableType:
    """Return refusals as a table, in the order given."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("WIB", "officer", "command", "case", "why"):
        table.add_column(column, no_wrap=column != "why", overflow="fold")
    for one in refused:
        table.add_row(clock(one.at), one.actor, one.act, one.case_number or "-", one.why)
    return table


def sheet_screen(sheet: Sheet) -> RenderableType:
    """Return a piece of work as an officer reads it."""
    item = sheet.item
    due = clock(item.due_at)[:16] if item.due_at else "-"
    head = f"item {item.id}  {item.case.case_number}  {item.case.track} - {item.case.kecamatan}  batas {due}"
    what = f"{STEP[item.step]}, {ITEM[item.kind]} (percobaan {item.attempt})"
    fields = Table.grid(padding=(0, 2))
    for label, value in sheet.fields:
        fields.add_row(Text(f"  {label}", style="dim"), Text(value, style="bold"))
    papers = [
        Text(f"  {_paper_state(paper):20} {paper.kind}", style=_PAPER_STYLE[_paper_state(paper)])
        for paper in sheet.papers
    ]
    returns = [
        Text(
            f"  percobaan {one.attempt}, {STEP[one.step]}: {one.reason}, oleh {one.by}"
            + (f": {one.note}" if one.note else "")
        )
        for one in sheet.returns
    ]
    trouble = [Text(f"  sebab: {item.reason}", style="bold red")] if item.reason else []
    hints = [Text(f"  {hint}", style="italic yellow") for hint in sheet.hints]
    parts: list[RenderableType] = [
        Text(head, style="bold"),
        Text(what, style="bold"),
        _where_it_lies(item),
        *trouble,
        *hints,
        fields,
    ]
    if papers:
        parts += [Text("dokumen", style="bold"), *papers]
    if returns:
        parts += [Text("riwayat pengembalian", style="bold"), *returns]
    return Group(*parts, "")


def _where_it_lies(item: DeskItem) -> Text:
    """Return whose work it is, or that it is over and how."""
    if item.result is None:
        return Text(f"  {hand_words(item)}", style="bold red" if item.gone else "dim")
    at = "" if item.closed_at is None else f" {clock(item.closed_at)} WIB"
    by = "" if item.closed_by is None else f" oleh {item.closed_by}"
    done = "SUDAH SELESAI" if item.result is DeskResult.DONE else "SUDAH BATAL, tidak perlu dikerjakan"
    return Text(f"  {done}{at}{by}", style="bold yellow")


_PAPER_STYLE = {"HILANG ATAU BERUBAH": "bold red", "sudah diperiksa": "green", "belum diperiksa": "yellow"}


def _paper_state(paper: PaperLine) -> str:
    if not paper.is_intact:
        return "HILANG ATAU BERUBAH"
    return "sudah diperiksa" if paper.is_accepted else "belum diperiksa"


def sheet_data(sheet: Sheet) -> dict[str, object]:
    """Return a sheet as JSON data. Personal."""
    return item_data(sheet.item) | {
        "fields": dict(sheet.fields),
        "papers": [vars(paper) for paper in sheet.papers],
        "returns": [vars(one) for one in sheet.returns],
        "hints": list(sheet.hints),
    }

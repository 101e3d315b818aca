"""What the demo of the desks prints in the end."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.desk_screens import sheet_screen
from cli.screens import CaseReport, case_screen
from examples.desk_ledger import Told
from examples.desk_logbook import Deed, Logbook
from models.case import CaseState, Step
from runtime.adapters import Office
from runtime.web_ui import WebUi

WIDE = 115
_GOOD, _BAD, _FAINT = "green", "bold red", "dim"
_LONGEST_STEP, _LONGEST_DECISION, _LONGEST_OFFICER = 23, 30, 21
_DECISION_STYLE = {"approved": _GOOD, "returned": "yellow", "rejected": "red", "moot": "red"}


def who_did_what(logbook: Logbook, told: Told, width: int) -> RenderableType:
    """Return what the ledger tells of each case: step, attempt, decision, by whom, and what proves it."""
    parts: list[RenderableType] = [Text("who did what, as the ledger tells it", style="italic"), ""]
    for case in logbook.script.case:
        if (number := logbook.number_of(case.file)) is not None:
            parts += [Text(f"{number}  {case.name}", "bold"), Text(case.shows, style=_FAINT)]
            parts += [_deeds(told.deeds_of(number), told, is_wide=width >= WIDE), ""]
    return Group(*parts)


def _deeds(deeds: Sequence[Deed], told: Told, *, is_wide: bool) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=_LONGEST_STEP, no_wrap=True)
    grid.add_column()
    grid.add_column(min_width=_LONGEST_DECISION if is_wide else None, overflow="fold")
    grid.add_column(min_width=_LONGEST_OFFICER, no_wrap=True)
    for deed in deeds:
        words = f"{deed.what} {deed.reason}" if deed.reason else deed.what
        decision = Text(words, style=_DECISION_STYLE.get(deed.what, "cyan"))
        proof = (_proof(deed, told),) if is_wide else ()
        grid.add_row(f"  {deed.step or ''}", str(deed.attempt or ""), decision, deed.by, *proof)
    return grid


def timelines(logbook: Logbook, office: Office, web_ui: str) -> RenderableType:
    """Return the cases that came back, as `starter.py show` prints them."""
    parts: list[RenderableType] = []
    ui = WebUi(web_ui, "default")
    for file in logbook.script.timelines_of:
        if (number := logbook.number_of(file)) is not None:
            parts.append(
                Text(f"a case that came back: {file}, as `starter.py show {number}` prints it", "italic")
            )
            parts.append(case_screen(CaseReport.of(number, office), office.shelf.reasons(), ui))
    return Group(*parts)


def portal_sheet(logbook: Logbook) -> RenderableType:
    """Return an upload as the portal's operator read it: the portal's fields in the portal's order."""
    if logbook.sheet is None:
        return Text("nobody read the sheet of the upload", style=_BAD)
    number = logbook.sheet.item.id
    head = f"what the operator copies into SIKS-NG, as `starter.py desk show {number}` printed it"
    return Group(Text(head, style="italic"), sheet_screen(logbook.sheet))


def refusals(logbook: Logbook) -> RenderableType:
    """Return who tried what, and why not; the ledger keeps it when somebody was not allowed to."""
    parts: list[RenderableType] = [Text("refused", style="italic")]
    for one in logbook.refused:
        case, step = one.item.case.case_number, one.item.step
        words = (one.words or "WAS NOT REFUSED").removeprefix(f"{one.tried.by}: ")
        kept = " (kept in the ledger)" if one.is_of_rights else ""
        parts.append(f"  {one.tried.by:{_LONGEST_OFFICER}}  {one.tried.does:14}  {case}  {step}")
        parts.append(Text(f"    {words}{kept}", style="yellow" if one.is_right else _BAD))
    return Group(*parts, "")


def letters(told: Told, width: int) -> RenderableType:
    """Return every letter by city and number; what is void keeps its number."""
    signed = ("signed by",) if width >= WIDE else ()
    table = _table("letters", "city", "number", "case", "try", *signed, "")
    for letter in told.letters:
        state = Text("void", style=_FAINT) if letter.is_void else Text("valid", style=_GOOD)
        signer = (letter.signer or "-",) if signed else ()
        table.add_row(letter.city, letter.number, letter.case_number, str(letter.attempt), *signer, state)
    return Group(table, "")


def outcomes(
    logbook: Logbook, states: Mapping[str, CaseState], told: Told, faults: Sequence[str], width: int
) -> RenderableType:
    """Return one line for each case; below `WIDE` columns without number, expectation and SLA."""
    is_wide = width >= WIDE
    wide, sla = (("case", "expected"), ("sla",)) if is_wide else ((), ())
    table = _table("outcomes", "file", *wide, "got", *sla, "letters", "uploads", "took", "")
    for case in logbook.script.case:
        number = logbook.number_of(case.file) or "-"
        state = states.get(number)
        got = "-" if state is None else str(state.outcome or "open")
        is_right = not any(number in fault for fault in faults) and state is not None
        uploads = told.uploads_of(number)
        table.add_row(
            case.name,
            *((number, case.outcome) if is_wide else ()),
            got,
            *(("-" if state is None else state.sla_state,) if is_wide else ()),
            _count(len(told.letters_of(number)), sum(one.is_void for one in told.letters_of(number))),
            _count(len(uploads), sum(one.voided_by is not None for one in uploads)),
            _took(state),
            Text("ok", style=_GOOD) if is_right else Text("FAIL", style=_BAD),
        )
    return Group(table, "")


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in {"case", "file", "number"}, overflow="fold")
    return table


def _proof(deed: Deed, told: Told) -> Text:
    """Return what the ledger holds beside a decision: the letter, the portal's reference."""
    if deed.what != "approved":
        return Text("")
    attempt = deed.case_number, deed.attempt
    if deed.step is Step.RECOMMENDATION:
        found = [
            (one.number, one.is_void) for one in told.letters if (one.case_number, one.attempt) == attempt
        ]
        return _told(found, "the letter stands")
    if deed.step is Step.SIKS_NG_UPLOAD:
        made = [one for one in told.uploads if (one.case_number, one.attempt) == attempt]
        return _told([(one.reference, one.voided_by is not None) for one in made], "NO RECEIPT")
    return Text("")


def _told(found: Sequence[tuple[str, bool]], otherwise: str) -> Text:
    if not found:
        return Text(otherwise, style=_FAINT)
    return Text(", ".join(f"{name} (void)" if is_void else name for name, is_void in found))


def _count(all_: int, void: int) -> str:
    return f"{all_}, {void} void" if void else str(all_)


def _took(state: CaseState | None) -> str:
    if state is None or state.closed_at is None:
        return "-"
    return f"{(state.closed_at - state.case.received_at).total_seconds():.1f} s"

"""What operators see: a case, a list of cases. Colours on a terminal, plain text in a pipe."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.office_time import office_left
from desk.sheets import PaperLine, Sheet
from intake.papers import Checklist
from models.case import CaseHealth, CaseState, Outcome, SlaState, Track
from models.desk import DeskItem, IssuedLetter, ItemKind, Refusal
from models.errors import Finding
from models.holding import looked_at
from models.letters import REPLACED
from models.messages import Alert, CaseEvent
from models.reasons import Reasons
from models.texts import (
    DOCUMENT,
    ITEM,
    OUTCOME,
    SLA,
    STEP,
    WAITING_ON,
    any_of,
    duration,
    hand_words,
    trouble_words,
)
from models.wib import WIB, wib_date
from runtime.adapters import Office

_SLA_STYLE = {
    SlaState.ON_TRACK: "green",
    SlaState.AT_RISK: "yellow",
    SlaState.BREACHED: "bold red",
    SlaState.PAUSED: "cyan",
    SlaState.MET: "green",
    SlaState.MISSED: "red",
}

_PLAIN_WIDTH = 160
_WIDE = 110


def console(*, stderr: bool = False) -> Console:
    """Return a console that never wraps a pipe's lines at the width of a terminal that is not there."""
    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal:
        made = Console(stderr=stderr, highlight=False, width=_PLAIN_WIDTH)
    return made


@dataclass(frozen=True)
class CaseReport:
    """Everything that is told of one case."""

    state: CaseState
    history: Sequence[CaseEvent]
    alerts: Sequence[Alert]
    desk: Sequence[DeskItem]
    """The open work of people."""
    undelivered: int
    """Commands that the workflow has not taken yet."""
    letters: Sequence[IssuedLetter]
    erased_at: datetime | None
    """When the person was erased."""
    read_at: datetime
    office_left: timedelta | None
    """Working time of the office until the case is due, by a clock that counts all hours."""

    @classmethod
    def of(cls, case_number: str, office: Office) -> "CaseReport":
        """Read it from the ledger. Raises NotFound."""
        now = datetime.now(UTC)
        state, history = office.registry.case(case_number), office.registry.history(case_number)
        return cls(
            state=state,
            history=history,
            read_at=now,
            office_left=office_left(state, history, office.shelf, now),
            alerts=office.registry.alerts(case_number),
            desk=looked_at(office.book.items(case_number=case_number), office.shelf.people(), wib_date(now)),
            undelivered=len(office.book.undelivered(case_number)),
            letters=office.book.letters(case_number),
            erased_at=office.erasures.erased([case_number]).get(case_number),
        )


def case_screen(report: CaseReport, reasons: Reasons, ui: str | None) -> RenderableType:
    """Return a case with its timeline; `reasons` gives the words of reason codes."""
    state = report.state
    facts = Table.grid(padding=(0, 2))
    facts.add_row("case", Text(state.case.case_number, style="bold"))
    facts.add_row("track", f"{state.case.track} - {state.case.kecamatan}")
    facts.add_row("step", f"{STEP[state.step]} (percobaan {state.attempt})")
    if state.outcome is not None:
        facts.add_row("outcome", Text(OUTCOME[state.outcome], style="bold"))
    else:
        facts.add_row("waiting on", f"{WAITING_ON[state.waiting_on]} sejak {clock(state.since)}")
    if state.health is not CaseHealth.OK:
        trouble = trouble_words(state.trouble or "-", reasons)
        facts.add_row("trouble", Text(trouble, style="bold red"))
    for item in report.desk:
        what = f"item {item.id}: {STEP[item.step]}, {ITEM[item.kind]} ({item.role}, {hand_words(item)})"
        facts.add_row("desk", Text(what, style="bold red" if item.gone else ""))
    if report.erased_at is not None:
        facts.add_row("person", Text(f"erased on {clock(report.erased_at)} WIB", style="bold"))
    for letter in report.letters:
        signer = letter.signer or "menurut aturan"
        facts.add_row("letter", Text(f"{letter.number}, {letter.issued_on}, {signer}: {validity(letter)}"))
    if report.undelivered:
        facts.add_row("not delivered", f"{report.undelivered} command(s); a worker delivers them")
    facts.add_row("due", _due(report))
    if ui is not None:
        facts.add_row("web ui", f"{ui}/namespaces/default/workflows/{state.case.case_number}")

    timeline = Table(
        box=box.SIMPLE_HEAD, title="timeline", title_justify="left", pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in ("#", "WIB", "event", "step", "try", "facts"):
        timeline.add_column(column, no_wrap=column != "facts", overflow="fold")
    for event in report.history:
        told = {"reason": event.reason} if event.reason else {}
        words = " ".join(
            f"{name}={value}" for name, value in {**told, **event.facts}.items() if name != "command"
        )
        step = event.step.value if event.step else ""
        timeline.add_row(
            str(event.seq), clock(event.at)[5:], event.kind.value, step, str(event.attempt or ""), words
        )
    return Group(facts, timeline, *([_alerts(report.alerts)] if report.alerts else []))


def list_screen(states: Sequence[CaseState], erased: Collection[str], width: int) -> RenderableType:
    """Return cases as a table, in the order given; a narrow screen goes without track and kecamatan.

    `erased` are the cases of people who were erased.
    """
    is_wide = width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("case", *(("track", "kecamatan") if is_wide else ()), "step", "now", "sla", "due (WIB)"):
        table.add_column(column, no_wrap=column in {"case", "sla"}, overflow="fold")
    for state in states:
        where = (state.case.track.value, state.case.kecamatan) if is_wide else ()
        due = clock(state.due_at)[:16] if state.due_at else "-"
        sla = Text(state.sla_state.value, style=_SLA_STYLE[state.sla_state])
        now = _now(state)
        if state.case.case_number in erased:
            now.append(", erased", style="dim")
        table.add_row(state.case.case_number, *where, state.step.value, now, sla, due)
    return table


def papers_screen(checklist: Checklist) -> RenderableType:
    """Return what the checklist of a case asks for, and what is there."""
    lines = [
        Text(f"  ada        {any_of(one.any_of)}", style="green")
        if one.is_met
        else Text(f"  BELUM ADA  {any_of(one.any_of)}", style="bold red")
        for one in checklist.wanted
    ]
    for paper in checklist.papers:
        state = "HILANG ATAU BERUBAH" if paper.sha256 in checklist.lost else f"{paper.size} byte"
        words = f"  {DOCUMENT[paper.kind]}: {paper.media_type}, {state}, {paper.sha256[:12]}"
        lines.append(Text(words, style="dim"))
    return Group(*lines)


def findings_screen(findings: Sequence[Finding], *, style: str) -> RenderableType:
    """Return one line for each finding: field, rule, fix."""
    return Group(*(Text(f"  {finding}", style=style) for finding in findings))


def clock(at: datetime) -> str:
    """Return a time in WIB as `2026-02-11 08:00:00`."""
    return f"{at.astimezone(WIB):%Y-%m-%d %H:%M:%S}"


def validity(letter: IssuedLetter) -> str:
    """Return whether a letter is valid, and why not."""
    if letter.void_because is None:
        return "berlaku"
    if letter.void_because == REPLACED:
        return "BATAL (diganti surat lain)"
    return f"BATAL (kasus berakhir: {OUTCOME[Outcome(letter.void_because)]})"


def letter_data(letter: IssuedLetter) -> dict[str, object]:
    """Return a letter as JSON data, without what only its paper shows."""
    return {
        "number": letter.number,
        "attempt": letter.attempt,
        "issued_on": letter.issued_on,
        "signer": letter.signer,
        "is_valid": letter.is_valid,
        "voided_at": letter.voided_at,
        "void_because": letter.void_because,
    }


def _now(state: CaseState) -> Text:
    """Return the outcome, or whom the case waits for and whether it is stuck."""
    if state.outcome is not None:
        return Text(state.outcome.value, style="bold")
    if state.health is CaseHealth.OK:
        return Text(f"waits for {state.waiting_on}")
    return Text(f"waits for {state.waiting_on}, {state.health}", style="bold red")


def _due(report: CaseReport) -> Text:
    state = report.state
    if state.due_at is None and state.outcome is not None:
        return Text("the clock never ran: the file was not complete")
    if state.due_at is None:
        return Text("the clock starts when the file is complete", style="yellow")
    late = f", terlambat {duration(state.late_by)}" if state.late_by else ""
    left = ""
    if report.office_left is not None and report.read_at < state.due_at:
        office = duration(report.office_left) if report.office_left else "0 jam"
        left = f"; sisa {duration(state.due_at - report.read_at)}, jam kerja: {office}"
    words = f"{clock(state.due_at)} WIB ({SLA[state.sla_state]}{late}{left})"
    return Text(words, style=_SLA_STYLE[state.sla_state])


def _alerts(alerts: Sequence[Alert]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="alerts", title_justify="left", pad_edge=False)
    for column in ("WIB", "alert", "level", "step", "late", "detail"):
        table.add_column(column)
    for alert in alerts:
        late = duration(alert.late_by) if alert.late_by else ""
        table.add_row(
            clock(alert.raised_at),
            alert.kind.value,
            str(alert.level),
            "" if alert.step is None else alert.step.value,
            late,
            alert.detail or "",
        )
    return table


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
    due = clock(item.due_at)[:16] if item.due_at else "belum berjalan"
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
        *trouble,
        *hints,
        fields,
    ]
    if papers:
        parts += [Text("dokumen", style="bold"), *papers]
    if returns:
        parts += [Text("riwayat pengembalian", style="bold"), *returns]
    return Group(*parts, "")


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

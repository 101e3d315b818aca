"""What operators see: a case, a list of cases. Colours on a terminal, plain text in a pipe."""

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from intake.papers import Checklist
from models.case import CaseHealth, CaseState, SlaState, Step, WaitingOn
from models.errors import Finding
from models.messages import Alert, CaseEvent
from models.texts import DOCUMENT, OUTCOME, SLA, STEP, WAITING_ON, any_of, duration, trouble
from models.wib import WIB

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


def case_screen(
    state: CaseState,
    history: Sequence[CaseEvent],
    alerts: Sequence[Alert],
    desk: Sequence[Step],
    ui: str | None,
) -> RenderableType:
    """Return a case with its timeline."""
    facts = Table.grid(padding=(0, 2))
    facts.add_row("case", Text(state.case.case_number, style="bold"))
    facts.add_row("track", f"{state.case.track} - {state.case.kecamatan}")
    facts.add_row("step", f"{STEP[state.step]} (percobaan {state.attempt})")
    if state.outcome is not None:
        facts.add_row("outcome", Text(OUTCOME[state.outcome], style="bold"))
    else:
        facts.add_row("waiting on", f"{WAITING_ON[state.waiting_on]} sejak {clock(state.since)}")
    if state.health is not CaseHealth.OK:
        facts.add_row("trouble", Text(trouble(state.trouble or "-"), style="bold red"))
    if desk:
        command = "documents list" if state.waiting_on is WaitingOn.APPLICANT else "retry"
        steps = ", ".join(STEP[step] for step in desk)
        facts.add_row("a person", f"is awaited at: {steps}; next `starter.py {command}`")
    facts.add_row("due", _due(state))
    if ui is not None:
        facts.add_row("web ui", f"{ui}/namespaces/default/workflows/{state.case.case_number}")

    timeline = Table(
        box=box.SIMPLE_HEAD, title="timeline", title_justify="left", pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in ("#", "WIB", "event", "step", "try", "facts"):
        timeline.add_column(column, no_wrap=column != "facts", overflow="fold")
    for event in history:
        told = {"reason": event.reason.value} if event.reason else {}
        words = " ".join(f"{name}={value}" for name, value in {**told, **event.facts}.items())
        step = event.step.value if event.step else ""
        timeline.add_row(
            str(event.seq), clock(event.at)[5:], event.kind.value, step, str(event.attempt or ""), words
        )
    return Group(facts, timeline, *([_alerts(alerts)] if alerts else []))


def list_screen(states: Sequence[CaseState], width: int) -> RenderableType:
    """Return cases as a table, in the order given; a narrow screen goes without track and kecamatan."""
    is_wide = width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("case", *(("track", "kecamatan") if is_wide else ()), "step", "now", "sla", "due (WIB)"):
        table.add_column(column, no_wrap=column in {"case", "sla"}, overflow="fold")
    for state in states:
        where = (state.case.track.value, state.case.kecamatan) if is_wide else ()
        due = clock(state.due_at)[:16] if state.due_at else "-"
        sla = Text(state.sla_state.value, style=_SLA_STYLE[state.sla_state])
        table.add_row(state.case.case_number, *where, state.step.value, _now(state), sla, due)
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


def _now(state: CaseState) -> Text:
    """Return the outcome, or whom the case waits for and whether it is stuck."""
    if state.outcome is not None:
        return Text(state.outcome.value, style="bold")
    if state.health is CaseHealth.OK:
        return Text(f"waits for {state.waiting_on}")
    return Text(f"waits for {state.waiting_on}, {state.health}", style="bold red")


def _due(state: CaseState) -> Text:
    if state.due_at is None and state.outcome is not None:
        return Text("the clock never ran: the file was not complete")
    if state.due_at is None:
        return Text("the clock starts when the file is complete", style="yellow")
    late = f", terlambat {duration(state.late_by)}" if state.late_by else ""
    return Text(
        f"{clock(state.due_at)} WIB ({SLA[state.sla_state]}{late})", style=_SLA_STYLE[state.sla_state]
    )


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
            alert.step.value,
            late,
            alert.detail or "",
        )
    return table

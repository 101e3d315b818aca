"""What operators see: a case, a list of cases. Colours on a terminal, plain text in a pipe."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.known_people import known_people
from cli.office_time import office_left
from intake.papers import Checklist
from models.case import CaseHealth, CaseState, Outcome, SlaState
from models.case_words import CaseWords
from models.desk import DeskItem, IssuedLetter
from models.errors import Finding
from models.holding import looked_at
from models.letters import REPLACED
from models.messages import Alert, CaseEvent
from models.outbox import Silence
from models.reasons import Reasons
from models.roles import People
from models.texts import (
    DOCUMENT,
    ITEM,
    OUTCOME,
    STEP,
    any_of,
    duration,
    hand_words,
    trouble_words,
)
from models.wib import WIB, wib_clock, wib_date
from runtime.adapters import Office
from runtime.web_ui import WebUi

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
    people: People | None
    """Who works for the office; None where that cannot be read."""

    @property
    def words(self) -> CaseWords:
        """What is said of where the case stands."""
        told = CaseWords.of(self.state, self.history, self.read_at)
        return replace(told, office_left=self.office_left)

    @classmethod
    def of(cls, case_number: str, office: Office) -> "CaseReport":
        """Read it from the ledger. Raises NotFound."""
        now, people = office.clock(), known_people(office.shelf)
        state, history = office.registry.case(case_number), office.registry.history(case_number)
        return cls(
            state=state,
            history=history,
            read_at=now,
            office_left=office_left(state, history, office.shelf, now),
            alerts=office.registry.alerts(case_number),
            people=people,
            desk=looked_at(office.book.items(case_number=case_number), people, wib_date(now)),
            undelivered=len(office.book.undelivered(case_number)),
            letters=office.book.letters(case_number),
            erased_at=office.erasures.erased([case_number]).get(case_number),
        )


def silence_line(silence: Silence) -> Text:
    """Return the line that says that people were not told of something."""
    said = f"{silence.count} alert(s) reached nobody since {clock(silence.since)} WIB: starter.py doctor"
    return Text(said, style="bold red")


def case_screen(report: CaseReport, reasons: Reasons, ui: WebUi | None) -> RenderableType:
    """Return a case with its timeline; `reasons` gives the words of reason codes."""
    state = report.state
    facts = Table.grid(padding=(0, 2))
    facts.add_row("case", Text(state.case.case_number, style="bold"))
    facts.add_row("track", f"{state.case.track} - {state.case.kecamatan}")
    facts.add_row("step", f"{STEP[state.step]} (percobaan {state.attempt})")
    if state.outcome is not None:
        facts.add_row("outcome", Text(OUTCOME[state.outcome], style="bold"))
    else:
        facts.add_row("waiting on", report.words.waiting.removesuffix(" WIB"))
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
        then = "a worker delivers them" if state.outcome is None else "the case is over, and refuses them"
        facts.add_row("not delivered", f"{report.undelivered} command(s); {then}")
    facts.add_row("due", Text(report.words.due, style=_due_style(report)))
    if ui is not None:
        facts.add_row("web ui", ui.case(state.case.case_number))

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
            str(event.seq),
            _moment(event.at, report.read_at),
            event.kind.value,
            step,
            str(event.attempt or ""),
            words,
        )
    return Group(facts, timeline, *([_alerts(report.alerts)] if report.alerts else []))


def list_screen(
    states: Sequence[CaseState],
    erased: Collection[str],
    unbegun: Collection[str],
    now: datetime,
    width: int,
) -> RenderableType:
    """Return cases as a table, in the order given; a narrow screen goes without track and kecamatan.

    `erased` are the cases of people who were erased, `unbegun` those that no worker has begun.
    """
    is_wide = width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("case", *(("track", "kecamatan") if is_wide else ()), "step", "now", "sla", "due (WIB)"):
        table.add_column(column, no_wrap=column in {"case", "sla"}, overflow="fold")
    for state in states:
        where = (state.case.track.value, state.case.kecamatan) if is_wide else ()
        due = clock(state.due_at)[:16] if state.due_at else "-"
        stands = _now(state, is_begun=state.case.case_number not in unbegun)
        if state.case.case_number in erased:
            stands.append(", erased", style="dim")
        table.add_row(state.case.case_number, *where, state.step.value, stands, _sla(state, now), due)
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
    return wib_clock(at)


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


def _sla(state: CaseState, now: datetime) -> Text:
    """Return how a case stands against its budget, also when nobody has noticed that it is late."""
    if state.outcome is None and state.due_at is None and state.sla_state is SlaState.ON_TRACK:
        return Text("-")  # no clock runs yet
    is_late = state.outcome is None and state.due_at is not None and state.due_at <= now
    if is_late and state.sla_state is not SlaState.BREACHED:
        return Text(f"{state.sla_state}, past due", style="bold red")
    return Text(state.sla_state.value, style=_SLA_STYLE[state.sla_state])


def _now(state: CaseState, *, is_begun: bool) -> Text:
    """Return the outcome, or whom the case waits for and whether it is stuck."""
    if state.outcome is not None:
        return Text(state.outcome.value, style="bold")
    if not is_begun:
        return Text("waits for a worker to begin it", style="yellow")
    if state.health is CaseHealth.OK:
        return Text(f"waits for {state.waiting_on}")
    return Text(f"waits for {state.waiting_on}, {state.health}", style="bold red")


def _moment(at: datetime, now: datetime) -> str:
    """Return a time of a timeline; the year is told unless it is the present one."""
    is_of_now = at.astimezone(WIB).year == now.astimezone(WIB).year
    return clock(at)[5:] if is_of_now else clock(at)


def _due_style(report: CaseReport) -> str:
    if report.state.due_at is None:
        return "" if report.state.outcome is not None else "yellow"
    return "bold red" if report.words.is_past_due else _SLA_STYLE[report.state.sla_state]


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

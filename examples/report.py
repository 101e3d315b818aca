"""What the demo prints at the end, and its verdict."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.screens import CaseReport, case_screen, findings_screen
from examples.effects import Count, Institutions
from examples.played import Played, answers, files_of_cases
from gateways.ports.ledger import Registry
from models.case import Outcome, SlaState, Step
from models.texts import duration
from runtime.adapters import Office
from runtime.web_ui import WebUi

WIDE = 115
_GOOD, _BAD = "green", "bold red"


async def count(played: Sequence[Played], institutions: Institutions, registry: Registry) -> list[Count]:
    """Compare what the institutions did with what the cases tell."""
    uploaded = answers(played, registry, Step.SIKS_NG_UPLOAD)
    decided = answers(played, registry, Step.KEMENSOS_VERIFICATION)
    reactivated = [
        one for one in played if one.is_new and one.state and one.state.outcome is Outcome.REACTIVATED
    ]
    submissions = await institutions.effects("siks_ng")
    return [
        Count("siks_ng", submissions, len(uploaded), frozenset(uploaded ^ submissions.keys())),
        Count("kemensos", await institutions.effects("kemensos"), len(decided)),
        Count("bpjs", await institutions.effects("bpjs"), len(reactivated)),
    ]


def outcomes(played: Sequence[Played], width: int) -> RenderableType:
    """Return one line for each application: what was expected, what came, and whether that is the same.

    Below `WIDE` columns the case numbers are left out, and an expectation that was met.
    """
    files, is_wide = files_of_cases(played), width >= WIDE
    columns = (
        ("file", "case", "expected", "got", "sla", "took", "")
        if is_wide
        else ("file", "got", "sla", "took", "")
    )
    table = Table(
        box=box.SIMPLE_HEAD, title="outcomes", title_justify="left", pad_edge=False, show_edge=False
    )
    for column in columns:
        table.add_column(
            column, justify="right" if column == "took" else "left", no_wrap=column in ("file", "case")
        )
    for one in played:
        expected, got = one.entry.expected, one.got(files)
        verdict = Text("ok", style=_GOOD) if got == expected else Text("FAIL", style=_BAD)
        short = got if got == expected else f"{got} (expected: {expected})"
        came = [one.case_number or "-", expected, got] if is_wide else [short]
        table.add_row(one.entry.name, *came, _sla(one), _took(one), verdict)
    return Group(table, "")


def findings(played: Sequence[Played]) -> RenderableType:
    """Return what the operator reads who hands in the application with the most faults."""
    worst = max(played, key=lambda one: len(one.faults))
    head = Text(
        f"refused: {worst.entry.file}, {len(worst.faults)} faults at once, nothing was started",
        style="italic",
    )
    return Group(head, findings_screen(worst.faults, style="red"), "")


def timeline(played: Sequence[Played], file: str, office: Office, web_ui: str) -> RenderableType:
    """Return the screen of one case, as `starter.py show` prints it."""
    number = next((one.case_number for one in played if one.entry.file == file), None)
    if number is None:
        return Text(f"{file} did not become a case", style=_BAD)
    ui = WebUi(web_ui, "default")
    head = Text(f"one case: {file}, as `starter.py show {number}` prints it", style="italic")
    return Group(head, case_screen(CaseReport.of(number, office), office.shelf.reasons(), ui))


def effects(counts: Sequence[Count]) -> RenderableType:
    """Return what the institutions counted, one line each."""
    head = Text("effects, counted by the simulated institutions", style="italic")
    return Group(head, *(Text(f"  {one.told}", style=_GOOD if one.is_right else _BAD) for one in counts), "")


def faults(played: Sequence[Played], counts: Sequence[Count]) -> list[str]:
    """Return what differs from the manifest; nothing when all is as expected."""
    files = files_of_cases(played)
    differ = [
        f"{one.entry.file} {one.case_number or ''}: expected {one.entry.expected}, got {one.got(files)}"
        for one in played
        if one.got(files) != one.entry.expected
    ]
    return differ + [one.told for one in counts if not one.is_right]


def _sla(one: Played) -> Text:
    if one.state is None or not one.is_new:
        return Text("-")
    late = f", {duration(one.state.late_by)}" if one.state.late_by else ""
    style = _BAD if one.state.sla_state in (SlaState.MISSED, SlaState.BREACHED) else ""
    return Text(f"{one.state.sla_state}{late}", style=style)


def _took(one: Played) -> str:
    if one.state is None or one.state.closed_at is None or not one.is_new:
        return "-"
    return f"{(one.state.closed_at - one.state.case.received_at).total_seconds():.1f} s"

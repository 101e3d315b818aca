"""Commands on the papers of a case: which are there, which are missing, add some."""

from typing import Annotated

import typer
from rich.console import Console

from cli.door import As, CaseArgument, CommandId, Json, counter, hand, known_form, print_json, run
from cli.screens import papers_screen
from intake.papers import Papers
from runtime import adapters
from runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Papers of a case: `list`, `add`.")


@app.command("list", epilog="Example: starter.py documents list PBI-3275-2026-000001")
def documents_list(case: CaseArgument, json_: Json = False) -> None:
    """Show which papers a case has and which are missing."""

    async def work(settings: Settings, screen: Console) -> None:
        checklist = _papers(adapters.office(settings)).checklist(known_form(case))
        if json_:
            wanted = [{"any_of": sorted(one.any_of), "is_met": one.is_met} for one in checklist.wanted]
            print_json(
                {
                    "wanted": wanted,
                    "papers": [vars(paper) for paper in checklist.papers],
                    "lost": sorted(checklist.lost),
                }
            )
        else:
            screen.print(papers_screen(checklist))

    run(work, as_json=json_)


@app.command("add", epilog="Example: starter.py documents add PBI-3275-2026-000001 kk=kk.pdf ktp=a.jpg")
def documents_add(
    case: CaseArgument,
    papers: Annotated[list[str], typer.Argument(metavar="KIND=PATH...", help="Papers, each with its kind.")],
    as_: As = None,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Add papers to a case; one that waits for papers goes on. Safe to repeat."""

    async def work(settings: Settings, screen: Console) -> None:
        at, store = await counter(settings), _papers(adapters.office(settings))
        number, giver = known_form(case), hand(as_, command_id, settings)
        read = store.read(papers)
        names = [paper.name for paper in read]
        if at.work.papers_told(giver, number, names) is None:
            new = store.keep(number, read)
            if not json_:
                screen.print(f"{new} new paper(s) kept", style="bold")
        command = at.work.papers_added(giver, number, names)
        await at.give(command, "was told", screen, as_json=json_)

    run(work, as_json=json_)


def _papers(office: adapters.Office) -> Papers:
    return Papers(office.registry, office.documents, office.shelf)

"""A day at the desks: people check, sign, upload and decide, and the ledger tells who did what.

`make demo-desk`.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from cli.door import Counter
from cli.screens import console
from examples import desk_ledger, desk_screens, desk_script, desk_verdict, stage
from examples.desk_logbook import Deed, Logbook
from examples.desk_people import Colleague
from examples.desk_script import ScriptedCase
from examples.progress import Progress
from gateways.ledger_schema import open_engine
from intake.intake import Intake
from intake.papers import Papers
from models.case import CaseState
from models.errors import Misconfigured
from models.roles import Officer, Role
from runtime import adapters, keys
from runtime.adapters import Office
from runtime.delivery import Delivery
from runtime.entry import leave
from runtime.settings import PREFIX, ROOT
from runtime.stack import Stack, StackOptions
from runtime.starting import CaseStarter

FOLDER = ROOT / ".local" / "desk-day"
INBOX = FOLDER / "inbox"
DEADLINE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.3


class DeskDay:
    """One day, over a stack of its own on which no machine answers for an institution."""

    def __init__(self, stack: Stack, screen: Console) -> None:
        """`stack` was not started yet."""
        self._stack = stack
        self._screen = screen
        self._logbook = Logbook(desk_script.load(), self.say)

    def say(self, line: str) -> None:
        """Print one line."""
        self._screen.print(line, markup=False, soft_wrap=True)

    async def run(self, *, keep: bool) -> int:
        """Bring the stack up, let people work, judge it; return the exit code."""
        return await stage.perform(
            self._stack, self.say, lambda watching: self._play(watching, keep=keep), keep=keep
        )

    async def _play(self, watching: stage.Watching, *, keep: bool) -> bool:
        office = adapters.office(self._stack.settings)
        namespace = await self._stack.namespace()
        starter = CaseStarter(namespace)
        await self._submit(Intake(office.registry, office.documents, office.shelf, starter), office)
        delivery = Delivery(namespace, office.registry, office.book, office.clock)
        counter = Counter(office, namespace, adapters.work(office), delivery)
        papers = Papers(office.registry, office.documents, office.shelf)
        INBOX.mkdir()
        people = [Colleague(one, counter, papers, self._logbook, INBOX) for one in self._logbook.script.staff]
        self.say(f"{len(people)} officers are at their desks")
        working = [asyncio.create_task(one.work()) for one in people]
        try:
            await self._wait(office, (watching, *working))
            self._logbook.is_over = True
            await asyncio.gather(*working)
        finally:
            for task in working:
                task.cancel()
        return self._judge(office, keep=keep)

    async def _submit(self, intake: Intake, office: Office) -> None:
        """Hand in everything at the counters, one after the other: each day has the same case numbers."""
        for case in self._logbook.script.case:
            officer = self._at_counter(office, case.city)
            done = await intake.submit(case.path, now=datetime.now(UTC), by=officer)
            self._logbook.case_of[done.case_number] = case
            self._logbook.did(Deed(done.case_number, None, None, "registered", officer.id))
        self.say(f"{len(self._logbook.case_of)} applications handed in")

    def _at_counter(self, office: Office, city: str) -> Officer:
        """Return who takes the applications of a city today. Raises Misconfigured."""
        people = map(office.shelf.people().find, self._logbook.script.staff)
        for one in people:
            if one is not None and Role.INTAKE in one.roles and city in one.cities:
                return one
        raise Misconfigured(f"examples/desk_day.toml: nobody is at the counter of {city}")

    async def _wait(self, office: Office, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Show the cases until all are over, or the deadline has come."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with Progress(self._screen, len(self._logbook.script.case)) as progress:
            while time.monotonic() < deadline:
                states = await asyncio.to_thread(office.registry.cases, limit=1000)
                progress.show(states)
                for failed in (task for task in tasks if task.done()):
                    failed.result()
                if all(state.outcome is not None for state in states):
                    return
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _judge(self, office: Office, *, keep: bool) -> bool:
        """Print what the ledger tells, and whether it is what happened and what should have happened."""
        show, logbook = self._screen.print, self._logbook
        settings = self._stack.settings
        vault = keys.vault(settings, open_engine(settings.ledger_url))
        told = desk_ledger.read(self._stack.folder / "ledger.db", vault)
        states: dict[str, CaseState] = {
            state.case.case_number: state for state in office.registry.cases(limit=1000)
        }
        faults = desk_verdict.faults(logbook, states, told)
        show(desk_screens.timelines(logbook, office, self._stack.web_ui))
        show(desk_screens.portal_sheet(logbook))
        show(desk_screens.who_did_what(logbook, told, self._screen.width))
        show(desk_screens.letters(told, self._screen.width))
        show(desk_screens.refusals(logbook))
        show(desk_screens.outcomes(logbook, states, told, faults, self._screen.width))
        if faults:
            show(f"{len(faults)} thing(s) differ from examples/desk_day.toml:", style="bold red")
            for fault in faults:
                show(f"  {fault}", style="red", markup=False)
        else:
            show(_praise(logbook.script.case, told), style="bold green")
        folder = FOLDER.relative_to(ROOT)
        if keep:
            show(f"web ui  {self._stack.web_ui}")
            show(
                f"try     {PREFIX}LOCAL_DIR={folder} .venv/bin/python starter.py desk --help", soft_wrap=True
            )
            show("the stack stays up; Ctrl-C stops it")
        else:
            show(f"web ui  {self._stack.web_ui} until now; `make demo-desk KEEP=1` leaves it up")
            show(f"logs    {folder}/logs")
        return not faults


def _praise(cases: Sequence[ScriptedCase], told: desk_ledger.Told) -> str:
    bearers = len({deed.by for deed in told.deeds})
    return (
        f"all {len(cases)} cases went as examples/desk_day.toml says;"
        f" the ledger tells who did what: {len(told.deeds)} deeds of {bearers} bearers"
    )


def main(arguments: Sequence[str]) -> int:
    """Play the day; return 0 when everything went as the script says and the ledger tells it."""
    return stage.main(arguments, "python -m examples.desk_day", __doc__, _run)


async def _run(keep: bool) -> int:  # noqa: FBT001 - the command line's one switch
    options = StackOptions(port=0, ui_port=0, by_hand=True)
    return await DeskDay(stage.fresh(FOLDER, options), console()).run(keep=keep)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))

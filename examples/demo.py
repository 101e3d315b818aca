"""Real cases on a real Temporal server, from the application file to the outcome: `make demo`."""

import asyncio
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from cli.screens import console
from desk.orders import Hand
from desk.work import OfficeWork
from examples import manifest, report, stage
from examples.effects import Count, Institutions
from examples.manifest import Operator
from examples.played import Played
from examples.progress import Progress
from intake.intake import Intake
from models.errors import WrongState
from runtime import adapters
from runtime.adapters import Office
from runtime.delivery import Delivery
from runtime.entry import leave
from runtime.settings import PREFIX, ROOT
from runtime.stack import LOCAL_ACTOR, Stack, StackOptions
from runtime.starting import CaseStarter

FOLDER = ROOT / ".local" / "demo"
DEADLINE_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.3


class Demo:
    """One run over a stack of its own."""

    def __init__(self, stack: Stack, screen: Console) -> None:
        """`stack` was not started yet."""
        self._stack = stack
        self._screen = screen
        self._plan = manifest.load()
        self._played = [Played(entry) for entry in self._plan.application]

    def say(self, line: str) -> None:
        """Print one line."""
        self._screen.print(line, markup=False)

    async def run(self, *, keep: bool) -> int:
        """Bring the stack up, play everything, judge it; return the exit code."""
        return await stage.perform(
            self._stack, self.say, lambda watching: self._play(watching, keep=keep), keep=keep
        )

    async def _play(self, watching: stage.Watching, *, keep: bool) -> bool:
        institutions = Institutions(self._stack.simulators)
        office = adapters.office(self._stack.settings)
        namespace = await self._stack.namespace()
        intake = Intake(office.registry, office.documents, office.shelf, CaseStarter(namespace))
        for entry in self._plan.application:
            for system, dials in entry.dials.items():
                await institutions.turn(system, entry.nik(), dials)
        await self._submit(intake)
        operating = asyncio.create_task(
            self._operate(
                adapters.work(office), Delivery(namespace, office.registry, office.book, office.clock)
            )
        )
        try:
            await self._wait(office, (watching, operating))
        finally:
            operating.cancel()
        counts = await report.count(self._played, institutions, office.registry)
        self._report(counts, office, keep=keep)
        return not report.faults(self._played, counts)

    def _report(self, counts: Sequence[Count], office: Office, *, keep: bool) -> None:
        """Print what came of everything."""
        show = self._screen.print
        show(report.timeline(self._played, self._plan.timeline_of, office, self._stack.web_ui))
        show(report.findings(self._played))
        show(report.outcomes(self._played, self._screen.width))
        show(report.effects(counts))
        if faults := report.faults(self._played, counts):
            show(f"{len(faults)} thing(s) differ from examples/manifest.toml:", style="bold red")
            for fault in faults:
                show(f"  {fault}", style="red", markup=False)
        else:
            show("everything ended as examples/manifest.toml expects", style="bold green")
        folder = FOLDER.relative_to(ROOT)
        if keep:
            show(f"web ui  {self._stack.web_ui}")
            show(f"try     {PREFIX}LOCAL_DIR={folder} .venv/bin/python starter.py list")
            show("the stack stays up; Ctrl-C or `make down` stops it")
        else:
            show(f"web ui  {self._stack.web_ui} until now; `make demo KEEP=1` leaves it up")
            show(f"logs    {folder}/logs")

    async def _submit(self, intake: Intake) -> None:
        """Hand in everything at once, and then again whoever was handed in before."""
        started = time.monotonic()
        first = [one for one in self._played if one.entry.same_case_as is None]
        await asyncio.gather(*(one.submit(intake) for one in first))
        await asyncio.gather(*(one.submit(intake) for one in self._played if one not in first))
        self.say(f"{len(self._played)} applications handed in within {time.monotonic() - started:.1f} s")

    async def _wait(self, office: Office, helpers: Sequence[asyncio.Task[None]]) -> None:
        """Show the cases until all are where they end, or the deadline has come."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with Progress(self._screen, sum(one.entry.becomes_case for one in self._played)) as progress:
            while True:
                states = await asyncio.to_thread(office.registry.cases, limit=1000)
                by_number = {state.case.case_number: state for state in states}
                for one in self._played:
                    one.observe(by_number)
                progress.show(states)
                for failed in (helper for helper in helpers if helper.done()):
                    failed.result()
                if all(one.is_settled for one in self._played) or time.monotonic() > deadline:
                    return
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _operate(self, work: OfficeWork, delivery: Delivery) -> None:
        """Do what an operator does once a case waits for a person."""
        due = [one for one in self._played if one.entry.operator is not None]
        while True:
            for one in [one for one in due if one.waits_for_operator]:
                if await self._act(one, work, delivery):
                    due.remove(one)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _act(self, one: Played, work: OfficeWork, delivery: Delivery) -> bool:
        """Give the command of one application; False when nothing came of it."""
        number, operator = str(one.case_number), one.entry.operator
        hand = Hand(LOCAL_ACTOR)
        try:
            command = (
                work.withdraw(hand, number, _REASON)
                if operator is Operator.WITHDRAW
                else work.retry(hand, number)
            )
            await delivery.deliver(command)
        except WrongState as refusal:
            self.say(f"operator: {refusal}")
            return True
        self.say(f"operator: {operator} {number} ({one.entry.name})")
        return True


_REASON = "pemohon membatalkan (contoh)"


def main(arguments: Sequence[str]) -> int:
    """Play the demo; return 0 when everything ended as the manifest expects."""
    return stage.main(arguments, "python -m examples.demo", __doc__, _run)


async def _run(keep: bool) -> int:  # noqa: FBT001 - the command line's one switch
    options = StackOptions(port=0, ui_port=0, policies_dir=manifest.FOLDER / "policies")
    return await Demo(stage.fresh(FOLDER, options), console()).run(keep=keep)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))

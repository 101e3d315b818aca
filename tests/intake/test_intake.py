"""Intake on the real ledger and document store, with a Temporal that may be away."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateways.folder_documents import FolderDocuments
from gateways.policy_folder import PolicyFolder
from gateways.sql_registry import SqlRegistry
from intake.intake import Intake
from models.case import CaseRef
from models.errors import BadInput, EngineUnreachable
from tests.builders import PDF, an_application, write_application
from tests.ledgers import a_ledger
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 11, 1, 0, tzinfo=UTC)


class Temporal:
    """Starts workflows, unless it is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.started: list[str] = []

    async def __call__(self, case: CaseRef) -> None:
        """Start a case. Raises EngineUnreachable."""
        if self.is_away:
            raise EngineUnreachable("Temporal does not answer")
        self.started.append(case.case_number)


class Counter:
    """An intake desk with its own ledger, store and Temporal."""

    def __init__(self, folder: Path) -> None:
        engine = a_ledger(folder)
        self.registry = SqlRegistry(engine, a_vault(), clock=lambda: NOW)
        self.store = folder / "documents"
        self.temporal = Temporal()
        shelf = PolicyFolder(ROOT / "policies")
        self.intake = Intake(self.registry, FolderDocuments(self.store, a_vault()), shelf, self.temporal)

    def papers(self) -> list[str]:
        """Return the names of the files in the store."""
        return [path.name for path in self.store.rglob("*") if path.is_file()]


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A desk that has seen nobody yet."""
    return Counter(tmp_path)


async def test_an_application_becomes_a_registered_and_started_case(counter: Counter, tmp_path: Path) -> None:
    """The number names city and year in WIB; the paper lies in the store under a keyed hash alone."""
    new_year = datetime(2025, 12, 31, 18, 0, tzinfo=UTC)  # 1 January 2026, 01:00 WIB
    data = an_application(deactivated_on="2025-12-01")
    data["need"] = {"kind": "chronic", "facility": "RS", "letter_number": "1", "letter_date": "2025-12-31"}
    done = await counter.intake.submit(write_application(tmp_path, data), now=new_year)
    assert (done.case_number, done.is_new, done.is_started) == ("PBI-3674-2026-000001", True, True)
    assert counter.temporal.started == ["PBI-3674-2026-000001"]
    assert counter.papers() == [a_vault().index("paper", hashlib.sha256(PDF).hexdigest())]
    assert counter.registry.case(done.case_number).case.kecamatan == "Pamulang"


async def test_the_same_person_again_gets_the_case_that_is_open(counter: Counter, tmp_path: Path) -> None:
    """Ten times in a row: one case, ten equal numbers, one start."""
    path = write_application(tmp_path, an_application())
    answers = [await counter.intake.submit(path, now=NOW) for _ in range(10)]
    assert {answer.case_number for answer in answers} == {"PBI-3674-2026-000001"}
    assert [answer.is_new for answer in answers] == [True] + [False] * 9
    assert len(counter.temporal.started) == 1


async def test_a_refused_application_leaves_nothing_behind(counter: Counter, tmp_path: Path) -> None:
    """One bad paper among good ones: no case, no start, and no paper in the store."""
    documents = [{"kind": "facility_letter", "path": "surat.pdf"}, {"kind": "ktp", "path": "absent.pdf"}]
    with pytest.raises(BadInput):
        await counter.intake.submit(write_application(tmp_path, an_application(documents=documents)), now=NOW)
    assert (counter.registry.cases(), counter.temporal.started, counter.papers()) == ([], [], [])


async def test_a_case_registered_while_temporal_is_away_is_started_by_the_sweep(
    counter: Counter, tmp_path: Path
) -> None:
    """Nothing is lost and nothing is started twice."""
    counter.temporal.is_away = True
    done = await counter.intake.submit(write_application(tmp_path, an_application()), now=NOW)
    assert (done.is_new, done.is_started) == (True, False)
    with pytest.raises(EngineUnreachable, match=r"1 case\(s\) wait"):
        await counter.intake.sweep(NOW + timedelta(minutes=1))
    counter.temporal.is_away = False
    assert await counter.intake.sweep(NOW - timedelta(minutes=1)) == 0
    assert await counter.intake.sweep(NOW + timedelta(minutes=1)) == 1
    assert await counter.intake.sweep(NOW + timedelta(minutes=1)) == 0
    assert counter.temporal.started == [done.case_number]


async def test_a_paper_named_twice_is_kept_once(counter: Counter, tmp_path: Path) -> None:
    """The same scan under two entries of one kind is one paper."""
    documents = [{"kind": "facility_letter", "path": "surat.pdf"}] * 2
    done = await counter.intake.submit(
        write_application(tmp_path, an_application(documents=documents)), now=NOW
    )
    assert done.is_new


async def test_ten_applications_of_one_person_at_once_are_one_case(counter: Counter, tmp_path: Path) -> None:
    """In one process; `tests/e2e` does it with ten."""
    path = write_application(tmp_path, an_application())
    answers = await asyncio.gather(*(counter.intake.submit(path, now=NOW) for _ in range(10)))
    assert {answer.case_number for answer in answers} == {"PBI-3674-2026-000001"}
    assert sum(answer.is_new for answer in answers) == 1

"""Who works here and who is away is read anew after an edit: an alert goes to whoever is there today."""

import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateways.channels import OutboxAndLog
from gateways.ledger_access import utc_now
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_outbox import SqlOutbox
from models.messages import Alert, AlertKind
from models.wib import wib_date
from runtime.settings import ROOT
from tests.ledgers import a_ledger

SUPERVISOR = "tangsel-supervisor"
DEPUTY = "tangsel-kepala-bidang"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The policies, to be edited."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def send_away(folder: Path) -> None:
    """Write that the supervisor is away today."""
    path, today = folder / "people.toml", wib_date(utc_now())
    entry = f'id = "{SUPERVISOR}"\n'
    away = f"absent = [{{ from = {today}, to = {today} }}]\n"
    text = path.read_text()
    assert text.count(entry) == 1
    path.write_text(text.replace(entry, entry + away))


class Office:
    """A worker's way to tell people, that was built before anybody edits anything."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        engine = a_ledger(ledger)
        self.shelf = PolicyFolder(folder)
        self.book = SqlAlertBook(engine)
        self.channel = OutboxAndLog(SqlOutbox(engine), self.shelf, utc_now)

    def told_of(self, key: str) -> set[str]:
        """Raise an alert about the city and return who is told."""
        kind = AlertKind.NO_WORKER
        self.channel.send(Alert(key=key, city="3674", kind=kind, raised_at=utc_now(), detail="worker"))
        return {one.recipient for one in self.book.deliveries_of(key)}


def test_an_absence_is_heeded_by_who_runs_already(folder: Path, tmp_path: Path) -> None:
    """The next alert goes to the deputy, without a restart."""
    office = Office(folder, tmp_path)
    assert SUPERVISOR in office.told_of("before")
    send_away(folder)
    told = office.told_of("after")
    assert (DEPUTY in told, SUPERVISOR in told) == (True, False)


@pytest.mark.parametrize("written", ["[[person", 'person = "nobody"'], ids=["half written", "not a list"])
def test_a_fault_keeps_the_last_good_people(folder: Path, tmp_path: Path, written: str) -> None:
    """Somebody is told meanwhile; the fault is in the log, and who begins to run is refused."""
    office = Office(folder, tmp_path)
    before = office.told_of("before")
    (folder / "people.toml").write_text(written)
    with capture_logs() as logs:
        assert office.told_of("after") == before
        office.shelf.people()
    assert [one["event"] for one in logs if one["event"] == "people.faulty"] == ["people.faulty"]

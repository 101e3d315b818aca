"""The ledger's tables: opened right, migrated once, the same as the models say."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text
from structlog.testing import capture_logs

from gateways.folder_documents import FolderDocuments
from gateways.ledger_migrations import alembic_config, migrate
from gateways.ledger_schema import REVISION, open_engine, require_current
from gateways.ports.ledger import Ledger, Registry
from gateways.ports.papers import Documents
from gateways.sealed_rows import REFERENCE, key_of_case
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_figures import SqlFigures
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models import (  # noqa: F401 - their tables belong to the same metadata
    alert_tables,
    audit_tables,
    bulk_tables,
    desk_tables,
    erasure_tables,
    event_tables,
    import_tables,
    lineage_tables,
    watch_tables,
)
from models.case import Step
from models.desk import NewLetter, PortalReceipt
from models.errors import EngineUnreachable, Misconfigured, ReferenceTaken
from models.outbox import AlertState
from models.roles import Role
from models.tables import LedgerTable
from tests.ledger.builders import MORNING, a_new_case
from tests.ledgers import put_ledger, upgrade
from tests.vaults import a_vault

_ROOT = Path(__file__).parents[2]
_OLD = "PBI-3674-2026-000001"
_BEFORE_THE_DESK = (Path(__file__).parent / "before_the_desk.sql").read_text().split(";")[:-1]
_NEWEST = ScriptDirectory.from_config(alembic_config()).get_current_head()
_MIGRATE = (
    "import sys; from gateways.ledger_migrations import migrate; "
    "from gateways.ledger_schema import open_engine; migrate(open_engine(sys.argv[1]))"
)


def test_adapters_satisfy_their_ports(engine: Engine, tmp_path: Path) -> None:
    """The type checker reads these lines; running them is a bonus."""
    adapters: tuple[Ledger, Registry, Documents] = (
        SqlLedger(engine, a_vault()),
        SqlRegistry(engine, a_vault()),
        FolderDocuments(tmp_path, a_vault()),
    )
    assert len(adapters) == 3


def test_migrated_tables_are_those_of_the_models(engine: Engine) -> None:
    """Alembic finds no difference between the migrated database and the metadata."""
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), LedgerTable.metadata) == []


def test_downgrade_is_refused_and_nothing_is_lost(engine: Engine) -> None:
    """The work of the desk is not thrown away by a command."""
    tables = set(inspect(engine).get_table_names())
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        with pytest.raises(NotImplementedError, match="restore a backup"):
            command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) == tables
    require_current(engine)


def test_a_ledger_from_before_the_desk_is_carried_over(empty_engine: Engine) -> None:
    """Letters keep number and year, the newest is valid; submissions, desk items and alerts are there."""
    upgrade(empty_engine, "0002")
    with empty_engine.begin() as connection:
        for statement in _BEFORE_THE_DESK:
            connection.execute(text(statement))
    migrate(empty_engine, a_vault())

    book = SqlDeskBook(empty_engine, a_vault())
    assert [(letter.number, letter.is_valid) for letter in book.letters(_OLD)] == [
        ("REK-3674-2026-000001", False),
        ("REK-3674-2026-000002", True),
    ]
    assert [(item.step, item.reason, item.role) for item in book.items()] == [
        (Step.SIKS_NG_UPLOAD, "BadReply", Role.SUPERVISOR)
    ]
    assert book.receipt(_OLD, 1) == PortalReceipt("S-1", MORNING, None)
    ledger = SqlLedger(empty_engine, a_vault())
    new = NewLetter(MORNING.date(), "d", lambda sequence, day: f"{sequence}/{day.year}", None)
    assert ledger.issue_letter(_OLD, 3, new).number == "3/2026"
    with empty_engine.begin() as connection:
        assert connection.execute(text("SELECT epoch, seq FROM case_events")).all() == [(1, 1)]
    alerts = {entry.alert.key: entry for entry in SqlAlertBook(empty_engine).entries()}
    assert (alerts["open"].state, alerts["open"].closed_at) == (AlertState.OPEN, None)
    assert (alerts["over"].state, alerts["over"].closed_at) == (AlertState.CLOSED, MORNING)
    assert SqlOutbox(empty_engine).lease(MORNING, MORNING) == []


def test_references_of_an_older_ledger_are_told_apart_as_new_ones_are(empty_engine: Engine) -> None:
    """Also those that were void; of two that are one now the later stays, and the log names both."""
    engine = empty_engine
    upgrade(engine, "0013")
    registry, ledger, vault = SqlRegistry(engine, a_vault()), SqlLedger(engine, a_vault()), a_vault()
    cases = [registry.register(a_new_case()).case.case_number for _ in range(4)]
    for minute, number in enumerate(cases[:3]):
        ledger.save_submission(number, 1, f"old-{minute}", MORNING + timedelta(minutes=minute))
    with engine.begin() as connection:
        for number, reference in zip(cases, ("OLD 0", "old-1", "OLD-1"), strict=False):
            key = key_of_case(connection, vault, number)
            place = f"submissions/{number}/1/reference"
            row = {
                "number": number,
                "raw": vault.index(REFERENCE, reference),
                "it": key.seal(place, reference),
            }
            as_before = "UPDATE submissions SET reference_index = :raw, reference = :it"
            connection.execute(text(f"{as_before} WHERE case_number = :number"), row)

    with capture_logs() as lines:
        migrate(engine, vault)

    assert [(line["case_number"], line["other"]) for line in lines] == [(cases[2], cases[1])]
    for again, owner in (("old0", cases[0]), ("OLD\N{EN DASH}1", cases[1])):
        with pytest.raises(ReferenceTaken, match=f"belongs to {owner}"):
            ledger.save_submission(cases[3], 1, again, MORNING)
    assert ledger.submission_reference(cases[2]) == "OLD-1"


def test_what_reached_nobody_in_an_older_version_climbs_in_this_one(empty_engine: Engine) -> None:
    """What is open and was tried in vain; not what a person has heard, or what is settled."""
    rows = (
        ("vain", "open", "rina", "pending"),
        ("refused", "open", "rina", "gave_up"),
        ("machine", "open", "rina", "gave_up"),
        ("machine", "open", "@webhook", "sent"),
        ("heard", "open", "rina", "pending"),
        ("heard", "open", "budi", "in_digest"),
        ("over", "closed", "rina", "pending"),
        ("taken", "acknowledged", "rina", "gave_up"),
    )
    upgrade(empty_engine, "0012")
    with empty_engine.begin() as connection:
        for key, state in dict.fromkeys((key, state) for key, state, _, _ in rows):
            connection.execute(
                text(
                    "INSERT INTO alerts (key, city, kind, level, raised_at, levels, state)"
                    " VALUES (:key, '3674', 'watch.no_worker', 1, :at, '[]', :state)"
                ),
                {"key": key, "state": state, "at": MORNING},
            )
        for id_, (key, _, recipient, became) in enumerate(rows):
            connection.execute(
                text(
                    "INSERT INTO alert_deliveries"
                    " (id, alert_key, recipient, number, state, attempts, next_at)"
                    " VALUES (:id, :key, :recipient, 0, :became, 3, :at)"
                ),
                {"id": id_ + 1, "key": key, "recipient": recipient, "became": became, "at": MORNING},
            )
    migrate(empty_engine, a_vault())

    found = SqlOutbox(empty_engine).unheard(MORNING)
    assert sorted(one.alert.key for one in found) == ["machine", "refused", "vain"]


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    """A second call is harmless and keeps the rows."""
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case
    migrate(engine)
    assert SqlRegistry(engine, a_vault()).case(case.case_number).case == case


def test_processes_that_migrate_at_once_do_not_disturb_each_other(url: str) -> None:
    """Three processes on an empty database: all succeed, and the schema is there."""
    processes = [subprocess.Popen([sys.executable, "-c", _MIGRATE, url], cwd=_ROOT) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    engine = open_engine(url)
    require_current(engine)
    engine.dispose()


def test_this_version_works_on_the_newest_tables() -> None:
    """Who adds a migration and forgets to say so would have every command refuse the new tables."""
    assert REVISION == _NEWEST


def test_old_schema_is_named_with_the_fix(empty_engine: Engine) -> None:
    """A ledger without tables says what it is at, what is needed and which command to run."""
    with pytest.raises(Misconfigured) as caught:
        require_current(empty_engine)
    assert str(caught.value) == (
        f"ledger schema is at nothing, this version needs {_NEWEST}: run `starter.py migrate`"
    )


def test_ledger_newer_than_the_program_is_left_alone(engine: Engine) -> None:
    """A revision that this version does not know stops both the check and the migration."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match=f"at 9999, this version needs {_NEWEST}"):
        require_current(engine)
    with pytest.raises(Misconfigured, match="at 9999, which this version does not know"):
        migrate(engine)


@pytest.mark.parametrize("call", [migrate, require_current])
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/l.db",
        "postgresql+psycopg://boss:s3cret@/l?host=/nowhere&sslpassword=s3cret",
    ],
)
def test_database_that_is_away_is_named_without_its_password(
    url: str, call: Callable[[Engine], None]
) -> None:
    """The message names the setting to look at, and no credential."""
    with pytest.raises(EngineUnreachable, match="REAKTIVASI_DATABASE_URL") as caught:
        call(open_engine(url))
    assert "s3cret" not in str(caught.value)
    assert "boss" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "sqlite://", "sqlite:///:memory:", "mysql://h/d", "postgresql://u:s3cret@h/d"]
)
def test_address_of_another_kind_is_refused(url: str) -> None:
    """Only a SQLite file or PostgreSQL through psycopg; the refusal does not quote the address."""
    with pytest.raises(Misconfigured, match="REAKTIVASI_DATABASE_URL must be") as caught:
        open_engine(url)
    assert "s3cret" not in str(caught.value)


class TestSqlite:
    """What SQLite needs to be told."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Only SQLite."""
        return put_ledger(tmp_path / "ledger.db")

    def test_every_connection_is_set_up(self, engine: Engine) -> None:
        """WAL, synchronous NORMAL, ten seconds of patience, foreign keys on."""
        with engine.connect() as connection:
            told = {
                name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
            }
        assert told == {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 10000, "foreign_keys": 1}

    def test_only_writes_take_the_write_lock_at_once(self, engine: Engine) -> None:
        """A register begins IMMEDIATE, figures begin plainly, a look at a case not at all."""
        registry = SqlRegistry(engine, a_vault())
        begins: list[str] = []
        event.listen(
            engine,
            "before_cursor_execute",
            lambda _1, _2, statement, *_: begins.append(statement) if "BEGIN" in statement else None,
        )
        case = registry.register(a_new_case()).case
        registry.case(case.case_number)
        SqlFigures(engine).of_city(case.city, case.received_at, 1)
        assert begins == ["BEGIN IMMEDIATE", "BEGIN"]

    def test_new_file_is_readable_by_its_owner_only(self, engine: Engine) -> None:
        """Mode 0600, also for the write-ahead log."""
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            files = list(Path(str(engine.url.database)).parent.iterdir())
            assert len(files) == 3
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}

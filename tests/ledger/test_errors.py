"""When the database is away or refuses: our errors, in fixed words, with nobody's data."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, event, insert, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError

from gateways import idle_connections
from gateways.ledger_access import LedgerAccess, unreachable
from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.write_probe import require_writable
from models.dossier import Person
from models.errors import BadReply, EngineUnreachable, Unavailable
from models.tables import people
from tests.ledger.builders import a_new_case, a_paper, a_person, a_record, an_event, facts_of
from tests.ledgers import put_ledger
from tests.vaults import a_vault

_NUMBER = "PBI-3674-2026-000001"


@contextmanager
def _nothing_personal(person: Person, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Expect BadReply, and look for the person in its text, its traceback and everything logged."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadReply) as caught:
        yield
    logging.getLogger("test").error("failed", exc_info=caught.value)
    shown = "".join([str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)])
    told = [fact for fact in facts_of(person) if fact in shown or fact in caplog.text]
    assert told == []


def test_refused_statement_tells_nothing_about_the_person(
    registry: SqlRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL quotes the whole row that failed; none of it gets out."""
    person = a_person()
    with _nothing_personal(person, caplog):
        registry.register(replace(a_new_case(person), papers=(replace(a_paper(), size=cast(int, None)),)))


def test_text_that_no_database_can_hold_tells_nothing_about_the_person(
    registry: SqlRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a character in a name fails before the database sees it, and the error would quote the name."""
    person = a_person()
    with _nothing_personal(person, caplog):
        registry.register(a_new_case(replace(person, name=person.name + "\udc80")))


def test_error_of_the_engine_itself_hides_the_values(engine: Engine) -> None:
    """Should a statement ever run outside the ledger's classes, its parameters are still not printed."""
    person = a_person()
    row = {"nik_index": None, "key_id": person.nik}
    with pytest.raises(IntegrityError, match="parameters hidden"), engine.begin() as connection:
        connection.execute(insert(people), row)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("sqlite:////nowhere/at/all/l.db", "cannot be opened or written: its folder is missing"),
        ("postgresql+psycopg://boss:s3cret@/l?host=/nowhere&sslpassword=s3cret", "does not answer"),
    ],
)
def test_database_that_is_away_passes_for_activities_and_is_told_to_operators(url: str, what: str) -> None:
    """Unavailable for the engine to try again; EngineUnreachable with the setting to look at for a person."""
    engine = open_engine(url)
    with pytest.raises(Unavailable, match=f"ledger: database {what}"):
        SqlLedger(engine, a_vault()).dossier(_NUMBER)
    with pytest.raises(EngineUnreachable, match=f"{what}.*REAKTIVASI_DATABASE_URL") as caught:
        SqlRegistry(engine, a_vault()).case(_NUMBER)
    shown = "".join(traceback.format_exception(caught.value))
    assert [word for word in ("s3cret", "boss", "OperationalError") if word in shown] == []
    engine.dispose()


def test_locked_database_is_unavailable(tmp_path: Path) -> None:
    """A SQLite file that somebody else keeps locked is tried again later, and said to be locked."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case
    engine.dispose()
    event.listen(engine, "connect", _be_impatient)
    with _access(engine).write(), pytest.raises(Unavailable, match="is locked by another process"):
        SqlLedger(engine, a_vault()).record(a_record(case, an_event(2)))
    assert SqlLedger(engine, a_vault()).record(a_record(case, an_event(2))) == [an_event(2)]
    engine.dispose()


def _access(engine: Engine) -> LedgerAccess:
    return LedgerAccess(engine, unreachable(engine))


def _be_impatient(connection: DBAPIConnection, _: object) -> None:
    connection.cursor().execute("PRAGMA busy_timeout = 0")


def test_reading_goes_on_while_somebody_writes(tmp_path: Path) -> None:
    """A SQLite reader does not wait for the writer."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    registry = SqlRegistry(engine, a_vault())
    case = registry.register(a_new_case()).case
    with _access(engine).write() as writer:
        writer.execute(text("UPDATE cases SET attempt = 7"))
        assert registry.case(case.case_number).attempt == 1
    assert registry.case(case.case_number).attempt == 7
    engine.dispose()


def test_cut_connections_are_replaced(engine: Engine, ledger: SqlLedger, registry: SqlRegistry) -> None:
    """After a restart of the PostgreSQL server the next call works without anybody's help."""
    case = registry.register(a_new_case()).case
    _cut_connections(engine)
    assert ledger.record(a_record(case, an_event(2))) == [an_event(2)]


def test_silently_cut_connections_are_replaced_when_they_lay_for_a_while(
    engine: Engine, ledger: SqlLedger, registry: SqlRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that drops a connection says nothing on it, so one that nobody used is asked first."""
    monkeypatch.setattr(idle_connections, "_has_something", lambda _: False)
    monkeypatch.setattr(idle_connections, "_ASKED_AFTER_SECONDS", 0.0)
    case = registry.register(a_new_case()).case
    _cut_connections(engine)
    assert ledger.record(a_record(case, an_event(2))) == [an_event(2)]


def _cut_connections(engine: Engine) -> None:
    """End every connection to the server but the one that says so."""
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no server")
    cutter = open_engine(engine.url.render_as_string(hide_password=False))
    with cutter.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    cutter.dispose()


def _let_nothing_grow(connection: DBAPIConnection, _: object) -> None:
    connection.cursor().execute("PRAGMA max_page_count = 1")


def _spoil(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 a spreadsheet, say" * 4000)


def _lose_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_suffix(".old"))


def test_a_disk_that_is_full_is_not_called_away(tmp_path: Path) -> None:
    """Nothing of the person is half there, and what was there before can be read."""
    engine = open_engine(put_ledger(tmp_path / "ledger.db"))
    event.listen(engine, "connect", _let_nothing_grow)
    registry, ledger, taken = SqlRegistry(engine, a_vault()), SqlLedger(engine, a_vault()), list[str]()

    def register() -> None:
        for _ in range(1000):
            taken.append(registry.register(a_new_case()).case.case_number)

    def begin() -> None:
        for attempt in range(1000):
            ledger.begin_submission(taken[0], attempt)

    full = "cannot be written: the disk is full"
    with pytest.raises(EngineUnreachable, match=f"{full}: free space on the disk of REAKTIVASI_DATABASE_URL"):
        register()
    assert len(registry.cases(limit=1000)) == len(taken)
    with pytest.raises(Unavailable, match=f"ledger: database {full}"):
        begin()
    engine.dispose()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_spoil, "is not a database, or is damaged: check REAKTIVASI_DATABASE_URL, or restore a backup"),
        (
            _lose_the_folder,
            "cannot be opened or written: its folder is missing, or it is no file: check REAKTIVASI",
        ),
    ],
    ids=["no database", "no folder"],
)
def test_what_is_wrong_with_a_file_is_told_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], object], what: str
) -> None:
    """To operators with what helps, to activities as something that passes."""
    path = tmp_path / "office" / "ledger.db"
    path.parent.mkdir()
    engine = open_engine(put_ledger(path))
    spoil(path)
    with pytest.raises(EngineUnreachable, match=what):
        SqlRegistry(engine, a_vault()).register(a_new_case())
    with pytest.raises(Unavailable, match=what.partition(":")[0]):
        SqlLedger(engine, a_vault()).begin_submission(_NUMBER, 1)
    engine.dispose()


@pytest.mark.parametrize(
    ("state", "what"),
    [
        ("53100", "cannot be written: the disk is full"),
        ("25006", "cannot be written: it is read-only"),
        ("42501", "cannot be written: this user has no right to it"),
        ("53300", "has no free connection"),
        ("57P01", "does not answer"),
    ],
)
def test_what_a_server_says_is_told_as_it_is(engine: Engine, state: str, what: str) -> None:
    """By its code: its words may be in any language, and quote values."""
    if engine.dialect.name == "sqlite":
        pytest.skip("a file has no server")
    raising = text(f"DO $$ BEGIN RAISE EXCEPTION 'NIK 3674' USING ERRCODE = '{state}'; END $$")
    with pytest.raises(EngineUnreachable, match=what), _access(engine).write() as connection:
        connection.execute(raising)


def test_a_server_that_does_not_let_us_in_is_not_called_away(engine: Engine) -> None:
    """It answers: a database or a user that it does not know."""
    if engine.dialect.name == "sqlite":
        pytest.skip("a file has no server")
    for changed in (engine.url.set(database="nowhere"), engine.url.set(username="nobody")):
        other = open_engine(changed.render_as_string(hide_password=False))
        with pytest.raises(EngineUnreachable, match="refuses the connection: check user, password"):
            SqlRegistry(other, a_vault()).case(_NUMBER)


def test_a_server_that_only_reads_is_told_before_anything_is_lost(engine: Engine) -> None:
    """A standby, or one that an administrator has closed for writing."""
    if engine.dialect.name == "sqlite":
        pytest.skip("a file has no server")
    event.listen(engine, "connect", _only_read)
    engine.dispose()
    with pytest.raises(EngineUnreachable, match="cannot be written: it is read-only"):
        SqlRegistry(engine, a_vault()).register(a_new_case())
    with pytest.raises(EngineUnreachable, match="cannot be written: it is read-only"):
        require_writable(engine, unreachable(engine), is_ledger=True)


def _only_read(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET default_transaction_read_only = on")
    connection.commit()


def test_a_write_is_tried_and_leaves_nothing_behind(engine: Engine) -> None:
    """As often as wanted."""
    for _ in range(2):
        require_writable(engine, unreachable(engine), is_ledger=True)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM counters WHERE name = 'probe'")).scalar() == 0

"""When the database is away or refuses: our errors, in fixed words, with nobody's data."""

import logging
import traceback
from collections.abc import Iterator
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
from models.dossier import Person
from models.errors import BadReply, EngineUnreachable, Unavailable
from models.tables import people
from tests.ledger.builders import a_new_case, a_paper, a_person, a_record, an_event, facts_of
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
    "url",
    [
        "sqlite:////nowhere/at/all/l.db",
        "postgresql+psycopg://boss:s3cret@/l?host=/nowhere&sslpassword=s3cret",
    ],
)
def test_database_that_is_away_passes_for_activities_and_is_told_to_operators(url: str) -> None:
    """Unavailable for the engine to try again; EngineUnreachable with the setting to look at for a person."""
    engine = open_engine(url)
    with pytest.raises(Unavailable, match="ledger: database does not answer"):
        SqlLedger(engine, a_vault()).dossier(_NUMBER)
    with pytest.raises(EngineUnreachable, match="REAKTIVASI_DATABASE_URL") as caught:
        SqlRegistry(engine, a_vault()).case(_NUMBER)
    shown = "".join(traceback.format_exception(caught.value))
    assert [word for word in ("s3cret", "boss", "OperationalError") if word in shown] == []
    engine.dispose()


def test_locked_database_is_unavailable(tmp_path: Path) -> None:
    """A SQLite file that somebody else keeps locked is tried again later."""
    engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case
    engine.dispose()
    event.listen(engine, "connect", _be_impatient)
    with _access(engine).write(), pytest.raises(Unavailable):
        SqlLedger(engine, a_vault()).record(a_record(case, an_event(2)))
    assert SqlLedger(engine, a_vault()).record(a_record(case, an_event(2))) == [an_event(2)]
    engine.dispose()


def _access(engine: Engine) -> LedgerAccess:
    return LedgerAccess(engine, lambda: unreachable(engine))


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

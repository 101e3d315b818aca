"""The least rights on a real PostgreSQL: the office works under them, and what was written once stays."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from desk.orders import Hand
from gateways.database_rights import APPEND_ONLY, SHRINKING, grants
from gateways.ledger_access import unreachable
from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine, require_current
from gateways.policy_folder import PolicyFolder
from gateways.sql_audit import SqlAudit
from gateways.sql_event_book import SqlEventBook
from gateways.sql_outbox import SqlOutbox
from gateways.typst_letters import TypstLetters
from gateways.write_probe import require_writable
from models.case import Step
from models.desk import CommandResult
from models.errors import BadInput
from models.events import EventNote, EventResult
from models.outbox import Addressed
from models.tables import LedgerTable
from tests.desk.bench import APPROVE, OPERATOR, SIGNER, VERIFIER, Bench, Clock
from tests.ledger.builders import MORNING, an_alert

ROLE = "mesin_dinsos"


@pytest.fixture(scope="module")
def limited(postgres: Engine) -> Iterator[Engine]:
    """Open a ledger under a role that has the least rights."""
    name = f"rights_{uuid4().hex}"
    with postgres.connect() as admin:
        admin.execute(text(f"CREATE DATABASE {name}"))
        admin.execute(text(f"CREATE ROLE {ROLE} LOGIN"))
    url = postgres.url.set(database=name)
    owner = open_engine(url.render_as_string(hide_password=False))
    migrate(owner)
    for _ in range(2):  # after each migrate
        with owner.begin() as connection:
            for statement in grants(ROLE):
                connection.execute(text(statement))
    engine = open_engine(url.set(username=ROLE).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    owner.dispose()
    with postgres.connect() as admin:
        admin.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.execute(text(f"DROP ROLE {ROLE}"))


@pytest.fixture
def office(limited: Engine, tmp_path: Path, shelf: PolicyFolder, printer: TypstLetters) -> Bench:
    """Give an office on that ledger."""
    return Bench(limited, tmp_path, shelf, printer, Clock())


def test_the_least_rights_are_enough_to_try_a_write(limited: Engine) -> None:
    """So that `doctor` does not call a ledger unwritable that is not."""
    require_writable(limited, unreachable(limited), is_ledger=True)


def test_the_office_works_under_the_least_rights(office: Bench) -> None:
    """Register, record, claim, sign, upload, refuse, alert, note, seal: nothing is denied."""
    require_current(office.engine)
    item = office.claimed(VERIFIER)
    office.work.complete(Hand(VERIFIER), item.id, APPROVE)
    case = office.case(Step.RECOMMENDATION)
    command = office.sign(case, SIGNER)
    office.book.settle(command.command_id, CommandResult.ACCEPTED, None, office.clock())
    upload = office.claimed(OPERATOR, Step.SIKS_NG_UPLOAD)
    office.work.complete(Hand(OPERATOR), upload.id, office.uploaded("PRT/1"))
    office.work.withdraw(Hand("tangsel-loket-1"), case.case_number, "batal")
    outbox = SqlOutbox(office.engine, lambda: MORNING)
    outbox.put([Addressed(an_alert(case, f"{case.case_number}:a"), ("tangsel-supervisor",))])
    SqlEventBook(office.engine).note(EventNote(office.clock(), EventResult.BAD_SIGNATURE))
    office.close(case)
    audit = SqlAudit(office.engine)
    assert audit.seal(office.clock()) > 0
    assert len(office.book.bearers(case.case_number)) == 1


@pytest.mark.parametrize("table", sorted(LedgerTable.metadata.tables))
def test_what_was_written_once_stays(limited: Engine, table: str) -> None:
    """The database itself refuses to change or remove it, whatever the program asks."""
    column = next(iter(LedgerTable.metadata.tables[table].columns)).name
    denied: set[str] = set()
    for right, statement in (
        ("UPDATE", f'UPDATE {table} SET "{column}" = "{column}"'),
        ("DELETE", f"DELETE FROM {table}"),
        ("TRUNCATE", f"TRUNCATE {table}"),
        ("ALTER", f"ALTER TABLE {table} ADD COLUMN x integer"),
        ("DROP", f"DROP TABLE {table}"),
    ):
        with limited.connect() as connection, connection.begin() as transaction:
            try:
                connection.execute(text(statement))
            except ProgrammingError as error:
                why = str(error)
                denied |= {right} if "permission denied" in why or "must be owner" in why else {why}
            transaction.rollback()
    wanted = {"UPDATE", "DELETE", "TRUNCATE", "ALTER", "DROP"}
    wanted -= set() if table in APPEND_ONLY else {"UPDATE"}
    wanted -= {"DELETE"} if table in SHRINKING else set()
    assert denied == wanted


def test_the_schema_and_its_version_are_the_owners(limited: Engine) -> None:
    """No table of one's own, and no other version."""
    for statement in ("CREATE TABLE mine (x integer)", "UPDATE alembic_version SET version_num = '9'"):
        with limited.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(statement))


def test_history_and_trail_are_written_once() -> None:
    """Whatever else the list holds."""
    assert {"case_events", "audit_chain", "accesses", "notes", "refusals", "received_events"} <= APPEND_ONLY


@pytest.mark.parametrize("role", ["", "a b", 'x"; DROP TABLE cases; --', "x" * 64, "é"])
def test_a_role_that_is_no_name_is_refused(role: str) -> None:
    """What is printed is run by an owner."""
    with pytest.raises(BadInput, match="--role"):
        grants(role)

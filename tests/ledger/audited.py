"""A ledger in which everything happened that the audit covers, and how to tamper with it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Engine, Table, create_engine, event, select, text, update
from sqlalchemy.engine.interfaces import DBAPIConnection

from gateways.audit_forms import FORMS
from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_audit import SqlAudit
from gateways.sql_bulk import SqlBulkBook
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_erasures import SqlErasures
from gateways.sql_event_book import SqlEventBook
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_lineage import SqlLineage
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_trail import SqlTrail
from models.audit import Access, Door, Fault, Note
from models.audit_tables import audit_chain
from models.bulk import Bulk, Chosen, Operation
from models.case import SlaState
from models.desk import Command, CommandResult, Completion, NewLetter
from models.erasure import Cause, Deed
from models.events import EventNote, EventResult
from models.messages import AlertKind, PapersAdded, ReopenUpload, Withdraw
from models.outbox import Addressed
from models.roles import Act, Role
from models.tables import cases
from runtime.sealing import faults
from tests.ledger.builders import (
    MORNING,
    a_clock,
    a_closing,
    a_new_case,
    a_state,
    a_telling,
    an_alert,
    an_event,
)
from tests.vaults import a_vault

NOON = MORNING + timedelta(hours=4)
COUNTER, VERIFIER, SUPERVISOR = "tangsel-loket-1", "tangsel-verifikator-1", "tangsel-supervisor"
SIGNER = "tangsel-penandatangan"


@dataclass(frozen=True)
class Place:
    """A value that the audit covers."""

    form: str
    key: str
    """Form and key of the row that is to be named when the value changes."""
    table: Table
    column: Column[Any]
    primary_key: Mapping[str, Any]
    value: Any


class NoPapers:
    """A folder in which nothing is."""

    @staticmethod
    def remove(name: str) -> bool:
        """Remove nothing."""
        return not name


class Audited:
    """A ledger, the chain over it, and a way into the database past the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.audit, self.trail, self.book = (
            SqlAudit(engine),
            SqlTrail(engine, a_vault()),
            SqlDeskBook(engine, a_vault()),
        )
        self.clock = a_clock()
        self.back_door = create_engine(engine.url)
        if engine.dialect.name == "postgresql":
            event.listen(self.back_door, "connect", _without_foreign_keys)
        with engine.begin() as connection:
            self.numbers = list(
                connection.execute(
                    select(cases.c.case_number).where(cases.c.city == "3674").order_by(cases.c.case_number)
                ).scalars()
            )

    def close(self) -> None:
        """Leave the database."""
        self.engine.dispose()
        self.back_door.dispose()

    # -- What happens ------------------------------------------------------------------------------

    def work(self, how_many: int) -> None:
        """Let everything happen that is covered, to so many cases of a list."""
        imports = SqlImports(self.engine, a_vault(), self.clock)
        imports.begin(ImportHead("list", "3674", "f" * 64, how_many, COUNTER, MORNING))
        taken = imports.take("list", [NewRow(row, a_new_case()) for row in range(2, how_many + 2)])
        ledger, outbox = SqlLedger(self.engine, a_vault(), self.clock), SqlOutbox(self.engine, self.clock)
        for case in (one.case for one in taken):
            number = case.case_number
            state = a_state(case, 1).model_copy(update={"sla_state": SlaState.ON_TRACK})
            ledger.record(a_telling(state, an_event(2, trouble="Refused"), an_event(3)))
            outbox.put([Addressed(an_alert(case, f"{number}:a"), (SUPERVISOR,))])
            SqlAlertBook(self.engine).acknowledge(number, None, SUPERVISOR, self.clock())
            self.give(number, PapersAdded(command_id=f"p-{number}", count=1))
            self.give(number, Withdraw(command_id=f"w-{number}"), "pemohon membatalkan")
            self.book.settle(f"w-{number}", CommandResult.REFUSED, "the case is over", self.clock())
            self.book.refuse(COUNTER, Act.EXTEND, number, "takes the role supervisor", self.clock())
            self.see(number)
            self.write(number)
        of_case = an_alert(taken[0].case, "watch:3674:no_worker")
        of_city = of_case.model_copy(update={"case_number": None, "kind": AlertKind.NO_WORKER})
        outbox.put([Addressed(of_city, (SUPERVISOR,))])
        SqlAlertBook(self.engine).acknowledge_of_city(of_city.key, SUPERVISOR, self.clock())
        event = EventNote(self.clock(), EventResult.ACCEPTED, "mesin-kemensos", "d" * 64)
        SqlEventBook(self.engine).note(event)
        self.erase()
        bulk = Bulk("b-1", Operation.RETRY, "City='3674'", SUPERVISOR, MORNING, "SIKS-NG pulih")
        SqlBulkBook(self.engine).keep(bulk, [Chosen(taken[0].case.case_number, {})])
        SqlLineage(self.engine).begin_generation({}, after=0, by=SUPERVISOR, now=self.clock())

    def write(self, number: str) -> None:
        """Issue a letter and another in its place, hand the person in and take that back."""
        ledger = SqlLedger(self.engine, a_vault(), self.clock)
        for attempt in (1, 2):
            new = NewLetter(MORNING.date(), f"digest-{attempt}", lambda one, _: f"400.9/{one}", SIGNER)
            letter = ledger.issue_letter(number, attempt, new)
            self.book.save_pdf(letter.verification_code, "a" * 64)
        ledger.save_submission(number, 1, f"S-{number}", MORNING)
        message = ReopenUpload(command_id=f"r-{number}", attempt=1, actor=SUPERVISOR)
        command = Command(number, message, SUPERVISOR, Role.SUPERVISOR, MORNING)
        self.book.give(Completion(command, voids_receipt=1))

    def erase(self) -> None:
        """Let somebody of another city be held, released and erased."""
        case = SqlRegistry(self.engine, a_vault(), self.clock).register(a_new_case(city="3275")).case
        SqlLedger(self.engine, a_vault(), self.clock).record(a_closing(case))
        erasures = SqlErasures(self.engine, a_vault(), NoPapers())
        erasures.hold(case.case_number, SUPERVISOR, Role.SUPERVISOR, "sengketa", self.clock())
        erasures.release(case.case_number, SUPERVISOR, Role.SUPERVISOR, "putusan", self.clock())
        erasures.erase(case.case_number, Deed(SUPERVISOR, Role.SUPERVISOR, Cause.REQUESTED, self.clock()))

    def give(self, number: str, message: PapersAdded | Withdraw, note: str | None = None) -> None:
        """Give a command."""
        command = Command(number, message, COUNTER, Role.INTAKE, self.clock())
        self.book.give(Completion(command, note=note))

    def see(self, number: str, at: datetime | None = None, actor: str = VERIFIER) -> None:
        """Let somebody look at a case, and say why."""
        access = Access(at or self.clock(), actor, Role.VERIFIER, Door.SHEET, "item:1", number)
        self.trail.keep(access, Note(f"n-{number}-{access.at:%H%M%S}", number, "diminta pemohon"))

    def seal(self) -> int:
        """Seal whatever waits; return how many rows."""
        rows = 0
        while some := self.audit.seal(NOON):
            rows += some
        return rows

    def faults(self) -> list[Fault]:
        """Verify the whole chain."""
        head = self.audit.head()
        return list(faults(self.audit, 0 if head is None else head.number, None, lambda _: None))

    def named(self) -> set[tuple[str, str]]:
        """Verify, and return which rows are named."""
        return {(fault.table, fault.key) for fault in self.faults()}

    # -- Past the engine ---------------------------------------------------------------------------

    def sql(self, statement: str, **values: object) -> None:
        """Change the database."""
        with self.back_door.begin() as connection:
            connection.execute(text(statement), values)

    def number_of(self, form: str, key: str) -> int:
        """Return the number of a row's entry."""
        query = select(audit_chain.c.number).where(audit_chain.c.form == form, audit_chain.c.key == key)
        with self.engine.begin() as connection:
            return int(connection.execute(query).scalar_one())

    def places(self) -> list[Place]:
        """Return every value that is covered, and those of the chain itself."""
        found = []
        with self.engine.begin() as connection:
            for name, form in FORMS.items():
                for row in connection.execute(select(form.table).where(form.is_written)).mappings():
                    keys = {column.name: row[column.name] for column in form.primary_key}
                    key = "/".join(map(str, keys.values()))
                    columns = [form.table.c[one] for one in form.columns if row[one] is not None]
                    found += [Place(name, key, form.table, one, keys, row[one.name]) for one in columns]
            for row in connection.execute(select(audit_chain)).mappings():
                keys = {"number": row["number"]}
                found += [
                    Place("audit_chain", str(row["number"]), audit_chain, one, keys, row[one.name])
                    for one in audit_chain.c
                    if one.name != "number" and row[one.name] is not None
                ]
        return found

    def flip(self, place: Place, chance: random.Random) -> bool:
        """Change one bit of a value as it is stored; False where the database would not keep that."""
        table, name = place.table.name, place.column.name
        where = " AND ".join(f'"{one}" = :pk_{one}' for one in place.primary_key)
        keys = {f"pk_{one}": value for one, value in place.primary_key.items()}
        is_sqlite = self.engine.dialect.name == "sqlite"
        if is_sqlite and not isinstance(place.value, int | bytes):
            read, write = f'CAST("{name}" AS BLOB)', "CAST(:value AS TEXT)"
        elif is_sqlite or isinstance(place.value, int | bytes):
            read, write = f'"{name}"', ":value"
        else:
            read, write = f'CAST("{name}" AS TEXT)', f"CAST(:value AS {_type(place)})"
        with self.back_door.begin() as connection:
            before = connection.execute(
                text(f'SELECT {read} FROM "{table}" WHERE {where}'), keys
            ).scalar_one()
            after = _flipped(before, chance)
            if after is None:
                return False
            done = text(f'UPDATE "{table}" SET "{name}" = {write} WHERE {where}')
            connection.execute(done, {**keys, "value": after})
        return True

    def mend(self, place: Place) -> None:
        """Give a value back."""
        mine = [place.table.c[name] == value for name, value in place.primary_key.items()]
        with self.back_door.begin() as connection:
            connection.execute(update(place.table).where(*mine).values({place.column: place.value}))


def _without_foreign_keys(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET session_replication_role = replica")
    cursor.close()
    connection.commit()


def _type(place: Place) -> str:
    if isinstance(place.value, datetime):
        return "TIMESTAMP WITH TIME ZONE"
    return "JSON" if isinstance(place.value, dict | list) else "VARCHAR"


def _flipped(value: int | bytes | str, chance: random.Random) -> int | bytes | str | None:
    """Return a value with one bit changed; None for a text without letter or digit."""
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(8))
    if isinstance(value, bytes):
        at = chance.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    places = [at for at, one in enumerate(value) if one.isalnum() and one.isascii()]
    if not places:
        return None
    at = chance.choice(places)
    return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]

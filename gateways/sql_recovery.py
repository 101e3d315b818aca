"""Recovering in SQL. Satisfies `gateways.ports.recovery.RecoveryBook`."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, Integer, RowMapping, String, bindparam, case, func, select, update

from gateways import command_rows, dossier_query, epochs, ledger_rows, lineage_rows, sealed_rows
from gateways.ledger_access import LedgerAccess, lock_case, no_such_case, unreachable
from gateways.ports.vault import Vault
from gateways.registration import STARTED, register_all
from models.case import CaseRef, Outcome, WaitingOn
from models.desk import Command, CommandKind, CommandResult
from models.desk_tables import commands, letters, submissions, submissions_begun
from models.dossier import NewCase
from models.erasure_tables import erasures
from models.errors import BadReply, KeyLost, WrongState
from models.lineage import Lineage
from models.messages import CaseEvent, EventKind
from models.recovery import Told
from models.tables import case_events, case_runs, cases, people

_AT_A_TIME: Final = 1000
_NUMBER = bindparam("case_number", type_=String())
_CASE = select(cases).where(cases.c.case_number == _NUMBER)
_EVENTS = select(case_events.c.seq).where(
    case_events.c.case_number == _NUMBER,
    case_events.c.epoch == bindparam("epoch", type_=Integer()),
    case_events.c.seq > 0,
)
_FIRST_EVENT = 1
"""`case.registered`, which stands in the first epoch only."""
_COMMANDS = select(commands.c.command_id).where(commands.c.case_number == _NUMBER)
_LETTERS = select(letters.c.number).where(letters.c.case_number == _NUMBER)
_SUBMITTED = select(submissions.c.attempt).where(submissions.c.case_number == _NUMBER)
_BEGUN = select(submissions_begun.c.attempt).where(submissions_begun.c.case_number == _NUMBER)
_RUNS = select(case_runs.c.run).where(case_runs.c.case_number == _NUMBER)
_OPEN = (
    select(cases.c.case_number)
    .where(cases.c.closed_at.is_(None))
    .order_by(cases.c.due_at.asc().nulls_last(), cases.c.case_number)
)
_COUNTED = (
    select(func.count())
    .where(
        case_events.c.case_number == cases.c.case_number,
        case_events.c.epoch == cases.c.epoch,
        case_events.c.seq > 0,
    )
    .scalar_subquery()
)
_WITH_GAPS = (
    select(cases.c.case_number)
    .where(
        cases.c.closed_at.is_not(None), _COUNTED + case((cases.c.epoch > 1, 1), else_=0) < cases.c.last_seq
    )
    .order_by(cases.c.case_number)
)
_OF_CLOCK = (
    select(commands)
    .where(
        commands.c.case_number == _NUMBER,
        commands.c.kind.in_([CommandKind.EXTEND, CommandKind.SHORTEN, CommandKind.ACKNOWLEDGE]),
        commands.c.result == CommandResult.ACCEPTED,
    )
    .order_by(commands.c.given_at)
)
_KEYS = select(people.c.id, people.c.key_id).where(people.c.id > bindparam("after", type_=Integer()))
_OPEN_OF = (
    select(cases.c.case_number, cases.c.registered_at, people.c.key_id)
    .join(people, people.c.id == cases.c.person_id)
    .where(cases.c.closed_at.is_(None), people.c.key_id.in_(bindparam("ids", expanding=True)))
)
_OPEN_SEALED = (
    select(cases.c.case_number, cases.c.sealed, people.c.key_id, people.c.sealed.label("sealed_person"))
    .join(people, people.c.id == cases.c.person_id)
    .where(cases.c.closed_at.is_(None), people.c.sealed.is_not(None))
)
_ERASED = select(people.c.key_id).join(erasures, erasures.c.person_id == people.c.id)


class SqlRecovery:
    """Reads and mends a ledger in SQLite or PostgreSQL; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys."""
        self._access = LedgerAccess(engine, unreachable(engine))
        self._vault = vault

    def told(self, case_number: str) -> Told:
        """Return how far a case has told its story. Raises NotFound."""
        with self._access.snapshot() as connection:
            row = connection.execute(_CASE, {"case_number": case_number}).mappings().one_or_none()
            if row is None:
                raise no_such_case(case_number)
            of_epoch = {"case_number": case_number, "epoch": row["epoch"]}
            events = frozenset(connection.execute(_EVENTS, of_epoch).scalars())
            of_case = {"case_number": case_number}
            given = frozenset(connection.execute(_COMMANDS, of_case).scalars())
            has_letter = connection.execute(_LETTERS, of_case).first() is not None
            submitted = frozenset(connection.execute(_SUBMITTED, of_case).scalars())
            lineage = lineage_rows.read(connection)
            begun = frozenset(connection.execute(_BEGUN, of_case).scalars())
            runs = frozenset(connection.execute(_RUNS, {"case_number": case_number}).scalars())
        is_first = row["epoch"] == 1
        return Told(
            state=ledger_rows.case_state(row),
            is_started=row["started_at"] is not None,
            run=row["run"],
            task=row["told_task"],
            at=row["told_at"],
            last_seq=row["last_seq"],
            events=events if is_first else events | {_FIRST_EVENT},
            earlier_runs=runs - {row["run"]},
            commands=given,
            has_letter=has_letter,
            submitted=submitted,
            begun=begun | submitted,
            is_put_back=lineage.generation > 1,
            may_have_gone_on=_may_have_gone_on(row, lineage),
        )

    def open_cases(self) -> list[str]:
        """Return the open cases, the next due first; also those that may never have been begun."""
        with self._access.read() as connection:
            return list(connection.execute(_OPEN).scalars())

    def mark_started(self, case_number: str, now: datetime) -> None:
        """Note that the case's workflow exists; the first note stays."""
        with self._access.write() as connection:
            connection.execute(STARTED, {"number": case_number, "now": now})

    def cases_with_gaps(self) -> list[str]:
        """Return the cases that are over and of whose story events are missing."""
        with self._access.read() as connection:
            return list(connection.execute(_WITH_GAPS).scalars())

    def given_to_clock(self, case_number: str) -> list[Command]:
        """Return the commands that a case had taken and a new run must be given again, in their order.

        Answers are not among them: the desk gives them to whoever asks for the step.
        """
        with self._access.read() as connection:
            rows = connection.execute(_OF_CLOCK, {"case_number": case_number}).mappings().all()
        return [command_rows.read(row) for row in rows]

    def keep(self, commands: Collection[Command]) -> None:
        """Write commands that a case had taken and the ledger lost with a copy; one that is there stays."""
        with self._access.write() as connection:
            for command in commands:
                command_rows.keep(connection, command)

    def renumber(self, case_number: str, now: datetime) -> CaseRef:
        """Let a case that never began go on under a number of its own; return it. Raises NumbersHeld.

        The old number stays in the ledger, as a duplicate of the new one. What the applicant was promised
        counts from when he came.
        """
        with self._access.write() as connection:
            if lock_case(connection, case_number)["closed_at"] is not None:
                raise WrongState(f"{case_number} is over")
            row = connection.execute(_CASE, {"case_number": case_number}).mappings().one()
            case, dossier = (
                ledger_rows.case_ref(row),
                dossier_query.dossier(connection, self._vault, case_number),
            )
            ended = {"outcome": Outcome.DUPLICATE, "closed_at": now, "waiting_on": WaitingOn.NOBODY}
            told = {"outcome": Outcome.DUPLICATE}
            seq = row["last_seq"] + 1
            closing = CaseEvent(
                seq=seq,
                kind=EventKind.CASE_CLOSED,
                at=now,
                step=row["step"],
                attempt=row["attempt"],
                facts=told,
            )
            epochs.append(connection, case_number, row["epoch"], [closing], now)
            mine = update(cases).where(cases.c.case_number == case_number)
            connection.execute(mine.values(**ended, last_seq=closing.seq))
            new = NewCase(
                city=case.city,
                track=case.track,
                kecamatan=case.kecamatan,
                received_at=case.received_at,
                person=dossier.person,
                need=dossier.need,
                deactivated_on=dossier.deactivated_on,
                papers=dossier.papers,
                from_list=case.from_list,
            )
            return register_all(connection, self._vault, [new], now)[0].case

    def key_ids(self) -> Iterator[list[str]]:
        """Yield the ids of everybody's keys, some at a time."""
        last = 0
        while True:
            with self._access.read() as connection:
                rows = connection.execute(
                    _KEYS.order_by(people.c.id).limit(_AT_A_TIME), {"after": last}
                ).all()
            if not rows:
                return
            yield [row.key_id for row in rows]
            last = rows[-1].id

    def unreadable(self, lost: Collection[str] = ()) -> list[str]:
        """Return the open cases that nobody can read again, because their people's keys were lost.

        Those are registered before other keys were made in place of the lost ones.
        """
        renewed = self._vault.lost()
        wanted, found = sorted(renewed.keys() | lost), list[str]()
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                for row in connection.execute(_OPEN_OF, {"ids": wanted[start : start + _AT_A_TIME]}):
                    if row.key_id in lost or row.registered_at < renewed[row.key_id]:
                        found.append(row.case_number)
        return sorted(found)

    def unopened(self) -> set[str]:
        """Return the ids of keys that are here and do not open what the open cases of their people hold."""
        with self._access.snapshot() as connection:
            found = connection.execution_options(yield_per=_AT_A_TIME).execute(_OPEN_SEALED).mappings()
            return {key_id for rows in found.partitions() for key_id in self._not_opening(rows)}

    def _not_opening(self, rows: Sequence[RowMapping]) -> Iterator[str]:
        ids = {row["key_id"] for row in rows}
        keys = self._vault.keys(ids - self._vault.missing(ids) - self._vault.destroyed(ids).keys())
        for row in rows:
            if (key := keys.get(row["key_id"])) is None:
                continue
            try:
                sealed_rows.person(key, row["sealed_person"])
                sealed_rows.need(key, row)
            except KeyLost:
                continue  # that is known
            except BadReply:
                yield row["key_id"]

    def erased_key_ids(self) -> list[str]:
        """Return the ids of the keys of people who were erased."""
        with self._access.read() as connection:
            return list(connection.execute(_ERASED).scalars())


def _may_have_gone_on(row: RowMapping, lineage: Lineage) -> bool:
    """Tell whether a case of before the ledger was put back has told nothing since."""
    began_at = lineage.began_at
    return (
        began_at is not None and row["registered_at"] < began_at and (row["told_at"] or began_at) <= began_at
    )

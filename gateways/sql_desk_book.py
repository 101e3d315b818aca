"""The work of people in SQL, as they see it. Satisfies `gateways.ports.desk.DeskBook`."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    RowMapping,
    String,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from gateways import (
    command_rows,
    desk_rows,
    dossier_query,
    letter_rows,
    lineage_rows,
    note_rows,
    sealed_rows,
    submission_rows,
)
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, lock_case, unreachable, utc_now
from gateways.paging import cut, of_cities, page
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import key_of_case
from models.asked import Asked
from models.case import Step, Track
from models.desk import (
    Bearer,
    Command,
    CommandKind,
    CommandResult,
    Completion,
    DeskItem,
    IssuedLetter,
    NewLetter,
    PortalReceipt,
    Refusal,
)
from models.desk_tables import RefusalRow, commands, desk_items, letters, notes, refusals
from models.dossier import Dossier
from models.errors import Erased, WrongState
from models.messages import StepAsk
from models.page import Page
from models.roles import MACHINE, Act
from models.tables import cases

_NUMBER = bindparam("case_number", type_=String())
_EMERGENCIES_FIRST = (
    cases.c.track != Track.EMERGENCY,
    cases.c.due_at.asc().nulls_last(),
    desk_items.c.opened_at,
    desk_items.c.id,
)
_OPEN_OF_KEY = desk_rows.ITEMS.where(
    desk_items.c.key == bindparam("of_key"), desk_items.c.closed_at.is_(None)
)
_ANSWERED = select(commands.c.command_id).where(
    commands.c.case_number == _NUMBER,
    commands.c.kind == CommandKind.ANSWER,
    commands.c.step == bindparam("step", type_=String()),
    commands.c.attempt == bindparam("attempt", type_=Integer()),
    or_(commands.c.result.is_(None), commands.c.result == CommandResult.ACCEPTED),
)
_HAND = (
    update(desk_items)
    .where(
        desk_items.c.id == bindparam("number"),
        desk_items.c.closed_at.is_(None),
        desk_items.c.assignee.is_not_distinct_from(bindparam("expects", type_=String())),
    )
    .values(
        assignee=bindparam("officer", type_=String()),
        claimed_at=bindparam("at"),
        taken_from=bindparam("left_by", type_=String()),
    )
)
_COMMAND = select(commands).where(commands.c.command_id == bindparam("command_id"))
_UNDELIVERED = select(commands).where(commands.c.result.is_(None)).order_by(commands.c.given_at)
_SETTLE = (
    update(commands)
    .where(commands.c.command_id == bindparam("of_id"), commands.c.result.is_(None))
    .values(result=bindparam("as_"), said=bindparam("words", type_=String()), settled_at=bindparam("at"))
)
_BEARERS = (
    select(commands.c.actor, commands.c.step, commands.c.message)
    .where(
        commands.c.case_number == _NUMBER,
        commands.c.kind.in_([CommandKind.ANSWER, CommandKind.DATA_CORRECTED]),
    )
    .order_by(commands.c.given_at)
)
_REFUSE = insert(refusals).returning(refusals.c.id)
_LETTERS = letter_rows.LETTERS.where(letters.c.case_number == _NUMBER).order_by(
    letters.c.year, letters.c.sequence
)
_BY_CODE = letter_rows.LETTERS.where(letters.c.verification_code == bindparam("code"))
_NOTES = select(notes.c.command_id, notes.c.sealed).where(notes.c.case_number == _NUMBER)


class SqlDeskBook:
    """The desk's book in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys; `clock` tells the wall time."""
        self._access = LedgerAccess(engine, unreachable(engine))
        self._vault = vault
        self._clock = clock

    # -- Items -----------------------------------------------------------------------------------

    def items(
        self,
        *,
        case_number: str | None = None,
        cities: Collection[str] | None = None,
        with_closed: bool = False,
    ) -> list[DeskItem]:
        """Return pieces of work, emergencies first, then the next due; all of them."""
        query = desk_rows.ITEMS.order_by(*_EMERGENCIES_FIRST)
        if case_number is not None:
            query = query.where(desk_items.c.case_number == case_number)
        if cities is not None:
            query = query.where(cases.c.city.in_(sorted(cities)))
        if not with_closed:
            query = query.where(desk_items.c.closed_at.is_(None))
        with self._access.read() as connection:
            return [desk_rows.read(row) for row in connection.execute(query).mappings()]

    def item(self, number: int) -> DeskItem:
        """Return a piece of work. Raises NotFound."""
        with self._access.read() as connection:
            return desk_rows.item(connection, number)

    def open_item(self, ask: StepAsk) -> DeskItem:
        """Return the open item of a step, opening one when there is none.

        Raises NotFound, or WrongState for a case that is over or a step that a person answered already.
        """
        with self._access.write() as connection:
            if lock_case(connection, ask.case_number)["closed_at"] is not None:
                raise WrongState(f"{ask.case_number} is over")
            if connection.execute(_OPEN_OF_KEY, {"of_key": ask.key}).first() is None:
                of_step = {"case_number": ask.case_number, "step": ask.step, "attempt": ask.attempt}
                if connection.execute(_ANSWERED, of_step).first() is not None:
                    raise WrongState(f"{ask.case_number}: {ask.step} was answered already")
                desk_rows.open_answer(connection, ask, None, self._clock())
            row = connection.execute(_OPEN_OF_KEY, {"of_key": ask.key}).mappings().one()
            return desk_rows.read(row)

    def held(self) -> list[DeskItem]:
        """Return the open pieces of work that are in a person's hand."""
        with self._access.read() as connection:
            return [desk_rows.read(row) for row in connection.execute(desk_rows.HELD).mappings()]

    def assign(
        self,
        number: int,
        officer: str | None,
        *,
        expects: str | None,
        at: datetime,
        taken_from: str | None = None,
    ) -> DeskItem:
        """Give an open item from one hand to another; of two who claim it at the same time, one wins."""
        values = {"number": number, "expects": expects, "officer": officer, "at": at if officer else None}
        values["left_by"] = taken_from
        with self._access.write() as connection:
            done = connection.execute(_HAND, values).rowcount > 0
            item = desk_rows.item(connection, number)
        if not done:
            raise WrongState(desk_rows.in_whose_hand(item))
        return item

    # -- Commands --------------------------------------------------------------------------------

    def give(self, completion: Completion) -> Command:
        """Write a command and everything that goes with it, all or nothing, before it is delivered.

        A command that was given before is returned as it is. Raises NotFound, or WrongState, also for an id
        that belongs to another command.
        """
        command = completion.command
        asked = command_rows.asked_by(completion)
        with self._access.write() as connection:
            case = lock_case(connection, command.case_number)
            if (before := self._given(connection, command.command_id, asked)) is not None:
                return before
            if case["closed_at"] is not None:
                raise WrongState(f"{command.case_number} is over: {case['outcome']}")
            command_rows.write(connection, self._vault, completion, case["city"])
            past = None if completion.letter is None else lineage_rows.past(connection)
        if past is not None:
            self._vault.witness(past)
        return command

    def given(self, command_id: str, asked: Asked) -> Command | None:
        """Return the command that was given under this id for the same; None when there is none.

        Raises WrongState when the id belongs to another command, or to another's.
        """
        with self._access.read() as connection:
            return self._given(connection, command_id, asked)

    def _given(self, connection: Connection, command_id: str, asked: Asked) -> Command | None:
        row = connection.execute(_COMMAND, {"command_id": command_id}).mappings().one_or_none()
        if row is None:
            return None
        command_rows.require_same(connection, self._vault, row, command_id, asked)
        return command_rows.read(row)

    def command(self, command_id: str) -> Command | None:
        """Return the command that was given under this id; None when there is none."""
        with self._access.read() as connection:
            row = connection.execute(_COMMAND, {"command_id": command_id}).mappings().one_or_none()
        return None if row is None else command_rows.read(row)

    def undelivered(self, case_number: str | None = None, limit: int = 500) -> list[Command]:
        """Return the commands that no workflow has taken or refused yet, the oldest first."""
        query = _UNDELIVERED.limit(limit)
        if case_number is not None:
            query = query.where(commands.c.case_number == case_number)
        with self._access.read() as connection:
            rows = connection.execute(query).mappings().all()
            return [command_rows.read(row) for row in rows]

    def settle(self, command_id: str, result: CommandResult, said: str | None, at: datetime) -> None:
        """Write down what the workflow said to a command; the first word stays."""
        with self._access.write() as connection:
            settled = {"of_id": command_id, "as_": result, "words": said, "at": at}
            if connection.execute(_SETTLE, settled).rowcount > 0:
                announce(connection, "command_results", [(command_id,)], at)

    def bearers(self, case_number: str) -> list[Bearer]:
        """Return who answered or prepared something on a case, the first first."""
        with self._access.read() as connection:
            rows = connection.execute(_BEARERS, {"case_number": case_number}).mappings().all()
        return [Bearer(row["actor"], None if row["step"] is None else Step(row["step"])) for row in rows]

    def refuse(self, actor: str, act: Act, case_number: str | None, why: str, at: datetime) -> None:
        """Keep that a person was not allowed to do something."""
        row = RefusalRow(at=at, actor=actor, act=act, case_number=case_number, why=why)
        with self._access.write() as connection:
            number = connection.execute(_REFUSE, row.model_dump(exclude={"id"})).scalar_one()
            announce(connection, "refusals", [(number,)], at)

    def refusals(self, cities: Collection[str], limit: int = 200) -> Page[Refusal]:
        """Return what officers were not allowed to do on cases of these cities or none, the newest first."""
        mine = of_cities(refusals.c.case_number, cities)
        query = select(refusals).where(mine).order_by(refusals.c.id.desc())
        with self._access.read() as connection:
            return page(connection.execute(cut(query, limit)).mappings().all(), _refusal)

    # -- What the work is about --------------------------------------------------------------------

    def dossier(self, case_number: str) -> Dossier:
        """Return everything held on a case. Raises NotFound."""
        with self._access.read() as connection:
            return dossier_query.dossier(connection, self._vault, case_number)

    def receipt(self, case_number: str, attempt: int) -> PortalReceipt | None:
        """Return what proves an attempt's upload; None when there is none or it is void."""
        with self._access.read() as connection:
            return submission_rows.receipt(connection, self._vault, case_number, attempt)

    def submission_begun(self, case_number: str, attempt: int) -> bool:
        """Tell whether this attempt, or a later one of a run before, may have reached SIKS-NG."""
        with self._access.read() as connection:
            return submission_rows.is_begun(connection, case_number, attempt)

    def letters(self, case_number: str) -> list[IssuedLetter]:
        """Return the letters of a case as they were issued; of one who was erased, what is not personal."""
        with self._access.read() as connection:
            rows = connection.execute(_LETTERS, {"case_number": case_number}).mappings().all()
            key = self._key_unless_erased(connection, case_number) if rows else None
        return [letter_rows.read(key, row) for row in rows]

    def letter_by_code(self, verification_code: str) -> IssuedLetter | None:
        """Return the letter with this verification code; None when there is none."""
        with self._access.read() as connection:
            row = connection.execute(_BY_CODE, {"code": verification_code}).mappings().one_or_none()
            if row is None:
                return None
            return letter_rows.read(self._key_unless_erased(connection, row["case_number"]), row)

    def _key_unless_erased(self, connection: Connection, case_number: str) -> PersonKey | None:
        try:
            return key_of_case(connection, self._vault, case_number)
        except Erased:
            return None

    def reissue_letter(self, case_number: str, new: NewLetter, note: str) -> IssuedLetter:
        """Make the case's letter void and issue another. Raises NotFound or WrongState."""
        now = self._clock()
        with self._access.write() as connection:
            city = lock_case(connection, case_number)["city"]
            before = letter_rows.present(connection, self._vault, case_number)
            if before is None:
                raise WrongState(f"{case_number} has no letter to replace")
            before.require_valid()
            key = key_of_case(connection, self._vault, case_number)
            letter = letter_rows.issue(connection, key, (case_number, before.attempt), city, new, now)
            note_rows.keep(
                connection,
                key,
                case_number,
                f"letter-{letter.verification_code}",
                author=new.signer or MACHINE,
                text=note,
                at=now,
            )
            past = lineage_rows.past(connection)
        self._vault.witness(past)
        return letter

    def save_pdf(self, verification_code: str, sha256: str) -> None:
        """Keep which document a letter is; the first one stays."""
        with self._access.write() as connection:
            row = connection.execute(_BY_CODE, {"code": verification_code}).mappings().one_or_none()
            if row is not None:
                letter_rows.keep_pdf(connection, self._vault, row, sha256, self._clock())

    def notes(self, case_number: str) -> dict[str, str]:
        """Return the words that belong to commands of a case, by command id."""
        with self._access.read() as connection:
            rows = connection.execute(_NOTES, {"case_number": case_number}).all()
            if not rows:
                return {}
            key = key_of_case(connection, self._vault, case_number)
        return {row.command_id: key.unseal(sealed_rows.note_of(row.command_id), row.sealed) for row in rows}


def _refusal(row: RowMapping) -> Refusal:
    return Refusal(row["at"], row["actor"], row["act"], row["case_number"], row["why"])

"""The work of people in SQL, as they see it. Satisfies `gateways.ports.desk.DeskBook`."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

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

from gateways import desk_rows, dossier_query, letter_rows, note_rows, sealed_rows, submission_rows
from gateways.audit_forms import announce
from gateways.ledger_access import LedgerAccess, lock_case, unreachable, utc_now
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import NIK, PAPER, key_of_case
from models.case import Step, Track
from models.desk import (
    Bearer,
    Command,
    CommandKind,
    CommandResult,
    Completion,
    DeskItem,
    DeskResult,
    IssuedLetter,
    NewLetter,
    PortalReceipt,
    Refusal,
)
from models.dossier import Dossier
from models.errors import Erased, NotFound, WrongState
from models.messages import GiveAnswer, StepAsk
from models.policy import NeedKind
from models.roles import MACHINE, Act, Role
from models.tables import (
    CommandRow,
    RefusalRow,
    cases,
    commands,
    desk_items,
    documents,
    letters,
    notes,
    people,
    refusals,
)

_NUMBER = bindparam("case_number", type_=String())
_EMERGENCIES_FIRST = (
    cases.c.track != Track.EMERGENCY,
    cases.c.due_at.asc().nulls_last(),
    desk_items.c.opened_at,
    desk_items.c.id,
)
_ITEM = desk_rows.ITEMS.where(desk_items.c.id == bindparam("number"))
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
    .values(assignee=bindparam("officer", type_=String()), claimed_at=bindparam("at"))
)
_FINISH = (
    update(desk_items)
    .where(
        desk_items.c.id == bindparam("number"),
        desk_items.c.closed_at.is_(None),
        desk_items.c.assignee.is_not_distinct_from(bindparam("expects", type_=String())),
    )
    .values(closed_at=bindparam("at"), closed_by=bindparam("by"), result=bindparam("as_"))
)
_VOID = (
    update(desk_items)
    .where(desk_items.c.id == bindparam("number"), desk_items.c.closed_at.is_(None))
    .values(closed_at=bindparam("at"), closed_by=bindparam("by"), result=DeskResult.VOIDED)
)
_COMMAND = select(commands).where(commands.c.command_id == bindparam("command_id"))
_GIVE = insert(commands)
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
_ACCEPT_PAPERS = (
    update(documents)
    .where(
        documents.c.case_number == bindparam("of_case"),
        documents.c.name == bindparam("of_name"),
        documents.c.checked_at.is_(None),
        documents.c.added_at <= bindparam("until"),
    )
    .values(checked_at=bindparam("at"), checked_by=bindparam("by"))
)
_LETTERS = (
    select(letters).where(letters.c.case_number == _NUMBER).order_by(letters.c.year, letters.c.sequence)
)
_BY_CODE = select(letters).where(letters.c.verification_code == bindparam("code"))
_SEALED_NEED = select(cases.c.case_number, cases.c.sealed).where(cases.c.case_number == _NUMBER)
_APPLICANT = (
    select(people.c.id, people.c.sealed).where(people.c.key_id == bindparam("key_id")).with_for_update()
)
_OTHER_OWNER = select(people.c.id).where(
    people.c.nik_index == bindparam("index"), people.c.id != bindparam("person_id")
)
_NOTES = select(notes.c.command_id, notes.c.sealed).where(notes.c.case_number == _NUMBER)


class SqlDeskBook:
    """The desk's book in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime] = utc_now) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys; `clock` tells the wall time."""
        self._access = LedgerAccess(engine, lambda: unreachable(engine))
        self._vault = vault
        self._clock = clock

    # -- Items -----------------------------------------------------------------------------------

    def items(
        self,
        *,
        case_number: str | None = None,
        cities: Collection[str] | None = None,
        with_closed: bool = False,
        limit: int = 200,
    ) -> list[DeskItem]:
        """Return pieces of work, emergencies first, then the next due."""
        query = desk_rows.ITEMS.order_by(*_EMERGENCIES_FIRST).limit(limit)
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
            return _item(connection, number)

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

    def assign(self, number: int, officer: str | None, *, expects: str | None, at: datetime) -> DeskItem:
        """Give an open item from one hand to another; of two who claim it at the same time, one wins."""
        values = {"number": number, "expects": expects, "officer": officer, "at": at if officer else None}
        with self._access.write() as connection:
            done = connection.execute(_HAND, values).rowcount > 0
            item = _item(connection, number)
        if not done:
            raise WrongState(_in_whose_hand(item))
        return item

    # -- Commands --------------------------------------------------------------------------------

    def give(self, completion: Completion) -> Command:
        """Write a command and everything that goes with it, all or nothing, before it is delivered.

        A command that was given before is returned as it is. Raises NotFound, or WrongState, also for an id
        that belongs to another command.
        """
        command = completion.command
        with self._access.write() as connection:
            case = lock_case(connection, command.case_number)
            row = connection.execute(_COMMAND, {"command_id": command.command_id}).mappings().one_or_none()
            if row is not None:
                return _the_same(_command(row), command)
            if case["closed_at"] is not None:
                raise WrongState(f"{command.case_number} is over: {case['outcome']}")
            self._write(connection, completion, case["city"])
        return command

    def _write(self, connection: Connection, completion: Completion, city: str) -> None:
        command, message = completion.command, completion.command.message
        case_number, now = command.case_number, command.given_at
        answer = message if isinstance(message, GiveAnswer) else None
        key = key_of_case(connection, self._vault, case_number)
        _end_items(connection, completion)
        if completion.receipt is not None and answer is not None:
            of_attempt = (case_number, answer.attempt)
            submission_rows.keep(connection, self._vault, *of_attempt, completion.receipt, command.actor)
        if completion.voids_receipt is not None:
            submission_rows.void(connection, case_number, completion.voids_receipt, command.actor, now)
        if completion.letter is not None and answer is not None:
            of_attempt = (case_number, answer.attempt)
            letter_rows.issue(connection, key, of_attempt, city, completion.letter, now)
        if completion.correction:
            _correct(connection, self._vault, key, case_number, dict(completion.correction))
        if completion.need is not None:
            _change_need(connection, key, case_number, completion.need)
        if completion.accepted_papers:
            until = completion.seen_until or now
            accepted = {"of_case": case_number, "at": now, "by": command.actor, "until": until}
            names = [self._vault.index(PAPER, sha256) for sha256 in completion.accepted_papers]
            rows = [{**accepted, "of_name": name} for name in names]
            connection.execute(_ACCEPT_PAPERS, rows)
        if completion.note:
            note_rows.keep(
                connection,
                key,
                case_number,
                command.command_id,
                author=command.actor,
                text=completion.note,
                at=now,
            )
        row = CommandRow(
            command_id=command.command_id,
            case_number=case_number,
            kind=command.kind,
            message=message.model_dump_json(),
            actor=command.actor,
            role=command.role,
            step=answer.step if answer else None,
            attempt=answer.attempt if answer else None,
            item=completion.item,
            given_at=now,
        )
        connection.execute(_GIVE, row.model_dump())
        announce(connection, "commands", [(command.command_id,)], now)

    def command(self, command_id: str) -> Command | None:
        """Return the command that was given under this id; None when there is none."""
        with self._access.read() as connection:
            row = connection.execute(_COMMAND, {"command_id": command_id}).mappings().one_or_none()
        return None if row is None else _command(row)

    def undelivered(self, case_number: str | None = None, limit: int = 500) -> list[Command]:
        """Return the commands that no workflow has taken or refused yet, the oldest first."""
        query = _UNDELIVERED.limit(limit)
        if case_number is not None:
            query = query.where(commands.c.case_number == case_number)
        with self._access.read() as connection:
            rows = connection.execute(query).mappings().all()
            return [_command(row) for row in rows]

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

    def refusals(self, limit: int = 200) -> list[Refusal]:
        """Return what officers were not allowed to do, the newest first."""
        query = select(refusals).order_by(refusals.c.id.desc()).limit(limit)
        with self._access.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [Refusal(row["at"], row["actor"], row["act"], row["case_number"], row["why"]) for row in rows]

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
        """Tell whether the machine may have reached SIKS-NG with this attempt."""
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
            before = letter_rows.valid(connection, self._vault, case_number)
            if before is None:
                raise WrongState(f"{case_number} has no letter to replace")
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
        return letter

    def save_pdf(self, verification_code: str, sha256: str) -> None:
        """Keep which document a letter is; the first one stays."""
        with self._access.write() as connection:
            row = connection.execute(_BY_CODE, {"code": verification_code}).mappings().one_or_none()
            if row is not None:
                letter_rows.keep_pdf(connection, self._vault, row, sha256)

    def notes(self, case_number: str) -> dict[str, str]:
        """Return the words that belong to commands of a case, by command id."""
        with self._access.read() as connection:
            rows = connection.execute(_NOTES, {"case_number": case_number}).all()
            if not rows:
                return {}
            key = key_of_case(connection, self._vault, case_number)
        return {row.command_id: key.unseal(sealed_rows.note_of(row.command_id), row.sealed) for row in rows}


def _item(connection: Connection, number: int) -> DeskItem:
    row = connection.execute(_ITEM, {"number": number}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no desk item {number}")
    return desk_rows.read(row)


def _the_same(there: Command, command: Command) -> Command:
    """Return the command that was given before. Raises WrongState when it is about something else."""
    if (there.case_number, there.kind) != (command.case_number, command.kind):
        raise WrongState(
            f"{command.command_id} is the id of another command: {there.case_number}, {there.kind}"
        )
    return there


def _end_items(connection: Connection, completion: Completion) -> None:
    """End the item that a command finishes or makes void. Raises WrongState unless it is as expected."""
    ending = {"at": completion.command.given_at, "by": completion.command.actor}
    if completion.item is not None:
        finishing = {"number": completion.item, "expects": completion.expects, "as_": DeskResult.DONE}
        if connection.execute(_FINISH, {**finishing, **ending}).rowcount == 0:
            raise WrongState(_in_whose_hand(_item(connection, completion.item)))
    if completion.voids_item is not None:
        voiding = {"number": completion.voids_item, **ending}
        if connection.execute(_VOID, voiding).rowcount == 0:
            raise WrongState(_in_whose_hand(_item(connection, completion.voids_item)))


def _in_whose_hand(item: DeskItem) -> str:
    what = f"desk item {item.id} ({item.case.case_number}, {item.step})"
    if item.result is not None:
        return f"{what} is {item.result} already"
    return f"{what} is in the hand of {item.assignee or 'nobody'}"


def _command(row: RowMapping) -> Command:
    kind = CommandKind(row["kind"])
    return Command(
        case_number=row["case_number"],
        message=kind.message.model_validate_json(row["message"]),
        actor=row["actor"],
        role=None if row["role"] is None else Role(row["role"]),
        given_at=row["given_at"],
        result=None if row["result"] is None else CommandResult(row["result"]),
        said=row["said"],
    )


def _change_need(connection: Connection, key: PersonKey, case_number: str, kind: NeedKind) -> None:
    row = connection.execute(_SEALED_NEED, {"case_number": case_number}).mappings().one()
    need, deactivated_on = sealed_rows.need(key, row)
    sealed = sealed_rows.seal_need(key, case_number, replace(need, kind=kind), deactivated_on)
    connection.execute(update(cases).where(cases.c.case_number == case_number).values(sealed=sealed))


def _correct(
    connection: Connection, vault: Vault, key: PersonKey, case_number: str, changes: dict[str, Any]
) -> None:
    """Mend the applicant's data; the papers must then be compared again. Somebody else's NIK is refused."""
    row = connection.execute(_APPLICANT, {"key_id": key.id}).one()
    person = replace(sealed_rows.person(key, row.sealed), **changes)
    index = vault.index(NIK, person.nik)
    if connection.execute(_OTHER_OWNER, {"index": index, "person_id": row.id}).first() is not None:
        raise WrongState("the NIK belongs to another person of the ledger")
    mended = update(people).where(people.c.id == row.id)
    connection.execute(mended.values(nik_index=index, sealed=sealed_rows.seal_person(key, person)))
    unchecked = update(documents).where(documents.c.case_number == case_number)
    connection.execute(unchecked.values(checked_at=None, checked_by=None))

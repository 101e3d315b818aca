"""What a person's command writes in the ledger, all in one transaction."""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    String,
    bindparam,
    select,
    update,
)

from gateways import desk_rows, letter_rows, note_rows, sealed_rows, submission_rows
from gateways.audit_forms import announce
from gateways.ledger_access import Upsert
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import NIK, PAPER, key_of_case
from models.asked import Asked
from models.desk import (
    Command,
    CommandKind,
    CommandResult,
    Completion,
    DeskResult,
)
from models.desk_tables import CommandRow, commands, desk_items
from models.errors import WrongState
from models.messages import GiveAnswer
from models.policy import NeedKind
from models.roles import Role
from models.tables import cases, documents, people

_NUMBER = bindparam("case_number", type_=String())
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
_GIVE = Upsert(commands, lambda insert: insert.on_conflict_do_nothing().returning(commands.c.command_id))
"""Waits for whoever is giving a command under the same id at the same time, and then writes nothing."""
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
_SEALED_NEED = select(cases.c.case_number, cases.c.sealed).where(cases.c.case_number == _NUMBER)
_APPLICANT = (
    select(people.c.id, people.c.sealed).where(people.c.key_id == bindparam("key_id")).with_for_update()
)
_OTHER_OWNER = select(people.c.id).where(
    people.c.nik_index == bindparam("index"), people.c.id != bindparam("person_id")
)


def write(connection: Connection, vault: Vault, completion: Completion, city: str) -> None:
    """Write a command of a case in this city and all that goes with it; the case is locked.

    Raises WrongState when an item, the NIK or a receipt is not as expected.
    """
    command, message = completion.command, completion.command.message
    case_number, now = command.case_number, command.given_at
    answer = message if isinstance(message, GiveAnswer) else None
    key = key_of_case(connection, vault, case_number)
    _end_items(connection, completion)
    if completion.receipt is not None and answer is not None:
        of_attempt = (case_number, answer.attempt)
        submission_rows.keep(connection, vault, of_attempt, completion.receipt, command.actor, now)
    if completion.voids_receipt is not None:
        submission_rows.void(connection, case_number, completion.voids_receipt, command.actor, now)
    if completion.letter is not None and answer is not None:
        of_attempt = (case_number, answer.attempt)
        letter_rows.issue(connection, key, of_attempt, city, completion.letter, now)
    if completion.correction:
        _correct(connection, vault, key, case_number, dict(completion.correction))
    if completion.need is not None:
        _change_need(connection, key, case_number, completion.need)
    if completion.accepted_papers:
        until = completion.seen_until or now
        accepted = {"of_case": case_number, "at": now, "by": command.actor, "until": until}
        names = [vault.index(PAPER, sha256) for sha256 in completion.accepted_papers]
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
        asked=_digest(key, command.command_id, completion.asked),
    )
    if connection.execute(_GIVE.on(connection), row.model_dump()).first() is None:
        raise WrongState(f"{command.command_id} is the id of another command, of another case")
    announce(connection, "commands", [(command.command_id,)], now)


def keep(connection: Connection, command: Command) -> None:
    """Write a command that a case had taken before the ledger was put back; one that is there stays."""
    row = CommandRow(
        command_id=command.command_id,
        case_number=command.case_number,
        kind=command.kind,
        message=command.message.model_dump_json(),
        actor=command.actor,
        role=command.role,
        given_at=command.given_at,
        result=command.result,
        settled_at=command.given_at,
    )
    if connection.execute(_GIVE.on(connection), row.model_dump()).first() is not None:
        told = [(command.command_id,)]
        announce(connection, "commands", told, command.given_at)
        announce(connection, "command_results", told, command.given_at)


def read(row: RowMapping) -> Command:
    """Return a command as it was given, with what became of it."""
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


def require_same(
    connection: Connection, vault: Vault, row: RowMapping, command_id: str, asked: Asked
) -> None:
    """Refuse an id that stands for another command, or for another officer's. Raises WrongState or Erased.

    Of a command that was given before its content was kept, case, kind, step and officer must do.
    """
    of_row = (row["case_number"], row["kind"], row["actor"], row["step"])
    is_same = of_row == (asked.case_number, asked.kind, asked.actor, asked.step)
    if is_same and row["asked"] is not None:
        key = key_of_case(connection, vault, asked.case_number)
        is_same = row["asked"] == _digest(key, command_id, asked)
    if not is_same:
        raise WrongState(f"{command_id} is the id of another command: {row['case_number']}, {row['kind']}")


def asked_by(completion: Completion) -> Asked:
    """Return what a command was given for, also when nobody said it."""
    command, message = completion.command, completion.command.message
    step = message.step if isinstance(message, GiveAnswer) else None
    return completion.asked or Asked(command.case_number, command.kind, command.actor, "", step)


def _digest(key: PersonKey, command_id: str, asked: Asked | None) -> str | None:
    return None if asked is None else key.digest(sealed_rows.asked_of(command_id), asked.content)


def _end_items(connection: Connection, completion: Completion) -> None:
    """End the item that a command finishes or makes void. Raises WrongState unless it is as expected."""
    ending = {"at": completion.command.given_at, "by": completion.command.actor}
    if completion.item is not None:
        finishing = {"number": completion.item, "expects": completion.expects, "as_": DeskResult.DONE}
        if connection.execute(_FINISH, {**finishing, **ending}).rowcount == 0:
            raise WrongState(desk_rows.in_whose_hand(desk_rows.item(connection, completion.item)))
    if completion.voids_item is not None:
        voiding = {"number": completion.voids_item, **ending}
        if connection.execute(_VOID, voiding).rowcount == 0:
            raise WrongState(desk_rows.in_whose_hand(desk_rows.item(connection, completion.voids_item)))


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

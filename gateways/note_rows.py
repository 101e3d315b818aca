"""Words that belong to commands: they are written here and nowhere else, and never leave the ledger."""

from datetime import datetime

from sqlalchemy import Connection

from gateways.audit_forms import announce
from gateways.ledger_access import Upsert
from gateways.ports.vault import PersonKey
from gateways.sealed_rows import note_of
from models.desk_tables import NoteRow, notes

_NOTE = Upsert(notes, lambda insert: insert.on_conflict_do_nothing().returning(notes.c.command_id))


def keep(  # noqa: PLR0913 - a column each
    connection: Connection,
    key: PersonKey,
    case_number: str,
    command_id: str,
    *,
    author: str,
    text: str,
    at: datetime,
) -> None:
    """Write the words of a command, sealed under the person's key; the first words stay."""
    sealed = key.seal(note_of(command_id), text)
    row = NoteRow(case_number=case_number, command_id=command_id, author=author, sealed=sealed, at=at)
    if connection.execute(_NOTE.on(connection), row.model_dump()).first() is not None:
        announce(connection, "notes", [(command_id,)], at)

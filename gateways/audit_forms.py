"""What the audit chain covers: for each form a table, its key, and columns that never change again.

A form never changes, for its digests are sealed: a column that is to be covered later gets a form of its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import UTCDateTime

from models.alert_tables import alerts
from models.audit import digest_of
from models.audit_tables import accesses, audit_pending
from models.bulk_tables import bulk_operations
from models.desk_tables import commands, letters, notes, refusals, submissions
from models.erasure_tables import erasures, legal_holds
from models.event_tables import received_events
from models.import_tables import imports
from models.lineage_tables import generations
from models.tables import case_events

_SEPARATOR: Final = "/"
_MOST_DIGITS: Final = 18


class Stored(FunctionElement[Any]):
    """A column as the database holds it: bytes or text, which no wrong content makes unreadable."""

    inherit_cache = True


@compiles(Stored, "sqlite")
def _on_sqlite(element: Stored, compiler: SQLCompiler, **words: object) -> str:
    return f"CAST({compiler.process(element.clauses, **words)} AS BLOB)"


@compiles(Stored, "postgresql")
def _on_postgresql(element: Stored, compiler: SQLCompiler, **words: object) -> str:
    (column,) = element.clauses
    name = compiler.process(element.clauses, **words)
    if isinstance(column.type, Date):  # whatever the session's DateStyle is
        return f"to_char({name}, 'YYYY-MM-DD')"
    if isinstance(column.type, DateTime | UTCDateTime):  # as SQLite has it
        return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    if isinstance(column.type, Boolean):
        return f"CAST(CAST({name} AS INTEGER) AS TEXT)"
    return name if isinstance(column.type, LargeBinary) else f"CAST({name} AS TEXT)"


def stored(value: bytes | str | None) -> bytes | None:
    """Return what `Stored` selected as bytes, which are the same on both databases."""
    return value.encode() if isinstance(value, str) else value


@dataclass(frozen=True)
class Form:
    """Columns of a table that never change once they are written."""

    name: str
    table: Table
    columns: tuple[str, ...]
    once: str | None = None
    """The column whose value says that they are written; None when they are as soon as the row is there."""

    @property
    def primary_key(self) -> Sequence[Column[Any]]:
        """The columns by which a row is found."""
        return list(self.table.primary_key)

    @cached_property
    def key(self) -> ColumnElement[str]:
        """The key as text."""
        first, *others = [cast(column, String) for column in self.primary_key]
        text: ColumnElement[str] = first
        for one in others:
            text = text.concat(literal(_SEPARATOR)).concat(one)
        return text

    @cached_property
    def is_written(self) -> ColumnElement[bool]:
        """Whether the columns are written."""
        return true() if self.once is None else self.table.c[self.once].is_not(None)

    @cached_property
    def rows_on_sqlite(self) -> Select[Any]:
        """Rows by `keys`, a JSON list of lists: first the primary key, then the columns.

        Joined, because for a list of tuples both databases read every row of the table.
        """
        wanted = func.json_each(bindparam("keys", type_=String())).table_valued("value", name="wanted")
        parts = [func.json_extract(wanted.c.value, f"$[{at}]") for at in range(len(self.primary_key))]
        same = (one == part for one, part in zip(self.primary_key, parts, strict=True))
        return self._columns.join(wanted, and_(*same))

    @cached_property
    def rows_on_postgresql(self) -> Select[Any]:
        """The same by `keys_0`, `keys_1`, ..., an array for each column of the key."""
        mine = self.primary_key
        arrays = [bindparam(f"keys_{at}", type_=ARRAY(one.type)) for at, one in enumerate(mine)]
        wanted = (
            func.unnest(*arrays).table_valued(*(one.name for one in mine), name="wanted").render_derived()
        )
        return self._columns.join(wanted, and_(*(one == wanted.c[one.name] for one in mine)))

    @property
    def _columns(self) -> Select[Any]:
        covered = [self.table.c[name] for name in self.columns]
        return select(*map(Stored, self.primary_key), *map(Stored, covered)).where(self.is_written)

    def digests(self, connection: Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the digest of each of these rows that is there."""
        wanted = [one for key in keys if (one := self._values(key))]
        if not wanted:
            return {}
        width = len(self.primary_key)
        if connection.dialect.name == "postgresql":
            columns = {f"keys_{at}": [one[at] for one in wanted] for at in range(width)}
            rows = connection.execute(self.rows_on_postgresql, columns)
        else:
            rows = connection.execute(self.rows_on_sqlite, {"keys": json.dumps(wanted)})
        found: dict[bytes, bytes] = {}
        for row in rows:
            values = [stored(value) for value in row]
            key = _SEPARATOR.encode().join(value or b"" for value in values[:width])
            found[key] = digest_of(self.name, values)
        return found

    def _values(self, key: bytes) -> tuple[str | int, ...]:
        """Return a key column by column; nothing when no row can have it."""
        try:
            text = key.decode()
        except UnicodeDecodeError:
            return ()
        kinds = [column.type for column in self.primary_key]
        parts = text.rsplit(_SEPARATOR, len(kinds) - 1) if len(kinds) > 1 else [text]
        values: list[str | int] = []
        for part, kind in zip(parts, kinds, strict=len(parts) == len(kinds)):
            if not isinstance(kind, Integer):
                values.append(part)
            elif part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS:
                values.append(int(part))
        return tuple(values) if len(values) == len(kinds) else ()


FORMS: Final[Mapping[str, Form]] = {
    form.name: form
    for form in (
        Form("case_events", case_events, ("kind", "at", "recorded_at", "step", "attempt", "reason", "facts")),
        Form(
            "commands",
            commands,
            ("case_number", "kind", "message", "actor", "role", "step", "attempt", "item", "given_at"),
        ),
        Form("command_results", commands, ("result", "settled_at", "said"), once="result"),
        Form("refusals", refusals, ("at", "actor", "act", "case_number", "why")),
        Form("notes", notes, ("case_number", "author", "sealed", "at")),
        Form(
            "alerts",
            alerts,
            (
                *("city", "case_number", "kind", "level", "step", "kecamatan"),
                *("due_at", "raised_at", "detail", "words", "levels"),
            ),
        ),
        Form("alert_acks", alerts, ("acknowledged_at", "acknowledged_by"), once="acknowledged_at"),
        Form(
            "accesses",
            accesses,
            ("at", "actor", "role", "door", "reason", "case_number", "count", "sha256"),
        ),
        Form(
            "bulk_operations",
            bulk_operations,
            ("operation", "where", "actor", "given_at", "reason", "to", "by_seconds"),
        ),
        Form(
            "received_events",
            received_events,
            ("at", "source", "digest", "result", "case_number", "said", "is_repeated"),
        ),
        Form("erasures", erasures, ("person_id", "case_number", "actor", "role", "cause", "at")),
        Form("legal_holds", legal_holds, ("person_id", "case_number", "actor", "role", "at")),
        Form(
            "hold_releases",
            legal_holds,
            ("released_at", "released_by", "released_role"),
            once="released_at",
        ),
        Form("generations", generations, ("began_at", "begun_by", "entries")),
        Form("imports", imports, ("key", "city", "file_sha256", "rows", "begun_by", "begun_at")),
        Form(
            "letters",
            letters,
            ("number", "case_number", "attempt", "issued_on", "signer", "subject", "verification_code"),
        ),
        Form("letter_prints", letters, ("pdf", "pdf_name"), once="pdf"),
        Form("letter_voids", letters, ("voided_at", "voided_by"), once="voided_at"),
        Form(
            "submissions",
            submissions,
            ("reference", "submitted_at", "submitted_by", "proof", "proof_name"),
        ),
        Form("submission_voids", submissions, ("voided_at", "voided_by"), once="voided_at"),
    )
}

_ANNOUNCE = insert(audit_pending)


def announce(connection: Connection, form: str, keys: Sequence[tuple[str | int, ...]], at: datetime) -> None:
    """Note in the writing transaction that rows were written, so that they will be sealed.

    A row without this counts as forged.
    """
    rows = [{"form": FORMS[form].name, "key": _SEPARATOR.join(map(str, key)), "at": at} for key in keys]
    if rows:
        connection.execute(_ANNOUNCE, rows)

"""The audit chain in SQL: rows are sealed in batches, and compared with what was sealed."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Row,
    Select,
    String,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
)

from gateways import audit_coverage, sql_comparison
from gateways.audit_forms import FORMS, Form, Stored, stored
from gateways.ledger_access import LedgerAccess, unreachable
from models.audit import GENESIS, Coverage, Fault, Generation, Head, Unsealed, hash_of
from models.audit_tables import audit_chain, audit_pending
from models.lineage_tables import generations

CHAIN: Final = "audit_chain"
_AT_ONCE: Final = 1000
"""How many rows are sealed or verified in a transaction."""
_ONE_SEALER: Final = text("SELECT pg_try_advisory_xact_lock(8421367000420)")

_WAITING = (
    select(audit_pending.c.id, Stored(audit_pending.c.form), Stored(audit_pending.c.key))
    .order_by(audit_pending.c.id)
    .limit(_AT_ONCE)
)
_NONE_WAITS = ~exists().select_from(audit_pending)
_UNSEALED = select(func.count(), func.min(audit_pending.c.at))
_HEAD = select(audit_chain.c.number, audit_chain.c.hash).order_by(audit_chain.c.number.desc()).limit(1)
_GENERATIONS = select(generations).order_by(generations.c.number)
_SEALED_ALREADY = select(audit_chain.c.key).where(
    audit_chain.c.form == bindparam("form", type_=String()),
    audit_chain.c.key.in_(bindparam("keys", expanding=True)),
)
_APPEND = insert(audit_chain)
_SETTLED = delete(audit_pending).where(audit_pending.c.id.in_(bindparam("ids", expanding=True)))
_ENTRIES = (
    select(audit_chain.c.number, *(Stored(column) for column in audit_chain.c if column.name != "number"))
    .where(
        audit_chain.c.number > bindparam("after", type_=Integer()),
        audit_chain.c.number <= bindparam("last", type_=Integer()),
    )
    .order_by(audit_chain.c.number)
    .limit(_AT_ONCE)
)
_HASHES = select(audit_chain.c.number, Stored(audit_chain.c.hash)).where(
    audit_chain.c.number.in_(bindparam("numbers", expanding=True))
)


def _strangers(form: Form) -> Select[str, Any]:
    """Select the rows of a form that are in neither table: written past the engine, or cut off the chain."""
    told = (
        exists().where(table.c.form == form.name, table.c.key == form.key)
        for table in (audit_chain, audit_pending)
    )
    row = select(literal(form.name), Stored(form.key))
    return row.where(form.is_written, *(~one for one in told))


_STRANGERS = union_all(*map(_strangers, FORMS.values())).execution_options(yield_per=_AT_ONCE)


class SqlAudit:
    """The chain in SQLite or PostgreSQL; every call but `faults` is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine) -> None:
        """`engine` comes from `open_engine`."""
        self._access = LedgerAccess(engine, unreachable(engine))

    # -- Sealing ---------------------------------------------------------------------------------

    def seal(self, now: datetime) -> int:
        """Append an entry for each of the next rows that wait; return how many, 0 when there are none.

        One sealer at a time: for another that comes meanwhile there is nothing to do.
        """
        with self._access.read() as connection:
            if connection.execute(select(_NONE_WAITS)).scalar_one():
                return 0
        with self._access.write() as connection:
            is_postgres = connection.dialect.name == "postgresql"
            if is_postgres and not connection.execute(_ONE_SEALER).scalar_one():
                return 0
            waiting = connection.execute(_WAITING).all()
            if waiting:
                self._append(connection, waiting, now)
                connection.execute(_SETTLED, {"ids": [row[0] for row in waiting]})
        return len(waiting)

    def _append(self, connection: Connection, waiting: Sequence[Sequence[Any]], now: datetime) -> None:
        rows = dict.fromkeys((_text(stored(form)), _text(stored(key))) for _, form, key in waiting)
        for form in {form for form, _ in rows}:
            of_form = {"form": form, "keys": [key for one, key in rows if one == form]}
            for key in connection.execute(_SEALED_ALREADY, of_form).scalars():
                del rows[form, key]
        digests = _digests(connection, ((form.encode(), key.encode()) for form, key in rows))
        head = connection.execute(_HEAD).one_or_none()
        last, previous = (0, GENESIS) if head is None else (head.number, head.hash)
        sealed_at = now.strftime("%Y-%m-%d %H:%M:%S.%f").encode()  # as `Stored` gives a time
        entries = []
        for number, (form, key) in enumerate(rows, last + 1):
            digest = digests.get((form, key.encode()))
            entry = _hash(previous, number, form.encode(), key.encode(), digest, sealed_at)
            entries.append(
                {
                    "number": number,
                    "form": form,
                    "key": key,
                    "digest": digest,
                    "sealed_at": now,
                    "previous": previous,
                    "hash": entry,
                }
            )
            previous = entry
        if entries:
            connection.execute(_APPEND, entries)

    def unsealed(self) -> Unsealed:
        """Return how many rows wait to be sealed, and since when."""
        with self._access.read() as connection:
            count, oldest = connection.execute(_UNSEALED).one()
        return Unsealed(count, oldest)

    def head(self) -> Head | None:
        """Return the chain's last entry; None while there is none."""
        with self._access.read() as connection:
            row = connection.execute(_HEAD).one_or_none()
        return None if row is None else Head(row.number, row.hash.hex())

    def generations(self) -> list[Generation]:
        """Return the lives of the ledger that began when it was put back, the first one first."""
        with self._access.read() as connection:
            rows = connection.execute(_GENERATIONS).all()
        return [Generation(row.began_at, row.begun_by, row.entries) for row in rows]

    # -- Verifying -------------------------------------------------------------------------------

    def faults(self, last: int, told: Callable[[int], None]) -> Iterator[Fault]:
        """Compare entries up to a number with each other and with the rows they seal; tell how many were.

        After that look for rows that are neither sealed nor announced. Needs the same memory for any chain.
        """
        after = 0
        before: bytes | None = GENESIS
        while True:
            with self._access.snapshot() as connection:
                found = connection.execute(_ENTRIES, {"after": after, "last": last})
                entries = [_Entry(row) for row in found]
                digests = _digests(connection, ((one.form, one.key) for one in entries if one.is_whole))
            if not entries:
                break
            for entry in entries:
                if entry.number > after + 1:
                    yield Fault(CHAIN, _range(after + 1, entry.number - 1), "gone from the chain")
                elif entry.is_whole and before not in {None, entry.previous}:
                    yield Fault(CHAIN, str(entry.number), "does not follow the entry before it")
                yield from entry.faults(digests)
                after, before = entry.number, entry.hash if entry.is_whole else None
            told(len(entries))
        if after < last:
            yield Fault(CHAIN, _range(after + 1, last), "gone from the chain")
        with self._access.snapshot() as connection:
            for form, stranger in connection.execute(_STRANGERS):
                yield Fault(form, _text(stored(stranger)), "neither sealed nor announced: forged")

    def differences(self) -> Iterator[Fault]:
        """Compare cases with their events, and counters with the numbers that were given."""
        return sql_comparison.differences(self._access)

    @staticmethod
    def coverage() -> Coverage:
        """Return which columns of the ledger are sealed, which are compared, and which neither."""
        return audit_coverage.coverage()

    def hashes(self, numbers: Collection[int]) -> dict[int, str]:
        """Return the hash of each of these entries that is there."""
        with self._access.read() as connection:
            rows = connection.execute(_HASHES, {"numbers": list(numbers)}).all()
        return {number: (stored(value) or b"").hex() for number, value in rows}


class _Entry:
    """An entry as it is stored, whatever was made of it."""

    def __init__(self, row: Row[Any]) -> None:
        self.number: int = row[0]
        form, key, self.digest, sealed_at, self.previous, self.hash = map(stored, row[1:])
        self.form, self.key = form or b"", key or b""
        self.is_whole = self.hash == _hash(
            self.previous or b"", self.number, form, key, self.digest, sealed_at
        )

    def faults(self, digests: Mapping[tuple[str, bytes], bytes]) -> Iterator[Fault]:
        """Tell what is wrong with the entry, or with its row."""
        form, key = _text(self.form), _text(self.key)
        if not self.is_whole:
            yield Fault(CHAIN, str(self.number), f"entry was changed; it sealed {form} {key}")
            return
        digest = digests.get((form, self.key))
        if self.digest is None:
            yield Fault(form, key, "was gone before it was sealed")
        elif digest is None:
            yield Fault(form, key, "is gone")
        elif digest != self.digest:
            yield Fault(form, key, "was changed since it was sealed")


def _digests(connection: Connection, rows: Iterable[tuple[bytes, bytes]]) -> dict[tuple[str, bytes], bytes]:
    """Return the digests of rows, by form and key."""
    keys: dict[str, list[bytes]] = defaultdict(list)
    for form, key in rows:
        keys[_text(form)].append(key)
    return {
        (name, key): digest
        for name, of_form in keys.items()
        if name in FORMS
        for key, digest in FORMS[name].digests(connection, of_form).items()
    }


def _hash(previous: bytes, number: int, *entry: bytes | None) -> bytes:
    return hash_of(previous, str(number).encode(), *entry)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _text(value: bytes | str | None) -> str:
    """Return a stored text; what cannot be one is shown as escapes."""
    if isinstance(value, str):
        return value
    return "" if value is None else value.decode(errors="backslashreplace")

"""Keys of people, in a key store in SQL. Satisfies `gateways.ports.vault.Vault`."""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sqlalchemy import Engine, RowMapping, bindparam, func, insert, select, text, update

from gateways import key_store, key_witness, lost_keys, sealing
from gateways.key_store import person_keys, roots
from gateways.keyring import KeyRing
from gateways.ledger_access import Away, LedgerAccess
from gateways.sealing import DataKey, DoesNotOpen
from models.errors import DocumentLost, Erased, KeyMissing, Misconfigured, ReactivationError
from models.lineage import Past, Witnessed

_ROOT = select(roots)
_KEYS = select(person_keys).where(person_keys.c.id.in_(bindparam("ids", expanding=True)))
_KEY = select(person_keys).where(person_keys.c.id == bindparam("id"))
_MAKE = insert(person_keys)
_DESTROY = (
    update(person_keys)
    .where(person_keys.c.id == bindparam("of_id"), person_keys.c.destroyed_at.is_(None))
    .values(wrapped=None, master=None, destroyed_at=bindparam("at"))
)
_AT_A_TIME = 500
_WRAPPED_BY = (
    select(person_keys.c.master, func.count())
    .where(person_keys.c.wrapped.is_not(None))
    .group_by(person_keys.c.master)
    .order_by(person_keys.c.master)
)
_OLD = (
    select(person_keys)
    .where(person_keys.c.master != bindparam("newest"), person_keys.c.wrapped.is_not(None))
    .order_by(person_keys.c.id)
    .limit(bindparam("most"))
    .with_for_update()
)
_REWRAP = (
    update(person_keys)
    .where(person_keys.c.id == bindparam("of_id"), person_keys.c.wrapped.is_not(None))
    .values(master=bindparam("new"), wrapped=bindparam("sealed"))
)


@dataclass(frozen=True)
class _Root:
    """What a key store is known by, and what its look-ups are keyed by."""

    store: str
    secret: bytes = field(repr=False)


class SqlVault:
    """The vault over a key store in SQLite or PostgreSQL. Thread-safe; keeps no person's key in memory.

    The master keys are read when they are first needed: who only counts cases needs none. Raises
    Misconfigured when they are missing or do not open the store, and what `away` makes when it is away.
    """

    def __init__(
        self,
        engine: Engine,
        ring: Callable[[], KeyRing],
        *,
        expects: Callable[[], str | None] = lambda: None,
        away: Away = key_store.away,
    ) -> None:
        """`engine` is the key store's, `ring` loads the master keys, `expects` is the ledger's store id."""
        self._engine = engine
        self._access = LedgerAccess(engine, away)
        self._load = ring
        self._expects = expects

    @cached_property
    def _root(self) -> _Root:
        self._ring = self._load()
        if not key_store.is_there(self._engine):
            raise Misconfigured(
                "there is no key store: run `starter.py migrate`, or mend REAKTIVASI_KEYSTORE"
            )
        with self._access.read() as connection:
            row = connection.execute(_ROOT).mappings().one()
        if self._expects() not in {None, row["store"]}:
            raise Misconfigured("the key store belongs to another ledger: mend REAKTIVASI_KEYSTORE")
        return _Root(row["store"], self._unwrapped(f"root/{row['store']}", row))

    def _unwrapped(self, place: str, row: RowMapping) -> bytes:
        """Return a key; a master key that came while this process runs is loaded then."""
        master = self._ring.find(row["master"])
        if master is None:
            self._ring = self._load()
            master = self._ring.find(row["master"])
        if master is None:
            loaded = ", ".join(key.id for key in self._ring.keys)
            raise Misconfigured(
                f"the key store needs master key {row['master']}, which is not loaded (loaded: {loaded})"
            )
        try:
            return key_store.unwrap(master, place, row["wrapped"])
        except DoesNotOpen:
            raise Misconfigured(
                f"master key {master.id} does not open the key store: it is another key"
            ) from None

    def store(self) -> str:
        """Return the id of the key store. Raises Misconfigured unless the master keys open it."""
        return self._root.store

    def make(self, how_many: int) -> list[DataKey]:
        """Make keys for people and keep them, wrapped, before anything is sealed with them."""
        return self._made([secrets.token_hex(16) for _ in range(how_many)])

    def renew(self, key_ids: Collection[str], at: datetime) -> None:
        """Make keys anew under ids whose keys are lost, and note it: what those sealed stays unreadable."""
        self.give_up(key_ids, at)
        self._made(sorted(key_ids))

    def give_up(self, key_ids: Collection[str], at: datetime) -> None:
        """Note that keys were lost in whose place others are: what the lost ones sealed stays unreadable."""
        if key_ids:
            with self._access.write() as connection:
                lost_keys.note(connection, key_ids, at)

    def lost(self) -> dict[str, datetime]:
        """Return when lost keys were noted, by their ids."""
        with self._access.read() as connection:
            return lost_keys.read(connection)

    def _made(self, key_ids: Sequence[str]) -> list[DataKey]:
        _ = self._root
        master = self._ring.newest
        made = [DataKey(key_id, secrets.token_bytes(sealing.KEY_BYTES)) for key_id in key_ids]
        if made:
            rows = [
                {"id": key.id, "master": master.id, "wrapped": key_store.wrap(master, key.id, key.secret)}
                for key in made
            ]
            with self._access.write() as connection:
                connection.execute(_MAKE, rows)
        return made

    def key(self, key_id: str) -> DataKey:
        """Return a person's key. Raises Erased when it was destroyed."""
        _ = self._root
        with self._access.read() as connection:
            row = connection.execute(_KEY, {"id": key_id}).mappings().one_or_none()
        return self._read(key_id, row)

    def keys(self, key_ids: Collection[str]) -> dict[str, DataKey]:
        """Return the keys of people, by id. Raises Erased when one was destroyed."""
        _, wanted = self._root, list(key_ids)
        rows: dict[str, RowMapping] = {}
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                found = connection.execute(_KEYS, {"ids": wanted[start : start + _AT_A_TIME]}).mappings()
                rows |= {row["id"]: row for row in found}
        return {key_id: self._read(key_id, rows.get(key_id)) for key_id in wanted}

    def _read(self, key_id: str, row: RowMapping | None) -> DataKey:
        if row is None:
            raise KeyMissing
        if row["wrapped"] is None:
            raise Erased(row["destroyed_at"])
        return DataKey(key_id, self._unwrapped(key_id, row), lambda: self.lost().get(key_id))

    def destroyed(self, key_ids: Collection[str]) -> dict[str, datetime]:
        """Return when keys were destroyed, by id; those that were not are left out."""
        wanted: list[str] = list(key_ids)
        found: dict[str, datetime] = {}
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                rows = connection.execute(_KEYS, {"ids": wanted[start : start + _AT_A_TIME]}).mappings()
                found |= {row["id"]: row["destroyed_at"] for row in rows if row["wrapped"] is None}
        return found

    def missing(self, key_ids: Collection[str]) -> set[str]:
        """Return those of these keys that are not here at all, neither whole nor destroyed."""
        wanted: list[str] = list(key_ids)
        found: set[str] = set()
        with self._access.read() as connection:
            for start in range(0, len(wanted), _AT_A_TIME):
                rows = connection.execute(_KEYS, {"ids": wanted[start : start + _AT_A_TIME]}).mappings()
                found |= {row["id"] for row in rows}
        return set(wanted) - found

    def destroy(self, key_id: str, at: datetime) -> None:
        """Destroy a person's key for good; the first time stays. On SQLite its bytes leave the files too."""
        with self._access.write() as connection:
            connection.execute(_DESTROY, {"of_id": key_id, "at": at})
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def witness(self, past: Past) -> int | None:
        """Note how far the ledger is, and return how often that was done; None when that fails now.

        Numbers have been given out by then: what cannot be noted is noted with the next one, or by the
        workers' next round.
        """
        try:
            with self._access.write() as connection:
                return key_witness.note(connection, past).tick
        except ReactivationError:
            return None

    def witnessed(self, ledger: str) -> Witnessed | None:
        """Return what was noted of a ledger; None when nothing was."""
        with self._access.read() as connection:
            return key_witness.read(connection, ledger)

    def wrapped_by(self) -> dict[str, int]:
        """Return how many keys each master key wraps, by its id."""
        _ = self._root
        with self._access.read() as connection:
            return dict(map(tuple, connection.execute(_WRAPPED_BY).all()))

    def rotate(self, at_a_time: int = _AT_A_TIME) -> Iterator[int]:
        """Wrap every key under the newest master key, and tell after each batch how many were done in it.

        Everything can be read and made meanwhile; what is cut short goes on where it was.
        """
        root, master = self._root, self._ring.newest
        with self._access.write() as connection:
            wrapped = key_store.wrap(master, f"root/{root.store}", root.secret)
            connection.execute(update(roots).values(master=master.id, wrapped=wrapped))
        while True:
            with self._access.write() as connection:
                rows = connection.execute(_OLD, {"newest": master.id, "most": at_a_time}).mappings().all()
                for row in rows:
                    key = self._unwrapped(row["id"], row)
                    connection.execute(
                        _REWRAP,
                        {
                            "of_id": row["id"],
                            "new": master.id,
                            "sealed": key_store.wrap(master, row["id"], key),
                        },
                    )
            if not rows:
                return
            yield len(rows)

    def index(self, kind: str, value: str) -> str:
        """Return the keyed hash of a value, by which it is looked up without being kept."""
        return sealing.keyed_hash(sealing.derived(self._root.secret, f"index/{kind}"), value.encode()).hex()

    def seal_content(self, sha256: str, content: bytes) -> bytes:
        """Seal a paper under a key that only its hash leads to."""
        return sealing.seal(self._content_key(sha256), sha256, content)

    def unseal_content(self, sha256: str, sealed: bytes) -> bytes:
        """Return a paper. Raises DocumentLost when it was altered."""
        try:
            return sealing.unseal(self._content_key(sha256), sha256, sealed)
        except DoesNotOpen:
            raise DocumentLost("a paper was altered in the document store") from None

    def _content_key(self, sha256: str) -> bytes:
        return sealing.keyed_hash(sealing.derived(self._root.secret, "content"), sha256.encode())

"""Keys of people, without which nothing personal can be read."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from models.lineage import Past, Witnessed


class PersonKey(Protocol):
    """The key of one person: what it sealed nobody reads without it."""

    @property
    def id(self) -> str:
        """What the ledger knows the key by."""
        ...

    def seal(self, place: str, content: str) -> bytes:
        """Return the text sealed, bound to this person and to a place in the ledger."""
        ...

    def digest(self, place: str, content: str) -> str:
        """Return the keyed hash of a text, bound to this person and to a place in the ledger."""
        ...

    def unseal(self, place: str, sealed: bytes) -> str:
        """Return what was sealed at this place.

        Raises KeyLost when the key that sealed it is gone, and BadReply when it was altered or moved.
        """
        ...


class Vault(Protocol):
    """Where the keys of people are kept. Raises Misconfigured when the master key is missing or wrong."""

    def make(self, how_many: int) -> Sequence[PersonKey]:
        """Make keys for people; they are kept before anything is sealed with them."""
        ...

    def key(self, key_id: str) -> PersonKey:
        """Return a person's key. Raises Erased when it was destroyed, KeyMissing when it is not here."""
        ...

    def keys(self, key_ids: Collection[str]) -> Mapping[str, PersonKey]:
        """Return the keys of people, by id. Raises as `key` does."""
        ...

    def destroyed(self, key_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return when keys were destroyed, by id; those that were not are left out."""
        ...

    def missing(self, key_ids: Collection[str]) -> AbstractSet[str]:
        """Return those of these keys that are not here at all, neither whole nor destroyed."""
        ...

    def renew(self, key_ids: Collection[str], at: datetime) -> None:
        """Make keys anew under ids whose keys are lost, and note it: what those sealed stays unreadable."""
        ...

    def give_up(self, key_ids: Collection[str], at: datetime) -> None:
        """Note that keys were lost in whose place others are: what the lost ones sealed stays unreadable."""
        ...

    def lost(self) -> Mapping[str, datetime]:
        """Return when lost keys were noted, by their ids."""
        ...

    def destroy(self, key_id: str, at: datetime) -> None:
        """Destroy a person's key for good; the first time stays."""
        ...

    def witness(self, past: Past) -> int | None:
        """Note how far the ledger is, and return how often that was done; None when that fails now."""
        ...

    def witnessed(self, ledger: str) -> Witnessed | None:
        """Return what was noted of a ledger; None when nothing was."""
        ...

    def index(self, kind: str, value: str) -> str:
        """Return the keyed hash of a value, by which it is looked up without being kept."""
        ...

    def seal_content(self, sha256: str, content: bytes) -> bytes:
        """Seal a paper under a key that only its hash leads to."""
        ...

    def unseal_content(self, sha256: str, sealed: bytes) -> bytes:
        """Return a paper. Raises DocumentLost when it was altered."""
        ...

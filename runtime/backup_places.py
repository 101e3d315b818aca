"""Where a backup goes: two folders that are there, apart from each other and from what is copied."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from gateways.faults import unwritable
from models.errors import BadInput, Finding, Misconfigured
from runtime.settings import Settings

_THERE = "name a folder that is there: mount the disk, or make the folder"
_APART = "name a folder on another disk: keys beside the ledger open every copy of it"
_ELSEWHERE = "name a folder that is no part of what is copied"


def require_places(settings: Settings, into: Path, keys_into: Path) -> None:
    """Raise BadInput unless a backup may go there."""
    named = {"DIR": into, "--keys": keys_into}
    faults = [
        Finding(option, f"{place} is no folder", _THERE)
        for option, place in named.items()
        if not place.is_dir()
    ]
    if not faults and _one_in_the_other(into.resolve(), keys_into.resolve()):
        faults = [Finding("--keys", "is, or is in, the folder of the ledger's copy, or holds it", _APART)]
    faults += [
        Finding(option, f"{place} holds what is copied", _ELSEWHERE)
        for option, place in named.items()
        if any(_is_part(place.resolve(), store.resolve()) for store in _stores(settings))
    ]
    if faults:
        raise BadInput(faults)


def blame_of(*places: Path) -> Misconfigured | None:
    """Return what is wrong with the first of these that cannot be written; None when all can."""
    for place in places:
        if (fault := unwritable(place)) is not None:
            return Misconfigured(f"{place} {fault.what}: {fault.fix(str(place))}; no backup was made")
    return None


def _one_in_the_other(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _is_part(place: Path, store: Path) -> bool:
    """Tell whether a place is the folder of a database's file, or in a folder that is copied whole."""
    return place == store.parent if store.suffix else place.is_relative_to(store)


def _stores(settings: Settings) -> Iterator[Path]:
    yield settings.documents
    yield settings.policies_dir
    for address in map(make_url, (settings.ledger_url, settings.keystore_url)):
        if address.drivername == "sqlite" and address.database:
            yield Path(address.database)

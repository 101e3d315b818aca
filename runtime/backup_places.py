"""Where a backup may lie: in two folders that are there, apart from each other and from what is copied."""

from collections.abc import Iterator
from pathlib import Path

from gateways.ledger_schema import file_of
from models.errors import BadInput, Finding
from runtime.settings import Settings

_DIR, _KEYS = "DIR", "--keys"
_APART = "name a folder on another disk or a stick: the copy of the keys is destroyed within days"
_OUTSIDE = "name a folder outside of what is copied"


def read_places(settings: Settings, into: str, keys_into: str) -> tuple[Path, Path]:
    """Return the folder for the copy and the one for the key store's copy, from what was typed.

    No folder is made: where a disk is not mounted, its folder would be made on another one. Raises BadInput.
    """
    typed = {_DIR: into, _KEYS: keys_into}
    places = {name: Path(words).resolve() for name, words in typed.items() if _is_folder(words)}
    faults = [_not_there(name, words) for name, words in typed.items() if name not in places]
    for name, place in places.items():
        faults += _inside(name, place, settings)
    if len(places) == len(typed):
        faults += _together(*places.values())
    if faults:
        raise BadInput(faults)
    return places[_DIR], places[_KEYS]


def _is_folder(words: str) -> bool:
    try:
        return bool(words.strip()) and Path(words).is_dir()
    except OSError:  # a name that is too long
        return False


def _not_there(name: str, words: str) -> Finding:
    if not words.strip():
        return Finding(name, "is empty", "name a folder")
    return Finding(name, "is not there, or no folder", "mount it or make it")


def _together(into: Path, keys_into: Path) -> Iterator[Finding]:
    if into == keys_into:
        yield Finding(_KEYS, f"is the same folder as {_DIR}", _APART)
    elif into in keys_into.parents:
        yield Finding(_KEYS, f"lies inside {_DIR}", _APART)
    elif keys_into in into.parents:
        yield Finding(_DIR, f"lies inside {_KEYS}", _APART)


def _inside(name: str, place: Path, settings: Settings) -> Iterator[Finding]:
    """Tell which store a place lies inside, the first one if several."""
    stores = {
        "papers": settings.documents,
        "policies": settings.policies_dir,
        "ledger": _folder_of(settings.ledger_url),
        "key store": _folder_of(settings.keystore_url),
    }
    for store, folder in stores.items():
        if folder is not None and place.is_relative_to(folder.resolve()):
            yield Finding(name, f"lies inside the folder of the {store}", _OUTSIDE)
            return


def _folder_of(url: str) -> Path | None:
    file = file_of(url)
    return None if file is None else file.parent

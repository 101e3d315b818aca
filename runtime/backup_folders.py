"""The folders of a backup: begun under another name, given theirs together, or taken away again."""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateways.faults import unwritable
from models.errors import EngineUnreachable, ReactivationError, WrongState
from models.faults import Fault

_PARTIAL: Final = ".partial"
_NONE_MADE: Final = "no backup was made"


@contextmanager
def begun(*paths: Path) -> Iterator[Sequence[Path]]:
    """Make a folder for each path, and give all of them these names once the work in them is done.

    Whatever fails, what was made here is removed, and nothing else. Where a place cannot be written, that is
    told instead of what was noticed of it. Raises EngineUnreachable, and WrongState where a path is taken.
    """
    made = list[Path]()
    begun_as = [path.with_name(path.name + _PARTIAL) for path in paths]
    try:
        with _blamed(*(path.parent for path in paths)):
            for path in (*paths, *begun_as):
                _require_free(path)
            for folder in begun_as:
                folder.mkdir(mode=0o700)
                made.append(folder)
            yield begun_as
            for path, folder in zip(paths, begun_as, strict=True):
                _require_free(path)
                folder.rename(path)
                made.append(path)
    except BaseException:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _require_free(path: Path) -> None:
    if path.exists():
        raise WrongState(f"{path.parent} holds a backup of this second already: repeat")


@contextmanager
def _blamed(*places: Path) -> Iterator[None]:
    """Look, while everything still lies there, whether a place is at fault for what went wrong."""
    try:
        yield
    except (OSError, ReactivationError) as error:
        for place in places:
            if (fault := _fault_of(place, error)) is not None:
                raise EngineUnreachable(
                    f"{place} {fault.what}: {fault.fix('that folder')}; {_NONE_MADE}"
                ) from None
        if isinstance(error, OSError):
            what = f"papers or policies cannot be read ({type(error).__name__})"
            mend = "look at REAKTIVASI_DOCUMENTS_DIR and REAKTIVASI_POLICIES_DIR"
            raise EngineUnreachable(f"{what}: {mend}; {_NONE_MADE}") from None
        raise


def _fault_of(place: Path, error: Exception) -> Fault | None:
    """Return why a place cannot be written; a copy that found it full has given its room back by now."""
    if (
        isinstance(error, OSError)
        and error.errno == errno.ENOSPC
        and place in Path(error.filename or "").parents
    ):
        return Fault.FULL
    return unwritable(place)

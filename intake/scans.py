"""Papers that lists name: each is looked at and kept once, however many rows name it."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final

from gateways.ports.papers import Documents
from intake.rules import inspect_paper, media_type_of, read_paper
from models.application import ApplicationPaper
from models.dossier import Paper

_REMEMBERED: Final = 1024
_AT_A_TIME: Final = 8
"""Keeping a paper waits for the disk."""

Papers = Sequence[ApplicationPaper]
"""What one application names."""
_State = tuple[int, int]
"""Time of the last change in nanoseconds, and size."""
_Kept = tuple[str, str, int]
"""SHA-256, media type and size of what was kept."""


class Scans:
    """The papers of a list, seen from its folder; they are read again only when they have changed."""

    def __init__(self, folder: Path, documents: Documents) -> None:
        """`folder` is that of the list."""
        self._folder = folder
        self._documents = documents
        self._inspect = lru_cache(_REMEMBERED)(self._inspect_anew)
        self._keep = lru_cache(_REMEMBERED)(self._keep_anew)

    def inspect(self, name: str) -> str | None:
        """Tell what is wrong with a paper: a key of `PAPER_FAULTS`, or None."""
        path = self._folder / name
        state = _state(path)
        return inspect_paper(path) if state is None else self._inspect(path, state)

    def keep(self, applications: Iterable[Papers]) -> list[tuple[Paper, ...] | None]:
        """Keep the papers of each application; None for one whose papers changed since they were inspected.

        Raises Unavailable when the store cannot be written.
        """
        wanted = list(applications)
        names = list(dict.fromkeys(paper.path for one in wanted for paper in one))
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            kept = dict(zip(names, threads.map(self._keep_named, names), strict=True))
        return [_papers(one, kept) for one in wanted]

    def _keep_named(self, name: str) -> _Kept | None:
        path = self._folder / name
        state = _state(path)
        return None if state is None else self._keep(path, state)

    def _inspect_anew(self, path: Path, _state: _State) -> str | None:
        return inspect_paper(path)

    def _keep_anew(self, path: Path, _state: _State) -> _Kept | None:
        content = read_paper(path)
        if content is None or (media_type := media_type_of(content)) is None:
            return None
        return self._documents.put(content), media_type, len(content)


def _state(path: Path) -> _State | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _papers(named: Papers, kept: dict[str, _Kept | None]) -> tuple[Paper, ...] | None:
    papers = []
    for one in named:
        if (found := kept[one.path]) is None:
            return None
        papers.append(Paper(one.kind, *found))
    return tuple(dict.fromkeys(papers))

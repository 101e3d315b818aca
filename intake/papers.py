"""Papers of a registered case: what its checklist asks for, what is there, and what comes in later."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateways.ports.ledger import Registry
from gateways.ports.papers import Documents
from gateways.ports.policies import PolicyShelf
from intake.rules import inspect_paper, media_type_of, read_paper
from models.application import PAPER_FAULTS
from models.dossier import Paper
from models.errors import BadInput, Finding
from models.policy import DocumentKind


@dataclass(frozen=True)
class Wanted:
    """One entry of a case's checklist."""

    any_of: frozenset[DocumentKind]
    """Each of these kinds meets it."""
    is_met: bool


@dataclass(frozen=True)
class Checklist:
    """What city and track ask for, and the papers that are there."""

    wanted: tuple[Wanted, ...]
    papers: tuple[Paper, ...]
    lost: frozenset[str]
    """SHA-256 of papers that are gone from the store or were altered."""


@dataclass(frozen=True, repr=False)
class ReadPaper:
    """A paper in order, as it was brought."""

    kind: DocumentKind
    content: bytes

    @property
    def name(self) -> str:
        """What makes it the same paper when it is brought again."""
        return f"{self.kind}:{hashlib.sha256(self.content).hexdigest()}"


class Papers:
    """Looks at the papers of a case and adds to them."""

    def __init__(self, registry: Registry, documents: Documents, shelf: PolicyShelf) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._registry = registry
        self._documents = documents
        self._shelf = shelf

    def checklist(self, case_number: str) -> Checklist:
        """Compare a case's papers with its city's and track's checklist. Raises NotFound."""
        case = self._registry.case(case_number).case
        papers = tuple(self._registry.papers(case_number))
        lost = frozenset(paper.sha256 for paper in papers if not self._documents.is_intact(paper.sha256))
        intact = {paper.kind for paper in papers if paper.sha256 not in lost}
        entries = self._shelf.city(case.city).tracks[case.track].documents
        return Checklist(tuple(Wanted(kinds, bool(kinds & intact)) for kinds in entries), papers, lost)

    def add(self, case_number: str, named: Sequence[str]) -> int:
        """Take papers named as `kind=path`, all or none, and return how many were new to the case.

        Raises BadInput with every fault at once, NotFound, or WrongState for a case that is over.
        """
        self._registry.case(case_number)
        return self.keep(case_number, self.read(named))

    def read(self, named: Sequence[str]) -> list[ReadPaper]:
        """Read papers named as `kind=path`; nothing is kept. Raises BadInput with every fault at once."""
        found = [self._read(f"paper {place}", name) for place, name in enumerate(named, start=1)]
        if faults := [one for one in found if isinstance(one, Finding)]:
            raise BadInput(faults)
        return [one for one in found if isinstance(one, ReadPaper)]

    def keep(self, case_number: str, papers: Sequence[ReadPaper]) -> int:
        """Keep papers that were read; return how many were new to the case. Raises NotFound or WrongState."""
        kept = [
            Paper(
                paper.kind,
                self._documents.put(paper.content),
                media_type_of(paper.content) or "",
                len(paper.content),
            )
            for paper in papers
        ]
        return self._registry.add_papers(case_number, list(dict.fromkeys(kept)))

    def _read(self, field: str, name: str) -> ReadPaper | Finding:
        kind, separator, path = name.partition("=")
        if not separator or kind not in set(DocumentKind):
            return Finding(field, "is not kind=path", f"kinds are {', '.join(DocumentKind)}")
        if (fault := inspect_paper(Path(path))) is not None:
            return Finding(field, *PAPER_FAULTS[fault])
        if (content := read_paper(Path(path))) is None:
            return Finding(field, *PAPER_FAULTS["unreadable"])
        return ReadPaper(DocumentKind(kind), content)

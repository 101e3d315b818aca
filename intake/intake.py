"""The door by which a case comes in: check, keep the papers, register, start the workflow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from gateways.ports.ledger import Registry
from gateways.ports.papers import Documents
from gateways.ports.policies import PolicyShelf
from intake.rules import media_type_of, read_application, read_paper, warnings
from models.application import Application
from models.case import CaseRef
from models.dossier import Need, NewCase, Paper, Person
from models.errors import AnotherCase, BadInput, EngineUnreachable, Finding, NotAllowed, NotRunning
from models.policy import Kecamatan
from models.roles import Officer
from models.wib import wib_date

log = structlog.get_logger()

StartCase = Callable[[CaseRef], Awaitable[None]]
"""Starts the workflow of a case, or finds it running.

Raises EngineUnreachable, and AnotherCase or NotRunning when its number is taken in Temporal.
"""


@dataclass(frozen=True)
class Submitted:
    """What an operator learns of an application that was taken."""

    case_number: str
    is_new: bool
    """False when the person already had an open case; `case_number` is then that one."""
    is_started: bool
    """False when Temporal did not answer; the sweep starts the case when it does."""
    why_not_started: str | None
    """What was wrong then, in our own words."""
    warnings: tuple[Finding, ...]


class Intake:
    """Takes applications. Whatever crashes where, a registered case is started in the end."""

    def __init__(
        self, registry: Registry, documents: Documents, shelf: PolicyShelf, start: StartCase
    ) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._registry = registry
        self._documents = documents
        self._shelf = shelf
        self._start = start

    async def submit(self, path: Path, *, now: datetime, by: Officer | None = None) -> Submitted:
        """Take one application file, brought by an officer.

        Raises BadInput or NotAllowed, with nothing started, or EngineUnreachable.
        """
        today = wib_date(now)
        regions = self._shelf.regions()
        application = read_application(path, cities=list(self._shelf.cities()), regions=regions, today=today)
        if by is not None and application.city not in by.cities:
            raise NotAllowed(f"{by.id}: the application is for another city")
        kecamatan = regions.kecamatan_of(application.applicant.kelurahan)
        if kecamatan is None:
            raise BadInput([Finding("applicant.kelurahan", "unknown kelurahan", "use the Kemendagri code")])
        papers = tuple(self._keep(path.parent, application))
        registered = self._registry.register(new_case(application, kecamatan, papers, received_at=now, by=by))
        away = None if registered.is_started else await self._begin(registered.case)
        return Submitted(
            case_number=registered.case.case_number,
            is_new=registered.is_new,
            is_started=away is None,
            why_not_started=None if away is None else str(away),
            warnings=tuple(warnings(application, today=today)),
        )

    async def sweep(self, registered_before: datetime) -> int:
        """Start the cases that were registered and not started; return how many were.

        One whose number Temporal has otherwise is passed over; the watchdog tells of it. Raises
        EngineUnreachable at the first that cannot be started; the next sweep goes on there.
        """
        cases, started = await asyncio.to_thread(self._registry.unstarted, registered_before), 0
        for number, case in enumerate(cases):
            try:
                away = await self._begin(case)
            except (AnotherCase, NotRunning) as error:
                log.warning("start.refused", case_number=case.case_number, error=type(error).__name__)
                continue
            if away is not None:
                raise EngineUnreachable(f"{len(cases) - number} case(s) wait to be started: {away}")
            started += 1
        return started

    async def _begin(self, case: CaseRef) -> EngineUnreachable | None:
        """Start a case; return what is wrong when Temporal does not answer."""
        try:
            await self._start(case)
        except EngineUnreachable as away:
            return away
        await asyncio.to_thread(self._registry.mark_started, case.case_number)
        return None

    def _keep(self, folder: Path, application: Application) -> list[Paper]:
        """Copy the papers into the store; what is kept is what was checked."""
        papers, faults = [], []
        for number, paper in enumerate(application.documents):
            content = read_paper(folder / paper.path)
            if content is not None and (media_type := media_type_of(content)):
                papers.append(Paper(paper.kind, self._documents.put(content), media_type, len(content)))
            else:
                faults.append(
                    Finding(f"documents.{number}.path", "changed while it was read", "submit again")
                )
        if faults:
            raise BadInput(faults)
        return list(dict.fromkeys(papers))


def new_case(
    application: Application,
    kecamatan: Kecamatan,
    papers: tuple[Paper, ...],
    *,
    received_at: datetime,
    by: Officer | None,
) -> NewCase:
    """Return what the ledger takes of an application whose papers are kept."""
    return NewCase(
        city=application.city,
        track=application.track,
        kecamatan=kecamatan.name,
        received_at=received_at,
        person=Person(**dict(application.applicant)),
        need=Need(**dict(application.need)),
        deactivated_on=application.deactivated_on,
        papers=papers,
        by=None if by is None else by.id,
    )

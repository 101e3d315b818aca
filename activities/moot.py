"""Is there anything left to do? A person whom BPJS shows as active needs no reactivation."""

import structlog
from temporalio import activity

from gateways.ports.institutions import Bpjs
from models.answers import Moot
from models.case import Outcome
from models.dossier import Person
from models.errors import ReactivationError
from models.identity import same_name
from models.wib import wib_date

log = structlog.get_logger()

PBI_APBN = "21"
"""jenisPeserta of the central government's PBI; every other one is another segment (domain 3.2)."""


def moot_for(person: Person, bpjs: Bpjs | None, case_number: str) -> Moot | None:
    """Return how the case ends when the person is covered already; None when there is work to do.

    A record under another name or birth date is a stranger's and says nothing. When BPJS does not answer the
    case goes on: somebody in hospital does not wait for a question that only saves work. Where no machine may
    ask BPJS, people do, and say so with their answer.
    """
    if bpjs is None:
        return None
    try:
        participant = bpjs.participant(person.nik, on=wib_date(activity.info().started_time))
    except ReactivationError as error:
        log.warning("moot.unchecked", case_number=case_number, error=type(error).__name__)
        return None
    if participant is None or not participant.is_active:
        return None
    if participant.birth_date != person.birth_date or not same_name(participant.name, person.name):
        return None
    is_pbi = participant.type_code == PBI_APBN
    return Moot(outcome=Outcome.ALREADY_ACTIVE if is_pbi else Outcome.SEGMENT_CHANGED)

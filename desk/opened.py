"""Since when a step can be answered, as the ledger tells it."""

from datetime import datetime

from gateways.ports.ledger import Registry
from models.case import CaseRef, Step
from models.messages import EventKind


def opened_at(registry: Registry, case: CaseRef, step: Step, attempt: int) -> datetime:
    """Return when what opened a step happened; when the case came in, while the ledger tells nothing of it.

    No answer to the step can have happened before.
    """
    for event in reversed(registry.history(case.case_number)):
        if (event.kind, event.step, event.attempt) == (EventKind.STEP_OPENED, step, attempt):
            return event.at
    return case.received_at

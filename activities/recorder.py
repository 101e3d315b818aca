"""The case's own record: read what it is held to, write what happened."""

from collections.abc import Iterator

import structlog
from temporalio import activity

from activities.plan import plan_of
from gateways.ports.alerts import AlertChannel
from gateways.ports.ledger import Ledger
from gateways.ports.policies import PolicyShelf
from models.case import CaseRef
from models.errors import ReactivationError
from models.messages import CasePlan, Record, Recorded

log = structlog.get_logger()


class Recorder:
    """Reads the plan of a case and writes its history to the ledger."""

    def __init__(self, ledger: Ledger, shelf: PolicyShelf, channel: AlertChannel) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._ledger = ledger
        self._channel = channel
        self._shelf = shelf

    @activity.defn(no_thread_cancel_exception=True)
    def open_case(self, case: CaseRef) -> CasePlan:
        """Return what a case is held to; the workflow keeps it, so a changed policy meets new cases only."""
        return plan_of(case, self._shelf, self._ledger.paper_kinds(case.case_number))

    @activity.defn(no_thread_cancel_exception=True)
    def record(self, record: Record) -> Recorded:
        """Append events and project the state, once however often it is called; log each new event."""
        new = self._ledger.record(record)
        for event in new:
            facts = event.model_dump(mode="json", exclude={"kind", "at", "facts"}, exclude_none=True)
            log.info(event.kind.value, case_number=record.state.case.case_number, **facts, **event.facts)
        return Recorded(appended=len(new), untold=tuple(self._untold(record)))

    def _untold(self, record: Record) -> Iterator[str]:
        """Tell the alerts of a record; yield the keys of those that could not be kept."""
        for alert in record.alerts:
            try:
                self._channel.send(alert)
            except ReactivationError as error:
                log.warning("alert.untold", key=alert.key, error=type(error).__name__)
                yield alert.key

"""Alert channels. The first one writes to the ledger and to the log."""

import structlog

from gateways.ports import Ledger
from models.messages import Alert

log = structlog.get_logger()


class LedgerAndLog:
    """Keeps each alert in the ledger once and says so once in the log."""

    def __init__(self, ledger: Ledger) -> None:
        """`ledger` keeps the alerts, unique by key."""
        self._ledger = ledger

    def send(self, alert: Alert) -> None:
        """Keep and log the alert unless its key is there already. Raises Unavailable."""
        if self._ledger.save_alert(alert):
            facts = alert.model_dump(mode="json", exclude={"kind", "level"}, exclude_none=True)
            log.warning(
                "alert.raised",
                alert=alert.kind.value,
                escalation_level=alert.level,
                **facts,
                late_seconds=int(alert.late_by.total_seconds()),
            )

"""Alerts of one case: kept together with the events of the case, so that telling costs no step of its own."""

import asyncio
from collections import deque
from collections.abc import Collection

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.alerts import Alerting
from models.case import CaseState
from models.messages import ALERTS_AT_MOST, Alert, AlertKind
from workflows import options
from workflows.pace import Pace


class Alarm:
    """Raises alerts. One that cannot be kept is told by itself, so that no case waits for it."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self._raised: list[Alert] = []
        self._ever: deque[Alert] = deque(maxlen=ALERTS_AT_MOST)
        self._under_way: set[asyncio.Task[None]] = set()
        self._pace = Pace()

    def raise_(
        self,
        kind: AlertKind,
        key: str,
        state: CaseState,
        detail: str | None = None,
        *,
        levels: tuple[int, ...] = (),
    ) -> None:
        """Tell people with the next record, `levels` of the ladder if given; the same key is told once."""
        alert = Alert(
            key=f"{state.case.case_number}:{key}",
            city=state.case.city,
            case_number=state.case.case_number,
            kind=kind,
            level=state.escalation_level,
            step=state.step,
            kecamatan=state.case.kecamatan,
            due_at=state.due_at,
            raised_at=workflow.now(),
            detail=detail,
            levels=levels,
        )
        self._raised.append(alert)
        self._ever.append(alert)

    @property
    def ever(self) -> tuple[Alert, ...]:
        """The newest alerts of this run, told or not, for a ledger that was put back from a copy."""
        return tuple(self._ever)

    def take(self) -> tuple[Alert, ...]:
        """Return what was raised since the last time."""
        raised, self._raised = tuple(self._raised), []
        return raised

    def tell_by_themselves(self, alerts: Collection[Alert]) -> None:
        """Go on telling alerts that could not be kept, for as long as it takes. Returns at once."""
        for alert in alerts:
            task = asyncio.create_task(self._tell(alert))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def silence(self) -> None:
        """Wait until every alert is out; a case does not end before that."""
        while self._under_way:
            await workflow.wait(list(self._under_way))

    async def _tell(self, alert: Alert) -> None:
        while not await self._told(alert):
            pause = self._pace.slow("untold", options.ASK_AGAIN_AFTER_OUTAGE, workflow.now())
            await workflow.sleep(pause, summary="Peringatan belum terkirim, dicoba lagi")

    async def _told(self, alert: Alert) -> bool:
        try:
            await workflow.execute_activity_method(
                Alerting.raise_alert, alert, **options.named(options.ALERT, f"Peringatan {alert.kind}")
            )
        except ActivityError:
            return False
        self._pace.begin_anew()
        return True

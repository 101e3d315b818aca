"""The daily digest of a city; a Temporal Schedule starts it each morning (`runtime/schedules.py`)."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from activities.digest import Digesting
from models.digest import DigestAsk, DigestOrder
from models.messages import Raised
from models.wib import wib_date
from workflows import options

_SCHEDULED_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn
class DailyDigest:
    """Sends one digest and ends."""

    @workflow.run
    async def run(self, order: DigestOrder) -> Raised:
        """Send the city's digest of the day for which it was scheduled."""
        ask = DigestAsk(city=order.city, day=wib_date(_scheduled_at()))
        return await workflow.execute_activity_method(
            Digesting.send_digest, ask, **options.named(options.ALERT, f"Rangkuman {ask.day}")
        )


def _scheduled_at() -> datetime:
    """Return the time for which the schedule meant this run, also when it was started hours later.

    Without a schedule (started by hand) it is the time of the start.
    """
    info = workflow.info()
    return info.typed_search_attributes.get(_SCHEDULED_AT) or info.start_time

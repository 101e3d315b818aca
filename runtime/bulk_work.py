"""Puts together what a worker needs for bulk operations."""

from activities.bulk import BulkWork
from gateways.ledger_access import utc_now
from runtime import adapters
from runtime.adapters import Outside
from runtime.bulk_hands import CaseHands
from runtime.delivery import Delivery
from runtime.namespace import OwnNamespace
from runtime.settings import Settings


def bulk_work(settings: Settings, namespace: OwnNamespace, outside: Outside) -> BulkWork:
    """Return the activity's hands and book. Raises Misconfigured."""
    office = adapters.office(settings)
    hands = CaseHands(
        office,
        adapters.outages(settings),
        outside.alerts,
        Delivery(namespace, office.registry, office.book, office.clock),
        office.clock,
    )
    return BulkWork(adapters.bulk_book(settings, in_worker=True), hands, utc_now)

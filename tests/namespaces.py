"""Namespaces for tests that share a server: nobody took it, and each has a task queue of its own."""

from temporalio.client import Client

from gateways.sql_lineage import SqlLineage
from runtime.namespace import OwnNamespace
from runtime.settings import Settings
from tests.ledgers import a_shared_ledger


def a_namespace(client: Client, task_queue: str) -> OwnNamespace:
    """Return the namespace of a client, for a ledger of the test process."""
    return OwnNamespace.over(client, Settings(task_queue=task_queue), SqlLineage(a_shared_ledger()))

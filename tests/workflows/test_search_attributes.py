"""Search attributes on a namespace that does not know them yet, as a cluster's administrator meets it."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from models.errors import EngineUnreachable, Misconfigured
from runtime.settings import Settings
from runtime.temporal import connect
from runtime.visibility import missing_search_attributes, register_search_attributes
from workflows.search_attributes import COLUMNS


@pytest.fixture
async def fresh(environment: WorkflowEnvironment) -> Client:
    """A client of a namespace that was made just now."""
    namespace = uuid.uuid4().hex
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await environment.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
    )
    address = environment.client.service_client.config.target_host
    client = await connect(
        Settings(), environment={"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": namespace}
    )
    async with asyncio.timeout(20):
        while True:
            try:
                await missing_search_attributes(client)
            except EngineUnreachable:  # the server learns of a namespace within seconds
                await asyncio.sleep(0.1)
            else:
                return client


async def test_what_is_missing_is_added_once(fresh: Client) -> None:
    """All twelve are missing, then added, then there; the second time adds nothing."""
    assert list(await missing_search_attributes(fresh)) == list(COLUMNS)
    assert list(await register_search_attributes(fresh)) == list(COLUMNS)
    async with asyncio.timeout(20):
        while await missing_search_attributes(fresh):
            await asyncio.sleep(0.1)
    assert list(await register_search_attributes(fresh)) == []


async def test_an_attribute_of_another_type_is_named_and_nothing_is_added(fresh: Client) -> None:
    """Temporal would say yes and do nothing; cases would then fail at every update."""
    wrong = {"CaseStep": IndexedValueType.INDEXED_VALUE_TYPE_INT}
    request = AddSearchAttributesRequest(namespace=fresh.namespace, search_attributes=wrong)
    await fresh.operator_service.add_search_attributes(request)
    async with asyncio.timeout(20):
        while len(await _missing(fresh)) == len(COLUMNS):
            await asyncio.sleep(0.1)
    with pytest.raises(Misconfigured, match="CaseStep=Keyword"):
        await register_search_attributes(fresh)


async def _missing(client: Client) -> list[str]:
    """Return what is missing; nothing once a wrong type is seen."""
    try:
        return [column.declaration for column in await missing_search_attributes(client)]
    except Misconfigured:
        return []

"""Versions of workers on a real server: told apart, promoted, ramped, and taken back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from models.errors import Misconfigured, NotFound, WrongState
from runtime.deployment import Deployment, Deployments, deployment_config
from runtime.settings import Settings
from runtime.visibility import pollers
from tests.e2e.office import until_async
from tests.sandbox import strict_runner
from workflows.daily_digest import DailyDigest


@asynccontextmanager
async def served(environment: WorkflowEnvironment, name: str, build_id: str) -> AsyncIterator[Deployments]:
    """Run a worker of a version, and wait until Temporal knows it."""
    worker = Worker(
        environment.client,
        task_queue=name,
        identity=f"worker of {build_id}",
        workflows=[DailyDigest],
        workflow_runner=strict_runner(),
        deployment_config=deployment_config(Settings(deployment=name, build_id=build_id)),
    )
    deployments = Deployments(environment.client, name)
    async with worker, asyncio.timeout(20):
        while build_id not in await known(deployments):
            await asyncio.sleep(0.05)
        yield deployments


async def known(deployments: Deployments) -> set[str]:
    """Return the versions that Temporal knows."""
    try:
        return {one.build_id for one in (await deployments.look()).versions}
    except NotFound:
        return set()


def shares(seen: Deployment) -> dict[str, tuple[str, float]]:
    """Return status and share of each version."""
    return {one.build_id: (one.status, one.share) for one in seen.versions}


@pytest.mark.slow
async def test_a_version_is_ramped_promoted_and_taken_back(environment: WorkflowEnvironment) -> None:
    """A worker alone changes nothing; a decision taken on what was seen before is refused."""
    name = uuid.uuid4().hex
    with pytest.raises(NotFound):
        await Deployments(environment.client, name).look()
    async with served(environment, name, "1") as deployments, served(environment, name, "2"):
        first = await deployments.look()
        assert first.current is None
        settings = Settings(task_queue=name)

        async def is_seen() -> bool:
            """Temporal lists who asks it a moment later."""
            return await pollers(environment.client, settings, build_id="2") == ["worker of 2"]

        await until_async(is_seen, 20, lambda: "nobody asks for work of version 2")
        assert not await pollers(environment.client, settings, build_id="3")
        await deployments.promote(first, "1")
        second = await deployments.look()
        assert shares(second) == {"1": ("current", 100), "2": ("inactive", 0)}

        with pytest.raises(WrongState):
            await deployments.promote(first, "2")
        await deployments.promote(second, "2", 30)
        third = await deployments.look()
        assert shares(third) == {"1": ("current", 70), "2": ("ramping", 30)}

        await deployments.promote(third, "2")
        fourth = await deployments.look()
        assert fourth.current == "2"
        await deployments.promote(fourth, "1")
        assert (await deployments.look()).current == "1"


def test_a_deployment_needs_a_build_id() -> None:
    """Two releases under one id would be one version to Temporal."""
    assert deployment_config(Settings()) is None
    with pytest.raises(Misconfigured, match="REAKTIVASI_BUILD_ID"):
        deployment_config(Settings(deployment="reaktivasi"))

"""Versions of the workers that Temporal tells apart, and which of them new tasks go to."""

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from models.errors import EngineUnreachable, Misconfigured, NotFound, WrongState
from runtime.settings import PREFIX, Settings
from runtime.temporal import UNREACHABLE

ALL = 100.0
"""Percent."""

_REFUSED = (
    "Temporal refuses: the deployment was changed meanwhile, or that version lacks a queue "
    "which the current one serves (`starter.py deployment show`)"
)


def deployment_config(settings: Settings) -> WorkerDeploymentConfig | None:
    """Return what a worker says of its version; None when versions are not told apart. Raises Misconfigured.

    Every queue of a process has the same version, so that steps and cases change hands together. Cases
    follow the current version (docs/adr/0021).
    """
    if settings.deployment is None:
        return None
    if settings.build_id is None:
        raise Misconfigured(
            f"settings: {PREFIX}DEPLOYMENT needs {PREFIX}BUILD_ID, a new one for each release"
        )
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.deployment, settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


@dataclass(frozen=True)
class Version:
    """A version of which workers have come."""

    build_id: str
    status: str
    """`inactive`, `current`, `ramping`, `draining` or `drained`, as Temporal calls it."""
    share: float
    """Percent of the cases whose tasks go to it."""


@dataclass(frozen=True)
class Deployment:
    """The versions that Temporal knows, newest first, and the mark by which it notices a change meanwhile."""

    name: str
    versions: Sequence[Version]
    token: bytes

    @property
    def current(self) -> str | None:
        """The build id that new cases go to; None when they go to workers without a version, if any."""
        return next((one.build_id for one in self.versions if one.status == "current"), None)


class Deployments:
    """The deployment of an installation, as Temporal sees it."""

    def __init__(self, client: Client, name: str) -> None:
        """`name` is the setting DEPLOYMENT."""
        self._client = client
        self._name = name

    async def look(self) -> Deployment:
        """Return what Temporal knows. Raises NotFound when no worker has ever come, or EngineUnreachable."""
        request = DescribeWorkerDeploymentRequest(
            namespace=self._client.namespace, deployment_name=self._name
        )
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(request)
        except (RPCError, RuntimeError) as error:
            raise self._told(error) from None
        info, routing = answer.worker_deployment_info, answer.worker_deployment_info.routing_config
        current = routing.current_deployment_version.build_id
        ramping, ramp = routing.ramping_deployment_version.build_id, routing.ramping_version_percentage
        versions = []
        for summary in sorted(info.version_summaries, key=lambda one: -one.create_time.ToNanoseconds()):
            build_id = summary.deployment_version.build_id
            share = ramp if build_id == ramping else ALL - ramp if build_id == current else 0.0
            versions.append(Version(build_id, _status(summary.status), share))
        return Deployment(self._name, versions, answer.conflict_token)

    async def promote(self, seen: Deployment, build_id: str, percent: float = ALL) -> None:
        """Send so many percent of the cases to a version; with all it is the current one.

        `seen` is what the decision was taken on: Temporal refuses when it has changed since. Raises
        WrongState.
        """
        service = self._client.workflow_service
        try:
            if percent < ALL:
                await service.set_worker_deployment_ramping_version(
                    SetWorkerDeploymentRampingVersionRequest(
                        namespace=self._client.namespace,
                        deployment_name=self._name,
                        build_id=build_id,
                        percentage=percent,
                        conflict_token=seen.token,
                        identity=self._client.identity,
                    )
                )
            else:
                await service.set_worker_deployment_current_version(
                    SetWorkerDeploymentCurrentVersionRequest(
                        namespace=self._client.namespace,
                        deployment_name=self._name,
                        build_id=build_id,
                        conflict_token=seen.token,
                        identity=self._client.identity,
                    )
                )
        except (RPCError, RuntimeError) as error:
            raise self._told(error) from None

    def _told(self, error: RPCError | RuntimeError) -> NotFound | WrongState | EngineUnreachable:
        status = error.status if isinstance(error, RPCError) else None
        if status is RPCStatusCode.NOT_FOUND:
            return NotFound(
                f"deployment {self._name!r}: no worker of it has come yet, or not of that version"
            )
        if status in {RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT}:
            return WrongState(_REFUSED)
        return EngineUnreachable(UNREACHABLE)


def _status(status: WorkerDeploymentVersionStatus.ValueType) -> str:
    name = WorkerDeploymentVersionStatus.Name(status)
    return name.removeprefix("WORKER_DEPLOYMENT_VERSION_STATUS_").lower()

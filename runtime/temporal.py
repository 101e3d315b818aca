"""The way to Temporal: the same code reaches a dev server, a cluster with mTLS, and Temporal Cloud."""

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

from models.case import CaseRef
from models.errors import EngineUnreachable, Misconfigured
from runtime.payloads import case_data_converter
from runtime.settings import PREFIX, Settings, temporal_environment
from workflows import options, search_attributes
from workflows.manner import MANNER, Manner
from workflows.reactivation import Reactivation
from workflows.urgency import priority_of

DEFAULT_ADDRESS = "localhost:7233"
UNREACHABLE = (
    "Temporal does not answer (is it up? see TEMPORAL_ADDRESS, TEMPORAL_PROFILE, or `starter.py doctor`)"
)

MISCONFIGURED = (
    "Temporal's settings cannot be used: "
    "check TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE and the files of TEMPORAL_TLS_*"
)


async def connect(
    settings: Settings,
    *,
    lazy: bool = False,
    environment: dict[str, str] | None = None,
    serves_metrics: bool = False,
) -> Client:
    """Connect as `TEMPORAL_*` variables and profiles say. Raises Misconfigured or EngineUnreachable.

    With `lazy` the first call connects, so that a command can be taken while Temporal is away.
    `environment` stands in for the process's own. With `serves_metrics` the process listens on the metrics
    address, if there is one, which only one process can.
    """
    variables = temporal_environment(settings) if environment is None else environment
    runtime = _runtime(settings) if serves_metrics else None
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=variables)
        config.setdefault("target_host", DEFAULT_ADDRESS)
        connecting = Client.connect(**config, data_converter=case_data_converter, runtime=runtime, lazy=lazy)
    except (RuntimeError, ValueError, OSError):
        raise Misconfigured(MISCONFIGURED) from None
    try:
        return await connecting
    except OSError:  # a certificate is read only now
        raise Misconfigured(MISCONFIGURED) from None
    except (RuntimeError, RPCError):
        raise EngineUnreachable(UNREACHABLE) from None


class CaseStarter:
    """Starts the workflow of a registered case."""

    def __init__(self, client: Client, task_queue: str) -> None:
        """`task_queue` is the one that workers poll."""
        self._client = client
        self._task_queue = task_queue

    async def __call__(self, case: CaseRef) -> None:
        """Start the case's workflow; one that exists already is left alone. Raises EngineUnreachable."""
        try:
            await self._client.start_workflow(
                Reactivation.run,
                case,
                id=case.case_number,
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=search_attributes.initial(case),
                memo={MANNER: Manner.AT_ONCE},
                static_summary=f"{case.track} - {case.kecamatan}",
                priority=priority_of(case),
                rpc_timeout=options.START_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return
        except (RPCError, RuntimeError):
            raise EngineUnreachable(UNREACHABLE) from None


def _runtime(settings: Settings) -> Runtime | None:
    if settings.metrics_address is None:
        return None
    metrics = PrometheusConfig(
        bind_address=settings.metrics_address,
        counters_total_suffix=True,
        unit_suffix=True,
        durations_as_seconds=True,
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=metrics))
    except (RuntimeError, ValueError):
        raise Misconfigured(f"settings: {PREFIX}METRICS_ADDRESS cannot be listened on") from None

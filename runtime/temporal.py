"""The way to Temporal: the same code reaches a dev server, a cluster with mTLS, and Temporal Cloud."""

import json
from typing import Final

from temporalio.api.common.v1 import Memo
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

from models.errors import EngineUnreachable, Misconfigured, NoTemporal
from models.plain import plain
from runtime.payloads import case_data_converter
from runtime.settings import PREFIX, Settings, temporal_environment

UNREACHABLE = (
    "Temporal does not answer (is it up? see TEMPORAL_ADDRESS, TEMPORAL_PROFILE, or `starter.py doctor`)"
)

BIRTH: Final = "birth"
"""The memo with a case's birth mark, which can be read without a worker, also in lists."""

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

    What neither they nor a stack of the settings' folder name is not guessed: it might be a stranger's.

    With `lazy` the first call connects, so that a command can be taken while Temporal is away.
    `environment` stands in for the process's own. With `serves_metrics` the process listens on the metrics
    address, if there is one, which only one process can.
    """
    variables = temporal_environment(settings) if environment is None else environment
    runtime = _runtime(settings) if serves_metrics else None
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=variables)
        if "target_host" not in config:
            raise NoTemporal(plain(str(settings.local_dir)))
        connecting = Client.connect(**config, data_converter=case_data_converter, runtime=runtime, lazy=lazy)
    except (RuntimeError, ValueError, OSError):
        raise Misconfigured(MISCONFIGURED) from None
    try:
        return await connecting
    except OSError:  # a certificate is read only now
        raise Misconfigured(MISCONFIGURED) from None
    except (RuntimeError, RPCError):
        raise EngineUnreachable(UNREACHABLE) from None


def birth_of(memo: Memo) -> str | None:
    """Return the birth mark in a workflow's memo; None for a case from before there were any."""
    payload = memo.fields.get(BIRTH)
    return None if payload is None else str(json.loads(payload.data))


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

"""The SDK's sandbox: under it a clock read or a random number in workflow code fails the test."""

from typing import Final

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import _Definition

PURE = ("models", "activities", "gateways", "structlog")
"""Modules that workflow code may share with the process: words, and activity classes to name."""

_validated: Final[set[type]] = set()


class _StrictRunner(SandboxedWorkflowRunner):
    """A sandbox that tries once for each workflow of the process whether it can be loaded.

    The SDK does so for each worker and each replayer; every case is loaded into a sandbox of its own anyway.
    """

    def prepare_workflow(self, defn: _Definition) -> None:
        if defn.cls not in _validated:
            super().prepare_workflow(defn)
            _validated.add(defn.cls)


def strict_runner() -> SandboxedWorkflowRunner:
    """Return the runner; workers use none, see docs/adr/0003."""
    return _StrictRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PURE))

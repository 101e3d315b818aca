"""The SDK's sandbox: under it a clock read or a random number in workflow code fails the test."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PURE = ("models", "activities", "gateways", "structlog")
"""Modules that workflow code may share with the process: words, and activity classes to name."""


def strict_runner() -> SandboxedWorkflowRunner:
    """Return the runner; workers use none, see docs/adr/0003."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PURE))

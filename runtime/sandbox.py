"""The sandbox that workflow code runs in, for workers and replayers alike."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PURE = ("models", "activities", "gateways", "structlog", "workflows.options", "workflows.search_attributes")
"""Modules that workflow code may share with the process: words, options, and activity classes to name.

Without this the sandbox imports them anew for each case, pydantic models and all.
"""


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the runner under which a clock read or a random number fails the workflow task."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PURE))

"""Task queues: one for cases, and one for each outside system, so that a slow portal slows nothing else."""

from models.outage import System


def queue_of(system: System, cases: str) -> str:
    """Return the task queue of a system's activities beside the queue of the cases."""
    return f"{cases}-{system}"

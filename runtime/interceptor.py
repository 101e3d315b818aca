"""Turns exceptions of activities into failures that Temporal may show: our own words and nothing else."""

import traceback
from pathlib import Path
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from models.errors import NotYetAnswered, ReactivationError, SystemDown, TryAgain, Unavailable
from workflows import options

log = structlog.get_logger()


class ErrorMapping(Interceptor):
    """Given to the worker once, so that no activity has to think of it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Wrap every activity."""
        return _MapErrors(next)


class _MapErrors(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401 - the SDK's signature
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, Temporal must not see its text
            failure = failure_of(error)
        if failure.category is not ApplicationErrorCategory.BENIGN:
            info = activity.info()
            log.warning(
                "activity.failed",
                case_number=info.workflow_id,
                activity=info.activity_type,
                attempt=info.attempt,
                error=failure.type,
                what=failure.message,
            )
        raise failure


def failure_of(error: Exception) -> ApplicationError:
    """Return the failure for an exception: type, our own words, whether and when to try again.

    The text of an exception that is not ours is never used; where it was raised is.
    """
    kind = type(error).__name__
    if isinstance(error, NotYetAnswered):
        return ApplicationError(
            str(error),
            type=kind,
            next_retry_delay=error.ask_again_in,
            category=ApplicationErrorCategory.BENIGN,
        )
    if isinstance(error, Unavailable) and error.ask_again_in is not None:
        wait = min(max(error.ask_again_in, options.RETRY_AFTER_AT_LEAST), options.RETRY_AFTER_AT_MOST)
        return ApplicationError(str(error), type=kind, next_retry_delay=wait)
    if isinstance(error, SystemDown):
        benign = ApplicationErrorCategory.BENIGN
        return ApplicationError(str(error), type=kind, non_retryable=True, category=benign)
    if isinstance(error, ReactivationError):
        return ApplicationError(str(error), type=error.code, non_retryable=not isinstance(error, TryAgain))
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "no frame"
    return ApplicationError(f"{kind} in {where}", type="Unexpected")

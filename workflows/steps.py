"""Which activity asks whom, with which options, and who the case waits for meanwhile."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
)
from temporalio.workflow import ActivityConfig, LocalActivityConfig

from activities.bpjs import BpjsReconnect
from activities.kemensos import KemensosVerification
from activities.office import Office
from activities.siks_ng import SiksNgUpload
from models.case import CaseRef, Step, Track, WaitingOn
from models.messages import StepAsk, StepReply
from models.outage import System
from models.texts import STEP
from workflows import options
from workflows.manner import Manner
from workflows.queues import queue_of
from workflows.urgency import priority_of

WAITING_ON = {
    Step.DOCUMENT_CHECK: WaitingOn.OFFICER,
    Step.RECOMMENDATION: WaitingOn.SIGNER,
    Step.SIKS_NG_UPLOAD: WaitingOn.SIKS_NG,
    Step.KEMENSOS_VERIFICATION: WaitingOn.KEMENSOS,
    Step.BPJS_RECONNECT: WaitingOn.BPJS,
}

ON_DESK_WAITING_ON = WAITING_ON | {Step.SIKS_NG_UPLOAD: WaitingOn.OFFICER}
"""The same while people do the step: uploading is then the office's own work."""


_OFFICE_STEPS = (Step.DOCUMENT_CHECK, Step.RECOMMENDATION)


def _summary(question: StepAsk) -> str:
    """Return the words that a supervisor reads beside the activity."""
    return f"{STEP[question.step]}, percobaan {question.attempt}"


async def ask(question: StepAsk, case: CaseRef, answers: ActivityConfig) -> StepReply:
    """Have the step done and return what came of it. Raises ActivityError when a round has ended in vain.

    `answers` is how an institution's answer is asked for: `answer_round` or `trial_round`.
    """
    do = workflow.execute_activity_method
    match question.step:
        case Step.DOCUMENT_CHECK:
            return await do(Office.document_check, question, **_how(options.OUR_WORK, question, case))
        case Step.RECOMMENDATION:
            return await do(Office.recommendation, question, **_how(options.OUR_WORK, question, case))
        case Step.SIKS_NG_UPLOAD:
            return await do(
                SiksNgUpload.siks_ng_upload, question, **_how(options.OUTSIDE_EFFECT, question, case)
            )
        case Step.KEMENSOS_VERIFICATION:
            return await do(
                KemensosVerification.kemensos_verification,
                question,
                **_how(answers, question, case),
            )
        case Step.BPJS_RECONNECT:
            return await do(BpjsReconnect.bpjs_reconnect, question, **_how(answers, question, case))


def first_round(case: CaseRef) -> timedelta:
    """Return how long an answer is asked for in one round while the case is young."""
    return options.URGENT_ROUND if case.track is Track.EMERGENCY else options.ANSWER_ROUND


def longest_round(case: CaseRef) -> timedelta:
    """Return how long a round becomes for an answer that is not there for days."""
    return options.URGENT_ROUND_AT_MOST if case.track is Track.EMERGENCY else options.ANSWER_ROUND_AT_MOST


def answer_round(at_most: timedelta, poll_every: timedelta) -> ActivityConfig:
    """Return the options of a round that ends after so long without an answer.

    It has room for several asks: one that ended before the second would be followed by the next at once.
    """
    at_most = max(at_most, options.ASKS_IN_A_ROUND * poll_every)
    return {**options.OUTSIDE_ANSWER, "schedule_to_close_timeout": at_most}


def trial_round(at_most: timedelta, poll_every: timedelta) -> ActivityConfig:
    """Return the options of a round after trouble: `not yet` ends it, since the trouble is over then."""
    policy = options.OUTSIDE_ANSWER["retry_policy"] or RetryPolicy()
    until_told = replace(policy, non_retryable_error_types=[NOT_YET_ANSWERED])
    return {**answer_round(at_most, poll_every), "retry_policy": until_told}


def _how(work: ActivityConfig, question: StepAsk, case: CaseRef) -> ActivityConfig:
    """Return the options of a step: its words, the case's place in the queue, the system's own queue."""
    how = options.named(work, _summary(question))
    how["priority"] = priority_of(case)
    if (system := System.of(question.step)) is not None:
        how["task_queue"] = queue_of(system, workflow.info().task_queue)
    return how


async def ask_at_once(question: StepAsk, manner: Manner) -> dict[str, StepReply]:
    """Have steps of the office itself done in passing, and return what came of them by the key of each.

    None for another's step. What was in vain is asked again by `ask`, as a pending activity that a
    supervisor can see.
    """
    if question.step not in _OFFICE_STEPS:
        return {}
    at_once = LocalActivityConfig({**options.OFFICE_AT_ONCE, "summary": _summary(question)})
    try:
        return by_key(question, await manner.office_steps(question, at_once))
    except FailureError:
        return {}


def by_key(question: StepAsk, replies: Sequence[StepReply]) -> dict[str, StepReply]:
    """Return what the office answered, to the step asked for and those that follow, by the key of each."""
    steps = _OFFICE_STEPS[_OFFICE_STEPS.index(question.step) :]
    asks = (question.model_copy(update={"step": step}) for step in steps)
    return {ask.key: reply for ask, reply in zip(asks, replies, strict=False)}


NOT_YET_ANSWERED = "NotYetAnswered"
SYSTEM_DOWN = "SystemDown"


def trouble_of(error: FailureError) -> str:
    """Return the class of our error that ended a round, or `Timeout` when no worker came to an answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type:
            return cause.type
        cause = cause.__cause__
    return "Timeout"


def ask_again_after(error: ActivityError) -> timedelta:
    """Return how long to wait before the step is asked again without anybody's help."""
    needs_person = isinstance(error.cause, ApplicationError) and error.cause.non_retryable
    return options.ASK_AGAIN_AFTER_REFUSAL if needs_person else options.ASK_AGAIN_AFTER_OUTAGE

"""Which activity asks whom, with which options, and who the case waits for meanwhile."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
)

from activities.bpjs import BpjsReconnect
from activities.kemensos import KemensosVerification
from activities.office import Office
from activities.siks_ng import SiksNgUpload
from models.case import Step, WaitingOn
from models.messages import StepAsk, StepReply
from models.texts import STEP
from workflows import options

WAITING_ON = {
    Step.DOCUMENT_CHECK: WaitingOn.OFFICER,
    Step.RECOMMENDATION: WaitingOn.SIGNER,
    Step.SIKS_NG_UPLOAD: WaitingOn.SIKS_NG,
    Step.KEMENSOS_VERIFICATION: WaitingOn.KEMENSOS,
    Step.BPJS_RECONNECT: WaitingOn.BPJS,
}

ON_DESK_WAITING_ON = WAITING_ON | {Step.SIKS_NG_UPLOAD: WaitingOn.OFFICER}
"""The same while people do the step: uploading is then the office's own work."""


async def ask(question: StepAsk) -> StepReply:
    """Have the step done and return what came of it. Raises ActivityError when a round has ended in vain."""
    summary = f"{STEP[question.step]}, percobaan {question.attempt}"
    ours = options.named(options.OUR_WORK, summary)
    effect = options.named(options.OUTSIDE_EFFECT, summary)
    awaited = options.named(options.OUTSIDE_ANSWER, summary)
    do = workflow.execute_activity_method
    match question.step:
        case Step.DOCUMENT_CHECK:
            return await do(Office.document_check, question, **ours)
        case Step.RECOMMENDATION:
            return await do(Office.recommendation, question, **ours)
        case Step.SIKS_NG_UPLOAD:
            return await do(SiksNgUpload.siks_ng_upload, question, **effect)
        case Step.KEMENSOS_VERIFICATION:
            return await do(KemensosVerification.kemensos_verification, question, **awaited)
        case Step.BPJS_RECONNECT:
            return await do(BpjsReconnect.bpjs_reconnect, question, **awaited)


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

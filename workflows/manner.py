"""How a case asks for what is done in passing. It keeps to the way in which it began.

Three versions that all called themselves 0.1.0 used other local activities for it, without a guard. A case
cannot see which are in its history before it has named the first, so whoever replays it tells
(`runtime/earlier_cases.py`); a case that begins today says so in its memo. All that goes with the last case
that began before commit 4a19a11: docs/changing-a-workflow.md.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from temporalio import workflow
from temporalio.workflow import LocalActivityConfig

from activities.office import Office
from activities.recorder import Recorder
from models.case import CaseRef, Step
from models.messages import Opening, StepAsk, StepReply
from workflows import options

MANNER: Final = "manner"
"""The key of the memo, and the name of the function that tells."""


class Manner(StrEnum):
    """The ways, each by the local activity that it is known by in a history."""

    STEP_BY_STEP = "document_check"
    """First the plan (`open_case`), then each step of the office by itself; from commit f591d1a on."""
    TWO_STEPS = "office_steps"
    """First the plan, then both steps of the office; from commit 8cb2371 on."""
    AT_ONCE = "opening"
    """The plan together with the office's first answers; from commit 4a19a11 on."""

    @classmethod
    def of_this_case(cls) -> "Manner":
        """Return the way in which the case began; the present one when it begins now."""
        begun = workflow.memo_value(MANNER, None, type_hint=str)
        tell = workflow.extern_functions().get(MANNER)
        if begun is None and tell is not None and workflow.unsafe.is_replaying():
            begun = tell(workflow.info().workflow_id, workflow.info().run_id)
        return cls(begun or cls.AT_ONCE)

    async def opening(self, case: CaseRef) -> Opening:
        """Return what a case begins with. Raises FailureError."""
        do = workflow.execute_local_activity_method
        if self is Manner.AT_ONCE:
            return await do(Office.opening, case, **options.LEDGER_AT_ONCE)
        return Opening(plan=await do(Recorder.open_case, case, **options.LEDGER_AT_ONCE))

    async def office_steps(self, question: StepAsk, how: LocalActivityConfig) -> Sequence[StepReply]:
        """Return what the office answers to a step and, unless asked step by step, to the next.

        Raises FailureError.
        """
        do = workflow.execute_local_activity_method
        if self is not Manner.STEP_BY_STEP:
            return (await do(Office.office_steps, question, **how)).replies
        step = Office.document_check if question.step is Step.DOCUMENT_CHECK else Office.recommendation
        return (await do(step, question, **how),)

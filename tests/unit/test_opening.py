"""What a case begins with: its plan always, the rules' first answers when they can be had at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.office import Office
from gateways.policy_folder import PolicyFolder
from models.answers import Answer, Approved, Returned
from models.case import CaseRef
from models.messages import Opening
from tests.builders import a_case, a_dossier
from tests.fakes import FakeBpjs, FakeDesk, FakeDocuments, FakeKemensos, FakeLedger

_POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture
def case() -> CaseRef:
    """Return a case that has just been registered."""
    return a_case()


def opening(
    case: CaseRef,
    *,
    kinds: tuple[str, ...] = ("facility_letter",),
    altered: frozenset[str] = frozenset(),
    has_officers: bool = False,
    attempt: int = 1,
) -> tuple[Opening, FakeDesk]:
    """Open a case whose papers are of these kinds; return what came, and the desk."""
    ledger, desk = FakeLedger(dossiers={case.case_number: a_dossier(case, kinds=kinds)}), FakeDesk()
    office = Office(
        ledger,
        FakeDocuments(altered=set(altered)),
        PolicyFolder(_POLICIES),
        bpjs=FakeBpjs(ledger, FakeKemensos()),
        desk=desk,
        has_officers=has_officers,
    )
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return environment.run(office.opening, case), desk


def answers(opened: Opening) -> list[type[Answer | None]]:
    """Return of which kind the answers are."""
    return [type(reply.answer) for reply in opened.replies]


def test_the_rules_answer_both_steps_at_once(case: CaseRef) -> None:
    """A complete file is checked and recommended, and its clock runs from intake."""
    opened, _ = opening(case)
    assert (answers(opened), opened.plan.complete_at) == ([Approved, Approved], case.received_at)


def test_a_missing_paper_ends_the_first_step_only(case: CaseRef) -> None:
    """Nothing is recommended, and the clock waits for the paper."""
    opened, _ = opening(case, kinds=("ktp",))
    assert (answers(opened), opened.plan.complete_at) == ([Returned], None)


def test_what_fails_leaves_the_plan(case: CaseRef) -> None:
    """A paper that was altered is a matter for a person, who is called by the step itself."""
    opened, _ = opening(case, altered=frozenset({f"{0:064x}"}))
    assert (opened.replies, opened.plan.complete_at) == ((), case.received_at)


def test_a_second_attempt_asks_nobody(case: CaseRef) -> None:
    """The first one may have hung at BPJS: the plan does not wait for that again."""
    opened, _ = opening(case, attempt=2)
    assert opened.replies == ()


def test_officers_are_not_asked_before_the_case_can_take_an_answer(case: CaseRef) -> None:
    """The step comes to their desk when the case has opened it."""
    opened, desk = opening(case, has_officers=True)
    assert (opened.replies, desk.items) == ((), {})

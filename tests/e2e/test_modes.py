"""Who works an outside system is a setting: a machine that fails for good leaves the step to people."""

from pathlib import Path

import pytest

from models.case import CaseHealth, Outcome, Step
from models.messages import EventKind
from tests.e2e.office import Office
from tests.e2e.people import someone
from tests.e2e.test_by_hand import OPERATOR, portal

MODE = "REAKTIVASI_SIKS_NG"


def bearer(office: Office, case: str) -> str:
    """Return who uploaded a case."""
    events = office.registry.history(case)
    found = [e for e in events if e.kind is EventKind.ANSWER_RECORDED and e.step is Step.SIKS_NG_UPLOAD]
    return str(found[0].facts["by"])


def work_siks_ng_by(office: Office, mode: str) -> None:
    """Change the setting, as an administrator does: in the environment of the worker, and restart it."""
    office.stack.worker.stop()
    office.stack.worker.environment[MODE] = mode
    office.stack.worker.start()


@pytest.fixture
async def own_office(tmp_path: Path) -> Office:
    """Make an office whose settings may be changed."""
    return Office(tmp_path)


@pytest.mark.slow
async def test_a_machine_that_fails_for_good_leaves_the_case_to_a_person(own_office: Office) -> None:
    """SIKS-NG did the work and its reply is unreadable: a person finds it in the portal, and types it in.

    Put on the desk and switched back, the next case runs by machine.
    """
    office = own_office
    await office.open()
    try:
        person = someone()
        office.turn("siks_ng", person, wrong="wrong_reference_form")
        case = await office.submit(person)
        item = await office.until_on_desk(case, Step.SIKS_NG_UPLOAD)
        stuck = await office.until(case, lambda state: state.health is CaseHealth.STUCK)
        assert (stuck.trouble, item.reason) == ("BadReply", "BadReply")
        sheet = await office.cli("desk", "show", str(item.id), "--as", OPERATOR)
        assert "MUNGKIN SUDAH TERKIRIM" in sheet.out
        office.turn("siks_ng", person)
        receipt = portal(office, office.look_up_in_portal(case, person))
        ran = await office.cli("answer", case, "siks_ng_upload", "--approve", *receipt, "--as", OPERATOR)
        assert ran.code == 0, ran.said
        assert (await office.until(case, lambda s: s.outcome is not None)).outcome is Outcome.REACTIVATED
        assert bearer(office, case) == OPERATOR
        assert office.effects(case) == office.effects_wanted(case)
        assert [alert.detail for alert in office.registry.alerts(case)] == ["BadReply"]

        next_case = await office.submit(someone())
        await office.until(next_case, lambda state: state.outcome is Outcome.REACTIVATED)
        assert bearer(office, next_case) == "machine"

        work_siks_ng_by(office, "desk")
        by_hand = await office.submit(someone())
        await office.until_on_desk(by_hand, Step.SIKS_NG_UPLOAD)
        work_siks_ng_by(office, "http")
        by_machine = await office.submit(someone())
        await office.until(by_machine, lambda state: state.outcome is Outcome.REACTIVATED)
        assert bearer(office, by_machine) == "machine"
        assert office.effects(by_hand)["siks_ng"] == {}
    finally:
        office.close()

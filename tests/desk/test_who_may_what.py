"""The table of roles, row by row: each command at the gate, and each step's bearer."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from desk.decisions import Said, Verb
from desk.orders import Hand
from desk.work import OfficeWork
from gateways.ledger_schema import open_engine
from models.case import CaseHealth, Step, Track
from models.desk_tables import commands
from models.errors import NotAllowed
from models.roles import ANSWERS, MAY, Act, Role
from tests.desk.bench import (
    APPROVE,
    AUDITOR,
    COUNTER,
    OPERATOR,
    SIGNER,
    SUPERVISOR,
    VERIFIER,
    Bench,
)
from tests.ledger.conftest import forged
from tests.ledgers import put_ledger

OFFICERS = {
    Role.INTAKE: COUNTER,
    Role.VERIFIER: VERIFIER,
    Role.SIGNER: SIGNER,
    Role.SIKS_NG_OPERATOR: OPERATOR,
    Role.SUPERVISOR: SUPERVISOR,
    Role.AUDITOR: AUDITOR,
    Role.HEAD_OF_SECTION: "tangsel-kepala-bidang",
    Role.HEAD_OF_OFFICE: "tangsel-kepala-kantor",
}
"""One person of the shipped people.toml for each role, with that role alone."""


@pytest.fixture(scope="module")
def desk_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Open a ledger on SQLite alone: who may do what is decided before a database is asked."""
    engine = open_engine(put_ledger(tmp_path_factory.mktemp("ledger") / "ledger.db"))
    yield engine
    assert forged(engine) == []
    engine.dispose()


def test_the_tables_are_complete(bench: Bench) -> None:
    """Every act and every step has a row, every role a person, and no act is nobody's."""
    assert set(MAY) == set(Act)
    assert all(MAY.values())
    assert set(ANSWERS) == set(Step)
    assert set(OFFICERS) == set(Role)
    for role, officer_id in OFFICERS.items():
        officer = bench.shelf.people().find(officer_id)
        assert officer is not None
        assert officer.roles == {role}


@pytest.mark.parametrize("role", Role)
def test_the_gate_follows_the_table(bench: Bench, role: Role) -> None:
    """Who may passes and leaves no trace; who may not is refused, and that is kept."""
    officer = OFFICERS[role]
    for act in Act:
        case = bench.case()
        if role in MAY[act]:
            assert bench.work.gate.officer(officer, act, case).id == officer
            assert bench.refused(case) == [], act
            continue
        roles = ", ".join(sorted(MAY[act]))
        why = f"`{act}` takes the role {roles}"
        with pytest.raises(NotAllowed) as refusal:
            bench.work.gate.officer(officer, act, case)
        assert str(refusal.value) == f"{officer}: {why}"
        assert bench.refused(case) == [(officer, act, why)]


@pytest.mark.parametrize("act", [act for act in Act if MAY[act] == {Role.SUPERVISOR}])
def test_what_is_the_supervisors_alone(act: Act) -> None:
    """Written out once, so that a change of the table is a change of this line."""
    steering = {Act.SWITCH_BACK, Act.VOID_RECEIPT, Act.EXTEND, Act.SHORTEN, Act.BULK}
    assert act in steering | {Act.ASSIGN, Act.VOID_ITEM}


def test_an_auditor_reads_the_desk_and_nothing_else() -> None:
    """Written out once; and only the signer issues a letter anew."""
    reads = {Act.READ_DESK, Act.READ_REFUSALS, Act.READ_REPORT, Act.READ_TRAIL, Act.REPORT_BREACH}
    assert {act for act in Act if Role.AUDITOR in MAY[act]} == reads
    assert MAY[Act.REISSUE_LETTER] == {Role.SIGNER}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("step", Step)
def test_each_step_is_answered_by_its_role(bench: Bench, step: Step, role: Role) -> None:
    """By a supervisor too, except for the signature; everybody else is refused, and the work stays."""
    case = bench.case(step)
    item = bench.open(case)
    stands_in = role is Role.SUPERVISOR and step is not Step.RECOMMENDATION
    said = bench.uploaded(case.case_number) if step is Step.SIKS_NG_UPLOAD else APPROVE
    hand = Hand(OFFICERS[role])
    if role is ANSWERS[step] or stands_in:
        bench.work.claim(hand, item.id)
        assert bench.work.complete(hand, item.id, said).role is role
        return
    for attempt in (
        lambda: bench.work.claim(hand, item.id),
        lambda: bench.work.complete(hand, item.id, said),
        lambda: bench.work.answer(hand, case.case_number, step, said),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert bench.book.item(item.id) == item
    assert bench.rows(commands, case) == []


@pytest.mark.parametrize("role", Role)
def test_a_sheet_is_shown_to_who_does_the_work(bench: Bench, role: Role) -> None:
    """It is personal: the step's role and supervisors alone."""
    item = bench.item(Step.RECOMMENDATION)
    hand = Hand(OFFICERS[role])
    if role in {Role.SIGNER, Role.SUPERVISOR}:
        assert dict(bench.work.sheet(hand, item.id).fields)["Kecamatan"] == "Pamulang"
        return
    with pytest.raises(NotAllowed):
        bench.work.sheet(hand, item.id)


def _commands(number: str) -> dict[Act, Callable[[OfficeWork, Hand], object]]:
    """Return a call for each act that is a command on a case."""
    return {
        Act.ADD_PAPERS: lambda work, hand: work.papers_added(hand, number, ["kk:1"]),
        Act.CORRECT: lambda work, hand: work.correct(hand, number, {"phone": "081200000001"}),
        Act.WITHDRAW: lambda work, hand: work.withdraw(hand, number, "diminta pemohon"),
        Act.RETRY: lambda work, hand: work.retry(hand, number),
        Act.HASTEN: lambda work, hand: work.switch_track(hand, number, Track.EMERGENCY),
        Act.SWITCH_BACK: lambda work, hand: work.switch_track(hand, number, Track.MEDICAL),
        Act.VOID_RECEIPT: lambda work, hand: work.void_receipt(hand, number, "salah orang"),
        Act.PRINT_LETTER: lambda work, hand: work.print_letter(hand, number),
        Act.REISSUE_LETTER: lambda work, hand: work.reissue_letter(hand, number, "salah ketik"),
    }


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("act", _commands(""))
def test_each_command_asks_for_its_own_act(bench: Bench, act: Act, role: Role) -> None:
    """The command itself, not only the gate: refused under its own name, or done in an allowed role."""
    case = bench.case(Step.RECOMMENDATION)
    number = case.case_number
    bench.sign(case)
    bench.move(case, Step.SIKS_NG_UPLOAD)
    bench.work.answer(Hand(OPERATOR), number, Step.SIKS_NG_UPLOAD, bench.uploaded(number))
    bench.move(case, Step.KEMENSOS_VERIFICATION, health=CaseHealth.STUCK, trouble="NIK_BEDA")
    before = bench.rows(commands, case)
    call = _commands(number)[act]
    if role not in MAY[act]:
        with pytest.raises(NotAllowed):
            call(bench.work, Hand(OFFICERS[role]))
        assert [(actor, what) for actor, what, _ in bench.refused(case)] == [(OFFICERS[role], act)]
        assert bench.rows(commands, case) == before
        return
    call(bench.work, Hand(OFFICERS[role]))
    new = [row for row in bench.rows(commands, case) if row not in before]
    assert [row["role"] for row in new] in ([role], [])


def test_a_command_is_given_in_a_role_that_allows_it(bench: Bench) -> None:
    """Of an officer's many roles, the one written down is one that may do this."""
    case = bench.case(health=CaseHealth.STUCK)
    hand = Hand("serba-bisa")
    given = {
        Act.WITHDRAW: bench.work.withdraw(hand, case.case_number, "diminta"),
        Act.ADD_PAPERS: bench.work.papers_added(hand, case.case_number, ["kk:1"]),
        Act.SWITCH_BACK: bench.work.switch_track(hand, case.case_number, Track.MEDICAL),
        Act.HASTEN: bench.work.switch_track(hand, case.case_number, Track.EMERGENCY),
        Act.RETRY: bench.work.retry(hand, case.case_number),
    }
    assert all(command.role in MAY[act] for act, command in given.items())
    assert given[Act.SWITCH_BACK].role is Role.SUPERVISOR


def test_an_emergency_is_declared_at_the_counter_and_ended_by_a_supervisor(bench: Bench) -> None:
    """Hastening is easy, slowing down is not."""
    number = bench.case(track=Track.MEDICAL).case_number
    bench.work.switch_track(Hand(COUNTER), number, Track.EMERGENCY)
    with pytest.raises(NotAllowed, match="switch-track back"):
        bench.work.switch_track(Hand(COUNTER), number, Track.MEDICAL)


def test_mending_is_retried_by_its_role_only(bench: Bench) -> None:
    """`retry` is everybody's, but not past the role of the work to mend."""
    item = bench.mending()
    with pytest.raises(NotAllowed, match="of the role supervisor"):
        bench.work.retry(Hand(COUNTER), item.case.case_number)
    bench.work.retry(Hand(SUPERVISOR), item.case.case_number)


def test_a_letter_is_handed_over_by_the_operator(bench: Bench) -> None:
    """The applicant takes it to BPJS himself; other roles are refused at that step."""
    item = bench.claimed(OPERATOR, Step.SIKS_NG_UPLOAD)
    command = bench.work.complete(Hand(OPERATOR), item.id, Said(Verb.HAND_OVER))
    assert command.role in MAY[Act.HAND_OVER]

"""`starter.py retry`: for what is stuck or parked. Of any other case it says whom it waits for."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateways.ledger_schema import open_engine
from gateways.sql_desk import SqlDesk
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseHealth, CaseRef, CaseState, Step, WaitingOn
from models.desk_tables import commands, desk_items
from models.messages import CaseEvent, EventKind
from tests.desk.bench import an_ask
from tests.ledger.builders import MORNING, a_new_case, a_telling
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

AS = ("--as", "tangsel-supervisor")
STUCK = CaseHealth.STUCK
ON_DESK = (Step.DOCUMENT_CHECK, WaitingOn.OFFICER)
AT_KEMENSOS = (Step.KEMENSOS_VERIFICATION, WaitingOn.KEMENSOS)


def a_case(folder: Path, at: tuple[Step, WaitingOn], **fields: object) -> CaseRef:
    """Put a case at a step into the folder's ledger."""
    engine = a_ledger(folder)
    registry = SqlRegistry(engine, a_vault())
    case = registry.register(a_new_case()).case
    registry.mark_started(case.case_number)
    told = {"case": case, "step": at[0], "waiting_on": at[1], "since": MORNING, **fields}
    event = CaseEvent(seq=2, kind=EventKind.STEP_OPENED, at=MORNING, step=at[0], attempt=1)
    SqlLedger(engine, a_vault()).record(a_telling(CaseState.model_validate(told), event))
    if at is ON_DESK:
        SqlDesk(engine).open(an_ask(case, at[0]))
    return case


def counted(folder: Path) -> tuple[int, int]:
    """Return how many commands and pieces of work the ledger has."""
    with open_engine(f"sqlite:///{folder / 'ledger.db'}").connect() as connection:
        of = [connection.execute(select(func.count()).select_from(one)) for one in (commands, desk_items)]
        return of[0].scalar_one(), of[1].scalar_one()


@pytest.mark.parametrize(
    ("at", "fields", "words"),
    [
        (ON_DESK, {}, "waits for officer at document_check and goes on once item 1 is done"),
        (AT_KEMENSOS, {}, "waits for kemensos at kemensos_verification and goes on by itself"),
        (AT_KEMENSOS, {"health": STUCK, "trouble": "waits.kemensos"}, "waits for kemensos"),
    ],
    ids=["on a desk", "within its patience", "slow"],
)
def test_what_is_not_stuck_is_not_retried(
    tmp_path: Path, at: tuple[Step, WaitingOn], fields: dict[str, object], words: str
) -> None:
    """Refused before anything is written: it would be told as retried, and laid on the desk once more."""
    number = a_case(tmp_path, at, **fields).case_number
    before = counted(tmp_path)
    ran = typed(tmp_path, "retry", number, *AS)
    assert ran.code == 4, ran.err
    said = " ".join(ran.err.split())
    assert f"{number} is not stuck, there is nothing to retry: it {words}" in said
    assert f"`starter.py why {number}` says what helps" in said
    assert counted(tmp_path) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"health": STUCK, "trouble": "Refused"},
        {"health": STUCK, "trouble": "Unavailable"},
        {"health": STUCK, "trouble": "NIK_BEDA"},
        {"health": CaseHealth.PARKED, "trouble": "outage.kemensos"},
    ],
    ids=["refused", "did not answer", "returned", "parked"],
)
def test_what_is_stuck_or_parked_is_retried(tmp_path: Path, fields: dict[str, object]) -> None:
    """Also while Temporal is away: the command is kept."""
    number = a_case(tmp_path, AT_KEMENSOS, **fields).case_number
    ran = typed(tmp_path, "retry", number, *AS)
    assert (ran.code, counted(tmp_path)[0]) == (0, 1), ran.err
    assert "kept in the ledger" in ran.out

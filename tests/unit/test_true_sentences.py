"""What commands say when there is nothing, when it is over, when a part is shown: no more than is so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateways import key_store
from gateways.keyring import KeyRing, new_key
from gateways.ledger_schema import open_engine
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_event_book import SqlEventBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_vault import SqlVault
from models.case import CaseRef, CaseState, Step
from models.events import EventNote, EventResult
from models.messages import CaseEvent, EventKind, StepAsk
from models.outbox import Addressed
from models.roles import Act
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_telling, an_alert
from tests.ledgers import a_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import a_vault

SUPERVISOR, AUDITOR = ("--as", "tangsel-supervisor"), ("--as", "auditor")
VERIFIER = "tangsel-verifikator-1"
NOBODY = "127.0.0.1:1"


@dataclass
class Office:
    """A ledger in a folder, and commands typed there; Temporal does not answer."""

    folder: Path
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = a_ledger(self.folder)
        self.registry = SqlRegistry(self.engine, a_vault())
        self.ledger = SqlLedger(self.engine, a_vault())
        self.book = SqlDeskBook(self.engine, a_vault())

    def case(self, city: str = "3674") -> CaseRef:
        """Register a case."""
        return self.registry.register(a_new_case(city=city)).case

    def tells(self, case: CaseRef, *told: tuple[EventKind, Step, dict[str, str | int]]) -> None:
        """Let a workflow tell events of an open case."""
        seq = len(self.registry.history(case.case_number)) + 1
        events = [
            CaseEvent(seq=at, kind=kind, at=MORNING, step=step, attempt=1, facts=facts)
            for at, (kind, step, facts) in enumerate(told, seq)
        ]
        state = CaseState(case=case, since=MORNING, step=told[-1][1], due_at=MORNING + timedelta(hours=24))
        self.ledger.record(a_telling(state, *events))

    def types(self, *arguments: str, **settings: str) -> Typed:
        """Type a command."""
        return typed(self.folder, *arguments, at=None, TEMPORAL_ADDRESS=NOBODY, **settings)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Give an empty one."""
    made = Office(tmp_path)
    yield made
    made.engine.dispose()


def test_a_case_that_no_worker_began_is_said_to_be_so_at_every_door(office: Office) -> None:
    """It does not wait for an officer, who has nothing of it on his desk."""
    number = office.case().case_number
    for door in (("show", number), ("why", number)):
        told = office.types(*door)
        assert "worker, yang memulai kasus ini" in told.out, door
        assert "petugas Dinsos" not in told.out
        assert json.loads(office.types(*door, "--json").out)["is_begun"] is False
    assert "waits for a worker to begin it" in office.types("list").out
    assert json.loads(office.types("list", "--json").out)["cases"][0]["is_begun"] is False


def test_a_case_that_is_late_and_not_noticed_is_listed_as_late(office: Office) -> None:
    """Nobody was there to notice; a case without a clock stands in no relation to one."""
    late, fresh = office.case(), office.case()
    office.tells(late, (EventKind.SLA_STARTED, Step.DOCUMENT_CHECK, {}))
    lines = {line.split()[0]: line for line in office.types("list").out.splitlines() if "PBI-" in line}
    assert "on_track, past due" in lines[late.case_number]
    assert "on_track" not in lines[fresh.case_number]


def test_no_work_for_one_is_not_no_work(office: Office) -> None:
    """It says whose there is none of, and whether it was asked for what is in no hand."""
    ask = ("desk", "list", *SUPERVISOR)
    assert office.types(*ask).out.strip() == "no open work for you"
    assert office.types(*ask, "--all").out.strip() == "no open work of your area"
    free = office.types(*ask, "--all", "--unassigned").out.strip()
    assert free == "no open work of your area that is in no hand"


def test_many_refusals_of_another_city_hide_none_of_ours(office: Office) -> None:
    """Two hundred there, one here before them; who has none is told of which cities."""
    ours, theirs = office.case().case_number, office.case("3275").case_number
    office.book.refuse(VERIFIER, Act.EXTEND, ours, "takes the role supervisor", MORNING)
    for _ in range(201):
        office.book.refuse("bekasi-verifikator-1", Act.EXTEND, theirs, "takes the role supervisor", MORNING)
    (mine,) = json.loads(office.types("desk", "refusals", *SUPERVISOR, "--json").out)["refusals"]
    assert mine["case_number"] == ours


def test_nobody_was_refused_in_our_cities(office: Office) -> None:
    """Elsewhere somebody was."""
    office.book.refuse("x", Act.EXTEND, office.case("3275").case_number, "no", MORNING)
    told = office.types("desk", "refusals", *SUPERVISOR).out
    assert told.strip() == "nobody was refused anything on cases of your cities"


def test_many_events_of_another_city_hide_none_of_ours(office: Office) -> None:
    """Likewise of what outside systems pushed."""
    ours, theirs = office.case().case_number, office.case("3275").case_number
    book = SqlEventBook(office.engine)
    book.note(EventNote(MORNING, EventResult.ACCEPTED, "mesin", "d" * 64, ours))
    for _ in range(3):
        book.note(EventNote(MORNING, EventResult.ACCEPTED, "mesin", "e" * 64, theirs))
    (mine,) = json.loads(office.types("events", "list", "--limit", "2", *SUPERVISOR, "--json").out)["events"]
    assert mine["case_number"] == ours


def test_nothing_came_in_for_our_cities(office: Office) -> None:
    """Elsewhere something did."""
    theirs = office.case("3275").case_number
    SqlEventBook(office.engine).note(EventNote(MORNING, EventResult.ACCEPTED, "mesin", "e" * 64, theirs))
    told = office.types("events", "list", *SUPERVISOR).out
    assert told.strip() == "nothing came in for cases of your cities"


def test_an_alert_that_is_not_there_is_not_called_untold(office: Office) -> None:
    """Its key is unknown; one that is there and has no message says that nobody was told."""
    case = office.case()
    SqlOutbox(office.engine, lambda: MORNING).put([Addressed(an_alert(case, f"{case.case_number}:a"), ())])
    told = office.types("alerts", "deliveries", f"{case.case_number}:a")
    assert (told.code, told.out.strip()) == (0, "nobody was told anything")
    assert office.types("alerts", "deliveries", f"{case.case_number}:b").code == 3
    assert office.types("alerts", "list", "--state", "closed").out.startswith("no alert matches\n")


def test_a_list_of_alerts_that_is_cut_says_so(office: Office) -> None:
    """Two hundred are shown of two hundred and one."""
    case = office.case()
    many = [Addressed(an_alert(case, f"{case.case_number}:{number}"), ()) for number in range(201)]
    SqlOutbox(office.engine, lambda: MORNING).put(many)
    assert "200 of 201; --limit 201 shows all" in office.types("alerts", "list").out
    assert "shows all" not in office.types("alerts", "list", "--state", "closed").out
    assert len(SqlAlertBook(office.engine).entries(limit=300)) == 201


def test_stuck_says_by_whose_word_no_case_is(office: Office) -> None:
    """Temporal was not there to tell of failing code."""
    told = office.types("stuck").out
    assert "no case is stuck or parked by the ledger" in told
    assert "Temporal does not answer" in told


def test_work_that_is_over_says_so_on_its_sheet(office: Office) -> None:
    """And asks for nothing any more."""
    case = office.case()
    office.tells(case, (EventKind.STEP_OPENED, Step.DOCUMENT_CHECK, {}))
    ask = StepAsk(
        case_number=case.case_number, step=Step.DOCUMENT_CHECK, attempt=1, poll_every=timedelta(minutes=1)
    )
    SqlDesk(office.engine).open(ask)
    (item,) = office.book.items(case_number=case.case_number)
    show = ("desk", "show", str(item.id), "--as", VERIFIER)
    assert "belum diambil" in office.types(*show).out
    assert "bandingkan data" in office.types(*show).out
    office.ledger.record(a_closing(case, 3))
    over = office.types(*show).out
    assert "SUDAH BATAL" in over
    assert "bandingkan data" not in over


def test_a_rotation_that_another_process_overtook_does_not_call_everything_turned(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on making keys under the master key that it knows."""
    old, new = new_key(date(2026, 3, 2)), new_key(date(2026, 3, 3))
    engine = open_engine(f"sqlite:///{office.folder / 'own-keys.db'}")
    key_store.create(engine, old)
    worker = SqlVault(engine, lambda: KeyRing((old,)))
    worker.make(2)
    rotate = SqlVault.rotate

    def overtaken(vault: SqlVault) -> Iterator[int]:
        yield from rotate(vault)
        worker.make(1)

    settings = {
        "REAKTIVASI_KEYSTORE": str(engine.url),
        "REAKTIVASI_MASTER_KEYS": f"{old.line.strip()}\n{new.line.strip()}",
    }
    monkeypatch.setattr(SqlVault, "rotate", overtaken)
    told = office.types("keys", "rotate", "--yes", **settings).out
    assert "1 people's keys came meanwhile under another key: rotate again" in told
    assert "everything is under" not in told
    monkeypatch.undo()
    assert f"everything is under {new.id}" in office.types("keys", "rotate", "--yes", **settings).out


APPROVED: dict[str, str | int] = {"decision": "approved"}
UPLOAD, BPJS = Step.SIKS_NG_UPLOAD, Step.BPJS_RECONNECT


@pytest.mark.parametrize(
    ("told", "begun", "kemensos", "bpjs"),
    [
        pytest.param([(EventKind.STEP_OPENED, UPLOAD, {})], False, False, False, id="not uploaded yet"),
        pytest.param(
            [
                (EventKind.ANSWER_RECORDED, UPLOAD, APPROVED),
                (EventKind.STEP_OPENED, Step.DOCUMENT_CHECK, {}),
            ],
            False,
            True,
            False,
            id="returned after the upload",
        ),
        pytest.param(
            [
                (EventKind.STEP_SKIPPED, UPLOAD, {"skipped": "siks_ng_upload", "because": "handed_over"}),
                (EventKind.STEP_OPENED, BPJS, {}),
            ],
            False,
            False,
            True,
            id="handed over to the applicant",
        ),
        pytest.param([(EventKind.STEP_OPENED, UPLOAD, {})], True, True, False, id="a machine began"),
    ],
)
def test_a_person_is_told_who_got_the_data(
    office: Office,
    told: list[tuple[EventKind, Step, dict[str, str | int]]],
    begun: bool,
    kemensos: bool,
    bpjs: bool,
) -> None:
    """By what happened, not by where the case is now."""
    case = office.case()
    office.tells(case, *told)
    if begun:
        office.ledger.begin_submission(case.case_number, 1)
    file = office.folder / "akses.md"
    ask = ("privacy", "access", case.case_number, "--reason", "diminta", "--out", str(file))
    assert office.types(*ask, *SUPERVISOR).code == 0
    page = file.read_text()
    assert ("Kementerian Sosial" in page, "BPJS Kesehatan: NIK" in page) == (kemensos, bpjs)
    assert "baris itu tidak berubah" not in page


def test_where_a_machine_asks_bpjs_the_person_is_told_so(office: Office) -> None:
    """It asks when papers are checked."""
    case = office.case()
    office.tells(case, (EventKind.STEP_OPENED, Step.DOCUMENT_CHECK, {}))
    file = office.folder / "akses.md"
    ask = ("privacy", "access", case.case_number, "--reason", "diminta", "--out", str(file))
    assert office.types(*ask, *SUPERVISOR, REAKTIVASI_BPJS="http").code == 0
    assert "BPJS Kesehatan: NIK" in file.read_text()

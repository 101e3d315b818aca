"""What `desk`, `show`, `why`, `digest` and `doctor` say of work in the hand of who is there no more."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_desk import SqlDesk
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.case import CaseState, Step
from models.messages import CaseEvent, EventKind, StepAsk
from models.outbox import Addressed
from tests.ledger.builders import MORNING, a_new_case, a_telling, an_alert
from tests.ledgers import a_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import a_vault

ROOT = Path(__file__).parents[2]
LEFT, OTHER, SUPERVISOR = "tangsel-verifikator-1", "tangsel-verifikator-2", "tangsel-supervisor"
NOBODY = "127.0.0.1:1"


class Desk:
    """An office in which two checks of papers are in hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.engine = folder, a_ledger(folder)
        self.book = SqlDeskBook(self.engine, a_vault())
        self.policies = folder / "policies"
        shutil.copytree(ROOT / "policies", self.policies)
        self.number, self.item = self.held_by(LEFT)
        self.held_by(OTHER)

    def held_by(self, officer: str) -> tuple[str, int]:
        """Return a case and its work that an officer has in hand."""
        case = SqlRegistry(self.engine, a_vault()).register(a_new_case()).case
        state = CaseState(case=case, since=MORNING, due_at=MORNING + timedelta(hours=24))
        opened = CaseEvent(seq=2, kind=EventKind.STEP_OPENED, at=MORNING, step=state.step, attempt=1)
        SqlLedger(self.engine, a_vault()).record(a_telling(state, opened))
        SqlDesk(self.engine).open(
            StepAsk(
                case_number=case.case_number,
                step=Step.DOCUMENT_CHECK,
                attempt=1,
                poll_every=timedelta(minutes=1),
            )
        )
        (item,) = self.book.items(case_number=case.case_number)
        self.book.assign(item.id, officer, expects=None, at=MORNING)
        if officer == LEFT:
            alert = an_alert(case, f"{case.case_number}:a")
            SqlOutbox(self.engine, lambda: MORNING).put([Addressed(alert, (SUPERVISOR,))])
            SqlAlertBook(self.engine).acknowledge(case.case_number, None, LEFT, MORNING)
        return case.case_number, item.id

    def leaves(self, officer: str) -> None:
        """Take an officer out of people.toml."""
        people = self.policies / "people.toml"
        head, *blocks = re.split(r"(?m)^\[\[person\]\]\n", people.read_text())
        kept = (f"[[person]]\n{one}" for one in blocks if f'id = "{officer}"' not in one)
        people.write_text(head + "".join(kept))

    def types(self, *arguments: str, **settings: str) -> Typed:
        """Type a command."""
        settings |= {"REAKTIVASI_POLICIES_DIR": str(self.policies), "TEMPORAL_ADDRESS": NOBODY}
        return typed(self.folder, *arguments, at=None, **settings)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Give the office."""
    made = Desk(tmp_path)
    yield made
    made.engine.dispose()


def test_every_door_says_that_the_holder_left(desk: Desk) -> None:
    """And said nothing of the kind while he was there."""
    doors = (
        ("show", desk.number),
        ("why", desk.number),
        ("digest", "--city", "3674"),
        ("desk", "list", "--all", "--as", SUPERVISOR),
        ("alerts", "list"),
    )
    words = ("tidak bekerja di sini lagi", "tidak bekerja di sini lagi", f"({LEFT})", "(left)", "(left)")
    before = [desk.types(*door).out for door in doors]
    desk.leaves(LEFT)
    after = [desk.types(*door).out for door in doors]
    assert [word in told for word, told in zip(words, before, strict=True)] == [False] * len(doors)
    assert [word in told for word, told in zip(words, after, strict=True)] == [True] * len(doors)
    assert json.loads(desk.types("why", desk.number, "--json").out)["gone"] == {str(desk.item): "left"}


FAULTS = ("[[person", 'person = "nobody"', "\xff", '[[person]]\nid = "x y"')


@pytest.mark.parametrize("fault", FAULTS)
def test_who_only_reads_goes_on_where_the_file_of_people_is_faulty(desk: Desk, fault: str) -> None:
    """A case is looked at just then; one line says what is not known, and where the fault is told."""
    doors = (("show", desk.number), ("why", desk.number), ("alerts", "list"))
    line = "people.toml cannot be used: who left or is away is not told; what is wrong: starter.py doctor\n"
    before = [desk.types(*door) for door in doors]
    assert not any(line in one.out for one in before)
    (desk.policies / "people.toml").write_text(fault, encoding="latin-1")
    after = [desk.types(*door) for door in doors]
    assert [(one.code, one.out.count(line), one.err) for one in after] == [(0, 1, "")] * len(doors)
    for old, new in zip(before, after, strict=True):
        assert (LEFT in new.out, len(new.out.splitlines())) == (True, len(old.out.splitlines()) + 1)
    for door in doors[:2]:
        assert json.loads(desk.types(*door, "--json").out)["knows_people"] is False
    doctor = json.loads(desk.types("doctor", "--json").out)
    assert [
        str(desk.policies / "people.toml") in one["saw"] for one in doctor if one["name"] == "policies"
    ] == [True]


def test_who_acts_or_must_be_known_is_refused_where_the_file_of_people_is_faulty(desk: Desk) -> None:
    """Nobody can tell what he may do, or may read; and figures that would be wrong are not shown."""
    (desk.policies / "people.toml").write_text(FAULTS[0])
    me = ("--as", SUPERVISOR)
    for door in (
        ("retry", desk.number, *me),
        ("extend", desk.number, "--by", "PT1H", "--reason", "x", *me),
        ("desk", "claim", str(desk.item), *me),
        ("alerts", "ack", desk.number, *me),
        ("desk", "list", *me),
        ("bulk", "list", *me),
        ("audit", "show", *me),
        ("digest", "--city", "3674"),
    ):
        ran = desk.types(*door)
        assert (ran.code, "people.toml" in ran.err) == (2, True), (door, ran)
    assert desk.book.undelivered(desk.number) == []


def test_what_is_in_no_hand_includes_the_hands_that_are_gone(desk: Desk) -> None:
    """Nothing is unassigned while both are there."""
    ask = ("desk", "list", "--all", "--unassigned", "--as", SUPERVISOR, "--json")
    assert json.loads(desk.types(*ask).out) == []
    desk.leaves(LEFT)
    (item,) = json.loads(desk.types(*ask).out)
    assert (item["item"], item["assignee"], item["gone"]) == (desk.item, LEFT, "left")


def test_another_claims_it_and_is_told_from_whom(desk: Desk) -> None:
    """A colleague who is there keeps his."""
    claim = ("desk", "claim", str(desk.item), "--as", OTHER)
    assert desk.types(*claim).code == 4
    desk.leaves(LEFT)
    told = desk.types(*claim)
    assert (told.code, f"in the hand of {OTHER}, taken over from {LEFT}" in told.out) == (0, True)


def test_doctor_says_how_much_and_whose(desk: Desk) -> None:
    """A warning: the work is in everybody's queue. Also who has charge of alerts, and who gives commands."""

    def said(**settings: str) -> str:
        checks = json.loads(desk.types("doctor", "--json", **settings).out)
        (check,) = [one for one in checks if one["name"] == "desk"]
        assert check["is_ok"]
        return str(check["saw"])

    assert said() == "2 piece(s) of work in hand, each in one that can do it"
    desk.leaves(LEFT)
    told = said(REAKTIVASI_ACTOR=LEFT)
    for words in (
        f"WARN 1 of 2 piece(s) of work in hand lie in hands that are gone: {LEFT} (left) 1",
        f"1 alert(s) are in the charge of who left: {LEFT} 1",
        "REAKTIVASI_ACTOR names nobody of people.toml",
    ):
        assert words in told


def test_a_contact_of_nobody_is_not_counted_as_an_officers(desk: Desk) -> None:
    """Who left may still have an address in the file."""
    contacts = desk.folder / "contacts.toml"
    people = re.findall(r'id = "([^"]+)"', (desk.policies / "people.toml").read_text())
    contacts.write_text("".join(f'"{one}" = ["json://localhost"]\n' for one in people))
    contacts.chmod(0o600)

    def said() -> str:
        checks = json.loads(desk.types("doctor", "--json", REAKTIVASI_CONTACTS=str(contacts)).out)
        return str(next(one["saw"] for one in checks if one["name"] == "alerts"))

    assert said() == f"{len(people)} officers have a contact"
    desk.leaves(LEFT)
    assert said() == f"{len(people) - 1} officers have a contact; WARN contact of nobody: {LEFT}"

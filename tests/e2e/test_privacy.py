"""Nothing personal leaves the ledger: not into Temporal's database, a history, a log or a terminal."""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from models.case import CaseHealth, CaseState, Outcome, Step
from models.dossier import Need, Person
from tests.e2e import leaks
from tests.e2e.office import Office
from tests.e2e.people import Someone, someone

PERSONAL = ("ledger.db", "institutions.db", "documents", "keys.db")
"""Where personal data belongs: the ledger, its papers, and the simulated institutions' own books."""

REACTIVATED, REJECTED, WITHDRAWN = Outcome.REACTIVATED, Outcome.REJECTED, Outcome.WITHDRAWN

Dials = Mapping[str, dict[str, object]]

SLOW_KEMENSOS: Dials = {"kemensos": {"decide_after_s": 3600}}
SLOW_BPJS: Dials = {"bpjs": {"activate_after_s": 3600}}


@dataclass(frozen=True)
class Fate:
    """What happens to one person's case, and how it is known to have happened."""

    name: str
    end: Outcome | Step | str
    """The outcome, or the step that is asked again and again, or the trouble that waits for a person."""
    dials: Dials = field(default_factory=dict)
    need: str = "emergency"
    changes: dict[str, object] = field(default_factory=dict)
    command: str = ""
    after: Step = Step.RECOMMENDATION
    """The command is given once this step is answered."""

    def is_fulfilled(self, state: CaseState) -> bool:
        """Tell whether the case is where it should get to."""
        if isinstance(self.end, Outcome):
            return state.outcome is self.end
        if isinstance(self.end, Step):
            return state.step is self.end
        return state.health is CaseHealth.STUCK and state.trouble == self.end


FATES = (
    Fate("calm", REACTIVATED),
    Fate("calm, medical", REACTIVATED, need="routine", changes={"track": "medical"}),
    Fate("rejected", REJECTED, {"kemensos": {"decision": "rejected"}}),
    Fate("rejected as dead", Outcome.DECEASED, {"kemensos": {"decision": "rejected", "reason": "MENINGGAL"}}),
    Fate(
        "rejected with unknown words",
        REJECTED,
        {"kemensos": {"decision": "rejected", "reason": "Kurang Lengkap!"}},
    ),
    Fate("returned", "NIK_BEDA", {"kemensos": {"decision": "returned"}}),
    Fate("returned once, then sent again", REACTIVATED, {"kemensos": {"returned_times": 1}}, command="retry"),
    Fate("paper missing", "DOK_TIDAK_LENGKAP", changes={"city": "3275"}),
    Fate("need not served", "KEBUTUHAN_TIDAK_SESUAI", changes={"track": "medical"}),
    Fate("withdrawn at Kemensos", WITHDRAWN, SLOW_KEMENSOS, command="withdraw", after=Step.SIKS_NG_UPLOAD),
    Fate("withdrawn at BPJS", WITHDRAWN, SLOW_BPJS, command="withdraw", after=Step.KEMENSOS_VERIFICATION),
    Fate("withdrawn while SIKS-NG is down", WITHDRAWN, {"siks_ng": {"down": True}}, command="withdraw"),
    Fate("left waiting for SIKS-NG", Step.SIKS_NG_UPLOAD, {"siks_ng": {"down": True}}),
    Fate("left waiting for Kemensos", Step.KEMENSOS_VERIFICATION, SLOW_KEMENSOS),
    Fate("left waiting for BPJS", Step.BPJS_RECONNECT, SLOW_BPJS),
    Fate("BPJS takes its time", REACTIVATED, {"bpjs": {"activate_after_s": 2}}),
    Fate("SIKS-NG fails at first", REACTIVATED, {"siks_ng": {"fail_first": 1}}),
    Fate("SIKS-NG loses a reply", REACTIVATED, {"siks_ng": {"lose_reply": 1}}),
    Fate("SIKS-NG sends HTML", "BadReply", {"siks_ng": {"wrong": "html"}}),
    Fate("SIKS-NG sends garbage", "BadReply", {"siks_ng": {"wrong": "garbage"}}),
    Fate("SIKS-NG sends a strange reference", "BadReply", {"siks_ng": {"wrong": "wrong_reference_form"}}),
    Fate("Kemensos sends HTML", "BadReply", {"kemensos": {"wrong": "html"}}),
    Fate("Kemensos sends nothing", "BadReply", {"kemensos": {"wrong": "empty"}}),
    Fate("BPJS sends HTML", "BadReply", {"bpjs": {"wrong": "html"}}),
    Fate("BPJS sends garbage", "BadReply", {"bpjs": {"wrong": "garbage"}}),
    Fate("BPJS names another person", "NAMA_TGL_LAHIR_BEDA", {"bpjs": {"wrong": "other_person"}}),
)


@dataclass(frozen=True)
class Remains:
    """What is left of an office after all fates were fulfilled."""

    people: tuple[Someone, ...]
    cases: tuple[str, ...]
    files: dict[str, bytes]
    ledger: bytes
    papers: dict[str, bytes]
    opened: tuple[Person | Need, ...]
    histories: dict[str, bytes]
    printed: dict[str, bytes]

    @property
    def secrets(self) -> dict[str, str]:
        """Everything personal of everybody, by what it is."""
        return {
            f"{name} of {number}": value
            for number, person in enumerate(self.people)
            for name, value in person.secrets.items()
        }


@pytest.fixture(scope="module")
async def remains(tmp_path_factory: pytest.TempPathFactory) -> Remains:
    """An office of its own that lived through every fate and was then stopped."""
    office = Office(tmp_path_factory.mktemp("private"))
    await office.open()
    try:
        people = tuple(someone() for _ in FATES)
        cases = await asyncio.gather(*map(lambda fate, person: _live(office, fate, person), FATES, people))
        await _look_at(office, cases, people[0])
        histories = await leaks.histories(office.client, cases)
    finally:
        office.close()
    folder = office.stack.folder
    dossiers = [office.ledger.dossier(case) for case in cases]
    return Remains(
        people=people,
        cases=tuple(cases),
        files=leaks.files(folder, but=PERSONAL),
        ledger=b"".join(path.read_bytes() for path in folder.glob("ledger.db*")),
        papers=leaks.files(folder / "documents", but=()),
        opened=tuple(part for one in dossiers for part in (one.person, one.need)),
        histories=histories,
        printed={f"command {number}": said.encode() for number, said in enumerate(office.printed)},
    )


def test_the_ledger_holds_every_personal_value_and_shows_none(remains: Remains) -> None:
    """Opened with its keys it holds what was handed in; its files, as a thief has them, hold none of it."""
    held = "\n".join(str(value) for one in remains.opened for value in vars(one).values()).encode()
    assert [name for name, value in remains.secrets.items() if value.encode() not in held] == []
    assert all(case.encode() in remains.ledger for case in remains.cases)
    assert leaks.found(remains.secrets, {"the ledger": remains.ledger} | remains.papers) == []


def test_no_file_outside_the_ledger_holds_a_personal_value(remains: Remains) -> None:
    """Temporal's database and all logs were searched, in every form."""
    assert {
        "temporal.db",
        "logs/temporal.log",
        "logs/worker.log",
        "logs/simulators.log",
    } <= remains.files.keys()
    assert all(remains.files["temporal.db"].count(case.encode()) > 0 for case in remains.cases)
    assert all(case.encode() in remains.files["logs/worker.log"] for case in remains.cases)

    assert leaks.found(remains.secrets, remains.files) == []


def test_no_history_holds_a_personal_value(remains: Remains) -> None:
    """Every event of every case was searched, with its payloads decoded."""
    assert set(remains.cases) <= remains.histories.keys()

    assert leaks.found(remains.secrets, remains.histories) == []


def test_no_command_prints_a_personal_value(remains: Remains) -> None:
    """Commands that succeeded and commands that refused were searched."""
    assert len(remains.printed) >= 10

    assert leaks.found(remains.secrets, remains.printed) == []


async def test_the_search_finds_what_was_planted_in_temporal(office: Office) -> None:
    """In another office a NIK is written into a workflow in each form, and each is found in its database."""
    nik = someone().nik
    planted = {
        "UTF-8": nik,
        "UTF-16": nik.encode("utf-16-le"),
        "UTF-16 BE": nik.encode("utf-16-be"),
        "hex": nik.encode().hex(),
        **{
            f"base64 at {offset}": base64.b64encode(b"x" * offset + nik.encode() + b"y").decode()
            for offset in range(3)
        },
    }
    handle = await office.client.start_workflow(
        "Dummy", id="planted", task_queue="nobody-polls-this", memo=planted
    )
    histories = await leaks.histories(office.client, ["planted"])
    await handle.terminate()

    in_files = leaks.found({"NIK": nik}, leaks.files(office.stack.folder, but=PERSONAL))
    in_histories = leaks.found({"NIK": nik}, histories)

    assert {line.removeprefix("NIK as ").split(" in ")[0] for line in in_files} == planted.keys()
    assert {line.removeprefix("NIK as ") for line in in_histories} >= {
        f"{form} in planted" for form in planted
    }


async def _live(office: Office, fate: Fate, person: Someone) -> str:
    """Take a person's case to its fate and return its number."""
    for system, dials in fate.dials.items():
        office.turn(system, person, **dials)
    case = await office.submit(person, person.application(need_kind=fate.need, **fate.changes))
    if fate.command == "withdraw":
        await office.until_answered(case, fate.after)
        words = f"{person.name}, {person.nik}, telp. {person.phone}: keluarga membatalkan"
        assert (await office.cli("withdraw", case, "--reason", words)).code == 0
    if fate.command == "retry":
        await office.until(case, lambda state: state.health is CaseHealth.STUCK)
        assert (await office.cli("retry", case)).code == 0
    await office.until(case, fate.is_fulfilled)
    if isinstance(fate.end, Step):
        await office.until_pending(case, lambda activity: activity.attempt > 1)
    return case


async def _look_at(office: Office, cases: list[str], person: Someone) -> None:
    """Let operators look at cases, and hand in what is refused."""
    number, name = person.nik, person.name
    faulty = {
        "nik": f"{number}1",
        "kk": number,
        "name": name,
        "phone": f"1{person.phone}",
        "sex": name,
        "card_number": person.kk,
    }
    refused = office.write(
        person, person.application(applicant=faulty, track=name, city=person.phone, unknown=person.kk)
    )
    commands = [["show", case] for case in cases[5::8]] + [["show", cases[5], "--json"], ["list"]]
    commands += [["submit", str(refused)], ["submit", str(refused), "--json"]]
    ran = await asyncio.gather(*(office.cli(*command) for command in commands))
    assert [one.code for one in ran] == [2 if command[0] == "submit" else 0 for command in commands]

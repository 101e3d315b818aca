"""The same tests for each outside system, whether a machine asks it over HTTP or people work its portal."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest
from temporalio.testing import ActivityEnvironment

from activities.bpjs import BpjsReconnect
from activities.kemensos import KemensosVerification
from activities.siks_ng import SiksNgUpload
from activities.ways import Mode, Way
from desk.decisions import Said, Verb
from desk.orders import Hand
from gateways import submission_rows
from gateways.policy_folder import PolicyFolder
from gateways.sealed_rows import key_of_case
from gateways.typst_letters import TypstLetters
from models.answers import Approved, Moot, Rejected, Returned
from models.case import Outcome, Step
from models.desk_tables import desk_items, submissions
from models.dossier import Person
from models.errors import TryAgain
from models.messages import StepAsk, StepReply
from tests.builders import a_person
from tests.desk.bench import OPERATOR, Bench, Clock, an_ask, personal
from tests.gateways.institutions import Adapters, Institutions
from tests.ledgers import a_ledger
from tests.vaults import a_vault

_POLICIES = Path(__file__).parents[2] / "policies"
_NEVER_S = 3600
_portal_numbers = itertools.count(1)


class System(StrEnum):
    """An outside system."""

    SIKS_NG = "siks_ng"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"

    @property
    def step(self) -> Step:
        """The step whose answer it brings."""
        return {
            System.SIKS_NG: Step.SIKS_NG_UPLOAD,
            System.KEMENSOS: Step.KEMENSOS_VERIFICATION,
            System.BPJS: Step.BPJS_RECONNECT,
        }[self]


class Word(StrEnum):
    """What the other side may say."""

    YES = "approved"
    RETURN = "returned"
    NO = "rejected"
    MOVED = "moved segment"


_OF_MACHINES = {
    System.SIKS_NG: (Word.YES, Word.MOVED),
    System.KEMENSOS: tuple(Word),
    System.BPJS: (Word.YES, Word.RETURN, Word.MOVED),
}
"""What each system's protocol can say: SIKS-NG takes a person or refuses the call, BPJS shows a record.

People may say everything that the catalogue of reasons has for a step.
"""


class OtherSide(Protocol):
    """One system with its bearer, in front of one case."""

    person: Person

    def ask(self, attempt: int = 1) -> StepReply | None:
        """Run the step's activity; None while it is to be asked again later."""
        ...

    def is_silent(self) -> None:
        """The other side has not acted yet."""
        ...

    def says(self, word: Word, attempt: int = 1) -> None:
        """The other side acts."""
        ...

    def begins(self, attempt: int) -> None:
        """The case comes to the step with another attempt."""
        ...


class _Side:
    """What both bearers share: a case with a letter, at the system's step."""

    def __init__(self, bench: Bench, system: System) -> None:
        self.bench, self.system = bench, system
        self.person = a_person()
        self.case = bench.case(Step.RECOMMENDATION, person=self.person)
        draft = bench.work.letters.draft(self.case.case_number, "signer", bench.clock())
        bench.ledger.issue_letter(self.case.case_number, 1, draft)

    def run(self, activity: Callable[[StepAsk], StepReply], attempt: int) -> StepReply | None:
        try:
            return ActivityEnvironment().run(activity, an_ask(self.case, self.system.step, attempt))
        except TryAgain:
            return None

    @property
    def references(self) -> list[str]:
        """The references that the ledger holds, attempt by attempt."""
        rows = sorted(self.bench.rows(submissions, self.case), key=lambda row: int(str(row["attempt"])))
        with self.bench.engine.begin() as connection:
            key = key_of_case(connection, a_vault(), self.case.case_number)
        return [submission_rows.reference(key, row) for row in rows]


class ByHttp(_Side):
    """A machine asks: the real adapter in front of the simulated institution."""

    def __init__(self, bench: Bench, system: System, institutions: Institutions, adapters: Adapters) -> None:
        super().__init__(bench, system)
        self._institutions = institutions
        way = Way(Mode.HTTP, bench.desk)
        upload = SiksNgUpload(bench.ledger, adapters.siks_ng, adapters.bpjs, way)
        verdict = KemensosVerification(bench.ledger, bench.shelf, adapters.kemensos, way)
        self._upload = upload.siks_ng_upload
        self._activity = {
            System.SIKS_NG: self._upload,
            System.KEMENSOS: verdict.kemensos_verification,
            System.BPJS: BpjsReconnect(bench.ledger, adapters.bpjs, way).bpjs_reconnect,
        }[system]
        self.is_silent()
        self.begins(1)

    def begins(self, attempt: int) -> None:
        self.bench.move(self.case, self.system.step, attempt=attempt)
        if self.system is not System.SIKS_NG:
            ActivityEnvironment().run(self._upload, an_ask(self.case, Step.SIKS_NG_UPLOAD, attempt))

    def ask(self, attempt: int = 1) -> StepReply | None:
        return self.run(self._activity, attempt)

    def is_silent(self) -> None:
        match self.system:
            case System.SIKS_NG:
                self._turn(System.SIKS_NG, down=True)
                self._turn(System.KEMENSOS, decide_after_s=_NEVER_S)
            case System.KEMENSOS:
                self._turn(System.KEMENSOS, decide_after_s=_NEVER_S)
            case System.BPJS:
                self._turn(System.BPJS, activate_after_s=_NEVER_S)

    def says(self, word: Word, attempt: int = 1) -> None:
        record = {"nama": self.person.name, "tgl_lahir": str(self.person.birth_date)}
        active_elsewhere = {"person": {**record, "aktif": True, "jenis": "22"}}
        match self.system, word:
            case System.SIKS_NG, Word.MOVED:
                self._turn(System.SIKS_NG)
                self._turn(System.BPJS, **active_elsewhere)
            case System.KEMENSOS, Word.RETURN:
                self._turn(System.KEMENSOS, decision="returned", reason="NIK_BEDA")
            case System.KEMENSOS, Word.NO:
                self._turn(System.KEMENSOS, decision="rejected", reason="DINILAI_MAMPU")
            case System.KEMENSOS, Word.MOVED:
                self._turn(System.KEMENSOS, decision="rejected", reason="SEGMEN_BERUBAH")
            case System.BPJS, Word.RETURN:
                self._turn(System.BPJS, wrong="other_person")
            case System.BPJS, Word.MOVED:
                self._turn(System.BPJS, **active_elsewhere)
            case _:
                self._turn(self.system)

    def _turn(self, system: System, **dials: object) -> None:
        self._institutions.turn(system, self.person.nik, **dials)


class ByHand(_Side):
    """People work the portal: what they see there they say at the counter."""

    def __init__(self, bench: Bench, system: System) -> None:
        super().__init__(bench, system)
        way = Way(Mode.DESK, bench.desk)
        self._activity = {
            System.SIKS_NG: SiksNgUpload(bench.ledger, None, None, way).siks_ng_upload,
            System.KEMENSOS: KemensosVerification(bench.ledger, bench.shelf, None, way).kemensos_verification,
            System.BPJS: BpjsReconnect(bench.ledger, None, way).bpjs_reconnect,
        }[system]
        self.begins(1)

    def begins(self, attempt: int) -> None:
        if self.system is not System.SIKS_NG:
            self.bench.move(self.case, Step.SIKS_NG_UPLOAD, attempt=attempt)
            self._say(Step.SIKS_NG_UPLOAD, self._receipt())
        self.bench.move(self.case, self.system.step, attempt=attempt)

    def ask(self, attempt: int = 1) -> StepReply | None:
        return self.run(self._activity, attempt)

    def is_silent(self) -> None:
        """Nobody has looked into the portal yet."""

    def says(self, word: Word, attempt: int = 1) -> None:
        said = {
            Word.YES: Said(Verb.APPROVE),
            Word.RETURN: Said(Verb.RETURN, "NAMA_TGL_LAHIR_BEDA", note=f"di portal: {self.person.name}"),
            Word.NO: Said(Verb.REJECT, "TIDAK_DITEMUKAN"),
            Word.MOVED: Said(Verb.REJECT, "SEGMEN_BERUBAH"),
        }[word]
        is_upload = self.system is System.SIKS_NG and word is Word.YES
        self._say(self.system.step, self._receipt() if is_upload else said)

    def _receipt(self) -> Said:
        return self.bench.uploaded(f"PORTAL-{next(_portal_numbers)}")

    def _say(self, step: Step, said: Said) -> None:
        hand, number = Hand(OPERATOR), self.case.case_number
        if there := self.bench.items(self.case):
            self.bench.work.claim(hand, there[0].id)
            self.bench.work.complete(hand, there[0].id, said)
        else:
            self.bench.work.answer(hand, number, step, said)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Open an office for the whole file, on SQLite; tests keep apart by their cases."""
    folder = tmp_path_factory.mktemp("contract")
    engine = a_ledger(folder)
    clock = Clock()
    clock.now = datetime.now(UTC)
    yield Bench(engine, folder, PolicyFolder(_POLICIES), TypstLetters(_POLICIES / "surat"), clock)
    engine.dispose()


Make = Callable[[System, str], OtherSide]


@pytest.fixture
def make(office: Bench, institutions: Institutions, adapters: Adapters) -> Make:
    """Put a system with its bearer in front of a new case."""

    def of(system: System, bearer: str) -> OtherSide:
        if bearer == "desk":
            return ByHand(office, system)
        return ByHttp(office, system, institutions, adapters)

    return of


BEARERS = ("http", "desk")
BOTH = pytest.mark.parametrize(("system", "bearer"), list(itertools.product(System, BEARERS)))


def able(word: Word) -> pytest.MarkDecorator:
    """Run a test with every system and bearer that can say this."""
    pairs = [
        (system, bearer)
        for system, bearer in itertools.product(System, BEARERS)
        if bearer == "desk" or word in _OF_MACHINES[system]
    ]
    return pytest.mark.parametrize(("system", "bearer"), pairs)


def _told(reply: StepReply | None, person: Person) -> StepReply:
    """Return a reply that has an answer and tells Temporal nothing personal."""
    assert reply is not None
    assert reply.answer is not None
    text = reply.model_dump_json()
    assert not any(word in text for word in personal(person))
    assert "PORTAL-" not in text
    assert "SIKS-20" not in text
    return reply


@BOTH
def test_nothing_is_answered_before_the_other_side_acted(make: Make, system: System, bearer: str) -> None:
    """Asked three times: no answer, nothing handed in, and at most one piece of work on the desk."""
    side = make(system, bearer)
    side.is_silent()
    for _ in range(3):
        reply = side.ask()
        assert reply is None or reply.answer is None
    assert isinstance(side, _Side)
    assert len(side.references) == (0 if system is System.SIKS_NG else 1)
    assert len(side.bench.items(side.case)) == (1 if bearer == "desk" else 0)


@BOTH
def test_it_is_approved_once_the_other_side_approved(make: Make, system: System, bearer: str) -> None:
    """After it was silent for a while."""
    side = make(system, bearer)
    side.ask()
    side.says(Word.YES)
    assert _told(side.ask(), side.person).answer == Approved()


@BOTH
def test_asking_again_changes_nothing(
    make: Make, institutions: Institutions, system: System, bearer: str
) -> None:
    """The same answer, one submission, one reference, one piece of work; at the institution one effect."""
    side = make(system, bearer)
    side.ask()
    side.says(Word.YES)
    replies = [_told(side.ask(), side.person) for _ in range(3)]
    assert replies == [replies[0]] * 3
    assert isinstance(side, _Side)
    assert len(side.references) == 1
    of_step = [row for row in side.bench.rows(desk_items, side.case) if row["step"] == system.step]
    assert len(of_step) == (1 if bearer == "desk" else 0)
    if bearer == "http":
        keys = [key for key in institutions.effects("siks_ng") if key.startswith(side.case.case_number)]
        assert [institutions.effects("siks_ng")[key] for key in keys] == [1]


@BOTH
def test_another_attempt_is_another_effect(make: Make, system: System, bearer: str) -> None:
    """The case comes back: it is handed in anew under another reference, and asked anew."""
    side = make(system, bearer)
    side.says(Word.YES if system is System.SIKS_NG else Word.RETURN)
    _told(side.ask(), side.person)
    side.begins(2)
    if system is not System.BPJS:  # what it shows it has shown before
        side.is_silent()
        reply = side.ask(2)
        assert reply is None or reply.answer is None
    side.says(Word.YES, 2)
    assert _told(side.ask(2), side.person).answer == Approved()
    assert isinstance(side, _Side)
    first, second = side.references
    assert first != second
    assert side.bench.ledger.submission_reference(side.case.case_number) == second


@able(Word.RETURN)
def test_a_return_says_why_and_where_to(make: Make, system: System, bearer: str) -> None:
    """A code of the catalogue, and a step that the case has been at; asking again says the same."""
    side = make(system, bearer)
    side.ask()
    side.says(Word.RETURN)
    reply = _told(side.ask(), side.person)
    assert isinstance(reply.answer, Returned)
    assert reply.answer.reason in {"NIK_BEDA", "NAMA_TGL_LAHIR_BEDA"}
    order = list(Step)
    assert order.index(reply.answer.back_to) <= order.index(system.step)
    assert side.ask() == reply


@able(Word.NO)
def test_a_final_no_ends_it(make: Make, system: System, bearer: str) -> None:
    """With its reason."""
    side = make(system, bearer)
    side.ask()
    side.says(Word.NO)
    answer = _told(side.ask(), side.person).answer
    assert isinstance(answer, Rejected)
    assert answer.reason in {"DINILAI_MAMPU", "TIDAK_DITEMUKAN"}


@able(Word.MOVED)
def test_a_person_who_moved_segment_is_moot(make: Make, system: System, bearer: str) -> None:
    """There is nothing left to do; before the upload nothing is handed in."""
    side = make(system, bearer)
    side.says(Word.MOVED)
    answer = _told(side.ask(), side.person).answer
    assert isinstance(answer, Moot)
    assert answer.outcome is Outcome.SEGMENT_CHANGED
    assert isinstance(side, _Side)
    assert len(side.references) == (0 if system is System.SIKS_NG else 1)


@pytest.mark.parametrize("system", System)
@pytest.mark.parametrize("word", Word)
def test_people_can_say_what_a_machine_can(make: Make, system: System, word: Word) -> None:
    """And they are named in the reply by their code, with what they said."""
    side = make(system, "desk")
    side.ask()
    side.says(word)
    reply = _told(side.ask(), side.person)
    assert reply.given is not None
    assert reply.given.answer == reply.answer
    assert (reply.given.actor, reply.given.attempt, reply.given.step) == (OPERATOR, 1, system.step)


@pytest.mark.parametrize("system", System)
def test_a_machine_gives_no_one_elses_name(make: Make, system: System) -> None:
    """Its answer was given by nobody; unless a person's answer is there already: that is the step's then."""
    side = make(system, "http")
    assert isinstance(side, ByHttp)
    said = Said(Verb.RETURN, "NIK_BEDA")
    side.bench.work.answer(Hand(OPERATOR), side.case.case_number, system.step, said)
    side.says(Word.YES)
    reply = _told(side.ask(), side.person)
    assert isinstance(reply.answer, Returned)
    assert reply.given is not None
    side.begins(2)
    assert _told(side.ask(2), side.person) == StepReply(answer=Approved())

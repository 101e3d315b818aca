"""People at their desks, through the commands they type: answers, dialogue, outage, reset, privacy."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.case import CaseHealth, CaseState, Outcome, Step, WaitingOn
from models.desk import ItemState
from models.messages import EventKind
from models.wib import WIB
from runtime.settings import ROOT
from runtime.stack import temporal_binary
from tests import pushing
from tests.builders import PDF
from tests.e2e import leaks
from tests.e2e.office import Office, Ran
from tests.e2e.people import Someone, someone
from tests.e2e.test_privacy import PERSONAL

INTAKE, VERIFIER, OTHER_VERIFIER = "tangsel-loket-1", "tangsel-verifikator-1", "tangsel-verifikator-2"
SIGNER, OPERATOR, SUPERVISOR = "tangsel-penandatangan", "tangsel-siksng-1", "tangsel-supervisor"


PEOPLE: list[Someone] = []
"""Everybody who came to this office."""


def applicant() -> Someone:
    """Return a person that no other test has, and remember him for the search at the end."""
    PEOPLE.append(someone())
    return PEOPLE[-1]


@pytest.fixture(scope="module")
async def desks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """An office in which people answer every step."""
    office = Office(tmp_path_factory.mktemp("desks"), by_hand=True)
    await office.open()
    try:
        yield office
    finally:
        office.close()


def a_proof(office: Office) -> Path:
    """Return a picture of the portal's confirmation."""
    proof = office.inbox / "bukti.pdf"
    proof.write_bytes(PDF)
    return proof


def portal(office: Office, reference: str) -> list[str]:
    """Return the options by which an operator tells of an upload."""
    now = datetime.now(WIB).strftime("%Y-%m-%d %H:%M:%S")
    words = ["--receipt", reference, "--receipt-again", reference, "--at", now]
    return [*words, "--proof", str(a_proof(office))]


async def answer(office: Office, case: str, step: Step, actor: str, *words: str) -> Ran:
    """Answer a step once it lies on the desk."""
    await office.until_on_desk(case, step)
    ran = await office.cli("answer", case, step, *(words or ("--approve",)), "--as", actor)
    assert ran.code == 0, ran.said
    return ran


async def until_kemensos(office: Office, person: Someone) -> str:
    """Bring a person's case to where it waits for the ministry; its reference is the person's card number."""
    case = await office.submit(person)
    await answer(office, case, Step.DOCUMENT_CHECK, VERIFIER)
    await answer(office, case, Step.RECOMMENDATION, SIGNER)
    reference = portal(office, f"SIKS/{person.card_number}")
    await answer(office, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *reference)
    await office.until_on_desk(case, Step.KEMENSOS_VERIFICATION)
    return case


def finished(office: Office, case: str) -> list[int]:
    """Return the work on a case that people have finished."""
    items = office.book.items(case_number=case, with_closed=True)
    return [item.id for item in items if item.state is ItemState.DONE]


def is_over(state: CaseState) -> bool:
    """Tell whether a case has ended."""
    return state.outcome is not None


@pytest.mark.slow
async def test_a_system_pushes_its_verdict_at_the_door(desks: Office, tmp_path: Path) -> None:
    """The case goes on at once; the same event again changes nothing; a forged one is noted; no log tells."""
    person = applicant()
    case = await until_kemensos(desks, person)
    sources = tmp_path / "sources.toml"
    sources.touch(mode=0o600)
    sources.write_text(pushing.SOURCES)
    told = {"REAKTIVASI_EVENT_SOURCES": str(sources), "REAKTIVASI_LOG_FORMAT": "json"}
    door = await desks.begin(ROOT / "starter.py", "events", "serve", "--port", "0", **told)
    assert door.stderr is not None
    url = f"http://127.0.0.1:{json.loads(await door.stderr.readline())['port']}"

    event = pushing.an_event(case)
    replies = [await asyncio.to_thread(pushing.push, url, event) for _ in range(2)]
    forged = await asyncio.to_thread(pushing.push, url, event | {"id": person.nik}, secret="x" * 32)
    broken = await asyncio.to_thread(pushing.push, url, event | {"id": "x", "subject": person.name})
    late = await asyncio.to_thread(pushing.push, url, pushing.an_event(case))

    assert [(reply.status_code, reply.json()) for reply in replies] == [
        (200, {"result": "accepted", "is_repeated": False}),
        (200, {"result": "accepted", "is_repeated": True}),
    ]
    assert (forged.status_code, broken.status_code) == (401, 400)
    assert (late.status_code, late.json()["result"]) == (200, "late")
    await desks.until_on_desk(case, Step.BPJS_RECONNECT)
    await answer(desks, case, Step.BPJS_RECONNECT, OPERATOR)
    (recorded,) = [
        one
        for one in desks.registry.history(case)
        if one.facts.get("by") == pushing.KEMENSOS and one.kind is EventKind.ANSWER_RECORDED
    ]
    assert recorded.step is Step.KEMENSOS_VERIFICATION
    assert EventKind.ANSWER_LATE in {one.kind for one in desks.registry.history(case)}
    listed = await desks.cli("events", "list", "--as", SUPERVISOR, "--json")
    results = [one["result"] for one in json.loads(listed.out)["events"]]
    assert results == ["late", "malformed", "bad_signature", "accepted", "accepted"]
    door.terminate()
    out, err = await asyncio.wait_for(door.communicate(), 20)
    assert door.returncode == 0
    assert leaks.found(person.secrets, {"door": out + err, "replies": broken.content + forged.content}) == []


async def test_a_case_that_people_answer_from_end_to_end(desks: Office) -> None:
    """Each step by whose work it is; the ledger tells who did what, and the letter is there."""
    case = await until_kemensos(desks, applicant())
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR)
    await answer(desks, case, Step.BPJS_RECONNECT, OPERATOR)
    assert (await desks.until(case, is_over)).outcome is Outcome.REACTIVATED

    told = [e.facts["by"] for e in desks.registry.history(case) if e.kind is EventKind.ANSWER_RECORDED]
    assert told == [VERIFIER, SIGNER, OPERATOR, OPERATOR, OPERATOR]
    surat = desks.inbox / "surat-dinsos.pdf"
    ran = await desks.cli("letter", case, "--output", surat, "--as", INTAKE, "--json")
    assert ran.data()["is_valid"] is True
    assert surat.read_bytes().startswith(b"%PDF-")
    verified = await desks.cli("letter", "--verify", str(ran.data()["verification_code"]))
    assert (verified.code, "berlaku" in verified.out) == (0, True)


async def test_the_desk_is_worked_in_a_dialogue(desks: Office) -> None:
    """`desk work` takes two officers through their queues; a wrong reference is asked for again."""
    case = await desks.submit(applicant())
    await desks.until_on_desk(case, Step.DOCUMENT_CHECK)
    ran = await desks.cli("desk", "work", "--as", VERIFIER, typed="s\n")
    assert (ran.code, "1 pekerjaan selesai" in ran.out) == (0, True), ran.said
    await answer(desks, case, Step.RECOMMENDATION, SIGNER)
    await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)

    proof, now = a_proof(desks), datetime.now(WIB).strftime("%Y-%m-%d %H:%M:%S")
    wrong = f"s\nSIKS/dialog\nSIKS/dialok\n{now}\n{proof}\n"
    right = f"s\nSIKS/dialog\nSIKS/dialog\nkemarin\n{now}\n{proof}\n"
    ran = await desks.cli("desk", "work", "--as", OPERATOR, typed=wrong + right + "q\n")

    assert ran.code == 0, ran.said
    assert "differs from --receipt" in ran.out
    assert "1 pekerjaan selesai" in ran.out
    item = await desks.until_on_desk(case, Step.KEMENSOS_VERIFICATION)
    assert item.state is ItemState.OPEN, "what the officer left goes back to the queue"


@pytest.mark.slow
async def test_two_rounds_of_mending(desks: Office) -> None:
    """Of an unclear paper only the new scan is checked; a wrong NIK needs a second pair of eyes."""
    person = applicant()
    case = await until_kemensos(desks, person)
    blurred = ("--return", "DOK_TIDAK_JELAS", "--note", f"KTP {person.name} buram")
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR, *blurred)
    await desks.until(case, lambda state: state.trouble == "DOK_TIDAK_JELAS")
    scan = desks.inbox / "ktp.pdf"
    scan.write_bytes(PDF + person.nik.encode())
    assert (await desks.cli("documents", "add", case, f"ktp={scan}", "--as", INTAKE)).code == 0
    item = await desks.until_on_desk(case, Step.DOCUMENT_CHECK)
    sheet = (await desks.cli("desk", "show", str(item.id), "--json", "--as", VERIFIER)).data()
    assert [(p["kind"], p["is_accepted"]) for p in sheet["papers"]] == [  # type: ignore[attr-defined]
        ("Surat keterangan faskes", True),
        ("KTP", False),
    ]
    await answer(desks, case, Step.DOCUMENT_CHECK, VERIFIER)
    again = portal(desks, f"SIKS/{person.kk}")
    await answer(desks, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *again)

    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR, "--return", "NIK_BEDA")
    await desks.until(case, lambda state: state.trouble == "NIK_BEDA")
    corrected = applicant()
    typed = f"{corrected.nik}\n"
    assert (await desks.cli("correct", case, "nik", "--as", VERIFIER, typed=typed)).code == 0
    await desks.until_on_desk(case, Step.DOCUMENT_CHECK)
    refused = await desks.cli("answer", case, "document_check", "--approve", "--as", VERIFIER)
    assert (refused.code, "four eyes" in refused.err) == (4, True)
    await answer(desks, case, Step.DOCUMENT_CHECK, OTHER_VERIFIER)
    await answer(desks, case, Step.RECOMMENDATION, SIGNER)
    numbers = [(letter.number, letter.is_valid) for letter in desks.book.letters(case)]
    assert [is_valid for _, is_valid in numbers] == [False, True]
    third = portal(desks, f"SIKS/{person.nik}")
    await answer(desks, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *third)
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR)
    await answer(desks, case, Step.BPJS_RECONNECT, OPERATOR)
    assert (await desks.until(case, is_over)).outcome is Outcome.REACTIVATED


@pytest.mark.slow
async def test_an_answer_given_while_no_worker_is_up_is_delivered_later(desks: Office) -> None:
    """The officer is told that it is kept; the worker's sweep delivers it, dated when it was given."""
    case = await until_kemensos(desks, applicant())
    desks.stack.worker.stop()
    before = datetime.now(UTC)
    try:
        ran = await desks.cli("answer", case, "kemensos_verification", "--approve", "--as", OPERATOR)
        after = datetime.now(UTC)
        shown = await desks.cli("show", case)
    finally:
        desks.stack.worker.start()
    assert (ran.code, "kept in the ledger" in ran.out) == (0, True)
    assert "not delivered" in shown.out
    await desks.until_on_desk(case, Step.BPJS_RECONNECT)
    answers = [event for event in desks.registry.history(case) if event.kind is EventKind.ANSWER_RECORDED]
    recorded = answers[-1]
    assert recorded.step is Step.KEMENSOS_VERIFICATION
    assert before <= recorded.at <= after
    await desks.until(case, lambda _state: desks.book.undelivered(case) == [])  # noted once the case has it


@pytest.mark.slow
@pytest.mark.parametrize("reapply", ["All", "None"])
async def test_one_command_three_times_and_after_a_reset_is_one_effect(desks: Office, reapply: str) -> None:
    """A supervisor resets the workflow to its beginning: no answer is lost, none is asked for again."""
    case = await until_kemensos(desks, applicant())
    command = ("answer", case, "kemensos_verification", "--approve", "--as", OPERATOR)
    sent = [await desks.cli(*command, "--command-id", f"once-{case}", "--json") for _ in range(2)]
    assert [one.data()["result"] for one in sent[:1]] == ["accepted"]
    await desks.until_on_desk(case, Step.BPJS_RECONNECT)
    done = finished(desks, case)
    letters = desks.book.letters(case)

    reset = await asyncio.to_thread(
        subprocess.run,
        [temporal_binary(), "workflow", "reset", "--address", f"127.0.0.1:{desks.stack.port}",
         "-w", case, "--event-id", "4", "--reason", "test",
         *(("--reapply-exclude", "All") if reapply == "None" else ())],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert reset.returncode == 0, reset.stderr
    await desks.until(case, lambda _state: EventKind.CASE_RESET in desks.story(case))
    await desks.until(case, lambda state: state.step is Step.BPJS_RECONNECT)
    await desks.cli(*command, "--command-id", f"once-{case}")

    history = desks.registry.history(case)
    told = history[[event.kind for event in history].index(EventKind.CASE_RESET) :]
    answers = [(e.step, e.facts["by"]) for e in told if e.kind is EventKind.ANSWER_RECORDED]
    assert answers == [
        (Step.DOCUMENT_CHECK, VERIFIER),
        (Step.RECOMMENDATION, SIGNER),
        (Step.SIKS_NG_UPLOAD, OPERATOR),
        (Step.KEMENSOS_VERIFICATION, OPERATOR),
    ]
    assert finished(desks, case) == done
    assert [item.step for item in desks.book.items(case_number=case)] == [Step.BPJS_RECONNECT]
    assert desks.book.letters(case) == letters
    await answer(desks, case, Step.BPJS_RECONNECT, OPERATOR)
    assert (await desks.until(case, is_over)).outcome is Outcome.REACTIVATED


@pytest.mark.slow
async def test_a_case_that_was_withdrawn_by_mistake_is_begun_anew(desks: Office) -> None:
    """Its letter is void while it is over and valid again afterwards; its work lies on the desk again."""
    signed, fresh = await until_kemensos(desks, applicant()), await desks.submit(applicant())
    await desks.until_on_desk(fresh, Step.DOCUMENT_CHECK)
    (letter,) = desks.book.letters(signed)
    verify = ("letter", "--verify", letter.verification_code)
    for case in (signed, fresh):
        await desks.cli("withdraw", case, "--reason", "salah kasus", "--as", INTAKE)
        await desks.until(case, is_over)
        assert desks.book.items(case_number=case) == []
    assert "BATAL (kasus berakhir: dibatalkan)" in (await desks.cli(*verify)).out
    refused = await desks.cli("letter", signed, "--as", INTAKE)
    assert (refused.code, "ended as withdrawn" in refused.err) == (4, True)

    for case, step in ((signed, Step.KEMENSOS_VERIFICATION), (fresh, Step.DOCUMENT_CHECK)):
        reset = await asyncio.to_thread(
            subprocess.run,
            [temporal_binary(), "workflow", "reset", "--address", f"127.0.0.1:{desks.stack.port}", "-w", case,
             "--event-id", "4", "--reason", "test", "--reapply-exclude", "All"],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert reset.returncode == 0, reset.stderr
        await desks.until_on_desk(case, step)
    told = await desks.cli(*verify)
    assert (told.code, "berlaku" in told.out) == (0, True)
    assert desks.book.letters(signed) == [letter]


@pytest.mark.slow
async def test_wrong_orders_are_refused_with_the_reason(desks: Office) -> None:
    """Exit codes 2 and 4; the words name the open step, the hand that holds the work, the role it takes."""
    case = await desks.submit(applicant())
    item = await desks.until_on_desk(case, Step.DOCUMENT_CHECK)
    early = await desks.cli("answer", case, "kemensos_verification", "--approve", "--as", OPERATOR)
    assert (early.code, "the open step is document_check" in early.err) == (4, True)
    nobody = await desks.cli("desk", "claim", str(item.id), "--as", "siapa")
    assert (nobody.code, "nobody of this id" in nobody.err) == (4, True)
    claims = await asyncio.gather(
        *(desks.cli("desk", "claim", str(item.id), "--as", actor) for actor in (VERIFIER, OTHER_VERIFIER))
    )
    assert sorted(claim.code for claim in claims) == [0, 4]
    loser = (VERIFIER, OTHER_VERIFIER)[[claim.code for claim in claims].index(4)]
    wrong = await desks.cli("desk", "complete", str(item.id), "--approve", "--as", loser)
    assert (wrong.code, "in the hand of" in wrong.err) == (4, True)
    two = await desks.cli(
        "desk", "complete", str(item.id), "--approve", "--return", "NIK_BEDA", "--as", loser
    )
    assert (two.code, "must be one" in two.err) == (2, True)
    assert (await desks.cli("desk", "show", "99999", "--as", VERIFIER)).code == 3
    more = ("extend", case, "--by", "PT4H", "--reason", "SIKS-NG mati", "--as")
    before = desks.registry.case(case).due_at
    assert [(await desks.cli(*more, actor)).code for actor in (VERIFIER, SUPERVISOR)] == [4, 0]
    after = desks.registry.case(case).due_at
    assert before is not None
    assert after is not None
    assert after - before == timedelta(hours=4)
    refusals = (await desks.cli("desk", "refusals", "--as", SUPERVISOR)).out
    assert all(words in refusals for words in (loser, "extend", "nobody of this id"))


@pytest.mark.slow
async def test_a_portal_that_is_down_is_declared_by_who_works_it(desks: Office) -> None:
    """The work lies parked on its desk until the outage is ended; bad words are refused."""
    person = applicant()
    case = await desks.submit(person)
    await answer(desks, case, Step.DOCUMENT_CHECK, VERIFIER)
    await answer(desks, case, Step.RECOMMENDATION, SIGNER)
    item = await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)

    async def outage(*words: str) -> Ran:
        return await desks.cli("outage", *words)

    refused = await asyncio.gather(
        outage("declare", "siks_ng", "--as", "auditor"),
        outage("declare", "siks_ng", "--from", "2999-01-01 08:00", "--as", OPERATOR),
        outage("declare", "dukcapil", "--as", OPERATOR),
        outage("end", "siks_ng", "--as", OPERATOR),
    )
    assert [ran.code for ran in refused] == [4, 2, 2, 4]

    opened = await outage("declare", "siks_ng", "--note", f"kata {person.name}", "--as", OPERATOR)
    assert (opened.code, "case(s) wait for a worker to park them" in opened.out) == (0, True)
    assert (await outage("declare", "siks_ng", "--as", OPERATOR)).code == 4
    parked = await desks.until(case, lambda state: state.health is CaseHealth.PARKED)
    assert parked.waiting_on is WaitingOn.OFFICER
    assert '"parked": 0' not in (await outage("list", "--json")).out
    alerts = await desks.cli("alerts", "list", "--state", "open", "--json")
    key = next(one["key"] for one in json.loads(alerts.out)["alerts"] if one["kind"] == "outage.opened")
    taken = await desks.cli("alerts", "ack", key, "--as", "tangsel-supervisor")
    assert taken.code == (0 if ":3674:" in key else 4)

    assert (await outage("end", "siks_ng", "--at", "2026-01-01 08:00", "--as", OPERATOR)).code == 2
    assert (await outage("end", "siks_ng", "--as", OPERATOR)).code == 0
    released = await desks.until(case, lambda state: state.health is CaseHealth.OK)
    assert released.step is Step.SIKS_NG_UPLOAD
    assert [one.id for one in desks.book.items(case_number=case)] == [item.id]
    assert (await outage("list")).out.strip() == "no outage"


@pytest.mark.slow
async def test_nothing_personal_left_the_ledger(desks: Office) -> None:
    """Notes, references and proofs that name a person: of nobody who came, in Temporal or a log."""
    person = applicant()
    case = await until_kemensos(desks, person)
    words = f"{person.name} {person.nik} {person.phone} di {person.facility}"
    rejected = ("--reject", "DINILAI_MAMPU", "--note", words)
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR, *rejected)
    await desks.until(case, is_over)
    over = await desks.cli("answer", case, "bpjs_reconnect", "--approve", "--note", words, "--as", OPERATOR)
    assert over.code == 4
    typo = await desks.cli("desk", "list", "--as", person.nik)
    assert typo.code == 4

    histories = await leaks.histories(desks.client, [case])
    assert leaks.found(person.secrets, histories) == []
    everybody = {
        f"{what} of {place}": value for place, one in enumerate(PEOPLE) for what, value in one.secrets.items()
    }
    files = leaks.files(desks.stack.folder, but=PERSONAL)
    assert {"temporal.db", "logs/worker.log"} <= files.keys()
    assert leaks.found(everybody, files) == []
    printed = {str(number): said.encode() for number, said in enumerate(desks.printed)}
    assert leaks.found(person.secrets, printed) == []
    assert words in json.dumps(desks.book.notes(case), ensure_ascii=False)

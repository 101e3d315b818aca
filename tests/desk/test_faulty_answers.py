"""What is not in order is refused with every fault and its field, and nothing at all is written."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from desk.decisions import PortalEntry, Said, Verb
from desk.orders import Hand
from models.answers import Approved, HandedOver, Moot, Rejected, Returned
from models.case import Outcome, Step, WaitingOn
from models.desk import DeskItem
from models.desk_tables import commands, letters, notes, submissions
from models.errors import BadInput, NotAllowed
from models.messages import GiveAnswer
from models.tables import documents
from tests.desk.bench import APPROVE, MORNING, OPERATOR, SIGNER, SUPERVISOR, VERIFIER, Bench

S = Step
_BEARER = {
    S.DOCUMENT_CHECK: VERIFIER,
    S.RECOMMENDATION: SIGNER,
    S.SIKS_NG_UPLOAD: OPERATOR,
    S.KEMENSOS_VERIFICATION: OPERATOR,
    S.BPJS_RECONNECT: OPERATOR,
}


def _refused(bench: Bench, item: DeskItem, said: Said, by: str | None = None) -> dict[str, str]:
    """Return field and rule of each fault, after a look at everything that a good answer would write."""
    tables = (commands, notes, submissions, letters, documents)
    before = [bench.rows(table, item.case) for table in tables]
    kept = sorted(path for path in bench.folder.rglob("*") if path.is_file())
    with pytest.raises(BadInput) as refusal:
        bench.work.complete(Hand(by or _BEARER[item.step]), item.id, said)
    assert [bench.rows(table, item.case) for table in tables] == before
    assert bench.book.item(item.id) == item
    assert sorted(path for path in bench.folder.rglob("*") if path.is_file()) == kept
    return {finding.field: finding.rule for finding in refusal.value.findings}


@pytest.mark.parametrize(
    ("step", "verb", "code"),
    [
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, None, id="no reason"),
        pytest.param(S.DOCUMENT_CHECK, Verb.REJECT, None, id="no reason for a no"),
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, "", id="an empty one"),
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, "SALAH_KETIK", id="an unknown one"),
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, "nik_beda", id="another spelling"),
        pytest.param(S.DOCUMENT_CHECK, Verb.REJECT, "TIDAK_DITEMUKAN", id="not the Dinsos's to give"),
        pytest.param(S.RECOMMENDATION, Verb.RETURN, "NIK_DIPAKAI_ORANG_LAIN", id="Kemensos's reason"),
        pytest.param(S.KEMENSOS_VERIFICATION, Verb.REJECT, "BUKAN_WARGA", id="the Dinsos's reason"),
        pytest.param(S.BPJS_RECONNECT, Verb.REJECT, "DINILAI_MAMPU", id="not BPJS's to give"),
        pytest.param(S.KEMENSOS_VERIFICATION, Verb.RETURN, "DINILAI_MAMPU", id="final, to return with"),
        pytest.param(S.KEMENSOS_VERIFICATION, Verb.REJECT, "NIK_BEDA", id="fixable, to reject with"),
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, "KEBUTUHAN_TIDAK_SESUAI", id="past the check"),
        pytest.param(S.DOCUMENT_CHECK, Verb.RETURN, "SURAT_DINSOS_SALAH", id="past the check too"),
    ],
)
def test_a_reason_that_does_not_fit(bench: Bench, step: Step, verb: Verb, code: str | None) -> None:
    """The known ones are named, and not what was typed."""
    item = bench.claimed(_BEARER[step], step)
    assert _refused(bench, item, Said(verb, code)) == {"reason": f"is not a code to {verb} with"}


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.HAND_OVER])
def test_a_yes_has_no_reason(bench: Bench, verb: Verb) -> None:
    """A code beside a yes is a slip."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    said = replace(bench.uploaded("R-1"), verb=verb, code="NIK_BEDA")
    assert _refused(bench, item, said)["reason"] == "belongs to return and reject"


@pytest.mark.parametrize("step", [step for step in Step if step is not S.SIKS_NG_UPLOAD])
def test_letters_are_handed_over_at_the_upload_only(bench: Bench, step: Step) -> None:
    """Before it there may be no letter, after it the case is at Kemensos."""
    item = bench.claimed(_BEARER[step], step)
    told = _refused(bench, item, Said(Verb.HAND_OVER))
    assert told == {"decision": "letters are handed over at siks_ng_upload"}


@pytest.mark.parametrize("verb", [Verb.RETURN, Verb.REJECT, Verb.HAND_OVER])
def test_work_to_mend_is_not_answered(bench: Bench, verb: Verb) -> None:
    """It is mended and approved, or left."""
    item = bench.mending()
    told = _refused(bench, item, Said(verb, "LAIN"), SUPERVISOR)
    assert told == {"decision": "this work is to mend, not to answer"}


@pytest.mark.parametrize(
    ("minutes", "rule"),
    [
        (61, "lies in the future"),
        (29, "lies before the step was opened"),
        (-1, "lies before the step was opened"),
        (-60 * 24 * 400, "lies before the step was opened"),
    ],
)
@pytest.mark.parametrize("step", [S.DOCUMENT_CHECK, S.SIKS_NG_UPLOAD])
def test_a_time_that_cannot_be(bench: Bench, step: Step, minutes: int, rule: str) -> None:
    """The step was opened half an hour after the case came in; as the answer's time and as the upload's."""
    at = MORNING + timedelta(minutes=minutes)
    item = bench.claimed(_BEARER[step], step, opened_at=MORNING + timedelta(minutes=30, seconds=20))
    said = APPROVE if step is S.DOCUMENT_CHECK else bench.uploaded("R-1")
    assert _refused(bench, item, replace(said, occurred_at=at)) == {"--at": rule}
    if said.portal is not None:
        late = replace(said.portal, submitted_at=at)
        assert _refused(bench, item, replace(said, portal=late)) == {"--at": rule}
        both = replace(said, portal=late, occurred_at=bench.clock())
        assert _refused(bench, item, both) == {"--at": rule}


def test_the_edges_of_a_step_are_in_it(bench: Bench) -> None:
    """The minute in which it was opened, which counts as that moment, and now."""
    opened_at = MORNING + timedelta(minutes=30, seconds=20)
    for at in (opened_at - timedelta(seconds=20), bench.clock()):
        item = bench.claimed(VERIFIER, opened_at=opened_at)
        command = bench.work.complete(Hand(VERIFIER), item.id, Said(Verb.APPROVE, occurred_at=at))
        assert isinstance(command.message, GiveAnswer)
        assert command.message.occurred_at == max(at, opened_at)


def test_the_refusal_of_a_time_tells_from_when_on_it_is_one(bench: Bench) -> None:
    """Of the attempt that is answered: an earlier one was opened earlier. The bound is shown in WIB."""
    case = bench.case(S.RECOMMENDATION)
    bench.move(case, S.RECOMMENDATION, at=MORNING + timedelta(minutes=50), attempt=2)
    said = Said(Verb.APPROVE, occurred_at=MORNING + timedelta(minutes=40))
    with pytest.raises(BadInput, match=r"--at: lies before .*give a time from 2 Mar 2026 08.50 WIB on"):
        bench.work.answer(Hand(SIGNER), case.case_number, S.RECOMMENDATION, said)


def test_a_note_has_an_end(bench: Bench) -> None:
    """2,000 characters are kept, one more is not; the words are in the ledger and not in the message."""
    item = bench.claimed(VERIFIER)
    assert _refused(bench, item, Said(Verb.APPROVE, note="x" * 2001)) == {
        "--note": "is longer than 2000 characters"
    }
    command = bench.work.complete(Hand(VERIFIER), item.id, Said(Verb.APPROVE, note=" " + "x" * 1999))
    assert bench.book.notes(item.case.case_number) == {command.command_id: "x" * 1999}
    assert "xxx" not in command.message.model_dump_json()


_PLACES = {
    "reference": ("--receipt", "is empty, too long or not printable"),
    "again": ("--receipt-again", "differs from --receipt"),
    "submitted_at": ("--at", "is missing"),
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", ""),
        ("reference", "   "),
        ("reference", "R" * 101),
        ("reference", "R-1\n<b>"),
        ("again", ""),
        ("again", "R-2"),
        ("again", "r-1"),
        ("submitted_at", None),
    ],
)
def test_a_portal_entry_that_is_not_in_order(bench: Bench, field: str, value: str | None) -> None:
    """Reference, the same again, and the time that the portal shows."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    said = bench.uploaded("R-1")
    assert said.portal is not None
    portal = replace(said.portal, **{field: value})  # type: ignore[arg-type]  # one field at a time
    place, rule = _PLACES[field]
    assert _refused(bench, item, replace(said, portal=portal)) == {place: rule}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "file is empty"),
        (b"bukti.txt", "content is not PDF, JPEG or PNG"),
        (b"GIF89a...", "content is not PDF, JPEG or PNG"),
        (b"%PDF-" + b"x" * (10 * 1024 * 1024), "file is over 10 MB"),
    ],
)
def test_a_proof_is_a_picture_or_a_print_out(bench: Bench, content: bytes, rule: str) -> None:
    """Judged by what it holds, not by its name."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    said = bench.uploaded("R-1", proof=bench.proof(content))
    assert _refused(bench, item, said) == {"--proof": rule}


def test_a_proof_must_be_there(bench: Bench) -> None:
    """None given, a file that is not there, a folder."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    places: list[tuple[Path | None, str]] = [
        (None, "is missing"),
        (bench.folder / "tidak-ada.png", "file not found"),
        (bench.folder, "file not found"),
    ]
    for proof, rule in places:
        assert _refused(bench, item, bench.uploaded("R-1", proof=proof)) == {"--proof": rule}


def test_an_upload_needs_a_receipt_and_nothing_else_has_one(bench: Bench) -> None:
    """A supervisor who stands in is asked for it as well."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    missing = {"--receipt": "is missing: an upload needs the portal's reference"}
    assert _refused(bench, item, APPROVE) == missing
    assert _refused(bench, item, APPROVE, SUPERVISOR) == missing
    needless = {"--receipt": "belongs to an approved upload only"}
    said = bench.uploaded("R-1")
    returned = replace(said, verb=Verb.RETURN, code="NIK_BEDA")
    assert _refused(bench, item, returned) == needless
    assert _refused(bench, item, replace(said, verb=Verb.HAND_OVER)) == needless
    check = bench.claimed(VERIFIER)
    assert _refused(bench, check, said) == needless


def test_every_fault_is_told_at_once(bench: Bench) -> None:
    """One look at the screen mends them all; and no value is quoted."""
    item = bench.claimed(OPERATOR, S.SIKS_NG_UPLOAD)
    entry = PortalEntry("RAHASIA-1", "RAHASIA-2", None, None)
    said = Said(Verb.APPROVE, "NIK_BEDA", "n" * 2001, MORNING - timedelta(days=1), entry)
    told = _refused(bench, item, said)
    assert set(told) == {"reason", "--at", "--note", "--receipt-again", "--proof"}
    assert "RAHASIA" not in repr(told)
    with pytest.raises(BadInput) as refusal:
        bench.work.complete(Hand(OPERATOR), item.id, said)
    assert "RAHASIA" not in str(refusal.value) + repr(entry) + repr(said)


@pytest.mark.parametrize(
    ("step", "said", "answer"),
    [
        (S.DOCUMENT_CHECK, APPROVE, Approved()),
        (
            S.DOCUMENT_CHECK,
            Said(Verb.RETURN, "DOK_TIDAK_JELAS"),
            Returned(reason="DOK_TIDAK_JELAS", back_to=S.DOCUMENT_CHECK, waits_for=WaitingOn.APPLICANT),
        ),
        (
            S.RECOMMENDATION,
            Said(Verb.RETURN, "KEBUTUHAN_TIDAK_SESUAI"),
            Returned(reason="KEBUTUHAN_TIDAK_SESUAI", back_to=S.RECOMMENDATION),
        ),
        (
            S.KEMENSOS_VERIFICATION,
            Said(Verb.RETURN, "SURAT_DINSOS_SALAH"),
            Returned(reason="SURAT_DINSOS_SALAH", back_to=S.RECOMMENDATION),
        ),
        (S.KEMENSOS_VERIFICATION, Said(Verb.REJECT, "DINILAI_MAMPU"), Rejected(reason="DINILAI_MAMPU")),
        (
            S.DOCUMENT_CHECK,
            Said(Verb.REJECT, "BUKAN_WARGA"),
            Moot(outcome=Outcome.REFERRED, reason="BUKAN_WARGA"),
        ),
        (
            S.BPJS_RECONNECT,
            Said(Verb.REJECT, "MENINGGAL"),
            Moot(outcome=Outcome.DECEASED, reason="MENINGGAL"),
        ),
        (S.SIKS_NG_UPLOAD, Said(Verb.HAND_OVER), HandedOver()),
    ],
)
def test_what_is_in_order_becomes_the_answer(bench: Bench, step: Step, said: Said, answer: object) -> None:
    """Code, where it goes back to, who mends it, and how it ends: all from the catalogue."""
    item = bench.claimed(_BEARER[step], step)
    message = bench.work.complete(Hand(_BEARER[step]), item.id, said).message
    assert isinstance(message, GiveAnswer)
    assert message.answer == answer
    assert message.occurred_at == bench.clock()


@pytest.mark.parametrize("words", ["", "  \n"])
def test_a_reason_in_words_is_not_empty(bench: Bench, words: str) -> None:
    """To withdraw, to void work or a receipt, to issue a letter anew."""
    case = bench.case(S.RECOMMENDATION)
    number = case.case_number
    bench.sign(case)
    bench.move(case, S.KEMENSOS_VERIFICATION)
    item = bench.open(case)
    for act in (
        lambda: bench.work.withdraw(Hand(SUPERVISOR), number, words),
        lambda: bench.work.void(Hand(SUPERVISOR), item.id, words),
        lambda: bench.work.void_receipt(Hand(SUPERVISOR), number, words),
        lambda: bench.work.reissue_letter(Hand(SIGNER), number, words),
    ):
        with pytest.raises(BadInput, match="--reason: is empty"):
            act()
    assert len(bench.rows(commands, case)) == 1
    assert len(bench.book.letters(number)) == 1
    assert bench.book.item(item.id).is_open


@pytest.mark.parametrize(
    ("step", "by", "said"),
    [
        (S.KEMENSOS_VERIFICATION, OPERATOR, Said(Verb.REJECT, "NIK_BEDA")),
        (S.KEMENSOS_VERIFICATION, OPERATOR, Said(Verb.APPROVE, occurred_at=MORNING + timedelta(days=1))),
        (S.KEMENSOS_VERIFICATION, VERIFIER, APPROVE),
    ],
    ids=["reason", "time", "role"],
)
def test_an_answer_that_is_refused_puts_nothing_on_the_desk(
    bench: Bench, step: Step, by: str, said: Said
) -> None:
    """A step that only a machine was asked for stays that machine's."""
    case = bench.case(step)
    with pytest.raises((BadInput, NotAllowed)):
        bench.work.answer(Hand(by), case.case_number, step, said)
    assert bench.items(case, with_closed=True) == []

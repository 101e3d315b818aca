"""A ledger is put back in an office where people answer every step: nothing is handed in twice by hand."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateways.ledger_schema import close_engines
from models.case import Outcome, Step
from models.dossier import Upload
from tests.e2e.office import Office
from tests.e2e.people import someone
from tests.e2e.test_by_hand import OPERATOR, SIGNER, SUPERVISOR, VERIFIER, answer, is_over, portal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of its own, in which people answer every step."""
    office = Office(tmp_path, by_hand=True, watches_every="PT1S")
    await office.open()
    try:
        yield office
    finally:
        office.close()


async def test_an_upload_that_the_ledger_forgot_is_looked_up_and_not_done_again(
    desks: Office, tmp_path: Path
) -> None:
    """What was answered before the copy counts; who uploads again is told to look into the portal first."""
    person = someone()
    case = await desks.submit(person)
    await answer(desks, case, Step.DOCUMENT_CHECK, VERIFIER)
    await answer(desks, case, Step.RECOMMENDATION, SIGNER)
    await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)
    (letter,) = desks.book.letters(case)
    _rest(desks)
    shutil.copy2(desks.stack.folder / "ledger.db", tmp_path / "ledger.copy")
    await desks.open()
    receipt = portal(desks, f"SIKS/{person.card_number}")
    await answer(desks, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *receipt)
    await desks.until_on_desk(case, Step.KEMENSOS_VERIFICATION)
    promised = desks.registry.case(case).due_at
    given = await desks.cli("extend", case, "--by", "PT3H", "--reason", "portal mati", "--as", SUPERVISOR)
    assert given.code == 0, given.said
    later = (await desks.until(case, lambda state: state.due_at != promised)).due_at

    _rest(desks)
    for left in desks.stack.folder.glob("ledger.db*"):
        left.unlink()
    shutil.copy2(tmp_path / "ledger.copy", desks.stack.folder / "ledger.db")
    await desks.open()
    as_supervisor = ("--as", SUPERVISOR)
    restored = await desks.cli("restored", "--yes", *as_supervisor)
    assert restored.code == 0, restored.said
    recovered = await desks.cli("recover", "--lost", "--yes", *as_supervisor, "--json")
    (row,) = json.loads(recovered.out)["cases"]
    assert (row["case_number"], row["remedy"]) == (case, "restart")
    assert row["lost"] == ["people's answers", "the receipt of its upload"]
    assert "with 1 extension(s)" in row["result"]
    assert desks.registry.case(case).due_at == later, "what it was given since the copy it keeps"

    item = await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)
    assert desks.book.letters(case) == [letter], "signed before the copy: nobody signs again"
    sheet = await desks.cli("desk", "show", str(item.id), "--as", OPERATOR)
    assert "MUNGKIN SUDAH TERKIRIM: cari dulu orang ini di portal" in sheet.out
    await answer(desks, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *receipt)
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR)
    await answer(desks, case, Step.BPJS_RECONNECT, OPERATOR)
    state = await desks.until(case, is_over)
    assert state.outcome is Outcome.REACTIVATED
    assert desks.ledger.submission_reference(case) == f"SIKS/{person.card_number}"
    again = await desks.cli("recover", "--lost", *as_supervisor, "--json")
    assert json.loads(again.out)["cases"] == []


async def test_what_a_run_before_handed_in_is_remembered_by_temporal_alone(
    desks: Office, tmp_path: Path
) -> None:
    """Returned and handed in again since the copy, which is put back twice: the newest attempt counts."""
    person, as_supervisor = someone(), ("--as", SUPERVISOR)
    case = await desks.submit(person)
    await answer(desks, case, Step.DOCUMENT_CHECK, VERIFIER)
    await answer(desks, case, Step.RECOMMENDATION, SIGNER)
    await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)
    _rest(desks)
    shutil.copy2(desks.stack.folder / "ledger.db", tmp_path / "ledger.copy")
    await desks.open()
    receipt = portal(desks, f"SIKS/{person.card_number}")
    await answer(desks, case, Step.SIKS_NG_UPLOAD, OPERATOR, "--approve", *receipt)
    await answer(desks, case, Step.KEMENSOS_VERIFICATION, OPERATOR, "--return", "NIK_BEDA")
    await desks.until(case, lambda state: state.trouble == "NIK_BEDA")
    assert (await desks.cli("retry", case, *as_supervisor)).code == 0
    await desks.until(case, lambda state: (state.step, state.attempt) == (Step.SIKS_NG_UPLOAD, 2))
    await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)
    for _ in range(2):
        _rest(desks)
        for left in desks.stack.folder.glob("ledger.db*"):
            left.unlink()
        shutil.copy2(tmp_path / "ledger.copy", desks.stack.folder / "ledger.db")
        await desks.open()
        desks.watch()
        restored = await desks.cli("restored", "--yes", *as_supervisor)
        assert restored.code == 0, restored.said
        await desks.until_served()
        recovered = await desks.cli("recover", "--lost", "--yes", *as_supervisor, "--json")
        (row,) = json.loads(recovered.out)["cases"]
        assert row["remedy"] == "restart", row
        assert desks.ledger.upload(case, 1) == Upload(2, is_begun=True)
        await desks.until_on_desk(case, Step.SIKS_NG_UPLOAD)
        again = await desks.cli("recover", "--lost", *as_supervisor, "--json")
        assert json.loads(again.out)["cases"] == []


def _rest(office: Office) -> None:
    """Stop the office, in order; who copies a file that he has open would take SQLite's locks away."""
    office.stop()
    close_engines()

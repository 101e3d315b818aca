"""Lists: every good row becomes one case, once, whatever happens in between; faulty rows are told."""

import asyncio
import tracemalloc
from datetime import date, timedelta
from pathlib import Path

import pytest

from models.dossier import Need
from models.errors import BadInput, EngineUnreachable, Finding
from models.policy import DocumentKind, NeedKind
from tests.builders import PDF
from tests.intake.lists import NOW, Desk, a_row, rows, write
from tests.ledger.builders import a_closing
from workflows import options


class Killed(BaseException):
    """The end of a process."""


async def findings(desk: Desk, path: Path) -> list[Finding]:
    """Return why a list is refused."""
    with pytest.raises(BadInput) as refusal:
        await desk.take(path)
    return refusal.value.findings


def end_all(desk: Desk) -> None:
    """Close every case."""
    for state in desk.registry.cases(limit=10_000):
        if state.outcome is None:
            desk.ledger.record(a_closing(state.case))


async def test_every_good_row_becomes_a_started_case(desk: Desk, tmp_path: Path) -> None:
    """Numbers follow the rows; what is written in a row is in the ledger, and who brought it."""
    told = rows(450)
    taken = await desk.take(write(tmp_path, told))
    assert (taken.new, taken.started, taken.rejected) == (450, 450, 0)
    assert desk.niks() == [row["nik"] for row in told]
    assert sorted(desk.temporal.started) == [f"PBI-3674-2026-{number:06d}" for number in range(1, 451)]
    assert desk.registry.unstarted(NOW + timedelta(days=1)) == []

    found = desk.ledger.dossier("PBI-3674-2026-000003")
    row = told[2]
    assert (found.person.kk, found.person.card_number) == (row["kk"], row["card_number"])
    assert (found.person.name, found.person.phone) == (row["name"], row["phone"])
    assert (found.person.birth_date, found.deactivated_on) == (date(1985, 3, 12), date(2026, 2, 1))
    assert found.need == Need(NeedKind.ROUTINE, "RS Contoh", row["letter_number"], date(2026, 2, 10))
    assert (found.case.kecamatan, found.case.from_list, found.case.received_at) == ("Pamulang", True, NOW)
    [paper] = found.papers
    assert (paper.kind, desk.store.get(paper.sha256)) == (DocumentKind.FACILITY_LETTER, PDF)
    [registered] = desk.registry.history("PBI-3674-2026-000003")
    assert registered.facts == {"track": "medical", "by": "tangsel-loket-1"}


async def test_faulty_rows_are_told_and_the_others_taken(desk: Desk, tmp_path: Path) -> None:
    """Row, column, code and rule, every fault of a row, and nothing of what the rows hold."""
    told = rows(20)
    told[3] |= {"nik": "367406520385", "sex": "X"}
    told[7] |= {"name": "Siti Rahasia", "documents": "ktp=hilang.pdf"}
    taken = await desk.take(write(tmp_path, told))
    assert (taken.new, taken.rejected) == (18, 2)
    assert desk.rejected() == [
        ("5", "sex", "not_a_sex"),
        ("5", "nik", "not_16_digits"),
        ("9", "documents", "paper_missing"),
    ]
    content = desk.rejects.read_text()
    assert "9;documents;paper_missing;file not found;give a path that exists" in content
    assert not any(
        word in content for word in ("Rahasia", "367406520385", "hilang", *told[3].values()) if len(word) > 3
    )


async def test_the_same_list_again_brings_nothing_new(desk: Desk, tmp_path: Path) -> None:
    """Not while the cases are open, not after they are over, and not when the scans are gone."""
    path = write(tmp_path, rows(30))
    await desk.take(path)
    (tmp_path / "surat.pdf").unlink()
    for _ in range(2):
        again = await desk.take(path)
        assert (again.new, again.known, again.taken_before, again.started) == (0, 0, 30, 0)
        end_all(desk)
    assert len(desk.temporal.started) == len(set(desk.temporal.started)) == desk.cases() == 30


async def test_a_rehearsal_of_a_list_that_was_taken_promises_only_what_is_new(
    desk: Desk, tmp_path: Path
) -> None:
    """Rows that were taken before count as taken, also when they could not be read any more."""
    told = rows(30)
    await desk.take(write(tmp_path, told))
    taken = await desk.check(tmp_path / "daftar.csv")
    assert (taken.taken_before, taken.untaken) == (30, 0)
    (tmp_path / "surat.pdf").unlink()
    gone = await desk.check(tmp_path / "daftar.csv")
    assert (gone.taken_before, gone.untaken) == (30, 0)
    fresh = await desk.check(write(tmp_path, [*told, *rows(2)]))
    assert (fresh.taken_before, fresh.untaken) == (0, 32)


async def test_a_mended_list_brings_only_what_was_mended(desk: Desk, tmp_path: Path) -> None:
    """Also when the others' cases are over: the same letter does not open a second case."""
    told = rows(30)
    good, told[4]["birth_date"] = told[4]["birth_date"], "31-02-1985"
    await desk.take(write(tmp_path, told))
    end_all(desk)
    told[4]["birth_date"] = good
    again = await desk.take(write(tmp_path, told))
    assert (again.new, again.known, again.rejected) == (1, 29, 0)
    assert desk.niks()[-1] == told[4]["nik"]


async def test_a_person_of_a_later_list_gets_a_new_case(desk: Desk, tmp_path: Path) -> None:
    """Another deactivation, or another letter, is another application."""
    told = rows(2)
    await desk.take(write(tmp_path, told))
    end_all(desk)
    told[0]["deactivated_on"] = "05-02-2026"
    told[1]["letter_number"] = "446/2"
    again = await desk.take(write(tmp_path, told))
    assert (again.new, again.known) == (2, 0)


async def test_a_person_with_an_open_case_keeps_it(desk: Desk, tmp_path: Path) -> None:
    """The row is taken and belongs to that case; nothing of it is taken over."""
    told = rows(3)
    await desk.take(write(tmp_path, told[:1]))
    told[0] |= {"name": "Lain Sekali", "letter_number": "9"}
    again = await desk.take(write(tmp_path, told))
    assert (again.new, again.known, again.started) == (2, 1, 2)
    assert desk.ledger.dossier("PBI-3674-2026-000001").person.name != "Lain Sekali"


@pytest.mark.parametrize("moment", [1, 201, 550])
async def test_a_list_goes_on_where_it_was_killed(desk: Desk, tmp_path: Path, moment: int) -> None:
    """Killed three times at that start of a case: in the end each row is one case, each started."""
    path = write(tmp_path, rows(600))
    before = 0

    def kill() -> None:
        if len(desk.temporal.started) == before + moment:
            raise Killed

    desk.temporal.before = kill
    for _ in range(3):
        with pytest.raises(Killed):
            await desk.take(path)
        before = len(desk.temporal.started)
        moment = min(moment, (600 - before) // 2)
    desk.temporal.before = lambda: None
    last = await desk.take(path)
    assert last.rows == 600
    assert desk.cases() == 600
    assert len(set(desk.temporal.started)) == 600
    assert desk.registry.unstarted(NOW + timedelta(days=1)) == []


async def test_what_waits_to_be_started_is_never_more_than_a_sweep_may_overlook(
    desk: Desk, tmp_path: Path
) -> None:
    """While cases are started slowly, registering waits for them."""
    most = 0

    def look() -> None:
        nonlocal most
        most = max(most, desk.cases() - len(desk.temporal.started))

    desk.temporal.before = look
    await desk.take(write(tmp_path, rows(1500)))
    assert 200 <= most <= 600


async def test_while_temporal_is_away_the_list_waits(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says how far it is, and goes on when it is given again; no case is started twice."""
    monkeypatch.setattr(options, "START_AGAIN_AFTER", (timedelta(0),))
    path = write(tmp_path, rows(900))
    desk.temporal.takes = 250
    with pytest.raises(EngineUnreachable, match=r"of 900 rows are taken.*give the same command again"):
        await desk.take(path)
    assert 250 < desk.cases() < 900
    desk.temporal.takes = 10**9
    again = await desk.take(path)
    assert again.rows == desk.cases() == 900
    assert len(desk.temporal.started) == len(set(desk.temporal.started)) == 900


async def test_a_start_that_fails_once_is_tried_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy server does not end an import."""
    monkeypatch.setattr(options, "START_AGAIN_AFTER", (timedelta(0), timedelta(0)))
    failures = iter([True, False, True, True, False])

    def busy() -> None:
        if next(failures, False):
            raise EngineUnreachable("Temporal does not answer")

    desk.temporal.before = busy
    taken = await desk.take(write(tmp_path, rows(5)))
    assert (taken.new, taken.started) == (5, 5)


async def test_an_interrupted_import_notes_what_it_started(desk: Desk, tmp_path: Path) -> None:
    """Ctrl-C cancels it; what Temporal has taken is marked, what is registered is started by the sweep."""
    path = write(tmp_path, rows(600))
    running = asyncio.create_task(desk.take(path))
    desk.temporal.before = lambda: len(desk.temporal.started) == 100 and running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    unstarted = {case.case_number for case in desk.registry.unstarted(NOW + timedelta(days=1))}
    assert unstarted.isdisjoint(desk.temporal.started)
    assert len(unstarted) + len(desk.temporal.started) == desk.cases()
    assert (await desk.take(path)).rows == desk.cases() == 600


async def test_a_list_taken_at_two_desks_at_once_makes_each_case_once(desk: Desk, tmp_path: Path) -> None:
    """Two operators who give the same command."""
    path = write(tmp_path, rows(500))
    both = await asyncio.gather(desk.take(path), desk.take(path))
    assert sum(taken.new for taken in both) == desk.cases() == 500
    assert len(set(desk.temporal.started)) == 500


@pytest.mark.parametrize(("faulty", "is_taken"), [(4, True), (5, False)])
async def test_a_list_with_more_than_a_fifth_of_faults_is_refused(
    desk: Desk, tmp_path: Path, faulty: int, *, is_taken: bool
) -> None:
    """Nothing is started, the refusal names the faults by column, and the reject file is there."""
    told = rows(20)
    for row in told[:faulty]:
        row["sex"] = "X"
    path = write(tmp_path, told)
    if is_taken:
        assert (await desk.take(path)).new == 16
        return
    share, fault = await findings(desk, path)
    assert share.rule == "5 of 20 rows are faulty, more than 20%"
    assert str(fault) == "sex: is neither L nor P: 5 row(s), the first is 2 (write L or P)"
    assert len(desk.rejected()) == 5
    assert desk.cases() == 0


@pytest.mark.parametrize("column", ["nik", "kk"])
async def test_a_list_whose_numbers_were_rounded_is_refused(desk: Desk, tmp_path: Path, column: str) -> None:
    """Excel keeps 15 digits: sixteen-digit numbers that all end in 0 would be other people."""
    told = [a_row(**{column: f"36740641038{number:04d}0"}) for number in range(101, 121)]
    [fault] = await findings(desk, write(tmp_path, told))
    assert (fault.field, fault.rule[:19]) == (column, "ends in 0 in every ")
    told[5][column] = "3674064103801061"
    assert (await desk.take(write(tmp_path, told))).new == 20


async def test_a_person_who_is_in_the_list_twice_is_taken_once(desk: Desk, tmp_path: Path) -> None:
    """The first good row counts; a faulty row before it does not stand in its way."""
    told = rows(20)
    told[2] |= {"nik": told[9]["nik"], "sex": "X"}
    told[15]["nik"] = told[9]["nik"]
    taken = await desk.take(write(tmp_path, told))
    assert (taken.new, taken.rejected) == (18, 2)
    assert desk.rejected() == [("4", "sex", "not_a_sex"), ("17", "nik", "duplicate_in_file")]
    assert "compare it with row 11" in desk.rejects.read_text()


async def test_a_row_whose_paper_goes_away_meanwhile_is_rejected(desk: Desk, tmp_path: Path) -> None:
    """What is kept is what was checked."""
    told = rows(6)
    told[1]["documents"] = "facility_letter=lain.pdf"
    (tmp_path / "lain.pdf").write_bytes(PDF)
    path = write(tmp_path, told)
    desk.between = (tmp_path / "lain.pdf").unlink
    taken = await desk.take(path)
    assert (taken.new, taken.rejected) == (5, 1)
    assert desk.rejected() == [("3", "documents", "paper_missing")]


async def test_the_list_may_be_edited_while_it_is_taken(desk: Desk, tmp_path: Path) -> None:
    """What was checked is what is taken."""
    told = rows(40)
    path = write(tmp_path, told)
    desk.between = lambda: path.write_text("gone")
    assert (await desk.take(path)).new == 40
    assert desk.niks() == [row["nik"] for row in told]


async def test_warnings_are_counted_and_do_not_block(desk: Desk, tmp_path: Path) -> None:
    """A NIK that does not agree with birth date or sex is for an officer to look at."""
    told = rows(5)
    told[0]["sex"] = told[1]["sex"] = "L"
    checked = await desk.check(write(tmp_path, told))
    assert (checked.good, checked.warnings) == (5, {"applicant.sex: differs from the NIK": 2})
    assert desk.cases() == 0


async def test_the_reject_file_never_takes_the_place_of_the_list(desk: Desk, tmp_path: Path) -> None:
    """Nor is it half-written, nor does a folder without it end in a traceback."""
    path = write(tmp_path, rows(2))
    desk.rejects.hardlink_to(path)
    [fault] = await findings(desk, path)
    assert str(fault) == "--rejects: is the list itself (name another file)"
    desk.rejects.unlink()
    desk.folder = tmp_path / "absent"
    [fault] = await findings(desk, path)
    assert (fault.field, fault.rule) == ("--rejects", "cannot be written")


async def test_memory_does_not_grow_with_the_list(desk: Desk, tmp_path: Path) -> None:
    """Four times the rows take no more at once."""
    peaks = []
    for many in (400, 1600):
        path = write(tmp_path, rows(many))
        tracemalloc.start()
        await desk.check(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]

"""Erasing people: for good, in every copy of the ledger, and nobody else's data."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, select

from gateways.folder_documents import FolderDocuments
from gateways.ledger_check import Opened, require_opens
from gateways.ledger_schema import open_engine
from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_audit import SqlAudit
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_erasures import SqlErasures
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from gateways.sql_report import SqlReports
from gateways.sql_trail import SqlTrail
from models.audit import TrailAsk
from models.case import CaseRef
from models.desk import NewLetter
from models.desk_tables import submissions
from models.dossier import Dossier, NewCase, Paper, Person
from models.erasure import Cause, Deed
from models.errors import DocumentLost, EngineUnreachable, Erased, NotFound, Unavailable, WrongState
from models.policy import DocumentKind
from models.report import Period, ReportAsk
from models.roles import MACHINE, Role
from models.tables import LedgerTable, people
from models.wib import wib_date
from tests.ledger.builders import MORNING, a_closing, a_new_case, a_person, a_record, an_event, at_once
from tests.vaults import vault_at

DAY = timedelta(days=1)
NOON = MORNING + timedelta(hours=4)
HEAD = "tangsel-kepala-bidang"
DEED = Deed(HEAD, Role.HEAD_OF_SECTION, Cause.REQUESTED, NOON)
MACHINES = Deed(MACHINE, None, Cause.RETENTION, NOON)
SHARED = b"%PDF one letter for a whole list"


class Archive:
    """A ledger, its papers and a key store of its own, each where a copy can be taken of it."""

    def __init__(self, engine: Engine, folder: Path, keys: Path) -> None:
        self.engine, self.vault = engine, vault_at(keys)
        self.papers = FolderDocuments(folder, self.vault)
        self.registry = SqlRegistry(engine, self.vault, lambda: MORNING)
        self.ledger = SqlLedger(engine, self.vault, lambda: MORNING)
        self.book = SqlDeskBook(engine, self.vault, lambda: NOON)
        self.erasures = SqlErasures(engine, self.vault, self.papers)

    def applicant(self, number: int, *, person: Person | None = None, city: str = "3674") -> NewCase:
        """Return an application with a paper of its own, and one that everybody has."""
        own = f"%PDF of {number}".encode()
        papers = tuple(
            Paper(kind, self.papers.put(content), "application/pdf", len(content))
            for kind, content in ((DocumentKind.KTP, own), (DocumentKind.FACILITY_LETTER, SHARED))
        )
        return replace(a_new_case(person or a_person(), papers=papers), city=city)

    def closed(self, number: int = 0, *, person: Person | None = None, city: str = "3674") -> CaseRef:
        """Register a case and end it."""
        case = self.registry.register(self.applicant(number, person=person, city=city)).case
        self.ledger.record(a_closing(case))
        return case

    def read(self, number: str) -> tuple[Dossier, list[bytes]]:
        """Return all that is held on a case, and its papers."""
        dossier = self.book.dossier(number)
        return dossier, [self.papers.get(paper.sha256) for paper in dossier.papers]


@pytest.fixture
def archive(engine: Engine, tmp_path: Path) -> Archive:
    """Give an empty one."""
    return _archive(engine, tmp_path)


def _archive(engine: Engine, folder: Path) -> Archive:
    keys = folder / "keystore"
    keys.mkdir()
    return Archive(engine, folder / "papers", keys)


def _copy(engine: Engine, folder: Path) -> Engine:
    """Return another database that holds the same rows."""
    copy = create_engine(f"sqlite:///{folder / 'backup.db'}")
    LedgerTable.metadata.create_all(copy)
    with engine.begin() as there, copy.begin() as here:
        for table in LedgerTable.metadata.sorted_tables:
            if rows := [dict(row) for row in there.execute(select(table)).mappings()]:
                here.execute(insert(table), rows)
    copy.dispose()
    return open_engine(str(copy.url))


def test_one_of_a_hundred_is_erased_and_nobody_else(archive: Archive, tmp_path: Path) -> None:
    """Others unchanged, the report equal, the chain whole; unreadable also in yesterday's backup."""
    lists = SqlImports(archive.engine, archive.vault, lambda: MORNING)
    lists.begin(ImportHead("list", "3674", "0" * 64, 100, "rina", MORNING))
    taken = lists.take("list", [NewRow(number, archive.applicant(number)) for number in range(100)])
    numbers = [one.case.case_number for one in taken]
    mine, others = numbers[17], [number for number in numbers if number != numbers[17]]
    letter = archive.ledger.issue_letter(mine, 1, NewLetter(MORNING.date(), "dg", lambda n, _: str(n), None))
    archive.ledger.save_submission(mine, 1, "PORTAL-17", MORNING)
    archive.book.save_pdf(letter.verification_code, archive.papers.put(b"%PDF of the letter"))
    archive.ledger.record(a_record(taken[17].case, an_event(2)))
    archive.ledger.record(a_closing(taken[17].case, 3))
    audit = SqlAudit(archive.engine)
    while audit.seal(NOON):
        pass
    before = {number: archive.read(number) for number in others}
    ask = ReportAsk("3674", Period(wib_date(MORNING), wib_date(MORNING + DAY)), NOON, ("Pamulang",))
    report = SqlReports(archive.engine).of(ask)
    assert archive.read(mine)[1] == [SHARED, b"%PDF of 17"]
    old_sha256 = archive.book.dossier(mine).papers[1].sha256
    backup_folder = tmp_path / "yesterday"
    shutil.copytree(tmp_path / "papers", backup_folder)
    backup = Archive(_copy(archive.engine, tmp_path), backup_folder, tmp_path / "keystore")
    assert backup.read(mine)[1] == [SHARED, b"%PDF of 17"]

    subject = archive.erasures.erase(mine, DEED)

    assert (len(subject.own_papers), subject.shared_papers, subject.letters) == (2, 1, 1)
    assert {number: archive.read(number) for number in others} == before
    assert SqlReports(archive.engine).of(ask) == report
    while audit.seal(NOON):
        pass
    head = audit.head()
    assert head is not None
    assert list(audit.faults(head.number, lambda _: None)) == []
    for place in (archive, backup):
        ledger = place.ledger
        for reading in (ledger.dossier, ledger.person, place.registry.papers, ledger.submission_reference):
            with pytest.raises(Erased, match="erased on 2 Mar 2026"):
                reading(mine)
        assert {number: place.read(number) for number in others[:3]} == {
            number: before[number] for number in others[:3]
        }
        [kept] = place.book.letters(mine)
        assert (kept.number, kept.subject_digest, kept.pdf_sha256) == ("1", "", None)
        assert place.book.letter_by_code(letter.verification_code) == kept
    with pytest.raises(DocumentLost):
        archive.papers.get(old_sha256)
    assert archive.papers.get(before[others[0]][0].papers[0].sha256) == SHARED
    assert archive.erasures.erased(numbers) == {mine: NOON}
    assert archive.registry.case(mine).outcome is not None
    [line] = [
        one for one in SqlTrail(archive.engine, archive.vault).lines(TrailAsk()) if one.table == "erasures"
    ]
    assert (line.what, line.case_number, line.actor, line.role, line.reason) == (
        "privacy erase", mine, HEAD, "head_of_section", "requested",
    )  # fmt: skip
    assert line.entry is not None

    again = archive.registry.register(archive.applicant(17, person=before[others[0]][0].person))
    assert not again.is_new, "everybody else is known as before"
    assert (
        backup.registry.register(backup.applicant(17, person=before[others[0]][0].person)).case == again.case
    )


def test_who_was_erased_is_somebody_new(archive: Archive) -> None:
    """The NIK leads to another person; the erased one stays erased, and neither index knows him."""
    person = a_person()
    old = archive.closed(1, person=person)
    archive.ledger.save_submission(old.case_number, 1, "PORTAL-1", MORNING)
    archive.erasures.erase(old.case_number, DEED)
    archive.closed(2)
    with archive.engine.begin() as connection:
        indexes = set(connection.execute(select(people.c.nik_index)).scalars())
        references = set(connection.execute(select(submissions.c.reference_index)).scalars())
    assert archive.vault.index("nik", person.nik) not in indexes
    assert archive.vault.index("reference", "PORTAL-1") not in references

    new = archive.registry.register(archive.applicant(1, person=person))
    assert new.is_new
    assert archive.book.dossier(new.case.case_number).person == person
    assert archive.erasures.subject(new.case.case_number).cases == (new.case,)
    with pytest.raises(Erased):
        archive.book.dossier(old.case_number)


def test_who_was_erased_since_a_backup_is_somebody_new_in_it(archive: Archive) -> None:
    """A restored ledger knows the NIK, the key store knows that the key is gone."""
    person = a_person()
    old = archive.closed(person=person)
    with archive.engine.begin() as connection:
        key_id = connection.execute(select(people.c.key_id)).scalar_one()
    archive.vault.destroy(key_id, NOON)
    new = archive.registry.register(archive.applicant(1, person=person))
    assert (new.is_new, new.case == old) == (True, False)
    assert archive.book.dossier(new.case.case_number).person == person


def test_an_erasure_that_was_cut_short_is_finished_by_the_next(archive: Archive) -> None:
    """After the key is gone the ledger fails; after the ledger, the folder. Each time it is entered once."""
    first, second = archive.closed(1), archive.closed(2)
    with archive.engine.begin() as connection:
        keys = list(connection.execute(select(people.c.key_id).order_by(people.c.id)).scalars())
    archive.vault.destroy(keys[0], NOON)
    assert archive.erasures.subject(first.case_number).erased_at is None
    archive.erasures.erase(first.case_number, replace(DEED, at=NOON + DAY))
    assert archive.erasures.erased([first.case_number]) == {first.case_number: NOON + DAY}
    assert archive.vault.destroyed(keys[:1]) == {keys[0]: NOON}

    class Stuck:
        """A folder that cannot be written."""

        @staticmethod
        def remove(name: str) -> bool:
            """Fail."""
            raise Unavailable("documents", f"folder cannot be written ({len(name)})")

    with pytest.raises(Unavailable):
        SqlErasures(archive.engine, archive.vault, Stuck()).erase(second.case_number, DEED)
    sealed = archive.vault.index("paper", archive.papers.put(b"%PDF of 2"))
    again = archive.erasures.erase(second.case_number, replace(DEED, at=NOON + DAY))
    assert again.erased_at == NOON
    assert not archive.papers.remove(sealed), "the file went with the second try"
    lines = SqlTrail(archive.engine, archive.vault).lines(TrailAsk())
    assert [one.what for one in lines].count("privacy erase") == 2


def test_a_key_store_that_is_away_erases_nothing(archive: Archive, tmp_path: Path) -> None:
    """Nothing is entered before the key is gone."""
    case = archive.closed()
    elsewhere = SqlErasures(archive.engine, archive.vault, archive.papers)
    for file in (tmp_path / "keystore").iterdir():
        file.rename(file.with_suffix(".away"))
    archive.vault._engine.dispose()  # noqa: SLF001 - the file is away for a connection that is open
    with pytest.raises(
        EngineUnreachable, match="key store holds no tables of ours: check REAKTIVASI_KEYSTORE"
    ):
        elsewhere.erase(case.case_number, DEED)
    assert archive.erasures.erased([case.case_number]) == {}


def test_open_cases_and_holds_forbid_it(archive: Archive) -> None:
    """Also those of another case of the same person; a hold that was released does not."""
    person = a_person()
    old = archive.closed(person=person)
    now = archive.registry.register(archive.applicant(1, person=person)).case
    with pytest.raises(WrongState, match=f"{now.case_number} is open"):
        archive.erasures.erase(old.case_number, DEED)
    archive.ledger.record(a_closing(now))

    def hold(number: str, at: datetime) -> None:
        archive.erasures.hold(number, HEAD, Role.HEAD_OF_SECTION, "sengketa", at)

    hold(now.case_number, NOON)
    with pytest.raises(WrongState, match="hold already"):
        hold(old.case_number, NOON)
    with pytest.raises(WrongState, match=f"by {HEAD} since 2 Mar 2026"):
        archive.erasures.erase(old.case_number, DEED)
    assert archive.erasures.due({"3674": NOON + DAY}) == []
    assert archive.book.notes(now.case_number) == {"hold-1": "sengketa"}
    archive.erasures.release(old.case_number, HEAD, Role.HEAD_OF_SECTION, "putusan", NOON)
    with pytest.raises(WrongState, match="under no legal hold"):
        archive.erasures.release(old.case_number, HEAD, Role.HEAD_OF_SECTION, "putusan", NOON)
    assert archive.book.notes(old.case_number) == {"release-1": "putusan"}
    hold(old.case_number, NOON)
    archive.erasures.release(old.case_number, HEAD, Role.HEAD_OF_SECTION, "putusan", NOON)
    archive.erasures.erase(old.case_number, DEED)
    with pytest.raises(Erased):
        hold(old.case_number, NOON)
    with pytest.raises(NotFound):
        archive.erasures.erase("PBI-3674-2026-999999", DEED)
    assert require_opens(archive.engine, archive.vault) == Opened(0, 0), "nobody is left to be opened"


def test_a_paper_of_two_goes_with_the_last_of_them(archive: Archive) -> None:
    """It opens for the one who is left, and is removed with him."""
    one, other = archive.closed(1), archive.closed(2)
    assert archive.erasures.erase(one.case_number, DEED).shared_papers == 1
    assert archive.read(other.case_number)[1] == [SHARED, b"%PDF of 2"]
    sha256 = archive.book.dossier(other.case_number).papers[0].sha256
    assert archive.erasures.erase(other.case_number, DEED).shared_papers == 0
    with pytest.raises(DocumentLost):
        archive.papers.get(sha256)


def test_whose_time_has_come(archive: Archive) -> None:
    """Every case is over, for longer than its own city keeps it; a city without a time keeps for ever."""
    old, waits, twice, elsewhere = archive.closed(1), a_person(), a_person(), archive.closed(4, city="3275")
    archive.closed(2, person=waits)
    archive.registry.register(archive.applicant(2, person=waits))
    both = archive.closed(3, person=twice), archive.closed(3, person=twice, city="3275")
    after = MORNING + timedelta(minutes=2)

    def due(**cutoffs: datetime) -> set[tuple[str, ...]]:
        found = archive.erasures.due({city[1:]: at for city, at in cutoffs.items()})
        return {tuple(case.case_number for case in one.cases) for one in found}

    assert due() == set()
    assert due(_3674=after) == set()
    assert due(_3674=after + DAY) == {(old.case_number,)}
    everything = {
        (old.case_number,),
        (elsewhere.case_number,),
        tuple(sorted(one.case_number for one in both)),
    }
    assert due(_3674=after + DAY, _3275=after + DAY) == everything
    assert due(_3674=after + DAY, _3275=after) == {(old.case_number,)}
    archive.erasures.erase(old.case_number, MACHINES)
    assert due(_3674=after + DAY) == set()


def test_erased_and_registered_in_the_same_moment(archive: Archive) -> None:
    """Whoever comes second finds it done: the new case belongs to somebody who can be read."""
    someone = [a_person() for _ in range(6)]
    olds = [archive.closed(number, person=person) for number, person in enumerate(someone)]
    news = [a_new_case(person) for person in someone]

    def erase(number: int) -> CaseRef | None:
        try:
            archive.erasures.erase(olds[number].case_number, DEED)
        except WrongState:
            return None
        return olds[number]

    calls: list[Callable[[], CaseRef | None]] = []
    for number in range(len(someone)):
        calls += [
            lambda number=number: erase(number),  # type: ignore[misc]  # bound now
            lambda number=number: archive.registry.register(news[number]).case,  # type: ignore[misc]
        ]
    answers = at_once(calls)
    for person, erased, new in zip(someone, answers[::2], answers[1::2], strict=True):
        assert new is not None
        assert archive.book.dossier(new.case_number).person == person
        if erased is not None:
            with pytest.raises(Erased):
                archive.book.dossier(erased.case_number)

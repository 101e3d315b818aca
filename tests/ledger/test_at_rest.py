"""What is personal cannot be read where it lies: in a database's files, its log, the folder of papers."""

import hashlib
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update

from gateways.folder_documents import FolderDocuments, in_the_clear
from gateways.ledger_migrations import migrate
from gateways.ledger_schema import scrub
from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.desk import Command, Completion, NewLetter
from models.dossier import Need, NewCase, Paper, Person
from models.errors import BadReply
from models.identity import Sex
from models.messages import Withdraw
from models.policy import DocumentKind, NeedKind
from models.tables import cases, people
from tests.e2e import leaks
from tests.ledger.builders import MORNING, a_new_case, a_person
from tests.ledger.dumps import dump, log_position
from tests.ledgers import put_ledger
from tests.vaults import a_vault

_MANY = 100
_WORKED_ON = 3


def _somebody(number: int) -> NewCase:
    person = Person(
        nik=f"36740641035{number:05d}",
        kk=f"36740777777{number:05d}",
        card_number=f"00099988{number:05d}",
        name=f"Wulandari Sekar {number:05d}",
        birth_date=date(1951, 3, 1) + timedelta(days=number),
        sex=Sex.FEMALE,
        phone=f"0812555{number:05d}",
        kelurahan="36.74.06.1001",
    )
    need = Need(NeedKind.CHRONIC, f"RS Melati {number:05d}", f"445/{number:05d}/RSM", date(2026, 2, 27))
    return replace(a_new_case(person), need=need)


def _secrets(new: NewCase) -> dict[str, str]:
    told = {**asdict(new.person), **asdict(new.need)}
    return {name: str(value) for name, value in told.items() if value and len(str(value)) > 5}


def test_the_files_of_a_hundred_cases_show_nothing_personal(engine: Engine, tmp_path: Path) -> None:
    """Every value in every form; a value that was planted in the clear is found in each of them."""
    since, vault = log_position(engine), a_vault()
    book, ledger = SqlDeskBook(engine, vault), SqlLedger(engine, vault)
    documents, lists = FolderDocuments(tmp_path / "papers", vault), SqlImports(engine, vault)
    news = [_somebody(number) for number in range(_MANY)]
    secrets = {
        f"{name} {number}": value for number, new in enumerate(news) for name, value in _secrets(new).items()
    }
    paper = f"%PDF {news[0].person.nik} {news[0].person.name}".encode()
    kept = Paper(DocumentKind.KTP, documents.put(paper), "application/pdf", len(paper))
    news[0] = replace(news[0], papers=(kept,))
    lists.begin(ImportHead("list", "3674", "0" * 64, _MANY, "rina", MORNING))
    taken = lists.take("list", [NewRow(number, new) for number, new in enumerate(news)])
    for number, one in enumerate(taken[:_WORKED_ON]):
        case, words, portal, digest = (
            one.case.case_number,
            f"Ibu {number} sakit",
            f"PORTAL-{number}",
            f"dg-{number}-",
        )
        ledger.save_submission(case, 1, portal, MORNING)
        ledger.issue_letter(case, 1, NewLetter(MORNING.date(), digest, lambda n, _: str(n), None))
        message = Withdraw(command_id=f"w-{number}", actor="rina")
        book.give(Completion(Command(case, message, "rina", None, MORNING), note=words))
        secrets |= {f"{name} {number}": name for name in (words, portal, digest)}
        dossier = ledger.dossier(case)
        assert (dossier.person, dossier.need) == (news[number].person, news[number].need)
        assert book.notes(case) == {f"w-{number}": words}
        assert ledger.submission_reference(case) == portal
    assert documents.get(ledger.dossier(taken[0].case.case_number).papers[0].sha256) == paper
    assert len(secrets) > 9 * _MANY

    places = dump(engine, since) | leaks.files(tmp_path / "papers", but=())
    assert leaks.found(secrets, {"everywhere": b"\n".join(places.values())}) == []

    planted = {"plain": "367406410350077", "hex": b"367406410350077".hex()}
    with engine.begin() as connection:
        for form, value in planted.items():
            connection.execute(text("INSERT INTO counters VALUES (:name, 1)"), {"name": f"{form}:{value}"})
    seen = b"\n".join(dump(engine, since).values())
    found = leaks.found({"it": "367406410350077"}, {"ledger": seen})
    assert [line.split()[2] for line in found] == ["UTF-8", "hex"]


def test_a_sealed_value_that_is_moved_does_not_open(engine: Engine) -> None:
    """Of one person's row into another's, and of one case into another of the same person."""
    registry, ledger = SqlRegistry(engine, a_vault()), SqlLedger(engine, a_vault())
    one, other = (registry.register(a_new_case()).case.case_number for _ in range(2))
    for column, table in ((people.c.sealed, people), (cases.c.sealed, cases)):
        with engine.begin() as connection:
            before = connection.execute(select(column)).scalars().all()
            connection.execute(update(table).values(sealed=before[0]))
        with pytest.raises(BadReply, match="altered, or is not at its place"):
            ledger.dossier(other)
        ledger.dossier(one)


def test_equal_values_are_sealed_differently(engine: Engine) -> None:
    """Nobody can tell from the rows that two people share a facility, a family or a name."""
    registry = SqlRegistry(engine, a_vault())
    for _ in range(2):
        registry.register(a_new_case(replace(a_person(), name="Siti")))
    with engine.begin() as connection:
        assert len(set(connection.execute(select(cases.c.sealed)).scalars())) == 2


def test_papers_of_an_older_version_are_sealed_where_they_lie(tmp_path: Path) -> None:
    """They are found, kept under their old hash, and gone in the clear."""
    content, vault = b"%PDF an old paper", a_vault()
    documents = FolderDocuments(tmp_path, vault)
    documents.put(b"%PDF a new paper")
    old = tmp_path / "ab" / "cd" / hashlib.sha256(content).hexdigest()
    old.parent.mkdir(parents=True)
    old.write_bytes(content)

    assert list(in_the_clear(tmp_path)) == [old]


class TestSqlite:
    """What SQLite leaves behind."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """Only SQLite."""
        return put_ledger(tmp_path / "ledger.db")

    def test_what_an_older_version_wrote_leaves_the_file(self, engine: Engine) -> None:
        """Neither the file nor its log holds what stood in a row before, and once is enough."""
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO counters VALUES ('3674064103500777', 1)"))
            connection.execute(text("PRAGMA secure_delete = OFF"))
            connection.execute(text("DELETE FROM counters"))
        assert leaks.found({"it": "3674064103500777"}, dump(engine, ("", 0))) != []
        assert scrub(engine)
        assert leaks.found({"it": "3674064103500777"}, dump(engine, ("", 0))) == []
        assert not scrub(engine)
        migrate(engine)

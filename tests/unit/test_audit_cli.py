"""`starter.py audit` and `starter.py privacy` as administrators and officers type them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from gateways.sql_desk_book import SqlDeskBook
from gateways.sql_registry import SqlRegistry
from models.audit_tables import accesses
from models.dossier import Person
from models.messages import Withdraw
from tests.intake.lists import a_row
from tests.ledger.audited import Audited
from tests.ledger.builders import a_new_case, a_person, facts_of
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

SUPERVISOR = ("--as", "tangsel-supervisor")


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    """Give a sealed ledger with one case that an officer worked on."""
    engine = a_ledger(tmp_path)
    number = (
        SqlRegistry(engine, a_vault()).register(a_new_case(a_person(name="Siti | Rahayu"))).case.case_number
    )
    made = Audited(engine)
    made.give(number, Withdraw(command_id="w-1"), "diminta keluarga")
    made.see(number)
    made.seal()
    yield made
    made.close()


def person_of(audited: Audited) -> Person:
    """Return the applicant."""
    return SqlDeskBook(audited.engine, a_vault()).dossier(audited.numbers[0]).person


def test_a_changed_row_is_named_and_exits_4(audited: Audited, tmp_path: Path) -> None:
    """A whole trail exits 0; both also as data, with what is not sealed yet."""
    whole = typed(tmp_path, "audit", "verify")
    assert (whole.code, "nothing that is sealed was changed" in whole.out) == (0, True)
    assert "nothing waits to be sealed" in whole.out
    audited.see(audited.numbers[0])
    audited.sql("UPDATE notes SET sealed = X'00' WHERE command_id = 'w-1'")
    named, data = typed(tmp_path, "audit", "verify"), typed(tmp_path, "audit", "verify", "--json")
    assert (named.code, data.code) == (4, 4)
    assert "notes w-1: was changed since it was sealed" in named.out
    assert "2 row(s) are not sealed yet" in named.out
    told = json.loads(data.out)
    assert told["faults"] == [{"table": "notes", "key": "w-1", "what": "was changed since it was sealed"}]
    assert (told["is_whole"], told["unsealed"]["rows"]) == (False, 2)


def test_what_the_verdict_is_about_is_told(audited: Audited, tmp_path: Path) -> None:
    """Outcome, numbers and people are called what they are: compared, or neither; anchors were not asked."""
    told = typed(tmp_path, "audit", "verify").out
    sealed, compared, neither, anchors = told.splitlines()[-4:]
    assert all(table in sealed for table in ("case_events", "commands", "letters", "submissions"))
    assert all(words in compared for words in ("cases (", "outcome", "closed_at", "counters (name, value)"))
    assert all(table in neither for table in ("people", "documents", "desk_items", "cases"))
    assert "a chain that was cut off or written anew is not found" in anchors
    data = json.loads(typed(tmp_path, "audit", "verify", "--json").out)
    assert data["with_anchors"] is False
    assert "outcome" in data["compared"]["cases"]
    assert {"waiting_on", "person_id", "due_at"} <= set(data["neither"]["cases"])
    assert "verification_code" in data["sealed"]["letters"]
    file = tmp_path / "anchors.txt"
    assert typed(tmp_path, "audit", "anchor", str(file)).code == 0
    assert "cut off" not in typed(tmp_path, "audit", "verify", "--anchors", str(file)).out


def test_an_outcome_that_was_written_past_the_engine_exits_4(audited: Audited, tmp_path: Path) -> None:
    """The row is named, with what its events say."""
    number = audited.numbers[0]
    audited.sql("UPDATE cases SET outcome = 'reactivated', closed_at = received_at")
    told = typed(tmp_path, "audit", "verify")
    assert (told.code, f"cases {number}: outcome is reactivated, its events say none" in told.out) == (
        4,
        True,
    )
    assert "the ledger is not as it was written" in told.out


def test_a_trail_that_holds_no_such_line_does_not_say_that_nothing_was_done(
    audited: Audited, tmp_path: Path
) -> None:
    """The officer did something else, or on another day."""
    told = typed(tmp_path, "audit", "show", "--actor", "tangsel-loket-9", *SUPERVISOR)
    assert (told.code, told.out.strip()) == (0, "no line of the trail matches")


def test_anchors_find_a_chain_that_was_written_anew(audited: Audited, tmp_path: Path) -> None:
    """`anchor` seals first; a folder that is not there is told."""
    file = tmp_path / "anchors.txt"
    audited.see(audited.numbers[0])
    assert typed(tmp_path, "audit", "anchor", str(file)).code == 0
    assert json.loads(typed(tmp_path, "audit", "seal", "--json").out) == {"sealed": 0}
    assert typed(tmp_path, "audit", "verify", "--anchors", str(file)).code == 0
    number = int(file.read_text().split()[0])
    audited.sql("DELETE FROM accesses WHERE id = 2")
    audited.sql("DELETE FROM notes WHERE command_id != 'w-1' AND at = (SELECT MAX(at) FROM notes)")
    audited.sql("DELETE FROM audit_chain WHERE number > :last", last=number - 2)
    assert typed(tmp_path, "audit", "verify").code == 0
    found = typed(tmp_path, "audit", "verify", "--anchors", str(file))
    assert (found.code, f"anchors line 1: entry {number} is gone" in found.out) == (4, True)
    assert typed(tmp_path, "audit", "anchor", "/nowhere/at/all").code == 2


def test_an_empty_chain_has_nothing_to_anchor(tmp_path: Path) -> None:
    """Refused in this state."""
    engine = a_ledger(tmp_path)
    engine.dispose()
    assert typed(tmp_path, "audit", "anchor", str(tmp_path / "a")).code == 4
    assert typed(tmp_path, "audit", "verify").code == 0


def test_the_trail_is_read_by_who_may(audited: Audited, tmp_path: Path) -> None:
    """By case and person; never a personal value."""
    number = audited.numbers[0]
    shown = typed(tmp_path, "audit", "show", "--case", number, "--as", "auditor")
    data = typed(tmp_path, "audit", "show", "--actor", "tangsel-verifikator-1", "--json", *SUPERVISOR)
    assert (shown.code, data.code) == (0, 0)
    assert all(words in shown.out for words in ("case.registered", "command withdraw", "desk show"))
    assert [line["what"] for line in json.loads(data.out)["lines"]] == ["desk show"]
    assert not any(fact in shown.out + data.out for fact in (*facts_of(person_of(audited)), "keluarga"))
    assert typed(tmp_path, "audit", "show", "--case", number, "--as", "bekasi-supervisor").code == 4
    assert typed(tmp_path, "audit", "show", "--as", "tangsel-loket-1").code == 4
    assert typed(tmp_path, "audit", "show", "--from", "kemarin", *SUPERVISOR).code == 2


def test_files_that_leave_the_ledger_are_in_the_trail(audited: Audited, tmp_path: Path) -> None:
    """With their digest where they are made at once."""
    row = a_row()
    (tmp_path / "list.csv").write_text(f"{';'.join(row)}\n{';'.join(row.values())}\n")
    typed(tmp_path, "import", str(tmp_path / "list.csv"), "--city", "3674", "--dry-run", *SUPERVISOR)
    page = tmp_path / "r.csv"
    assert typed(tmp_path, "report", "--csv", str(page), *SUPERVISOR).code == 0
    with audited.engine.begin() as connection:
        rows = connection.execute(select(accesses).order_by(accesses.c.id)).all()[1:]
    assert [(row.actor, row.door) for row in rows][-1] == ("tangsel-supervisor", "report")
    assert rows[-1].sha256 == hashlib.sha256(page.read_bytes()).hexdigest()
    assert [row.door for row in rows[:-1]] == ["import rejects"]


def test_a_person_gets_what_is_held_and_who_saw_it(audited: Audited, tmp_path: Path) -> None:
    """In a file for its owner alone, which is in the trail itself, and its reason a note."""
    number, file = audited.numbers[0], tmp_path / "akses.md"
    ask = ("privacy", "access", number, "--out", str(file))
    assert typed(tmp_path, *ask, "--reason", "diminta", "--as", "tangsel-loket-1").code == 4
    assert typed(tmp_path, *ask, "--reason", " ", *SUPERVISOR).code == 2
    assert not file.exists()
    done = typed(tmp_path, *ask, "--reason", "diminta pemohon", *SUPERVISOR)
    assert done.code == 0
    page, person = file.read_text(), person_of(audited)
    assert file.stat().st_mode & 0o777 == 0o600
    assert all(fact in page for fact in (person.nik, person.kk, "Siti \\| Rahayu", "RSUD Pamulang"))
    assert "diminta keluarga" in page
    assert "tangsel-verifikator-1 | verifier | dilihat di meja kerja" in page
    assert person.nik not in done.out
    mine = ("audit", "show", "--actor", "tangsel-supervisor", "--json")
    [line] = json.loads(typed(tmp_path, *mine, *SUPERVISOR).out)["lines"]
    assert line["what"] == "privacy access"
    assert SqlDeskBook(audited.engine, a_vault()).notes(number)[line["reason"]] == "diminta pemohon"
    assert typed(tmp_path, *ask, "--reason", "lagi", *SUPERVISOR).code == 2  # the file is there


def test_a_notice_of_a_breach_names_cases_and_no_person(audited: Audited, tmp_path: Path) -> None:
    """What only the office knows is left open; the draft is in the trail itself."""
    ask = ("privacy", "breach-report", "--from", "2026-03-02 00:00", "--to", "2026-03-03 00:00")
    shown = typed(tmp_path, *ask, *SUPERVISOR)
    assert shown.code == 0
    assert all(
        words in shown.out
        for words in (
            audited.numbers[0],
            "1 orang, 1 kasus",
            "DIISI KANTOR",
            "dilihat di meja kerja",
            "kesehatan",
        )
    )
    assert not any(fact in shown.out for fact in facts_of(person_of(audited)))
    file = tmp_path / "notice.md"
    assert typed(tmp_path, *ask, "--out", str(file), *SUPERVISOR).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(typed(tmp_path, *ask, "--json", "--as", "auditor").out)["people"] == 1
    backwards = ("--from", "2026-03-03 00:00", "--to", "2026-03-02 00:00")
    assert typed(tmp_path, "privacy", "breach-report", *backwards, *SUPERVISOR).code == 2
    trail = json.loads(typed(tmp_path, "audit", "show", "--json", *SUPERVISOR).out)["lines"]
    assert [line["what"] for line in trail].count("privacy breach-report") == 3

"""The audit chain: whatever is changed past the engine is named, on both databases."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, groupby
from operator import attrgetter
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, make_url, select, text, update
from sqlalchemy.exc import DBAPIError

from gateways.anchor_file import AnchorFile
from gateways.audit_forms import FORMS
from gateways.ledger_migrations import migrate
from gateways.ledger_schema import open_engine
from gateways.sql_audit import SqlAudit
from gateways.sql_lineage import SqlLineage
from models.audit import GENESIS, Anchor, Fault, Unsealed, digest_of, hash_of
from models.audit_tables import audit_chain, audit_pending
from models.roles import Act
from runtime.sealing import anchor, faults, lost_anchors
from tests.ledger.audited import COUNTER, NOON, SUPERVISOR, Audited
from tests.ledger.builders import MORNING, at_once
from tests.ledgers import upgrade
from tests.vaults import a_vault

FLIPS = (60, pytest.param(200, marks=pytest.mark.slow))
ANNOUNCE_AGAIN = "INSERT INTO audit_pending (form, key, at) SELECT form, key, sealed_at FROM audit_chain"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """Make a sealed ledger in which everything happened to a dozen of cases."""
    if request.param == "sqlite":
        url = make_url(f"sqlite:///{tmp_path_factory.mktemp('audited') / 'ledger.db'}")
    else:
        admin: Engine = request.getfixturevalue("postgres")
        url = admin.url.set(database=f"audited_{uuid4().hex}")
        _administer(admin, f"CREATE DATABASE {url.database}")
    engine = open_engine(url.render_as_string(hide_password=False))
    migrate(engine)
    made = Audited(engine)
    made.work(12)
    made.seal()
    made.close()
    yield url
    if request.param == "postgresql":
        _administer(admin, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
def audited(finished: URL, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Audited]:
    """Give a copy of it to tamper with."""
    if finished.drivername == "sqlite":
        url = finished.set(database=str(shutil.copy(str(finished.database), tmp_path)))
    else:
        admin: Engine = request.getfixturevalue("postgres")
        url = finished.set(database=f"audited_{uuid4().hex}")
        _administer(admin, f"CREATE DATABASE {url.database} TEMPLATE {finished.database} STRATEGY file_copy")
    made = Audited(open_engine(url.render_as_string(hide_password=False)))
    yield made
    made.close()
    if finished.drivername != "sqlite":
        _administer(admin, f"DROP DATABASE {url.database} WITH (FORCE)")


def _administer(admin: Engine, statement: str) -> None:
    with admin.connect() as connection:
        connection.execute(text(statement))


def test_everything_is_sealed_once_and_verified(audited: Audited) -> None:
    """Rows of every form are in the chain, numbered without gaps, and nothing is wrong."""
    with audited.engine.begin() as connection:
        rows = connection.execute(select(audit_chain).order_by(audit_chain.c.number)).all()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.form for row in rows} == set(FORMS)
    assert audited.audit.unsealed() == Unsealed(0, None)
    assert audited.faults() == []


@pytest.mark.parametrize("flips", FLIPS)
def test_every_flipped_bit_is_named(audited: Audited, flips: int) -> None:
    """Many bytes, one after the other, in rows of each form by turns and in the chain itself."""
    chance = random.Random(27_2022)
    by_form = {name: [*places] for name, places in groupby(audited.places(), attrgetter("form"))}
    assert by_form.keys() == {*FORMS, "audit_chain"}
    turn = cycle(by_form.values())
    done = 0
    while done < flips:
        place = chance.choice(next(turn))
        try:
            if not audited.flip(place, chance):
                continue
        except DBAPIError:  # the database itself refuses that value
            continue
        named = audited.named()
        assert (place.form, place.key) in named, place
        if place.form != "audit_chain":  # a case does not fit to events that were changed
            assert {one for one in named if one[0] != "cases"} == {(place.form, place.key)}
        audited.mend(place)
        done += 1
    assert audited.faults() == []


def test_a_row_that_is_gone_is_named(audited: Audited) -> None:
    """Also one whose result alone was taken back."""
    number = audited.numbers[3]
    audited.sql("DELETE FROM case_events WHERE case_number = :number AND seq = 2", number=number)
    audited.sql("UPDATE commands SET result = NULL WHERE command_id = :id", id=f"w-{number}")
    assert audited.faults() == [
        Fault("case_events", f"{number}/1/2", "is gone"),
        Fault("command_results", f"w-{number}", "is gone"),
    ]


def test_a_forged_row_is_named(audited: Audited) -> None:
    """One that was written past the engine is neither sealed nor announced; so is a forged result."""
    audited.sql(
        "INSERT INTO refusals (id, at, actor, act, why) SELECT 9999, at, 'orang-lain', act, why "
        "FROM refusals WHERE id = 1"
    )
    given = f"p-{audited.numbers[0]}"
    audited.sql("UPDATE commands SET result = 'accepted' WHERE command_id = :id", id=given)
    assert audited.seal() == 0
    what = "neither sealed nor announced: forged"
    assert audited.faults() == [
        Fault("command_results", given, what),
        Fault("refusals", "9999", what),
    ]


def test_swapped_rows_are_named(audited: Audited) -> None:
    """Both of them."""
    for old, new in ((2, 900), (3, 2), (900, 3)):
        audited.sql(
            "UPDATE case_events SET seq = :new WHERE case_number = :number AND seq = :old",
            number=audited.numbers[0], old=old, new=new,
        )  # fmt: skip
    assert audited.named() == {("case_events", f"{audited.numbers[0]}/1/{seq}") for seq in (2, 3)}


def test_a_changed_key_is_named(audited: Audited) -> None:
    """The row is gone under its own, and forged under the other."""
    audited.sql("UPDATE refusals SET id = 777 WHERE id = 5")
    assert audited.named() == {("refusals", "5"), ("refusals", "777")}


def test_entries_that_changed_places_or_are_gone_are_named(audited: Audited) -> None:
    """The chain is no easier to change than the rows."""
    for old, new in ((10, 0), (20, 10), (0, 20)):
        audited.sql("UPDATE audit_chain SET number = :new WHERE number = :old", old=old, new=new)
    assert {("audit_chain", "10"), ("audit_chain", "20")} <= audited.named()
    audited.sql("DELETE FROM audit_chain WHERE number BETWEEN 30 AND 32")
    assert Fault("audit_chain", "30-32", "gone from the chain") in audited.faults()


def test_an_entry_that_follows_another_one_is_named(audited: Audited) -> None:
    """It is right by itself, and was made after some other entry than the one before it."""
    mine = audit_chain.c.number == 10
    with audited.back_door.begin() as connection:
        row = connection.execute(select(audit_chain).where(mine)).one()
        sealed_at = f"{row.sealed_at:%Y-%m-%d %H:%M:%S.%f}"
        parts = [part.encode() for part in ("10", row.form, row.key)]
        other = hash_of(GENESIS, *parts, row.digest, sealed_at.encode())
        connection.execute(update(audit_chain).where(mine).values(previous=GENESIS, hash=other))
    what = "does not follow the entry before it"
    assert audited.faults() == [Fault("audit_chain", number, what) for number in ("10", "11")]


class TestAnchors:
    """What only somebody outside the database can tell."""

    @pytest.fixture
    def anchors(self, audited: Audited, tmp_path: Path) -> AnchorFile:
        """Give a file with the anchor of a sealed ledger."""
        file = AnchorFile(tmp_path / "anchors.txt")
        assert anchor(audited.audit, file, NOON) is not None
        return file

    def found(self, audited: Audited, anchors: AnchorFile) -> list[Fault]:
        """Verify with anchors."""
        head = audited.audit.head()
        assert head is not None
        return list(faults(audited.audit, head.number, anchors, lambda _: None))

    def test_a_chain_that_grew_is_whole(self, audited: Audited, anchors: AnchorFile) -> None:
        """An old anchor stays right."""
        audited.see(audited.numbers[0], NOON)
        audited.seal()
        assert self.found(audited, anchors) == []

    def test_a_tail_that_was_cut_off_is_named(self, audited: Audited, anchors: AnchorFile) -> None:
        """Together with its row, so that the database alone shows nothing."""
        audited.see(audited.numbers[0], NOON)
        audited.seal()
        anchor(audited.audit, anchors, NOON)
        head = audited.audit.head()
        assert head is not None
        for table in ("accesses", "notes"):
            audited.sql(f"DELETE FROM {table} WHERE at = (SELECT MAX(at) FROM {table})")
        audited.sql("DELETE FROM audit_chain WHERE number > :last", last=head.number - 2)
        assert audited.faults() == []
        what = f"entry {head.number} is gone: the chain was cut off"
        assert self.found(audited, anchors) == [Fault("anchors", "line 2", what)]

    def test_an_anchor_of_what_was_lost_when_the_ledger_was_put_back_is_no_fault(
        self, audited: Audited, anchors: AnchorFile
    ) -> None:
        """It is counted apart, also when the number is an entry's again; one of before or after must hold."""
        lineage, before = SqlLineage(audited.engine), audited.audit.head()
        assert before is not None
        anchors.append(Anchor(before.number + 1, "a" * 64, NOON + timedelta(minutes=1)))
        lineage.begin_generation({}, after=0, by=SUPERVISOR, now=NOON + timedelta(hours=1))
        audited.seal()
        anchor(audited.audit, anchors, NOON + timedelta(hours=2))
        assert self.found(audited, anchors) == []
        assert lost_anchors(audited.audit, anchors) == 1
        anchors.append(Anchor(before.number, "b" * 64, NOON + timedelta(minutes=1)))
        anchors.append(Anchor(before.number + 9, "c" * 64, NOON + timedelta(hours=3)))
        assert [fault.key for fault in self.found(audited, anchors)] == ["line 4", "line 5"]

    def test_a_chain_that_was_written_anew_is_named(self, audited: Audited, anchors: AnchorFile) -> None:
        """Somebody changes a row and seals everything again: only the anchor tells."""
        audited.sql("UPDATE refusals SET actor = 'orang-lain' WHERE id = 1")
        audited.sql(f"{ANNOUNCE_AGAIN} ORDER BY number")
        audited.sql("DELETE FROM audit_chain")
        audited.seal()
        assert audited.faults() == []
        head = audited.audit.head()
        assert head is not None
        what = f"entry {head.number} is another: the chain was written anew"
        assert self.found(audited, anchors) == [Fault("anchors", "line 1", what)]


class TestSealing:
    """Rows come into the chain whatever happens meanwhile."""

    def test_what_waits_is_told(self, audited: Audited) -> None:
        """How many rows, and since when."""
        audited.see(audited.numbers[0], MORNING + timedelta(hours=2))
        audited.see(audited.numbers[1], MORNING + timedelta(hours=3))
        assert audited.audit.unsealed() == Unsealed(4, MORNING + timedelta(hours=2))
        assert audited.faults() == []
        assert audited.seal() == 4

    def test_a_row_that_is_gone_before_it_was_sealed_is_named(self, audited: Audited) -> None:
        """Its announcement stays behind."""
        audited.book.refuse(COUNTER, Act.EXTEND, None, "not theirs", NOON)
        audited.sql("DELETE FROM refusals WHERE id = (SELECT MAX(id) FROM refusals)")
        audited.seal()
        assert [(one.table, one.what) for one in audited.faults()] == [
            ("refusals", "was gone before it was sealed")
        ]

    def test_sealers_that_come_at_once_make_one_chain(self, audited: Audited) -> None:
        """Every row once, no gap."""
        for number in audited.numbers:
            audited.see(number, NOON)
        at_once([Audited(audited.engine).seal] * 4)
        audited.seal()
        assert audited.faults() == []
        assert audited.audit.unsealed().rows == 0

    def test_a_row_is_sealed_once(self, audited: Audited) -> None:
        """Somebody who announces it again changes nothing, and stops nobody."""
        audited.sql(f"{ANNOUNCE_AGAIN} WHERE number < 5")
        audited.sql(
            "INSERT INTO audit_pending (form, key, at) SELECT 'no', key, at FROM audit_pending LIMIT 1"
        )
        audited.see(audited.numbers[0], NOON)
        audited.seal()
        assert [one.what for one in audited.faults()] == ["was gone before it was sealed"]
        assert audited.audit.unsealed().rows == 0

    def test_a_row_that_is_committed_late_is_sealed_later(self, audited: Audited) -> None:
        """Even though later ones were sealed before it."""
        if audited.engine.dialect.name == "sqlite":
            pytest.skip("SQLite has one writer at a time")
        with audited.back_door.connect() as late:
            late.execute(audit_pending.insert(), {"form": "refusals", "key": "4711", "at": MORNING})
            audited.see(audited.numbers[0], NOON)
            assert audited.seal() == 2
            late.commit()
        assert audited.seal() == 1


def test_a_line_that_is_no_anchor_is_named(audited: Audited, tmp_path: Path) -> None:
    """Also when it is half a line; what is appended then stands in a line of its own."""
    path = tmp_path / "anchors.txt"
    file, head = AnchorFile(path), audited.audit.head()
    assert head is not None
    found = Anchor(head.number, head.hash, NOON)
    file.append(found)
    path.write_text(path.read_text() + "17 abc")
    assert file.append(replace(found, at=NOON + timedelta(days=1)), once_a_day=True)
    assert not file.append(replace(found, at=NOON + timedelta(days=1, hours=1)), once_a_day=True)
    assert [(line, one is None) for line, one in file.read()] == [(1, False), (2, True), (3, False)]
    assert list(faults(audited.audit, head.number, file, lambda _: None)) == [
        Fault("anchors", "line 2", "is no anchor")
    ]


def _sealed(made: Audited) -> list[Fault]:
    """Return what the chain finds: the ledger of the earlier version is made up, and tells no whole story."""
    head = made.audit.head()
    assert head is not None
    return list(made.audit.faults(head.number, lambda _: None))


def test_what_was_there_before_the_chain_is_sealed_as_it_is_found(empty_engine: Engine) -> None:
    """A ledger of an earlier version is not one of forged rows."""
    upgrade(empty_engine, "0002")
    with empty_engine.begin() as connection:
        for statement in (Path(__file__).parent / "before_the_desk.sql").read_text().split(";")[:-1]:
            connection.execute(text(statement))
    migrate(empty_engine, a_vault())
    made = Audited(empty_engine)
    assert made.seal() > 0
    assert _sealed(made) == []
    with empty_engine.begin() as connection:
        forms = set(connection.execute(select(audit_chain.c.form)).scalars())
    assert {"case_events", "letters", "letter_voids", "submissions"} <= forms
    made.sql("UPDATE case_events SET attempt = 7 WHERE case_number LIKE '%1'")
    made.sql("UPDATE letters SET signer = 'orang-lain' WHERE sequence = 2")
    assert [(one.table, one.key) for one in _sealed(made)] == [
        ("case_events", "PBI-3674-2026-000001/1/1"),
        ("letters", "3674/2026/2"),
    ]
    made.close()


def test_an_empty_ledger_is_whole(engine: Engine, tmp_path: Path) -> None:
    """And has nothing to anchor."""
    audit = SqlAudit(engine)
    assert audit.head() is None
    assert list(audit.faults(0, lambda _: None)) == []
    assert anchor(audit, AnchorFile(tmp_path / "a"), NOON) is None
    assert not (tmp_path / "a").exists()


def test_no_two_rows_give_the_same_bytes() -> None:
    """What one column loses another cannot gain; nothing differs from an empty text."""
    rows = [(b"ab", b"c"), (b"a", b"bc"), (b"", b"abc"), (None, b"abc"), (b"abc", None), (b"-", b"2:bc")]
    assert len({digest_of("form", row) for row in rows}) == len(rows)
    assert digest_of("one", [b"two"]) != digest_of("onetwo", [])
    assert hash_of(GENESIS, b"1", b"23") != hash_of(GENESIS, b"12", b"3")


def test_an_anchor_reads_as_it_was_written() -> None:
    """Number, hash, time."""
    one = Anchor(12, "ab" * 32, NOON)
    assert Anchor.of(str(one)) == one

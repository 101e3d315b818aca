"""`starter.py import` on a running stack: killed and interrupted, in the end each good row is one case."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from examples import generate
from models.import_tables import import_rows
from models.tables import cases, people
from models.wib import wib_date
from runtime.settings import ROOT
from tests.builders import PDF
from tests.e2e.office import Office, until, until_async


@pytest.fixture(scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A stack whose worker is not up: cases are started and stay where they are."""
    office = Office(tmp_path_factory.mktemp("bulk"))
    await office.open()
    try:
        office.stack.worker.stop()
        yield office
    finally:
        office.close()


def a_list(office: Office, rows: int, faults: float, seed: int) -> tuple[Path, list[generate.Invented]]:
    """Write a list into the inbox; return its good rows as well."""
    office.inbox.mkdir(exist_ok=True)
    path = office.inbox / f"daftar-{seed}.csv"
    today = wib_date(datetime.now(UTC))
    generate.write(map(generate.own_cells, generate.invent("3674", rows, faults, seed, today)), path, ";")
    (office.inbox / generate.PAPER).write_bytes(PDF)
    good = list(generate.invent("3674", rows, 0, seed, today))
    faulty = list(generate.invent("3674", rows, faults, seed, today))
    return path, [one for one, other in zip(good, faulty, strict=True) if one == other]


def count(office: Office) -> int:
    """Return how many cases the ledger holds."""
    with office.engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(cases)).scalar_one()


async def interrupted(office: Office, path: Path, at: int, by: signal.Signals) -> tuple[int, str]:
    """Import until the ledger holds so many cases, then end the process; return its code and its words."""
    # A shell's background job ignores Ctrl-C, and so would every process that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = await office.begin(ROOT / "starter.py", "import", path, "--city", "3674")
    await until(
        lambda: count(office) >= at or process.returncode is not None, 300, lambda: str(count(office))
    )
    process.send_signal(by)
    _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def require_each_row_is_one_case(office: Office, good: list[generate.Invented]) -> None:
    """Compare the list with ledger and Temporal."""
    with office.engine.begin() as connection:
        niks = connection.execute(select(people.c.nik_index).join(cases, cases.c.person_id == people.c.id))
        assert sorted(niks.scalars()) == sorted(office.vault.index("nik", row.nik) for row in good)
        rows = connection.execute(select(func.count(import_rows.c.case_number.distinct()))).scalar_one()
    assert rows == len(good)
    assert office.registry.unstarted(datetime.now(UTC)) == []

    async def all_are_listed() -> bool:
        return (await office.client.count_workflows('WorkflowType="Reactivation"')).count == len(good)

    await until_async(all_are_listed, 60, lambda: "workflows are not as many as cases")


async def test_a_list_killed_twice_is_taken_once(office: Office) -> None:
    """Twice kill -9, once Ctrl-C, at a moment in the middle; then it ends, and again brings nothing."""
    path, good = a_list(office, 500, 0.02, seed=1)
    for at in (1, 160):
        assert (await interrupted(office, path, at, signal.SIGKILL))[0] == -signal.SIGKILL
        assert count(office) < len(good)
    code, said = await interrupted(office, path, 240, signal.SIGINT)
    assert code == 130
    assert "interrupted: what was taken stays taken; give the same command again" in said
    before = count(office)
    assert before < len(good)

    ran = await office.cli("import", path, "--city", "3674", "--json")
    assert ran.code == 0, ran.said
    told = ran.data()
    assert (told["rows"], told["rejected"], told["taken_before"]) == (500, 10, before)
    assert told["new"] == len(good) - before
    await require_each_row_is_one_case(office, good)

    again = await office.cli("import", path, "--city", "3674")
    assert again.code == 0
    assert "nothing new: 490 row(s) were taken before" in again.out
    printed = ran.said + again.said + said + path.with_name(f"{path.name}.rejects.csv").read_text()
    secrets = [value for row in good for value in (row.nik, row.kk, row.phone, row.name)]
    assert [value for value in secrets if value in printed] == []


async def test_what_is_refused_starts_nothing(office: Office) -> None:
    """Too many faults, another city's officer; and a dry run tells without doing."""
    before = count(office)
    path, _ = a_list(office, 50, 0.3, seed=2)
    good, _ = a_list(office, 50, 0.1, seed=3)
    words = ("--city", "3674")

    faulty, not_theirs, dry = await asyncio.gather(
        office.cli("import", path, *words),
        office.cli("import", good, *words, "--as", "bekasi-loket-1"),
        office.cli("import", good, *words, "--dry-run", "--rejects", office.inbox / "told.csv"),
    )

    assert [ran.code for ran in (faulty, not_theirs, dry)] == [2, 4, 0]
    assert (
        "file: 15 of 50 rows are faulty, more than 20% (mend what daftar-2.csv.rejects.csv names"
        in faulty.err
    )
    assert "45 would be taken, 0 were before; nothing was started" in dry.out
    assert len((office.inbox / "told.csv").read_text().splitlines()) == 6
    assert count(office) == before


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_twenty_thousand_rows_killed_at_row_nine_thousand(tmp_path: Path) -> None:
    """Three times, while the worker runs the cases; in the end each good row is one case."""
    office = Office(tmp_path)
    await office.open()
    try:
        path, good = a_list(office, 20_990, 0.01, seed=1)
        for at in (9_000, 9_300, 15_000):
            assert (await interrupted(office, path, at, signal.SIGKILL))[0] == -signal.SIGKILL
            assert count(office) < len(good)
        process = await office.begin(ROOT / "starter.py", "import", path, "--city", "3674")
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        await require_each_row_is_one_case(office, good)
    finally:
        office.close()

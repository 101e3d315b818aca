"""The operators' door while Temporal or the workers are away: what is safe, what is unknown, what to mend."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from models.case import Outcome, Step
from models.messages import EventKind
from tests.e2e.office import STORY, Office, Ran
from tests.e2e.people import someone

NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
RUNS = 2


@dataclass(frozen=True)
class WithoutWorker:
    """What happened while no worker was up."""

    case: str
    withdrawal: Ran
    quick: Sequence[Ran]
    """Short commands, which do not need a worker."""


@pytest.fixture(scope="module")
async def without_worker(office: Office) -> WithoutWorker:
    """Stop the worker, give a command that needs one, and fill the wait with commands that need none."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)
    case = await office.submit(person)
    await office.until_answered(case, Step.SIKS_NG_UPLOAD)
    lanes = asyncio.Semaphore(3)

    async def quick(command: str) -> Ran:
        async with lanes:
            return await office.cold_cli(command)

    office.stack.worker.stop()
    try:
        commands = ["list", "search-attributes"] * RUNS
        withdrawal, *short = await asyncio.gather(
            office.cli("withdraw", case, "--reason", "pemohon membatalkan"), *map(quick, commands)
        )
    finally:
        office.stack.worker.start()
    return WithoutWorker(case, withdrawal, short)


def test_without_a_worker_a_withdrawal_is_kept(without_worker: WithoutWorker) -> None:
    """Exit code 0 within the time limit, and the words say that it is kept and delivered later."""
    assert without_worker.withdrawal.code == 0
    assert "kept in the ledger, the case has not taken it yet" in without_worker.withdrawal.out
    assert "a worker delivers the command" in without_worker.withdrawal.out


async def test_a_withdrawal_that_was_kept_takes_effect_once(
    office: Office, without_worker: WithoutWorker
) -> None:
    """The worker that comes back withdraws the case, once; a repeat is refused."""
    case = without_worker.case
    ended = await office.until(case, lambda state: state.outcome is not None)

    again = await office.cli("withdraw", case, "--reason", "pemohon membatalkan")

    assert ended.outcome is Outcome.WITHDRAWN
    assert (again.code, "is over" in again.err) == (4, True)
    assert office.story(case).count("case.withdrawn") == 1
    assert office.has_no_gap(case)


def test_short_commands_leave_with_their_own_exit_code_each_time(without_worker: WithoutWorker) -> None:
    """Four runs, half of them with a connection to Temporal: none aborts while the interpreter ends."""
    assert [one.code for one in without_worker.quick] == [0] * (2 * RUNS)
    assert all(one.out.strip() and not one.err for one in without_worker.quick)


@pytest.mark.slow
async def test_doctor_finds_nothing_to_mend_while_the_stack_is_up(office: Office) -> None:
    """Exit code 0 and every check ok."""
    await office.stack.until_worker_polls()

    ran = await office.cli("doctor")

    assert ran.code == 0, ran.said
    assert "FAIL" not in ran.out
    assert "mend" not in ran.out


async def test_doctor_says_how_to_mend_while_temporal_is_away(office: Office) -> None:
    """Exit code 5, a `mend:` line below each failed check, and the other checks still run."""
    ran = await office.cli("doctor", **NOWHERE)

    failed = [line.split("  ")[0] for line in ran.out.splitlines() if line.startswith("FAIL")]
    assert ran.code == 5
    checks = ("temporal", "search attributes", "worker", "deployment", "digest")
    assert failed == [f"FAIL {check}" for check in checks]
    assert ran.out.count("mend: ") == len(failed)
    assert "ok   bpjs" in ran.out


async def test_an_application_is_taken_while_temporal_is_away(office: Office) -> None:
    """Exit code 0, the words say that the case will be started, and it is."""
    ran = await office.cli("submit", office.write(someone()), **NOWHERE)

    case = ran.out.split()[0]
    assert ran.code == 0
    assert "Temporal does not answer" in ran.out
    assert office.story(case) == ["case.registered"]
    assert (await office.cli("sweep")).code == 0
    await office.until(case, lambda state: state.outcome is not None)
    assert office.story(case) == list(STORY)


async def test_a_command_given_while_temporal_is_away_is_delivered_by_the_sweep(office: Office) -> None:
    """Exit code 0 and the words say that it is kept; a worker delivers it within its next sweep."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)
    case = await office.submit(person)
    await office.until_answered(case, Step.SIKS_NG_UPLOAD)

    ran = await office.cli("withdraw", case, "--reason", "pemohon membatalkan", **NOWHERE)

    assert ran.code == 0
    assert "kept in the ledger" in ran.out
    assert (await office.cli("sweep")).code == 0
    ended = await office.until(case, lambda state: state.outcome is not None)
    assert ended.outcome is Outcome.WITHDRAWN
    assert office.book.undelivered(case) == []
    (told,) = [one for one in office.registry.history(case) if one.kind is EventKind.CASE_WITHDRAWN]
    given = office.book.command(str(told.facts["command"]))
    assert given is not None
    assert told.at == ended.closed_at == given.given_at, "dated when it was given, not when it was delivered"


async def test_a_ledger_that_is_away_is_named(office: Office) -> None:
    """Exit code 5: without the ledger nothing can be kept, and the words say which database it is."""
    ran = await office.cli(
        "withdraw", "PBI-3674-2026-000001", "--reason", "x", REAKTIVASI_DATABASE_URL="sqlite:////nowhere/l.db"
    )
    assert ran.code == 5
    assert "/nowhere/l.db" in ran.err

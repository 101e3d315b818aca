"""The operators' door while Temporal or the workers are away: what is safe, what is unknown, what to mend."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from models.case import Outcome, Step
from tests.e2e.office import STORY, Office, Ran
from tests.e2e.people import someone

NOWHERE = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
RUNS = 15


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
            return await office.cli(command)

    office.stack.worker.stop()
    try:
        commands = ["list", "search-attributes"] * RUNS
        withdrawal, *short = await asyncio.gather(
            office.cli("withdraw", case, "--reason", "pemohon membatalkan"), *map(quick, commands)
        )
    finally:
        office.stack.worker.start()
    return WithoutWorker(case, withdrawal, short)


def test_without_a_worker_the_result_of_a_withdrawal_is_unknown(without_worker: WithoutWorker) -> None:
    """Exit code 5 within the time limit, and the words say that it may have been taken and what to do."""
    assert without_worker.withdrawal.code == 5
    assert "unknown" in without_worker.withdrawal.err
    assert "repeat the command" in without_worker.withdrawal.err


async def test_a_withdrawal_of_unknown_result_takes_effect_once(
    office: Office, without_worker: WithoutWorker
) -> None:
    """The worker that comes back withdraws the case; it stands in the ledger once, also after a repeat."""
    case = without_worker.case
    ended = await office.until(case, lambda state: state.outcome is not None)

    await office.cli("withdraw", case, "--reason", "pemohon membatalkan")

    assert ended.outcome is Outcome.WITHDRAWN
    assert office.story(case).count("case.withdrawn") == 1
    assert [event.seq for event in office.registry.history(case)] == list(
        range(1, len(office.story(case)) + 1)
    )


def test_short_commands_leave_with_their_own_exit_code_each_time(without_worker: WithoutWorker) -> None:
    """Thirty runs, half of them with a connection to Temporal: none aborts while the interpreter ends."""
    assert [one.code for one in without_worker.quick] == [0] * (2 * RUNS)
    assert all(one.out.strip() and not one.err for one in without_worker.quick)


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
    assert failed == ["FAIL temporal", "FAIL search attributes", "FAIL worker"]
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


async def test_commands_to_a_case_say_that_temporal_is_away(office: Office) -> None:
    """Exit code 5 and what to look at; the case is untouched."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)
    case = await office.submit(person)
    await office.until_answered(case, Step.SIKS_NG_UPLOAD)

    ran = await asyncio.gather(
        office.cli("withdraw", case, "--reason", "pemohon membatalkan", **NOWHERE),
        office.cli("retry", case, **NOWHERE),
    )

    assert [one.code for one in ran] == [5, 5]
    assert all("TEMPORAL_ADDRESS" in one.err for one in ran)
    assert office.registry.case(case).outcome is None

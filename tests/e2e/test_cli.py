"""The operators' door with everything up: what each command says, and the exit code it leaves with."""

import asyncio
import json
from itertools import cycle

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from models.case import Outcome, SlaState, Step
from starter import app
from tests.e2e import leaks
from tests.e2e.office import Office
from tests.e2e.people import someone

UNKNOWN = "PBI-3674-2026-999999"
FOR_LONG = 3600.0

DOOR = get_command(app)
assert isinstance(DOOR, TyperGroup)
COMMANDS = sorted(name for name, command in DOOR.commands.items() if not isinstance(command, TyperGroup))


def test_every_command_is_listed() -> None:
    """The loop over commands below misses none that operators are told of."""
    told = CliRunner().invoke(app, ["--help"]).output

    assert len(COMMANDS) >= 11
    assert all(command in told for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """`--help` says what the command does and shows one that can be typed."""
    ran = CliRunner().invoke(app, [command, "--help"])

    assert ran.exit_code == 0
    assert "Example: " in ran.output
    assert f"starter.py {command}" in ran.output


async def test_commands_print_plain_text_into_a_pipe(office: Office) -> None:
    """No escape codes where no terminal is, also for refusals and under a terminal's TERM."""
    case = await office.submit(someone())
    commands = [
        ["show", case],
        ["list"],
        ["doctor"],
        ["show", UNKNOWN],
        ["submit", "nothing.json"],
        ["list", "--step", "x"],
    ]

    into = cycle([office.cold_cli, office.cli, office.cli])
    ran = await asyncio.gather(*(next(into)(*command, TERM="xterm-256color") for command in commands))

    assert [one.code for one in ran] == [0, 0, 0, 3, 2, 2]
    assert all(one.said.strip() for one in ran)
    assert "\x1b" not in "".join(one.said for one in ran)


async def test_an_unknown_case_is_not_found(office: Office) -> None:
    """Exit code 3 from every command that takes a case number."""
    ran = await asyncio.gather(
        office.cli("show", UNKNOWN),
        office.cli("withdraw", UNKNOWN, "--reason", "salah nomor"),
        office.cli("retry", UNKNOWN),
        office.cli("show", UNKNOWN, "--json"),
    )

    assert [one.code for one in ran] == [3, 3, 3, 3]
    assert [one.err.strip() for one in ran[:3]] == [f"the ledger holds no case {UNKNOWN}"] * 3
    assert ran[3].data()["error"] == "NotFound"


async def test_a_withdrawal_ends_the_case_and_its_words_stay_in_the_ledger(office: Office) -> None:
    """Exit code 0, then 4; the reason is a note of the ledger and in no history."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=FOR_LONG)
    case = await office.submit(person)
    await office.until_answered(case, Step.SIKS_NG_UPLOAD)
    reason = "keluarga Wirasukmanita pindah ke segmen mandiri [bold]"

    first = await office.cli("withdraw", case, "--reason", reason)
    ended = await office.until(case, lambda state: state.outcome is not None)
    again = await office.cli("withdraw", case, "--reason", "lagi")

    assert first.code == 0, first.said
    assert ended.outcome is Outcome.WITHDRAWN
    assert again.code == 4
    assert again.err.strip() == f"{case} is over: withdrawn"
    assert list(office.book.notes(case).values()) == [reason]
    words = {word: word for word in reason.split() if len(word) > 5}
    assert leaks.found(words, await leaks.histories(office.client, [case])) == []


async def test_a_retry_is_refused_while_nothing_waits_for_a_person(office: Office) -> None:
    """Exit code 4, and the refusal says where the case is and whom it waits for."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=FOR_LONG)
    case = await office.submit(person)
    await office.until_answered(case, Step.SIKS_NG_UPLOAD)

    ran = await office.cli("retry", case)

    assert ran.code == 4
    assert "kemensos_verification" in ran.err


async def test_a_retry_takes_the_step_again_that_was_returned(office: Office) -> None:
    """A case that Kemensos sent back is submitted anew as the second attempt and ends reactivated."""
    person = someone()
    office.turn("kemensos", person, returned_times=1)
    case = await office.submit(person)
    await office.until(case, lambda state: state.trouble == "NIK_BEDA")

    ran = await office.cli("retry", case, "--json")
    ended = await office.until(case, lambda state: state.outcome is not None)

    assert ran.code == 0
    assert ended.outcome is Outcome.REACTIVATED
    assert ended.attempt == 2
    assert office.effects(case)["siks_ng"] == {
        f"{case}:{Step.SIKS_NG_UPLOAD}:{attempt}": 1 for attempt in (1, 2)
    }


async def test_list_filters_by_step_sla_and_city(office: Office) -> None:
    """Each filter keeps the cases that match and no other, and several together narrow."""
    waiting, incomplete = someone(), someone()
    office.turn("kemensos", waiting, decide_after_s=FOR_LONG)
    ours = await office.submit(waiting)
    elsewhere = await office.submit(incomplete, incomplete.application(city="3275"))
    await office.until_answered(ours, Step.SIKS_NG_UPLOAD)
    await office.until(elsewhere, lambda state: state.trouble == "DOK_TIDAK_LENGKAP")

    filters = (
        ("--step", Step.KEMENSOS_VERIFICATION.value),
        ("--sla", SlaState.ON_TRACK.value),
        ("--city", "3275"),
        ("--city", "3275", "--step", Step.KEMENSOS_VERIFICATION.value),
    )
    ran = await asyncio.gather(*(office.cli("list", *one, "--limit", "1000", "--json") for one in filters))

    assert [one.code for one in ran] == [0] * len(filters)
    steps, slas, cities, none = (json.loads(one.out)["cases"] for one in ran)
    assert {state["step"] for state in steps} == {"kemensos_verification"}
    assert {state["sla_state"] for state in slas} == {"on_track"}
    assert {state["case"]["city"] for state in cities} == {"3275"}
    assert ours in {state["case"]["case_number"] for state in steps}
    assert ours in {state["case"]["case_number"] for state in slas}
    assert elsewhere in {state["case"]["case_number"] for state in cities}
    assert none == []


async def test_show_tells_the_whole_story_as_json(office: Office) -> None:
    """State and every event of the ledger, in order."""
    case = await office.submit(someone())
    await office.until(case, lambda state: state.outcome is not None)

    ran = await office.cli("show", case, "--json")

    told = ran.data()
    events = told["events"]
    assert isinstance(events, list)
    assert ran.code == 0
    assert told["outcome"] == "reactivated"
    assert [event["seq"] for event in events] == [event.seq for event in office.registry.history(case)]


async def test_an_unknown_command_and_no_command_leave_with_2(office: Office) -> None:
    """A slip of the fingers is bad input, with the way to the help."""
    unknown, nothing = await asyncio.gather(office.cli("sumbit"), office.cli())

    assert (unknown.code, nothing.code) == (2, 2)
    assert "--help" in unknown.err
    assert "Exit codes" in nothing.said


async def test_a_stack_in_use_is_not_started_twice(office: Office) -> None:
    """`starter.py up` on the folder of a running stack refuses with 4 and names the way out."""
    ran = await office.cli("up", "--port", "0", "--ui-port", "0")

    assert ran.code == 4
    assert "starter.py down" in ran.err
    assert office.stack.worker.is_running

"""Many stuck cases freed by one order while some of them change under it: the result file tells the truth."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateways.sql_bulk import SqlBulkBook
from models.bulk import Bulk, ItemResult, Operation, guarded
from models.case import CaseHealth, Outcome, Step
from models.desk import CommandResult
from models.errors import BadInput
from models.messages import RetryStep, Withdraw
from runtime.bulk_desk import BulkDesk, new_id
from tests.e2e.office import Office, until, until_async
from tests.e2e.people import Someone, someone
from workflows.search_attributes import COLUMNS

SETU = "36.74.07.1001"
"""A kelurahan of a kecamatan that no other test has cases in."""
STUCK = 'CaseHealth="stuck" AND Kecamatan="Setu"'
AS = ("--as", "tangsel-supervisor")


async def stuck_cases(office: Office, number: int) -> tuple[list[Someone], list[str]]:
    """Return cases that stand still because the portal answers nonsense, as the Web UI lists them."""
    people = [someone() for _ in range(number)]
    numbers = []
    for person in people:
        office.turn("siks_ng", person, wrong="html")
        office.turn("kemensos", person, decide_after_s=3600)
        data = person.application()
        applicant = data["applicant"]
        assert isinstance(applicant, dict)
        numbers.append(await office.submit(person, data | {"applicant": applicant | {"kelurahan": SETU}}))

    def are_stuck() -> bool:
        return all(office.registry.case(one).health is CaseHealth.STUCK for one in numbers)

    await until(are_stuck, 60, lambda: office.registry.case(numbers[-1]).model_dump_json())
    await listed(office, STUCK, number)
    return people, numbers


async def listed(office: Office, where: str, number: int) -> None:
    """Wait until Temporal's list, which lags behind, finds so many cases."""
    query = guarded(where, [column.key.name for column in COLUMNS]).query

    async def are_listed() -> bool:
        return (await office.client.count_workflows(query)).count == number

    await until_async(are_listed, 20, lambda: query)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "is_killed"), [(20, False), (200, True)])
async def test_stuck_cases_are_freed_while_some_change(  # noqa: PLR0915 - one story
    office: Office, tmp_path: Path, number: int, is_killed: bool
) -> None:
    """Rehearsed, ordered, changed under the order, worked also by a worker that is killed; then withdrawn."""
    people, numbers = await stuck_cases(office, number)
    changed = max(number // 20, 2)
    rehearsal = await office.cli("bulk", "retry", "--where", STUCK, "--ids", tmp_path / "ids", "--json", *AS)
    assert rehearsal.data()["count"] == number
    assert (tmp_path / "ids").read_text().split() == numbers

    book = SqlBulkBook(office.engine)
    desk = BulkDesk(await office.stack.namespace(), book)
    with pytest.raises(BadInput, match="no filter that Temporal understands"):
        await desk.find(guarded(f"{STUCK} AND", ["CaseHealth"]))
    chosen_by = guarded(STUCK, [column.key.name for column in COLUMNS])
    found = await desk.find(chosen_by)
    now = datetime.now(UTC)
    bulk = Bulk(new_id(now), Operation.RETRY, STUCK, AS[1], now, "portal pulih")
    book.keep(bulk, [one.chosen for one in found])

    for person in people:
        office.turn("siks_ng", person, wrong="none")
    withdrawn, retried = numbers[:changed:2], numbers[1:changed:2]
    for one in withdrawn:
        handle = office.client.get_workflow_handle(one)
        await handle.execute_update("withdraw", Withdraw(command_id=f"w-{one}"))
        await office.until(one, lambda state: state.outcome is Outcome.WITHDRAWN)
    for one in retried:
        await office.client.get_workflow_handle(one).execute_update("retry_step", RetryStep(command_id="r-1"))
        await office.until(one, lambda state: state.step is Step.KEMENSOS_VERIFICATION)

    if is_killed:
        await desk.begin(bulk)
        await until(
            lambda: book.progress(bulk.id).settled > number // 4, 30, lambda: "the order did not begin"
        )
        with office.killed(office.stack.worker):
            assert book.progress(bulk.id).left
    file = tmp_path / "results.csv"
    ran = await office.cli("bulk", "run", bulk.id, "--results", file, *AS)
    assert ran.code == 0, ran.said
    told = {row["case_number"]: row for row in csv.DictReader(file.read_text().splitlines())}
    assert list(told) == numbers
    for one in numbers:
        command = office.book.command(bulk.command_id(one))
        if one in withdrawn or one in retried:
            assert (told[one]["result"], command) == (ItemResult.CHANGED, None)
            why = "over: withdrawn" if one in withdrawn else "CaseHealth stuck -> ok"
            assert told[one]["detail"] == why
        else:
            assert told[one]["result"] == ItemResult.DONE, told[one]
            assert command is not None
            assert (command.result, command.actor) == (CommandResult.ACCEPTED, AS[1])
    freed = [one for one in numbers if one not in withdrawn]
    for one in freed:
        await office.until(one, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
        assert office.story(one).count("step.retried") == 1

    await listed(office, 'CaseStep="kemensos_verification" AND Kecamatan="Setu"', len(freed))
    where = 'CaseStep="kemensos_verification" AND Kecamatan="Setu"'
    order: tuple[str, ...] = (
        "bulk",
        "withdraw",
        "--where",
        where,
        "--go",
        "--reason",
        "Xubaidah batal",
        "--json",
        *AS,
    )
    order += ("--expect", str(len(freed)), "--all-of-them", "--results", str(tmp_path / "withdrawn.csv"))
    done = await office.cli(*order)
    assert done.data()["results"] == {"done": len(freed)}
    for one in freed:
        await office.until(one, lambda state: state.outcome is Outcome.WITHDRAWN)
    history = await office.client.get_workflow_handle(f"bulk-{done.data()['id']}").fetch_history()
    assert "Xubaidah" not in history.to_json()

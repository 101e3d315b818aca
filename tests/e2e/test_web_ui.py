"""What a supervisor's browser asks the Web UI for."""

import base64
import json

import httpx

from models.case import Step
from tests.e2e.office import Office, until_async
from tests.e2e.people import someone


async def test_the_web_ui_finds_a_case_by_its_columns(office: Office) -> None:
    """The UI's own list API filters by step and shows track, place and health of the case."""
    person = someone()
    office.turn("kemensos", person, decide_after_s=3600)
    case = await office.submit(person)
    query = f'CaseStep = "{Step.KEMENSOS_VERIFICATION}" AND City = "3674" AND ExecutionStatus = "Running"'
    url = f"{office.stack.web_ui}/api/v1/namespaces/default/workflows"
    found: dict[str, dict[str, object]] = {}

    async def is_listed() -> bool:
        async with httpx.AsyncClient(trust_env=False) as browser:
            reply = (await browser.get(url, params={"query": query})).raise_for_status()
        for execution in reply.json().get("executions", []):
            columns = execution["searchAttributes"]["indexedFields"]
            found[execution["execution"]["workflowId"]] = {
                name: json.loads(base64.b64decode(column["data"])) for name, column in columns.items()
            }
        return case in found

    await until_async(is_listed, 15, lambda: f"{list(found)}, {office.story(case)}")

    shown = {
        name: found[case][name]
        for name in ("CaseTrack", "CaseStep", "WaitingOn", "SlaState", "City", "Kecamatan")
    }
    assert shown == {
        "CaseTrack": "emergency",
        "CaseStep": "kemensos_verification",
        "WaitingOn": "kemensos",
        "SlaState": "on_track",
        "City": "3674",
        "Kecamatan": "Pamulang",
    }
    assert found[case]["CaseHealth"] == "ok"
    assert str(found[case]["SlaDueAt"]) > str(found[case]["StepSince"])

"""`starter.py stuck` and `why` while Temporal is away: the ledger answers, and says that it does."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.case import CaseHealth, CaseRef, CaseState, Step, WaitingOn
from models.dossier import Person
from models.messages import CaseEvent, EventKind
from tests.ledger.builders import MORNING, a_new_case, a_person, a_telling
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

NOBODY = "127.0.0.1:1"


def unwell(folder: Path) -> tuple[Person, CaseRef]:
    """Put a case that is stuck into the folder's ledger, and one that was forgotten; return the former."""
    engine = a_ledger(folder)
    registry, ledger = SqlRegistry(engine, a_vault()), SqlLedger(engine, a_vault())
    person = a_person()
    refused, forgotten = (registry.register(a_new_case(one)).case for one in (person, a_person()))
    for case, kind, fields in (
        (refused, EventKind.STEP_STUCK, {"health": CaseHealth.STUCK, "trouble": "Refused"}),
        (forgotten, EventKind.STEP_OPENED, {}),
    ):
        registry.mark_started(case.case_number)
        state = CaseState.model_validate(
            {
                "case": case,
                "step": Step.SIKS_NG_UPLOAD,
                "waiting_on": WaitingOn.SIKS_NG,
                "since": MORNING,
                "due_at": MORNING + timedelta(hours=24),
                **fields,
            }
        )
        facts: dict[str, str | int] = {"trouble": "Refused", "role": "supervisor"} if fields else {}
        event = CaseEvent(seq=2, kind=kind, at=MORNING, step=state.step, attempt=1, facts=facts)
        ledger.record(a_telling(state, event))
    return person, refused


def test_the_ledger_answers_while_temporal_is_away(tmp_path: Path) -> None:
    """Groups with their filters, a case with what to type next; nothing personal."""
    person, refused = unwell(tmp_path)
    told = typed(tmp_path, "stuck", "--json", TEMPORAL_ADDRESS=NOBODY, REAKTIVASI_WEB_UI="http://ui:8233")
    groups = json.loads(told.out)["groups"]
    assert told.code == 0
    assert json.loads(told.out)["code_fails"] is None
    assert {(one["trouble"], one["is_marked"], one["count"]) for one in groups} == {
        ("Refused", True, 1),
        ("waits.siks_ng", False, 1),
    }
    assert all(
        "/namespaces/default/workflows?query=ExecutionStatus%3D%22Running%22" in one["web_ui"]
        for one in groups
    )
    why = typed(tmp_path, "why", refused.case_number, TEMPORAL_ADDRESS=NOBODY)
    missing = typed(tmp_path, "why", "PBI-3674-2026-999999", TEMPORAL_ADDRESS=NOBODY)
    assert (why.code, missing.code) == (0, 3)
    for words in ("SIKS-NG sejak 2026-03-02 08:00:00 WIB", "sistem luar menolak", "terlambat", "buku besar"):
        assert words in why.out
    assert "starter.py doctor" in why.out
    assert not {person.nik, person.name} & set((why.out + told.out).split())


def test_where_no_temporal_is_named_nobody_is_told_that_it_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to wait for and no Web UI to go to: no address is made up."""
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "REAKTIVASI_WEB_UI"):
        monkeypatch.delenv(name, raising=False)
    _, refused = unwell(tmp_path)
    why, stuck, views = (
        typed(tmp_path, *words) for words in (("why", refused.case_number), ("stuck",), ("views",))
    )
    assert (why.code, stuck.code, views.code) == (0, 0, 0)
    assert "no Temporal is named: ini dari buku besar" in why.out
    assert "starter.py up" in why.out
    assert "no Temporal is named: cases whose code fails are not in this list" in stuck.out
    for told in (why, stuck, views):
        made_up = ("tidak menjawab: ini", "does not answer", "http://")
        assert [words for words in made_up if words in told.out] == []
    assert "starter.py bulk retry --where" in stuck.out
    data = json.loads(typed(tmp_path, "stuck", "--json").out)
    assert (data["temporal_is_named"], {one["web_ui"] for one in data["groups"]}) == (False, {None})
    assert json.loads(typed(tmp_path, "why", refused.case_number, "--json").out)["temporal_is_named"] is False
    away = typed(tmp_path, "why", refused.case_number, TEMPORAL_ADDRESS=NOBODY)
    assert "tidak menjawab: ini dari buku besar" in away.out

"""What no seal covers is compared with what is sealed: cases with events, counters with numbers given."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from gateways.audit_forms import FORMS
from gateways.ports.lists import ImportHead, NewRow
from gateways.sql_audit import SqlAudit
from gateways.sql_imports import SqlImports
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from models.audit import Fault
from models.case import CaseRef, CaseState, Outcome, SlaState, Step, WaitingOn
from models.desk import NewLetter
from models.messages import CaseEvent, EventKind
from models.tables import LedgerTable
from tests.ledger.audited import Audited
from tests.ledger.builders import MORNING, a_clock, a_new_case, a_telling
from tests.vaults import a_vault

KEMENSOS = Step.KEMENSOS_VERIFICATION


class Story:
    """A case that a workflow tells of, event by event."""

    def __init__(self, ledger: SqlLedger, case: CaseRef) -> None:
        self.ledger, self.run, self.seq = ledger, "run-1", 1
        self.state = CaseState.opening(case)

    def tells(self, kind: EventKind, facts: dict[str, str | int] | None = None, /, **state: object) -> None:
        """Record an event, with the state that it leads to."""
        self.seq += 1
        self.state = self.state.model_copy(update=state)
        event = CaseEvent(
            seq=self.seq,
            kind=kind,
            at=MORNING + timedelta(minutes=self.seq),
            step=self.state.step,
            attempt=self.state.attempt,
            facts=facts or {},
        )
        self.ledger.record(a_telling(self.state, event, run=self.run))

    def is_begun_anew(self, upto: int) -> None:
        """Let a supervisor reset the workflow to what it told up to an event."""
        self.run, self.seq = f"{self.run}-again", upto

    @property
    def now(self) -> object:
        """When the newest event was."""
        return MORNING + timedelta(minutes=self.seq)


@pytest.fixture
def audited(engine: Engine, registry: SqlRegistry) -> Iterator[Audited]:
    """Give a way past the engine."""
    registry.register(a_new_case())
    made = Audited(engine)
    yield made
    made.close()


@pytest.fixture
def story(ledger: SqlLedger, registry: SqlRegistry) -> Story:
    """Give a case at Kemensos, in its second round."""
    made = Story(ledger, registry.register(a_new_case()).case)
    made.tells(EventKind.CASE_OPENED, {"track": "emergency"})
    made.tells(EventKind.SLA_STARTED, due_at=MORNING + timedelta(hours=24))
    made.tells(EventKind.STEP_OPENED)
    made.tells(EventKind.STEP_OPENED, step=KEMENSOS, attempt=2, waiting_on=WaitingOn.KEMENSOS)
    return made


def _is_reactivated(story: Story) -> None:
    story.tells(EventKind.ANSWER_RECORDED)
    end = {"outcome": Outcome.REACTIVATED, "closed_at": story.now, "sla_state": SlaState.MET}
    story.tells(EventKind.SLA_MET, **end)
    story.tells(EventKind.CASE_CLOSED, {"outcome": "reactivated"})


def _differences(engine: Engine) -> list[Fault]:
    return list(SqlAudit(engine).differences())


def test_a_ledger_that_the_engine_wrote_holds_together(engine: Engine, story: Story) -> None:
    """At every event of a story."""
    assert _differences(engine) == []
    _is_reactivated(story)
    assert _differences(engine) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("outcome", "withdrawn"),
        ("outcome", None),
        ("outcome", "aktif"),
        ("closed_at", None),
        ("closed_at", "2026-03-02 01:05:00.000000"),
        ("sla_state", "missed"),
        ("step", "bpjs_reconnect"),
        ("attempt", 1),
        ("track", "medical"),
        ("received_at", "2026-03-01 01:00:00.000000"),
        ("epoch", 7),
    ],
)
def test_a_case_that_was_changed_past_the_engine_is_named(
    engine: Engine, audited: Audited, story: Story, column: str, value: object
) -> None:
    """With the column, what it is, and what its sealed events say; no other case is."""
    _is_reactivated(story)
    number = story.state.case.case_number
    audited.sql(f"UPDATE cases SET {column} = :value WHERE case_number = :number", value=value, number=number)
    found = _differences(engine)
    assert {(one.table, one.key) for one in found} == {("cases", number)}
    assert all("its events say" in one.what for one in found)
    assert column in {one.what.split()[0] for one in found}


@pytest.mark.parametrize(
    ("column", "value"), [("outcome", "reactivated"), ("sla_state", "met"), ("attempt", 1)]
)
def test_an_open_case_that_was_changed_past_the_engine_is_named(
    engine: Engine, audited: Audited, story: Story, column: str, value: object
) -> None:
    """Nobody ends it in a table."""
    number = story.state.case.case_number
    audited.sql(f"UPDATE cases SET {column} = :value WHERE case_number = :number", value=value, number=number)
    assert [(one.key, one.what.split()[0]) for one in _differences(engine)] == [(number, column)]


def test_a_breach_that_is_hidden_is_named(engine: Engine, audited: Audited, story: Story) -> None:
    """A late case is made one in time, or one in time late; an extension may make it so by right."""
    number = story.state.case.case_number
    hide = "UPDATE cases SET sla_state = :value WHERE case_number = :number"
    for value in ("breached", "at_risk"):
        audited.sql(hide, value=value, number=number)
        assert [one.key for one in _differences(engine)] == [number]
    story.tells(EventKind.SLA_BREACHED, sla_state=SlaState.BREACHED)
    assert _differences(engine) == []
    audited.sql(hide, value="on_track", number=number)
    assert _differences(engine) == [Fault("cases", number, "sla_state is on_track, its events say breached")]
    story.tells(EventKind.SLA_EXTENDED, sla_state=SlaState.AT_RISK)
    assert _differences(engine) == []


def test_a_case_that_is_begun_anew_is_compared_with_its_newest_story(engine: Engine, story: Story) -> None:
    """Reset after its end, to its middle or its beginning: what was told before is not what is."""
    _is_reactivated(story)
    open_again = {"outcome": None, "closed_at": None, "sla_state": SlaState.ON_TRACK}
    story.is_begun_anew(upto=5)
    story.tells(EventKind.STEP_ON_DESK, **open_again)
    assert _differences(engine) == []
    story.tells(EventKind.STEP_OPENED, step=Step.BPJS_RECONNECT)
    assert _differences(engine) == []
    story.is_begun_anew(upto=1)
    story.tells(EventKind.CASE_OPENED, {"track": "emergency"}, step=Step.DOCUMENT_CHECK, attempt=1)
    assert _differences(engine) == []
    _is_reactivated(story)
    assert _differences(engine) == []


def test_a_withdrawn_case_ended_between_the_word_and_the_end(
    engine: Engine, audited: Audited, story: Story
) -> None:
    """An effect under way is awaited in between; the round that was to come is not begun."""
    story.tells(EventKind.CASE_WITHDRAWN)
    said = story.now
    story.tells(EventKind.ANSWER_RECORDED)
    end = {"outcome": Outcome.WITHDRAWN, "closed_at": story.now, "sla_state": SlaState.MET, "attempt": 3}
    story.tells(EventKind.SLA_MET, **end)
    story.tells(EventKind.CASE_CLOSED, {"outcome": "withdrawn"})
    assert _differences(engine) == []
    number = story.state.case.case_number
    move = "UPDATE cases SET closed_at = :at WHERE case_number = :number"
    audited.sql(move, at="2026-03-02 01:01:00.000000", number=number)
    (fault,) = _differences(engine)
    assert (fault.key, str(said)[:19] in fault.what) == (number, True)


def test_a_counter_that_was_turned_back_is_named(
    engine: Engine, audited: Audited, ledger: SqlLedger, story: Story
) -> None:
    """The next case or letter would get a number that was given; a counter that is gone is named too."""
    number = story.state.case.case_number
    new = NewLetter(MORNING.date(), "digest", lambda one, _: f"400.9/{one}", None)
    ledger.issue_letter(number, 1, new)
    assert _differences(engine) == []
    audited.sql("UPDATE counters SET value = value + 3")
    assert _differences(engine) == []
    audited.sql("UPDATE counters SET value = 1 WHERE name = 'case:3674:2026'")
    audited.sql("DELETE FROM counters WHERE name = 'letter:3674:2026'")
    assert _differences(engine) == [
        Fault("counters", "case:3674:2026", "is 1, and 2 was given"),
        Fault("counters", "letter:3674:2026", "is gone, and 1 was given"),
    ]


def test_more_cases_than_are_read_at_once_are_compared(engine: Engine, audited: Audited) -> None:
    """A list of many: each once, none left out."""
    imports, many = SqlImports(engine, a_vault(), a_clock()), 1010
    imports.begin(ImportHead("list", "3674", "f" * 64, many, "tangsel-loket-1", MORNING))
    imports.take("list", [NewRow(row, a_new_case()) for row in range(many)])
    assert _differences(engine) == []
    audited.sql("UPDATE cases SET attempt = 9")
    found = [one.key for one in _differences(engine)]
    assert (len(found), len(set(found))) == (many + 1, many + 1)


def test_every_column_of_the_ledger_is_told_of_once(engine: Engine) -> None:
    """As sealed, compared, or neither; what a form covers is not called open, and nothing is forgotten."""
    told = SqlAudit(engine).coverage()
    for name, table in LedgerTable.metadata.tables.items():
        parts = [set(one.get(name, ())) for one in (told.sealed, told.compared, told.neither)]
        everything = [column for part in parts for column in part]
        assert len(everything) == len(set(everything)), name
        expected = set() if name.startswith("audit_") else {column.name for column in table.columns}
        assert set(everything) == expected, name
    for form in FORMS.values():
        assert set(form.columns) <= set(told.sealed[form.table.name])
    assert {"people", "documents", "desk_items"} <= told.neither.keys()
    assert "waiting_on" in told.neither["cases"]
    assert "counters" not in told.neither

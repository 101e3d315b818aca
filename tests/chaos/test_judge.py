"""The judge finds what is planted: a lost case, a repeated effect, an untold breach, a disagreement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.case import CaseHealth, CaseRef, CaseState, Outcome, SlaState, Step, Track, WaitingOn
from models.messages import Alert, AlertKind, CaseEvent, EventKind
from tests.chaos.evidence import expected_attributes
from tests.chaos.judge import CaseSeen, Evidence, Execution, Wrong, judge, message_of
from tests.chaos.plan import Store

NOW = datetime(2026, 2, 10, 9, tzinfo=UTC)
DUE = NOW - timedelta(minutes=10)
CALM, LATE, WAITING = (f"PBI-3674-2026-{number:06d}" for number in (1, 2, 3))


def a_state(number: str, **changes: object) -> CaseState:
    """Return a case that was reactivated in time."""
    case = CaseRef(
        case_number=number, city="3674", track=Track.EMERGENCY, kecamatan="Pamulang", received_at=NOW
    )
    state = CaseState(
        case=case,
        step=Step.BPJS_RECONNECT,
        waiting_on=WaitingOn.NOBODY,
        since=NOW,
        sla_state=SlaState.MET,
        due_at=NOW + timedelta(hours=24),
        outcome=Outcome.REACTIVATED,
        closed_at=NOW,
    )
    return state.model_copy(update=changes)


def events(*kinds: EventKind) -> tuple[CaseEvent, ...]:
    """Return events of these kinds, numbered, all at the upload."""
    return tuple(
        CaseEvent(seq=seq, kind=kind, at=NOW, step=Step.SIKS_NG_UPLOAD, attempt=1)
        for seq, kind in enumerate(kinds, 1)
    )


def a_breach(number: str, name: str = "100", levels: tuple[int, ...] = (1,)) -> Alert:
    """Return the alert that tells a breach."""
    return Alert(
        key=f"{number}:sla:1:{name}",
        city="3674",
        case_number=number,
        kind=AlertKind.SLA_BREACH,
        raised_at=NOW,
        levels=levels,
    )


UPLOADED = (EventKind.CASE_REGISTERED, EventKind.STEP_OPENED, EventKind.ANSWER_RECORDED)
CASES = {
    CALM: CaseSeen(
        frozenset({"reactivated"}),
        a_state(CALM),
        events(*UPLOADED, EventKind.CASE_CLOSED),
        (),
        "SIKS-1",
        frozenset({1}),
        frozenset({1}),
    ),
    LATE: CaseSeen(
        frozenset({"reactivated"}),
        a_state(LATE, due_at=DUE, sla_state=SlaState.MISSED),
        events(*UPLOADED, EventKind.SLA_BREACHED, EventKind.CASE_CLOSED),
        (a_breach(LATE),),
        "SIKS-2",
        frozenset({1}),
        frozenset({1}),
    ),
    WAITING: CaseSeen(
        frozenset({"NIK_BEDA"}),
        a_state(
            WAITING,
            outcome=None,
            closed_at=None,
            sla_state=SlaState.ON_TRACK,
            health=CaseHealth.STUCK,
            trouble="NIK_BEDA",
        ),
        events(EventKind.CASE_REGISTERED),
        (),
        None,
    ),
}


def evidence(**changes: CaseSeen) -> Evidence:
    """Return what is seen when nothing is wrong, with some cases as seen in another way."""
    cases = tuple(changes.get(name, CASES[number]) for name, number in NAMES.items())
    return Evidence(
        at=NOW,
        cases=cases,
        executions={
            number: Execution(
                is_running=case.state.outcome is None,
                attributes=expected_attributes(case.state),
                result=None if case.state.outcome is None else case.state,
            )
            for number, case in CASES.items()
        },
        expected={case.number: expected_attributes(case.state) for case in cases},
        effects={
            "siks_ng": {f"{CALM}:siks_ng_upload:1": 1, f"{LATE}:siks_ng_upload:1": 1},
            "kemensos": {"SIKS-1": 1, "SIKS-2": 1},
            "bpjs": {"SIKS-1": 1, "SIKS-2": 1},
        },
        received={message_of(a_breach(LATE).key): 2},
    )


NAMES = {"calm": CALM, "late": LATE, "waiting": WAITING}
FINE = evidence()


def wrongs(seen: Evidence) -> list[tuple[Wrong, str]]:
    """Return what the judge names, and about what."""
    return [(finding.wrong, finding.about) for finding in judge(seen)]


def an_execution(number: str, **changes: object) -> Evidence:
    """Return the fine evidence with one case as Temporal should not list it."""
    changed = replace(FINE.executions[number], **changes)  # type: ignore[arg-type]  # a test's shorthand
    return replace(FINE, executions={**FINE.executions, number: changed})


def an_effect(system: str, key: str, times: int | None) -> Evidence:
    """Return the fine evidence with one effect counted otherwise; None takes it out."""
    counted = {**FINE.effects[system], key: times}
    kept = {name: value for name, value in counted.items() if value is not None}
    return replace(FINE, effects={**FINE.effects, system: kept})


def seen_as(number: str, **changes: object) -> Evidence:
    """Return the fine evidence with one case of the ledger otherwise."""
    name = next(name for name, one in NAMES.items() if one == number)
    return evidence(**{name: replace(CASES[number], **changes)})  # type: ignore[arg-type]


def test_it_finds_nothing_where_nothing_is_wrong() -> None:
    """One case in time, one late and told of, one that waits with a reason."""
    assert judge(FINE) == []


OPENED_AGAIN = (*UPLOADED, EventKind.SLA_BREACHED, EventKind.SLA_BREACHED, EventKind.CASE_CLOSED)
PLANTED = {
    "an application without a case": (replace(FINE, caseless=("7",)), Wrong.LOST, "application 7"),
    "a case that nobody applied for": (
        replace(FINE, strangers=("PBI-3674-2026-000009",)),
        Wrong.DOUBLED,
        "PBI-3674-2026-000009",
    ),
    "a command that reached no case": (replace(FINE, undelivered=1), Wrong.LOST, "commands"),
    "a case that waits for another reason": (
        seen_as(WAITING, ends=frozenset({"reactivated"})),
        Wrong.LOST,
        WAITING,
    ),
    "a case with two ends": (
        seen_as(CALM, events=events(*UPLOADED, EventKind.CASE_CLOSED, EventKind.CASE_CLOSED)),
        Wrong.DOUBLED,
        CALM,
    ),
    "a case with an outcome and no end": (seen_as(CALM, events=events(*UPLOADED)), Wrong.LOST, CALM),
    "an effect that happened twice": (an_effect("bpjs", "SIKS-1", 2), Wrong.REPEATED, "SIKS-1"),
    "a second submission under another key": (
        an_effect("siks_ng", f"{CALM}:siks_ng_upload:2", 1),
        Wrong.REPEATED,
        CALM,
    ),
    "a submission of no case": (
        an_effect("siks_ng", "PBI-3674-2026-000009:siks_ng_upload:1", 1),
        Wrong.REPEATED,
        "PBI-3674-2026-000009:siks_ng_upload:1",
    ),
    "a submission that SIKS-NG does not have": (
        an_effect("siks_ng", f"{CALM}:siks_ng_upload:1", None),
        Wrong.UNDONE,
        CALM,
    ),
    "a reactivation that BPJS does not know": (an_effect("bpjs", "SIKS-1", None), Wrong.UNDONE, CALM),
    "a case that Temporal lost": (
        replace(FINE, executions={number: FINE.executions[number] for number in (LATE, WAITING)}),
        Wrong.DISAGREE,
        CALM,
    ),
    "a case that only Temporal has": (
        replace(FINE, executions={**FINE.executions, "PBI-1": FINE.executions[CALM]}),
        Wrong.DISAGREE,
        "PBI-1",
    ),
    "a closed case that still runs": (an_execution(CALM, is_running=True), Wrong.DISAGREE, CALM),
    "a case whose workflow ended otherwise": (
        an_execution(CALM, result=a_state(CALM, outcome=Outcome.REJECTED)),
        Wrong.DISAGREE,
        CALM,
    ),
    "a case that failed in Temporal": (an_execution(CALM, result=None), Wrong.DISAGREE, CALM),
    "a search attribute that lags behind": (
        an_execution(
            WAITING, attributes={**FINE.executions[WAITING].attributes, "CaseStep": "recommendation"}
        ),
        Wrong.DISAGREE,
        WAITING,
    ),
    "a gap in the event numbers": (
        seen_as(CALM, events=tuple(one for one in CASES[CALM].events if one.seq != 2)),
        Wrong.GAP,
        CALM,
    ),
    "a breach that was not noted": (
        seen_as(LATE, events=events(*UPLOADED, EventKind.CASE_CLOSED), alerts=()),
        Wrong.BREACH,
        LATE,
    ),
    "a breach that was noted twice": (
        seen_as(LATE, events=events(*OPENED_AGAIN)),
        Wrong.BREACH,
        LATE,
    ),
    "a breach of a case in time": (
        seen_as(
            CALM,
            events=events(*UPLOADED, EventKind.SLA_BREACHED, EventKind.CASE_CLOSED),
            alerts=(a_breach(LATE).model_copy(update={"case_number": CALM}),),
        ),
        Wrong.BREACH,
        CALM,
    ),
    "an open case that is long late": (
        seen_as(WAITING, state=CASES[WAITING].state.model_copy(update={"due_at": DUE})),
        Wrong.BREACH,
        WAITING,
    ),
    "a breach without an alert": (seen_as(LATE, alerts=()), Wrong.UNTOLD, LATE),
    "a breach that is told twice": (
        seen_as(LATE, alerts=(a_breach(LATE), a_breach(LATE, "L2", (1, 2)))),
        Wrong.UNTOLD,
        LATE,
    ),
    "an alert that nobody received": (replace(FINE, received={}), Wrong.UNTOLD, LATE),
    "a number that two people were given": (replace(FINE, mixed=(CALM,)), Wrong.DOUBLED, CALM),
    "stores put back that nobody noticed": (
        replace(FINE, unmended=("noticed by nobody",)),
        Wrong.UNMENDED,
        "restoring",
    ),
    "a case that was forgotten and still runs": (
        replace(
            FINE,
            executions={**FINE.executions, "PBI-1": FINE.executions[WAITING]},
            forgotten=frozenset({"PBI-1"}),
            older=frozenset({Store.LEDGER}),
        ),
        Wrong.DISAGREE,
        "PBI-1",
    ),
    "a case that is over and runs in an older Temporal": (
        replace(an_execution(CALM, is_running=True), older=frozenset({Store.TEMPORAL})),
        Wrong.DISAGREE,
        CALM,
    ),
    "an open case that an older Temporal lacks": (
        replace(
            FINE,
            executions={number: FINE.executions[number] for number in (CALM, LATE)},
            older=frozenset({Store.TEMPORAL}),
        ),
        Wrong.DISAGREE,
        WAITING,
    ),
    "personal data": (replace(FINE, leaks=("NIK in worker.log",)), Wrong.LEAK, "personal data"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_it_names_what_is_planted(what: str) -> None:
    """Each fault is found under its own name, and beside the case that it is about."""
    seen, wrong, about = PLANTED[what]

    assert (wrong, about) in wrongs(seen)


def test_what_a_store_put_back_forgets_is_not_held_against_it() -> None:
    """An ended run of a case that the ledger lost, its submission, and over cases that Temporal lost."""
    lost = "PBI-3674-2026-000009"
    of_ledger = replace(
        FINE,
        executions={**FINE.executions, lost: replace(FINE.executions[CALM], result=None)},
        effects={**FINE.effects, "siks_ng": {**FINE.effects["siks_ng"], f"{lost}:siks_ng_upload:1": 1}},
        forgotten=frozenset({lost}),
        older=frozenset({Store.LEDGER}),
    )
    assert judge(of_ledger) == []
    of_temporal = replace(
        FINE,
        executions={WAITING: FINE.executions[WAITING]},
        older=frozenset({Store.TEMPORAL}),
    )
    assert judge(of_temporal) == []


def test_a_level_above_the_breach_is_not_a_second_breach() -> None:
    """The climb to the next level is told by an alert of its own."""
    climbed = a_breach(LATE, "L2", (2,))
    seen = replace(
        seen_as(LATE, alerts=(a_breach(LATE), climbed)),
        received={message_of(a_breach(LATE).key): 1, message_of(climbed.key): 1},
    )

    assert judge(seen) == []


def test_a_breach_of_a_moment_ago_may_be_told_in_a_moment() -> None:
    """A case that has just become late is not yet judged for it."""
    state = CASES[WAITING].state.model_copy(update={"due_at": NOW - timedelta(seconds=1)})

    assert (Wrong.BREACH, WAITING) not in wrongs(seen_as(WAITING, state=state))


def test_who_was_covered_when_his_upload_came_is_not_handed_in() -> None:
    """The step was answered as moot: that SIKS-NG has nothing of it is right."""
    moot = [
        event.model_copy(update={"facts": {"decision": "moot"}})
        if event.kind is EventKind.ANSWER_RECORDED
        else event
        for event in CASES[CALM].events
    ]
    active = a_state(CALM, outcome=Outcome.ALREADY_ACTIVE)
    seen = seen_as(CALM, state=active, events=tuple(moot), ends=frozenset({"already_active"}))
    nothing = {key: times for key, times in FINE.effects["siks_ng"].items() if not key.startswith(CALM)}

    found = wrongs(replace(seen, effects={**FINE.effects, "siks_ng": nothing}))
    assert (Wrong.UNDONE, CALM) not in found

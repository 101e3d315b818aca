"""When a case is stuck, which groups that makes, and what to type next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from gateways.policy_folder import PolicyFolder
from models.case import CaseHealth, CaseState, Outcome, Step, Track, WaitingOn
from models.case_words import CaseWords
from models.desk import DeskItem, Gone, ItemKind
from models.lineage import Discord, Held
from models.outbox import AlertEntry, AlertState
from models.roles import Role
from models.standstill import StuckPolicy, judged, loses_patience_at, stands_still
from models.stuck_groups import groups_of
from models.texts import trouble_words
from models.views import views_at
from models.why import UNKNOWN, Glance, PendingActivity, Why
from runtime.settings import ROOT
from tests.builders import a_case
from tests.unit.test_routing import alert

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
POLICY = StuckPolicy()
RULE = POLICY.rule_of(Track.MEDICAL)
SERVED = Glance(answers=True, is_running=True, workers=1)


def a_state(hours: float = 1, **fields: object) -> CaseState:
    """Return a case of the medical track that has waited so long for Kemensos, unless told otherwise."""
    case = a_case(received_at=NOW - timedelta(days=9), track=Track.MEDICAL)
    usual = {
        "case": case,
        "since": NOW - timedelta(hours=hours),
        "step": Step.KEMENSOS_VERIFICATION,
        "waiting_on": WaitingOn.KEMENSOS,
    }
    return CaseState.model_validate(usual | fields)


def stuck(trouble: str, hours: float = 1, **fields: object) -> CaseState:
    """Return a case that is stuck for a reason."""
    return a_state(hours, health=CaseHealth.STUCK, trouble=trouble, **fields)


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        (a_state(11.9), None),
        (a_state(12), "waits.kemensos"),
        (a_state(2, waiting_on=WaitingOn.SIKS_NG), "waits.siks_ng"),
        (a_state(23, waiting_on=WaitingOn.OFFICER), None),
        (a_state(99, waiting_on=WaitingOn.APPLICANT), None),
        (a_state(1, attempt=3), None),
        (a_state(1, attempt=4), "attempts"),
        (a_state(12, attempt=4), "waits.kemensos"),
        (a_state(99, health=CaseHealth.PARKED, trouble="outage.kemensos"), "outage.kemensos"),
        (stuck("Refused", hours=99), "Refused"),
    ],
)
def test_the_rule_calls_a_case_stuck(state: CaseState, trouble: str | None) -> None:
    """By the wait, by the attempt; what stands still or is parked has its own reason."""
    assert judged(state, RULE, NOW).trouble == trouble


def test_a_case_that_goes_on_does_not_stand_still() -> None:
    """Slow cases are stuck and are answered as ever; patience is lost once."""
    assert stands_still(stuck("Refused"))
    assert not stands_still(stuck("waits.kemensos"))
    assert not stands_still(a_state())
    assert loses_patience_at(stuck("waits.kemensos"), RULE) is None
    assert loses_patience_at(stuck("attempts"), RULE) is not None


def test_a_policy_names_only_whom_it_has_another_patience_with() -> None:
    """The others keep our number; whoever cannot be waited for is refused."""
    policy = StuckPolicy.model_validate({"waiting": {"kemensos": "PT1H"}})
    assert policy.waiting[WaitingOn.KEMENSOS] == timedelta(hours=1)
    assert policy.waiting[WaitingOn.SIKS_NG] == RULE.waiting[WaitingOn.SIKS_NG]
    for wrong in ({"waiting": {"applicant": "P1D"}}, {"waiting": {"bpjs": "PT0S"}}, {"attempt": 3}):
        with pytest.raises(ValidationError):
            StuckPolicy.model_validate(wrong)


def test_an_emergency_is_waited_for_less_long() -> None:
    """A quarter of its 24 hours at most; a city names only what it changes, for each track."""
    usual, emergency = POLICY.rule_of(Track.NEWBORN), POLICY.rule_of(Track.EMERGENCY)
    assert usual == RULE
    assert all(emergency.waiting[one] < RULE.waiting[one] for one in RULE.waiting)
    assert max(emergency.waiting.values()) <= timedelta(hours=6)
    tracks = {"emergency": {"kemensos": "PT2H"}, "newborn": {"bpjs": "PT3H"}}
    policy = StuckPolicy.model_validate({"waiting": {"bpjs": "PT9H"}, "tracks": tracks})
    waits = {track: policy.rule_of(track).waiting for track in Track}
    assert waits[Track.EMERGENCY][WaitingOn.KEMENSOS] == timedelta(hours=2)
    assert waits[Track.EMERGENCY][WaitingOn.BPJS] == emergency.waiting[WaitingOn.BPJS]
    assert waits[Track.NEWBORN][WaitingOn.BPJS] == timedelta(hours=3)
    assert waits[Track.MEDICAL][WaitingOn.BPJS] == timedelta(hours=9)
    for track, wrong in (("emergency", {"applicant": "P1D"}), ("emergency", {"bpjs": "PT0S"}), ("rush", {})):
        with pytest.raises(ValidationError):
            StuckPolicy.model_validate({"tracks": {track: wrong}})


def test_what_is_not_marked_is_apart_by_track() -> None:
    """Each track has waited too long after another time: one filter would find some that have not."""
    case = a_case(received_at=NOW - timedelta(days=9))
    emergency, medical = a_state(7, case=case), a_state(13)
    groups = groups_of([emergency, medical, a_state(7)], {"3674": POLICY}, NOW)
    assert sorted(" ".join(group.where.split(" AND ")[1:3]) for group in groups) == [
        'StepSince < "2026-03-01T17:00:00Z" CaseTrack="medical"',
        'StepSince < "2026-03-01T23:00:00Z" CaseTrack="emergency"',
    ]


def test_groups_hold_what_their_filter_finds() -> None:
    """One group for each reason and step, the largest first, the oldest case first; well ones in none."""
    old, new = stuck("Refused", hours=5), stuck("Refused", hours=2)
    unmarked, returned = a_state(13), stuck("NIK_BEDA")
    groups = groups_of([new, unmarked, a_state(1), old, returned], {"3674": POLICY}, NOW)
    assert [(group.trouble, group.count, group.is_marked) for group in groups] == [
        ("Refused", 2, True),
        ("NIK_BEDA", 1, True),
        ("waits.kemensos", 1, False),
    ]
    refused, mended, waits = groups
    assert (refused.oldest, refused.examples[0]) == (old.since, old.case.case_number)
    assert refused.where == (
        'CaseHealth="stuck" AND CaseTrouble="Refused" AND CaseStep="kemensos_verification" AND City="3674"'
    )
    assert waits.where.startswith(
        'WaitingOn="kemensos" AND StepSince < "2026-03-01T17:00:00Z" AND CaseTrack="medical"'
    )
    assert refused.fix == f"starter.py bulk retry --where '{refused.where}'"
    assert waits.fix.startswith("starter.py bulk escalate")
    assert mended.fix == f"starter.py why {returned.case.case_number}"
    (behind,) = groups_of([stuck("LedgerBehind")], {"3674": POLICY}, NOW)
    assert behind.fix == "starter.py recover --lost"


def an_item(state: CaseState, assignee: str | None) -> DeskItem:
    """Return open work on a case's step."""
    return DeskItem(
        *(7, state.case, ItemKind.ANSWER, state.step, 1, Role.SIKS_NG_OPERATOR, None, NOW, None, assignee),
        *(None, None, None, None),
    )


def an_entry(state: CaseState) -> AlertEntry:
    """Return an alert of a case that nobody took charge of."""
    about = alert().model_copy(update={"case_number": state.case.case_number})
    return AlertEntry(about, AlertState.OPEN, None, None, None)


def why(state: CaseState, glance: Glance = SERVED, *items: DeskItem, entry: AlertEntry | None = None) -> Why:
    """Return what is known of a case."""
    return Why(state, items, 0, entry, glance, is_begun=True, now=NOW, words=CaseWords.of(state, [], NOW))


def test_what_to_type_next_follows_from_where_the_case_stands() -> None:
    """A whole command for each, with the number of the case or the item."""
    waits, applicant = stuck("waits.kemensos"), stuck("DOK_KURANG", waiting_on=WaitingOn.APPLICANT)
    refused, parked = stuck("Refused"), a_state(health=CaseHealth.PARKED, trouble="outage.kemensos")
    number = refused.case.case_number
    only = f"--where 'WorkflowId=\"{waits.case.case_number}\"'"
    assert why(refused).next == (f"starter.py retry {number}",)
    assert why(stuck("BadReply")).next[0] == "starter.py doctor"
    assert why(stuck("LedgerBehind")).next[0].startswith("starter.py recover ")
    assert why(applicant).next[0] == f"starter.py documents add {applicant.case.case_number} KIND=PATH"
    assert why(parked).next == ("starter.py outage list", "starter.py outage end kemensos")
    assert why(waits, SERVED, entry=an_entry(waits)).next == (
        f"starter.py alerts ack {waits.case.case_number}",
        f"starter.py bulk escalate {only}",
    )
    assert why(a_state(), SERVED, an_item(a_state(), None)).next == ("starter.py desk claim 7",)
    assert why(a_state(), SERVED, an_item(a_state(), "budi")).next[1] == "starter.py desk assign 7 OFFICER"
    left = replace(an_item(a_state(), "budi"), gone=Gone.LEFT)
    assert why(a_state(), SERVED, left).next == ("starter.py desk claim 7",)
    assert why(a_state()).next == ()
    assert why(a_state(outcome=Outcome.REJECTED), UNKNOWN).next == ()


def test_a_reference_of_two_cases_is_compared_and_not_asked_for_again() -> None:
    """`why` and `stuck` name the other case; asking SIKS-NG again brings the same reference."""
    other = "PBI-3674-2026-000099"
    taken = stuck(f"ReferenceTaken:{other}", step=Step.SIKS_NG_UPLOAD)
    number = taken.case.case_number
    first, second, third = why(taken).next
    assert (first, second) == (f"starter.py show {other}", f"starter.py receipt void {other} --reason WHY")
    assert third.startswith(f"starter.py answer {number} siks_ng_upload --approve --receipt REF")
    (group,) = groups_of([taken], {"3674": POLICY}, NOW)
    assert group.fix == f"starter.py why {number}"
    words = trouble_words(taken.trouble or "", PolicyFolder(ROOT / "policies").reasons())
    assert words == f"referensi dari SIKS-NG sudah tercatat pada kasus lain, bandingkan di portal ({other})"


def test_what_is_wrong_with_the_engine_comes_first() -> None:
    """No command helps a case that nobody serves, that is lost, or whose code fails."""
    refused = stuck("Refused")
    assert why(refused, UNKNOWN).next == ("starter.py doctor", "worker.py")
    assert why(refused, Glance(answers=True, is_running=True)).next == ("starter.py doctor", "worker.py")
    assert why(refused, Glance(answers=True, workers=1)).next[0].startswith("starter.py recover ")
    unbegun = replace(why(refused, Glance(answers=True, workers=1)), is_begun=False)
    assert unbegun.next[0] == "starter.py sweep"
    met = replace(unbegun, glance=Glance(answers=True, is_known=True, workers=1))
    assert met.next[0].startswith("starter.py recover "), "a start would meet what has its number"
    other = replace(SERVED, tells_else=True)
    assert why(refused, other).next == (f"starter.py recover {refused.case.case_number}", "starter.py doctor")
    held = replace(why(refused, SERVED), held=Held(NOW, Discord.LEDGER_OLDER))
    assert held.next == ("starter.py restored", "starter.py doctor"), "what it would need gets no number"
    unreadable = replace(why(a_state()), is_unreadable=True)
    number = unreadable.state.case.case_number
    assert unreadable.error == "KeyLost"
    assert unreadable.next == (f"starter.py withdraw {number} --reason WHY", "starter.py submit FILE")
    lost = replace(unreadable, glance=replace(SERVED, is_running=False))
    assert lost.next[0] == f"starter.py recover {number}", "who is to be withdrawn must run"
    assert replace(unreadable, held=held.held).next == held.next
    fails = why(refused, Glance(answers=True, is_running=True, workers=1, task_attempts=3))
    assert (fails.error, fails.next[0].split()[0]) == ("Unexpected", "temporal")


def test_the_last_error_is_that_of_the_call_under_way() -> None:
    """A case that is asked again shows what the last call said; waiting for a decision is no error."""
    failing = PendingActivity("siks_ng_upload", 4, NOW, "Unavailable")
    glance = Glance(answers=True, is_running=True, workers=1, pending=(failing,))
    assert why(a_state(), glance).error == "Unavailable"
    polling = PendingActivity("kemensos_verification", 9, NOW, "NotYetAnswered")
    assert why(a_state(), Glance(answers=True, is_running=True, workers=1, pending=(polling,))).error is None
    assert why(stuck("Refused")).error == "Refused"
    assert why(stuck("waits.kemensos")).error is None


def test_views_hold_the_times_of_now() -> None:
    """A filter knows no `now`; each view has the city's condition when one is chosen."""
    views = {view.name: view.query for view in views_at(NOW, "3674", ["Setu"])}
    assert views["Jatuh tempo 4 jam"].endswith(
        'AND City="3674" AND SlaDueAt > "2026-03-02T05:00:00Z" AND SlaDueAt < "2026-03-02T09:00:00Z"'
    )
    assert views["Kecamatan Setu"].endswith('Kecamatan="Setu"')
    assert 'City="' not in views_at(NOW, None, [])[0].query

"""From an alert to people: roles, areas, deputies, and never nobody."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import Step
from models.ladder import LadderPolicy
from models.messages import Alert, AlertKind
from models.roles import Act, Officer, People, Role
from models.routing import Routing, about, climb, route

TODAY = date(2026, 3, 2)
AWAY = [{"from": "2026-03-01", "to": "2026-03-02"}]
LADDER = LadderPolicy.model_validate(
    {
        "fallback": "fallback",
        "levels": [
            {"role": "supervisor"},
            {"role": "head_of_section", "after": "PT1H"},
            {"role": "head_of_office", "after": "PT4H"},
        ],
        "repeat_after": "PT30M",
        "repeat_at_most": "PT4H",
        "storm": {"more_than": 10, "within": "PT10M"},
    }
)


def officer(name: str, role: str, **more: object) -> Officer:
    """Return an officer of one role, in city 3674 unless told otherwise."""
    facts = {"id": name, "name": "Petugas (contoh)", "roles": [role], "cities": ["3674"], **more}
    return Officer.model_validate(facts)


FALLBACK = officer("fallback", "supervisor", cities=["3275"])
"""Serves elsewhere, so that it is told as the fallback only."""


def people(*there: Officer) -> People:
    """Return these people and the fallback."""
    return People(person=(*there, FALLBACK))


def alert(
    kind: AlertKind = AlertKind.SLA_BREACH, level: int = 1, levels: Iterable[int] = (), **more: object
) -> Alert:
    """Return an alert about a case of Pamulang in 3674."""
    return Alert(
        key="k",
        city="3674",
        case_number="PBI-3674-2026-000001",
        kind=kind,
        level=level,
        levels=tuple(levels),
        step=Step.SIKS_NG_UPLOAD,
        kecamatan="Pamulang",
        due_at=None,
        raised_at=datetime(2026, 3, 2, tzinfo=UTC),
    ).model_copy(update=more)


OFFICE = (
    officer("operator", "siks_ng_operator"),
    officer("boss", "supervisor"),
    officer("section", "head_of_section"),
    officer("head", "head_of_office"),
)


@pytest.mark.parametrize(
    ("told", "recipients"),
    [
        (alert(AlertKind.SLA_WARNING, 0), {"operator"}),
        (alert(AlertKind.SLA_WARNING, 0, step=Step.BPJS_RECONNECT), {"operator"}),
        (alert(AlertKind.CASE_RETURNED, 0), {"operator"}),
        (alert(AlertKind.CASE_STUCK, 0), {"boss"}),
        (alert(AlertKind.ROUNDS_EXHAUSTED, 0), {"boss"}),
        (alert(AlertKind.SLA_BREACH, 0), {"boss"}),
        (alert(AlertKind.SLA_BREACH, 1), {"boss"}),
        (alert(AlertKind.SLA_BREACH, 2), {"section"}),
        (alert(AlertKind.SLA_BREACH, 3), {"head"}),
        (alert(AlertKind.SLA_BREACH, 9), {"head"}),
        (alert(AlertKind.SLA_BREACH, 3, [1, 2, 3]), {"boss", "section", "head"}),
        (alert(AlertKind.CASE_STUCK, 2, [2]), {"section"}),
        (alert(AlertKind.UNDELIVERABLE, 1), {"fallback"}),
        (alert(AlertKind.UNROUTABLE, 1), {"fallback"}),
    ],
)
def test_kind_and_level_choose_the_role(told: Alert, recipients: set[str]) -> None:
    """Warnings the role whose step it is; a breach every level it has reached; the rest the first level."""
    routing = route(told, LADDER, people(*OFFICE), TODAY)
    assert (set(routing.recipients), routing.problems) == (recipients, ())


@pytest.mark.parametrize(
    ("there", "recipients", "problems"),
    [
        ([officer("aa", "supervisor"), officer("bb", "supervisor")], ("aa", "bb"), ()),
        ([officer("aa", "supervisor", kecamatan=["Pamulang"])], ("aa",), ()),
        ([officer("aa", "supervisor", absent=AWAY), officer("bb", "supervisor")], ("bb",), ()),
        ([officer("aa", "supervisor", absent=AWAY, deputy="bb"), officer("bb", "intake")], ("bb",), ()),
        (
            [
                officer("aa", "supervisor", absent=AWAY, deputy="bb"),
                officer("bb", "intake", absent=AWAY, deputy="cc"),
                officer("cc", "intake"),
            ],
            ("cc",),
            (),
        ),
        ([officer("aa", "supervisor", absent=AWAY, deputy="bb"), officer("bb", "supervisor")], ("bb",), ()),
        ([], ("fallback",), ("supervisor:nobody", "head_of_section:nobody", "head_of_office:nobody")),
        ([officer("aa", "head_of_section")], ("aa",), ("supervisor:nobody",)),
        (
            [officer("aa", "supervisor", kecamatan=["Ciputat"]), officer("bb", "head_of_section")],
            ("bb",),
            ("supervisor:nobody",),
        ),
        (
            [officer("aa", "supervisor", cities=["3275"]), officer("bb", "head_of_section")],
            ("bb",),
            ("supervisor:nobody",),
        ),
        (
            [officer("aa", "supervisor", absent=AWAY), officer("bb", "head_of_office")],
            ("bb",),
            ("supervisor:absent", "head_of_section:nobody"),
        ),
        (
            [
                officer("aa", "supervisor", absent=AWAY, deputy="bb"),
                officer("bb", "intake", absent=AWAY),
                officer("cc", "head_of_section"),
            ],
            ("cc",),
            ("supervisor:absent",),
        ),
    ],
)
def test_who_is_there_hears_it(
    there: list[Officer], recipients: tuple[str, ...], problems: tuple[str, ...]
) -> None:
    """The absent are replaced by deputies, a role without anybody by the next level, and that is said."""
    assert route(alert(), LADDER, people(*there), TODAY) == Routing(recipients, problems)


@pytest.mark.parametrize(("day", "told"), [(28, "bb"), (1, "aa"), (2, "aa"), (3, "bb")])
def test_an_absence_holds_on_its_first_and_last_day(day: int, told: str) -> None:
    """Not the day before or after."""
    today = date(2026, 2 if day == 28 else 3, day)
    there = people(officer("bb", "supervisor", absent=AWAY, deputy="aa"), officer("aa", "intake"))
    assert route(alert(), LADDER, there, today).recipients == (told,)


FALLBACK_AWAY = officer("fallback", "supervisor", cities=["3275"], absent=AWAY)
BOSS_AWAY = officer("boss", "supervisor", absent=AWAY)


@pytest.mark.parametrize(
    ("there", "recipients"),
    [
        ([FALLBACK_AWAY], ("fallback",)),
        ([FALLBACK_AWAY.model_copy(update={"deputy": "bb"}), officer("bb", "intake")], ("bb",)),
        ([FALLBACK_AWAY, BOSS_AWAY, officer("aa", "intake"), officer("bb", "verifier")], ("aa", "bb")),
        ([FALLBACK_AWAY, BOSS_AWAY, officer("aa", "auditor")], ("fallback", "boss")),
        ([FALLBACK_AWAY, BOSS_AWAY, officer("aa", "intake", kecamatan=["Ciputat"])], ("fallback", "boss")),
        ([BOSS_AWAY, officer("aa", "verifier", absent=AWAY)], ("fallback", "boss", "aa")),
    ],
)
def test_a_day_without_anybody_of_the_ladder_tells_whoever_is_present(
    there: list[Officer], recipients: tuple[str, ...]
) -> None:
    """And may acknowledge. When nobody is, everybody is told though absent: somebody may still read."""
    assert route(alert(), LADDER, People(person=tuple(there)), TODAY).recipients == recipients


@pytest.mark.parametrize(
    ("told", "groups"),
    [
        (alert(AlertKind.SLA_WARNING, 0), [["boss"], ["section"], ["head"], ["fallback"]]),
        (alert(AlertKind.CASE_LOST, 0), [["section"], ["head"], ["fallback"]]),
        (alert(AlertKind.SLA_BREACH, 2), [["head"], ["fallback"]]),
        (alert(AlertKind.SLA_BREACH, 3, [1, 2, 3]), [["fallback"]]),
        (alert(AlertKind.NO_WORKER, 0, step=None, kecamatan=None), [["section"], ["head"], ["fallback"]]),
        (alert(AlertKind.UNDELIVERABLE, 3), [["boss"], ["section"], ["head"], ["fallback"]]),
    ],
)
def test_what_reaches_nobody_climbs_level_by_level_and_then_to_everybody(
    told: Alert, groups: list[list[str]]
) -> None:
    """Beyond the fallback those who are present and may acknowledge, the absent, and other areas' people."""
    more = (
        officer("away", "verifier", absent=AWAY),
        officer("there", "verifier", kecamatan=["Ciputat"]),
        officer("auditor", "auditor"),
        officer("bekasi", "supervisor", cities=["3275"]),
    )
    found = list(climb(told, LADDER, people(*OFFICE, *more), TODAY))
    present = ["operator", "boss", "section", "head"]
    area = told.kecamatan is None
    assert found[: len(groups)] == groups
    assert found[len(groups) :] == [
        [*present, "there"] if area else present,
        ["fallback", *present, "away", *(["there"] if area else [])],
        [*present, "away", "there"],
    ]


def test_a_level_that_is_climbed_to_is_served_by_deputies_too() -> None:
    """And by nobody of another area; a level without anybody is an empty group."""
    there = (
        officer("section", "head_of_section", absent=AWAY, deputy="bb"),
        officer("bb", "intake"),
        officer("head", "head_of_office", kecamatan=["Ciputat"]),
    )
    assert list(climb(alert(), LADDER, people(*there), TODAY))[:2] == [["bb"], []]


def test_an_alert_about_an_alert_is_one_of_its_own() -> None:
    """It has a key of its own, which is the same again."""
    first = about(alert(levels=(1, 2)), AlertKind.UNROUTABLE, "supervisor:nobody")
    assert first.key == "k:alert.unroutable:supervisor:nobody"
    assert (first.detail, first.levels) == ("supervisor:nobody", ())
    Alert.model_validate(first.model_dump())


_IDS = st.sampled_from(["a1", "b1", "c1", "d1", "e1"])


@st.composite
def _offices(draw: st.DrawFn) -> People:
    """Draw people with any roles, areas, absences and chains of deputies."""
    ids = draw(st.lists(_IDS, unique=True, max_size=5))
    there = []
    for at, name in enumerate(ids):
        facts = {
            "id": name,
            "name": "Petugas (contoh)",
            "roles": draw(st.sets(st.sampled_from(list(Role)), min_size=1)),
            "cities": draw(st.sets(st.sampled_from(["3674", "3275"]), min_size=1)),
            "kecamatan": draw(st.sampled_from([[], ["Pamulang"], ["Ciputat"]])),
            "absent": draw(st.sampled_from([[], AWAY])),
            "deputy": draw(st.sampled_from([None, *ids[at + 1 :], "fallback"])),
        }
        there.append(Officer.model_validate(facts))
    fallback = draw(st.sampled_from([FALLBACK, FALLBACK_AWAY]))
    return People(person=(*there, fallback))


@given(_offices(), st.sampled_from(list(AlertKind)), st.lists(st.integers(0, 5), max_size=4), st.data())
def test_there_is_always_somebody(
    there: People, kind: AlertKind, levels: list[int], data: st.DataObject
) -> None:
    """Who is told is known, and present unless nobody is; and who is left out is said."""
    told = alert(kind, data.draw(st.integers(0, 5)), levels, step=data.draw(st.sampled_from(list(Step))))
    routing = route(told, LADDER, there, TODAY)
    assert routing.recipients
    assert len(set(routing.recipients)) == len(routing.recipients)
    found = [there.find(name) for name in routing.recipients]
    able = [one for one in there.person if one.may(Act.ACK) and one.serves_area("3674", "Pamulang")]
    if any(one is None or one.is_absent(TODAY) for one in found):
        assert all(one.is_absent(TODAY) for one in able)
        assert {one.id for one in able} <= set(routing.recipients)

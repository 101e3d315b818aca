"""The daily digest: what is late, what will be by hand-computed medians, and the words of it."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.policy_folder import PolicyFolder
from models.case import CaseHealth, Step
from models.desk import DeskItem, ItemKind
from models.digest import (
    WORDS_AT_MOST,
    CityFigures,
    DigestAsk,
    DigestFigures,
    OpenCase,
    digest_of,
    words_of,
)
from models.errors import Misconfigured
from models.messages import Alert, AlertKind
from models.outage import System
from models.roles import Role
from runtime.ladders import check_ladders
from tests.builders import a_case as a_case_ref

ROOT = Path(__file__).resolve().parents[2]
SHELF = PolicyFolder(ROOT / "policies")
TEXTS, PEOPLE = SHELF.alert_texts().daily, SHELF.people()
NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
"""07:00 in Jakarta."""
TODAY = date(2026, 3, 2)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIVE = [timedelta(minutes=minutes) for minutes in (100, 20, 30, 10, 40)]
"""Their median is 30 minutes, their mean 40."""


def a_case(
    number: int,
    due: timedelta | None,
    *,
    step: Step = Step.RECOMMENDATION,
    opened: timedelta = timedelta(0),
    since: timedelta = timedelta(0),
    health: CaseHealth = CaseHealth.OK,
) -> OpenCase:
    """Return an open case; times are counted from now, `opened` and `since` backwards."""
    return OpenCase(
        case_number=of(number),
        step=step,
        opened_at=NOW - opened,
        since=NOW - since,
        due_at=None if due is None else NOW + due,
        health=health,
    )


def of(number: int) -> str:
    """Return a case number."""
    return f"PBI-3674-2026-{number:06d}"


def told(*cases: OpenCase, spans: list[timedelta] | None = None) -> DigestFigures:
    """Return the digest of these cases, when recommendations took so long from their opening to the end."""
    return digest_of(CityFigures(cases, 0, {Step.RECOMMENDATION: spans or []}), PEOPLE, TODAY, NOW)


# -- Figures -------------------------------------------------------------------------------------


def test_overdue_comes_before_due_today_and_the_day_is_of_jakarta() -> None:
    """A case that is due now is overdue; midnight is 17:00 UTC. The longest overdue stands first."""
    figures = told(
        a_case(1, timedelta(0)),
        a_case(2, MINUTE),
        a_case(3, 17 * HOUR - MINUTE),
        a_case(4, 17 * HOUR),
        a_case(5, -3 * HOUR),
        a_case(6, None),
    )
    assert figures.overdue == (of(5), of(1))
    assert figures.due_today == (of(2), of(3))
    assert figures.open == 6


@pytest.mark.parametrize(
    ("opened", "due", "is_late"),
    [
        (timedelta(0), 31 * MINUTE, False),
        (timedelta(0), 30 * MINUTE, False),
        (timedelta(0), 29 * MINUTE, True),
        (10 * MINUTE, 21 * MINUTE, False),
        (10 * MINUTE, 19 * MINUTE, True),
        (5 * HOUR, MINUTE, False),
        (5 * HOUR, -MINUTE, False),
    ],
    ids=["after", "at", "before", "part is gone", "part is gone, late", "any moment now", "overdue already"],
)
def test_the_forecast_adds_the_median_to_when_the_step_was_opened(
    opened: timedelta, due: timedelta, *, is_late: bool
) -> None:
    """Half of the others were done 30 minutes after it; a case that took longer may end now."""
    figures = told(a_case(1, due, opened=opened), spans=FIVE)
    assert (figures.late_soon == (of(1),)) is is_late
    assert figures.without_forecast == 0


def test_of_an_even_number_the_two_in_the_middle_count() -> None:
    """10, 20, 30, 40, 100, 100 minutes: 35."""
    spans = [*FIVE, 100 * MINUTE]
    assert told(a_case(1, 34 * MINUTE), spans=spans).late_soon == (of(1),)
    assert told(a_case(1, 36 * MINUTE), spans=spans).late_soon == ()


def test_with_few_examples_there_is_no_forecast() -> None:
    """The digest says for how many; neither for the overdue nor for a case whose clock does not run."""
    cases = (a_case(1, MINUTE), a_case(2, 30 * HOUR), a_case(3, -MINUTE), a_case(4, None))
    figures = told(*cases, spans=FIVE[:4])
    assert (figures.late_soon, figures.without_forecast) == ((), 2)
    other_step = told(a_case(1, MINUTE, step=Step.SIKS_NG_UPLOAD), spans=FIVE)
    assert (other_step.late_soon, other_step.without_forecast) == ((), 1)


def test_the_oldest_of_each_step_and_what_stands_still() -> None:
    """By how long they wait for whom they wait for, in the order of the steps; empty steps are left out."""
    figures = told(
        a_case(1, None, step=Step.BPJS_RECONNECT, since=4 * HOUR, health=CaseHealth.STUCK),
        a_case(2, None, since=2 * HOUR, opened=5 * HOUR, health=CaseHealth.PARKED),
        a_case(3, None, since=3 * HOUR, opened=HOUR, health=CaseHealth.PARKED),
    )
    assert list(figures.oldest.items()) == [
        (Step.RECOMMENDATION, (of(3), NOW - 3 * HOUR)),
        (Step.BPJS_RECONNECT, (of(1), NOW - 4 * HOUR)),
    ]
    assert (figures.stuck, figures.parked) == (1, 2)


# -- Words ---------------------------------------------------------------------------------------


def test_an_empty_office_is_told_so() -> None:
    """The reader must be able to tell it from a digest that did not come."""
    words = words_of(told(), "Kota Contoh", TEXTS)
    assert words.splitlines() == [
        "Kota Contoh, keadaan 2 Mar 2026 07.00 WIB",
        "Tidak ada kasus terbuka: tidak ada yang terlambat dan tidak ada yang menunggu.",
    ]


def test_the_words_of_a_morning() -> None:
    """Every line, as it is sent."""
    city = CityFigures(
        cases=(
            a_case(1, -HOUR, since=26 * HOUR, health=CaseHealth.STUCK),
            a_case(2, 20 * MINUTE, since=HOUR),
            a_case(3, 20 * HOUR, step=Step.SIKS_NG_UPLOAD, health=CaseHealth.PARKED),
        ),
        unassigned=4,
        remaining={Step.RECOMMENDATION: FIVE},
        outages=((System.SIKS_NG, NOW - HOUR),),
    )
    assert words_of(digest_of(city, PEOPLE, TODAY, NOW), "Kota Contoh", TEXTS).splitlines() == [
        "Kota Contoh, keadaan 2 Mar 2026 07.00 WIB",
        "GANGGUAN SIKS-NG sejak 2 Mar 2026 06.00 WIB",
        "Kasus terbuka: 3 (macet 1, diparkir 1)",
        "LEWAT BATAS WAKTU: 1",
        f"  {of(1)}",
        "Jatuh tempo hari ini: 1",
        f"  {of(2)}",
        "Diperkirakan akan terlambat: 1",
        f"  {of(2)}",
        "Belum dapat diperkirakan: 1 (kasus selesai yang sejenis belum cukup)",
        "Pekerjaan yang belum diambil siapa pun: 4",
        "Paling lama menunggu di tiap langkah:",
        f"  Rekomendasi Dinsos: {of(1)} sejak 1 Mar 2026 05.00 WIB",
        f"  Unggah ke SIKS-NG: {of(3)} sejak 2 Mar 2026 07.00 WIB",
    ]


def an_item(number: int, assignee: str | None) -> DeskItem:
    """Return a check of papers that lies in somebody's hand."""
    return DeskItem(
        id=number,
        case=a_case_ref(),
        kind=ItemKind.ANSWER,
        step=Step.DOCUMENT_CHECK,
        attempt=1,
        role=Role.VERIFIER,
        reason=None,
        opened_at=NOW,
        due_at=None,
        assignee=assignee,
        claimed_at=NOW,
        closed_at=None,
        closed_by=None,
        result=None,
    )


def test_work_in_hands_that_are_gone_is_told_with_whose_they_were() -> None:
    """He left, or does other work now; who is there, and the line of a morning without, are not named."""
    held = [
        an_item(1, "tangsel-verifikator-1"),
        an_item(2, "sudah-keluar"),
        an_item(3, "sudah-keluar"),
        an_item(4, "tangsel-loket-1"),
    ]
    city = CityFigures((a_case(1, HOUR),), 4, {}, held=held)
    figures = digest_of(city, PEOPLE, TODAY, NOW)
    assert figures.gone == {"sudah-keluar": 2, "tangsel-loket-1": 1}
    line = "Di tangan orang yang tidak ada lagi atau tidak masuk: 3 (sudah-keluar, tangsel-loket-1)"
    assert line in words_of(figures, "Kota Contoh", TEXTS).splitlines()
    assert "Di tangan" not in words_of(told(a_case(1, HOUR)), "Kota Contoh", TEXTS)


def test_many_hands_that_are_gone_are_counted() -> None:
    """Ten are named; the line is not cut off."""
    held = [an_item(number, f"keluar-{number:02}") for number in range(1, 13)]
    figures = digest_of(CityFigures((a_case(1, HOUR),), 0, {}, held=held), PEOPLE, TODAY, NOW)
    assert ", keluar-10 dan 2 lainnya)" in words_of(figures, "Kota Contoh", TEXTS)


@pytest.mark.parametrize(("overdue", "more"), [(10, ""), (11, " dan 1 lainnya"), (990, " dan 980 lainnya")])
def test_ten_are_named_and_the_rest_is_counted(overdue: int, more: str) -> None:
    """The ten that are late for longest."""
    figures = told(*(a_case(number, -number * MINUTE) for number in range(1, overdue + 1)))
    named = ", ".join(of(number) for number in range(overdue, overdue - 10, -1))
    assert f"LEWAT BATAS WAKTU: {overdue}\n  {named}{more}\n" in words_of(figures, "Kota Contoh", TEXTS)


_SPANS = st.timedeltas(timedelta(0), timedelta(days=3))
_CASES = st.builds(
    a_case,
    st.integers(1, 999_999),
    st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=3)),
    step=st.sampled_from(Step),
    opened=_SPANS,
    since=_SPANS,
    health=st.sampled_from(CaseHealth),
)


@settings(max_examples=60)
@given(
    st.lists(_CASES, max_size=60),
    st.dictionaries(st.sampled_from(Step), st.lists(_SPANS, max_size=12)),
    st.randoms(use_true_random=False),
)
def test_every_case_is_told_once_and_the_words_fit(
    cases: list[OpenCase], remaining: dict[Step, list[timedelta]], shuffled: Random
) -> None:
    """Whatever is open: no case is in two places that exclude each other, and the order read is no matter."""
    down = tuple((system, NOW) for system in System)
    figures = digest_of(CityFigures(cases, 7, remaining, down), PEOPLE, TODAY, NOW)
    overdue, due_today, late_soon = map(list, (figures.overdue, figures.due_today, figures.late_soon))
    in_time = [case for case in cases if case.due_at is not None and case.due_at > NOW]
    assert len(overdue) + len(in_time) + sum(case.due_at is None for case in cases) == figures.open
    assert len(late_soon) + figures.without_forecast <= len(in_time)
    assert {*due_today, *late_soon} <= {case.case_number for case in in_time}
    words = words_of(figures, "Kota Tangerang Selatan", TEXTS)
    assert Alert(key="k", city="3674", kind=AlertKind.DAILY_DIGEST, raised_at=NOW, words=words).is_news
    assert "{" not in words
    again = list(cases)
    shuffled.shuffle(again)
    same = digest_of(CityFigures(again, 7, remaining, down), PEOPLE, TODAY, NOW)
    assert (same.overdue, same.late_soon, same.oldest) == (figures.overdue, figures.late_soon, figures.oldest)


def test_long_templates_are_cut_at_a_line_and_still_sent() -> None:
    """An office may write as much as the file takes; an alert takes less."""
    ten_times = TEXTS.model_copy(update={"cases": "{cases} " * 10})
    cases = [a_case(number, (number - 40) * HOUR / 4) for number in range(80)]
    words = words_of(told(*cases), "Kota Contoh", ten_times)
    assert WORDS_AT_MOST / 2 < len(words) <= WORDS_AT_MOST
    assert words.splitlines()[-1] == "Jatuh tempo hari ini: 39"


def test_a_day_has_one_key() -> None:
    """However often it is asked for."""
    assert DigestAsk(city="3674", day=TODAY).key == "digest:3674:2026-03-02"


# -- Policies ------------------------------------------------------------------------------------

_DAY, _TEXTS = "kota-tangerang-selatan.toml", "pesan.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (_DAY, '"07:00"', '"pagi"', "digest_at: Input should be"),
        (_DAY, '"07:00"', '"24:30"', "digest_at: Input should be"),
        (_DAY, '"07:00"', '"07:00:30"', "digest_at: Value error, must be hour and minute in WIB"),
        (_DAY, '"07:00"', '"07:00Z"', "digest_at: Value error, must be hour and minute in WIB"),
        (_DAY, '"07:00"', "7", "digest_at: Value error, must be hour and minute in WIB"),
        (_TEXTS, "[daily]", "[harian]", "daily: Field required"),
        (_TEXTS, 'more = " dan {rest} lainnya"\n', "", "daily.more: Field required"),
        (_TEXTS, "{cases}{more}", "{cases}", "daily.cases: Value error, must hold {more}"),
        (
            _TEXTS,
            "LEWAT BATAS WAKTU: {count}",
            "LEWAT: {nama}",
            "daily.overdue: Value error, may hold {count}",
        ),
        (_TEXTS, "Tidak ada kasus terbuka", "{city} kosong", "daily.empty: Value error, may hold"),
    ],
)
def test_a_slip_is_refused_at_start(tmp_path: Path, file: str, old: str, new: str, says: str) -> None:
    """With file, key and reason."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(Misconfigured) as refusal:
        check_ladders(PolicyFolder(folder))
    assert f"{folder / file}: " in str(refusal.value)
    assert says in str(refusal.value)


def test_the_hour_may_be_left_out_or_written_as_a_time(tmp_path: Path) -> None:
    """Seven in the morning unless the city says otherwise."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    texts = [
        (folder / _DAY).read_text().replace('digest_at = "07:00"', line)
        for line in ("", "digest_at = 06:30:00")
    ]
    read = []
    for text in texts:
        (folder / _DAY).write_text(text)
        read.append(PolicyFolder(folder).city("3674").digest_at)
    assert [f"{at:%H:%M}" for at in read] == ["07:00", "06:30"]

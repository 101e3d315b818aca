"""Ladders, deputies and words of alerts as an office edits them: what ships is sound, a slip is refused."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateways.policy_folder import PolicyFolder
from models.alert_texts import late_words
from models.case import Step
from models.errors import Misconfigured
from models.ladder import LadderPolicy
from models.messages import OF_CITY, Alert, AlertKind
from models.outbox import Delivery
from runtime.ladders import check_ladders, without_contact

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "policies", ROOT / "examples" / "policies"]
CITY, PEOPLE, TEXTS = "kota-tangerang-selatan.toml", "people.toml", "pesan.toml"
_SECTION = 'role = "head_of_section", after = "PT1H"'
_HEAD = 'role = "head_of_office", after = "PT4H"'
_BOSS = 'id = "tangsel-supervisor"\n'
_DEPUTY = 'deputy = "tangsel-kepala-bidang"'


@pytest.mark.parametrize("folder", FOLDERS, ids=["policies", "examples"])
def test_what_ships_leaves_no_case_without_a_listener(folder: Path) -> None:
    """And in both folders alike."""
    shelf = PolicyFolder(folder)
    check_ladders(shelf)
    for city in shelf.cities():
        assert city.ladder.climb == (timedelta(hours=1), timedelta(hours=4))
        assert city.ladder == PolicyFolder(FOLDERS[0]).city(city.code).ladder


_BROKEN = [
    (CITY, "[ladder]", "[tangga]", "ladder: Field required"),
    (CITY, 'fallback = "tangsel-supervisor"', "", "ladder.fallback: Field required"),
    (CITY, '"tangsel-supervisor"', '"Budi"', "ladder.fallback: String should match"),
    (CITY, '"tangsel-supervisor"', '"budi"', "ladder.fallback: nobody has the id budi"),
    (CITY, '"tangsel-supervisor"', '"auditor"', "ladder.fallback: auditor has no role that may acknowledge"),
    (
        CITY,
        'fallback = "tangsel-supervisor"',
        'fallback = "bekasi-supervisor"',
        "ladder.fallback: bekasi-supervisor does not serve Serpong",
    ),
    (
        CITY,
        '"tangsel-supervisor"',
        '"tangsel-verifikator-2"',
        "ladder.fallback: tangsel-verifikator-2 does not",
    ),
    (CITY, _SECTION, 'role = "head_of_section"', "ladder.levels: Value error, each level must be later"),
    (CITY, _SECTION, _SECTION.replace("1H", "4H"), "ladder.levels: Value error, each level must be later"),
    (CITY, _HEAD, _HEAD.replace("head_of_office", "supervisor"), "a role stands on two levels"),
    (CITY, _HEAD, _HEAD.replace("head_of_office", "bupati"), "ladder.levels.2.role: Input should be"),
    (CITY, _HEAD, _HEAD.replace("head_of_office", "auditor"), "auditor cannot acknowledge an alert"),
    (CITY, '{ role = "supervisor" }', '{ role = "supervisor", after = "PT1M" }', "is told at the breach"),
    (CITY, 'repeat_after = "PT30M"', 'repeat_after = "PT5H"', "at most repeat_at_most"),
    (CITY, 'repeat_after = "PT30M"', 'repeat_after = "PT0S"', "longer than zero"),
    (CITY, "more_than = 10", "more_than = 0", "ladder.storm.more_than: Input should be greater"),
    (CITY, 'within = "PT10M"', 'within = "PT0S"', "ladder.storm.within: Value error, must be longer"),
    (
        CITY,
        'undelivered_after = "PT15M"',
        'undelivered_after = "PT0S"',
        "ladder.undelivered_after: Value error, must be longer than zero and at most an hour",
    ),
    (CITY, 'undelivered_urgent = "PT5M"', 'undelivered_urgent = "PT2H"', "ladder.undelivered_urgent: Value"),
    (
        CITY,
        _SECTION,
        f'{_SECTION}, undelivered_after = "P1D"',
        "ladder.levels.1.undelivered_after: Value error, must be longer than zero",
    ),
    (PEOPLE, _DEPUTY, 'deputy = "budi"', "person.5.deputy: nobody has the id budi"),
    (PEOPLE, _DEPUTY, 'deputy = "tangsel-supervisor"', "person.5.deputy: is the person himself"),
    (
        PEOPLE,
        'deputy = "tangsel-kepala-kantor"',
        'deputy = "tangsel-supervisor"',
        "person.5.deputy: goes round in a circle",
    ),
    (PEOPLE, _DEPUTY, 'deputy = "auditor"', "person.5.deputy: auditor has no role that may acknowledge"),
    (PEOPLE, _DEPUTY, 'deputy = "bekasi-supervisor"', "person.5.deputy: bekasi-supervisor does not serve"),
    (
        PEOPLE,
        _DEPUTY,
        'deputy = "tangsel-verifikator-2"',
        "person.5.deputy: tangsel-verifikator-2 does not serve",
    ),
    (PEOPLE, _BOSS, f"{_BOSS}absent = [{{ from = 2026-03-02 }}]\n", "person.5.absent.0.to: Field required"),
    (
        PEOPLE,
        _BOSS,
        f"{_BOSS}absent = [{{ from = 2026-03-02, to = 2026-03-01 }}]\n",
        "person.5.absent.0: Value error, to must not be before from",
    ),
    (PEOPLE, _BOSS, f'{_BOSS}absent = ["besok"]\n', "person.5.absent.0: Input should be"),
    (
        PEOPLE,
        'roles = ["head_of_section"]\ncities = ["3674"]',
        'roles = ["head_of_section"]\nkecamatan = ["Pamulang"]\ncities = ["3674"]',
        "ladder.levels.1.role: nobody is head_of_section in Serpong",
    ),
    (
        PEOPLE,
        'roles = ["head_of_office"]\ncities = ["3674"]',
        'roles = ["auditor"]\ncities = ["3674"]',
        "ladder.levels.2.role: nobody is head_of_office in Serpong",
    ),
    (
        TEXTS,
        '[message."sla.breach"]',
        '[message."sla.terlambat"]',
        "message.sla.terlambat.[key]: Input should",
    ),
    (
        TEXTS,
        'subject = "{case_number} LEWAT',
        'subject = "{nik} LEWAT',
        "message.sla.breach.subject: Value error",
    ),
    (TEXTS, 'subject = "{case_number} LEWAT', 'subject = "LEWAT', "must hold {case_number}"),
    (TEXTS, 'subject = "{case_number} LEWAT', 'subject = "{case_number LEWAT', "and nothing else in braces"),
    (TEXTS, "{case_number} LEWAT", "{case_number.__class__} LEWAT", "and nothing else in braces"),
    (TEXTS, "{count} peringatan: {title}", "{title}", "digest.subject: Value error, must hold {count}"),
    (
        TEXTS,
        'reminder = "Pengingat {number}: "',
        'reminder = "Pengingat: "',
        "reminder: Value error, must hold",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "says"), _BROKEN)
def test_a_slip_is_refused_at_start_with_file_key_and_reason(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    """A worker does not begin, and `doctor` says the same."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(Misconfigured) as refusal:
        check_ladders(PolicyFolder(folder))
    assert says in str(refusal.value)
    named = CITY if says.startswith("ladder.levels.") and file == PEOPLE else file
    assert f"{folder / named}: " in str(refusal.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Who mends files wants to mend them once."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for city, boss in ((CITY, "tangsel-supervisor"), ("kota-bekasi.toml", "bekasi-supervisor")):
        file = folder / city
        file.write_text(file.read_text().replace(f'fallback = "{boss}"', 'fallback = "budi"'))
    with pytest.raises(Misconfigured) as refusal:
        check_ladders(PolicyFolder(folder))
    assert str(refusal.value).count("nobody has the id budi") == 2


def test_who_can_be_told_and_has_no_contact_is_a_warning_only() -> None:
    """Levels, fallbacks and deputies of both cities."""
    missing = without_contact(PolicyFolder(ROOT / "policies"), {"tangsel-supervisor", "lokal"})
    assert missing == [
        *("bekasi-kepala-bidang", "bekasi-kepala-kantor", "bekasi-supervisor"),
        *("tangsel-kepala-bidang", "tangsel-kepala-kantor"),
    ]


def test_repeats_double_up_to_their_limit() -> None:
    """30 minutes, 1, 2, 4, 4 hours, and so on for ever."""
    ladder = PolicyFolder(ROOT / "policies").city("3674").ladder
    waits = [ladder.repeat_wait(number) / timedelta(minutes=1) for number in (1, 2, 3, 4, 5, 5000)]
    assert waits == [30, 60, 120, 240, 240, 240]


@pytest.mark.parametrize(
    ("level", "is_urgent", "minutes"),
    [
        *((0, False, 15), (1, False, 15), (2, False, 40), (3, False, 2), (9, False, 2)),
        *((0, True, 5), (2, True, 5), (3, True, 2)),
    ],
)
def test_a_level_is_tried_for_as_long_as_the_policy_says(level: int, is_urgent: bool, minutes: int) -> None:
    """What is urgent waits less, never longer; below and above the ladder it is as at its ends."""
    ladder = LadderPolicy.model_validate(
        {
            "fallback": "boss",
            "levels": [
                {"role": "supervisor"},
                {"role": "head_of_section", "after": "PT1H", "undelivered_after": "PT40M"},
                {"role": "head_of_office", "after": "PT4H", "undelivered_after": "PT2M"},
            ],
            "repeat_after": "PT30M",
            "repeat_at_most": "PT4H",
            "storm": {"more_than": 10, "within": "PT10M"},
        }
    )
    assert ladder.undelivered_wait(level, is_urgent=is_urgent) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (timedelta(seconds=8), "8 detik"),
        (timedelta(minutes=1), "1 menit"),
        (timedelta(minutes=70, seconds=20), "70 menit"),
        (timedelta(hours=3), "3 jam"),
        (timedelta(hours=26, minutes=5), "26 jam 5 menit"),
    ],
)
def test_lateness_in_words(late: timedelta, words: str) -> None:
    """Minutes as people say them."""
    assert late_words(late) == words


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_of_alert_has_its_words(kind: AlertKind) -> None:
    """Filled in without a gap, also for a case whose clock does not run, or without any case."""
    of_case = Alert(
        key="PBI-3674-2026-000001:k",
        city="3674",
        case_number="PBI-3674-2026-000001",
        kind=kind,
        level=1,
        step=Step.BPJS_RECONNECT,
        kecamatan="Pamulang",
        raised_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    of_city = Alert(key="watch:3674:k", city="3674", kind=kind, raised_at=of_case.raised_at)
    alert = of_city if kind in OF_CITY else of_case
    shelf = PolicyFolder(ROOT / "policies")
    delivery = Delivery(1, alert, "rina", 0, 0)
    message = shelf.alert_texts().single(delivery, alert.raised_at, shelf.reasons())
    about = "Kota 3674" if kind in OF_CITY else "PBI-3674-2026-000001"
    assert about in message.subject
    acknowledged = alert.key if kind in OF_CITY else "PBI-3674-2026-000001"
    assert alert.is_news or f"starter.py alerts ack {acknowledged}" in message.body
    assert "{" not in message.subject + message.body


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("waits.kemensos", "terlalu lama menunggu Kemensos"),
        ("outage.siks_ng", "gangguan SIKS-NG"),
        ("NIK_BEDA", "NIK berbeda"),
    ],
)
def test_an_alert_says_why_in_words(detail: str, words: str) -> None:
    """No officer reads a code that the office has words for, be they the engine's or the office's own."""
    alert = Alert(
        key="PBI-3674-2026-000001:k",
        city="3674",
        case_number="PBI-3674-2026-000001",
        kind=AlertKind.CASE_STUCK,
        level=1,
        raised_at=datetime(2026, 3, 2, tzinfo=UTC),
        detail=detail,
    )
    shelf = PolicyFolder(ROOT / "policies")
    message = shelf.alert_texts().single(Delivery(1, alert, "rina", 0, 0), alert.raised_at, shelf.reasons())
    assert f"Sebab: {words}" in message.body

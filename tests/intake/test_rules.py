"""What an application must be: every broken rule at once, no value quoted, warnings that do not block."""

import json
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.policy_folder import PolicyFolder
from intake.rules import read_application, warnings
from models.application import Application
from models.errors import BadInput, Finding
from tests.builders import an_application, write_application

ROOT = Path(__file__).resolve().parents[2]
SHELF = PolicyFolder(ROOT / "policies")
TODAY = date(2026, 2, 11)


def read(path: Path, today: date = TODAY) -> Application:
    """Read an application as intake does."""
    return read_application(path, cities=SHELF.cities(), regions=SHELF.regions(), today=today)


def faults_of(path: Path) -> dict[str, Finding]:
    """Return what is wrong with a file, by field."""
    with pytest.raises(BadInput) as refusal:
        read(path)
    return {finding.field: finding for finding in refusal.value.findings}


def set_field(data: dict[str, object], field: str, value: object) -> dict[str, object]:
    """Return the application with one field, such as `applicant.nik`, changed."""
    changed = deepcopy(data)
    target: object = changed
    *parents, last = field.split(".")
    for parent in parents:
        target = target[int(parent)] if isinstance(target, list) else target[parent]  # type: ignore[index]
    target[last] = value  # type: ignore[index]
    return changed


def test_a_valid_application_is_taken_without_a_warning(tmp_path: Path) -> None:
    """The builder's application breaks no rule."""
    application = read(write_application(tmp_path, an_application()))
    assert warnings(application, today=TODAY) == []


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("applicant.nik", "367406520385900", "must be exactly 16 digits"),
        ("applicant.nik", "36740652038590012", "must be exactly 16 digits"),
        ("applicant.nik", "367406520385900A", "must be exactly 16 digits"),
        ("applicant.nik", 3674065203859001, "must be text"),
        ("applicant.nik", "0000000000000000", "must not be one digit repeated"),
        ("applicant.nik", "3674067203859001", "digits 7-12 are not a date (women: day + 40)"),
        ("applicant.nik", "3674063102859001", "digits 7-12 are not a date (women: day + 40)"),
        ("applicant.kk", "1111111111111111", "must not be one digit repeated"),
        ("applicant.card_number", "123456789012", "must be exactly 13 digits"),
        ("applicant.birth_date", "12-03-1985", "is not a date"),
        ("applicant.birth_date", "2027-01-01", "lies in the future"),
        ("applicant.sex", "F", "is not one of the allowed values"),
        ("applicant.phone", "021-555", "must be an Indonesian mobile number"),
        ("applicant.kelurahan", "36.74.06.1099", "unknown kelurahan"),
        ("applicant.kelurahan", "32.75.07.1001", "unknown kelurahan"),
        ("applicant.name", "   ", "is empty"),
        ("city", "3171", "unknown city"),
        ("track", "urgent", "is not one of the allowed values"),
        ("need.kind", "cosmetic", "is not one of the allowed values"),
        ("need.letter_date", "2026-02-12", "lies in the future"),
        ("deactivated_on", "2026-13-01", "is not a date"),
        ("documents", [], "is empty"),
        ("notes", "hello", "is not a field of an application"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(tmp_path: Path, field: str, value: object, rule: str) -> None:
    """One fault, one finding: field, rule, fix; and never the value."""
    faults = faults_of(write_application(tmp_path, set_field(an_application(), field, value)))
    assert list(faults) == [field]
    assert faults[field].rule == rule
    assert faults[field].fix
    if isinstance(value, str) and len(value) > 6:
        assert value not in str(faults[field])


def test_an_unknown_city_is_refused_with_the_list_of_known_ones(tmp_path: Path) -> None:
    """The operator learns what would work."""
    faults = faults_of(write_application(tmp_path, an_application(city="3171")))
    assert faults["city"].fix == "known are 3275 Kota Bekasi, 3674 Kota Tangerang Selatan"


def test_the_kk_must_not_be_the_nik(tmp_path: Path) -> None:
    """The two numbers look alike and are easily copied from the wrong paper."""
    data = an_application()
    applicant = data["applicant"]
    assert isinstance(applicant, dict)
    applicant["kk"] = applicant["nik"]
    assert faults_of(write_application(tmp_path, data))["applicant.kk"].rule == "must differ from the NIK"


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("absent.pdf", None, "file not found"),
        (".", None, "file not found"),
        ("nul\0.pdf", None, "has invisible or control characters"),
        ("empty.pdf", b"", "file is empty"),
        ("word.pdf", b"PK\x03\x04 a Word file that calls itself PDF", "content is not PDF, JPEG or PNG"),
        ("big.png", b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024), "file is over 10 MB"),
    ],
)
def test_a_paper_is_judged_by_its_content(
    tmp_path: Path, name: str, content: bytes | None, rule: str
) -> None:
    """Names of files prove nothing."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    data = an_application(documents=[{"kind": "facility_letter", "path": name}])
    assert faults_of(write_application(tmp_path, data))["documents.0.path"].rule == rule


@pytest.mark.parametrize(
    ("name", "head"),
    [("a", b"%PDF-1.7"), ("b.txt", b"\xff\xd8\xff\xe0"), ("c.pdf", b"\x89PNG\r\n\x1a\n")],
)
def test_pdf_jpeg_and_png_are_taken_under_any_name(tmp_path: Path, name: str, head: bytes) -> None:
    """10 MB to the byte are still taken."""
    (tmp_path / name).write_bytes(head.ljust(10 * 1024 * 1024, b"\0"))
    data = an_application(documents=[{"kind": "facility_letter", "path": name}])
    assert read(write_application(tmp_path, data)).documents[0].path == name


def test_six_faults_are_all_named_at_once(tmp_path: Path) -> None:
    """Nobody should have to submit six times to learn of six faults."""
    data = an_application(
        documents=[{"kind": "facility_letter", "path": "a.pdf"}, {"kind": "ktp", "path": "b.pdf"}]
    )
    (tmp_path / "b.pdf").write_bytes(b"not a paper")
    for field, value in {
        "applicant.nik": "123",
        "applicant.kk": "5555555555555555",
        "applicant.kelurahan": "99.99.99.9999",
        "need.letter_date": "2099-01-01",
    }.items():
        data = set_field(data, field, value)
    assert set(faults_of(write_application(tmp_path, data))) == {
        "applicant.nik",
        "applicant.kk",
        "applicant.kelurahan",
        "need.letter_date",
        "documents.0.path",
        "documents.1.path",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'"x"',
        b"{}",
        b'{"city": NaN}',
        b" " * 1_100_000,
    ],
)
def test_a_file_that_is_no_application_is_refused_in_plain_words(tmp_path: Path, content: bytes) -> None:
    """Whatever the bytes, the operator reads a rule and a fix, not a traceback."""
    path = tmp_path / "application.json"
    path.write_bytes(content)
    assert all(finding.fix for finding in faults_of(path).values())


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    """Windows editors write one."""
    path = write_application(tmp_path, an_application())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "city",
        "track",
        "applicant",
        "applicant.nik",
        "applicant.name",
        "applicant.birth_date",
        "applicant.phone",
        "need",
        "need.kind",
        "need.letter_date",
        "deactivated_on",
        "documents",
        "documents.0",
        "documents.0.path",
    ]
)


@given(FIELDS, JSON)
def test_any_json_in_any_field_is_taken_or_refused_in_plain_words(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: object
) -> None:
    """The door never breaks; hypothesis tries."""
    base = an_application()
    if field == "documents.0":
        base["documents"] = [value]
    else:
        base = set_field(base, field, value)
    path = write_application(tmp_path_factory.mktemp("fuzz"), json.loads(json.dumps(base)))
    try:
        read(path)
    except BadInput as refusal:
        assert refusal.findings  # noqa: PT017 - either way is fine, as long as it is one of the two


@pytest.mark.parametrize(
    ("field", "value", "warned"),
    [
        ("applicant.nik", "3275015203859001", "applicant.nik"),
        ("applicant.birth_date", "1985-03-13", "applicant.birth_date"),
        ("applicant.sex", "L", "applicant.sex"),
        ("applicant.card_number", "1000000000001", "applicant.card_number"),
        ("deactivated_on", "2025-08-10", "deactivated_on"),
        ("city", "3275", "applicant.kelurahan"),
    ],
)
def test_what_looks_odd_is_a_warning_and_does_not_block(
    tmp_path: Path, field: str, value: str, warned: str
) -> None:
    """Domain 2.1: a prefix elsewhere or another birth date is no proof of an error."""
    application = read(write_application(tmp_path, set_field(an_application(), field, value)))
    assert [finding.field for finding in warnings(application, today=TODAY)] == [warned]


@pytest.mark.parametrize(
    ("deactivated", "today", "is_warned"),
    [
        ("2026-02-01", date(2026, 8, 1), False),
        ("2026-02-01", date(2026, 8, 2), True),
        ("2025-08-31", date(2026, 2, 28), False),
        ("2025-08-31", date(2026, 3, 1), True),
        ("2026-12-31", date(2027, 6, 30), False),
    ],
)
def test_six_months_end_on_the_same_day_or_the_last_of_a_short_month(
    tmp_path: Path, deactivated: str, today: date, is_warned: bool
) -> None:
    """31 August + 6 months is the end of February."""
    path = write_application(tmp_path, an_application(deactivated_on=deactivated))
    found = warnings(read(path, today), today=today)
    assert [finding.field for finding in found] == ["deactivated_on"] * is_warned

"""`starter.py submit` refuses an application: every fault by name, nothing begun, nothing kept."""

import asyncio
from pathlib import Path

from tests.builders import PDF, write_application
from tests.e2e import leaks
from tests.e2e.office import Office, Ran
from tests.e2e.people import Someone, someone

SIX_FAULTS = {
    "applicant.nik",
    "applicant.kk",
    "applicant.phone",
    "city",
    "deactivated_on",
    "documents.1.path",
}


async def test_all_six_faults_are_named_and_nothing_is_begun(office: Office) -> None:
    """Exit code 2, six findings on the terminal and in JSON, none of the values, no case, no paper."""
    person = someone()
    file = _with_six_faults(office, person)
    before = _kept(office)

    ran, as_json = await asyncio.gather(office.cli("submit", file), office.cli("submit", file, "--json"))

    assert (ran.code, as_json.code) == (2, 2)
    assert ran.err.startswith("refused, 6 fault(s); nothing was done:\n")
    assert {line.strip().split(":")[0] for line in ran.err.splitlines()[1:] if line.strip()} == SIX_FAULTS
    told = as_json.data()
    findings = told["findings"]
    assert isinstance(findings, list)
    assert {finding["field"] for finding in findings} == SIX_FAULTS
    assert all(finding["rule"] and finding["fix"] for finding in findings)
    assert _kept(office) == before
    assert leaks.found(person.secrets, {"terminal": (ran.said + as_json.said).encode()}) == []


async def test_a_file_that_is_no_application_is_refused_in_plain_words(
    office: Office, tmp_path: Path
) -> None:
    """Exit code 2, one named fault, no traceback; every other kind of file: `tests/doors/test_files.py`."""
    (tmp_path / "broken.json").write_text('{"city": "3674", "applicant": {')
    wanted = {"broken.json": "file: is not JSON at line 1", "/dev/zero": "file: is not a file"}
    before = _kept(office)

    ran = dict(
        zip(wanted, await asyncio.gather(*(_submit(office, tmp_path / name) for name in wanted)), strict=True)
    )

    for name, words in wanted.items():
        assert ran[name].code == 2, f"{name}: {ran[name].said}"
        assert words in ran[name].err, name
        assert "Traceback" not in ran[name].said, name
        assert ran[name].out == "", name
    assert _kept(office) == before


async def _submit(office: Office, path: Path) -> Ran:
    return await office.cli("submit", path)


def _with_six_faults(office: Office, person: Someone) -> Path:
    data = person.application(city="9999", deactivated_on="2999-01-01")
    data["documents"] = [
        {"kind": "facility_letter", "path": "utuh.pdf"},
        {"kind": "ktp", "path": "tidak-ada.pdf"},
    ]
    applicant = data["applicant"]
    assert isinstance(applicant, dict)
    applicant |= {"nik": f"{person.nik}9", "kk": person.kk[1:], "phone": f"+1{person.phone}"}
    file = write_application(office.inbox, data, "six-faults.json")
    file.with_name("utuh.pdf").write_bytes(PDF + person.letter_number.encode())
    return file


def _kept(office: Office) -> tuple[int, set[Path]]:
    """Return how many cases the ledger holds, and every paper in the store."""
    papers = {path for path in office.stack.settings.documents.rglob("*") if path.is_file()}
    return len(office.registry.cases(limit=10_000)), papers

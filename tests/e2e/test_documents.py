"""Papers that the applicant brings later, through the operators' door."""

import pytest

from models.case import CaseHealth, Outcome
from tests.builders import PDF
from tests.e2e.office import Office
from tests.e2e.people import someone


@pytest.mark.slow
async def test_a_case_of_bekasi_is_completed_with_the_papers_it_misses(office: Office) -> None:
    """The list names what is missing in Indonesian; added papers, named wrongly once, send the case on."""
    person = someone()
    data = person.application(city="3275", documents=[{"kind": "ktp", "path": "surat.pdf"}])
    case = await office.submit(person, data)
    await office.until(case, lambda state: state.health is CaseHealth.STUCK)
    scans = {kind: office.inbox / f"{person.nik}-{kind}.pdf" for kind in ("kk", "jkn_card", "referral")}
    for kind, path in scans.items():
        path.write_bytes(PDF + kind.encode())
    named = [f"{kind}={path}" for kind, path in scans.items()]

    listed = await office.cli("documents", "list", case)
    refused = await office.cli("documents", "add", case, "paspor=x.pdf", *named)
    added = await office.cli("documents", "add", case, *named)
    ended = await office.until(case, lambda state: state.outcome is not None)
    late = await office.cli("documents", "add", case, *named)

    assert listed.code == 0
    assert "BELUM ADA  Kartu Keluarga" in listed.out
    assert "BELUM ADA  Surat keterangan faskes atau Surat rujukan atau Dokumen medis" in listed.out
    assert (refused.code, "paper 1: is not kind=path" in refused.err) == (2, True)
    assert (added.code, "3 new paper(s) kept" in added.out) == (0, True)
    assert (ended.outcome, ended.attempt) == (Outcome.REACTIVATED, 2)
    assert late.code == 4

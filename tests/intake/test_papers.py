"""Papers that come after intake, on the real ledger and document store."""

from pathlib import Path

import pytest

from gateways.folder_documents import FolderDocuments
from gateways.policy_folder import PolicyFolder
from intake.papers import Papers
from models.errors import BadInput, NotFound
from tests.builders import PDF, an_application, write_application
from tests.intake.test_intake import NOW, ROOT, Counter
from tests.vaults import a_vault

REST = ("kk", "jkn_card", "referral")

Bekasi = tuple[Counter, Papers, str]


@pytest.fixture
async def bekasi(tmp_path: Path) -> Bekasi:
    """A case of Bekasi with one paper of four."""
    counter = Counter(tmp_path)
    data = an_application(city="3275", documents=[{"kind": "ktp", "path": "surat.pdf"}])
    case = (await counter.intake.submit(write_application(tmp_path, data), now=NOW)).case_number
    papers = Papers(
        counter.registry, FolderDocuments(counter.store, a_vault()), PolicyFolder(ROOT / "policies")
    )
    return counter, papers, case


def a_scan(folder: Path, name: str) -> str:
    """Write a paper of its own content and return its path."""
    path = folder / name
    path.write_bytes(PDF + name.encode())
    return str(path)


def test_the_checklist_says_what_is_there_and_what_is_missing(bekasi: Bekasi) -> None:
    """Four entries, one met."""
    _, papers, case = bekasi
    assert [one.is_met for one in papers.checklist(case).wanted] == [True, False, False, False]


def test_added_papers_complete_the_file_and_a_repetition_adds_nothing(bekasi: Bekasi, tmp_path: Path) -> None:
    """The same command twice: three new papers, then none."""
    _, papers, case = bekasi
    named = [f"{kind}={a_scan(tmp_path, kind)}" for kind in REST]
    assert papers.add(case, named) == 3
    assert papers.add(case, named) == 0
    assert all(one.is_met for one in papers.checklist(case).wanted)


def test_a_wrong_kind_does_not_count(bekasi: Bekasi, tmp_path: Path) -> None:
    """An SKTM is kept, and stands for none of the papers asked for."""
    _, papers, case = bekasi
    assert papers.add(case, [f"sktm={a_scan(tmp_path, 'sktm')}"]) == 1
    assert [one.is_met for one in papers.checklist(case).wanted] == [True, False, False, False]


def test_every_fault_is_named_and_nothing_is_kept(bekasi: Bekasi, tmp_path: Path) -> None:
    """One good paper among bad ones is not taken either."""
    counter, papers, case = bekasi
    before = counter.papers()
    (tmp_path / "word.pdf").write_bytes(b"PK a Word file")
    good, word = f"kk={a_scan(tmp_path, 'kk')}", f"ktp={tmp_path / 'word.pdf'}"
    with pytest.raises(BadInput) as refusal:
        papers.add(case, [good, "ktp", "passport=x.pdf", word, "kk=/dev/zero"])
    assert [(finding.field, finding.rule) for finding in refusal.value.findings] == [
        ("paper 2", "is not kind=path"),
        ("paper 3", "is not kind=path"),
        ("paper 4", "content is not PDF, JPEG or PNG"),
        ("paper 5", "file not found"),
    ]
    assert counter.papers() == before


def test_an_altered_paper_is_found_by_its_hash_and_another_scan_takes_its_place(
    bekasi: Bekasi, tmp_path: Path
) -> None:
    """Somebody wrote into the store: the checklist says so, and a new scan meets the entry."""
    counter, papers, case = bekasi
    (stored,) = (path for path in counter.store.rglob("*") if path.is_file())
    stored.chmod(0o600)
    stored.write_bytes(b"%PDF-1.4 something else")
    checklist = papers.checklist(case)
    assert {a_vault().index("paper", sha256) for sha256 in checklist.lost} == {stored.name}
    assert not checklist.wanted[0].is_met
    papers.add(case, [f"ktp={a_scan(tmp_path, 'ktp-again')}"])
    assert papers.checklist(case).wanted[0].is_met


def test_an_unknown_case_takes_no_papers(bekasi: Bekasi, tmp_path: Path) -> None:
    """Nothing is kept for a case that is not there."""
    with pytest.raises(NotFound):
        bekasi[1].add("PBI-3275-2026-999999", [f"kk={a_scan(tmp_path, 'kk')}"])

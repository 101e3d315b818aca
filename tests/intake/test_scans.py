"""Papers of lists: read once however many rows name them, and again when they have changed."""

from pathlib import Path

import pytest

from gateways.folder_documents import FolderDocuments
from intake.scans import Scans
from models.application import ApplicationPaper
from models.policy import DocumentKind
from tests.builders import PDF
from tests.vaults import a_vault


class Counting(FolderDocuments):
    """A store that counts what is put into it."""

    puts = 0

    def put(self, content: bytes) -> str:
        """Keep the content."""
        self.puts += 1
        return super().put(content)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    """Make an empty store."""
    return Counting(tmp_path / "store", a_vault())


def papers(*named: tuple[str, str]) -> list[ApplicationPaper]:
    """Return what an application names."""
    return [ApplicationPaper.model_construct(kind=DocumentKind(kind), path=path) for kind, path in named]


def test_a_paper_that_many_rows_name_is_kept_once(tmp_path: Path, store: Counting) -> None:
    """Also over many batches, and under many kinds."""
    (tmp_path / "surat.pdf").write_bytes(PDF)
    scans = Scans(tmp_path, store)
    assert scans.inspect("surat.pdf") is None
    for _ in range(3):
        kept = scans.keep([papers(("ktp", "surat.pdf"), ("kk", "surat.pdf"))] * 5)
        assert [[paper.kind for paper in one or ()] for one in kept] == [["ktp", "kk"]] * 5
    assert store.puts == 1


def test_a_paper_that_has_changed_is_looked_at_again(tmp_path: Path, store: Counting) -> None:
    """What is kept is what is there now; what is no paper any more is told."""
    path = tmp_path / "surat.pdf"
    scans = Scans(tmp_path, store)
    assert scans.inspect("surat.pdf") == "missing"
    path.write_bytes(PDF)
    assert scans.inspect("surat.pdf") is None
    [first] = scans.keep([papers(("ktp", "surat.pdf"))])
    path.write_bytes(PDF + b"more")
    [second] = scans.keep([papers(("ktp", "surat.pdf"))])
    assert first
    assert second
    assert (first[0].size, second[0].size) == (len(PDF), len(PDF) + 4)
    assert store.get(second[0].sha256) == PDF + b"more"
    path.write_bytes(b"no scan")
    assert scans.inspect("surat.pdf") == "wrong_type"
    good = tmp_path / "lain.pdf"
    good.write_bytes(PDF)
    kept = scans.keep([papers(("ktp", "lain.pdf"), ("kk", "surat.pdf")), papers(("ktp", "lain.pdf"))])
    assert [one is None for one in kept] == [True, False]
    path.unlink()
    assert scans.keep([papers(("ktp", "surat.pdf"))]) == [None]
    assert scans.inspect("a\0b") == "missing"

"""`--command-id` as it is typed: a repeat is harmless, another command under the id is refused."""

from pathlib import Path

from gateways.ledger_schema import open_engine
from gateways.sql_ledger import SqlLedger
from gateways.sql_registry import SqlRegistry
from tests.ledger.builders import a_new_case, a_record, an_event
from tests.ledgers import put_ledger
from tests.unit.typed import Typed, typed
from tests.vaults import a_vault

AS = ("--as", "tangsel-loket-1")
_PDF = b"%PDF-1.4 "


def test_papers_that_are_added_again_under_their_id_are_the_same_papers(tmp_path: Path) -> None:
    """Under whatever name the file lies; another paper, or an id of the engine's own, is refused."""
    engine = open_engine(put_ledger(tmp_path / "ledger.db"))
    registry = SqlRegistry(engine, a_vault())
    case = registry.register(a_new_case()).case
    SqlLedger(engine, a_vault()).record(a_record(case, an_event(2)))
    scans = {name: tmp_path / name for name in ("kk.pdf", "copy.pdf", "other.pdf")}
    for name, path in scans.items():
        path.write_bytes(_PDF + (b"other" if name == "other.pdf" else b"kk"))

    def add(name: str, command_id: str, kind: str = "kk") -> Typed:
        paper = f"{kind}={scans[name]}"
        return typed(
            tmp_path, "documents", "add", case.case_number, paper, "--command-id", command_id, *AS,
            TEMPORAL_ADDRESS="127.0.0.1:1",
        )  # fmt: skip

    first, again = add("kk.pdf", "p-1"), add("copy.pdf", "p-1")
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert "1 new paper(s) kept" in first.out
    for refused in (add("other.pdf", "p-1"), add("kk.pdf", "p-1", kind="ktp")):
        assert (refused.code, "p-1 is the id of another command" in refused.err) == (4, True)
    assert len(registry.papers(case.case_number)) == 1, "what is refused is not kept"
    taken = add("kk.pdf", "bulk-20260213-150412-9f3a")
    assert (taken.code, "begins as the engine's own ids do" in taken.err) == (2, True)
    engine.dispose()

"""No view without its row: who sees personal data is written down before he does."""

from collections.abc import Callable

import pytest

from desk.orders import Hand
from desk.work import OfficeWork
from gateways.sql_trail import SqlTrail
from models.audit import Access, Note
from models.audit_tables import accesses
from models.case import CaseRef, Step
from models.errors import EngineUnreachable
from tests.desk.bench import OPERATOR, SIGNER, SUPERVISOR, VERIFIER, Bench
from tests.vaults import a_vault


class NoTrail(SqlTrail):
    """A trail that cannot be written."""

    def keep(self, access: Access, note: Note | None = None) -> None:
        raise EngineUnreachable("the ledger is away")


def seen(bench: Bench, case: CaseRef) -> list[tuple[object, ...]]:
    """Return who saw a case, in which role, by which door and why."""
    return [(row["actor"], row["role"], row["door"], row["reason"]) for row in bench.rows(accesses, case)]


def test_a_sheet_is_in_the_trail(bench: Bench) -> None:
    """Each time it is drawn up, in the role in which it is read; a refused one is not."""
    item = bench.item(Step.DOCUMENT_CHECK)
    bench.work.sheet(Hand(VERIFIER), item.id)
    bench.work.sheet(Hand(SUPERVISOR), item.id)
    with pytest.raises(Exception, match="this work is of the role"):
        bench.work.sheet(Hand(OPERATOR), item.id)
    assert seen(bench, item.case) == [
        (VERIFIER, "verifier", "desk show", f"item:{item.id}"),
        (SUPERVISOR, "supervisor", "desk show", f"item:{item.id}"),
    ]


def test_a_letter_is_in_the_trail(bench: Bench) -> None:
    """Printed, and issued anew; the reason in words is the note of that id."""
    case = bench.case(Step.RECOMMENDATION)
    bench.sign(case)
    first = bench.work.print_letter(Hand(OPERATOR), case.case_number)
    again = bench.work.reissue_letter(Hand(SIGNER), case.case_number, "salah ketik")
    assert seen(bench, case) == [
        (OPERATOR, "siks_ng_operator", "letter", f"letter-{first.letter.verification_code}"),
        (SIGNER, "signer", "letter reissue", f"letter-{again.letter.verification_code}"),
    ]
    notes = bench.book.notes(case.case_number)
    assert notes[f"letter-{again.letter.verification_code}"] == "salah ketik"


@pytest.mark.parametrize("door", ["sheet", "letter"])
def test_nothing_is_shown_that_cannot_be_written_down(bench: Bench, door: str) -> None:
    """The officer is told that the ledger is away, and sees nothing."""
    case = bench.case(Step.RECOMMENDATION)
    item = bench.open(case)
    work = OfficeWork(
        bench.registry,
        bench.book,
        bench.shelf,
        bench.documents,
        bench.printer,
        trail=NoTrail(bench.engine, a_vault()),
        clock=bench.clock,
    )
    show: dict[str, Callable[[], object]] = {
        "sheet": lambda: work.sheet(Hand(SIGNER), item.id),
        "letter": lambda: work.print_letter(Hand(SIGNER), case.case_number),
    }
    if door == "letter":
        bench.sign(case)
    with pytest.raises(EngineUnreachable):
        show[door]()

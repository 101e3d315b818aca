"""What is found in a list: which rows are faulty and why, and whether the list as a whole may be taken."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

from intake.layouts import Plan
from intake.rows import RowFault
from models.application import Application
from models.errors import BadInput, Finding

MOST_FAULTY: Final = Fraction(20, 100)
"""A list with a greater share of faulty rows is refused: something is wrong with all of it."""
_NO_COINCIDENCE: Final = 20
"""So many numbers that all end in 0."""
_ROUNDED: Final = ("nik", "kk")


@dataclass
class FaultCount:
    """How often one rule was broken in one column."""

    fault: RowFault
    """The first time."""
    rows: int = 0


@dataclass
class Checked:
    """What is known of a list once every row was looked at."""

    plan: Plan
    rows: int = 0
    good: int = 0
    rejected: int = 0
    taken_before: int = 0
    untaken: int = 0
    """Good rows that this list did not bring before."""
    faults: dict[tuple[str, str], FaultCount] = field(default_factory=dict)
    """By column and code."""
    warnings: Counter[str] = field(default_factory=Counter)
    """What does not block: how often, by field and rule."""
    _in_zero: Counter[str] = field(default_factory=Counter)

    def accept(self, application: Application, warned: Sequence[Finding]) -> None:
        """Count a good row."""
        self.good += 1
        self.warnings.update(f"{finding.field}: {finding.rule}" for finding in warned)
        applicant = application.applicant
        self._in_zero.update(
            name
            for name, number in zip(_ROUNDED, (applicant.nik, applicant.kk), strict=True)
            if number.endswith("0")
        )

    def reject(self, faults: Sequence[RowFault]) -> None:
        """Count a faulty row."""
        self.rejected += 1
        for fault in faults:
            self.faults.setdefault((fault.column, fault.code), FaultCount(fault)).rows += 1

    def most_frequent(self) -> list[FaultCount]:
        """Return the faults, the most frequent first."""
        return sorted(self.faults.values(), key=lambda one: (-one.rows, one.fault.row))

    def require_fit(self, rejects: Path) -> None:
        """Refuse a list that is empty, rounded, or faulty in more than a fifth of its rows.

        Raises BadInput.
        """
        if self.rows == 0:
            raise BadInput([Finding("file", "has a header and no rows", "there is nothing to import")])
        if self.rejected > MOST_FAULTY * self.rows:
            rule = f"{self.rejected} of {self.rows} rows are faulty, more than {float(MOST_FAULTY):.0%}"
            fix = f"mend what {rejects.name} names, and import the list again"
            raise BadInput([Finding("file", rule, fix), *map(_finding, self.most_frequent())])
        for name in ("nik", "kk"):
            if self.good >= _NO_COINCIDENCE and self._in_zero[name] == self.good:
                rule = "ends in 0 in every row: the spreadsheet has rounded the numbers"
                fix = "take the list from its source again, with the column formatted as text"
                raise BadInput([Finding(self.plan.column_of(name), rule, fix)])


@dataclass
class Taken:
    """What came of a list."""

    new: int = 0
    known: int = 0
    """Rows of people who had an open case, or one that is over and came of the same letter."""
    taken_before: int = 0
    """Rows that this list brought before."""
    rejected: int = 0
    started: int = 0

    @property
    def rows(self) -> int:
        """Rows that belong to a case now."""
        return self.new + self.known + self.taken_before


def _finding(count: FaultCount) -> Finding:
    fault = count.fault
    where = f"{count.rows} row(s), the first is {fault.row}"
    return Finding(fault.column or "row", f"{fault.rule}: {where}", fault.fix)

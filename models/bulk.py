"""Bulk operations: one order for many cases, chosen by a list filter, and what became of each."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import Field

from models.errors import BadInput, Finding, WrongState
from models.messages import Code
from models.payload import Payload
from models.roles import OfficerId
from models.stuck_groups import RUNNING_CASES

MOVED_AT_MOST: Final = 0.05
"""Share of the expected count by which a filter may find more or fewer cases than at the rehearsal."""
_LONGEST: Final = 2000
_SIMPLE_WORD: Final = re.compile(r"[A-Za-z_]\w*")


class Operation(StrEnum):
    """What is done to each case."""

    RETRY = "retry"
    WITHDRAW = "withdraw"
    REASSIGN = "reassign"
    EXTEND = "extend"
    ESCALATE = "escalate"
    RELEASE = "release"


class ItemResult(StrEnum):
    """What became of one case."""

    DONE = "done"
    REFUSED = "refused"
    """Role, area, four eyes or the state of the case was against it; `detail` says which."""
    CHANGED = "changed"
    """What the filter looks at has changed since the case was chosen; it was left alone."""
    NOT_STUCK = "not_stuck"
    """There is nothing to retry: the case was skipped; `detail` says whom it waits for."""
    UNDELIVERED = "undelivered"
    """The command is in the ledger and nobody took it yet; a worker delivers it."""
    FAILED = "failed"
    """Our code failed; the worker's log says where."""

    @property
    def words(self) -> str:
        """What an operator is told."""
        return "skipped, not stuck" if self is ItemResult.NOT_STUCK else self.value


@dataclass(frozen=True)
class Chosen:
    """A case that a filter found, and what the filter saw of it: code or time by search attribute."""

    case_number: str
    seen: Mapping[str, str | int | None]


@dataclass(frozen=True)
class Bulk:
    """An order for many cases, as it was given."""

    id: str
    operation: Operation
    where: str
    actor: str
    given_at: datetime
    reason: str
    """Words that stay in the ledger."""
    to: str | None = None
    """Who gets the work, when it is given to somebody."""
    by_seconds: int | None = None
    """How much longer, when cases get more time."""

    def command_id(self, case_number: str) -> str:
        """Return the id of the command to one case: the same however often the order is taken up."""
        return f"bulk-{self.id}-{case_number}"


@dataclass(frozen=True)
class BulkItem:
    """One case of an order."""

    case_number: str
    seen: Mapping[str, str | int | None]
    result: ItemResult | None = None
    """None while it was not its turn."""
    detail: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class ItemVerdict:
    """What became of one case, in a code and words of ours."""

    result: ItemResult
    detail: str | None = None


class BulkOrder(Payload):
    """What starts the workflow of an order; filter and reason stay in the ledger."""

    bulk_id: Code
    operation: Operation
    actor: OfficerId


class BulkPage(Payload):
    """Do the next cases of an order, at most so many."""

    bulk_id: Code
    size: int


class BulkProgress(Payload):
    """How far an order is."""

    total: int = 0
    results: dict[ItemResult, int] = Field(default_factory=dict)

    @property
    def settled(self) -> int:
        """How many cases had their turn."""
        return sum(self.results.values())

    @property
    def left(self) -> int:
        """How many are still to come."""
        return self.total - self.settled

    @property
    def is_in_vain(self) -> bool:
        """Whether cases had their turn and nothing was done to any of them."""
        taken = (ItemResult.DONE, ItemResult.UNDELIVERED)
        return self.settled > 0 and not any(self.results.get(result) for result in taken)

    @classmethod
    def of(cls, counts: Mapping[ItemResult | None, int]) -> "BulkProgress":
        """Return the progress from how many cases have each result, None for none yet."""
        results = {result: number for result, number in Counter(counts).items() if result is not None}
        return cls(total=sum(counts.values()), results=results)

    @property
    def words(self) -> str:
        """The progress in a line."""
        told = ", ".join(f"{number} {result.words}" for result, number in sorted(self.results.items()))
        return f"{self.settled} of {self.total}" + (f": {told}" if told else "")


@dataclass(frozen=True)
class Filter:
    """A list filter that cannot reach beyond what it says."""

    where: str
    mentions: frozenset[str]
    """The search attributes of ours that it looks at."""

    @property
    def query(self) -> str:
        """The filter for cases that run; whatever `where` says stays within its parentheses."""
        return f"{RUNNING_CASES} AND ({self.where})"


def guarded(where: str, columns: Collection[str]) -> Filter:
    """Return a filter as typed, or raise BadInput: it must be closed, and say something about cases.

    `columns` are our search attributes. Whether Temporal understands it, only Temporal knows.
    """
    text = where.strip()
    if not text:
        raise _bad("is empty", 'say which cases, for example CaseHealth="stuck" AND City="3674"')
    if len(text) > _LONGEST:
        raise _bad(f"is longer than {_LONGEST} characters", "use attributes instead of a list of cases")
    words = set(_SIMPLE_WORD.findall(_outside_quotes(text)))
    mentions = frozenset(words & set(columns))
    if not mentions and "WorkflowId" not in words:
        raise _bad("says nothing about cases", f"use one of {', '.join(sorted(columns))}, WorkflowId")
    return Filter(text, mentions)


def _outside_quotes(text: str) -> str:
    """Return what stands outside quotes; raises BadInput for what could lead out of the parentheses."""
    depth, quote, outside = 0, "", []
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
            continue
        if sign in "'\"":
            quote = sign
            outside.append(" ")
            continue
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            break
        outside.append(sign)
    if quote or depth:
        raise _bad("has quotes or parentheses that are not closed", "close each one that is opened")
    told = "".join(outside)
    if not text.isprintable() or "\\" in text or any(sign in told for sign in ("--", "/*", "#", ";")):
        raise _bad("holds a comment, a backslash or a control character", "write one plain condition")
    return told


def require_expected(found: int, expected: int) -> None:
    """Raise WrongState when a filter finds another number of cases than it did at the rehearsal."""
    if abs(found - expected) > expected * MOVED_AT_MOST:
        raise WrongState(
            f"the filter finds {found} case(s) now, not {expected}: nothing was done; rehearse again"
        )


def require_some(found: int, running: int, *, all_of_them: bool) -> None:
    """Raise WrongState when a filter finds no case, or every one and that was not said."""
    if found == 0:
        raise WrongState("the filter finds no case: nothing was done")
    if found == running and running > 1 and not all_of_them:
        raise WrongState(
            f"the filter finds every running case ({running}): nothing was done; "
            "narrow it, or say --all-of-them"
        )


def _bad(rule: str, fix: str) -> BadInput:
    return BadInput([Finding("--where", rule, fix)])

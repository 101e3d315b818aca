"""What an officer says of a piece of work, and the checks before it is written down."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from desk.words import fault_of
from gateways.ports.papers import Documents
from intake.rules import inspect_paper, read_paper
from models.answers import Answer, Approved, HandedOver
from models.application import PAPER_FAULTS
from models.case import Step
from models.desk import DeskItem, ItemKind, PortalReceipt
from models.errors import BadInput, Finding
from models.reasons import Reasons
from models.wib import wib_text

_LONGEST_REFERENCE = 100


class Verb(StrEnum):
    """What may be said."""

    APPROVE = "approve"
    RETURN = "return"
    REJECT = "reject"
    HAND_OVER = "hand-over"


@dataclass(frozen=True, repr=False)
class PortalEntry:
    """What a person copies from the portal after an upload."""

    reference: str
    again: str
    """The reference, typed a second time."""
    submitted_at: datetime | None
    proof: Path | None
    """A picture or print-out of the portal's confirmation."""


@dataclass(frozen=True)
class Said:
    """What an officer said of a piece of work."""

    verb: Verb
    code: str | None = None
    """Reason code, with `return` and `reject`."""
    note: str | None = field(default=None, repr=False)
    """Words that stay in the ledger."""
    occurred_at: datetime | None = None
    """When it happened; now unless given."""
    portal: PortalEntry | None = None


@dataclass(frozen=True)
class Checked:
    """The same, checked."""

    answer: Answer
    occurred_at: datetime
    receipt: PortalReceipt | None
    note: str | None = field(repr=False)


class Decisions:
    """Checks what officers say; every fault is told at once, and a proof is kept only when there is none."""

    def __init__(self, reasons: Reasons, documents: Documents, clock: Callable[[], datetime]) -> None:
        """`documents` keeps the proofs of uploads; `clock` tells now."""
        self._reasons = reasons
        self._documents = documents
        self._clock = clock

    def check(self, said: Said, item: DeskItem, opened_at: datetime) -> Checked:
        """Return the answer; `opened_at` is when its step was opened. Raises BadInput with every fault."""
        self.require(said, item, opened_at)
        takes_receipt = said.verb is Verb.APPROVE and _is_upload(item)
        receipt = self._keep(said.portal) if takes_receipt and said.portal is not None else None
        told_at = said.occurred_at or (receipt.submitted_at if receipt else self._clock())
        occurred_at = max(told_at, opened_at)
        return Checked(self._answer(said), occurred_at, receipt, (said.note or "").strip() or None)

    def require(self, said: Said, item: DeskItem, opened_at: datetime) -> None:
        """Look at what was said; nothing is kept. Raises BadInput with every fault."""
        faults = [*self._of_verb(said, item), *self._of_time(said, opened_at)]
        if fault := fault_of("--note", said.note):
            faults.append(fault)
        takes_receipt = said.verb is Verb.APPROVE and _is_upload(item)
        if takes_receipt:
            faults += self._of_portal(said.portal)
        elif said.portal is not None:
            faults.append(Finding("--receipt", "belongs to an approved upload only", "leave it out"))
        if faults:
            raise BadInput(faults)

    def _of_verb(self, said: Said, item: DeskItem) -> list[Finding]:
        if item.kind is ItemKind.MEND and said.verb is not Verb.APPROVE:
            return [
                Finding("decision", "this work is to mend, not to answer", "approve it once it is mended")
            ]
        if said.verb is Verb.HAND_OVER and item.step is not Step.SIKS_NG_UPLOAD:
            return [
                Finding("decision", "letters are handed over at siks_ng_upload", "approve, return or reject")
            ]
        if said.verb in {Verb.APPROVE, Verb.HAND_OVER}:
            has_code = said.code is not None
            return [Finding("reason", "belongs to return and reject", "leave it out")] if has_code else []
        allowed = self._reasons.for_step(item.step, fixable=said.verb is Verb.RETURN)
        if said.code not in allowed:
            return [
                Finding("reason", f"is not a code to {said.verb} with", f"known are {', '.join(allowed)}")
            ]
        return []

    def _of_time(self, said: Said, opened_at: datetime) -> list[Finding]:
        """Check the times that were told; people tell the minute, and the one of the opening is in order."""
        told = (said.occurred_at, said.portal.submitted_at if said.portal else None)
        times = [at for at in told if at is not None]
        if any(at > self._clock() for at in times):
            return [Finding("--at", "lies in the future", "give the time at which it happened")]
        if any(at < opened_at.replace(second=0, microsecond=0) for at in times):
            fix = f"give a time from {wib_text(opened_at)} on"
            return [Finding("--at", "lies before the step was opened", fix)]
        return []

    def _of_portal(self, entry: PortalEntry | None) -> list[Finding]:
        if entry is None:
            fix = "give --receipt REF --receipt-again REF --at TIME --proof FILE"
            return [Finding("--receipt", "is missing: an upload needs the portal's reference", fix)]
        faults = []
        reference = entry.reference.strip()
        if not reference or len(reference) > _LONGEST_REFERENCE or not reference.isprintable():
            faults.append(
                Finding("--receipt", "is empty, too long or not printable", "copy it from the portal")
            )
        elif reference != entry.again.strip():
            fix = "type the portal's reference twice"
            faults.append(Finding("--receipt-again", "differs from --receipt", fix))
        if entry.submitted_at is None:
            faults.append(Finding("--at", "is missing", "give the time that the portal shows"))
        if entry.proof is None:
            faults.append(Finding("--proof", "is missing", "give a picture or PDF of the confirmation"))
        elif (fault := inspect_paper(entry.proof)) is not None:
            faults.append(Finding("--proof", *PAPER_FAULTS[fault]))
        return faults

    def _keep(self, entry: PortalEntry) -> PortalReceipt:
        if entry.submitted_at is None or entry.proof is None:
            raise RuntimeError("a receipt is kept only after it was checked")
        if (proof := read_paper(entry.proof)) is None:
            raise BadInput([Finding("--proof", "changed while it was read", "give it again")])
        sha256 = self._documents.put(proof)
        return PortalReceipt(entry.reference.strip(), entry.submitted_at, sha256)

    def _answer(self, said: Said) -> Answer:
        match said.verb:
            case Verb.APPROVE:
                return Approved()
            case Verb.HAND_OVER:
                return HandedOver()
            case Verb.RETURN:
                return self._reasons.returned(said.code or "")
            case Verb.REJECT:
                return self._reasons.final(said.code or "")


def content(said: Said) -> dict[str, object] | None:
    """Return what was said, by which a repeat is known; None when its proof cannot be read.

    A proof goes by what is in it, and a time that was not said is none: `now` is another at the next repeat.
    """
    told: dict[str, object] = {"verb": said.verb, "code": said.code, "note": (said.note or "").strip()}
    happened = said.occurred_at
    if (entry := said.portal) is not None:
        happened = happened or entry.submitted_at
        told["reference"] = entry.reference.strip()
        if entry.proof is not None:
            if (proof := read_paper(entry.proof)) is None:
                return None
            told["proof"] = hashlib.sha256(proof).hexdigest()
    told["at"] = None if happened is None else happened.astimezone(UTC)
    return told


def _is_upload(item: DeskItem) -> bool:
    return item.kind is ItemKind.ANSWER and item.step is Step.SIKS_NG_UPLOAD

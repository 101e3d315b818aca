"""Why an answer was not a yes: the reason codes of `policies/reasons.toml`.

The set is ours (domain 9.5: no official list was found) and an office edits it without Python. The code and
the party are facts of an answer; label, remedy and outcome are what the office makes of it.
"""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.answers import Moot, ReasonCode, Rejected, Returned
from models.case import Outcome, Step, WaitingOn


class Party(StrEnum):
    """Who may give a reason."""

    DINSOS = "dinsos"
    KEMENSOS = "kemensos"
    BPJS = "bpjs"


PARTY_OF: Final = {
    Step.DOCUMENT_CHECK: Party.DINSOS,
    Step.RECOMMENDATION: Party.DINSOS,
    Step.SIKS_NG_UPLOAD: Party.KEMENSOS,
    Step.KEMENSOS_VERIFICATION: Party.KEMENSOS,
    Step.BPJS_RECONNECT: Party.BPJS,
}
"""Whose answer each step brings. SIKS-NG is run by Kemensos."""

PAPERS_MISSING: Final = "DOK_TIDAK_LENGKAP"
NEED_NOT_SERVED: Final = "KEBUTUHAN_TIDAK_SESUAI"
ANOTHER_PERSON: Final = "NAMA_TGL_LAHIR_BEDA"
OTHER: Final = "LAIN"
"""Stands for every reason that the catalogue does not know."""
_NEEDED = (PAPERS_MISSING, NEED_NOT_SERVED, ANOTHER_PERSON, OTHER)


class Reason(BaseModel):
    """One reason: what an officer reads, who may give it, and what follows from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = Field(min_length=3, max_length=80)
    given_by: frozenset[Party] = Field(min_length=1)
    back_to: Step | None = None
    """Fixable: the step that is taken again once it is mended."""
    mended_by: WaitingOn = WaitingOn.OFFICER
    """Fixable: whose turn it is until then."""
    outcome: Outcome | None = None
    """Final: how the case ends."""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "Reason":
        if self.back_to is None and self.outcome is None:
            raise ValueError("must be fixable (back_to) or final (outcome), or both")
        if self.mended_by not in {WaitingOn.OFFICER, WaitingOn.APPLICANT}:
            raise ValueError("mended_by must be officer or applicant")
        if self.outcome in {Outcome.REACTIVATED, Outcome.WITHDRAWN}:
            raise ValueError("outcome must not be reactivated or withdrawn: those are no reasons")
        return self


class Reasons(BaseModel):
    """The catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: dict[ReasonCode, Reason]

    @model_validator(mode="after")
    def _holds_what_the_engine_gives(self) -> "Reasons":
        if absent := [code for code in _NEEDED if code not in self.reason]:
            raise ValueError(f"reasons that the engine itself gives are missing: {', '.join(absent)}")
        if any(self.reason[code].back_to is None for code in _NEEDED):
            raise ValueError(f"{', '.join(_NEEDED)} must be fixable: give each a back_to")
        if self.reason[OTHER].outcome is None:
            raise ValueError(f"{OTHER} must also be final: give it an outcome")
        return self

    def label(self, code: str) -> str:
        """Return what an officer reads for a code; the code itself when the catalogue does not have it."""
        return self.reason[code].label if code in self.reason else code

    def returned(self, code: str) -> Returned:
        """Return the answer that sends a case back; a code that is not fixable or unknown becomes `LAIN`."""
        code = code if self._is_fixable(code) else OTHER
        reason = self.reason[code]
        return Returned(
            reason=code, back_to=reason.back_to or Step.DOCUMENT_CHECK, waits_for=reason.mended_by
        )

    def final(self, code: str) -> Rejected | Moot:
        """Return the answer that ends a case; a code that is not final or unknown becomes `LAIN`."""
        code = code if self._is_final(code) else OTHER
        outcome = self.reason[code].outcome or Outcome.REJECTED
        return Rejected(reason=code) if outcome is Outcome.REJECTED else Moot(outcome=outcome, reason=code)

    def for_step(self, step: Step, *, fixable: bool) -> list[str]:
        """Return the codes that may be given at a step, in the catalogue's order.

        A fixable one goes back or stays: it does not lead past a step that nobody has answered yet.
        """
        reached = list(Step)[: list(Step).index(step) + 1]
        return [
            code
            for code, reason in self.reason.items()
            if PARTY_OF[step] in reason.given_by
            and (reason.back_to in reached if fixable else self._is_final(code))
        ]

    def _is_fixable(self, code: str) -> bool:
        return code in self.reason and self.reason[code].back_to is not None

    def _is_final(self, code: str) -> bool:
        return code in self.reason and self.reason[code].outcome is not None

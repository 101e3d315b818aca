"""Who works for the office, and the one table of what each role may do (domain 9.2)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from models.case import CaseRef, CityCode, Step, WaitingOn

OfficerId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,39}$")]
"""How the engine calls an officer: a code of the office's own, never a NIK, NIP or name."""

MACHINE: Final = "machine"
"""The bearer of answers that no person brought."""


class Role(StrEnum):
    """What a person does in the office."""

    INTAKE = "intake"
    VERIFIER = "verifier"
    SIGNER = "signer"
    SIKS_NG_OPERATOR = "siks_ng_operator"
    SUPERVISOR = "supervisor"
    HEAD_OF_SECTION = "head_of_section"
    HEAD_OF_OFFICE = "head_of_office"
    AUDITOR = "auditor"


class Act(StrEnum):
    """What a person may ask the engine to do."""

    SUBMIT = "submit"
    ADD_PAPERS = "documents add"
    CORRECT = "correct"
    WITHDRAW = "withdraw"
    RETRY = "retry"
    HAND_OVER = "hand over"
    HASTEN = "switch-track to emergency"
    SWITCH_BACK = "switch-track back"
    READ_DESK = "desk list"
    READ_REFUSALS = "desk refusals"
    READ_SHEET = "desk show"
    WORK = "desk work"
    ASSIGN = "desk assign"
    VOID_ITEM = "desk void"
    VOID_RECEIPT = "receipt void"
    PRINT_LETTER = "letter"
    REISSUE_LETTER = "letter reissue"
    ACK = "alerts ack"
    EXTEND = "extend"
    SHORTEN = "shorten"
    SEND_DIGEST = "digest --send"
    DECLARE_OUTAGE = "outage declare"
    BULK = "bulk"
    READ_REPORT = "report"
    READ_TRAIL = "audit show"
    DISCLOSE = "privacy access"
    REPORT_BREACH = "privacy breach-report"
    ERASE = "privacy erase"
    HOLD = "privacy hold"
    RELEASE_HOLD = "privacy release-hold"
    RETAIN = "privacy retention"
    RECOVER = "restored or recover"


_EVERYBODY = frozenset(Role)
_HEADS = frozenset({Role.HEAD_OF_SECTION, Role.HEAD_OF_OFFICE})
_OFFICERS = _EVERYBODY - _HEADS - {Role.AUDITOR}
_COUNTER = frozenset({Role.INTAKE, Role.VERIFIER, Role.SUPERVISOR})
_SUPERVISOR = frozenset({Role.SUPERVISOR})

MAY: Final[dict[Act, frozenset[Role]]] = {
    Act.SUBMIT: _COUNTER,
    Act.ADD_PAPERS: _COUNTER,
    Act.CORRECT: _COUNTER,
    Act.WITHDRAW: frozenset({Role.INTAKE, Role.SUPERVISOR}),
    Act.RETRY: _OFFICERS,
    Act.HAND_OVER: frozenset({Role.VERIFIER, Role.SIKS_NG_OPERATOR, Role.SUPERVISOR}),
    Act.HASTEN: _COUNTER,
    Act.SWITCH_BACK: _SUPERVISOR,
    Act.READ_REFUSALS: frozenset({Role.SUPERVISOR, Role.AUDITOR}),
    Act.READ_DESK: _EVERYBODY,
    Act.READ_SHEET: _OFFICERS,
    Act.WORK: _OFFICERS,
    Act.ASSIGN: _SUPERVISOR,
    Act.VOID_ITEM: _SUPERVISOR,
    Act.VOID_RECEIPT: _SUPERVISOR,
    Act.PRINT_LETTER: _OFFICERS,
    Act.REISSUE_LETTER: frozenset({Role.SIGNER}),
    Act.ACK: _OFFICERS | _HEADS,
    Act.EXTEND: _SUPERVISOR,
    Act.SHORTEN: _SUPERVISOR,
    Act.SEND_DIGEST: _SUPERVISOR | _HEADS,
    Act.DECLARE_OUTAGE: frozenset({Role.SIKS_NG_OPERATOR, Role.SUPERVISOR}) | _HEADS,
    Act.BULK: _SUPERVISOR,
    Act.READ_REPORT: _SUPERVISOR | _HEADS | {Role.AUDITOR},
    Act.READ_TRAIL: _SUPERVISOR | _HEADS | {Role.AUDITOR},
    Act.DISCLOSE: _SUPERVISOR | _HEADS,
    Act.REPORT_BREACH: _SUPERVISOR | _HEADS | {Role.AUDITOR},
    Act.ERASE: _SUPERVISOR | _HEADS,
    Act.HOLD: _SUPERVISOR | _HEADS,
    Act.RELEASE_HOLD: _SUPERVISOR | _HEADS,
    Act.RETAIN: _SUPERVISOR | _HEADS,
    Act.RECOVER: _SUPERVISOR | _HEADS,
}
"""Command x role. Working on an item also asks for the item's own role, see `ANSWERS`."""

ANSWERS: Final[dict[Step, Role]] = {
    Step.DOCUMENT_CHECK: Role.VERIFIER,
    Step.RECOMMENDATION: Role.SIGNER,
    Step.SIKS_NG_UPLOAD: Role.SIKS_NG_OPERATOR,
    Step.KEMENSOS_VERIFICATION: Role.SIKS_NG_OPERATOR,
    Step.BPJS_RECONNECT: Role.SIKS_NG_OPERATOR,
}
"""Whose work each step is, when people do it. A supervisor may stand in, except for a signature."""


def mender_of(waiting_on: WaitingOn) -> Role:
    """Return whose desk a case lies on while it waits to be mended."""
    return {WaitingOn.APPLICANT: Role.INTAKE, WaitingOn.OFFICER: Role.VERIFIER}.get(
        waiting_on, Role.SUPERVISOR
    )


class Absence(BaseModel):
    """Days on which a person is away, the first and the last one included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date = Field(alias="from")
    last: date = Field(alias="to")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Absence":
        if self.last < self.first:
            raise ValueError("to must not be before from")
        return self


class Officer(BaseModel):
    """A person of the office, as `policies/people.toml` has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: OfficerId
    name: str = Field(min_length=3, max_length=80, repr=False)
    """Printed on letters and screens; never sent to Temporal, a log or an alert."""
    roles: frozenset[Role] = Field(min_length=1)
    cities: frozenset[CityCode] = Field(min_length=1)
    kecamatan: frozenset[str] = frozenset()
    """Names of the kecamatan served; none named means all of them."""
    deputy: OfficerId | None = None
    """Who is told in his place while he is away."""
    absent: tuple[Absence, ...] = ()

    def may(self, act: Act) -> bool:
        """Tell whether one of the officer's roles allows the command."""
        return bool(self.roles & MAY[act])

    def may_finish(self, role: Role) -> bool:
        """Tell whether he may do work of a role; a supervisor stands in for everybody but the signer."""
        return role in self.roles or (Role.SUPERVISOR in self.roles and role is not Role.SIGNER)

    def role_in(self, act: Act) -> Role:
        """Return the role in which the officer does what he may do."""
        return min(self.roles & MAY[act])

    def serves(self, case: CaseRef) -> bool:
        """Tell whether the case lies in the officer's area."""
        return self.serves_area(case.city, case.kecamatan)

    def serves_area(self, city: str, kecamatan: str) -> bool:
        """Tell whether a kecamatan of a city lies in the officer's area."""
        return city in self.cities and (not self.kecamatan or kecamatan in self.kecamatan)

    def is_absent(self, day: date) -> bool:
        """Tell whether the officer is away on a day."""
        return any(absence.first <= day <= absence.last for absence in self.absent)


class People(BaseModel):
    """Everybody who works for the office."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: tuple[Officer, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "People":
        ids = [officer.id for officer in self.person]
        if twice := sorted({one for one in ids if ids.count(one) > 1} | ({MACHINE} & set(ids))):
            raise ValueError(f"id used twice or reserved: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _deputies_lead_to_somebody(self) -> "People":
        deputies = {officer.id: officer.deputy for officer in self.person}
        for at, officer in enumerate(self.person):
            if officer.deputy is not None and officer.deputy not in deputies:
                raise ValueError(f"person.{at}.deputy: nobody has the id {officer.deputy}")
            seen, stand_in = {officer.id}, officer.deputy
            while stand_in is not None:
                if stand_in in seen:
                    what = (
                        "is the person himself" if officer.deputy == officer.id else "goes round in a circle"
                    )
                    raise ValueError(f"person.{at}.deputy: {what}")
                seen.add(stand_in)
                stand_in = deputies.get(stand_in)
        return self

    def find(self, officer_id: str) -> Officer | None:
        """Return the officer with this id; None when there is none."""
        return next((officer for officer in self.person if officer.id == officer_id), None)

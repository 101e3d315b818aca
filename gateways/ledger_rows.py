"""Rows of the ledger, read as the models they were written from."""

from sqlalchemy import RowMapping

from models.case import CaseRef, CaseState
from models.dossier import Need, Paper, Person
from models.identity import Sex
from models.messages import Alert, CaseEvent
from models.policy import DocumentKind, NeedKind


def case_ref(row: RowMapping) -> CaseRef:
    """Read a row of `cases` as the reference of the case."""
    return CaseRef.model_validate(dict(row))


def case_state(row: RowMapping) -> CaseState:
    """Read a row of `cases` as its projected state."""
    return CaseState.model_validate({**row, "case": case_ref(row)})


def case_event(row: RowMapping) -> CaseEvent:
    """Read a row of `case_events`."""
    return CaseEvent.model_validate(dict(row))


def alert(row: RowMapping) -> Alert:
    """Read a row of `alerts`."""
    return Alert.model_validate(dict(row))


def person(row: RowMapping) -> Person:
    """Read the columns of `people`."""
    return Person(
        nik=row["nik"],
        kk=row["kk"],
        card_number=row["card_number"],
        name=row["name"],
        birth_date=row["birth_date"],
        sex=Sex(row["sex"]),
        phone=row["phone"],
        kelurahan=row["kelurahan"],
    )


def need(row: RowMapping) -> Need:
    """Read the need out of a row of `cases`."""
    return Need(
        kind=NeedKind(row["need_kind"]),
        facility=row["facility"],
        letter_number=row["letter_number"],
        letter_date=row["letter_date"],
    )


def paper(row: RowMapping) -> Paper:
    """Read a row of `documents`."""
    return Paper(
        kind=DocumentKind(row["kind"]),
        sha256=row["sha256"],
        media_type=row["media_type"],
        size=row["size"],
    )

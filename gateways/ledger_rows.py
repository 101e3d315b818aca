"""Rows of the ledger, read as the models they were written from."""

from sqlalchemy import RowMapping

from gateways.ports.vault import PersonKey
from gateways.sealed_rows import paper_of
from models.case import CaseRef, CaseState
from models.dossier import Paper
from models.messages import Alert, CaseEvent
from models.policy import DocumentKind


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


def paper(key: PersonKey, row: RowMapping) -> Paper:
    """Read a row of `documents`."""
    return Paper(
        kind=DocumentKind(row["kind"]),
        sha256=key.unseal(paper_of(row["case_number"], row["name"]), row["sealed"]),
        media_type=row["media_type"],
        size=row["size"],
    )

"""Answers that people gave to steps, as the ledger holds them before and after their delivery."""

from sqlalchemy import Connection, Integer, String, bindparam, or_, select

from models.case import Step
from models.desk import CommandKind, CommandResult
from models.desk_tables import commands
from models.messages import GiveAnswer

_GIVEN = (
    select(commands.c.message)
    .where(
        commands.c.case_number == bindparam("case_number", type_=String()),
        commands.c.step == bindparam("step", type_=String()),
        commands.c.attempt == bindparam("attempt", type_=Integer()),
        commands.c.kind == CommandKind.ANSWER,
        or_(commands.c.result.is_(None), commands.c.result == CommandResult.ACCEPTED),
    )
    .order_by(commands.c.given_at)
    .limit(1)
)


def given(connection: Connection, case_number: str, step: Step, attempt: int) -> GiveAnswer | None:
    """Return what a person answered to this step and attempt, unless it came too late or was refused."""
    of_step = {"case_number": case_number, "step": step, "attempt": attempt}
    message = connection.execute(_GIVEN, of_step).scalar_one_or_none()
    return None if message is None else GiveAnswer.model_validate_json(message)

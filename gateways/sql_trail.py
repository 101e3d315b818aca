"""Who did and saw what, in SQL. Satisfies `gateways.ports.audit.Trail`."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
)

from gateways import note_rows, touched_query
from gateways.audit_forms import FORMS, announce
from gateways.ledger_access import LedgerAccess, no_such_case, of_cities, unreachable
from gateways.ports.vault import Vault
from gateways.sealed_rows import key_of_case
from models.alert_tables import alerts
from models.audit import Access, Note, Touched, TrailAsk, TrailLine
from models.audit_tables import AccessRow, accesses, audit_chain
from models.bulk_tables import bulk_operations
from models.desk_tables import commands, refusals
from models.erasure_tables import erasures, legal_holds
from models.event_tables import received_events
from models.import_tables import imports
from models.roles import MACHINE
from models.tables import case_events, cases

_NONE: Final = cast(null(), String)
_MACHINE: Final = literal(MACHINE)
_HOLD_NUMBER: Final = cast(legal_holds.c.id, String)
_KEEP = insert(accesses).returning(accesses.c.id)


def _lines(form: str, **columns: ColumnElement[Any]) -> Select[Any]:
    """Return the rows of a form as lines of the trail."""
    names = ("at", "actor", "role", "what", "case_number", "reason")
    told = [columns.get(name, _NONE).label(name) for name in names]
    of_form = FORMS[form]
    return select(*told, literal(form).label("form"), of_form.key.label("key")).where(of_form.is_written)


_trail = union_all(
    _lines(
        "accesses",
        at=accesses.c.at,
        actor=accesses.c.actor,
        role=accesses.c.role,
        what=accesses.c.door,
        case_number=accesses.c.case_number,
        reason=accesses.c.reason,
    ),
    _lines(
        "commands",
        at=commands.c.given_at,
        actor=commands.c.actor,
        role=commands.c.role,
        what=literal("command ").concat(commands.c.kind),
        case_number=commands.c.case_number,
        reason=commands.c.command_id,
    ),
    _lines(
        "command_results",
        at=commands.c.settled_at,
        actor=_MACHINE,
        what=literal("command ").concat(commands.c.kind).concat(" ").concat(commands.c.result),
        case_number=commands.c.case_number,
        reason=commands.c.command_id,
    ),
    _lines(
        "refusals",
        at=refusals.c.at,
        actor=refusals.c.actor,
        what=literal("refused ").concat(refusals.c.act),
        case_number=refusals.c.case_number,
        reason=refusals.c.why,
    ),
    _lines(
        "case_events",
        at=case_events.c.recorded_at,
        actor=func.coalesce(case_events.c.facts["by"].as_string(), _MACHINE),
        what=case_events.c.kind,
        case_number=case_events.c.case_number,
        reason=case_events.c.reason,
    ),
    _lines(
        "alerts",
        at=alerts.c.raised_at,
        actor=_MACHINE,
        what=literal("alert ").concat(alerts.c.kind),
        case_number=alerts.c.case_number,
    ),
    _lines(
        "alert_acks",
        at=alerts.c.acknowledged_at,
        actor=alerts.c.acknowledged_by,
        what=literal("alert acknowledged"),
        case_number=alerts.c.case_number,
        reason=alerts.c.key,
    ),
    _lines(
        "bulk_operations",
        at=bulk_operations.c.given_at,
        actor=bulk_operations.c.actor,
        what=literal("bulk ").concat(bulk_operations.c.operation),
        reason=bulk_operations.c.id,
    ),
    _lines(
        "received_events",
        at=received_events.c.at,
        actor=func.coalesce(received_events.c.source, "-"),
        what=literal("event ").concat(received_events.c.result),
        case_number=received_events.c.case_number,
        reason=received_events.c.said,
    ),
    _lines(
        "erasures",
        at=erasures.c.at,
        actor=erasures.c.actor,
        role=erasures.c.role,
        what=literal("privacy erase"),
        case_number=erasures.c.case_number,
        reason=erasures.c.cause,
    ),
    _lines(
        "legal_holds",
        at=legal_holds.c.at,
        actor=legal_holds.c.actor,
        role=legal_holds.c.role,
        what=literal("privacy hold"),
        case_number=legal_holds.c.case_number,
        reason=literal("hold-").concat(_HOLD_NUMBER),
    ),
    _lines(
        "hold_releases",
        at=legal_holds.c.released_at,
        actor=legal_holds.c.released_by,
        role=legal_holds.c.released_role,
        what=literal("privacy release-hold"),
        case_number=legal_holds.c.case_number,
        reason=literal("release-").concat(_HOLD_NUMBER),
    ),
    _lines(
        "imports",
        at=imports.c.begun_at,
        actor=imports.c.begun_by,
        what=literal("import ").concat(imports.c.city),
        reason=imports.c.file_sha256,
    ),
).subquery("trail")
_entry = and_(audit_chain.c.form == _trail.c.form, audit_chain.c.key == _trail.c.key)
_TRAIL = (
    select(_trail, audit_chain.c.number)
    .select_from(_trail.outerjoin(audit_chain, _entry))
    .order_by(_trail.c.at.desc(), _trail.c.form.desc(), audit_chain.c.number.desc())
)

_theirs = cases.alias("theirs")
_OF_PERSON = (
    select(_theirs.c.case_number)
    .join(cases, cases.c.person_id == _theirs.c.person_id)
    .where(cases.c.case_number == bindparam("case_number", type_=String()))
    .order_by(_theirs.c.case_number)
)


class SqlTrail:
    """The trail in SQLite or PostgreSQL. Thread-safe; every call is one short transaction.

    Raises EngineUnreachable when the database is away, BadReply when it refuses a statement.
    """

    def __init__(self, engine: Engine, vault: Vault) -> None:
        """`engine` comes from `open_engine`; `vault` holds people's keys."""
        self._vault = vault
        self._access = LedgerAccess(engine, lambda: unreachable(engine))

    def keep(self, access: Access, note: Note | None = None) -> None:
        """Write down, before anything is shown, that somebody sees it, and the words of his reason."""
        row = AccessRow(**vars(access)).model_dump(exclude={"id"})
        with self._access.write() as connection:
            if note is not None:
                key = key_of_case(connection, self._vault, note.case_number)
                note_rows.keep(
                    connection,
                    key,
                    note.case_number,
                    note.id,
                    author=access.actor,
                    text=note.text,
                    at=access.at,
                )
            number = connection.execute(_KEEP, row).scalar_one()
            announce(connection, "accesses", [(number,)], access.at)

    def lines(self, ask: TrailAsk) -> list[TrailLine]:
        """Return what was done, the oldest first; with a limit the newest of it."""
        query = _TRAIL
        if ask.case_number is not None:
            query = query.where(_trail.c.case_number == ask.case_number)
        if ask.actor is not None:
            query = query.where(_trail.c.actor == ask.actor)
        if ask.since is not None:
            query = query.where(_trail.c.at >= ask.since)
        if ask.until is not None:
            query = query.where(_trail.c.at < ask.until)
        if ask.cities is not None:
            query = query.where(of_cities(_trail.c.case_number, ask.cities))
        if ask.limit is not None:
            query = query.limit(ask.limit)
        with self._access.read() as connection:
            rows = connection.execute(query).all()
        return [TrailLine(*row) for row in reversed(rows)]

    def cases_of_person(self, case_number: str) -> list[str]:
        """Return every case of the person of a case. Raises NotFound."""
        with self._access.read() as connection:
            found = list(connection.execute(_OF_PERSON, {"case_number": case_number}).scalars())
        if not found:
            raise no_such_case(case_number)
        return found

    def touched(self, since: datetime, until: datetime, cities: frozenset[str]) -> Touched:
        """Return whose data people saw or worked from a time until before another."""
        when = {"since": since, "until": until, "cities": sorted(cities)}
        with self._access.read() as connection:
            return touched_query.touched(connection, when)

"""Applications become cases: one way for one application and for many, within the caller's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, insert, select, update

from gateways import ledger_rows
from gateways.audit_forms import announce
from gateways.ledger_access import Upsert, next_numbers
from models.case import CaseRef, CaseState
from models.dossier import NewCase, Paper, Registered
from models.messages import EventKind
from models.tables import CaseRow, DocumentRow, EventRow, case_events, cases, documents, people

_WIB = ZoneInfo("Asia/Jakarta")
_THEIRS = cases.c.person_id.in_(bindparam("people", expanding=True))

# Sets the NIK to itself: that takes the row's lock and returns its id, whether or not the row is new.
_LOCK_PEOPLE = Upsert(
    people,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["nik"], set_={"nik": insert.excluded.nik}
    ).returning(people.c.nik, people.c.id),
)
_OPEN_CASES = select(cases).where(_THEIRS, cases.c.closed_at.is_(None))
_ENDED_CASES = select(cases).where(_THEIRS, cases.c.closed_at.is_not(None)).order_by(cases.c.case_number)
_RENEW_PERSON = update(people).where(people.c.id == bindparam("person_id"))
_OPEN = insert(cases)
_APPEND = insert(case_events)
_KEEP_PAPERS = Upsert(documents, lambda insert: insert.on_conflict_do_nothing().returning(documents.c.sha256))
STARTED = (
    update(cases)
    .where(cases.c.case_number == bindparam("number"))
    .values(started_at=func.coalesce(cases.c.started_at, bindparam("now")))
)
"""Notes that the workflow of a case exists; the first note stays."""


def register_all(
    connection: Connection, news: Sequence[NewCase], now: datetime, *, knows_letters: bool = False
) -> list[Registered]:
    """Write people, papers and cases, and return for each application its case, in the order given.

    A person with an open case gets that case, and nothing of the application is taken over. With
    `knows_letters` this also holds for one whose case is over if it came of the same facility letter and the
    same deactivation. Cases are numbered `PBI-<city>-<year>-<sequence>` without gaps; the year is of
    `received_at` in WIB. Two calls for the same person wait for each other.
    """
    first: dict[str, NewCase] = {}
    for new in news:
        first.setdefault(new.person.nik, new)
    ids = _lock(connection, first.values())
    present = _present(connection, first, ids, knows_letters=knows_letters)
    opened = _open(connection, [new for nik, new in first.items() if nik not in present], ids, now)
    untold = set(opened)
    answers = []
    for nik in (new.person.nik for new in news):
        answers.append(present.get(nik) or Registered(opened[nik], is_new=nik in untold, is_started=False))
        untold.discard(nik)
    return answers


def keep_papers(connection: Connection, papers: Iterable[tuple[str, Paper]], now: datetime) -> int:
    """Write papers, each with its case number, that are not there yet; return how many were new."""
    rows = [DocumentRow(case_number=number, added_at=now, **asdict(paper)) for number, paper in papers]
    if not rows:
        return 0
    return len(connection.execute(_KEEP_PAPERS.on(connection), [row.model_dump() for row in rows]).all())


def _lock(connection: Connection, news: Iterable[NewCase]) -> dict[str, int]:
    """Take the lock of each person, always in the same order, and return the row's id by NIK."""
    rows = [asdict(new.person) for new in sorted(news, key=lambda new: new.person.nik)]
    return dict(map(tuple, connection.execute(_LOCK_PEOPLE.on(connection), rows).all()))


def _present(
    connection: Connection, news: dict[str, NewCase], ids: dict[str, int], *, knows_letters: bool
) -> dict[str, Registered]:
    """Return the cases that people have already, by NIK."""
    niks = {number: nik for nik, number in ids.items()}
    who = {"people": list(niks)}
    found = {}
    if knows_letters:
        for row in connection.execute(_ENDED_CASES, who).mappings():
            new = news[niks[row["person_id"]]]
            letter = (new.need.letter_number, new.need.letter_date, new.deactivated_on)
            if letter == (row["letter_number"], row["letter_date"], row["deactivated_on"]):
                found[new.person.nik] = Registered(ledger_rows.case_ref(row), is_new=False, is_started=True)
    for row in connection.execute(_OPEN_CASES, who).mappings():
        is_started = row["started_at"] is not None
        found[niks[row["person_id"]]] = Registered(
            ledger_rows.case_ref(row), is_new=False, is_started=is_started
        )
    return found


def _open(
    connection: Connection, news: Sequence[NewCase], ids: dict[str, int], now: datetime
) -> dict[str, CaseRef]:
    """Open a case for each application, and return the cases by NIK."""
    if not news:
        return {}
    people_ = [{"person_id": ids[new.person.nik], **asdict(new.person)} for new in news]
    connection.execute(_RENEW_PERSON, people_)
    numbers = _numbers(connection, news)
    opened = [
        (
            new,
            CaseRef(
                case_number=number,
                city=new.city,
                track=new.track,
                kecamatan=new.kecamatan,
                received_at=new.received_at,
                from_list=new.from_list,
            ),
        )
        for new, number in zip(news, numbers, strict=True)
    ]
    connection.execute(_OPEN, [_case_row(new, case, ids[new.person.nik], now) for new, case in opened])
    connection.execute(_APPEND, [_first_event(new, case, now) for new, case in opened])
    announce(connection, "case_events", [(case.case_number, 1, 1) for _, case in opened], now)
    keep_papers(connection, [(case.case_number, paper) for new, case in opened for paper in new.papers], now)
    return {new.person.nik: case for new, case in opened}


def _numbers(connection: Connection, news: Sequence[NewCase]) -> list[str]:
    """Return a case number for each application; they rise in the order given."""
    series = [(new.city, new.received_at.astimezone(_WIB).year) for new in news]
    how_many: dict[tuple[str, int], int] = defaultdict(int)
    for one in series:
        how_many[one] += 1
    left = {
        (city, year): iter(next_numbers(connection, f"case:{city}:{year}", many))
        for (city, year), many in sorted(how_many.items())
    }
    return [f"PBI-{city}-{year}-{next(left[city, year]):06d}" for city, year in series]


def _case_row(new: NewCase, case: CaseRef, person_id: int, now: datetime) -> dict[str, object]:
    return CaseRow(
        **case.model_dump(),
        **CaseState(case=case, since=new.received_at).model_dump(exclude={"case"}),
        person_id=person_id,
        registered_at=now,
        need_kind=new.need.kind,
        facility=new.need.facility,
        letter_number=new.need.letter_number,
        letter_date=new.need.letter_date,
        deactivated_on=new.deactivated_on,
        last_seq=1,
    ).model_dump()


def _first_event(new: NewCase, case: CaseRef, now: datetime) -> dict[str, object]:
    facts: dict[str, str | int] = {"track": new.track}
    if new.by is not None:
        facts["by"] = new.by
    return EventRow(
        case_number=case.case_number,
        epoch=1,
        seq=1,
        kind=EventKind.CASE_REGISTERED,
        at=new.received_at,
        recorded_at=now,
        facts=facts,
    ).model_dump()

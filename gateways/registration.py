"""Applications become cases: one way for one application and for many, within the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, func, insert, literal, select, text, update

from gateways import ledger_rows, lineage_rows, sealed_rows
from gateways.audit_forms import announce
from gateways.ledger_access import Upsert, next_numbers
from gateways.ports.vault import PersonKey, Vault
from gateways.sealed_rows import NIK, PAPER
from models.case import CaseRef, CaseState
from models.dossier import NewCase, Paper, Registered
from models.lineage import new_birth
from models.messages import EventKind
from models.tables import CaseRow, DocumentRow, EventRow, case_events, cases, documents, people

_WIB = ZoneInfo("Asia/Jakarta")
_THEIRS = cases.c.person_id.in_(bindparam("people", expanding=True))

_KNOWN = select(people.c.nik_index, people.c.key_id).where(
    people.c.nik_index.in_(bindparam("indexes", expanding=True))
)
# Sets the index to itself: that takes the row's lock and returns its id, whether or not the row is new.
_LOCK_PEOPLE = Upsert(
    people,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["nik_index"], set_={"nik_index": insert.excluded.nik_index}
    ).returning(people.c.nik_index, people.c.id, people.c.key_id),
)
_FORGET = (
    update(people)
    .where(people.c.key_id.in_(bindparam("of_keys", expanding=True)))
    .values(nik_index=literal("erased-").concat(people.c.key_id))
)
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(8421367000421)")
_ALONE = text("SELECT pg_advisory_xact_lock(8421367000421)")
_OPEN_CASES = select(cases).where(_THEIRS, cases.c.closed_at.is_(None))
_ENDED_CASES = select(cases).where(_THEIRS, cases.c.closed_at.is_not(None)).order_by(cases.c.case_number)
_RENEW_PERSON = update(people).where(people.c.id == bindparam("person_id")).values(sealed=bindparam("facts"))
_OPEN = insert(cases)
_APPEND = insert(case_events)
_KEEP_PAPERS = Upsert(documents, lambda insert: insert.on_conflict_do_nothing().returning(documents.c.name))
STARTED = (
    update(cases)
    .where(cases.c.case_number == bindparam("number"))
    .values(started_at=func.coalesce(cases.c.started_at, bindparam("now")))
)
"""Notes that the workflow of a case exists; the first note stays."""


@dataclass(frozen=True)
class _Held:
    """A person whose row is locked."""

    id: int
    key: PersonKey


_People = dict[str, _Held]
"""By NIK."""


def register_all(
    connection: Connection,
    vault: Vault,
    news: Sequence[NewCase],
    now: datetime,
    *,
    knows_letters: bool = False,
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
    held = _lock(connection, vault, list(first))
    present = _present(connection, first, held, knows_letters=knows_letters)
    wanted = [new for nik, new in first.items() if nik not in present]
    opened = _open(connection, vault, wanted, held, now)
    untold = set(opened)
    answers = []
    for nik in (new.person.nik for new in news):
        answers.append(present.get(nik) or Registered(opened[nik], is_new=nik in untold, is_started=False))
        untold.discard(nik)
    return answers


def keep_papers(
    connection: Connection, vault: Vault, papers: Iterable[tuple[str, PersonKey, Paper]], now: datetime
) -> int:
    """Write papers, each with its case and whose it is, that are not there yet; return how many were new."""
    rows = [_paper_row(vault, number, key, paper, now) for number, key, paper in papers]
    if not rows:
        return 0
    return len(connection.execute(_KEEP_PAPERS.on(connection), rows).all())


def _paper_row(vault: Vault, number: str, key: PersonKey, paper: Paper, now: datetime) -> dict[str, object]:
    name = vault.index(PAPER, paper.sha256)
    told = asdict(paper)
    sealed = key.seal(sealed_rows.paper_of(number, name), told.pop("sha256"))
    return DocumentRow(case_number=number, added_at=now, name=name, sealed=sealed, **told).model_dump()


def keep_others_out(connection: Connection) -> None:
    """Let nobody be registered until the transaction ends: who is erased must not be met half way."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALONE)


def forget_niks(connection: Connection, key_ids: Collection[str]) -> None:
    """Make people whose keys are destroyed unknown by their NIK: with it they would be somebody new."""
    connection.execute(_FORGET, {"of_keys": list(key_ids)})


def _known(connection: Connection, vault: Vault, indexes: Collection[str]) -> dict[str, str]:
    """Return the keys of people who are known, by the index of the NIK.

    In a ledger that was restored, who was erased since is met under his NIK once more.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_TOGETHER)
    known = dict(map(tuple, connection.execute(_KNOWN, {"indexes": list(indexes)}).all()))
    erased = vault.destroyed(list(known.values()))
    if erased:
        forget_niks(connection, list(erased))
    return {index: key_id for index, key_id in known.items() if key_id not in erased}


def _lock(connection: Connection, vault: Vault, niks: Sequence[str]) -> _People:
    """Take the lock of each person, always in the same order. Who is new gets a key first."""
    niks_by_index = {vault.index(NIK, nik): nik for nik in niks}
    known = _known(connection, vault, niks_by_index)
    strangers = sorted(niks_by_index.keys() - known.keys())
    made = {key.id: key for key in vault.make(len(strangers))}
    proposed = known | dict(zip(strangers, made, strict=True))
    rows = [{"nik_index": index, "key_id": key_id} for index, key_id in sorted(proposed.items())]
    locked = connection.execute(_LOCK_PEOPLE.on(connection), rows).all()
    keys = made | dict(vault.keys([row.key_id for row in locked if row.key_id not in made]))
    return {niks_by_index[row.nik_index]: _Held(row.id, keys[row.key_id]) for row in locked}


def _present(
    connection: Connection, news: dict[str, NewCase], held: _People, *, knows_letters: bool
) -> dict[str, Registered]:
    """Return the cases that people have already, by NIK."""
    niks = {one.id: nik for nik, one in held.items()}
    who = {"people": list(niks)}
    found = {}
    if knows_letters:
        for row in connection.execute(_ENDED_CASES, who).mappings():
            new = news[niks[row["person_id"]]]
            need, deactivated_on = sealed_rows.need(held[new.person.nik].key, row)
            letter = (new.need.letter_number, new.need.letter_date, new.deactivated_on)
            if letter == (need.letter_number, need.letter_date, deactivated_on):
                found[new.person.nik] = Registered(ledger_rows.case_ref(row), is_new=False, is_started=True)
    for row in connection.execute(_OPEN_CASES, who).mappings():
        is_started = row["started_at"] is not None
        found[niks[row["person_id"]]] = Registered(
            ledger_rows.case_ref(row), is_new=False, is_started=is_started
        )
    return found


def _open(
    connection: Connection, vault: Vault, news: Sequence[NewCase], held: _People, now: datetime
) -> dict[str, CaseRef]:
    """Open a case for each application, and return the cases by NIK."""
    if not news:
        return {}
    renewed = [(held[new.person.nik], new.person) for new in news]
    facts = [{"person_id": one.id, "facts": sealed_rows.seal_person(one.key, who)} for one, who in renewed]
    connection.execute(_RENEW_PERSON, facts)
    numbers, ledger = _numbers(connection, news), lineage_rows.ledger_id(connection)
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
                birth=new_birth(ledger),
            ),
        )
        for new, number in zip(news, numbers, strict=True)
    ]
    connection.execute(_OPEN, [_case_row(new, case, held[new.person.nik], now) for new, case in opened])
    connection.execute(_APPEND, [_first_event(new, case, now) for new, case in opened])
    announce(connection, "case_events", [(case.case_number, 1, 1) for _, case in opened], now)
    papers = (
        (case.case_number, held[new.person.nik].key, paper) for new, case in opened for paper in new.papers
    )
    keep_papers(connection, vault, papers, now)
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


def _case_row(new: NewCase, case: CaseRef, person: _Held, now: datetime) -> dict[str, object]:
    return CaseRow(
        **case.model_dump(),
        **CaseState(case=case, since=new.received_at).model_dump(exclude={"case"}),
        person_id=person.id,
        registered_at=now,
        sealed=sealed_rows.seal_need(person.key, case.case_number, new.need, new.deactivated_on),
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

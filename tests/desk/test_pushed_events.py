"""Answers that outside systems push, over real HTTP: taken once, refused, noted, limited; nothing leaks."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk.orders import Hand
from desk.pushed import PushedAnswers
from gateways.event_sources import read_event_sources
from gateways.sql_event_book import SqlEventBook
from models.answers import Approved
from models.case import CaseRef, Step
from models.desk import Command, CommandResult
from models.desk_tables import submissions
from models.errors import Misconfigured
from models.event_tables import received_events
from models.events import EventNote, EventRefused, EventResult
from models.messages import GiveAnswer
from models.signing import SIGNATURE, TIMESTAMP
from runtime.adapters import Events
from runtime.event_door import MOST_BYTES, EventDoor
from runtime.limits import Bucket, Limits, Rate, Rates
from tests.desk.bench import APPROVE, OPERATOR, Bench
from tests.pushing import (
    BPJS_SECRET,
    BPJS_URI,
    KEMENSOS,
    MEDIA,
    NEXT_SECRET,
    SECRET,
    SOURCES,
    an_event,
    headers,
    push,
)

VERIFYING, UPLOAD = Step.KEMENSOS_VERIFICATION, Step.SIKS_NG_UPLOAD
_PLENTY = Rates(Rate(1e6, 10**6), Rate(1e6, 10**6), Rate(1e6, 10**6))


@dataclass
class Door:
    """The door of an office, open on this machine; the workflow behind it says what a test wants."""

    bench: Bench
    url: str
    limits: Limits
    says: EventResult = EventResult.ACCEPTED

    async def deliver(self, command: Command) -> EventResult:
        if self.says is EventResult.NOT_OPEN:
            raise EventRefused(EventResult.NOT_OPEN, ("data.step",))
        if self.says is EventResult.ACCEPTED:
            self.bench.book.settle(command.command_id, CommandResult.ACCEPTED, None, self.bench.clock())
        return self.says

    def push(self, event: object, **how: object) -> httpx.Response:
        return push(self.url, event, **({"at": self.bench.clock()} | how))  # type: ignore[arg-type]  # a builder

    @property
    def notes(self) -> list[EventNote]:
        return SqlEventBook(self.bench.engine).latest({"3275", "3674"})

    def commands(self, case: CaseRef) -> list[GiveAnswer]:
        given = self.bench.book.undelivered(case.case_number)
        return [one.message for one in given if isinstance(one.message, GiveAnswer)]


@pytest.fixture
def door(bench: Bench) -> Iterator[Door]:
    """Open the door for a test; nobody knocks too often."""
    sources = bench.folder / "sources.toml"
    sources.touch(mode=0o600)
    sources.write_text(SOURCES)
    answers = PushedAnswers(bench.registry, bench.book, bench.shelf, bench.clock)
    events = Events(read_event_sources(sources), SqlEventBook(bench.engine), answers)
    with socket.create_server(("127.0.0.1", 0)) as held:
        door = Door(bench, f"http://127.0.0.1:{held.getsockname()[1]}", Limits(_PLENTY, lambda: 0.0))
        app = EventDoor(
            events, door.deliver, door.limits, window=timedelta(minutes=5), clock=bench.clock
        ).app()
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", lifespan="off", ws="none", http="h11"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [held]})
        thread.start()
        yield door
        server.should_exit = True
        thread.join()


def problem(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told["status"] == reply.status_code
    return reply.status_code, str(told["type"]).removeprefix("urn:reaktivasi:event:")


# -- Taken ---------------------------------------------------------------------------------------------


def test_an_answer_is_in_the_ledger_with_its_bearer_and_its_time(door: Door) -> None:
    """As an officer's would be: the desk item is done, the command waits to be delivered."""
    door.says = EventResult.KEPT
    item = door.bench.item(VERIFYING)
    when = door.bench.clock() - timedelta(minutes=20)
    event = an_event(item.case.case_number) | {"time": when.isoformat()}

    reply = door.push(event)

    assert (reply.status_code, reply.json()) == (202, {"result": "kept", "is_repeated": False})
    (given,) = door.commands(item.case)
    assert (given.actor, given.role, given.step, given.attempt) == (KEMENSOS, None, VERIFYING, 1)
    assert (given.answer, given.occurred_at) == (Approved(), when)
    assert door.bench.items(item.case) == []
    note = door.notes[0]
    assert (note.source, note.result, note.case_number) == (KEMENSOS, EventResult.KEPT, item.case.case_number)
    assert (note.said, note.at) == ("kemensos_verification:approved", door.bench.clock())


@pytest.mark.parametrize(("minutes", "counts"), [(30, 10), (5, 5)])
def test_an_answer_of_before_its_step_is_taken_and_counts_from_when_it_was_opened(
    door: Door, minutes: int, counts: int
) -> None:
    """The officer told the upload too late: the ministry's word is none the worse for that."""
    door.says = EventResult.KEPT
    now = door.bench.clock()
    item = door.bench.item(VERIFYING, opened_at=now - timedelta(minutes=10))
    event = an_event(item.case.case_number) | {"time": (now - timedelta(minutes=minutes)).isoformat()}
    assert door.push(event).status_code == 202
    (given,) = door.commands(item.case)
    assert given.occurred_at == now - timedelta(minutes=counts)


def test_an_event_counts_once_however_often_it_comes(door: Door) -> None:
    """The same words each time; one command; each knock is noted."""
    item = door.bench.item(VERIFYING)
    event = an_event(item.case.case_number, decision="returned", reason="DOK_TIDAK_JELAS")
    first, second = door.push(event), door.push(event)
    assert (first.status_code, first.json()["is_repeated"]) == (200, False)
    assert (second.status_code, second.json()["is_repeated"]) == (200, True)
    bearers = door.bench.book.bearers(item.case.case_number)
    assert [bearer.actor for bearer in bearers] == [KEMENSOS]
    assert [note.is_repeated for note in door.notes[:2]] == [True, False]
    assert door.notes[0].digest == door.notes[1].digest


def test_an_id_that_says_something_else_the_second_time_is_refused(door: Door) -> None:
    """Another case, or another decision."""
    event = an_event(door.bench.case(VERIFYING).case_number)
    door.push(event)
    other = event | {"subject": door.bench.case(VERIFYING).case_number}
    assert problem(door.push(other)) == (409, "conflict")
    turned = event | {"data": {"step": VERIFYING, "decision": "rejected", "reason": "NIK_BEDA"}}
    assert problem(door.push(turned))[0] in {409, 422}
    assert problem(door.push(turned)) == (409, "conflict")


@pytest.mark.parametrize(
    "change",
    [{"data": {"reason": "NIK_BEDA"}}, {"data": {"attempt": 1}}, {"time": "2026-03-02T08:30:00+07:00"}],
    ids=["reason", "attempt", "time"],
)
def test_every_word_of_an_event_belongs_to_its_id(door: Door, change: dict[str, object]) -> None:
    """Another reason, attempt or time under the same id was never taken; the first still is what it was."""
    data = {"decision": "returned", "reason": "DOK_TIDAK_JELAS"}
    event = an_event(door.bench.item(VERIFYING).case.case_number, **data) | {"time": "2026-03-02T01:15:00Z"}
    assert door.push(event).status_code == 200
    other = {**event, **change}
    if "data" in change:
        other["data"] = {**event["data"], **change["data"]}  # type: ignore[dict-item]  # JSON
    assert problem(door.push(other)) == (409, "conflict")
    elsewhere = {**event, "time": "2026-03-02T08:15:00+07:00"}
    assert door.push(elsewhere).json() == {"result": "accepted", "is_repeated": True}


def test_both_secrets_count_while_one_is_being_replaced(door: Door) -> None:
    """Nobody has to change at the same moment."""
    for secret in (SECRET, NEXT_SECRET):
        event = an_event(door.bench.case(VERIFYING).case_number)
        assert door.push(event, secret=secret).status_code == 200


def test_the_institution_is_heard_although_an_officer_has_the_work_in_hand(door: Door) -> None:
    """Its own word is first-hand; the record says whose work it finished."""
    door.says = EventResult.KEPT
    item = door.bench.claimed(OPERATOR, VERIFYING)
    assert door.push(an_event(item.case.case_number)).status_code == 202
    (given,) = door.commands(item.case)
    assert given.in_place_of == OPERATOR


def test_an_accepted_upload_brings_its_reference(door: Door) -> None:
    """Kept as a receipt without proof; the reference is nowhere else."""
    door.says = EventResult.KEPT
    item = door.bench.item(UPLOAD)
    number = item.case.case_number
    assert door.push(an_event(number, step=UPLOAD, reference="PRT/9-RAHASIA")).status_code == 202
    (row,) = door.bench.rows(submissions, item.case)
    receipt = door.bench.book.receipt(number, item.attempt)
    assert receipt is not None
    assert (receipt.reference, row["submitted_by"], receipt.proof_sha256) == ("PRT/9-RAHASIA", KEMENSOS, None)
    (given,) = door.commands(item.case)
    assert given.receipt == f"receipt:{item.id}"
    assert "RAHASIA" not in given.model_dump_json() + str(door.notes[0])
    other = door.bench.item(UPLOAD)
    taken = door.push(an_event(other.case.case_number, step=UPLOAD, reference="PRT/9-RAHASIA"))
    assert problem(taken) == (409, "conflict")


def test_a_final_reason_may_end_a_case_otherwise(door: Door) -> None:
    """`rejected` with MASIH_AKTIF is `moot`, as from an officer; said twice it is one answer."""
    case = door.bench.case(Step.BPJS_RECONNECT)
    data = {"step": "bpjs_reconnect", "decision": "rejected", "reason": "MASIH_AKTIF"}
    event = an_event(case.case_number) | {"source": BPJS_URI, "data": data}
    for _ in range(2):
        assert door.push(event, secret=BPJS_SECRET).status_code == 200
    assert door.bench.book.bearers(case.case_number)[0].actor == "mesin-bpjs"


# -- Late ----------------------------------------------------------------------------------------------


def test_an_answer_to_a_step_that_is_over_is_kept_as_late(door: Door) -> None:
    """It goes to the workflow, which notes it; nothing of the present step is touched."""
    door.says = EventResult.LATE
    item = door.bench.item(Step.BPJS_RECONNECT)
    reply = door.push(an_event(item.case.case_number))
    assert (reply.status_code, reply.json()["result"]) == (200, "late")
    (given,) = door.commands(item.case)
    assert (given.step, given.attempt) == (VERIFYING, 1)
    assert door.bench.items(item.case) == [item]


def test_a_verdict_of_an_earlier_round_does_not_answer_the_present_one(door: Door) -> None:
    """The case came back to the papers: Kemensos can only mean the round before."""
    door.says = EventResult.LATE
    case = door.bench.case(Step.DOCUMENT_CHECK, attempt=2)
    assert door.push(an_event(case.case_number)).status_code == 200
    assert [given.attempt for given in door.commands(case)] == [1]


def test_an_answer_to_a_case_that_is_over_is_kept_as_late(door: Door) -> None:
    """In the table of events, with what it said."""
    case = door.bench.case(VERIFYING)
    door.bench.close(case)
    reply = door.push(an_event(case.case_number))
    assert (reply.status_code, reply.json()["result"]) == (200, "late")
    assert door.notes[0].said == "kemensos_verification:approved"


def test_an_officer_who_was_first_makes_the_event_late_and_not_wrong(door: Door) -> None:
    """The desk item is closed already; the command is kept and the workflow decides."""
    door.says = EventResult.LATE
    item = door.bench.claimed(OPERATOR, VERIFYING)
    door.bench.work.complete(Hand(OPERATOR), item.id, APPROVE)
    assert door.push(an_event(item.case.case_number)).status_code == 200
    assert [given.actor for given in door.commands(item.case)] == [OPERATOR, KEMENSOS]


# -- Refused -------------------------------------------------------------------------------------------


def test_whatever_is_wrong_is_refused_told_and_noted(door: Door) -> None:
    """Status and code; no body, and a case only if there is one; no command."""
    case = door.bench.case(VERIFYING)
    good = an_event(case.case_number)
    now = door.bench.clock()
    window = timedelta(minutes=5, seconds=1)
    bekasi = door.bench.case(Step.BPJS_RECONNECT, city="3275", kecamatan="Bekasi Timur")
    active = {"step": "bpjs_reconnect", "decision": "approved"}
    wrong: list[tuple[dict[str, object], dict[str, object], tuple[int, str]]] = [
        (good, {"secret": "x" * 32}, (401, "bad_signature")),
        (good, {"at": now - window}, (401, "old_timestamp")),
        (good, {"at": now + window}, (401, "old_timestamp")),
        (good, {"secret": BPJS_SECRET}, (403, "foreign_source")),
        (good | {"type": "id.reaktivasi.other"}, {}, (422, "unknown_type")),
        (good | {"subject": "PBI-3674-2026-999999"}, {}, (404, "unknown_case")),
        (good | {"subject": "Siti"}, {}, (400, "malformed")),
        (good | {"specversion": "0.3"}, {}, (400, "malformed")),
        (good | {"time": (now + window).isoformat()}, {}, (400, "malformed")),
        (good | {"time": "2001-01-01T00:00:00Z"}, {}, (400, "malformed")),
        (an_event(case.case_number, step="document_check"), {}, (403, "not_theirs")),
        (an_event(case.case_number, step="bpjs_reconnect"), {}, (403, "not_theirs")),
        (an_event(case.case_number, decision="moot"), {}, (400, "malformed")),
        (an_event(case.case_number, decision="returned"), {}, (400, "malformed")),
        (an_event(case.case_number, reason="NIK_BEDA"), {}, (400, "malformed")),
        (an_event(case.case_number, nama="Siti"), {}, (400, "malformed")),
        (an_event(case.case_number, decision="returned", reason="TIDAK_ADA"), {}, (422, "unknown_reason")),
        (an_event(case.case_number, attempt=2), {}, (409, "not_open")),
        (an_event(door.bench.case().case_number), {}, (409, "not_open")),
        (
            an_event(bekasi.case_number) | {"source": BPJS_URI, "data": active},
            {"secret": BPJS_SECRET},
            (404, "unknown_case"),
        ),
    ]
    for event, how, refusal in wrong:
        assert problem(door.push(event, **how)) == refusal, event
        assert door.notes[0].result == refusal[1], event
    assert door.commands(case) == []
    assert door.commands(bekasi) == []
    assert {note.case_number for note in door.notes if not note.result.is_taken} == {None}


def test_an_old_event_under_a_new_timestamp_is_refused(door: Door) -> None:
    """The signature is over the timestamp too."""
    body = json.dumps(an_event(door.bench.case(VERIFYING).case_number)).encode()
    sent = headers(body, at=door.bench.clock() - timedelta(hours=1))
    sent[TIMESTAMP] = str(int(door.bench.clock().timestamp()))
    assert problem(httpx.post(f"{door.url}/events", content=body, headers=sent)) == (401, "bad_signature")


def test_what_cannot_be_an_event_is_refused_unread(door: Door) -> None:
    """Too large, too long a line, another media type, headers that nobody signed, another method."""
    for content_type in ("application/json", "application/cloudevents-batch+json", "", "text/plain"):
        body = b"{}"
        sent = headers(body, at=door.bench.clock()) | {"Content-Type": content_type, "ce-id": "1"}
        assert problem(httpx.post(f"{door.url}/events", content=body, headers=sent)) == (415, "wrong_media")
    large = b" " * (MOST_BYTES + 1)
    sent = headers(large, at=door.bench.clock())
    assert problem(httpx.post(f"{door.url}/events", content=large, headers=sent)) == (413, "too_large")
    assert httpx.get(f"{door.url}/events").status_code == 405
    assert httpx.get(f"{door.url}/healthz").json() == {"status": "ok"}


def test_what_the_workflow_will_not_have_is_told(door: Door) -> None:
    """The sender may try again later; its event is not lost."""
    door.says = EventResult.NOT_OPEN
    case = door.bench.case(VERIFYING)
    event = an_event(case.case_number)
    assert problem(door.push(event)) == (409, "not_open")
    door.says = EventResult.LATE
    assert door.push(event).json() == {"result": "late", "is_repeated": True}


def test_who_knocks_too_often_waits_and_is_kept_no_more(door: Door) -> None:
    """Strangers fill no table; those we know come in all the same, until they knock too often themselves."""
    now = [0.0]
    rates = Rates(Rate(1, 6), Rate(100, 100), Rate(0.5, 2))
    door.limits.__init__(rates, lambda: now[0])  # type: ignore[misc]
    event = an_event(door.bench.case(VERIFYING).case_number)
    before = len(door.notes)
    strange = [door.push(event, secret="x" * 32) for _ in range(4)]
    assert [reply.status_code for reply in strange] == [401, 401, 429, 429]
    assert strange[2].headers["retry-after"] == "2"
    assert len(door.notes) == before + 2
    assert [door.push(event).status_code for _ in range(3)] == [200, 200, 429]
    now[0] = 1.0
    assert door.push(event).status_code == 200


def test_a_bucket_fills_no_further_than_its_rim() -> None:
    """A night without calls is no licence for a flood; and everybody together is limited too."""
    now = [0.0]
    bucket = Bucket(Rate(1, 2), lambda: now[0])
    now[0] = 1000.0
    assert [bucket.take() for _ in range(3)] == [0, 0, 1]
    limits = Limits(Rates(Rate(10, 10), Rate(1, 3), Rate(1, 1)), lambda: 0.0)
    assert [bool(limits.knock(f"10.0.0.{number}")) for number in range(4)] == [False, False, False, True]
    household = Limits(Rates(Rate(1, 1), Rate(9, 9), Rate(1, 1)), lambda: 0.0)
    assert [bool(household.knock(one)) for one in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")] == [
        False,
        True,
        False,
    ]


def test_events_are_listed_without_what_they_said_of_anybody(door: Door) -> None:
    """Codes, times, hashes: what a table may hold for years."""
    secret = "Siti Rahayu 3674064101900001"
    event = an_event(door.bench.case(VERIFYING).case_number, nama=secret) | {"id": secret, "orang": secret}
    reply = door.push(event)
    assert problem(reply) == (400, "malformed")
    with door.bench.engine.begin() as connection:
        kept = "".join(map(str, connection.execute(select(received_events))))
    assert "Siti" not in kept + reply.text
    assert "3674064101900001" not in kept + reply.text


# -- Whatever comes ----------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3),
    max_leaves=8,
)
_FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_FUZZ
@given(data=st.data())
def test_nothing_that_is_signed_breaks_the_door(door: Door, data: st.DataObject) -> None:
    """An event of which anything is replaced, left out or damaged: an answer of ours."""
    event = an_event("PBI-3674-2026-999999")
    part = event["data"]
    assert isinstance(part, dict)
    for target, name in (
        (event, data.draw(st.sampled_from(sorted(event)))),
        (part, data.draw(st.sampled_from(["step", "decision", "reason", "attempt", "reference", "nama"]))),
    ):
        target[name] = data.draw(_JSON)
    body = json.dumps(event).encode()
    cut = data.draw(st.integers(0, 300))  # how long an event is depends on the clock: beyond it is its end
    body = body if data.draw(st.booleans()) else body[:cut] + data.draw(st.binary(max_size=4)) + body[cut:]
    sent = headers(body, at=door.bench.clock())
    reply = httpx.post(f"{door.url}/events", content=body, headers=sent)
    assert problem(reply)[0] in {400, 403, 404, 409, 422}


@_FUZZ
@given(
    body=st.binary(max_size=200),
    timestamp=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=14),
    signed=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=70),
)
def test_nothing_that_is_not_signed_comes_in(door: Door, body: bytes, timestamp: str, signed: str) -> None:
    """Whatever stands in the headers."""
    sent = {"Content-Type": MEDIA, TIMESTAMP: timestamp, SIGNATURE: signed}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    reply = httpx.post(f"{door.url}/events", content=body, headers=encoded)
    assert problem(reply) == (401, "bad_signature")


# -- Who may push --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names nobody"),
        ("[machine]\n", "is not an id"),
        ("[m1]\nsource = 'a'\nparty = 'dinsos'\nsecrets = ['" + "k" * 32 + "']", "m1: check party"),
        ("[m1]\nsource = 'a'\nparty = 'bpjs'\nsecrets = ['rahasia']", "m1: check secrets"),
        ("[m1]\nsource = 'a'\nparty = 'bpjs'\nsecrets = []", "m1: check secrets"),
        (SOURCES.replace(BPJS_SECRET, SECRET), "a secret is there twice"),
        (SOURCES + "x = 1", "mesin-bpjs: check an unknown field"),
        ("[m1", "is not TOML"),
    ],
)
def test_a_file_of_sources_is_refused_without_a_word_of_its_secrets(
    tmp_path: Path, text: str, words: str
) -> None:
    """It names file, bearer and field."""
    path = tmp_path / "sources.toml"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(Misconfigured, match=words) as refused:
        read_event_sources(path)
    assert "rahasia" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_file_of_sources_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """The secrets are anybody's by then."""
    path = tmp_path / "sources.toml"
    path.write_text(SOURCES)
    path.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        read_event_sources(path)

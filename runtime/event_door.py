"""`POST /events`: signed CloudEvents by which outside systems push answers. Every knock is noted."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.desk import Command
from models.errors import EngineUnreachable
from models.events import (
    ANSWERED,
    Envelope,
    EventNote,
    EventRefused,
    EventResult,
    EventSource,
    PushedAnswer,
    PushedEvent,
)
from models.signing import SIGNATURE, TIMESTAMP, is_fresh, is_signed
from runtime.adapters import Events
from runtime.interceptor import failure_of
from runtime.limits import Limits
from workflows import options

log = structlog.get_logger()

MOST_BYTES: Final = 64 * 1024
_MEDIA: Final = "application/cloudevents+json"
_FIELDS: Final = {*PushedEvent.model_fields, *PushedAnswer.model_fields}
_STATUS: Final = {
    EventResult.ACCEPTED: 200,
    EventResult.KEPT: 202,
    EventResult.LATE: 200,
    EventResult.MALFORMED: 400,
    EventResult.TOO_LARGE: 413,
    EventResult.TOO_SLOW: 408,
    EventResult.WRONG_MEDIA: 415,
    EventResult.BAD_SIGNATURE: 401,
    EventResult.OLD_TIMESTAMP: 401,
    EventResult.FOREIGN_SOURCE: 403,
    EventResult.UNKNOWN_TYPE: 422,
    EventResult.UNKNOWN_CASE: 404,
    EventResult.NOT_THEIRS: 403,
    EventResult.UNKNOWN_REASON: 422,
    EventResult.NOT_OPEN: 409,
    EventResult.CONFLICT: 409,
}
_TITLE: Final = {
    EventResult.MALFORMED: "not a CloudEvent of the agreed form",
    EventResult.TOO_LARGE: f"over {MOST_BYTES // 1024} KiB",
    EventResult.TOO_SLOW: "the body took too long",
    EventResult.WRONG_MEDIA: f"send {_MEDIA}, one event at a time; headers of binary mode are not signed",
    EventResult.BAD_SIGNATURE: f"{TIMESTAMP} and {SIGNATURE} do not fit the body and a secret that is known",
    EventResult.OLD_TIMESTAMP: "signed too long ago, or by a clock that is wrong",
    EventResult.FOREIGN_SOURCE: "signed by another than the event's source",
    EventResult.UNKNOWN_TYPE: f"only {ANSWERED} is taken",
    EventResult.UNKNOWN_CASE: "no such case",
    EventResult.NOT_THEIRS: "this step is answered by another",
    EventResult.UNKNOWN_REASON: "not a reason for this decision at this step",
    EventResult.NOT_OPEN: "the case has not reached this step, or waits to be mended",
    EventResult.CONFLICT: "the id or the reference belongs to something else",
}
Form = TypeVar("Form", bound=BaseModel)
Deliver = Callable[[Command], Awaitable[EventResult]]
"""Brings a command to its workflow and says what became of it. Raises EventRefused."""


@dataclass
class _Known:
    """What has been learned of an event so far."""

    source: EventSource | None = None
    digest: str | None = None
    case_number: str | None = None
    said: str | None = None
    is_repeated: bool = False


class EventDoor:
    """Takes events in: judged, written to the ledger, delivered. Bodies are kept nowhere and never logged."""

    def __init__(
        self,
        events: Events,
        deliver: Deliver,
        limits: Limits,
        *,
        window: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        """`window` is how old a signature may be."""
        self._events = events
        self._deliver = deliver
        self._limits = limits
        self._window = window
        self._clock = clock

    def app(self) -> Starlette:
        """Build the application."""
        routes = [
            Route("/events", self._receive, methods=["POST"]),
            Route("/healthz", self._health, methods=["GET"]),
        ]
        return Starlette(routes=routes, exception_handlers={Exception: _broken})

    async def _health(self, _request: Request) -> Response:
        try:
            await asyncio.to_thread(self._events.book.latest, (), 1)
        except EngineUnreachable:
            return JSONResponse({"status": "ledger cannot be used"}, 503)
        return JSONResponse({"status": "ok"})

    async def _receive(self, request: Request) -> Response:
        address = request.client.host if request.client else "unknown"
        if wait := self._limits.knock(address):
            return _too_many(wait)
        known = _Known()
        try:
            result = await self._take(request, known)
        except EventRefused as refusal:
            if known.source is None and (wait := self._limits.stranger()):
                return _too_many(wait)
            log.warning("event.refused", result=refusal.result, source=_name(known), address=address)
            answer, result = _refusal(refusal), refusal.result
        except ClientDisconnect:
            return Response(status_code=400)
        except EngineUnreachable:
            return _away()
        else:
            log.info("event.taken", result=result, source=_name(known), case_number=known.case_number)
            answer = JSONResponse({"result": result, "is_repeated": known.is_repeated}, _STATUS[result])
        try:
            await asyncio.to_thread(self._events.book.note, self._note(known, result))
        except EngineUnreachable:
            return _away()
        return answer

    async def _take(self, request: Request, known: _Known) -> EventResult:
        body = await _body(request)
        known.source = source = self._signer(request, body)
        envelope = _read(Envelope, body)
        known.digest = source.digest(envelope.id)
        if envelope.source != source.uri:
            raise EventRefused(EventResult.FOREIGN_SOURCE, ("source",))
        if envelope.type != ANSWERED:
            raise EventRefused(EventResult.UNKNOWN_TYPE, ("type",))
        event = _read(PushedEvent, body)
        return await self._answer(source, event, known)

    def _signer(self, request: Request, body: bytes) -> EventSource:
        """Return who signed the body, before anything in it is looked at. Raises EventRefused."""
        timestamp = request.headers.get(TIMESTAMP, "")
        given = request.headers.get(SIGNATURE, "")
        signers = [one for one in self._events.sources if is_signed(one.secrets, timestamp, body, given)]
        if not signers:
            raise EventRefused(EventResult.BAD_SIGNATURE)
        if not is_fresh(timestamp, self._clock(), self._window):
            raise EventRefused(EventResult.OLD_TIMESTAMP)
        return signers[0]

    async def _answer(self, source: EventSource, event: PushedEvent, known: _Known) -> EventResult:
        answers = self._events.answers
        command = await asyncio.to_thread(answers.given_before, source, event)
        known.is_repeated = command is not None
        if command is None:
            command = await asyncio.to_thread(answers.take, source, event)
        known.case_number, known.said = event.subject, event.data.words
        return EventResult.LATE if command is None else await self._deliver(command)

    def _note(self, known: _Known, result: EventResult) -> EventNote:
        return EventNote(
            at=self._clock(),
            result=result,
            source=_name(known),
            digest=known.digest,
            case_number=known.case_number,
            said=known.said,
            is_repeated=known.is_repeated,
        )


async def _body(request: Request) -> bytes:
    """Read the body, and no more of it than is allowed. Raises EventRefused."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _MEDIA:
        raise EventRefused(EventResult.WRONG_MEDIA)
    body = bytearray()
    try:
        async with asyncio.timeout(options.EVENT_READ_WITHIN.total_seconds()):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:
                    raise EventRefused(EventResult.TOO_LARGE)
    except TimeoutError:
        raise EventRefused(EventResult.TOO_SLOW) from None
    return bytes(body)


def _read(form: type[Form], body: bytes) -> Form:
    """Read JSON of the agreed form. Raises EventRefused, naming fields of ours only."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    places = {".".join(str(one) for one in fault["loc"] if one in _FIELDS) or "body" for fault in faults}
    raise EventRefused(EventResult.MALFORMED, tuple(sorted(places)))


def _refusal(refusal: EventRefused) -> Response:
    more = {"fields": list(refusal.fields)} if refusal.fields else {}
    return _problem(_STATUS[refusal.result], refusal.result, _TITLE[refusal.result], more)


def _problem(
    status: int,
    code: str,
    title: str,
    more: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem after RFC 9457, with nothing in it that came from outside."""
    problem = {"type": f"urn:reaktivasi:event:{code}", "title": title, "status": status, **(more or {})}
    return Response(json.dumps(problem), status, headers=headers, media_type="application/problem+json")


def _too_many(wait: float) -> Response:
    return _problem(429, "too_many", "too many calls", headers={"Retry-After": str(math.ceil(wait))})


def _away() -> Response:
    return _problem(503, "away", "nothing was taken: try again", headers={"Retry-After": "30"})


def _name(known: _Known) -> str | None:
    return None if known.source is None else known.source.id


async def _broken(_request: Request, fault: Exception) -> Response:
    """Log where a fault of ours was and nothing that it says."""
    log.error("event.broken", what=failure_of(fault).message)
    return _problem(500, "broken", "a fault of ours; try again later")

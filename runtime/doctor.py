"""Is everything there that cases need? Each check says what it saw and how to mend it."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from activities.ways import Mode
from gateways.ledger_check import require_opens
from gateways.policy_folder import PolicyFolder
from gateways.typst_letters import TypstLetters
from models.errors import (
    EngineUnreachable,
    Misconfigured,
    NoStack,
    NoTemporal,
    NotFound,
    NumbersHeld,
    ReactivationError,
    WrongState,
)
from models.stuck_groups import EXAMPLES
from models.wib import wib_date, wib_text
from runtime import adapters, keys
from runtime.clocks import best_known, clocks_agree
from runtime.deployment import Deployments
from runtime.entry import REFUSED
from runtime.hands import told_of_hands
from runtime.ladders import check_contacts, check_ladders, unknown_contacts, without_contact
from runtime.namespace import OwnNamespace
from runtime.own_ledger import has_ledger, require_ledger
from runtime.same_past import SamePast
from runtime.schedules import next_digest, schedule_id
from runtime.settings import PREFIX, Settings
from runtime.space import look_for_space
from runtime.temporal import connect
from runtime.visibility import missing_search_attributes, pollers
from runtime.watchdog import WATCHDOG
from workflows import options


@dataclass(frozen=True)
class Check:
    """What one check saw."""

    name: str
    is_ok: bool
    saw: str
    mend: str = ""
    exit_code: int = 0
    """With which the command ends when the check fails."""


async def examine(settings: Settings) -> list[Check]:
    """Run every check and return what each saw; none stops the others."""
    checks: list[tuple[str, str, Callable[[Settings], Awaitable[str]]]] = [
        ("policies", f"mend the file that is named, or set {PREFIX}POLICIES_DIR", _policies),
        ("calendar", "`starter.py calendar load YEAR`, or mend the file that is named", _calendar),
        (
            "alerts",
            f"mend the file that is named, or set {PREFIX}CONTACTS, _WEBHOOK_URL, _WEBHOOK_SECRET",
            _alerts,
        ),
        (_LEDGER, f"set {PREFIX}DATABASE_URL, start the database, `starter.py migrate`", _ledger),
        (
            "keys",
            f"set {PREFIX}KEYSTORE and {PREFIX}MASTER_KEY_FILE, _MASTER_KEYS or _MASTER_KEY_COMMAND",
            _keys,
        ),
        (
            "people",
            "`starter.py withdraw CASE --reason WHY`, `submit` anew; `starter.py stuck --json` names all",
            _people,
        ),
        ("documents", f"set {PREFIX}DOCUMENTS_DIR to a folder that can be written", _documents),
        ("space", "free space, or mend what is said in parentheses", _space),
        (
            "alerts heard",
            f"mend {PREFIX}CONTACTS, restart worker and watchdog; see `starter.py alerts list`, `deliveries`",
            _unheard,
        ),
        ("desk", "mend people.toml; `starter.py desk list --all`, `desk assign ITEM OFFICER`", _desk),
        ("watchdog", "start it: `python worker.py --watchdog`", _watchdog),
        (
            "temporal",
            "`starter.py up` locally; otherwise check TEMPORAL_ADDRESS or TEMPORAL_PROFILE",
            _temporal,
        ),
        ("stores", "docs/restore.md, then `starter.py restored`", _stores),
        ("clock", "set the clock that is wrong, for example `timedatectl set-ntp true`", clocks_agree),
        ("search attributes", "`starter.py search-attributes`", _search_attributes),
        ("worker", "start one: `starter.py up`, or `python worker.py`", _worker),
        ("deployment", "`starter.py deployment promote BUILD_ID --go`, or start its workers", _deployment),
        (
            "digest",
            "start a worker, which makes it, or `temporal schedule toggle --unpause --schedule-id ID`",
            _digest,
        ),
        *(
            (name, f"set {PREFIX}{name.upper()}_URL, and see whether that system is up", _system(name))
            for name in _SYSTEMS
        ),
        ("bpjs credentials", f"set {PREFIX}BPJS_CONS_ID, _CONS_SECRET and _USER_KEY", _credentials),
    ]
    made: dict[str, Check] = {}
    for name, mend, check in checks:
        needed = _NEEDED.get(name)
        if needed is not None and not made[needed].is_ok:
            made[name] = _not_checked(name, needed)
        else:
            made[name] = await _run(name, mend, check, settings)
    return list(made.values())


_LEDGER: Final = "ledger"
_UP: Final = "`starter.py up`"
_NEEDED = {
    **dict.fromkeys(("keys", "alerts heard", "watchdog", "stores", "clock"), _LEDGER),
    **dict.fromkeys(("people", "desk"), "keys"),
    **dict.fromkeys(("search attributes", "worker", "deployment", "digest"), "temporal"),
}
"""What a check cannot be made without."""
_SYSTEMS = ("siks_ng", "kemensos", "bpjs")
_AWAY: Final = 5


async def _run(
    name: str, mend: str, check: Callable[[Settings], Awaitable[str]], settings: Settings
) -> Check:
    try:
        return Check(name, is_ok=True, saw=await check(settings))
    except ReactivationError as error:
        is_of_stack = isinstance(error, NoStack | NoTemporal) and not has_ledger(settings)
        if is_of_stack and name != _LEDGER:
            return _not_checked(name, _LEDGER)
        code = REFUSED if isinstance(error, WrongState) else _AWAY
        return Check(name, is_ok=False, saw=str(error), mend=_UP if is_of_stack else mend, exit_code=code)


def _not_checked(name: str, needed: str) -> Check:
    return Check(name, is_ok=False, saw="not checked", mend=f"first mend {needed}", exit_code=_AWAY)


async def _policies(settings: Settings) -> str:
    shelf = PolicyFolder(settings.policies_dir)
    printer = TypstLetters(settings.policies_dir / adapters.LETTER_TEMPLATES)
    for city in shelf.cities():
        printer.check(city.letter.template)
    check_ladders(shelf)
    names = ", ".join(city.name for city in shelf.cities())
    counted = (
        f"{len(shelf.regions().kecamatan)} kecamatan",
        f"{len(shelf.reasons().reason)} reasons",
        f"{len(shelf.people().person)} people",
    )
    return f"{names}; {', '.join(counted)}"


async def _calendar(settings: Settings) -> str:
    return PolicyFolder(settings.policies_dir).calendars().outlook(wib_date(await best_known(settings)))


async def _alerts(settings: Settings) -> str:
    shelf, ways = PolicyFolder(settings.policies_dir), adapters.ways(settings)
    said = "webhook is set; " if ways is not None and ways.reach.has_webhook else ""
    if ways is None or ways.reach.contacts is None:
        return f"{said}WARN officers are not told: {PREFIX}CONTACTS is not set"
    contacts = ways.reach.contacts
    check_contacts(shelf, contacts)
    strangers, missing = unknown_contacts(shelf, contacts), without_contact(shelf, contacts)
    said = f"{said}{len(contacts) - len(strangers)} officers have a contact"
    if strangers:
        said += f"; WARN contact of nobody: {', '.join(strangers)}"
    if missing:
        said += f"; WARN no contact: {', '.join(missing)}"
    return said


async def _unheard(settings: Settings) -> str:
    watch = adapters.watching(settings).watch
    silence = watch.silence(adapters.clock(settings)() - options.WATCH_SENT_AFTER)
    if silence is None:
        minutes = options.WATCH_SENT_AFTER // timedelta(minutes=1)
        return f"every alert of more than {minutes} minutes ago reached somebody"
    said = f"{silence.count} alert(s) reached nobody since {wib_text(silence.since)}"
    if settings.contacts is None:
        return f"WARN {said}: {PREFIX}CONTACTS is not set"
    raise EngineUnreachable(said)


async def _ledger(settings: Settings) -> str:
    engine = adapters.ledger_engine(settings)
    return f"{engine.dialect.name}, schema is current"


async def _keys(settings: Settings) -> str:
    engine = adapters.ledger_engine(settings)
    ring = keys.load_ring(settings)
    opened = require_opens(engine, keys.vault(settings, engine))
    kind = "WARN demo key" if ring.is_demo else "key"
    told = "opens the ledger" if opened.readable else "the ledger holds nobody whom it could open"
    lost = f"; WARN {opened.unreadable} of the newest people cannot be read" if opened.unreadable else ""
    return f"{kind} {ring.newest.id}; {told}{lost}"


async def _people(settings: Settings) -> str:
    unreadable = await asyncio.to_thread(adapters.recovering(settings).book.unreadable)
    if unreadable:
        more = f" +{len(unreadable) - EXAMPLES}" if len(unreadable) > EXAMPLES else ""
        named = f"{', '.join(unreadable[:EXAMPLES])}{more}"
        raise WrongState(f"{len(unreadable)} open case(s) cannot be read again, their keys are lost: {named}")
    return "no open case has lost its key"


async def _documents(settings: Settings) -> str:
    require_ledger(settings)
    folder = settings.documents
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        raise Misconfigured(f"{folder} cannot be written")
    return str(folder) if folder.exists() else f"{folder}, which the first paper makes"


async def _space(settings: Settings) -> str:
    return await asyncio.to_thread(look_for_space, settings)


async def _desk(settings: Settings) -> str:
    office = adapters.office(settings)
    return told_of_hands(office, settings.actor, wib_date(office.clock()))


async def _watchdog(settings: Settings) -> str:
    now, heartbeat = adapters.clock(settings)(), adapters.watching(settings).watch.heartbeat(WATCHDOG)
    if heartbeat is None:
        return "WARN was never at work: nobody looks for lost cases (`python worker.py --watchdog`)"
    said = f"last round {max(int((now - heartbeat.at).total_seconds()), 0)} s ago"
    if heartbeat.is_silent(now):
        raise EngineUnreachable(f"{said}, there should be one each {heartbeat.every.seconds} s")
    return said


async def _temporal(settings: Settings) -> str:
    client = await connect(settings)
    return f"{client.service_client.config.target_host}, namespace {client.namespace}"


async def _stores(settings: Settings) -> str:
    office = adapters.office(settings)
    namespace = OwnNamespace.of(settings, office.lineage)
    if (held := await SamePast.of(settings, office, namespace).look()) is not None:
        raise NumbersHeld(held)
    lineage = office.lineage.lineage()
    who = f"ledger {lineage.ledger}, generation {lineage.generation}"
    try:
        claim = await namespace.claim()
    except EngineUnreachable:
        return f"{who}: it fits the key store; WARN Temporal could not be asked"
    return f"{who}: {'the stores belong together' if claim else 'WARN no worker took the namespace yet'}"


async def _search_attributes(settings: Settings) -> str:
    missing = await missing_search_attributes(await connect(settings))
    if missing:
        raise Misconfigured(f"missing: {', '.join(column.declaration for column in missing)}")
    return "all there"


async def _worker(settings: Settings) -> str:
    polling = await pollers(await connect(settings), settings)
    if not polling:
        raise EngineUnreachable(f"nobody asks task queue {settings.task_queue!r} for work")
    return f"{len(polling)} on task queue {settings.task_queue!r}"


async def _deployment(settings: Settings) -> str:
    if settings.deployment is None:
        return "versions of workers are not told apart"
    client = await connect(settings)
    try:
        seen = await Deployments(client, settings.deployment).look()
    except NotFound as error:
        raise Misconfigured(str(error)) from None
    if seen.current is None:
        raise Misconfigured(f"{seen.name}: no version is the current one, so that its workers get no case")
    if not await pollers(client, settings, build_id=seen.current):
        raise Misconfigured(f"{seen.name}: current is {seen.current}, and no worker of it asks for work")
    ramping = (f", {one.share:g} % go to {one.build_id}" for one in seen.versions if one.status == "ramping")
    return f"{seen.name}: current is {seen.current}{''.join(ramping)}"


async def _digest(settings: Settings) -> str:
    client = await connect(settings)
    told = []
    for city in PolicyFolder(settings.policies_dir).cities():
        at = await next_digest(client, city.code)
        if at is None:
            raise Misconfigured(f"schedule {schedule_id(city.code)} is missing or paused")
        told.append(f"{city.name} {wib_text(at)}")
    return f"next: {', '.join(told)}"


def _system(name: str) -> Callable[[Settings], Awaitable[str]]:
    async def check(settings: Settings) -> str:
        if getattr(settings, name) is Mode.DESK:
            return "worked by people at their desks"
        url = {"siks_ng": settings.siks_ng_url, "kemensos": settings.kemensos_url, "bpjs": settings.bpjs_url}[
            name
        ]
        if url is None:
            raise Misconfigured(f"{PREFIX}{name.upper()}_URL is not set")
        parts = urlsplit(str(url))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        patience = options.HTTP_CONNECT_TIMEOUT.total_seconds()
        try:
            with socket.create_connection((parts.hostname or "", port), timeout=patience):
                return f"{parts.hostname}:{port} takes connections"
        except OSError:
            raise EngineUnreachable(f"{parts.hostname}:{port} takes no connection") from None

    return check


async def _credentials(settings: Settings) -> str:
    if settings.bpjs is Mode.DESK:
        return "not needed: people look the status up"
    adapters.bpjs(settings).close()
    return "set"

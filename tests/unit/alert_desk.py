"""An office whose alerts are sent for real, but for the last step. The test moves the clock."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from gateways.channels import OutboxAndLog
from gateways.policy_folder import PolicyFolder
from gateways.sql_alert_book import SqlAlertBook
from gateways.sql_ledger import SqlLedger
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from gateways.sql_watch import SqlWatch
from models.case import CaseRef, Track
from models.messages import Alert
from models.outbox import WEBHOOK, AlertMessage, DeliveryState, Reach, Silence
from runtime.dispatcher import Dispatcher
from tests.ledger.builders import MORNING, a_new_case, an_alert
from tests.ledgers import a_ledger
from tests.vaults import a_vault
from workflows import options

ROOT = Path(__file__).resolve().parents[2]
TICK = timedelta(seconds=5)
BOSS, LOCAL = "tangsel-supervisor", "lokal"
"""Both are supervisors of the city."""
HEAD, CHIEF = "tangsel-kepala-bidang", "tangsel-kepala-kantor"
"""The levels above."""


@dataclass
class Post:
    """A sender that remembers what arrived, and fails as told."""

    clock: Callable[[], datetime]
    fault: Callable[[str], Exception | None] = field(default=lambda recipient: None)
    takes: Callable[[str], timedelta] = field(default=lambda recipient: timedelta(0))
    """How long an attempt to reach somebody takes."""
    let: Callable[[timedelta], None] = field(default=lambda span: None)
    """Lets time pass."""
    tries: Counter[str] = field(default_factory=Counter)
    arrived: list[tuple[datetime, str, AlertMessage]] = field(default_factory=list)

    def send(self, recipient: str, message: AlertMessage) -> None:
        self.tries[recipient] += 1
        self.let(self.takes(recipient))
        if (fault := self.fault(recipient)) is not None:
            raise fault
        self.arrived.append((self.clock(), recipient, message))

    def to(self, recipient: str) -> list[AlertMessage]:
        """Return what one recipient got."""
        return [message for _, who, message in self.arrived if who == recipient]


class Desk:
    """An office of one city, its outbox, and hands to raise alerts and let time pass."""

    def __init__(self, folder: Path) -> None:
        engine = a_ledger(folder)
        self.engine = engine
        self.now = MORNING
        self.ledger, self.registry = (
            SqlLedger(engine, a_vault(), self.clock),
            SqlRegistry(engine, a_vault(), self.clock),
        )
        self.outbox, self.book = SqlOutbox(engine, self.clock), SqlAlertBook(engine)
        self.watch = SqlWatch(engine)
        self.post = Post(self.clock, let=self.let)
        shelf = PolicyFolder(ROOT / "policies")
        self.channel = OutboxAndLog(self.outbox, shelf, self.clock)
        self.with_webhook = OutboxAndLog(self.outbox, shelf, self.clock, also=(WEBHOOK,))
        self.contacts = frozenset(officer.id for officer in shelf.people().person)
        self.shelf = shelf
        self.dispatcher = self.a_dispatcher(Reach(self.contacts, has_webhook=True))

    def a_dispatcher(self, reach: Reach) -> Dispatcher:
        """Start a process that sends."""
        return Dispatcher(self.outbox, self.post, self.shelf, reach, self.clock)

    def clock(self) -> datetime:
        """Tell the desk's time."""
        return self.now

    def let(self, span: timedelta) -> None:
        """Let time pass without a round."""
        self.now += span

    def case(self, track: Track = Track.EMERGENCY) -> CaseRef:
        """Register somebody's case."""
        return self.registry.register(replace(a_new_case(), track=track)).case

    def breach(self, case: CaseRef, key: str = "k", level: int = 1) -> Alert:
        """Raise a breach that is told with its due time."""
        alert = an_alert(case, f"{case.case_number}:{key}", level=level)
        self.channel.send(alert.model_copy(update={"raised_at": self.now}))
        return alert

    def let_pass(self, span: timedelta, step: timedelta = TICK) -> None:
        """Go through a stretch of time, with a round at each step."""
        end = self.now + span
        while self.now < end:
            self.dispatcher.round()
            self.now += step

    def silence(self) -> Silence | None:
        """Return what no person has heard of, as `doctor` asks for it."""
        return self.watch.silence(self.now - options.WATCH_SENT_AFTER)

    def states(self, case: CaseRef) -> Counter[DeliveryState]:
        """Count a case's messages by state."""
        return Counter(entry.state for entry in self.book.deliveries(case.case_number))

"""What a seed means: which faults strike at which point, and what becomes of which person."""

import random
from dataclasses import asdict, dataclass
from enum import StrEnum

CASES = 300
"""Cases in a run, unless fewer are asked for."""


class Blow(StrEnum):
    """A kind of fault."""

    KILL_WORKER = "worker killed"
    FREEZE_WORKER = "worker frozen, another takes over"
    KILL_TEMPORAL = "Temporal killed"
    TEMPORAL_GONE = "Temporal gone"
    KILL_DISPATCHER = "dispatcher killed"
    KILL_DATABASE = "database killed"
    DATABASE_GONE = "database gone"
    LOCK_DATABASE = "database locked"
    DISK_FULL = "disk full"
    INSTITUTIONS_GONE = "institutions killed"
    MESSY_REPLIES = "replies lost, doubled, late, out of order"
    SLOW_NETWORK = "slow network"
    CLOCK_JUMP = "clock jumps"
    LEDGER_SET_BACK = "ledger set back"
    TEMPORAL_SET_BACK = "Temporal set back"
    KEYS_SET_BACK = "key store set back"
    ALL_SET_BACK = "all three set back, from different moments"
    STRANGER = "a stranger's ledger"


class Database(StrEnum):
    """What the ledger lies on."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


class Store(StrEnum):
    """What can be put back from a copy by itself."""

    LEDGER = "ledger"
    KEYS = "key store"
    TEMPORAL = "Temporal"


@dataclass(frozen=True)
class Fault:
    """One fault."""

    blow: Blow
    at: float
    """When: at this share of the work, 0 to 1."""
    seconds: float
    """For how long."""
    size: float
    """How hard: seconds of delay, share of replies, seconds of a jump."""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"at {self.at:4.0%}: {self.blow}, {self.seconds:.1f} s, size {self.size:+.2f}"


@dataclass(frozen=True)
class Disaster:
    """What a run has one of: stores are put back from copies, or a stranger's ledger comes."""

    blow: Blow
    at: float
    """When, as for a fault."""
    copied_at: tuple[tuple[Store, float], ...]
    """From which moment each store is put back, while the office is at work."""
    again_at: float | None = None
    """When it is put back once more from the same copies, which are then of an earlier life; if at all."""

    def __str__(self) -> str:
        """Say it in a line."""
        moments = ", ".join(f"{store} of {at:.0%}" for store, at in self.copied_at)
        again = "" if self.again_at is None else f", and again at {self.again_at:.0%}"
        return f"at {self.at:4.0%}: {self.blow}{moments and f' ({moments})'}{again}"


@dataclass(frozen=True)
class Fate:
    """What is to become of a person's case, whatever strikes."""

    name: str
    share: int
    """How many of a hundred people have it, about."""
    ends: frozenset[str]
    """Outcomes, or troubles and steps (`wait:<step>`) with which it may wait for ever."""
    office: str = "tangsel"
    """`tangsel` asks for one paper; `bekasi` for four; `bekasi-short` has a budget of seconds."""
    papers: str = "all"
    """`all`, or `one`."""
    kemensos: tuple[tuple[str, object], ...] = ()
    siks_ng: tuple[tuple[str, object], ...] = ()
    bpjs: tuple[tuple[str, object], ...] = ()
    """Dials towards the person."""
    errand: str = ""
    """What an officer does once: `retry`, `papers`, `withdraw`."""


def _fate(name: str, share: int, *ends: str, **more: object) -> Fate:
    return Fate(name, share, frozenset(ends), **more)  # type: ignore[arg-type]  # a table reads better


FOR_EVER = 1_000_000
"""Seconds that no run lasts."""

FATES = (
    _fate("calm", 25, "reactivated"),
    _fate("calm, medical", 9, "reactivated", office="tangsel-medical"),
    _fate("calm, Bekasi", 8, "reactivated", office="bekasi"),
    _fate("calm, short budget", 8, "reactivated", office="bekasi-short"),
    _fate("late", 5, "reactivated", office="bekasi-short", kemensos=(("decide_after_s", 35),)),
    _fate(
        "late and waiting",
        3,
        "wait:kemensos_verification",
        office="bekasi-short",
        kemensos=(("decide_after_s", FOR_EVER),),
    ),
    _fate("Kemensos silent", 3, "wait:kemensos_verification", kemensos=(("decide_after_s", FOR_EVER),)),
    _fate("rejected", 7, "rejected", kemensos=(("decision", "rejected"),)),
    _fate("dead", 2, "deceased", kemensos=(("decision", "rejected"), ("reason", "MENINGGAL"))),
    _fate("returned", 4, "NIK_BEDA", kemensos=(("decision", "returned"),)),
    _fate("returned once", 6, "reactivated", kemensos=(("returned_times", 1),), errand="retry"),
    _fate("paper missing", 3, "DOK_TIDAK_LENGKAP", office="bekasi", papers="one"),
    _fate("paper later", 4, "reactivated", office="bekasi", papers="one", errand="papers"),
    _fate("withdrawn", 4, "withdrawn", kemensos=(("decide_after_s", FOR_EVER),), errand="withdraw"),
    _fate("reply lost", 4, "reactivated", siks_ng=(("lose_reply", 1),)),
    _fate("SIKS-NG busy", 3, "reactivated", siks_ng=(("fail_first", 2),)),
    _fate("BPJS slow", 2, "reactivated", bpjs=(("activate_after_s", 6),)),
)


@dataclass(frozen=True)
class Plan:
    """Everything that a seed decides."""

    seed: int
    database: Database
    faults: tuple[Fault, ...]
    disaster: Disaster
    fates: tuple[Fate, ...]
    """One for each person, in the order in which they come."""

    def told(self) -> dict[str, object]:
        """Return the plan as JSON data, for a file beside what a failed run left."""
        return {
            "seed": self.seed,
            "cases": len(self.fates),
            "database": self.database,
            "faults": [asdict(fault) for fault in self.faults],
            "disaster": asdict(self.disaster),
            "fates": [fate.name for fate in self.fates],
        }


_ALWAYS = (Blow.KILL_WORKER, Blow.KILL_TEMPORAL, Blow.KILL_DISPATCHER)
_SOMETIMES = (
    Blow.KILL_WORKER,
    Blow.FREEZE_WORKER,
    Blow.TEMPORAL_GONE,
    Blow.DISK_FULL,
    Blow.INSTITUTIONS_GONE,
    Blow.MESSY_REPLIES,
    Blow.SLOW_NETWORK,
    Blow.CLOCK_JUMP,
)
_OF_DATABASE = {
    Database.SQLITE: (Blow.LOCK_DATABASE,),
    Database.POSTGRESQL: (Blow.KILL_DATABASE, Blow.DATABASE_GONE),
}
_SECONDS = {
    Blow.KILL_WORKER: (0.0, 2.0),
    Blow.FREEZE_WORKER: (22.0, 26.0),  # longer than an activity may take, so that it is given to another
    Blow.KILL_TEMPORAL: (0.0, 2.0),
    Blow.TEMPORAL_GONE: (8.0, 20.0),
    Blow.KILL_DISPATCHER: (0.0, 2.0),
    Blow.KILL_DATABASE: (0.0, 1.0),
    Blow.DATABASE_GONE: (6.0, 15.0),
    Blow.LOCK_DATABASE: (11.0, 16.0),  # longer than a connection waits for the lock
    Blow.DISK_FULL: (5.0, 10.0),
    Blow.INSTITUTIONS_GONE: (4.0, 12.0),
    Blow.MESSY_REPLIES: (15.0, 25.0),
    Blow.SLOW_NETWORK: (10.0, 20.0),
    Blow.CLOCK_JUMP: (6.0, 12.0),
}
_SIZE = {
    Blow.MESSY_REPLIES: (0.3, 0.7),
    Blow.SLOW_NETWORK: (0.05, 0.25),
    Blow.CLOCK_JUMP: (-600.0, 600.0),
}

DISASTERS: dict[Blow, tuple[Store, ...]] = {
    Blow.LEDGER_SET_BACK: (Store.LEDGER,),
    Blow.TEMPORAL_SET_BACK: (Store.TEMPORAL,),
    Blow.KEYS_SET_BACK: (Store.KEYS,),
    Blow.ALL_SET_BACK: tuple(Store),
    Blow.STRANGER: (),
}
"""Which stores are put back."""


def plan_of(seed: int, cases: int = CASES) -> Plan:
    """Return the plan of a seed: always the same one."""
    dice = random.Random(seed)
    database = list(Database)[seed % 2]
    blows = [*_ALWAYS, dice.choice(_OF_DATABASE[database]), *dice.sample(_SOMETIMES, 4)]
    faults = []
    for blow in blows:
        at, seconds = dice.uniform(0.05, 0.85), dice.uniform(*_SECONDS[blow])
        faults.append(
            Fault(blow, round(at, 3), round(seconds, 1), round(dice.uniform(*_SIZE.get(blow, (0.0, 0.0))), 3))
        )
    fates = dice.choices(FATES, [fate.share for fate in FATES], k=cases)
    faults.sort(key=lambda fault: fault.at)
    return Plan(seed, database, tuple(faults), _disaster_of(seed), tuple(fates))


def _disaster_of(seed: int) -> Disaster:
    """Return the disaster of a seed, from dice of its own: each on both databases within ten seeds."""
    dice = random.Random(f"disaster of {seed}")
    blow, stores = list(DISASTERS.items())[(seed // len(Database)) % len(DISASTERS)]
    copied_at = tuple((store, round(dice.uniform(0.1, 0.4), 3)) for store in stores)
    at = round(dice.uniform(0.5, 0.75), 3)
    is_twice = blow is Blow.LEDGER_SET_BACK and seed // (len(Database) * len(DISASTERS)) % 2 == 1
    return Disaster(blow, at, copied_at, round(at + 0.1, 3) if is_twice else None)

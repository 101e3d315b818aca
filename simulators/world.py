"""What the institutions know and did, in one SQLite file, so that a restart forgets nothing."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from simulators.dials import BPJS, KEMENSOS, SIKS_NG, Dials, Settings, read_settings

_SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
    id INTEGER PRIMARY KEY, nik TEXT NOT NULL UNIQUE, nama TEXT NOT NULL, tgl_lahir TEXT NOT NULL,
    jenis TEXT NOT NULL, aktif INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS submission (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, referensi TEXT UNIQUE, nik TEXT NOT NULL,
    submitted_at REAL NOT NULL, decided_at REAL, decision TEXT, reason TEXT NOT NULL DEFAULT '',
    open INTEGER NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS submission_open ON submission (nik) WHERE open;
CREATE INDEX IF NOT EXISTS submission_nik ON submission (nik);
CREATE TABLE IF NOT EXISTS effect (
    system TEXT, key TEXT, times INTEGER NOT NULL, PRIMARY KEY (system, key));
CREATE TABLE IF NOT EXISTS dial (
    system TEXT, nik TEXT, settings TEXT NOT NULL, PRIMARY KEY (system, nik));
"""

_CARD_DIGITS = 13

EVERYBODY = ""
"""Stands where a NIK would, for the dials of a system that hold for everybody."""


class KeyTakenError(Exception):
    """An idempotency key came back with another person."""


@dataclass(frozen=True, repr=False)
class Participant:
    """A person in the books of BPJS."""

    nik: str
    nama: str
    tgl_lahir: str
    jenis: str = "21"
    aktif: bool = False
    nokartu: str = ""
    """Given by BPJS, 13 digits."""


@dataclass(frozen=True)
class Decision:
    """What Kemensos said: `approved`, `returned` or `rejected`, and the code of a no."""

    decision: str
    reason: str


class World:
    """The shared state of the three institutions; safe to use from several threads."""

    def __init__(self, path: str, base: Dials, now: Callable[[], float] = time.time) -> None:
        """Open or make the file at `path`; `base` holds the dials nobody turned; `now` is in Unix seconds."""
        self._base, self._now = base, now
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA)
        self._dials: dict[tuple[str, str], Settings] = {
            (row["system"], row["nik"]): read_settings(row["system"], json.loads(row["settings"]))
            for row in self._db.execute("SELECT * FROM dial")
        }

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    # Dials

    def dials(self, system: str, nik: str = EVERYBODY) -> Dials:
        """Return the dials of a system towards a person."""
        with self._lock:
            everybody = self._dials.get((system, EVERYBODY), {})
            return self._base.turned(everybody | self._dials.get((system, nik), {}))

    def turn(self, system: str, nik: str, settings: Settings) -> None:
        """Put these settings in place of all earlier ones for a person, or for everybody."""
        with self._lock, self._db:
            self._dials[system, nik] = settings
            self._db.execute("REPLACE INTO dial VALUES (?, ?, ?)", (system, nik, json.dumps(settings)))

    def take(self, system: str, nik: str, name: str) -> bool:
        """Count a dial such as `fail_first` down, the person's own first; False when it stands at 0."""
        with self._lock:
            owner = nik if name in self._dials.get((system, nik), {}) else EVERYBODY
            settings = self._dials.get((system, owner), {})
            left = int(settings.get(name, 0))
            if left:
                self.turn(system, owner, settings | {name: left - 1})
            return left > 0

    # SIKS-NG

    def submit(self, key: str, nik: str, nama: str, tgl_lahir: str) -> tuple[str, bool]:
        """Take a submission once per key; return its reference and whether it is new.

        Raises KeyTakenError.
        """
        with self._lock, self._db:
            if known := self._one("SELECT referensi, nik FROM submission WHERE key = ?", key):
                if known["nik"] != nik:
                    raise KeyTakenError
                return str(known["referensi"]), False
            now = self._now()
            number = self._db.execute(
                "INSERT INTO submission (key, nik, submitted_at) VALUES (?, ?, ?)", (key, nik, now)
            ).lastrowid
            referensi = f"SIKS-{datetime.fromtimestamp(now, UTC).year}-{number:06d}"
            self._db.execute("UPDATE submission SET referensi = ? WHERE id = ?", (referensi, number))
            self._enter(Participant(nik, nama, tgl_lahir))
            self._count(SIKS_NG, key)
            return referensi, True

    # Kemensos

    def owner(self, referensi: str) -> str | None:
        """Return the NIK behind a reference."""
        with self._lock:
            row = self._one("SELECT nik FROM submission WHERE referensi = ?", referensi)
            return str(row["nik"]) if row else None

    def decision(self, referensi: str) -> Decision | None:
        """Return the decision on a known submission; None while there is none."""
        with self._lock, self._db:
            if nik := self.owner(referensi):
                self._settle(nik)
            row = self._one("SELECT decision, reason FROM submission WHERE referensi = ?", referensi)
            return Decision(row["decision"], row["reason"]) if row and row["decision"] else None

    # BPJS

    def participant(self, *, nik: str = "", nokartu: str = "") -> Participant | None:
        """Return the person with this NIK, or with this card number."""
        find = "SELECT * FROM person WHERE nik = ? OR id = ?"
        number = int(nokartu) if len(nokartu) == _CARD_DIGITS and nokartu.isdecimal() else None
        with self._lock, self._db:
            if row := self._one(find, nik, number):
                self._settle(row["nik"])
                row = self._one(find, nik, number)
            if row is None:
                return None
            fields = {name: row[name] for name in ("nik", "nama", "tgl_lahir", "jenis")}
            return Participant(**fields, aktif=bool(row["aktif"]), nokartu=str(row["id"]).zfill(_CARD_DIGITS))

    def seed(self, participant: Participant) -> None:
        """Write a person into the books of BPJS, over what stood there."""
        with self._lock, self._db:
            self._enter(participant)
            self._db.execute(
                "UPDATE person SET nama = ?, tgl_lahir = ?, jenis = ?, aktif = ? WHERE nik = ?",
                (
                    participant.nama,
                    participant.tgl_lahir,
                    participant.jenis,
                    participant.aktif,
                    participant.nik,
                ),
            )

    def effects(self, system: str) -> dict[str, int]:
        """Return how often each effect of a system happened, by its key."""
        with self._lock, self._db:
            self._settle(None)
            rows = self._db.execute("SELECT key, times FROM effect WHERE system = ?", (system,))
            return {row["key"]: row["times"] for row in rows}

    # Inside

    def _settle(self, nik: str | None) -> None:
        """Let everything happen that is due: decisions first, then reconnections. None settles everybody."""
        due = "SELECT * FROM submission WHERE open"
        rows = self._db.execute(due) if nik is None else self._db.execute(f"{due} AND nik = ?", (nik,))
        for row in rows.fetchall():
            decided_at, decision = row["decided_at"], row["decision"]
            if decision is None:
                decided_at = row["submitted_at"] + self.dials(KEMENSOS, row["nik"]).decide_after_s
                if decided_at > self._now():
                    continue
                decision = self._decide(row, decided_at)
            if decision != "approved":
                self._db.execute("UPDATE submission SET open = 0 WHERE id = ?", (row["id"],))
            elif decided_at + self.dials(BPJS, row["nik"]).activate_after_s <= self._now():
                self._db.execute("UPDATE person SET aktif = 1 WHERE nik = ?", (row["nik"],))
                self._db.execute("UPDATE submission SET open = 0 WHERE id = ?", (row["id"],))
                self._count(BPJS, row["referensi"])

    def _decide(self, row: sqlite3.Row, decided_at: float) -> str:
        dials = self.dials(KEMENSOS, row["nik"])
        decision, reason = dials.decision, dials.reason
        earlier = "SELECT count(*) FROM submission WHERE nik = ? AND id < ?"
        if self._db.execute(earlier, (row["nik"], row["id"])).fetchone()[0] < dials.returned_times:
            decision, reason = "returned", reason if dials.decision != "rejected" else ""
        usual = {"approved": "", "returned": "NIK_BEDA", "rejected": "DINILAI_MAMPU"}
        self._db.execute(
            "UPDATE submission SET decided_at = ?, decision = ?, reason = ? WHERE id = ?",
            (decided_at, decision, reason or usual[decision], row["id"]),
        )
        self._count(KEMENSOS, row["referensi"])
        return decision

    def _count(self, system: str, key: str) -> None:
        self._db.execute(
            "INSERT INTO effect VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1", (system, key)
        )

    def _enter(self, person: Participant) -> None:
        """Enter a person into the books of BPJS unless they are there."""
        self._db.execute(
            "INSERT OR IGNORE INTO person (nik, nama, tgl_lahir, jenis, aktif) VALUES (?, ?, ?, ?, ?)",
            (person.nik, person.nama, person.tgl_lahir, person.jenis, person.aktif),
        )

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
        return row

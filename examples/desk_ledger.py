"""What the ledger says of the demo's day, read by plain SQL: the judge takes no word of the engine for it."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from examples.desk_logbook import Deed
from gateways import submission_rows
from gateways.ports.vault import Vault
from models.case import Step

_DECIDED = {"answer.recorded": "", "answer.late": "late: "}
_DONE = {
    "case.registered": "registered",
    "data.corrected": "data corrected",
    "papers.added": "papers added",
    "track.switched": "track switched",
    "step.reopened": "receipt void",
    "case.withdrawn": "withdrawn",
}
_EVENTS = f"""
    SELECT case_number, kind, step, attempt, reason, facts FROM case_events
    WHERE kind IN ({", ".join(f"'{kind}'" for kind in (*_DECIDED, *_DONE))})
    ORDER BY case_number, epoch, seq
"""  # noqa: S608 - constants
_LETTERS = """
    SELECT made.city, sequence, made.case_number, made.attempt, number, signer,
        voided_at IS NOT NULL OR COALESCE(outcome, 'reactivated') <> 'reactivated' AS is_void,
        pdf IS NOT NULL AS is_printed
    FROM letters AS made JOIN cases ON cases.case_number = made.case_number ORDER BY made.city, sequence
"""
_UPLOADS = """
    SELECT made.case_number, made.attempt, reference, submitted_by AS by, voided_by,
        proof IS NOT NULL AS has_proof, key_id
    FROM submissions AS made JOIN cases ON cases.case_number = made.case_number
        JOIN people ON people.id = person_id
    ORDER BY made.case_number, made.attempt
"""
_ACTORS = "SELECT command_id, actor FROM commands"
_REFUSALS = "SELECT actor, act, case_number, why FROM refusals ORDER BY id"
_LEFT_OPEN = """
    SELECT case_number || ' has open work: ' || step AS what FROM desk_items WHERE closed_at IS NULL
    UNION ALL
    SELECT case_number || ' has a command that was not taken: ' || kind FROM commands
    WHERE result IS NULL OR result <> 'accepted'
"""


@dataclass(frozen=True)
class Letter:
    """A letter of the office."""

    city: str
    sequence: int
    case_number: str
    attempt: int
    number: str
    signer: str | None
    is_void: bool
    is_printed: bool


@dataclass(frozen=True)
class Upload:
    """A submission to SIKS-NG."""

    case_number: str
    attempt: int
    reference: str
    by: str
    voided_by: str | None
    has_proof: bool


@dataclass(frozen=True)
class Refusal:
    """A refusal of somebody's rights."""

    actor: str
    act: str
    case_number: str | None
    why: str


@dataclass(frozen=True)
class Told:
    """Everything that the ledger tells, in the order in which it happened."""

    deeds: tuple[Deed, ...]
    letters: tuple[Letter, ...]
    uploads: tuple[Upload, ...]
    refusals: tuple[Refusal, ...]
    left_open: tuple[str, ...]
    """Work and commands that should have ended."""

    def deeds_of(self, case_number: str) -> list[Deed]:
        """Return what was done to a case."""
        return [deed for deed in self.deeds if deed.case_number == case_number]

    def letters_of(self, case_number: str) -> list[Letter]:
        """Return the letters of a case."""
        return [letter for letter in self.letters if letter.case_number == case_number]

    def uploads_of(self, case_number: str) -> list[Upload]:
        """Return the submissions of a case."""
        return [upload for upload in self.uploads if upload.case_number == case_number]


def read(file: Path, vault: Vault) -> Told:
    """Read the ledger of a SQLite file, changing nothing; the vault opens what is sealed in it."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        actors = {row["command_id"]: row["actor"] for row in connection.execute(_ACTORS)}
        return Told(
            deeds=tuple(_deed(row, actors) for row in connection.execute(_EVENTS)),
            letters=tuple(Letter(**row) for row in connection.execute(_LETTERS)),
            uploads=tuple(_upload(row, vault) for row in connection.execute(_UPLOADS)),
            refusals=tuple(Refusal(**row) for row in connection.execute(_REFUSALS)),
            left_open=tuple(row["what"] for row in connection.execute(_LEFT_OPEN)),
        )
    finally:
        connection.close()


def _upload(row: sqlite3.Row, vault: Vault) -> Upload:
    told = dict(row)
    told["reference"] = submission_rows.reference(vault.key(told.pop("key_id")), told)
    return Upload(**told)


def _deed(row: sqlite3.Row, actors: Mapping[str, str]) -> Deed:
    """Read an event; who gave a command stands beside the command when the event does not name him."""
    kind, told = row["kind"], json.loads(row["facts"])
    what = _DONE[kind] if kind in _DONE else _DECIDED[kind] + told["decision"]
    by = told.get("by") or actors.get(told.get("command"), "nobody")
    step = Step(row["step"]) if row["step"] else None
    return Deed(row["case_number"], step, row["attempt"], what, by, row["reason"])

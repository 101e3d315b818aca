"""Our exceptions. Each class says who must act; no message holds text from outside.

    ReactivationError
    |- TryAgain                 nobody: the engine asks again by itself         (exit code 5)
    |  |- Unavailable           an outside system is down, slow or overloaded
    |  `- NotYetAnswered        the institution has not decided yet (benign)
    |- SystemDown               nobody: the case is parked until the outage is over (exit code 5)
    |- NeedsPerson              asking again does not help until somebody acts  (exit code 4)
    |  |- Refused               an officer: the outside system will not take this call
    |  |- ReferenceTaken        an officer: SIKS-NG calls two people by one reference
    |  |- BadReply              an engineer: the reply is not what was agreed
    |  |- Misconfigured         an administrator: address, credential or policy (exit code 2)
    |  |- DocumentLost          an officer: a paper in the store is gone or was altered
    |  |- KeyMissing            an administrator: the key store is not the ledger's newest (exit code 5)
    |  `- KeyLost               an officer: what is personal in the case can never be read again
    |- BadInput                 the operator: the input breaks a rule      (exit code 2)
    |- NotFound                 the operator: no such case                 (exit code 3)
    |- WrongState               the operator: not possible now             (exit code 4)
    |  |- NotAllowed            the operator: not theirs to do; recorded   (exit code 4)
    |  |- NotStuck              the operator: there is nothing to retry    (exit code 4)
    |  |- NumbersHeld           an administrator: a store was put back     (exit code 4)
    |  |- AnotherLedger         an administrator: Temporal is not this ledger's (exit code 4)
    |  |  `- LaterLife          likewise: it is, of a later life of it        (exit code 4)
    |  |- AnotherCase           an administrator: the number runs as another's case (exit code 4)
    |  |- LedgerBehind          an administrator: the ledger lacks what the case had (exit code 4)
    |  |- NotRunning            an administrator: Temporal does not run the case (exit code 4)
    |  `- Erased                nobody: the person's data was erased       (exit code 4)
    `- EngineUnreachable        an administrator: Temporal or the database (exit code 5)
       |- NoStack               the operator: no ledger is named, and none is here (exit code 5)
       `- NoTemporal            an administrator: none is named, and no stack runs here (exit code 5)

An outside reply body never becomes part of a message: gateways choose from fixed words.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.lineage import Discord, Held, Lineage, ledger_of
from models.wib import wib_text


class ReactivationError(Exception):
    """Something that this product expects to happen and has a plan for."""

    @property
    def code(self) -> str:
        """What Temporal, the ledger and alerts call it; nothing personal."""
        return type(self).__name__


class TryAgain(ReactivationError):
    """Passes by itself; the engine retries."""


class NeedsPerson(ReactivationError):
    """Does not pass by itself; the case is marked stuck and an alert is raised."""


class _OutsideError(ReactivationError):
    """Names the outside system and what went wrong, in fixed words."""

    def __init__(self, system: str, what: str) -> None:
        """`system` and `what` are constants of the code, never data."""
        super().__init__(f"{system}: {what}")
        self.system = system
        self.what = what


class Unavailable(_OutsideError, TryAgain):
    """The outside system did not answer, or said that it cannot now."""

    def __init__(self, system: str, what: str, *, ask_again_in: timedelta | None = None) -> None:
        """`system` and `what` are constants of the code; `ask_again_in` is what the system asked for."""
        super().__init__(system, what)
        self.ask_again_in = ask_again_in


class SystemDown(_OutsideError):
    """An outage of the system is open: nobody calls it before it is back, and cases wait for that."""

    def __init__(self, system: str) -> None:
        """`system` is a constant of the code."""
        super().__init__(system, "an outage is open")


class NotYetAnswered(TryAgain):
    """The institution has the case and has not decided; ask again after `ask_again_in`."""

    def __init__(self, system: str, ask_again_in: timedelta) -> None:
        """`ask_again_in` comes from the city's policy."""
        super().__init__(f"{system}: no decision yet")
        self.ask_again_in = ask_again_in


class Refused(_OutsideError, NeedsPerson):
    """The outside system understood the call and will not do it."""


class ReferenceTaken(NeedsPerson):
    """SIKS-NG gave a case the reference of another; only a look into the portal tells whose it is."""

    def __init__(self, case_number: str, other: str) -> None:
        """`other` is the case that has the reference in the ledger."""
        super().__init__(f"siks_ng: the reference for {case_number} belongs to {other} already")
        self.other = other

    @property
    def code(self) -> str:
        """Its class and the other case, as `ReferenceTaken:PBI-3674-2026-000001`."""
        return f"{type(self).__name__}:{self.other}"


class BadReply(_OutsideError, NeedsPerson):
    """The outside system answered something that is not in its protocol."""


class Misconfigured(NeedsPerson):
    """A setting or policy is wrong; the message names it and the fix."""


class DocumentLost(NeedsPerson):
    """A paper is missing from the store, or its content no longer matches its hash."""


class KeyMissing(NeedsPerson):
    """The key store has no key of a person: it is another one, or was put back from an older copy."""

    def __init__(self) -> None:
        """It is told in the same words at every door."""
        super().__init__(
            "a person's key is not in the key store: put the right key store back (REAKTIVASI_KEYSTORE);"
            " if there is none, `starter.py restored`"
        )


class KeyLost(NeedsPerson):
    """The key that sealed something was lost with a key store: nobody can read it again."""

    def __init__(self, at: datetime) -> None:
        """`at` is when another key was made in its place."""
        super().__init__(
            f"the person's key was lost with the key store that was put back by {wib_text(at)}: what is"
            " personal in the case cannot be read again. Withdraw it, and take the application anew"
        )


@dataclass(frozen=True)
class Finding:
    """One broken rule: which field, which rule, how to mend it. Never the value itself."""

    field: str
    rule: str
    fix: str

    def __str__(self) -> str:
        """Render as one line for an operator."""
        return f"{self.field}: {self.rule} ({self.fix})"


class BadInput(ReactivationError):
    """The operator's input breaks rules; every broken rule is listed at once."""

    def __init__(self, findings: list[Finding]) -> None:
        """`findings` holds at least one entry."""
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


class NotFound(ReactivationError):
    """There is no such case."""


class WrongState(ReactivationError):
    """The command is not possible in the case's present state."""


class NotAllowed(WrongState):
    """The officer's role or area does not allow the command, or a second pair of eyes is needed."""


class NotStuck(WrongState):
    """There is nothing to retry: the case goes on by itself, or once somebody does what lies on his desk."""

    def __init__(self, case_number: str, waits: str) -> None:
        """`waits` says whom the case waits for and what helps, in our own words."""
        super().__init__(f"{case_number} is not stuck, there is nothing to retry: {waits}")
        self.waits = waits


class NumbersHeld(WrongState):
    """Stores do not belong to the same past: a number could be given out that somebody has already."""

    def __init__(self, held: Held) -> None:
        """`held` says since when and why."""
        why = _DISCORD[held.because].format(at=wib_text(held.since))
        super().__init__(
            f"no number is given out{why}; `starter.py restored` says what is known and goes on past it"
        )
        self.held = held


_DISCORD = {
    Discord.LEDGER_OLDER: " since {at}: key store, Temporal or anchors know more of the ledger than it does",
    Discord.KEYS_OLDER: " since {at}: the key store is older than the ledger",
    Discord.TEMPORAL_OLDER: " since {at}: Temporal does not know the cases that were begun last",
    Discord.COPY: ": this ledger is a copy that `starter.py backup` made on {at}",
}


class AnotherLedger(WrongState):
    """The Temporal namespace serves another ledger, or a later life of this one; nothing was done there."""

    mend = (
        "mend TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or REAKTIVASI_DATABASE_URL; if that ledger is"
        " given up for good, terminate the workflow `ledger-claim` there"
    )
    """What helps."""

    def __init__(self, place: str, theirs: tuple[str, int], ours: Lineage) -> None:
        """`place` names the namespace, `theirs` the ledger that it serves and that one's generation."""
        ledger, generation = theirs
        what = f"serves the ledger {ledger} (generation {generation})"
        super().__init__(
            f"{place} {what}, and this is {ours.ledger} (generation {ours.generation}): {self.mend}"
        )


class LaterLife(AnotherLedger):
    """The namespace serves a later life of this ledger, of which this one is an older copy."""

    mend = (
        "this is an older copy of it. If the other one is in use, go on with that; if this one was put back"
        " in its place, `starter.py restored` goes on with it"
    )


class AnotherCase(WrongState):
    """Temporal has another case under the number: nothing of it was touched."""

    def __init__(self, case_number: str, birth: str | None) -> None:
        """`birth` is the birth mark of the case that Temporal has."""
        whose = ledger_of(birth)
        of = "from before cases had birth marks" if whose is None else f"registered by the ledger {whose}"
        super().__init__(
            f"{case_number} is another case in Temporal, {of}: nothing was started or changed."
            f" `starter.py recover {case_number}` says what helps"
        )


class NotRunning(WrongState):
    """Temporal does not run a case that is open in the ledger."""

    def __init__(self, case_number: str, more: str = "") -> None:
        """`more` says what became of a command, in our own words."""
        super().__init__(
            f"Temporal does not run {case_number}{more}: `starter.py recover {case_number}` says what helps"
        )


class LedgerBehind(WrongState):
    """The ledger lacks what a case had before: it was put back from a copy. `starter.py recover` mends it."""


class Erased(WrongState):
    """The personal data was erased, and nobody can bring it back."""

    def __init__(self, at: datetime) -> None:
        """`at` is when the key was destroyed."""
        super().__init__(f"the personal data was erased on {wib_text(at)}")
        self.at = at


class EngineUnreachable(ReactivationError):
    """Temporal or the database cannot be reached; the message says which, and what to do."""


class NoStack(EngineUnreachable):
    """No ledger is named, and the folder of the local stack holds none: it was never up here."""

    def __init__(self) -> None:
        """It is told in the same words at every door."""
        super().__init__("no stack here: starter.py up")


class NoTemporal(EngineUnreachable):
    """No Temporal is named. None is guessed: it might be a stranger's."""

    def __init__(self, folder: str) -> None:
        """`folder` is where a local stack would have written its addresses."""
        super().__init__(
            f"no Temporal is named, and no stack runs in {folder}: `starter.py up`,"
            " or set TEMPORAL_ADDRESS or TEMPORAL_PROFILE"
        )

"""A store is put back from a copy, in earnest: what is told, what is refused, what the commands bring back.

Each drill prints a line of the table in docs/restore.md.
"""

import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from gateways.ledger_schema import close_engines
from gateways.sql_alert_book import SqlAlertBook
from models.case import CaseState, Outcome, Step
from models.desk_tables import letters
from models.messages import AlertKind
from models.tables import cases
from tests.e2e.office import Office, Ran, until
from tests.e2e.people import Someone, someone

SUPERVISOR = ("--as", "tangsel-supervisor")
FOR_EVER = 1_000_000
NOBODY = "127.0.0.1:9"
LEDGER, KEYS, TEMPORAL = "ledger.db", "keys.db", "temporal.db"
ENDED = frozenset({Outcome.REACTIVATED, Outcome.ALREADY_ACTIVE})

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An office of its own, with a watchdog that looks each second."""
    made = Office(tmp_path, watches_every="PT1S")
    await made.open()
    try:
        yield made
    finally:
        made.close()


@dataclass
class Drill:
    """An office with people in every state that a copy can fall into, and what was seen of numbers."""

    office: Office
    people: dict[str, Someone] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """Case number -> who got it."""
    letter_numbers: dict[str, set[str]] = field(default_factory=dict)
    """Letter number -> the cases that ever had it."""
    mended: dict[str, dict[str, object]] = field(default_factory=dict)
    """What was said of each case that was lost."""
    copies: Path = field(init=False)

    def __post_init__(self) -> None:
        self.copies = self.office.stack.folder.parent / "copies"

    # -- Before ------------------------------------------------------------------------------------

    async def before_the_copy(self) -> None:
        """One is over, three wait for the ministry, one for SIKS-NG, which does not answer for him."""
        await self.come("over")
        self.people["uploads"] = someone()
        self.office.turn("kemensos", self.people["uploads"], decide_after_s=FOR_EVER)
        self.office.turn("siks_ng", self.people["uploads"], fail_first=FOR_EVER)
        await self.come("uploads")
        for name in ("goes on", "withdraws", "waits"):
            await self.come(name, is_silent=True)
        await self.ends("over")

    async def after_the_copy(self) -> None:
        """One goes on to its end, one is uploaded, one withdraws; one comes and is through, one waits."""
        self.office.turn("siks_ng", self.people["uploads"], fail_first=0)
        uploads = self.case_of("uploads")
        await self.office.until(uploads, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
        self.decide("goes on")
        await self.ends("goes on")
        withdrawn = await self.cli("withdraw", self.case_of("withdraws"), "--reason", "pindah", *SUPERVISOR)
        assert withdrawn.code == 0
        await self.office.until(self.case_of("withdraws"), lambda state: state.outcome is Outcome.WITHDRAWN)
        await self.come("new, over")
        await self.ends("new, over")
        await self.come("new, waits", is_silent=True)

    async def come(self, name: str, *, is_silent: bool = False) -> None:
        """Let a person apply; the ministry decides at once, or not."""
        person = self.people.setdefault(name, someone())
        if is_silent:
            self.office.turn("kemensos", person, decide_after_s=FOR_EVER)
        number = await self.office.submit(person)
        assert self.numbers.setdefault(number, name) == name, f"{number} was given to two people"
        if is_silent:
            await self.office.until(number, lambda state: state.step is Step.KEMENSOS_VERIFICATION)

    def decide(self, name: str) -> None:
        """Let the ministry decide on a person."""
        self.office.turn("kemensos", self.people[name], decide_after_s=0)

    async def ends(self, name: str) -> CaseState:
        """Wait until a person's case is over."""
        return await self.office.until(
            self.case_of(name), lambda state: state.outcome is not None, within=120
        )

    def case_of(self, name: str) -> str:
        """Return the newest case of a person."""
        return max(number for number, one in self.numbers.items() if one == name)

    # -- The fault ---------------------------------------------------------------------------------

    def rest(self) -> None:
        """Stop the office, in order."""
        self.note_letters()
        self.office.stop()
        close_engines()  # ours too: who copies a file that he has open takes SQLite's locks away

    async def wake(self) -> None:
        """Start it again, as `starter.py up` does, which tries a worker that refused until it does not."""
        await self.office.open()
        self.office.watch()

    def copy(self, *names: str) -> None:
        """Copy stores of an office that rests."""
        self.copies.mkdir(exist_ok=True)
        for name in names:
            for file in self.office.stack.folder.glob(f"{name}*"):
                shutil.copy2(file, self.copies / file.name)

    def put_back(self, *names: str) -> None:
        """Put copies in their places, as an administrator does."""
        for name in names:
            for file in self.office.stack.folder.glob(f"{name}*"):
                file.unlink()
            for file in self.copies.glob(f"{name}*"):
                shutil.copy2(file, self.office.stack.folder / file.name)

    async def lose_what_came_since_a_copy_of(self, *names: str) -> None:
        """Lose what came since the copy; the office rests when this returns."""
        await self.before_the_copy()
        self.rest()
        self.copy(*names)
        await self.wake()
        await self.after_the_copy()
        self.rest()
        self.put_back(*names)

    def forget_the_start_of(self, name: str) -> None:
        """Let the ledger be as if copied between a case's registration and the note that it was begun."""
        with closing(sqlite3.connect(self.office.stack.folder / LEDGER)) as ledger, ledger:
            changed = ledger.execute(
                "UPDATE cases SET started_at = NULL WHERE case_number = ?", [self.case_of(name)]
            )
            assert changed.rowcount == 1

    # -- After -------------------------------------------------------------------------------------

    async def cli(self, *words: str | Path, **environment: str) -> Ran:
        """Give a command as an operator does."""
        return await self.office.cli(*words, **environment)

    async def is_told(self) -> float:
        """Wait until an alert tells of it; return after how many seconds."""
        began = time.monotonic()

        def told() -> bool:
            kinds = {entry.alert.kind for entry in SqlAlertBook(self.office.engine).entries()}
            return AlertKind.NUMBERS_HELD in kinds

        await until(told, 60, lambda: "no alert tells of it")
        return time.monotonic() - began

    async def mend(self) -> list[str]:
        """Type what the runbook says, and return which commands did something."""
        did = []
        assert (await self.cli("doctor")).code in {4, 5}
        refused = await self.cli("submit", self.office.write(someone()), *SUPERVISOR)
        assert (refused.code, "starter.py restored" in refused.said) == (4, True)
        await self.old_story_is_told_as_old()
        done = await self.cli("restored", "--yes", *SUPERVISOR)
        assert done.code == 0, done.said
        did.append("restored")
        again = await self.cli("restored", "--yes", *SUPERVISOR)
        assert (again.code, "nothing is to be done" in again.said) == (0, True), again.said
        await self.office.until_served()
        for what in ("--lost", "--astray", "--lost"):
            rehearsal = await self.cli("recover", what, *SUPERVISOR, "--json")
            if what == "--lost":
                await self.each_says_so(json.loads(rehearsal.out)["cases"])
            done = await self.cli("recover", what, "--yes", *SUPERVISOR, "--json")
            assert done.code == 0, done.said
            planned, mended = json.loads(rehearsal.out)["cases"], json.loads(done.out)["cases"]
            assert [one["remedy"] for one in mended] == [one["remedy"] for one in planned]
            did += [f"{what[2:]}: {one['remedy']}" for one in mended]
            self.mended |= {one["case_number"]: one for one in mended if what == "--lost"}
        left = (await self.cli("restored", "--json", *SUPERVISOR)).data()["cases_without_key"]
        assert (await self.cli("doctor")).code == (4 if left else 0)
        return did

    async def old_story_is_told_as_old(self) -> None:
        """Whoever reads is told that no number is given out, and no step that needs one is advised."""
        waits = self.case_of("waits")
        for words in (("list",), ("show", waits), ("desk", "list", *SUPERVISOR), ("stuck",)):
            ran = await self.cli(*words)
            assert (ran.code, "no number is given out" in ran.err) == (0, True), (words, ran.said)
        why = await self.cli("why", waits, "--json")
        assert why.data()["next"] == ["starter.py restored", "starter.py doctor"], why.said

    async def each_says_so(self, found: list[dict[str, str]]) -> None:
        """Where ledger and Temporal do not agree on an open case, `why` says which command helps."""
        for number in (one["case_number"] for one in found):
            if self.office.registry.case(number).outcome is None:
                why = await self.cli("why", number, "--json")
                assert f"starter.py recover {number}" in str(why.data()["next"]), why.said

    async def can_never_go_on(self, number: str) -> None:
        """Say at each door that a case's key is lost and what helps, and tell somebody."""
        doctor, stuck = await self.cli("doctor"), await self.cli("stuck", "--json")
        assert (doctor.code, number in doctor.said) == (4, True), doctor.said
        assert stuck.data()["unreadable"] == [number]
        why = await self.cli("why", number, "--json")
        assert (why.data()["error"], "withdraw" in str(why.data()["next"])) == ("KeyLost", True), why.said
        shown = await self.cli("show", number)
        assert (shown.code, "key was lost" in shown.said) == (4, True), shown.said
        kinds = {one.alert.kind for one in SqlAlertBook(self.office.engine).entries(case_number=number)}
        assert AlertKind.KEY_LOST in kinds

    async def apply_again(self, *names: str) -> None:
        """Let people apply anew whom the ledger does not know any more."""
        for name in names:
            self.decide(name)
            await self.come(name)

    async def everybody_is_served(self, withdrawn: frozenset[Outcome]) -> None:
        """Each person's newest case comes to its end, and whatever was given or done was so once."""
        for name in ("waits", "uploads", "new, waits"):
            self.decide(name)
        for name in self.people:
            state = await self.ends(name)
            assert state.outcome in (withdrawn if name == "withdraws" else ENDED), name
            assert self.office.has_no_gap(self.case_of(name)) or await self._is_retold(name)
        self.note_letters()
        assert all(len(of) == 1 for of in self.letter_numbers.values()), self.letter_numbers
        assert set(self.effects().values()) <= {1}, self.effects()
        with self.office.engine.connect() as connection:
            open_ones = connection.execute(
                select(cases.c.case_number).where(cases.c.closed_at.is_(None))
            ).all()
        assert open_ones == []

    async def _is_retold(self, name: str) -> bool:
        """Tell whether the story was begun anew, and has no gap since."""
        history = self.office.registry.history(self.case_of(name))
        newest = [event.seq for event in history][::-1]
        last = newest[: newest.index(0)] if 0 in newest else newest
        return min(last) in {1, 2} and len(set(last)) == len(last)

    def note_letters(self) -> None:
        """Remember which letters there are: a number must be one case's for ever."""
        with self.office.engine.connect() as connection:
            for number, case in connection.execute(select(letters.c.number, letters.c.case_number)):
                self.letter_numbers.setdefault(number, set()).add(case)

    def effects(self) -> Counter[str]:
        """Return how often each institution did what."""
        counted: Counter[str] = Counter()
        for system, url in self.office.stack.simulators.items():
            everything: dict[str, int] = httpx.get(f"{url}/_sim/effects", trust_env=False).json()
            counted.update({f"{system}:{key}": times for key, times in everything.items()})
        return counted


@pytest.fixture
def drill(office: Office) -> Drill:
    """The office with its people."""
    return Drill(office)


def tell(fault: str, seconds: float, did: list[str], *, numbered_twice: int = 0) -> None:
    """Print a line of the table."""
    counted = ", ".join(f"{what} ({times})" for what, times in Counter(did).items())
    print(f"| {fault} | {seconds:.0f} s | {numbered_twice} | 0 | {counted} |")  # noqa: T201


async def test_the_ledger_is_put_back(drill: Drill) -> None:
    """Who came since applies again; everybody else's case is told to the ledger again."""
    await drill.lose_what_came_since_a_copy_of(LEDGER)
    drill.forget_the_start_of("goes on")
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    assert {"lost: tell", "lost: restart", "astray: end"} <= set(did)
    said = {name: drill.mended[drill.case_of(name)]["lost"] for name in ("uploads", "goes on", "withdraws")}
    assert said == {"uploads": ["the receipt of its upload"], "goes on": [], "withdraws": []}
    await drill.apply_again("new, over", "new, waits")
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("ledger put back", seconds, did)


async def test_the_ledger_is_put_back_from_before_the_last_time(drill: Drill) -> None:
    """The copy is of an earlier life than Temporal serves: no worker takes it until it is restored."""
    await drill.lose_what_came_since_a_copy_of(LEDGER)
    await drill.wake()
    await drill.mend()
    await drill.apply_again("new, over", "new, waits")
    await drill.come("second", is_silent=True)
    drill.rest()
    drill.put_back(LEDGER)
    await drill.wake()
    assert drill.office.stack.worker.exit_code is not None
    waits = drill.case_of("waits")
    refused = await drill.cli("withdraw", waits, "--reason", "coba", *SUPERVISOR)
    assert (refused.code, "this is an older copy" in refused.said) == (4, True), refused.said
    assert drill.office.book.undelivered(waits) == [], "what is refused is not kept"
    seconds = await drill.is_told()
    doctor = json.loads((await drill.cli("doctor", "--json")).out)
    assert {one["name"]: one["is_ok"] for one in doctor}["watchdog"], "it looks, and tells people"
    did = await drill.mend()
    assert {"lost: tell", "lost: restart", "astray: end"} <= set(did)
    assert (await drill.cli("audit", "verify")).code == 0
    await drill.apply_again("new, over", "new, waits", "second")
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("ledger put back from before the last time", seconds, did)


async def test_temporal_is_put_back(drill: Drill) -> None:
    """Nobody applies again: what Temporal lost is begun anew with the ledger's answers."""
    await drill.lose_what_came_since_a_copy_of(TEMPORAL)
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    assert "lost: start" in did
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("Temporal put back", seconds, did)


async def test_temporal_is_lost(drill: Drill) -> None:
    """A new one knows nothing: every open case is begun anew, with the time that it was given."""
    await drill.before_the_copy()
    await drill.after_the_copy()
    waits = drill.case_of("waits")
    promised = drill.office.registry.case(waits).due_at
    assert promised is not None
    given = await drill.cli("extend", waits, "--by", "PT3H", "--reason", "SIKS-NG mati", *SUPERVISOR)
    assert given.code == 0, given.said
    later = promised + timedelta(hours=3)
    await drill.office.until(waits, lambda state: state.due_at == later)
    drill.rest()
    for file in drill.office.stack.folder.glob(f"{TEMPORAL}*"):
        file.unlink()
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    assert did.count("lost: start") == 3
    assert drill.office.registry.case(waits).due_at == later
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("Temporal lost", seconds, did)


async def test_the_key_store_is_put_back(drill: Drill) -> None:
    """Who came since cannot be read any more: his case is withdrawn, and he applies again."""
    await drill.lose_what_came_since_a_copy_of(KEYS)
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    waits = drill.case_of("new, waits")
    await drill.can_never_go_on(waits)
    done = await drill.cli("withdraw", waits, "--reason", "kunci hilang", *SUPERVISOR)
    assert done.code == 0, done.said
    await drill.office.until(waits, lambda state: state.outcome is Outcome.WITHDRAWN)
    await drill.apply_again("new, waits")
    assert (await drill.cli("doctor")).code == 0
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("key store put back", seconds, [*did, "withdraw", "submit"])


async def test_ledger_and_key_store_are_put_back(drill: Drill) -> None:
    """Temporal alone knows better."""
    await drill.lose_what_came_since_a_copy_of(LEDGER, KEYS)
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    await drill.apply_again("new, over", "new, waits")
    await drill.everybody_is_served(frozenset({Outcome.WITHDRAWN}))
    tell("ledger and key store put back", seconds, did)


async def test_a_number_that_was_given_again_while_temporal_was_away(drill: Drill) -> None:
    """Nobody could know that it is another's: the second goes on under a number of his own."""
    await drill.come("waits", is_silent=True)
    drill.rest()
    drill.copy(LEDGER, KEYS)
    await drill.wake()
    await drill.come("first", is_silent=True)
    drill.rest()
    drill.put_back(LEDGER, KEYS)
    person = drill.people["second"] = someone()
    taken = await drill.cli(
        "submit", drill.office.write(person), *SUPERVISOR, "--json", TEMPORAL_ADDRESS=NOBODY
    )
    assert taken.code == 0, taken.said
    number = drill.case_of("first")
    assert taken.data()["case_number"] == number, "the numbers must collide for this to prove anything"
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    assert {"lost: renumber", "astray: end"} <= set(did)
    assert drill.office.registry.case(number).outcome is Outcome.DUPLICATE
    told, _, anew = str(drill.mended[number]["result"]).rpartition(" ")
    assert told == "goes on as"
    drill.numbers[anew] = "second"
    await drill.apply_again("first")
    drill.decide("waits")
    for name in drill.people:
        assert (await drill.ends(name)).outcome in ENDED, name
    assert set(drill.effects().values()) <= {1}, drill.effects()
    assert (await drill.cli("audit", "verify")).code == 0
    tell("a number given again while Temporal was away", seconds, [*did, "submit"], numbered_twice=1)


async def test_all_three_are_put_back_from_different_moments(drill: Drill) -> None:
    """Temporal from the first, the key store from the second, the ledger from the third."""
    await drill.before_the_copy()
    drill.rest()
    drill.copy(TEMPORAL)
    await drill.wake()
    await drill.come("second", is_silent=True)
    drill.rest()
    drill.copy(KEYS)
    await drill.wake()
    await drill.come("third", is_silent=True)
    drill.rest()
    drill.copy(LEDGER)
    await drill.wake()
    await drill.after_the_copy()
    drill.rest()
    drill.put_back(LEDGER, KEYS, TEMPORAL)
    await drill.wake()
    seconds = await drill.is_told()
    did = await drill.mend()
    third = drill.case_of("third")
    assert (await drill.cli("withdraw", third, "--reason", "kunci hilang", *SUPERVISOR)).code == 0
    await drill.office.until(third, lambda state: state.outcome is Outcome.WITHDRAWN)
    drill.decide("second")
    for name in ("goes on", "withdraws"):
        drill.decide(name)
    await drill.apply_again("third", "new, over", "new, waits")
    await drill.everybody_is_served(ENDED | {Outcome.WITHDRAWN})
    tell("all three, from three moments", seconds, [*did, "withdraw", "submit"])


async def test_a_stranger_is_refused_at_every_door(drill: Drill, tmp_path: Path) -> None:
    """A trial's ledger that points at the office's Temporal: each door says whose it is and does nothing."""
    await drill.come("waits", is_silent=True)
    before = drill.office.story(drill.case_of("waits"))
    trial = Office(tmp_path / "trial")
    try:
        await trial.open()
        person = someone()
        trial.turn("kemensos", person, decide_after_s=FOR_EVER)
        number = await trial.submit(person)
        await trial.until(number, lambda state: state.step is Step.KEMENSOS_VERIFICATION)
        assert number == drill.case_of("waits"), "the numbers must collide for this to prove anything"
        away = {"TEMPORAL_ADDRESS": f"127.0.0.1:{drill.office.stack.port}"}
        ours = trial.registry.case(number)
        for words in (
            ("withdraw", number, "--reason", "coba", *SUPERVISOR),
            ("submit", trial.write(someone()), *SUPERVISOR),
            ("retry", number, *SUPERVISOR),
            ("why", number),
            ("stuck",),
            ("sweep",),
            ("doctor",),
            ("restored", "--yes", *SUPERVISOR),
            ("recover", number, "--yes", *SUPERVISOR),
        ):
            ran = await trial.cli(*words, **away)
            assert ran.code == 4, (words, ran.said)
            assert "serves the ledger" in ran.said, words
        for words in (("worker.py",), ("worker.py", "--watchdog")):
            ran = await trial.python(*words, **away)
            assert ran.code == 4, (words, ran.said)
            assert "serves the ledger" in ran.said
        assert trial.registry.case(number) == ours
        assert drill.office.story(drill.case_of("waits")) == before
        drill.decide("waits")
        assert (await drill.ends("waits")).outcome is Outcome.REACTIVATED
    finally:
        trial.close()
    tell("a stranger's ledger", 0, ["refused"])

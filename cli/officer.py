"""An officer at the desk: one piece of work after the other, in a dialogue in Indonesian."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.prompt import IntPrompt, Prompt

from cli.called_away import CalledAway, Calls
from cli.desk_screens import sheet_screen
from cli.door import Counter
from cli.saying import read_time
from cli.screens import findings_screen
from desk.decisions import PortalEntry, Said, Verb
from desk.orders import Hand
from models.case import Step
from models.desk import DeskItem, ItemKind
from models.errors import BadInput, EngineUnreachable, ReactivationError, WrongState
from models.texts import STEP

_KEYS = {"s": Verb.APPROVE, "k": Verb.RETURN, "t": Verb.REJECT, "h": Verb.HAND_OVER}
_WORDS = {
    "s": "setuju",
    "k": "kembalikan",
    "t": "tolak",
    "h": "serahkan ke pemohon",
    "l": "lewati",
    "q": "keluar",
}


class _Choice(Prompt):
    illegal_choice_message = "[prompt.invalid.choice]pilih salah satu huruf di atas"


class _Number(IntPrompt):
    validate_error_message = "[prompt.invalid]tulis nomornya"
    illegal_choice_message = "[prompt.invalid.choice]pilih salah satu nomor di atas"


class Officer:
    """Takes an officer through his queue. What he skips or leaves undecided goes back to the queue."""

    def __init__(self, desk: Counter, hand: Hand, screen: Console, clock: Callable[[], datetime]) -> None:
        """`hand` names the officer; `clock` tells which day it is."""
        self._desk = desk
        self._hand = hand
        self._screen = screen
        self._clock = clock
        self._calls = Calls()
        self._skipped: set[int] = set()

    async def work(self) -> int:
        """Go on until the queue is empty or the officer leaves; return the exit code."""
        try:
            done = await self._go_through()
        except CalledAway as call:
            return call.exit_code
        self._screen.print(f"{done} pekerjaan selesai", style="bold")
        return 0

    async def _go_through(self) -> int:
        done = 0
        while (item := self._next()) is not None:
            try:
                self._calls.require_none()
                is_done = await self._work_on(item)
            except EOFError:
                self._leave(item)
                break
            except BaseException:  # whatever ends this, nobody else can decide what lies in a hand
                with suppress(ReactivationError):
                    self._leave(item)
                raise
            if is_done is None:
                break
            done += is_done
        return done

    def _next(self) -> DeskItem | None:
        """Claim the next piece of work; one that somebody else takes meanwhile is passed over."""
        for item in self._desk.work.queue(self._hand.actor):
            if item.id in self._skipped:
                continue
            try:
                return self._desk.work.claim(self._hand, item.id)
            except WrongState as error:
                self._skipped.add(item.id)
                self._screen.print(f"item {item.id}: {error}", style="yellow", markup=False)
        return None

    async def _work_on(self, item: DeskItem) -> bool | None:
        """Return whether the work was done; None when the officer leaves."""
        self._screen.print(sheet_screen(self._desk.work.sheet(self._hand, item.id)))
        while True:
            key = self._ask_key(item)
            if key in {"l", "q"}:
                self._leave(item)
                return None if key == "q" else False
            try:
                command = self._desk.work.complete(self._hand, item.id, self._said(_KEYS[key], item))
                done = f"{STEP[item.step]}: {_WORDS[key]}"
                await self._desk.give(command, done, self._screen, as_json=False)
            except BadInput as error:
                self._screen.print(findings_screen(error.findings, style="red"))
                continue
            except EngineUnreachable:
                raise
            except ReactivationError as error:
                self._screen.print(str(error), style="bold red", markup=False)
                self._skipped.add(item.id)
                return False
            return True

    def _leave(self, item: DeskItem) -> None:
        self._skipped.add(item.id)
        self._desk.work.release(self._hand, item.id)

    def _ask_key(self, item: DeskItem) -> str:
        keys = ["s"] if item.kind is ItemKind.MEND else ["s", "k", "t"]
        if item.kind is ItemKind.ANSWER and item.step is Step.SIKS_NG_UPLOAD:
            keys.append("h")
        keys += ["l", "q"]
        words = ", ".join(f"({key}) {_WORDS[key]}" for key in keys)
        with self._calls.heeded():
            return _Choice.ask(words, choices=keys, show_choices=False, console=self._screen)

    def _said(self, verb: Verb, item: DeskItem) -> Said:
        if verb in {Verb.RETURN, Verb.REJECT}:
            return Said(verb, self._ask_reason(item, verb), self._ask("catatan (boleh kosong)") or None)
        if verb is Verb.APPROVE and item.kind is ItemKind.ANSWER and item.step is Step.SIKS_NG_UPLOAD:
            return Said(verb, portal=self._ask_portal())
        return Said(verb)

    def _ask_reason(self, item: DeskItem, verb: Verb) -> str:
        reasons = self._desk.work.reasons
        codes = reasons.for_step(item.step, fixable=verb is Verb.RETURN)
        for place, code in enumerate(codes, 1):
            self._screen.print(f"  {place:2} {code:30} {reasons.label(code)}", markup=False)
        numbers = [str(place) for place in range(1, len(codes) + 1)]
        with self._calls.heeded():
            place = _Number.ask("alasan nomor", choices=numbers, show_choices=False, console=self._screen)
        return codes[place - 1]

    def _ask_portal(self) -> PortalEntry:
        reference = self._ask("referensi di portal")
        again = self._ask("referensi sekali lagi")
        submitted_at = self._ask_time()
        return PortalEntry(reference, again, submitted_at, Path(self._ask("berkas bukti").strip()))

    def _ask_time(self) -> datetime:
        while True:
            try:
                return read_time(self._ask("waktu unggah (WIB, 2026-02-11 08:30)"), now=self._clock())
            except BadInput:
                self._screen.print("tulis seperti 2026-02-11 08:30", style="yellow")

    def _ask(self, what: str) -> str:
        with self._calls.heeded():
            return Prompt.ask(what, console=self._screen)

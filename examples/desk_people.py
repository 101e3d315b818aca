"""The people of the demo: each looks at the own queue, takes a piece of work, reads its sheet, decides."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cli.door import Counter
from desk.decisions import PortalEntry, Said, Verb
from desk.orders import Hand
from desk.sheets import Sheet
from examples import make_papers
from examples.desk_logbook import Deed, Logbook, Refused
from examples.desk_script import FOLDER, FROM_OUTSIDE, Does, Tried, Try, Turn
from intake.papers import Papers
from models.answers import Moot, Rejected, Returned
from models.case import Step, Track
from models.desk import Command, DeskItem, ItemKind
from models.errors import NotAllowed, WrongState
from models.messages import GiveAnswer
from models.policy import NeedKind

LOOK_EVERY_SECONDS = 0.15
READ_SECONDS = 0.1
"""How long an officer needs for a sheet."""
_VERBS = {
    Does.APPROVE: Verb.APPROVE,
    Does.RETURN: Verb.RETURN,
    Does.REJECT: Verb.REJECT,
    Does.HAND_OVER: Verb.HAND_OVER,
}


class Colleague:
    """One officer on one day. Does only what `starter.py` offers, and through the same door."""

    def __init__(self, officer: str, counter: Counter, papers: Papers, logbook: Logbook, inbox: Path) -> None:
        """`inbox` is the officer's own folder: scans, and print-outs of the portal."""
        self._hand = Hand(officer)
        self._officer = officer
        self._counter = counter
        self._work = counter.work
        self._papers = papers
        self._logbook = logbook
        self._inbox = inbox

    async def work(self) -> None:
        """Go on until the day is over, and finish what is in hand then."""
        while not self._logbook.is_over:
            if not await self._do_something():
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _do_something(self) -> bool:
        """Do the first thing that there is to do; False when there is none."""
        for item in await asyncio.to_thread(self._mine):
            try:
                if await self._take_up(item, self._logbook.turn_of(item)):
                    return True
            except WrongState as refusal:
                self._logbook.surprises.append(f"{self._officer} could not do item {item.id}: {refusal}")
                self._logbook.finished.add(item.id)
        return False

    def _mine(self) -> list[DeskItem]:
        """Return the work of the own queue, and what the script asks of this officer beside it."""
        queue = self._work.queue(self._officer)
        known = {item.id for item in queue}
        others = [item for item in self._work.queue(self._officer, everything=True) if item.id not in known]
        return [
            item
            for item in [*queue, *others]
            if item.id not in self._logbook.finished and self._is_asked(item, is_of_queue=item.id in known)
        ]

    def _is_asked(self, item: DeskItem, *, is_of_queue: bool) -> bool:
        if item.case.case_number not in self._logbook.case_of:
            return False
        by = self._logbook.turn_of(item).by
        return by == self._officer or (by is None and is_of_queue)

    # -- One piece of work -----------------------------------------------------------------------

    async def _take_up(self, item: DeskItem, turn: Turn) -> bool:
        """Do one piece of work; False when it is not possible yet or somebody else was faster."""
        if self._must_wait(turn):
            return False
        if turn.does in FROM_OUTSIDE:
            await self._steer(item, turn)
            return True
        await self._try(item, turn, Try.CLAIM, Try.SHEET)
        try:
            item = await asyncio.to_thread(self._work.claim, self._hand, item.id)
        except WrongState:
            return False
        await self._try(item, turn, Try.SECOND_CLAIM)
        self._read(item, turn, await asyncio.to_thread(self._work.sheet, self._hand, item.id))
        await asyncio.sleep(READ_SECONDS)
        await self._try(item, turn, Try.USED_REFERENCE)
        self._logbook.finished.add(item.id)
        match turn.does:
            case Does.CORRECT:
                await self._give(self._work.correct, item.case.case_number, turn.changes)
                self._did(item, "data corrected")
            case Does.ADD_PAPERS:
                await self._add_papers(item, turn)
                self._did(item, "papers added")
            case _:
                await self._complete(item, turn)
        return True

    def _must_wait(self, turn: Turn) -> bool:
        """Tell whether the script asks for a reference that the portal did not give yet."""
        needs_used = any(tried.does is Try.USED_REFERENCE for tried in turn.tried)
        return needs_used and not self._logbook.receipts

    def _read(self, item: DeskItem, turn: Turn, sheet: Sheet) -> None:
        """Look at the sheet as an officer does; what the script expects there must be there."""
        unchecked = sum(not paper.is_accepted for paper in sheet.papers)
        if turn.unchecked not in {None, unchecked}:
            self._logbook.surprises.append(
                f"{item.case.case_number} {item.step} {item.attempt}: the sheet calls {unchecked} paper(s)"
                f" unchecked, expected {turn.unchecked}"
            )
        is_shown = item.case.case_number == self._logbook.number_of(self._logbook.script.sheet_of)
        if is_shown and item.step is Step.SIKS_NG_UPLOAD and self._logbook.sheet is None:
            self._logbook.sheet = sheet

    async def _complete(self, item: DeskItem, turn: Turn) -> None:
        said = self._said(item, turn)
        command = await asyncio.to_thread(self._work.complete, self._hand, item.id, said)
        if said.portal is not None:
            self._logbook.receipts[item.case.case_number] = said.portal.reference
        await self._counter.delivery.deliver(command)
        message = command.message
        if not isinstance(message, GiveAnswer):
            self._did(item, "mended")
            return
        answer = message.answer
        reason = answer.reason if isinstance(answer, Returned | Rejected | Moot) else None
        self._did(item, answer.decision, reason)

    def _said(self, item: DeskItem, turn: Turn) -> Said:
        is_upload = item.kind is ItemKind.ANSWER and item.step is Step.SIKS_NG_UPLOAD
        if is_upload and turn.does is Does.APPROVE:
            return Said(Verb.APPROVE, note=turn.note, portal=self._upload())
        return Said(_VERBS[turn.does], turn.reason, turn.note)

    def _upload(self) -> PortalEntry:
        """Hand a person in at the portal, which here is imagined, and copy what it shows."""
        self._logbook.uploaded += 1
        return self._entry(f"REAKT-2026-{self._logbook.uploaded:06d}")

    def _entry(self, reference: str) -> PortalEntry:
        proof = self._inbox / f"{reference}.pdf"
        proof.write_bytes(make_papers.pdf("Bukti unggah SIKS-NG", reference))
        return PortalEntry(reference, reference, datetime.now(UTC), proof)

    async def _add_papers(self, item: DeskItem, turn: Turn) -> None:
        number = item.case.case_number
        named = [self._paper(item, paper) for paper in turn.papers]
        read = await asyncio.to_thread(self._papers.read, named)
        names = [one.name for one in read]
        await asyncio.to_thread(self._work.papers_told, self._hand, number, names)
        await asyncio.to_thread(self._papers.keep, number, read)
        await self._give(self._work.papers_added, number, names)

    def _paper(self, item: DeskItem, paper: str) -> str:
        """Return a paper as `documents add` takes it; one that is named by its kind only is scanned anew."""
        kind, _, path = paper.partition("=")
        if path:
            return f"{kind}={FOLDER / path}"
        scan = self._inbox / f"{item.case.case_number}-{kind}-{item.attempt + 1}.pdf"
        scan.write_bytes(make_papers.pdf(f"Pindai ulang, percobaan {item.attempt + 1}", "RS Contoh"))
        return f"{kind}={scan}"

    # -- Cases -----------------------------------------------------------------------------------

    async def _steer(self, item: DeskItem, turn: Turn) -> None:
        """Do to the case what is done to it from outside its work."""
        number, words = item.case.case_number, turn.note or ""
        if turn.does is Does.SWITCH:
            await self._give(self._work.switch_track, number, Track.EMERGENCY, NeedKind.EMERGENCY)
            self._logbook.switched.add(number)
            self._did(item, "track switched")
            return
        self._logbook.finished.add(item.id)
        if turn.does is Does.WITHDRAW:
            await self._give(self._work.withdraw, number, words)
            self._did(item, "withdrawn")
        else:
            self._logbook.receipts.pop(number, None)
            await self._give(self._work.void_receipt, number, words)
            self._did(item, "receipt void")

    async def _give(self, act: Callable[..., Command], *words: object) -> Command:
        """Give a command and have it delivered; a worker delivers what nobody takes now."""
        command = await asyncio.to_thread(act, self._hand, *words)
        await self._counter.delivery.deliver(command)
        return command

    def _did(self, item: DeskItem, what: str, reason: str | None = None) -> None:
        deed = Deed(item.case.case_number, item.step, item.attempt, what, self._officer, reason)
        self._logbook.did(deed)

    # -- What must be refused ----------------------------------------------------------------------

    async def _try(self, item: DeskItem, turn: Turn, *kinds: Try) -> None:
        """Let colleagues, or this officer, try what the script has them try at this moment."""
        for tried in turn.tried:
            if tried.does in kinds:
                await self._be_refused(item, tried)

    async def _be_refused(self, item: DeskItem, tried: Tried) -> None:
        words, is_of_rights = None, False
        try:
            await asyncio.to_thread(self._attempt, item, tried)
        except WrongState as refusal:
            words, is_of_rights = str(refusal), isinstance(refusal, NotAllowed)
        self._logbook.refused.append(Refused(item, tried, words, is_of_rights))
        what = f"{item.case.case_number}, {item.step} {item.attempt}"
        self._logbook.say(f"{tried.by}: tried {tried.does}, {what}: {'refused' if words else 'NOT REFUSED'}")

    def _attempt(self, item: DeskItem, tried: Tried) -> None:
        hand = Hand(tried.by)
        match tried.does:
            case Try.CLAIM | Try.SECOND_CLAIM:
                self._work.claim(hand, item.id)
            case Try.SHEET:
                self._work.sheet(hand, item.id)
            case Try.USED_REFERENCE:
                used = Said(Verb.APPROVE, portal=self._entry(next(iter(self._logbook.receipts.values()))))
                self._work.complete(hand, item.id, used)

"""Compares the demo's day with its script, and the ledger with what people remember."""

from collections import Counter
from collections.abc import Iterable, Mapping

from examples.desk_ledger import Told
from examples.desk_logbook import Logbook
from examples.desk_script import ScriptedCase
from models.case import CaseState, Outcome, SlaState, Step
from models.roles import MACHINE, Act


def faults(logbook: Logbook, states: Mapping[str, CaseState], told: Told) -> list[str]:
    """Return what is not as it should be; nothing when all is right."""
    found = list(logbook.surprises)
    for case in logbook.script.case:
        number = logbook.number_of(case.file)
        if number is None:
            found.append(f"{case.file} did not become a case")
        else:
            found += [f"{case.name} {number}: {words}" for words in _of_case(case, number, states, told)]
    return [
        *found,
        *_of_memory(logbook, told),
        *_of_refusals(logbook, told),
        *_of_letters(told),
        *told.left_open,
    ]


def _of_case(case: ScriptedCase, number: str, states: Mapping[str, CaseState], told: Told) -> Iterable[str]:
    """Compare one case with the script."""
    state = states.get(number)
    outcome = None if state is None else state.outcome
    if outcome is not case.outcome:
        yield f"expected {case.outcome}, got {outcome or 'no end'}"
    if state is not None and state.sla_state is not SlaState.MET:
        yield f"expected its SLA met, got {state.sla_state}"
    if state is not None and state.case.track is not case.final_track:
        yield f"expected the track {case.final_track}, got {state.case.track}"
    letters, uploads = told.letters_of(number), told.uploads_of(number)
    valid = int(case.letters > 0 and case.outcome is Outcome.REACTIVATED)
    if [letter.is_void for letter in letters] != [True] * (case.letters - valid) + [False] * valid:
        yield f"expected {case.letters} letter(s), the last {valid} valid, got {len(letters)}"
    counts = len(uploads), sum(upload.voided_by is not None for upload in uploads)
    if counts != (case.uploads, case.void_uploads):
        yield f"expected {case.uploads} upload(s), {case.void_uploads} of them void, got {counts}"
    if lacking := [upload.reference for upload in uploads if not upload.has_proof]:
        yield f"no proof of {', '.join(lacking)}"
    by_machine = tuple(f"{deed.step}:{deed.attempt}" for deed in told.deeds_of(number) if deed.by == MACHINE)
    if by_machine != case.by_machine:
        yield f"expected the rules to answer {case.by_machine}, they answered {by_machine}"
    yield from _of_four_eyes(number, told)


def _of_four_eyes(number: str, told: Told) -> Iterable[str]:
    """Check that nobody looked over his own work: who corrected does not check, who checked does not sign."""
    corrected, checked = set(), set()
    for deed in told.deeds_of(number):
        if deed.what == "data corrected":
            corrected.add(deed.by)
        elif deed.step is Step.DOCUMENT_CHECK and deed.by != MACHINE:
            checked.add(deed.by)
            if deed.by in corrected:
                yield f"{deed.by} checked what he had corrected"
        elif deed.step is Step.RECOMMENDATION and deed.by in corrected | checked:
            yield f"{deed.by} signed what he had prepared"


def _of_memory(logbook: Logbook, told: Told) -> Iterable[str]:
    """Compare what people remember with what the ledger tells of people, deed by deed."""
    remembered = Counter(logbook.deeds)
    recorded = Counter(deed for deed in told.deeds if deed.by != MACHINE)
    for deed in sorted((remembered - recorded).elements(), key=str):
        yield f"the ledger does not tell of this: {deed}"
    for deed in sorted((recorded - remembered).elements(), key=str):
        yield f"nobody remembers this: {deed}"


def _of_refusals(logbook: Logbook, told: Told) -> Iterable[str]:
    """Check that everything was refused that had to be, and that the ledger keeps each refusal of rights."""
    planned = sum(len(turn.tried) for case in logbook.script.case for turn in case.turn)
    if len(logbook.refused) != planned:
        yield f"{planned} attempts were to be made, {len(logbook.refused)} were"
    for one in logbook.refused:
        if not one.is_right:
            yield f"{one.tried.by}: {one.tried.does} was to be refused ({one.tried.refused}), got {one.words}"
    made = Counter(f"{one.item.case.case_number} {one.words}" for one in logbook.refused if one.is_of_rights)
    kept = Counter(f"{refusal.case_number} {refusal.actor}: {refusal.why}" for refusal in told.refusals)
    if made != kept:
        yield f"the ledger keeps other refusals than were made: {(made - kept) + (kept - made)}"
    if strange := {refusal.act for refusal in told.refusals} - set(Act):
        yield f"refusals of no known act: {strange}"


def _of_letters(told: Told) -> Iterable[str]:
    """Check that each city's numbers have no gap, and that each letter is printed and signed."""
    for city in sorted({letter.city for letter in told.letters}):
        numbers = [letter.sequence for letter in told.letters if letter.city == city]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"the letters of {city} have a gap: {numbers}"
    for letter in told.letters:
        if letter.signer is None or not letter.is_printed:
            yield f"{letter.number} of {letter.case_number} was not printed or not signed"

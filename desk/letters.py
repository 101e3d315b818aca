"""The office's letters: what they say, printing, checking a code, issuing anew."""

from dataclasses import dataclass
from datetime import datetime

from gateways.ports.desk import DeskBook
from gateways.ports.papers import Documents, LetterPrinter
from gateways.ports.policies import PolicyShelf
from models.desk import IssuedLetter, NewLetter
from models.errors import NotFound, WrongState
from models.letters import REPLACED, Letter, subject_digest
from models.wib import wib_date


@dataclass(frozen=True)
class PrintedLetter:
    """A letter, ready to be handed out."""

    letter: IssuedLetter
    pdf: bytes


class Letters:
    """Letters of cases. A number is given once; a void letter is kept under its own."""

    def __init__(
        self, book: DeskBook, shelf: PolicyShelf, documents: Documents, printer: LetterPrinter
    ) -> None:
        """Hold the ports; the composition root chooses the adapters."""
        self._book = book
        self._shelf = shelf
        self._documents = documents
        self._printer = printer

    def draft(self, case_number: str, signer: str, at: datetime) -> NewLetter:
        """Return the letter to be issued when an officer signs. Raises NotFound."""
        dossier = self._book.dossier(case_number)
        return NewLetter(
            issued_on=wib_date(at),
            subject_digest=subject_digest(dossier.person, dossier.need, dossier.deactivated_on),
            number_of=self._shelf.city(dossier.case.city).letter.number_of,
            signer=signer,
        )

    def valid(self, case_number: str) -> IssuedLetter:
        """Return the case's letter. Raises NotFound, or WrongState when the end of the case made it void."""
        letters = [one for one in self._book.letters(case_number) if one.void_because != REPLACED]
        if not letters:
            raise NotFound(f"{case_number} has no letter: it is issued with the recommendation")
        letters[-1].require_valid()
        return letters[-1]

    def print(self, case_number: str) -> PrintedLetter:
        """Return the case's letter as PDF, the same document each time. Raises NotFound or WrongState.

        A letter that was never printed and no longer says what the ledger says is not printed.
        """
        letter = self.valid(case_number)
        if letter.pdf_sha256 is not None:
            return PrintedLetter(letter, self._documents.get(letter.pdf_sha256))
        pdf = self._printer.print(self._letter(letter))
        self._book.save_pdf(letter.verification_code, self._documents.put(pdf))
        return PrintedLetter(letter, pdf)

    def require_printable(self, case_number: str) -> None:
        """Print a specimen, so that nobody signs what cannot be printed. Raises Misconfigured."""
        dossier = self._book.dossier(case_number)
        specimen = IssuedLetter(
            number="-",
            case_number=case_number,
            attempt=1,
            issued_on=dossier.need.letter_date,
            signer=None,
            subject_digest=subject_digest(dossier.person, dossier.need, dossier.deactivated_on),
            verification_code="-",
            pdf_sha256=None,
            voided_at=None,
        )
        self._printer.print(self._letter(specimen))

    def _letter(self, letter: IssuedLetter) -> Letter:
        """Return what is printed; raises WrongState when the ledger says something else by now."""
        dossier = self._book.dossier(letter.case_number)
        digest = subject_digest(dossier.person, dossier.need, dossier.deactivated_on)
        if letter.subject_digest != digest:
            raise WrongState(
                f"{letter.case_number}: the data changed since the letter was issued; issue it anew"
            )
        city = self._shelf.city(dossier.case.city)
        kecamatan = self._shelf.regions().kecamatan_of(dossier.person.kelurahan)
        return Letter(
            number=letter.number,
            issued_on=letter.issued_on,
            verification_code=letter.verification_code,
            case_number=letter.case_number,
            person=dossier.person,
            kelurahan=kecamatan.kelurahan[dossier.person.kelurahan[9:]] if kecamatan else "",
            kecamatan=dossier.case.kecamatan,
            city_name=city.name,
            deactivated_on=dossier.deactivated_on,
            need=dossier.need,
            legal_basis=city.legal_basis,
            policy=city.letter,
        )

    def verify(self, code: str) -> IssuedLetter:
        """Return the letter with this verification code. Raises NotFound."""
        letter = self._book.letter_by_code(code.strip().upper())
        if letter is None:
            raise NotFound("no letter has this verification code")
        return letter

"""Mending the applicant's data: the same rules as at intake, and no value ever leaves the ledger."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from pydantic import ValidationError

from gateways.ports.policies import PolicyShelf
from intake.rules import finding_of
from models.application import Applicant, IntakeContext
from models.dossier import Dossier
from models.errors import BadInput, Finding

FIELDS = ("nik", "kk", "card_number", "name", "birth_date", "sex", "phone", "kelurahan")


def corrected(
    dossier: Dossier, changes: Mapping[str, object], shelf: PolicyShelf, today: date
) -> dict[str, str | date]:
    """Return the fields that really change, checked together with those that stay. Raises BadInput."""
    if not changes.keys() <= set(FIELDS):  # what else stands there may be anything: it is not repeated
        fix = f"known are {', '.join(FIELDS)}"
        raise BadInput([Finding("FIELD", "names what is no field of the applicant", fix)])
    regions = shelf.regions()
    context = IntakeContext(
        today=today, city_codes=(), city_names={}, regions=regions, inspect_paper=lambda _path: None
    )
    before = asdict(dossier.person) | {"birth_date": dossier.person.birth_date.isoformat()}
    try:
        person = Applicant.model_validate(before | dict(changes), context=context)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)
        raise BadInput([finding_of(fault) for fault in told]) from None
    kecamatan = regions.kecamatan_of(person.kelurahan)
    if kecamatan is None or kecamatan.name != dossier.case.kecamatan:
        fix = "withdraw the case and submit it at the right kecamatan"
        raise BadInput([Finding("kelurahan", "lies in another kecamatan than the case", fix)])
    after = dict(person)
    present = asdict(dossier.person)
    really = {name: after[name] for name in changes if after[name] != present[name]}
    if not really:
        raise BadInput([Finding("changes", "change nothing", "compare with `desk show`")])
    return really

"""The lists that an office edits: those that ship are sound, and a broken one is refused in plain words."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateways.policy_folder import PolicyFolder
from gateways.typst_letters import TypstLetters
from models.answers import Moot, Rejected, Returned
from models.case import Outcome, Step, WaitingOn
from models.errors import Misconfigured
from models.portal import PortalField
from models.reasons import PARTY_OF, Party
from models.roles import ANSWERS, Role

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "policies", ROOT / "examples" / "policies"]
SHELF = PolicyFolder(ROOT / "policies")
REASONS, PEOPLE, PORTAL, CITY = "reasons.toml", "people.toml", "siks-ng.toml", "kota-bekasi.toml"

_OPEN: dict[str, Callable[[PolicyFolder], object]] = {
    REASONS: PolicyFolder.reasons,
    PEOPLE: PolicyFolder.people,
    PORTAL: PolicyFolder.portal,
    CITY: PolicyFolder.cities,
}
_LAIN = 'back_to = "document_check"\noutcome = "rejected"\n'
_SECOND = '\nid = "tangsel-verifikator-2"\n'


@pytest.mark.parametrize("folder", FOLDERS, ids=["policies", "examples"])
def test_the_lists_that_ship_are_sound(folder: Path) -> None:
    """Every list can be read, and every letter printed."""
    shelf = PolicyFolder(folder)
    assert shelf.reasons().reason
    assert shelf.portal().field
    assert shelf.people().person
    for city in shelf.cities():
        TypstLetters(folder / "surat").check(city.letter.template)


@pytest.mark.parametrize("folder", FOLDERS, ids=["policies", "examples"])
def test_everybody_works_in_a_city_that_is_served(folder: Path) -> None:
    """And in kecamatan that exist there; looked up here without the product's own check."""
    shelf = PolicyFolder(folder)
    kecamatan = {
        city.code: {
            area.name
            for code, area in shelf.regions().kecamatan.items()
            if code.replace(".", "")[:4] == city.code
        }
        for city in shelf.cities()
    }
    assert {code: len(names) for code, names in kecamatan.items()} == {"3275": 12, "3674": 7}
    for officer in shelf.people().person:
        assert officer.cities <= set(kecamatan)
        assert officer.kecamatan <= {name for city in officer.cities for name in kecamatan[city]}


def test_every_city_has_somebody_for_each_step() -> None:
    """Its own signer too, who is nobody else; otherwise a case would lie on nobody's desk."""
    for city in SHELF.cities():
        there = [officer for officer in SHELF.people().person if city.code in officer.cities]
        for role in {*ANSWERS.values(), Role.INTAKE, Role.SUPERVISOR}:
            assert any(role in officer.roles for officer in there)
        assert [officer.roles for officer in there if Role.SIGNER in officer.roles] == [{Role.SIGNER}]


_BROKEN = [
    (REASONS, "[reason.NIK_BEDA]", "[reason.NIK_BEDA", "is not TOML"),
    (REASONS, "[reason.NIK_BEDA]", "[reason.nik-beda]", "reason.nik-beda.[key]: String should match"),
    (REASONS, '"document_check"', '"dokumen"', "reason.NIK_BEDA.back_to: Input should be"),
    (REASONS, 'label = "NIK berbeda"\n', "", "reason.NIK_BEDA.label: Field required"),
    (REASONS, 'label = "NIK berbeda"', 'label = "N"', "reason.NIK_BEDA.label: String should have at least 3"),
    (REASONS, 'label = "NIK berbeda"', 'nama = "NIK"', "reason.NIK_BEDA.nama: Extra inputs"),
    (REASONS, '["dinsos", "kemensos", "bpjs"]', "[]", "reason.NIK_BEDA.given_by: Frozenset should have"),
    (REASONS, '"dinsos", "kemensos"', '"dukcapil"', "reason.NIK_BEDA.given_by.0: Input should be"),
    (REASONS, 'mended_by = "applicant"', 'mended_by = "kemensos"', "mended_by must be officer or applicant"),
    (
        REASONS,
        '\noutcome = "referred"',
        "",
        "reason.BUKAN_WARGA: Value error, must be fixable (back_to) or final",
    ),
    (
        REASONS,
        '"referred"',
        '"reactivated"',
        "reason.BUKAN_WARGA: Value error, outcome must not be reactivated",
    ),
    (REASONS, '"referred"', '"withdrawn"', "outcome must not be reactivated or withdrawn"),
    (REASONS, "[reason.LAIN]", "[reason.LAINNYA]", "reasons that the engine itself gives are missing: LAIN"),
    (REASONS, "[reason.DOK_TIDAK_LENGKAP]", "[reason.KURANG]", "missing: DOK_TIDAK_LENGKAP"),
    (REASONS, _LAIN, 'outcome = "rejected"\n', "must be fixable: give each a back_to"),
    (REASONS, _LAIN, 'back_to = "document_check"\n', "LAIN must also be final: give it an outcome"),
    (PEOPLE, "[[person]]", "[person]", "is not TOML"),
    (PEOPLE, '"tangsel-loket-1"', '"Loket 1"', "person.0.id: String should match"),
    (PEOPLE, '"tangsel-loket-1"', '"x"', "person.0.id: String should match"),
    (PEOPLE, _SECOND, '\nid = "tangsel-loket-1"\n', "id used twice or reserved: tangsel-loket-1"),
    (PEOPLE, '"tangsel-loket-1"', '"machine"', "id used twice or reserved: machine"),
    (PEOPLE, 'roles = ["intake"]', "roles = []", "person.0.roles: Frozenset should have at least 1"),
    (PEOPLE, 'roles = ["intake"]', 'roles = ["loket"]', "person.0.roles.0: Input should be"),
    (PEOPLE, 'roles = ["intake"]\n', "", "person.0.roles: Field required"),
    (PEOPLE, 'cities = ["3674"]', "cities = []", "person.0.cities: Frozenset should have at least 1"),
    (PEOPLE, 'cities = ["3674"]', 'cities = ["tangsel"]', "person.0.cities.0: String should match"),
    (PEOPLE, 'cities = ["3674"]', 'cities = ["3171"]', "person.0.cities: 3171 has no kota-*.toml file"),
    (PEOPLE, '"Ciputat Timur"', '"Ciputat Utara"', "person.2.kecamatan: Ciputat Utara is in no city of this"),
    (PEOPLE, '"Ciputat Timur"', '"Bekasi Timur"', "person.2.kecamatan: Bekasi Timur is in no city of this"),
    (PEOPLE, '"Ciputat Timur"', '"ciputat timur"', "person.2.kecamatan: ciputat timur is in no city"),
    (PEOPLE, 'name = "Petugas', 'nip = "1990"\nname = "Petugas', "person.0.nip: Extra inputs"),
    (PEOPLE, '"Petugas Loket (contoh)"', '"A"', "person.0.name: String should have at least 3"),
    (PORTAL, 'value = "nik"', 'value = "alamat"', "field.0.value: Input should be"),
    (PORTAL, 'label = "NIK"\n', "", "field.0.label: Field required"),
    (PORTAL, 'label = "NIK"', 'label = ""', "field.0.label: String should have at least 1"),
    (PORTAL, "address =", "alamat =", "address: Field required"),
    (PORTAL, "[[field]]", "[[isian]]", "field: Field required"),
    (CITY, 'template = "kota-bekasi.typ"', 'template = "../x.typ"', "letter.template: String should match"),
    (CITY, "{sequence:04d}", "0001", "letter.number: Value error, must hold {sequence} and {year}"),
    (CITY, "{year}", "{tahun}", "letter.number: Value error, must hold {sequence} and {year}"),
    (CITY, "place =", "tempat =", "letter.place: Field required"),
    (
        CITY,
        "place =",
        'verify_at = "https://x.example/"\nplace =',
        "letter.verify_at: Value error, must be an",
    ),
    (CITY, "[letter]", "[surat]", "letter: Field required"),
]


@pytest.mark.parametrize(("file", "old", "new", "says"), _BROKEN)
def test_a_broken_list_is_refused_with_file_key_and_rule(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    """Whoever edited it reads where and why, and nobody's case is touched."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    text = (folder / file).read_text()
    assert old in text
    # TOML does not mind one table among an array of tables; only the first one is broken.
    (folder / file).write_text(text.replace(old, new) if old == "[[field]]" else text.replace(old, new, 1))
    with pytest.raises(Misconfigured) as refusal:
        _OPEN[file](PolicyFolder(folder))
    assert str(refusal.value).startswith(f"policies: {folder / file}")
    assert says in str(refusal.value)


@pytest.mark.parametrize("file", [REASONS, PEOPLE, PORTAL])
def test_a_missing_list_is_named(tmp_path: Path, file: str) -> None:
    """Gone, or not text."""
    folder = shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (folder / file).write_bytes(b"\xff\xfe")
    for _ in range(2):
        with pytest.raises(Misconfigured, match=rf"{file} cannot be read"):
            _OPEN[file](PolicyFolder(folder))
        (folder / file).unlink(missing_ok=True)


def test_names_of_officers_are_not_in_a_repr() -> None:
    """Tracebacks and logs show it."""
    for officer in SHELF.people().person:
        assert officer.name not in repr(officer) + repr(SHELF.people())


def test_every_value_of_a_sheet_can_be_asked_for() -> None:
    """What siks-ng.toml names is known; what its header offers is complete."""
    header = (ROOT / "policies" / PORTAL).read_text()
    assert all(field.value in header for field in PortalField)
    values = [line.value for line in SHELF.portal().field]
    assert len(values) == len(set(values))


def test_every_step_has_a_no_of_either_kind() -> None:
    """Somebody must be able to say why, fixable and final; and LAIN is always among them."""
    reasons = SHELF.reasons()
    assert set(PARTY_OF) == set(Step)
    for step in Step:
        for fixable in (True, False):
            assert "LAIN" in reasons.for_step(step, fixable=fixable)


@pytest.mark.parametrize("step", Step)
def test_a_return_never_leads_past_the_step(step: Step) -> None:
    """No papers unchecked and no letter unsigned because a case was sent `back` to a later step."""
    order, reasons = list(Step), SHELF.reasons()
    for code in reasons.for_step(step, fixable=True):
        assert order.index(reasons.returned(code).back_to) <= order.index(step)


def test_each_party_gives_its_own_reasons() -> None:
    """`given_by`, read back by the steps that bring a party's answer."""
    reasons = SHELF.reasons()
    for step in Step:
        given = {*reasons.for_step(step, fixable=True), *reasons.for_step(step, fixable=False)}
        assert all(PARTY_OF[step] in reasons.reason[code].given_by for code in given)
    assert "BUKAN_WARGA" in reasons.for_step(Step.DOCUMENT_CHECK, fixable=False)
    assert "BUKAN_WARGA" not in reasons.for_step(Step.KEMENSOS_VERIFICATION, fixable=False)
    assert {Party.DINSOS, Party.KEMENSOS, Party.BPJS} == set(PARTY_OF.values())


def test_what_the_catalogue_does_not_know_is_lain() -> None:
    """A new code of the ministry, and one that does not fit: never an error, never a code unknown here."""
    reasons = SHELF.reasons()
    other = Returned(reason="LAIN", back_to=Step.DOCUMENT_CHECK)
    assert reasons.returned("KODE_BARU") == reasons.returned("DINILAI_MAMPU") == other
    assert reasons.final("KODE_BARU") == reasons.final("NIK_BEDA") == Rejected(reason="LAIN")


def test_what_follows_from_a_reason() -> None:
    """The step, whose turn it is, and the outcome, as the file says."""
    reasons = SHELF.reasons()
    assert reasons.returned("DOK_TIDAK_JELAS") == Returned(
        reason="DOK_TIDAK_JELAS", back_to=Step.DOCUMENT_CHECK, waits_for=WaitingOn.APPLICANT
    )
    assert reasons.final("DUPLIKAT") == Moot(outcome=Outcome.DUPLICATE, reason="DUPLIKAT")
    assert reasons.final("SURAT_FASKES_TIDAK_SAH") == Rejected(reason="SURAT_FASKES_TIDAK_SAH")
    assert reasons.label("NIK_BEDA") == "NIK berbeda"
    assert reasons.label("KODE_BARU") == "KODE_BARU"

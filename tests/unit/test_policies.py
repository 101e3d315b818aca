"""The policies that ship, and how a broken one is refused."""

import shutil
from pathlib import Path

import pytest

from gateways.policy_folder import PolicyFolder
from models.case import Track
from models.errors import Misconfigured
from models.policy import DocumentKind

ROOT = Path(__file__).resolve().parents[2]
SHELF = PolicyFolder(ROOT / "policies")


def test_bekasi_asks_for_four_papers_and_tangsel_for_the_letter_alone() -> None:
    """Domain 1.3, emergency track."""
    bekasi = SHELF.city("3275").tracks[Track.EMERGENCY]
    tangsel = SHELF.city("3674").tracks[Track.EMERGENCY]
    assert tangsel.missing({DocumentKind.FACILITY_LETTER}) == []
    assert len(bekasi.missing({DocumentKind.FACILITY_LETTER})) == 3
    identity = {DocumentKind.KTP, DocumentKind.KK, DocumentKind.JKN_CARD}
    assert bekasi.missing(identity | {DocumentKind.REFERRAL}) == []
    assert bekasi.missing(identity | {DocumentKind.MEDICAL_RECORD}) == []
    assert bekasi.missing(identity) == [frozenset({"referral", "medical_record", "facility_letter"})]


def test_an_unknown_city_is_refused_with_the_known_ones() -> None:
    """The message says what would work."""
    with pytest.raises(Misconfigured, match=r"3275 Kota Bekasi, 3674 Kota Tangerang Selatan"):
        SHELF.city("3171")


def test_every_kecamatan_and_kelurahan_of_both_cities_is_known() -> None:
    """12 + 7 kecamatan, 56 + 54 kelurahan (domain 2.4); the codes have gaps."""
    regions = SHELF.regions()
    assert len(regions.kecamatan) == 19
    assert sum(len(kecamatan.kelurahan) for kecamatan in regions.kecamatan.values()) == 110
    pamulang = regions.kecamatan_of("36.74.06.1001")
    assert pamulang is not None
    assert pamulang.name == "Pamulang"
    for unknown in ("32.75.07.1001", "36.74.06", "36.74.06.", "36.74.06x1001", "36.74.08.1001", ""):
        assert regions.kecamatan_of(unknown) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'budget = "PT24H"',
            'budget = "PT0S"',
            "tracks.emergency.sla.budget: Value error, must be longer than zero",
        ),
        ("warn_at = [0.5, 0.75, 0.9]", "warn_at = [0.9, 0.5]", "must be rising shares between 0 and 1"),
        ("warn_at = [0.5, 0.75, 0.9]", "warn_at = [0.5, 1.0]", "must be rising shares between 0 and 1"),
        (
            'poll_every = "PT1M"',
            'poll_every = "PT0S"',
            "poll_every: Input should be greater than or equal to",
        ),
        ('poll_every = "PT1M"', 'poll_every = "P2D"', "poll_every: Input should be less than or equal to"),
        ('code = "3674"', 'code = "tangsel"', "code: String should match pattern"),
        ("[tracks.newborn", "[tracks.elderly", "tracks.elderly"),
        ('["facility_letter"]', "[]", "tracks.emergency.documents.0"),
        ('name = "Kota', 'nama = "Kota', "nama: Extra inputs are not permitted"),
        ("[tracks.emergency]", "[tracks.emergency", "is not TOML"),
    ],
)
def test_a_broken_policy_is_refused_with_file_field_and_rule(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    """A typo in a policy stops the start, not a case."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    file = folder / "kota-tangerang-selatan.toml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(Misconfigured) as refusal:
        PolicyFolder(folder).city("3674")
    assert "kota-tangerang-selatan.toml" in str(refusal.value)
    assert says in str(refusal.value)

"""Which column is which: our own, BNBA, or as a map says; never a guess, never a quoted header."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from intake.layouts import BNBA_HEADER, ColumnMap, FieldName, read_constants, read_map
from models.dossier import Need
from models.errors import BadInput
from models.policy import NeedKind
from tests.intake.lists import Desk, Row, a_row, rows, write
from tests.ledger.builders import a_closing

NEED: dict[FieldName, str] = {
    "need_kind": "routine",
    "facility": "Puskesmas Pamulang",
    "letter_number": "440/12/2026",
    "letter_date": "09-02-2026",
    "deactivated_on": "01-02-2026",
    "documents": "facility_letter=surat.pdf",
}


def a_bnba_row(**changes: str) -> Row:
    """Return a row as a PBI list by name and address has it."""
    own = a_row()
    told = {
        "kota": "KOTA TANGERANG SELATAN",
        "kecamatan": "PAMULANG",
        "kelurahan": "PAMULANG BARAT",
        "noka_bpjs": "0009999999999",
        "psnoka_bpjs": own["card_number"],
        "nama": own["name"].upper(),
        "tanggal_lahir": own["birth_date"],
        "jenis_kelamin": own["sex"],
        "nik": own["nik"],
        "nokk": own["kk"],
    }
    return dict.fromkeys(BNBA_HEADER, "") | told | changes


async def refusal(
    desk: Desk,
    path: Path,
    chosen: ColumnMap | None = None,
    constants: Mapping[FieldName, str] | None = None,
) -> list[str]:
    """Return the fields that a list is refused for."""
    with pytest.raises(BadInput) as refused:
        await desk.take(desk.wanted(path, chosen, constants))
    return [finding.field for finding in refused.value.findings]


async def test_a_bnba_list_is_taken_with_what_it_does_not_tell(desk: Desk, tmp_path: Path) -> None:
    """Need, letter and deactivation come as constants; the track of such lists is medical."""
    told = [a_bnba_row() for _ in range(3)]
    path = write(tmp_path, told, mark=";")
    taken = await desk.take(desk.wanted(path, constants=NEED))
    assert taken.new == 3
    found = desk.ledger.dossier("PBI-3674-2026-000002")
    assert found.person.card_number == told[1]["psnoka_bpjs"]
    assert (found.person.nik, found.person.phone) == (told[1]["nik"], None)
    assert (found.person.kelurahan, found.case.track) == ("36.74.06.1001", "medical")
    assert (found.need.kind, found.need.facility) == (NeedKind.ROUTINE, "Puskesmas Pamulang")
    assert isinstance(found.need, Need)


@pytest.mark.parametrize("absent", NEED)
async def test_what_a_bnba_list_does_not_tell_is_not_made_up(
    desk: Desk, tmp_path: Path, absent: FieldName
) -> None:
    """Each part of an application that nobody gave refuses the list by name."""
    path = write(tmp_path, [a_bnba_row()], mark=";")
    given = {name: value for name, value in NEED.items() if name != absent}
    assert await refusal(desk, path, constants=given) == [absent]
    assert desk.cases() == 0


async def test_rows_of_another_city_are_told(desk: Desk, tmp_path: Path) -> None:
    """Kabupaten Bekasi has a kecamatan Setu too; what a row says of its city counts."""
    told = [a_bnba_row() for _ in range(10)]
    told[0]["kota"] = "KAB. TANGERANG"
    told[1]["kota"] = "Kota  Tangerang Selatan"
    told[2]["kecamatan"] = "PAMULANG TIMUR"
    taken = await desk.take(desk.wanted(write(tmp_path, told, mark=";"), constants=NEED))
    assert (taken.new, taken.rejected) == (8, 2)
    assert desk.rejected() == [("2", "kota", "other_city"), ("4", "kelurahan", "unknown_kelurahan")]


async def test_columns_of_our_own_may_come_in_any_order_and_the_optional_ones_may_be_absent(
    desk: Desk, tmp_path: Path
) -> None:
    """Names of columns count without case and padding; one value for all rows may be a constant."""
    told = [dict(reversed(row.items())) for row in rows(2)]
    for row in told:
        for name in ("phone", "card_number", "track"):
            del row[name]
        row[" NIK "] = row.pop("nik")
        row["Need Kind"] = row.pop("need_kind")
        row["kelurahan"], row["kecamatan"] = "Pamulang Barat", "Pamulang"
    taken = await desk.take(desk.wanted(write(tmp_path, told), constants={"track": "medical"}))
    assert taken.new == 2


async def test_the_same_file_read_in_another_way_is_another_list(desk: Desk, tmp_path: Path) -> None:
    """A list of people who were deactivated again a month later may be the same to the letter."""
    path = write(tmp_path, [a_bnba_row() for _ in range(3)], mark=";")
    await desk.take(desk.wanted(path, constants=NEED))
    for state in desk.registry.cases():
        desk.ledger.record(a_closing(state.case))
    later = NEED | {"deactivated_on": "05-02-2026", "letter_date": "10-02-2026"}
    assert (await desk.take(desk.wanted(path, constants=later))).new == 3
    assert (await desk.take(desk.wanted(path, constants=NEED))).taken_before == 3


async def test_a_wrong_header_is_refused_and_not_quoted(desk: Desk, tmp_path: Path) -> None:
    """A list without a header begins with somebody's data."""
    row = a_row()
    path = write(tmp_path, [dict(zip(row.values(), row.values(), strict=True))])
    with pytest.raises(BadInput) as refused:
        await desk.take(path)
    said = str(refused.value)
    assert "nik: is not in the header" in said
    assert not any(value in said for value in (row["nik"], row["name"], row["kk"]))
    assert not desk.rejects.exists()


async def test_each_fault_of_a_header_is_told(desk: Desk, tmp_path: Path) -> None:
    """A column too many may be a slip of the pen; one that is there twice is unclear."""
    row = a_row()
    row["phonee"] = row.pop("phone")
    assert await refusal(desk, write(tmp_path, [row])) == ["column 15"]
    row = a_row()
    del row["letter_date"]
    assert await refusal(desk, write(tmp_path, [row])) == ["letter_date"]
    assert await refusal(desk, write(tmp_path, [a_row(NIK="1")])) == ["nik"]
    assert await refusal(desk, write(tmp_path, [a_row()]), constants={"track": "medical"}) == ["track"]
    bnba = a_bnba_row()
    del bnba["hub_keluarga"]
    assert await refusal(desk, write(tmp_path, [bnba], mark=";"), constants=NEED) == ["hub_keluarga"]


async def test_a_map_names_the_columns(desk: Desk, tmp_path: Path) -> None:
    """Other columns are left alone; constants of the map are those of every row, `--set` is above them."""
    told = [
        {
            "No": str(at),
            "NO KTP": row["nik"],
            "NAMA PESERTA": row["name"],
            "KK": row["kk"],
            "TGL": "12-03-1985",
        }
        for at, row in enumerate(rows(2))
    ]
    (tmp_path / "peta.toml").write_text(
        '[columns]\nnik = "no ktp"\nname = "Nama Peserta"\nkk = "KK"\nbirth_date = "TGL"\n'
        '[constants]\nsex = "P"\nkelurahan = "Pamulang Barat"\ntrack = "medical"\nneed_kind = "chronic"\n'
        'facility = "RS Contoh"\nletter_number = "1"\nletter_date = 2026-02-09\ndeactivated_on = 2026-02-01\n'
        'documents = "facility_letter=surat.pdf"\n'
    )
    chosen = read_map(tmp_path / "peta.toml")
    constants = read_constants(["need_kind=routine"], chosen)
    taken = await desk.take(desk.wanted(write(tmp_path, told), chosen, constants))
    assert taken.new == 2
    need = desk.ledger.dossier("PBI-3674-2026-000001").need
    assert (need.kind, need.letter_date.isoformat()) == (NeedKind.ROUTINE, "2026-02-09")


async def test_the_name_of_a_column_is_no_formula(desk: Desk, tmp_path: Path) -> None:
    """The reject file is opened in a spreadsheet too."""
    told = [{("=NIK" if name == "nik" else name): value for name, value in row.items()} for row in rows(6)]
    told[3]["=NIK"] = "1"
    others = {name: name for name in told[0] if name not in {"=NIK", "card_number", "phone"}}
    chosen = ColumnMap.model_validate({"columns": others | {"nik": "=NIK"}})
    taken = await desk.take(desk.wanted(write(tmp_path, told), chosen))
    assert (taken.new, taken.rejected) == (5, 1)
    assert desk.rejected() == [("5", "'=NIK", "not_16_digits")]


@pytest.mark.parametrize(
    ("columns", "constants", "fields"),
    [
        ({"nik": "absent"}, {}, ["absent"]),
        ({"nik": "nik"}, {"nik": "1"}, ["nik"]),
        (
            {"nik": "nik"},
            {},
            ["kk", "name", "birth_date", "sex", "kelurahan", "track", "need_kind", "facility"],
        ),
    ],
)
async def test_a_map_that_does_not_fit_is_refused(
    desk: Desk,
    tmp_path: Path,
    columns: dict[FieldName, str],
    constants: dict[FieldName, str],
    fields: list[str],
) -> None:
    """Columns that are not there, fields told twice, fields not told at all."""
    told = await refusal(desk, write(tmp_path, [a_row()]), ColumnMap(columns=columns), constants)
    assert told[:8] == fields


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("letter_date=31-02-2026", "constant letter_date"),
        ("letter_date=12-02-2026", "constant letter_date"),
        ("need_kind=sakit", "constant need_kind"),
        ("facility=", "constant facility"),
        ("documents=surat.pdf", "constant documents"),
        ("documents=facility_letter=absent.pdf", "constant documents"),
    ],
)
async def test_a_faulty_constant_is_told_once_and_not_in_every_row(
    desk: Desk, tmp_path: Path, given: str, field: str
) -> None:
    """Before any row is looked at."""
    path = write(tmp_path, [a_bnba_row()], mark=";")
    constants = NEED | read_constants([given], ColumnMap())
    with pytest.raises(BadInput) as refused:
        await desk.take(desk.wanted(path, constants=constants))
    assert [finding.field for finding in refused.value.findings] == [field]
    assert not desk.rejects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[columns\n", "--map: is not TOML"),
        (b"\xff\xfe", "--map: is not TOML"),
        (b'[columns]\nnama = "x"\n', "--map columns.nama: is not known"),
        (b"[columns]\nnik = 3674065203859001\n", "--map columns.nik: is not known"),
        (b"[colums]\n", "--map colums: is not known"),
    ],
)
def test_a_map_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    """Values of a map are never quoted."""
    (tmp_path / "map.toml").write_bytes(content)
    with pytest.raises(BadInput, match=said) as refused:
        read_map(tmp_path / "map.toml")
    assert "3674065203859001" not in str(refused.value)


def test_constants_that_are_none_are_refused() -> None:
    """Every slip at once; what was typed may be anything and is not repeated."""
    with pytest.raises(BadInput) as refused:
        read_constants(["track", "nama=3674065203859001", "track=medical"], ColumnMap())
    assert [finding.field for finding in refused.value.findings] == ["--set 1", "--set 2"]
    assert "3674065203859001" not in str(refused.value)

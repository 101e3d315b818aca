"""`starter.py calendar` as officers run it."""

import json
import shutil
from pathlib import Path

from runtime.settings import ROOT
from tests.unit.typed import typed


def test_officers_look_load_and_compute(tmp_path: Path) -> None:
    """Every command, and bad input with its exit code, all faults at once and no traceback."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")

    def ran(*arguments: str) -> tuple[int, str, str]:
        policies = str(tmp_path / "policies")
        shown = typed(tmp_path, "calendar", *arguments, REAKTIVASI_POLICIES_DIR=policies)
        return shown.code, " ".join(shown.out.split()), shown.err

    tangsel = ("--city", "3674")
    hours, days, shown, dry, bad, city, year = (
        ran("due", "2026-02-13T08:30Z", "PT4H", *tangsel, "--json"),
        ran("due", "2027-12-29 15:30", "3 hari kerja", *tangsel),
        ran("show", *tangsel, "--year", "2026"),
        ran("load", "2028", "--dry-run"),
        ran("due", "besok", "24", *tangsel),
        ran("due", "2026-02-13", "PT4H", "--city", "3171"),
        ran("show", "--year", "2030"),
    )

    assert [one[0] for one in (hours, days, shown, dry, bad, city, year)] == [0, 0, 0, 0, 2, 2, 3]
    assert json.loads(hours[1]) == {
        "start": "2026-02-13T15:30:00+07:00",
        "office": "2026-02-18T11:30:00+07:00",
        "24x7": "2026-02-13T19:30:00+07:00",
        "holidays_known": True,
    }
    assert "mulai Rabu 2027-12-29 15:30:00 WIB anggaran 3 hari kerja" in days[1]
    assert "jam kerja Senin 2028-01-03 16:00:00 WIB" in days[1]
    assert "dihitung tanpa libur" in days[1]
    assert "Senin 08.00-16.00" in shown[1]
    assert "Minggu tutup" in shown[1]
    assert "2026-12-25 Jumat Hari Raya Natal libur nasional" in shown[1]
    assert "Kota Bekasi" not in shown[1]
    assert "17 would be added" in dry[1]
    assert "a draft" not in dry[1]
    assert not (tmp_path / "policies" / "libur-2028.toml").exists()
    assert "START: is not a time" in bad[2]
    assert "BUDGET: is not a budget" in bad[2]
    assert "known are 3275 Kota Bekasi, 3674 Kota Tangerang Selatan" in city[2]
    assert "`starter.py calendar load 2030`" in year[2]
    assert "Traceback" not in "".join(one[2] for one in (bad, city, year))

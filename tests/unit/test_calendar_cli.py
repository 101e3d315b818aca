"""`starter.py calendar` as officers run it."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


async def ran(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command on a copy of the policies."""
    settings = {"REAKTIVASI_POLICIES_DIR": str(folder / "policies"), "REAKTIVASI_LOCAL_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "starter.py"),
        *("calendar", *arguments),
        env={**os.environ, **settings},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, " ".join(out.decode().split()), err.decode()


async def test_officers_look_load_and_compute(tmp_path: Path) -> None:
    """Every command, and bad input with its exit code, all faults at once and no traceback."""
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    tangsel = ("--city", "3674")
    hours, days, shown, dry, bad, city, year = await asyncio.gather(
        ran(tmp_path, "due", "2026-02-13T08:30Z", "PT4H", *tangsel, "--json"),
        ran(tmp_path, "due", "2027-12-29 15:30", "3 hari kerja", *tangsel),
        ran(tmp_path, "show", *tangsel, "--year", "2026"),
        ran(tmp_path, "load", "2028", "--dry-run"),
        ran(tmp_path, "due", "besok", "24", *tangsel),
        ran(tmp_path, "due", "2026-02-13", "PT4H", "--city", "3171"),
        ran(tmp_path, "show", "--year", "2030"),
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
    assert not (tmp_path / "policies" / "libur-2028.toml").exists()
    assert "START: is not a time" in bad[2]
    assert "BUDGET: is not a budget" in bad[2]
    assert "known are 3275 Kota Bekasi, 3674 Kota Tangerang Selatan" in city[2]
    assert "`starter.py calendar load 2030`" in year[2]
    assert "Traceback" not in "".join(one[2] for one in (bad, city, year))

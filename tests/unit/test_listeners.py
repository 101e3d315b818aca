"""Before worker or watchdog begins: can somebody be told? And what is said when nobody was."""

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from gateways.ledger_access import utc_now
from gateways.policy_folder import PolicyFolder
from gateways.sql_outbox import SqlOutbox
from gateways.sql_registry import SqlRegistry
from models.errors import Misconfigured
from models.outbox import Addressed, Sent
from runtime.ladders import check_contacts, require_listeners
from runtime.settings import Settings
from tests.ledger.builders import a_new_case, an_alert
from tests.ledgers import a_ledger
from tests.unit.typed import typed
from tests.vaults import a_vault

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "policies"
BOSSES = ("tangsel-supervisor", "bekasi-supervisor")


def contacts(folder: Path, ids: Iterable[str]) -> Path:
    """Write a file in which these have an address."""
    file = folder / "contacts.toml"
    file.touch(mode=0o600)
    file.write_text("".join(f'{one} = ["json://127.0.0.1:1/{one}"]\n' for one in ids))
    return file


@pytest.mark.parametrize(
    ("ids", "faults"),
    [
        ((), ["Kota Bekasi: nobody of the ladder in Bekasi Timur", "Kota Tangerang Selatan: nobody"]),
        (("tangsel-loket-1", *BOSSES[1:]), ["Kota Tangerang Selatan: nobody of the ladder in Serpong"]),
        (
            BOSSES[:1],
            ["Kota Bekasi: nobody of the ladder in Bekasi Timur has a contact: bekasi-kepala-bidang"],
        ),
    ],
)
def test_a_city_none_of_whose_ladder_has_a_contact_is_refused(
    tmp_path: Path, ids: tuple[str, ...], faults: list[str]
) -> None:
    """A clerk at the counter is nobody of it. All such cities are named, and who may be given one."""
    settings = Settings(contacts=contacts(tmp_path, ids), policies_dir=POLICIES)
    with pytest.raises(Misconfigured) as refusal:
        require_listeners(settings)
    assert all(fault in str(refusal.value) for fault in faults)
    assert "(check REAKTIVASI_CONTACTS)" in str(refusal.value)


@pytest.mark.parametrize("boss", ["supervisor", "kepala-bidang", "kepala-kantor"])
def test_one_of_each_citys_ladder_is_enough(tmp_path: Path, boss: str) -> None:
    """What the other levels cannot get climbs, also from above to whoever is left."""
    ids = [f"{city}-{boss}" for city in ("tangsel", "bekasi")]
    ways = require_listeners(Settings(contacts=contacts(tmp_path, ids), policies_dir=POLICIES))
    assert ways is not None
    assert ways.reach.contacts == frozenset(ids)


def test_a_kecamatan_is_not_left_to_people_of_another(tmp_path: Path) -> None:
    """Whoever has a contact must serve it."""
    folder = shutil.copytree(POLICIES, tmp_path / "policies")
    people = folder / "people.toml"
    people.write_text(
        people.read_text()
        .replace('id = "lokal"\n', 'id = "setu-supervisor"\nkecamatan = ["Setu"]\n')
        .replace(
            'roles = ["intake", "supervisor"]\ncities = ["3275", "3674"]',
            'roles = ["supervisor"]\ncities = ["3674"]',
        )
    )
    shelf = PolicyFolder(folder)
    with pytest.raises(Misconfigured, match="nobody of the ladder in Serpong has a contact"):
        check_contacts(shelf, {"setu-supervisor", "bekasi-supervisor"})


def test_where_no_way_is_set_up_at_all_a_process_begins() -> None:
    """A local stack does not call anybody; `doctor` warns."""
    assert require_listeners(Settings(policies_dir=POLICIES)) is None


def doctor(folder: Path, contacts: Path | None = None) -> dict[str, str]:
    """Return the first words of what `doctor` says, by check; of those about alerts."""
    settings = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
    if contacts is not None:
        settings["REAKTIVASI_CONTACTS"] = str(contacts)
    lines = typed(folder, "doctor", at=None, **settings).out.splitlines()
    checks = {line[5:23].strip(): line[:5].strip() + " " + line[24:] for line in lines if line[5:6] != " "}
    return {name: said for name, said in checks.items() if name.startswith("alerts")}


def test_doctor_and_lists_say_that_nobody_was_reached(tmp_path: Path) -> None:
    """How many alerts, and since when; a warning where nobody was ever to be told; nothing once one was."""
    engine = a_ledger(tmp_path)
    case = SqlRegistry(engine, a_vault()).register(a_new_case()).case
    file = contacts(tmp_path, BOSSES)
    outbox, now = SqlOutbox(engine), utc_now()
    for minutes in (5, 60 * 5):
        alert = an_alert(case, f"{case.case_number}:{minutes}")
        raised_at = now - timedelta(minutes=minutes)
        outbox.put([Addressed(alert.model_copy(update={"raised_at": raised_at}), ("tangsel-supervisor",))])
    silent = "1 alert(s) reached nobody since "

    failed = doctor(tmp_path, file)
    assert failed["alerts heard"].startswith(f"FAIL {silent}")
    warned = doctor(tmp_path)
    assert warned["alerts heard"].startswith(f"ok WARN {silent}")
    assert warned["alerts"] == "ok WARN officers are not told: REAKTIVASI_CONTACTS is not set"
    for command in (("list",), ("alerts", "list")):
        assert silent in typed(tmp_path, *command).out
    assert silent not in typed(tmp_path, "list", "--json").out

    outbox.sent([Sent(one.id, None) for one in outbox.lease(now, now)], now)
    assert (
        doctor(tmp_path, file)["alerts heard"]
        == "ok every alert of more than 10 minutes ago reached somebody"
    )
    assert silent not in typed(tmp_path, "list").out
    engine.dispose()


def test_doctor_refuses_contacts_with_which_nothing_begins(tmp_path: Path) -> None:
    """In the same words; a contact of nobody, and people without one, it warns of."""
    a_ledger(tmp_path).dispose()
    file = contacts(tmp_path, [*BOSSES, "tangsel-supervisr"])
    said = f"ok {len(BOSSES)} officers have a contact; WARN contact of nobody: tangsel-supervisr; "
    assert doctor(tmp_path, file)["alerts"].startswith(f"{said}WARN no contact: ")
    contacts(tmp_path, BOSSES)
    assert "WARN no contact: bekasi-kepala-bidang" in doctor(tmp_path, file)["alerts"]
    contacts(tmp_path, BOSSES[:1])
    assert doctor(tmp_path, file)["alerts"].startswith("FAIL contacts: Kota Bekasi: nobody")
    file.chmod(0o644)
    assert doctor(tmp_path, file)["alerts"].startswith("FAIL contacts: others may read")

"""`doctor --security`: each door that is open is named, with its fix, and no secret is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.doctor import Check
from runtime.security import examine_security
from runtime.settings import Settings
from runtime.stack import DEMO_CREDENTIALS
from tests.vaults import RING

SECRET = "rahasia-yang-panjangnya-lebih-dari-32-huruf"
_LISTEN = """
import socket, sys
held = socket.create_server((sys.argv[2], 0))
print("up", flush=True)
sys.stdin.read()
"""


_BEYOND = "db.example lies beyond this machine, sslmode is "
_DEMO = SecretStr(DEMO_CREDENTIALS["cons_secret"])


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with no setting of this machine's own."""
    for name in (
        "TEMPORAL_ADDRESS",
        "TEMPORAL_API_KEY",
        "TEMPORAL_DEBUG",
        "PYTHONASYNCIODEBUG",
        "PYTHONDEVMODE",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give an installation in which everything is shut."""
    (tmp_path / "policies").mkdir(mode=0o755)
    (tmp_path / "policies" / "people.toml").touch(mode=0o644)
    (tmp_path / "documents").mkdir(mode=0o700)
    for name in ("ledger.db", "contacts.toml", "sources.toml"):
        (tmp_path / name).touch(mode=0o600)
    return Settings(
        local_dir=tmp_path,
        policies_dir=tmp_path / "policies",
        contacts=tmp_path / "contacts.toml",
        event_sources=tmp_path / "sources.toml",
        webhook_url=SecretStr("https://alerts.example/in"),
        webhook_secret=SecretStr(SECRET),
        master_keys=SecretStr(RING.newest.line.strip()),
    )


def faults(settings: Settings) -> dict[str, Check]:
    """Return the faults by what was seen."""
    found = [check for check in examine_security(settings) if not check.is_ok]
    assert all(check.mend for check in found)
    assert SECRET not in str(found)
    return {check.saw: check for check in found}


def test_a_house_that_is_locked_has_no_fault(settings: Settings) -> None:
    """Nine checks."""
    assert faults(settings) == {}
    assert len(examine_security(settings)) == 9


@pytest.mark.parametrize("name", ["ledger.db", "contacts.toml", "sources.toml", "documents"])
def test_a_secret_that_others_may_read_is_named(settings: Settings, name: str) -> None:
    """With the command that shuts it."""
    (settings.local_dir / name).chmod(0o750)
    (check,) = faults(settings).values()
    assert check.saw == f"others may read {settings.local_dir / name}"
    assert check.mend == f"chmod {'700' if name == 'documents' else '600'} {settings.local_dir / name}"


def test_policies_that_others_may_change_are_named(settings: Settings) -> None:
    """Who edits people.toml makes himself a supervisor."""
    (settings.policies_dir / "people.toml").chmod(0o666)
    assert list(faults(settings)) == [f"others may change {settings.policies_dir / 'people.toml'}"]


@pytest.mark.parametrize(
    ("change", "saw"),
    [
        ({"database_url": SecretStr("postgresql+psycopg://a:pw@db.example/l")}, _BEYOND + "prefer"),
        ({"database_url": SecretStr("postgresql+psycopg://db.example/l?sslmode=allow")}, _BEYOND + "allow"),
        ({"siks_ng_url": "http://10.1.2.3/"}, "siks_ng is asked over http"),
        ({"webhook_url": SecretStr("http://alerts.example/in")}, "webhook is asked over http"),
        ({"webhook_secret": SecretStr("pendek")}, "the webhook's secret is short"),
        (
            {"bpjs_url": "https://bpjs.example/", "bpjs_cons_secret": _DEMO},
            "the demo's credentials go to a real BPJS",
        ),
    ],
)  # fmt: skip
def test_what_goes_over_the_net_in_the_clear_is_named(
    settings: Settings, change: dict[str, object], saw: str
) -> None:
    """And what is known to everybody."""
    assert list(faults(Settings.model_validate(settings.model_dump() | change))) == [saw]


def test_what_is_shut_is_no_fault(settings: Settings) -> None:
    """A database with TLS, or on a socket; systems on this machine."""
    for url in ("a@db.example/l?sslmode=verify-full", "a@/l?host=/run/postgresql", "a@127.0.0.1/l"):
        change = {"database_url": SecretStr(f"postgresql+psycopg://{url}"), "siks_ng_url": "http://[::1]:1/"}
        assert faults(Settings.model_validate(settings.model_dump() | change)) == {}


def test_how_temporal_is_asked_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Temporal's own settings: neither TLS nor a name, TLS alone, an API key."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    assert list(faults(settings)) == [
        "temporal.example:7233 lies beyond this machine and is asked without TLS"
    ]
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    assert list(faults(settings)) == [
        "temporal.example:7233 does not know us: neither certificate nor API key"
    ]
    monkeypatch.setenv("TEMPORAL_API_KEY", "k" * 40)
    assert faults(settings) == {}
    told = {check.name: check.saw for check in examine_security(settings)}
    assert told["temporal"] == "temporal.example:7233, TLS, API key"


def test_a_debug_switch_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """TEMPORAL_DEBUG lets a workflow hang."""
    monkeypatch.setenv("TEMPORAL_DEBUG", "1")
    assert list(faults(settings)) == ["TEMPORAL_DEBUG is set"]


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Run a process that looks like ours, and listens on an address."""
    command = [sys.executable, "-c", _LISTEN, "starter.py", *request.param]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("listener", [("0.0.0.0",), ("127.0.0.1",)], indirect=True)
def test_a_port_beyond_this_machine_is_named(settings: Settings, listener: subprocess.Popen[str]) -> None:
    """Loopback is none."""
    args = listener.args
    assert isinstance(args, list)
    named = [saw for saw in faults(settings) if f"({listener.pid})" in saw]
    assert bool(named) is (args[-1] == "0.0.0.0")


@pytest.mark.parametrize("listener", [("127.0.0.1", SECRET)], indirect=True)
def test_a_secret_on_a_command_line_is_named_by_process(
    settings: Settings, listener: subprocess.Popen[str]
) -> None:
    """Everybody on the machine can read it there."""
    assert f"a secret stands on the command line of process {listener.pid}" in faults(settings)

"""Is the house locked? Modes of files, keys, open ports, TLS, secrets in sight, debug switches."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
from pydantic import HttpUrl, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from temporalio.envconfig import ClientConfig

from models.errors import Misconfigured
from models.plain import plain
from runtime import keys
from runtime.doctor import Check
from runtime.entry import REFUSED
from runtime.settings import PREFIX, ROOT, Settings, temporal_environment
from runtime.stack import DEMO_CREDENTIALS

_SHORTEST_SECRET: Final = 32
_LEAST_TELLING: Final = 8
"""A shorter secret stands in many a word that is none."""
_SAFE_MODES: Final = {"require", "verify-ca", "verify-full"}
_DEBUG: Final = ("TEMPORAL_DEBUG", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONINSPECT")
_OURS: Final = (str(ROOT / "worker.py"), "worker.py", str(ROOT / "starter.py"), "starter.py", "simulators")

Faults = Iterator[tuple[str, str]]
"""What is wrong, and how to mend it."""


def examine_security(settings: Settings) -> list[Check]:
    """Run every check; each fault is a check of its own that failed. Nothing is connected to."""
    checks: list[tuple[str, str, Callable[[Settings], Faults]]] = [
        ("secret files", "only their owner may read them", _secret_files),
        ("policies", "only their owner may change them", _policies),
        ("keys", "none is the demo's, none is short", _keys),
        ("open ports", "none beyond this machine without TLS", _ports),
        ("temporal", _temporal_words(settings), _temporal),
        ("database", "this machine, or TLS", _database),
        ("outside systems", "https, or none beyond this machine", _systems),
        ("command lines", "no secret stands on one", _command_lines),
        ("debug switches", "off", _debug),
    ]
    made = []
    for name, good, look in checks:
        faults = list(look(settings))
        made += [Check(name, is_ok=False, saw=saw, mend=mend, exit_code=REFUSED) for saw, mend in faults]
        if not faults:
            made.append(Check(name, is_ok=True, saw=good))
    return made


def _secret_files(settings: Settings) -> Faults:
    ledger = settings.ledger_url.removeprefix("sqlite:///")
    named: list[Path | None] = [
        settings.contacts,
        settings.event_sources,
        settings.master_key_file,
        settings.stack_file,
        ROOT / ".env",
        settings.documents,
        settings.local_dir / "keys.db",
        settings.demo_key_file,
        *(Path(f"{ledger}{end}") for end in ("", "-wal", "-shm") if ledger != settings.ledger_url),
    ]
    for path in (one for one in named if one is not None):
        if _mode(path) & 0o077:
            what = "700" if path.is_dir() else "600"
            yield f"others may read {plain(str(path))}", f"chmod {what} {plain(str(path))}"


def _policies(settings: Settings) -> Faults:
    folder = settings.policies_dir
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink() and _mode(path) & 0o022:
            yield f"others may change {plain(str(path))}", f"chmod go-w {plain(str(path))}"


def _keys(settings: Settings) -> Faults:
    try:
        keys.load_ring(settings)
    except Misconfigured as error:
        yield str(error), "`starter.py keys new`, and set where the key is"
    demo = DEMO_CREDENTIALS["cons_secret"]
    is_demo = settings.bpjs_cons_secret is not None and settings.bpjs_cons_secret.get_secret_value() == demo
    if is_demo and not _is_here(_host(settings.bpjs_url)):
        yield "the demo's credentials go to a real BPJS", f"set {PREFIX}BPJS_CONS_ID, _CONS_SECRET, _USER_KEY"
    if settings.webhook_url and len(_revealed(settings.webhook_secret)) < _SHORTEST_SECRET:
        fix = f"set {PREFIX}WEBHOOK_SECRET to {_SHORTEST_SECRET} characters or more"
        yield "the webhook's secret is short", fix


def _ports(_settings: Settings) -> Faults:
    for process, words in _processes():
        if not _is_ours(words) or "--certificate" in words:
            continue
        try:
            held = process.net_connections(kind="inet")
        except psutil.Error:
            continue
        for one in held:
            if one.status == psutil.CONN_LISTEN and not _is_here(one.laddr.ip):
                where = f"{one.laddr.ip}:{one.laddr.port}"
                fix = "listen on 127.0.0.1 behind a proxy that does TLS"
                yield f"{process.name()} ({process.pid}) listens on {where}", fix


def _temporal_settings(settings: Settings) -> tuple[str, bool, bool, bool] | None:
    """Return address, whether there is TLS, a certificate of ours, an API key; None when unreadable.

    The address is empty when none is named.
    """
    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=temporal_environment(settings))
    except (RuntimeError, ValueError, OSError):
        return None
    tls, api_key = config.get("tls"), config.get("api_key")
    has_certificate = not isinstance(tls, bool) and tls is not None and tls.client_cert is not None
    is_off = tls is False or (tls is None and api_key is None)
    return config.get("target_host", ""), not is_off, has_certificate, api_key is not None


def _temporal_words(settings: Settings) -> str:
    if (found := _temporal_settings(settings)) is None:
        return "unreadable"
    address, has_tls, has_certificate, has_key = found
    if not address:
        return "none is named"
    ways = [
        name
        for name, is_there in (
            ("TLS", has_tls),
            ("mTLS: our certificate", has_certificate),
            ("API key", has_key),
        )
        if is_there
    ]
    return f"{address}, {', '.join(ways) or 'this machine, no TLS'}"


def _temporal(settings: Settings) -> Faults:
    fix = "set TEMPORAL_TLS_CLIENT_CERT_PATH and _KEY_PATH (mTLS), or TEMPORAL_API_KEY, or a profile"
    if (found := _temporal_settings(settings)) is None:
        yield "settings cannot be read", "check TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE, TEMPORAL_TLS_*"
        return
    address, has_tls, has_certificate, has_key = found
    if not address or _is_here(address.rsplit(":", 1)[0]):
        return
    if not has_tls:
        yield f"{address} lies beyond this machine and is asked without TLS", fix
    elif not (has_certificate or has_key):
        yield f"{address} does not know us: neither certificate nor API key", fix


def _database(settings: Settings) -> Faults:
    try:
        url = make_url(settings.ledger_url)
    except ArgumentError:
        yield "its address cannot be read", f"check {PREFIX}DATABASE_URL"
        return
    host = url.host or str(url.query.get("host", ""))
    if url.drivername == "sqlite" or not host or host.startswith("/") or _is_here(host):
        return
    mode = str(url.query.get("sslmode", "prefer"))
    if mode not in _SAFE_MODES:
        fix = f"add ?sslmode=verify-full&sslrootcert=FILE to {PREFIX}DATABASE_URL"
        yield f"{host} lies beyond this machine, sslmode is {plain(mode)}", fix


def _systems(settings: Settings) -> Faults:
    urls = {"SIKS_NG": settings.siks_ng_url, "KEMENSOS": settings.kemensos_url, "BPJS": settings.bpjs_url}
    asked = [(name, str(url)) for name, url in urls.items() if url is not None]
    asked += [("WEBHOOK", _revealed(settings.webhook_url))] if settings.webhook_url else []
    for name, url in asked:
        parts = urlsplit(url)
        if parts.scheme != "https" and not _is_here(parts.hostname or ""):
            yield f"{name.lower()} is asked over http", f"set {PREFIX}{name}_URL to https://..."


def _command_lines(settings: Settings) -> Faults:
    held = (settings.webhook_secret, settings.master_keys, settings.bpjs_cons_secret, settings.bpjs_user_key)
    secrets = {_revealed(one) for one in held} | {_password(settings), os.environ.get("TEMPORAL_API_KEY", "")}
    secrets = {one for one in secrets - {*DEMO_CREDENTIALS.values()} if len(one) >= _LEAST_TELLING}
    for process, words in _processes():
        if any(secret in word for word in words for secret in secrets):
            fix = "give it in a file or an environment variable, then change the secret"
            yield f"a secret stands on the command line of process {process.pid}", fix


def _debug(_settings: Settings) -> Faults:
    for name in _DEBUG:
        if os.environ.get(name):
            yield f"{name} is set", f"unset {name}"


def _processes() -> Iterable[tuple[psutil.Process, list[str]]]:
    for process in psutil.process_iter():
        try:
            yield process, process.cmdline()
        except psutil.Error:
            continue


def _is_ours(words: list[str]) -> bool:
    return any(word in _OURS for word in words[:4]) or "start-dev" in words


def _mode(path: Path) -> int:
    """Return the mode of a file; 0 for one that is not there."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _host(url: HttpUrl | None) -> str:
    return "" if url is None else url.host or ""


def _is_here(host: str) -> bool:
    """Tell whether an address is of this machine only."""
    name = host.strip("[]")
    if name in {"", "localhost"}:
        return name == "localhost"
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _password(settings: Settings) -> str:
    try:
        return make_url(settings.ledger_url).password or ""
    except ArgumentError:
        return ""

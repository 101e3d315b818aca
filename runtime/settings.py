"""Every setting in one place: `REAKTIVASI_*` variables, and what a running local stack wrote down.

Temporal's own settings (address, namespace, TLS, API key) are `TEMPORAL_*`; see `runtime/temporal.py`.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from activities.ways import Mode
from models.errors import Misconfigured

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "REAKTIVASI_"


class Settings(BaseSettings):
    """What an installation chooses. Each field is the variable `REAKTIVASI_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    local_dir: Path = ROOT / ".local"
    """Where the local stack keeps its state."""
    database_url: SecretStr | None = None
    """SQLAlchemy URL of the ledger; a SQLite file in `local_dir` unless given."""
    documents_dir: Path | None = None
    """Folder of the document store; inside `local_dir` unless given."""
    keystore: SecretStr | None = None
    """SQLAlchemy URL of the key store; a SQLite file in `local_dir` unless given. Keep it out of the ledger's
    backups: what is erased must not come back with one."""
    master_key_file: Path | None = None
    """File with the master keys, one `id = base64` a line, the newest last; only its owner may read it."""
    master_keys: SecretStr | None = None
    """The same in the environment, `;` between lines."""
    master_key_command: str | None = None
    """A command that prints the same, for example of a secrets manager. One of the three must be set."""
    policies_dir: Path = ROOT / "policies"
    task_queue: str = "reactivation"
    actor: str | None = None
    """The officer who gives a command, unless `--as` says otherwise: an id of `people.toml`."""
    office: Literal["desk", "rules"] = "desk"
    """Who checks papers and recommends: officers, or the policy's rules alone."""
    siks_ng: Mode = Mode.DESK
    """Who works SIKS-NG: `desk` people, `http` a machine, `both` whoever is first. Likewise the next two."""
    kemensos: Mode = Mode.DESK
    bpjs: Mode = Mode.DESK
    siks_ng_url: HttpUrl | None = None
    kemensos_url: HttpUrl | None = None
    bpjs_url: HttpUrl | None = None
    """Base of the VClaim service, for example `https://host/vclaim-rest`."""
    bpjs_cons_id: str | None = None
    bpjs_cons_secret: SecretStr | None = None
    bpjs_user_key: SecretStr | None = None
    case_slots: Annotated[int, Field(ge=4, le=200)] = 6
    """How many cases a worker works on at the same moment. More do not get done sooner on two cores, and an
    emergency waits behind those that were begun (`benchmarks/urgent_first.py`): three to each core. One in
    six is for new cases."""
    core: Annotated[int, Field(ge=-1, le=4095)] | None = None
    """Which core the worker stays on, counted from 0 among those it may use; its process id chooses unless
    given, `--processes` gives each its own, and -1 lets it use all."""
    cached_cases: Annotated[int, Field(ge=10, le=100_000)] = 800
    """How many cases a worker keeps in memory, 0.3 MB each; another is replayed when it goes on."""
    system_slots: Annotated[int, Field(ge=1, le=200)] = 8
    """How many calls of a worker may be with one outside system."""
    calls_per_second: Annotated[float, Field(gt=0)] = 200.0
    """How often each outside system is called at most, by all workers together; no limit is published."""
    deployment: str | None = None
    """Name under which Temporal tells the versions of our workers apart; it does not unless given."""
    build_id: str | None = None
    """Which version this worker is of `deployment`: another one for each release, for example `0.2.0`."""
    hold_patches: str = ""
    """Patches, parted by commas, that are not begun while workers that do not know them still run."""
    probe_every: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = timedelta(
        minutes=1
    )
    """Least time between two questions to a system whether it is back, for example `PT1M`."""
    contacts: Path | None = None
    """TOML file with the addresses of officers for alerts; only its owner may read it."""
    anchors: Path | None = None
    """Text file outside the database that gets the head of the audit chain each day."""
    webhook_url: SecretStr | None = None
    """Another system that gets every alert as a signed CloudEvent."""
    webhook_secret: SecretStr | None = None
    """What it knows our signature by."""
    event_sources: Path | None = None
    """TOML file with who may push answers, and their secrets; only its owner may read it."""
    event_window: Annotated[timedelta, Field(ge=timedelta(seconds=10), le=timedelta(hours=1))] = timedelta(
        minutes=5
    )
    """How old, or how far ahead, the timestamp of a pushed event may be, for example `PT5M`."""
    watch_every: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = timedelta(
        minutes=1
    )
    """How often the watchdog goes its round, as ISO 8601: `PT1M`."""
    web_ui: HttpUrl | None = None
    """Base of Temporal's Web UI, for the addresses that commands print; the local stack's unless given."""
    log_format: Literal["auto", "console", "json"] = "auto"
    """`auto`: colours on a terminal, JSON otherwise."""
    metrics_address: str | None = None
    """`host:port` on which a worker serves Prometheus metrics; off unless given."""

    @property
    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL; may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.ledger_file}"

    @property
    def ledger_file(self) -> Path:
        """Where a local stack keeps its ledger."""
        return self.local_dir / "ledger.db"

    @property
    def held_patches(self) -> frozenset[str]:
        """The ids of `hold_patches`."""
        return frozenset(word.strip() for word in self.hold_patches.split(",") if word.strip())

    @property
    def documents(self) -> Path:
        """The document store's folder."""
        return self.documents_dir or self.local_dir / "documents"

    @property
    def keystore_url(self) -> str:
        """The key store's SQLAlchemy URL; may hold a password. Raises Misconfigured."""
        if self.keystore is not None:
            return self.keystore.get_secret_value()
        if self.database_url is not None:
            raise Misconfigured(f"settings: {PREFIX}KEYSTORE must be set where {PREFIX}DATABASE_URL is")
        return f"sqlite:///{self.local_dir / 'keys.db'}"

    @property
    def demo_key_file(self) -> Path:
        """Where a local stack keeps the key that it made for itself."""
        return self.local_dir / "demo.key"

    @property
    def stack_file(self) -> Path:
        """Where a running local stack writes its addresses, for the commands of other terminals."""
        return self.local_dir / "stack.env"


def load_settings() -> Settings:
    """Read the settings; the environment wins over a running local stack. Raises Misconfigured."""
    try:
        base = Settings()
        return Settings(_env_file=base.stack_file)
    except ValidationError as error:
        names = ", ".join(
            f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        )
        raise Misconfigured(f"settings: {names}") from None


def temporal_environment(settings: Settings) -> dict[str, str]:
    """Return the environment that names Temporal: ours, or the local stack's if ours names none."""
    environment = dict(os.environ)
    if not {"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"} & environment.keys():
        stack = dotenv_values(settings.stack_file)
        environment |= {key: value for key, value in stack.items() if key.startswith("TEMPORAL_") and value}
    return environment

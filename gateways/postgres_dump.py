"""Dumps of PostgreSQL databases by PostgreSQL's own tools, and a scratch database in which one is opened."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from models.errors import EngineUnreachable, Misconfigured

_WITHIN_SECONDS: Final = 3600
_OPTIONS: Final = {"host": "PGHOST", "port": "PGPORT", "username": "PGUSER", "database": "PGDATABASE"}


def dump(url: str, target: Path) -> None:
    """Write a database as of one moment into a new file of SQL that only its owner may read.

    Needs `pg_dump` of the server's version or a newer one. Raises Misconfigured or EngineUnreachable, and
    OSError when the file cannot be made.
    """
    target.touch(mode=0o600, exist_ok=False)
    _run(["pg_dump", "--no-owner", "--no-privileges", "--file", str(target)], make_url(url))


@contextmanager
def scratch(url: str, dumped: Path) -> Iterator[str]:
    """Give the address of a database beside this one into which a dump was read; it is dropped afterwards.

    The role must be allowed to make databases. Raises Misconfigured or EngineUnreachable.
    """
    beside = make_url(url)
    name = f"{beside.database}_check_{token_hex(4)}"
    _administer(beside, f'CREATE DATABASE "{name}"')
    try:
        there = beside.set(database=name)
        _run(["psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file", str(dumped)], there)
        yield there.render_as_string(hide_password=False)
    finally:
        _administer(beside, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except SQLAlchemyError:
        raise Misconfigured(
            "the dump cannot be opened to see whether it is whole: the role of REAKTIVASI_DATABASE_URL and"
            " REAKTIVASI_KEYSTORE must be allowed to make databases (ALTER ROLE ... CREATEDB)"
        ) from None
    finally:
        engine.dispose()


def _run(command: list[str], url: URL) -> None:
    """Run a tool of PostgreSQL; the password stands in its environment, never on its command line."""
    told = {_OPTIONS[name]: str(value) for name in _OPTIONS if (value := getattr(url, name)) is not None}
    told |= {f"PG{name.upper()}": str(value) for name, value in url.query.items()}
    if url.query.get("host"):
        told["PGHOST"] = str(url.query["host"])
    if url.password is not None:
        told["PGPASSWORD"] = str(url.password)
    try:
        subprocess.run(  # noqa: S603 - PostgreSQL's own tools, found as a shell finds them
            command, env=os.environ | told, capture_output=True, timeout=_WITHIN_SECONDS, check=True
        )
    except FileNotFoundError:
        raise Misconfigured(f"{command[0]} is not installed: install PostgreSQL's client programs") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise EngineUnreachable(
            f"{command[0]} failed: is the database up, and {command[0]} of its version or newer?"
        ) from None

"""A command typed at `starter.py`, in this process: a second less than a process of its own."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from typer.testing import CliRunner

from starter import app
from tests.vaults import settings_of_a_vault


@dataclass(frozen=True)
class Typed:
    """What a command left behind."""

    code: int
    out: str
    err: str


def typed(folder: Path, *arguments: str, at: Path | None = None, **settings: str) -> Typed:
    """Run a command on the local folder, in the directory `at`, and return its exit code and its words.

    A command ends its process and sets up logging; both are left to the processes of `tests/e2e`.
    """

    def leave(code: int) -> NoReturn:
        raise SystemExit(code)

    environment = {
        "REAKTIVASI_LOCAL_DIR": str(folder),
        "COLUMNS": "200",
        "TERM": "xterm-256color",
        **settings_of_a_vault(),
        **settings,
    }
    here = Path.cwd()
    with (
        patch("cli.door.leave", leave),
        patch("cli.door.configure_logging"),
        patch.dict(os.environ, environment),
    ):
        os.chdir(at or here)
        try:
            ended = CliRunner().invoke(app, arguments, catch_exceptions=False)
        finally:
            os.chdir(here)
    return Typed(ended.exit_code, ended.stdout, ended.stderr)

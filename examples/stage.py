"""What a demo stands on: a fresh local stack, nothing of this shell's settings, and an orderly end."""

import argparse
import asyncio
import contextlib
import logging
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

from cli.screens import console
from models.errors import ReactivationError
from runtime.entry import exit_code_of
from runtime.logging import configure_logging
from runtime.processes import stop_stack
from runtime.settings import PREFIX
from runtime.stack import Stack, StackOptions

Say = Callable[[str], None]
Watching = asyncio.Task[None]
"""Starts again what dies of the stack; ends with an error only."""


def main(
    arguments: Sequence[str], prog: str, about: str | None, run: Callable[[bool], Coroutine[None, None, int]]
) -> int:
    """Read the command line, run the demo and return the exit code; `run` is told of `--keep`."""
    parser = argparse.ArgumentParser(prog=prog, description=about)
    parser.add_argument("--keep", action="store_true", help="leave the stack up until Ctrl-C")
    keep: bool = parser.parse_args(arguments).keep
    _forget_other_installations()
    configure_logging("console")
    logging.getLogger().setLevel(logging.WARNING)
    try:
        return asyncio.run(_until_signal(run(keep)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except ReactivationError as error:
        console(stderr=True).print(str(error), style="bold red", markup=False)
        return exit_code_of(error)


def fresh(folder: Path, options: StackOptions) -> Stack:
    """Return a stack in an empty folder; what an earlier run left there is stopped and removed."""
    stop_stack(folder)
    if folder.exists():
        shutil.rmtree(folder)
    return Stack(folder, options)


async def perform(stack: Stack, say: Say, play: Callable[[Watching], Awaitable[bool]], *, keep: bool) -> int:
    """Bring the stack up, play, and stop it; return 0 when everything was right, otherwise 1."""
    try:
        await stack.start(say)
        watching = asyncio.create_task(stack.watch(say))
        try:
            is_right = await play(watching)
            if keep:
                with contextlib.suppress(asyncio.CancelledError):
                    await watching
        finally:
            watching.cancel()
    finally:
        stack.stop(say if keep else _silent)
    return 0 if is_right else 1


async def _until_signal(run: Coroutine[None, None, int]) -> int:
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await run


def _forget_other_installations() -> None:
    """Drop settings of this shell, so that no example ever reaches a real ledger or cluster."""
    for name in [name for name in os.environ if name.startswith((PREFIX, "TEMPORAL_"))]:
        del os.environ[name]


def _silent(_line: str) -> None:
    return

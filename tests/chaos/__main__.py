"""Run seeds by hand: `python -m tests.chaos --seed 7 --cases 300`."""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

from temporalio.runtime import Runtime, TelemetryConfig

from tests.chaos.plan import CASES
from tests.chaos.run import run

LAST_SEED = 19


def say(line: object) -> None:
    """Print a line with the time."""
    print(time.strftime("%H:%M:%S"), line, flush=True)  # noqa: T201


def main() -> int:
    """Run the seeds that were asked for; 1 when one of them found something wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="may be given again; 0 to 19 unless given")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--results", type=Path, help="file to which a line of JSON is added for each seed")
    asked = parser.parse_args()
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))  # a server that is gone is no news
    failed = 0
    for seed in asked.seed or range(LAST_SEED + 1):
        ended = asyncio.run(run(seed, asked.cases, say))
        told = json.dumps(ended.told())
        say(told)
        say(f"kept: {ended.folder}" if ended.folder else "nothing is wrong")
        if asked.results is not None:
            with asked.results.open("a") as file:
                file.write(told + "\n")
        failed += bool(ended.findings)
    return int(failed > 0)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a process that used the Temporal client may abort at its end (sdk-python #300)

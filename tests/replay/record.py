"""Record what cases of the present version look like: `make record`.

Writes a history and a fingerprint of each path. Those of a version that was released stay as they are: its
cases may still be open.
"""

import asyncio
import shutil
import sys

from runtime.entry import leave
from tests.replay.fingerprints import Fingerprints, commands, is_whole
from tests.replay.paths import walk_all
from tests.replay.versions import HISTORIES, present_version, released_versions
from tests.workflows.conftest import dev_server

_FAILED = 1
_REFUSED = 4


async def main() -> int:
    """Walk every path on a dev server and write what came of it; refuse when the version was released."""
    version = present_version()
    if version in released_versions():
        sys.stderr.write(
            f"version {version} is released, and its cases may be open: raise `version` in pyproject.toml\n"
        )
        return _REFUSED
    async with dev_server() as environment:
        walked = await walk_all(environment)
    told = {name: commands(history) for name, history in walked.items()}
    if broken := [name for name, words in told.items() if not is_whole(words)]:
        sys.stderr.write(f"nothing was written: these paths did not end: {', '.join(broken)}\n")
        return _FAILED
    folder = HISTORIES / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, history in walked.items():
        (folder / f"{name}.json").write_text(history.to_json() + "\n")
    Fingerprints(version, told).write()
    sys.stdout.write(f"{len(walked)} paths of version {version} recorded\n")
    return 0


if __name__ == "__main__":
    leave(asyncio.run(main()))

"""Record what cases and messages of the present version look like: `make record`.

Writes a history and a fingerprint of each path, and samples of what travels. Only ever adds: what is recorded
of a version stays as it is, since its cases may be open.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from runtime.entry import leave
from tests.replay.fingerprints import Fingerprints, commands, is_whole, late_patches
from tests.replay.messages import Messages, misread
from tests.replay.paths import walk_all
from tests.replay.versions import HISTORIES, present_version, recorded_versions
from tests.replay.words import ASKS_LATE, IS_RECORDED
from tests.workflows.conftest import dev_server

_FAILED = 1
_REFUSED = 4


async def main() -> int:
    """Walk every path on a dev server and add what is new of it; refuse when what is there would change."""
    version = present_version()
    async with dev_server() as environment:
        walked = await walk_all(environment)
    told = {name: commands(history) for name, history in walked.items()}
    if broken := [name for name, words in told.items() if not is_whole(words)]:
        sys.stderr.write(f"nothing was written: these paths did not end: {', '.join(broken)}\n")
        return _FAILED
    if late := {patch for history in walked.values() for patch in late_patches(history)}:
        sys.stderr.write(f"nothing was written. {ASKS_LATE.format(what=', '.join(sorted(late)))}")
        return _REFUSED
    messages = Messages.present()
    if version in recorded_versions():
        known = Messages.read(version)
        if changed := [*_others(version, told), *misread(known)]:
            sys.stderr.write(IS_RECORDED.format(version=version, what="; ".join(changed)))
            return _REFUSED
        messages = known.joined(messages)
    folder = HISTORIES / version
    folder.mkdir(parents=True, exist_ok=True)
    new = [name for name in walked if not (folder / f"{name}.json").exists()]
    for name in new:
        (folder / f"{name}.json").write_text(walked[name].to_json() + "\n")
    Fingerprints(version, told).write()
    messages.write(version)
    sys.stdout.write(
        f"{len(new)} paths of version {version} recorded, {len(messages.looks)} kinds of messages\n"
    )
    return 0


def _others(version: str, told: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the paths whose commands are others than those that are recorded."""
    known = Fingerprints.read()
    if known.version != version:
        return [f"the fingerprints, which are of version {known.version}"]
    return [name for name, words in known.paths.items() if told.get(name) != words]


if __name__ == "__main__":
    leave(asyncio.run(main()))

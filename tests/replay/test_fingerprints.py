"""A case that begins today gives the commands that its version is known by, unless the change is guarded."""

from difflib import unified_diff

from tests.replay.conftest import Advise
from tests.replay.fingerprints import Fingerprints, commands
from tests.replay.paths import NAMES, walk_all
from tests.replay.versions import recorded_versions, released_versions
from tests.replay.words import HAS_CHANGED, NEVER_INSTALLED
from tests.workflows.conftest import dev_server

_SHOWN_IN_FULL = 2


async def test_every_path_has_the_commands_of_its_fingerprint(advise: Advise) -> None:
    """One more, one less or another order, and open cases get stuck. What was patched since is left out."""
    known = Fingerprints.read()
    async with dev_server() as environment:
        walked = await walk_all(environment, known.patches)
    now = {name: commands(history) for name, history in walked.items()}
    changed = [name for name in NAMES if now[name] != known.paths.get(name)]
    if not changed:
        return
    told = []
    for name in changed[:_SHOWN_IN_FULL]:
        lines = [*unified_diff(known.paths.get(name, ()), now[name], lineterm="", n=2)][2:]
        told.append("\n".join(f"    {line}" for line in [name, *lines]))
    if more := changed[_SHOWN_IN_FULL:]:
        told.append(f"    likewise: {', '.join(more)}")
    said = HAS_CHANGED.format(version=known.version, what="\n\n".join(told))
    if known.version not in released_versions():
        said += NEVER_INSTALLED.format(version=known.version)
    advise(said)


def test_fingerprints_are_of_the_newest_version() -> None:
    """Histories without their fingerprint, or the other way round, were not made by `make record`."""
    assert Fingerprints.read().version == recorded_versions()[-1]

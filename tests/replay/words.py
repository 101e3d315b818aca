"""What a person is told to do who has changed the commands of a workflow."""

_WAY_OUT = """
Either take the change back, or guard it, so that a case that has passed the place keeps to the old way:

    if workflow.patched("what-has-changed"):
        ...the new way...
    else:
        ...the old way...

and run `make test` again: guarded, it passes. Step by step: docs/changing-a-workflow.md
"""

GETS_STUCK = (
    """\
Cases that version {version} began would get stuck on this code, on these paths:

{what}

A workflow must give its commands in the order in which the history of a case has them.
"""
    + _WAY_OUT
)

HAS_CHANGED = (
    """\
A new case gives other commands than one of version {version} (- then, + now):

{what}

Cases of that version that are open would get stuck on this code.
"""
    + _WAY_OUT
)

IS_MISREAD = """\
Messages that version {version} wrote stand in histories of open cases, and this code reads them otherwise:

{what}

Such a case would stand still, or go on with something else than it was told. Either take the change back, or
let the model read the older shape too: a new field has a default; a validator with mode="before" puts what
was renamed or moved where it is now (say so in MOVED, tests/replay/messages.py); what was taken still is.
More: docs/changing-a-workflow.md
"""

IS_UNRECORDED = """\
What travels through Temporal looks otherwise than when version {version} was recorded. Run `make record`,
which adds what is new, and commit it: the next change is held against it.
"""

ASKS_LATE = """\
These patches are asked for after a local activity ended in the same workflow task: {what}

When the worker is slow, Temporal cuts such a task in two, and the case would stand still at its next replay.
Ask where something from outside woke the case up (an activity, a timer, an update), or where it begins.
Why: docs/changing-a-workflow.md
"""

HAVE_NO_HISTORIES = """\
Versions that were recorded or released, and have no histories: {what}

Cases of them may be open, and nobody could tell any more whether they replay. Bring the histories back, or
run `make record` before a release. Only when Temporal keeps no case of them they go, together with the old
way, and the versions are named in RETIRED (tests/replay/versions.py): docs/changing-a-workflow.md, step 4
"""

ARE_NOT_RETIRED = """\
Versions in RETIRED (tests/replay/versions.py) that still have histories, or were never recorded: {what}
"""

IS_RECORDED = """\
version {version} is recorded, its cases may be open, and these are others now: {what}
raise `version` in pyproject.toml and run `make record` again. If that version was never installed anywhere:
    rm -r tests/replay/histories/{version} tests/replay/messages/{version}.json
"""

NEVER_INSTALLED = """
If version {version} was never installed anywhere, there is nobody to guard:
    rm -r tests/replay/histories/{version} tests/replay/messages/{version}.json
then `make record`; look at what changed in tests/replay/fingerprints.toml, and commit it with the histories.
"""

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

NOT_RELEASED = """
Version {version} is not released. When no case of it is open anywhere that matters, there is nobody to guard:
run `make record`, look at what changed in tests/replay/fingerprints.toml, and commit it with the histories.
"""

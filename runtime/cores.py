"""A worker process stays on one core: Python's threads run one at a time, and on two cores fight for it."""

import os

ANY = -1
"""In place of a core: whichever the system likes."""


def stay_on_one(core: int | None) -> int | None:
    """Keep this process to the core in that place among those it may use; return which one it is.

    Without a place the process id chooses. None when it goes on using all: it shall, there is but one, or the
    system cannot do it. To be called before there are threads, which inherit it. Measured in the README.
    """
    if core == ANY or not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        return None
    chosen = allowed[(os.getpid() if core is None else core) % len(allowed)]
    os.sched_setaffinity(0, {chosen})
    return chosen

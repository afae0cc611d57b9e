"""Whether processes of this machine can share a lock. Pure."""

from __future__ import annotations

from functools import cache


@cache
def has_semaphores() -> bool:
    """Not where /dev/shm is missing or for root alone, as in a chroot without mounts: such a lock is a file there.

    What works with several processes, workers and imports, then works with one.
    """
    import multiprocessing  # here, so that the supervisor, which never asks, does without

    try:
        # The same call of the system as for any other way to start processes, but with no helper process to watch it.
        multiprocessing.get_context("fork").Lock()
    except (OSError, ImportError):  # ImportError: a platform that has none at all
        return False
    return True

"""Whether processes of this machine can share a lock. Pure."""

from __future__ import annotations

import multiprocessing
from functools import cache


@cache
def has_semaphores() -> bool:
    """Not where /dev/shm is missing or for root alone, as in a chroot without mounts: such a lock is a file there.

    What works with several processes, workers and imports, then works with one.
    """
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError):  # ImportError: a platform that has none at all
        return False
    return True

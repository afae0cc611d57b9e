"""The time that one outbound request may take in all."""

from __future__ import annotations

import time
from collections.abc import Callable

from papers.outbound.errors import DeadlineError

_HEARTBEAT_SECONDS = 5.0


class Deadline:
    """The end of one request, and a heartbeat every five seconds until then, by which its slot is renewed."""

    def __init__(self, seconds: float, heartbeat: Callable[[], None]) -> None:
        self._seconds = seconds
        self._heartbeat = heartbeat
        self._ends_at = time.monotonic() + seconds
        self._next_heartbeat_at = time.monotonic() + _HEARTBEAT_SECONDS

    def remaining(self) -> float:
        """Seconds that are left, more than 0; calls the heartbeat where it is due.

        Raises:
            DeadlineError: none are left.
        """
        now = time.monotonic()
        if now >= self._ends_at:
            raise DeadlineError(f"The answer did not end within {self._seconds:.0f} seconds.")
        if now >= self._next_heartbeat_at:
            self._heartbeat()
            self._next_heartbeat_at = time.monotonic() + _HEARTBEAT_SECONDS
        return self._ends_at - now

    def next_timeout(self, seconds: float) -> float:
        """How many of these seconds to wait at once, so that neither the deadline nor a heartbeat is missed."""
        return max(min(seconds, self.remaining(), self._next_heartbeat_at - time.monotonic()), 0.001)

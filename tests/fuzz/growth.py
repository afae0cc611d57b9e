"""Whether the time that something takes grows as its input does, or faster; by this process's own time."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LONGEST = 32_768
SHORTEST = 64
TELLING_SECONDS = 0.02
"""What takes less has not grown enough to tell."""
MOST_SECONDS = 1.0
MOST_TIMES = 3.0
"""Twice the length takes twice the time; four times where it grows with the square."""


class TooLongError(BaseException):
    """It is not waited for any longer; nothing takes it for one of its own errors."""


def seconds(work: Callable[[], Any], *, at_most: float) -> float:
    """How long it works; it is stopped after `at_most`, or what C code takes to look at signals again."""

    def stop(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, at_most)
    start = time.process_time()
    try:
        with suppress(TooLongError):
            work()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.process_time() - start


def grows_too_fast(run: Callable[[int], Any], *, longest: int = LONGEST) -> tuple[int, float] | None:
    """The length and seconds at which it is seen that `run(length)` takes more than in proportion; else None."""
    length = SHORTEST
    last = 0.0
    while length <= longest:
        taken = seconds(lambda: run(length), at_most=MOST_SECONDS)  # noqa: B023
        if taken >= 0.9 * MOST_SECONDS and length < longest // 8:
            return length, taken
        if taken > TELLING_SECONDS and last > TELLING_SECONDS / 8 and taken > MOST_TIMES * last:
            half = min(seconds(lambda: run(length // 2), at_most=MOST_SECONDS) for _ in range(3))  # noqa: B023
            whole = min(seconds(lambda: run(length), at_most=MOST_SECONDS) for _ in range(3))  # noqa: B023
            if whole > max(MOST_TIMES * half, TELLING_SECONDS):
                return length, whole
        last = taken
        length *= 2
    return None

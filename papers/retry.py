"""How long to wait before something that failed is tried again: one table of pauses a purpose. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The pauses after the first, second, … failure in a row.

    Attributes:
        pauses: at least one.
        gives_up: whether nothing is tried after the last pause; else the last pause repeats for ever.
        jitter: by how much a pause may be multiplied, at least and at most, so that what failed together does not come
            back together.
    """

    pauses: tuple[timedelta, ...]
    gives_up: bool = True
    jitter: tuple[float, float] = (1.0, 1.0)

    @property
    def max_attempts(self) -> int | None:
        """How many attempts there are in all, the first included; None where there is no end."""
        return len(self.pauses) + 1 if self.gives_up else None

    def pause_after(
        self, failures: int, *, retry_after: timedelta | None = None, spread: float = 0.5
    ) -> timedelta | None:
        """How long to wait after so many failures in a row, the present one included; None: do not try again.

        Args:
            failures: 1 or more; what is less counts as 1.
            retry_after: what the other side asked for, if it did: never less is waited.
            spread: where between the ends of `jitter` the pause lies, 0 to 1; callers draw it at random.
        """
        failures = max(failures, 1)
        if self.gives_up and failures > len(self.pauses):
            return None
        least, most = self.jitter
        pause = self.pauses[min(failures, len(self.pauses)) - 1] * (least + (most - least) * spread)
        return max(pause, retry_after) if retry_after is not None else pause


def minutes(*numbers: float) -> tuple[timedelta, ...]:
    """Pauses of these numbers of minutes."""
    return tuple(timedelta(minutes=number) for number in numbers)

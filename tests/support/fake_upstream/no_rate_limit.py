"""A rate limit without waiting, for tests that are not about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from papers.outbound.client import Client


@dataclass(slots=True)
class UnlimitedSlot:
    """Records what it is called with."""

    group: str
    renewals: int = 0
    answers: list[tuple[int, float | None]] = field(default_factory=list)

    def renew(self) -> None:
        self.renewals += 1

    def record_response(self, status: int, retry_after_seconds: float | None) -> float | None:
        self.answers.append((status, retry_after_seconds))
        return None


class NoRateLimit:
    """Gives every slot at once."""

    def __init__(self) -> None:
        self.turns: list[UnlimitedSlot] = []

    @contextmanager
    def acquire(self, group: str, *, wait_seconds: float) -> Iterator[UnlimitedSlot]:
        turn = UnlimitedSlot(group)
        self.turns.append(turn)
        yield turn


def unlimited_client(*allow: str) -> Client:
    """A client that asks at once. `allow` are hosts such as `upstream.host`."""
    return Client(
        user_agent="Broadsheet/test (+http://127.0.0.1; mailto:a@example.org)", rate_limiter=NoRateLimit(), allow=allow
    )

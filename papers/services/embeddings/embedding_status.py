"""How far the papers are embedded, in numbers that cost the same at a million papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from papers.models import EmbeddingModel
from papers.services.embeddings import backlog
from papers.services.embeddings.shipped import unavailable_reason
from papers.services.operations.heartbeat import is_alive, last_heartbeat

HEARTBEAT = "embedder"
COUNT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class EmbeddingStatus:
    """How far the papers are embedded. Numbers are of papers."""

    is_on: bool
    """The settings want search by meaning, and a model can run."""
    disabled_reason: str
    """One sentence where it is not on."""
    serving: str
    """The model that search uses; empty when there is none."""
    target: str
    """The model that papers are embedded with; another one only while models are changed."""
    embedded: int
    """Vectors of the target model, a cached count."""
    waiting: int
    has_more_waiting: bool
    """At least `waiting`: beyond 10,000 they are not counted."""
    is_alive: bool
    """The process that embeds wrote its heartbeat in the last minutes."""
    last_error: str
    """What the target model said when it last failed; empty when all is well."""
    last_embedded_at: datetime | None

    @property
    def is_changing(self) -> bool:
        return bool(self.serving and self.target and self.serving != self.target)

    @property
    def total(self) -> int:
        """Papers that are embedded or wait for it, as far as they are counted."""
        return self.embedded + self.waiting

    @property
    def is_complete(self) -> bool:
        return self.waiting == 0

    @property
    def is_healthy(self) -> bool:
        """Off is well, too."""
        return not self.is_on or (not self.last_error and (self.is_alive or self.waiting == 0))


def read_embedding_status(*, now: datetime) -> EmbeddingStatus:
    """How far the papers are embedded at `now`. Three queries, none of which counts more than 10,000 rows."""
    models = list(EmbeddingModel.objects.all())
    target = next((row for row in models if row.is_target), None)
    counted = backlog.count_waiting(limit=COUNT_LIMIT + 1)
    disabled_reason = embedding_disabled_reason()
    return EmbeddingStatus(
        is_on=not disabled_reason,
        disabled_reason=disabled_reason,
        serving=next((row.name for row in models if row.serves), ""),
        target=target.name if target else "",
        embedded=target.vector_count if target else 0,
        waiting=min(counted, COUNT_LIMIT),
        has_more_waiting=counted > COUNT_LIMIT,
        is_alive=is_alive(last_heartbeat(HEARTBEAT), now=now),
        last_error=target.last_error if target else "",
        last_embedded_at=target.last_embedded_at if target else None,
    )


def embedding_disabled_reason() -> str:
    """Why search goes by words alone, in one sentence; empty when it need not."""
    if not settings.EMBEDDINGS:
        return "Search by meaning is turned off (BROADSHEET_EMBEDDINGS)."
    return "" if settings.EMBEDDINGS_URL else unavailable_reason()

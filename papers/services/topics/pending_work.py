"""All that topics wait for: new and changed papers, new and changed topics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from papers.models import Topic
from papers.services.topics.backfill import backfill_pending
from papers.services.topics.matcher import has_backlog, match_all_waiting

# A topic that changes has those asked again that name it, and they others in turn. What is left comes with the next
# run; topics that name each other in a circle so never keep a worker for good.
_CHAIN = 5


@dataclass(frozen=True, slots=True)
class CatchUpResult:
    """How many topics were backfilled, and papers matched, with how many new matches."""

    topics: int = 0
    papers: int = 0
    matches: int = 0


def has_pending_work() -> bool:
    """Whether a paper or a topic waits. Two queries."""
    return has_backlog() or Topic.objects.pending().exists()


def catch_up(*, now: datetime) -> CatchUpResult:
    """Backfill topics and match papers until nothing waits or another worker does it. Idempotent."""
    topics = 0
    for _ in range(_CHAIN):
        if not (done := backfill_pending(now=now)):
            break
        topics += done
    rounds = list(match_all_waiting(now=now))
    return CatchUpResult(
        topics=topics,
        papers=sum(each.papers for each in rounds),
        matches=sum(each.added for each in rounds),
    )

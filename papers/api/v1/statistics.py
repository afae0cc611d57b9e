"""How the site stands: its last days, and whether its sources answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field

from papers.api.v1.base import Record, new_router, public
from papers.api.v1.editions import EditionRecord, edition_record
from papers.services.operations.status import site_status

router = new_router("Statistics")


class SourceRecord(Record):
    """A source of papers."""

    name: str
    kind: str = Field(description="Such as `arxiv_rss`.")
    state: str = Field(description="`off`, `waiting`, `running`, `ok`, `stale`, `failing` or `late`.")


class SiteStatistics(Record):
    """The last fourteen days and the sources."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "verdict": "fine",
                    "workers_alive": True,
                    "workers_seen_at": "2026-03-04T12:00:00Z",
                    "days": [],
                    "sources": [{"name": "arXiv, announcements", "kind": "arxiv_rss", "state": "ok"}],
                }
            ]
        }
    }

    verdict: str = Field(description="`fine`, or what is wrong in a word, as /status says it.")
    workers_alive: bool
    workers_seen_at: datetime | None = Field(description="UTC.")
    days: list[EditionRecord]
    sources: list[SourceRecord]


@router.get("/statistics", response=SiteStatistics, summary="How the site stands", **public())
def get_statistics(request: HttpRequest) -> dict[str, Any]:
    """Whether each of the last days is complete, whether the sources answer, whether the workers are alive."""
    now = timezone.now()
    status = site_status(today=timezone.localdate(now), now=now)
    return {
        "verdict": status.verdict.value,
        "workers_alive": status.workers.alive,
        "workers_seen_at": status.workers.last_seen_at,
        "days": [edition_record(day) for day in status.days],
        "sources": [
            SourceRecord(name=one.source.name, kind=one.source.kind, state=one.state.value) for one in status.sources
        ],
    }

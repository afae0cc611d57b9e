"""Asking the fake upstream as a source does, without waiting and without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from papers.sources.base import FetchBatch, FetchContext, RawPaper
from tests.support.fake_upstream import UpstreamDriver, unlimited_client

FRIDAY_MORNING = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""10:00 at arXiv's home, on the fake upstream's own day."""


def fetch_context(
    upstream: UpstreamDriver, path: str, *, now: datetime = FRIDAY_MORNING, **fields: Any
) -> FetchContext:
    """What a source is given for a visit to the fake upstream."""
    fields = {"categories": ("cs.CL", "cs.LG", "stat.ML"), **fields}
    return FetchContext(send=unlimited_client(upstream.host).fetch, base_url=upstream.url + path, now=now, **fields)


def papers_of(batches: list[FetchBatch]) -> list[RawPaper]:
    return [paper for batch in batches for paper in batch.papers]


def last_cursor(batches: list[FetchBatch]) -> dict[str, Any]:
    """Where the source would go on after these batches."""
    return next((batch.cursor for batch in reversed(batches) if batch.cursor is not None), {})

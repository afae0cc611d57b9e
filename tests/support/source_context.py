"""Asking the fake upstream as a source does, without waiting and without a database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from papers.outbound.request import FetchRequest, FetchResponse
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


def scripted_context(
    answer: Callable[[FetchRequest], bytes], base_url: str, *, now: datetime = FRIDAY_MORNING, **fields: Any
) -> tuple[FetchContext, list[FetchRequest]]:
    """What a source is given whose requests are answered by a function, and the requests that it makes."""
    log: list[FetchRequest] = []

    def send(request: FetchRequest) -> FetchResponse:
        log.append(request)
        return FetchResponse(request.url, 200, {}, answer(request), "", "", None, 0, 0, 0.0)

    return FetchContext(send=send, base_url=base_url, now=now, **fields), log

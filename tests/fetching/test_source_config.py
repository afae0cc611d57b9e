"""Asking for fetches: which source goes first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from papers.enqueue import TaskName
from papers.models import Source
from papers.services.fetching.source_config import request_fetches
from tests.support.fetch_runs import create_source

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def test_the_announcements_are_fetched_before_what_else_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    sent: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr("papers.enqueue.current_app.send_task", lambda task, args: sent.append((task, args)))
    feed, hugging, records, announcements = (
        create_source(kind) for kind in ("feed", "huggingface", "arxiv_oai", "arxiv_rss")
    )
    off = create_source("arxiv_rss", is_enabled=False)
    asked = [feed.pk, hugging.pk, records.pk, announcements.pk, off.pk]
    with django_capture_on_commit_callbacks(execute=True):
        assert request_fetches(asked, now=NOW) == 4
    order = [announcements.pk, feed.pk, hugging.pk, records.pk]
    assert sent == [(TaskName.FETCH_SOURCE, (pk,)) for pk in order]
    assert set(Source.objects.filter(next_fetch_at=NOW).values_list("pk", flat=True)) == set(order)

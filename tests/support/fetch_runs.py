"""Visits to the fake upstream as the workers make them: through Postgres, the politeness clock and the guard."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from papers.models import (
    AnnouncedList,
    Announcement,
    Edition,
    FetchRun,
    Identifier,
    Listing,
    Paper,
    PaperCategory,
    PaperExternalCounts,
    PaperVersion,
    RejectedRecord,
    Source,
)
from papers.outbound import host_rate_limit
from papers.services.fetching.fetch_runner import fetch_source
from papers.sources.registry import adapter_of
from tests.support.fake_upstream import UpstreamDriver
from tests.support.source_context import FRIDAY_MORNING

SOURCE_PATHS = {
    "arxiv_rss": "/atom",
    "arxiv_oai": "/oai",
    "arxiv_api": "/api/query",
    "huggingface": "",
    "feed": "/feeds/blog.rss",
}
CATEGORIES = ["cs.CL", "cs.LG", "stat.ML"]


def disable_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the product without the seconds between requests, which have tests of their own."""
    for group in ("arxiv", "huggingface", "crossref", "biorxiv", "openalex"):
        known = host_rate_limit.HOST_GROUPS[group]
        policy = replace(known.policy, spacing=0.0, jitter=0.0)
        monkeypatch.setitem(host_rate_limit.HOST_GROUPS, group, replace(known, policy=policy))
    monkeypatch.setattr(host_rate_limit, "FEED_POLICY", replace(host_rate_limit.FEED_POLICY, spacing=0.0))
    monkeypatch.setattr(host_rate_limit, "PAGE_POLICY", replace(host_rate_limit.PAGE_POLICY, spacing=0.0))


def ask_upstream(settings: Any, upstream: UpstreamDriver) -> None:
    """Let everything that fetches ask the fake upstream, and nobody else."""
    settings.FETCH_ALLOW = (upstream.host,)
    settings.ARXIV_RSS_URL = f"{upstream.url}/atom"
    settings.ARXIV_OAI_URL = f"{upstream.url}/oai"
    settings.ARXIV_API_URL = f"{upstream.url}/api/query"
    settings.HUGGINGFACE_URL = upstream.url
    settings.DOI_URL = f"{upstream.url}/doi"


def create_source(kind: str, upstream: UpstreamDriver | None = None, **fields: Any) -> Source:
    """A source that asks the fake upstream; announcements and daily lists list everything."""
    lists = Source.Lists.NOTHING if kind == "arxiv_oai" else Source.Lists.ALL
    fields = {
        "name": adapter_of(kind).default_name,
        "base_url": upstream.url + SOURCE_PATHS[kind] if upstream else "",
        "categories": CATEGORIES if kind.startswith("arxiv") else [],
        "lists": lists,
        "interval_seconds": adapter_of(kind).default_interval.total_seconds(),
        **fields,
    }
    return Source.objects.create(kind=kind, **fields)


def run_fetch(source: Source, *, now: datetime = FRIDAY_MORNING, **options: Any) -> FetchRun:
    """Visit a source and bring it up to date here, too; the visit as it ended."""
    run = fetch_source(source.pk, now=now, **options)
    assert run is not None, "another visit is going on"
    source.refresh_from_db()
    return run


def listed_ids(day: date) -> list[str]:
    """The addresses of all papers on a day's edition, each as often as it is listed."""
    return sorted(Listing.objects.on_day(day).values_list("paper__public_id", flat=True))


def stored_ids() -> set[str]:
    return set(Identifier.objects.filter(scheme="arxiv").values_list("value", flat=True))


def stored_rows() -> dict[str, list[tuple[Any, ...]]]:
    """All that visits store, without the numbers of rows and the times at which they were written."""
    paper = "public_id title abstract authors categories version published_at announced_on doi comment license"
    paper += " record_rank withdrawn_at links"
    return {
        "papers": _rows(Paper, *paper.split()),
        "identifiers": _rows(Identifier, "scheme", "value", "paper__public_id"),
        "categories": _rows(PaperCategory, "category", "paper__public_id"),
        "versions": _rows(PaperVersion, "paper__public_id", "version", "released_at", "title", "abstract", "comment"),
        "figures": _rows(PaperExternalCounts, "paper__public_id", "source", "votes", "comments"),
        "listings": _rows(Listing, "day", "paper__public_id", "kind", "position", "source__kind", "source_votes"),
        "announcements": _rows(Announcement, "day", "arxiv_id", "kind"),
        "lists": _rows(AnnouncedList, "day", "query", "id_count", "is_whole"),
        "editions": _rows(Edition, "day", "listed_count", "announced_count", "stored_count", "missing", "check_note"),
        "rejected": _rows(RejectedRecord, "identifier", "source_kind", "error"),
    }


def delete_all() -> None:
    """Start over with empty tables."""
    for model in (Listing, Paper, Announcement, AnnouncedList, Edition, RejectedRecord, Source):
        model.objects.all().delete()


def diff_rows(found: dict[str, list[tuple[Any, ...]]], expected: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """The rows that only one side has, by table; empty where both are the same."""
    both = {name: (set(map(repr, found[name])), set(map(repr, expected[name]))) for name in expected}
    return {name: (sorted(one - two), sorted(two - one)) for name, (one, two) in both.items() if one != two}


def _rows(model: Any, *fields: str) -> list[tuple[Any, ...]]:
    return sorted(model.objects.values_list(*fields), key=repr)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)

"""The sources of an installation: the first ones, the choices of the first-run page, and asking for a fetch now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from papers.catalogue.categories import expand_patterns
from papers.enqueue import TaskName, enqueue
from papers.locks import AdvisoryLock, lock_transaction
from papers.models import Source
from papers.sources import arxiv_oai, arxiv_rss, huggingface
from papers.sources.base import SourceAdapter
from papers.sources.registry import adapter_of, fetch_priority

_FIRST_ADAPTERS: Sequence[SourceAdapter] = (arxiv_rss.adapter, arxiv_oai.adapter, huggingface.adapter)


def default_base_url(kind: str) -> str:
    """Where sources of a kind are asked when they name no address of their own; empty where they must."""
    adapter = adapter_of(kind)
    return getattr(settings, adapter.base_url_setting) if adapter.base_url_setting else adapter.default_base_url


def base_url_of(source: Source) -> str:
    """Where a source is asked."""
    return source.base_url.strip() or default_base_url(source.kind)


def preferred_base_url(kind: str) -> str:
    """Where the group's own source of a kind is asked, which may be a mirror; else the service itself. One query."""
    source = Source.objects.filter(kind=kind).order_by("-is_enabled", "pk").first()
    return base_url_of(source) if source else default_base_url(kind)


def ensure_default_sources(
    *, now: datetime, categories: Iterable[str] | None = None, with_huggingface: bool = False
) -> bool:
    """Make the first sources where there are none, due at `now`; whether they were made. Idempotent.

    arXiv's announcements list all that is new or cross-listed in `categories` (None: BROADSHEET_ARXIV_CATEGORIES), its
    records list nothing; Hugging Face is ready, but off.
    """
    with transaction.atomic():
        lock_transaction(AdvisoryLock.SOURCE_SETUP)
        if Source.objects.exists():
            return False
        configure_sources(
            categories=tuple(settings.ARXIV_CATEGORIES if categories is None else categories),
            with_huggingface=with_huggingface,
            now=now,
        )
    return True


def configure_sources(*, categories: Sequence[str], with_huggingface: bool, now: datetime) -> None:
    """Bring the first sources in line with the group's choices, and ask for a fetch of them now. Idempotent.

    Without categories arXiv's are turned off. Sources that somebody added stay as they are.
    """
    codes = list(expand_patterns(categories))
    with transaction.atomic():
        lock_transaction(AdvisoryLock.SOURCE_SETUP)
        arxiv: dict[str, Any] = {"categories": codes, "is_enabled": bool(codes)}
        chosen = (arxiv, arxiv, {"is_enabled": with_huggingface})
        for adapter, fields in zip(_FIRST_ADAPTERS, chosen, strict=True):
            _bring_in_line(adapter, fields)
        first = Source.objects.filter(kind__in=[adapter.kind for adapter in _FIRST_ADAPTERS], is_enabled=True)
        request_fetches(first.values_list("pk", flat=True), now=now)


def save_source(source: Source, *, changed_fields: Iterable[str], now: datetime) -> None:
    """Store what somebody set by hand, and ask for a fetch if the source is on.

    Another address or question makes what is known of the last answers worthless.
    """
    if not source.name.strip():
        source.name = adapter_of(source.kind).default_name
    if {"kind", "base_url", "query"} & set(changed_fields):
        source.cursor, source.etag, source.last_modified = {}, "", ""
        source.error_count, source.last_error = 0, ""
    with transaction.atomic():
        source.save()
        if source.is_enabled:
            request_fetches([source.pk], now=now)


def request_fetches(source_ids: Iterable[int], *, now: datetime) -> int:
    """Ask for a fetch of sources as soon as a worker is free, announcements first; return how many of them are on.

    Their rows say so; the message to the worker only saves the wait for the scheduler's next run.
    """
    due = Source.objects.filter(pk__in=list(source_ids), is_enabled=True).values_list("pk", "kind")
    ids = [pk for pk, kind in sorted(due, key=lambda row: (-fetch_priority(row[1]), row[0]))]
    Source.objects.filter(pk__in=ids).update(next_fetch_at=now)
    for source_id in ids:
        enqueue(TaskName.FETCH_SOURCE, source_id)
    return len(ids)


def _bring_in_line(adapter: SourceAdapter, chosen: dict[str, Any]) -> None:
    """Set what was chosen on the oldest source of a kind; where there is none, it is made."""
    source = Source.objects.filter(kind=adapter.kind).order_by("pk").first()
    if source is None:
        Source.objects.create(
            kind=adapter.kind,
            name=adapter.default_name,
            interval_seconds=int(adapter.default_interval.total_seconds()),
            lists=adapter.default_lists,
            **chosen,
        )
    else:
        Source.objects.filter(pk=source.pk).update(**chosen)

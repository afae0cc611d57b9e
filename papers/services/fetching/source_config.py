"""The sources of an installation: the first ones, the choices of the first-run page, and having one visited now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from papers.catalogue.categories import expand_pattern
from papers.enqueue import TaskName, enqueue
from papers.locks import AdvisoryLock, lock_transaction
from papers.models import Source

Kind = Source.Kind

# One lock for all that make or change the first sources: two starts at once make them once.
_HOUR = 60 * 60
_NAMES = {
    Kind.ARXIV_RSS: "arXiv announcements",
    Kind.ARXIV_OAI: "arXiv records",
    Kind.ARXIV_API: "arXiv search",
    Kind.HUGGINGFACE: "Hugging Face daily papers",
    Kind.FEED: "Feed",
}
_INTERVALS = {Kind.ARXIV_OAI: 24 * _HOUR, Kind.ARXIV_API: 24 * _HOUR}


def default_base_url(kind: str) -> str:
    """Where sources of a kind are asked when they name no address of their own; a feed has none."""
    return {
        Kind.ARXIV_RSS: settings.ARXIV_RSS_URL,
        Kind.ARXIV_OAI: settings.ARXIV_OAI_URL,
        Kind.ARXIV_API: settings.ARXIV_API_URL,
        Kind.HUGGINGFACE: settings.HUGGINGFACE_URL,
    }.get(Kind(kind), "")


def base_url_of(source: Source) -> str:
    """Where a source is asked."""
    return source.base_url.strip() or default_base_url(source.kind)


def preferred_base_url(kind: str) -> str:
    """Where the group's own source of a kind is asked, which may be a mirror, else the service itself. One query."""
    source = Source.objects.filter(kind=kind).order_by("-is_enabled", "pk").first()
    return base_url_of(source) if source else default_base_url(kind)


def default_name(kind: str) -> str:
    return _NAMES[Kind(kind)]


def default_interval(kind: str) -> int:
    """Seconds between two visits."""
    return _INTERVALS.get(Kind(kind), _HOUR)


def ensure_default_sources(
    *, now: datetime, categories: Iterable[str] | None = None, huggingface: bool = False
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
            huggingface=huggingface,
            now=now,
        )
    return True


def configure_sources(*, categories: Sequence[str], huggingface: bool, now: datetime) -> None:
    """Bring the first sources in line with the group's choices and have them visited now. Idempotent.

    Without categories arXiv's are turned off. Sources that somebody added stay as they are.
    """
    codes = list(dict.fromkeys(code for pattern in categories for code in expand_pattern(pattern)))
    with transaction.atomic():
        lock_transaction(AdvisoryLock.SOURCE_SETUP)
        arxiv: dict[str, Any] = {"categories": codes, "is_enabled": bool(codes)}
        _bring_in_line(Kind.ARXIV_RSS, arxiv, {"lists": Source.Lists.ALL})
        _bring_in_line(Kind.ARXIV_OAI, arxiv, {"lists": Source.Lists.NOTHING})
        _bring_in_line(Kind.HUGGINGFACE, {"is_enabled": huggingface}, {"lists": Source.Lists.ALL})
        first = Source.objects.filter(kind__in=[Kind.ARXIV_RSS, Kind.ARXIV_OAI, Kind.HUGGINGFACE], is_enabled=True)
        request_fetches(first.values_list("pk", flat=True), now=now)


def save_source(source: Source, *, changed: Iterable[str], now: datetime) -> None:
    """Store what somebody set by hand (`changed` names the fields), and have the source visited if it is on.

    Another address or question makes what is known of the last answers worthless.
    """
    if not source.name.strip():
        source.name = default_name(source.kind)
    if {"kind", "base_url", "query"} & set(changed):
        source.cursor, source.etag, source.last_modified = {}, "", ""
        source.error_count, source.last_error = 0, ""
    with transaction.atomic():
        source.save()
        if source.is_enabled:
            request_fetches([source.pk], now=now)


def request_fetches(source_ids: Iterable[int], *, now: datetime) -> int:
    """Have sources visited as soon as a worker is free; the number of those that are on. The announcements go first.

    The row says it; the message only saves the wait for the next tick.
    """
    due = Source.objects.filter(pk__in=list(source_ids), is_enabled=True)
    ids = list(due.order_by("-kind", "pk").values_list("pk", flat=True))
    Source.objects.filter(pk__in=ids).update(next_fetch_at=now)
    for source_id in ids:
        enqueue(TaskName.FETCH_SOURCE, source_id)
    return len(ids)


def _bring_in_line(kind: Source.Kind, chosen: dict[str, Any], first: dict[str, Any]) -> None:
    """Set what was chosen on the oldest source of a kind, made with `first` as well where there is none."""
    source = Source.objects.filter(kind=kind).order_by("pk").first()
    if source is None:
        Source.objects.create(
            kind=kind, name=default_name(kind), interval_seconds=default_interval(kind), **chosen, **first
        )
    else:
        Source.objects.filter(pk=source.pk).update(**chosen)

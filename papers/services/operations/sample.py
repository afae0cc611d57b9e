"""The sample catalogue: what the pages show before the first real edition is there, and how it goes.

Its papers are real, its summaries are Broadsheet's own words. They are stored as a source's are, with the lowest rank,
so that any source that sends one of them makes it a real paper under the same address.

When the sample goes, a paper that a reader voted for, commented on, tagged, saved or submitted stays, without its
place on an edition: a reader's trace never vanishes by itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from papers.hooks import lists_changed
from papers.models import Comment, Edition, Installation, Listing, Paper
from papers.services.editions.listing import SAMPLE_KIND, ListingRule
from papers.services.ingest.paper_relations import moved_relations
from papers.services.ingest.paper_store import StoreResult, store_papers
from papers.sources.base import RawAuthor, RawListing, RawPaper, RawVersion

logger = logging.getLogger(__name__)

# Rows that lead to an account and keep no paper of the sample: by table, and why.
NO_TRACE = {
    "papers_curationevent": "the log keeps its line without the paper",
    "papers_libraryimportrow": "it says what was found, and stays without the paper",
    "papers_paperedit": "curators try out editing on the sample",
    "papers_plannedlisting": "curators try out planning on the sample",
    "papers_seenpaper": "looking at a paper is no wish to keep it",
    "papers_shownrecommendation": "it is written by a worker",
    "papers_topicmatch": "it is written by a worker",
    "papers_topicpick": "curators try out topics on the sample",
}

SAMPLE_FILE = Path(__file__).parents[2] / "data" / "sample.json"


@dataclass(frozen=True, slots=True)
class RemovedSample:
    """How many of the sample's papers were removed."""

    removed: int = 0
    kept: int = 0
    """Those that a reader had marked in some way."""


def read_sample_papers() -> list[RawPaper]:
    """The records of the catalogue, newest day first, each day in its own order. No queries."""
    days = json.loads(SAMPLE_FILE.read_text(encoding="utf-8"))["days"]
    return [record for day in days for record in _records(date.fromisoformat(day["day"]), day["papers"])]


def _records(day: date, papers: list[dict[str, Any]]) -> Iterator[RawPaper]:
    for position, paper in enumerate(papers):
        number = paper.get("version")
        yield RawPaper(
            source="sample",
            title=paper["title"],
            arxiv_id=paper["arxiv_id"],
            abstract=paper["summary"],
            authors=tuple(RawAuthor(name) for name in paper["authors"]),
            categories=tuple(paper["categories"]),
            announced_on=day,
            comment=paper.get("comment"),
            is_withdrawn=paper.get("withdrawn"),
            versions=(RawVersion(number),) if number else (),
            code_url=paper.get("code"),
            project_url=paper.get("project"),
            listed_on=RawListing(day=day, kind=SAMPLE_KIND, position=position),
        )


def ensure_sample() -> int:
    """Store the sample in a database that has no paper, unless it was removed once; the number of papers stored.

    Idempotent. One query where there is nothing to do.
    """
    if Paper.objects.exists() or Installation.objects.filter(sample_removed_at__isnull=False).exists():
        return 0
    return add_sample().new


def add_sample() -> StoreResult:
    """Store the sample and show it, also where it was removed before. Idempotent."""
    with transaction.atomic():
        _lock()
        records = read_sample_papers()
        stored = store_papers(records, now=timezone.now(), kind="sample", rule=ListingRule())
        days = {record.listed_on.day for record in records if record.listed_on}
        real = Listing.objects.filter(day__in=days).exclude(kind=SAMPLE_KIND).values("day")
        Edition.objects.filter(day__in=days).exclude(day__in=real).update(is_sample=True)
        Installation.objects.update(sample_removed_at=None)
        lists_changed.notify()
    return stored


def has_sample() -> bool:
    """Whether the pages still show the sample. Two queries, each of one row."""
    if Installation.objects.filter(sample_removed_at__isnull=False).exists():
        return False
    return Paper.objects.filter(is_sample=True).exists()


def has_real_edition() -> bool:
    """Whether any day lists what a source, a reader or a curator put there."""
    return Edition.objects.with_papers().filter(is_sample=False).exists()


def remove_superseded_sample() -> RemovedSample | None:
    """Remove the sample once there is an edition of the group's own; None where there is nothing to do."""
    if has_sample() and has_real_edition():
        return remove_sample()
    return None


def remove_sample() -> RemovedSample:
    """Take the sample from every page, for good. Idempotent."""
    with transaction.atomic():
        installation = _lock()
        # Whoever votes or comments now waits, and then finds the paper kept or gone.
        list(Paper.objects.filter(is_sample=True).order_by("pk").select_for_update().values_list("pk"))
        _unlist()
        kept = list(_marked().values_list("pk", flat=True))
        gone = Paper.objects.filter(is_sample=True).exclude(pk__in=kept)
        removed = gone.count()
        gone.delete()
        if installation.sample_removed_at is None:
            installation.sample_removed_at = timezone.now()
            installation.save(update_fields=["sample_removed_at"])
        lists_changed.notify()
    logger.info("Removed the sample: %d papers gone, %d kept", removed, len(kept))
    return RemovedSample(removed=removed, kept=len(kept))


def _lock() -> Installation:
    """One at a time adds or removes the sample."""
    Installation.objects.get_or_create(pk=1)
    return Installation.objects.select_for_update().get(pk=1)


def _unlist() -> None:
    """Empty the sample's days. One on which a source lists papers as well stays, with those."""
    days = set(Listing.objects.filter(kind=SAMPLE_KIND).values_list("day", flat=True))
    Listing.objects.filter(kind=SAMPLE_KIND).delete()
    left = dict(Listing.objects.visible().filter(day__in=days).values_list("day").annotate(Count("pk")))
    Edition.objects.filter(is_sample=True).exclude(day__in=left).delete()
    for day in days:
        Edition.objects.filter(day=day).update(listed_count=left.get(day, 0), is_sample=False)


def _marked() -> QuerySet[Paper]:
    """Papers of the sample on which somebody left a trace."""
    marked = Q()
    for relation in moved_relations():
        if relation.belongs_to_account and relation.table not in NO_TRACE:
            rows: QuerySet[Any] = relation.model._base_manager.filter(**{relation.field: OuterRef("pk")})
            marked |= Q(Exists(rows.filter(deleted_at=None) if relation.model is Comment else rows))
    return Paper.objects.filter(marked, is_sample=True)

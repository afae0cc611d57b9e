"""Which addresses a search engine may know: papers by ranges of their keys, so that every part costs the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max
from django.urls import reverse

from papers.dates import start_of_day
from papers.models import Edition, Paper, Topic

PAPERS_A_PART = 20_000
"""Keys a part, hidden papers and gaps included; the protocol takes 50,000 addresses."""
_MOST_PAGES = 20_000


def part_count() -> int:
    """How many parts the papers have. One query, at the end of an index."""
    newest = Paper.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return -(-newest // PAPERS_A_PART)


def papers_of_part(number: int) -> Iterator[tuple[str, datetime]]:
    """Path of each paper of a part, from 1, and when it changed. One query along the primary key."""
    first = (number - 1) * PAPERS_A_PART
    found = Paper.objects.visible().filter(pk__gt=first, pk__lte=first + PAPERS_A_PART, is_sample=False)
    rows = found.order_by("pk").values_list("public_id", "changed_at")
    return ((reverse("papers:paper", args=[public_id]), changed) for public_id, changed in rows.iterator())


def pages() -> Iterator[tuple[str, datetime | None]]:
    """Path of each list: the sections, the days with papers, the topics for all."""
    for name in ("today", "trending", "new", "newest-week", "newest-month", "topics"):
        yield reverse(f"papers:{name}"), None
    days = Edition.objects.with_papers().filter(is_sample=False).order_by("-day").values_list("day", flat=True)
    for day in days[:_MOST_PAGES]:
        yield reverse("papers:day", args=[day]), start_of_day(day)
    for topic in Topic.objects.curated().order_by("pk")[:_MOST_PAGES]:
        yield topic.get_absolute_url(), None

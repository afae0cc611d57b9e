"""The plan of each page's main query, as Postgres carries it out: `make bench-pages ARGS="--explain"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from papers.dates import month_start, next_month, week_start
from papers.models import ChangedPaper, Edition, Listing, Paper, PaperCategory
from papers.services.changes.numbering import newest_position
from papers.services.lists.span_trending import listed_by_trending
from papers.services.lists.trending import trending_floor

CARDS = 51
"""A page and one more, by which it knows whether there is more."""
# What changes from run to run and says nothing about the shape.
_NOISE = re.compile(r" \(cost=[^)]*\)|actual time=[\d.]+ |\s*Planning:.*|Planning Time.*", re.DOTALL)


def queries() -> Mapping[str, QuerySet[Any]]:
    """By page, on the newest editions."""
    day = Edition.objects.newest().values_list("day", flat=True)[0]
    counted = PaperCategory.objects.values_list("category").annotate(count=Count("paper_id")).order_by("count")
    rare, common = counted[0][0], counted[len(counted) - 1][0]
    public_id = Paper.objects.newest().values_list("public_id", flat=True)[0]
    listings, papers = Listing.objects, Paper.objects.visible()
    found: dict[str, QuerySet[Any]] = {
        "day": listings.best_of_day(day).values_list("paper_id"),
        "day, newest first": listings.newest_of_day(day).values_list("paper_id"),
        "week": listings.best_of_week(week_start(day)).values_list("paper_id"),
        "month": listings.best_of_month(month_start(day)).values_list("paper_id"),
        "trending": papers.trending(min_score=trending_floor(now=timezone.now())).values_list("pk"),
        "new": papers.newest().values_list("pk"),
        "new in a common category": PaperCategory.objects.newest(common).values_list("paper_id"),
        "new in a rare category": PaperCategory.objects.newest(rare).values_list("paper_id"),
        "paper": papers.filter(public_id=public_id).values_list("pk"),
        "changes": ChangedPaper.objects.filter(position__gt=newest_position() - 200)
        .order_by("position")
        .values_list("pk"),
        "a month by trending, once in five minutes": listed_by_trending(month_start(day), next_month(month_start(day))),
    }
    return {page: query[:CARDS] for page, query in found.items()}


def explained() -> str:
    """Every plan, carried out once; times are left out, they are in the table."""
    parts = []
    for page, query in queries().items():
        sql, params = query.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON, BUFFERS) {sql}", params)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        time = re.search(r"Execution Time: (\S+) ms", plan)
        parts.append(f"{page}: {time[1] if time else '?'} ms\n{_NOISE.sub('', plan)}")
    return "\n\n".join(parts)

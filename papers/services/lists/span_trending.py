"""The papers of a week or a month by trending score, kept for some minutes: no index has this order.

A month of all of arXiv is 20,000 papers, whose scores are read one by one: a quarter of a second. A page of it is cut
out of what is kept, and costs what any page does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.core.cache import cache
from django.db.models import F, QuerySet

from papers.models import Listing, Paper

KEPT_SECONDS = 5 * 60
MOST_KEPT = 50_000


def kept_by_trending(first: date, end: date) -> Sequence[int]:
    """What `listed_by_trending` returned some minutes ago: a paper that was hidden since is still there.

    One query, or none.
    """
    name = f"span-trending:{first}:{end}"
    kept: list[int] | None = cache.get(name)
    if kept is None:
        kept = list(listed_by_trending(first, end)[:MOST_KEPT])
        cache.set(name, kept, KEPT_SECONDS)
    return kept


def listed_by_trending(first: date, end: date) -> QuerySet[Paper, int]:
    """The keys of the papers listed on a day from `first` to before `end`, those without a score last. Sorts them."""
    listed = Listing.objects.filter(hidden_at=None, day__gte=first, day__lt=end)
    papers = Paper.objects.visible().filter(pk__in=listed.values("paper"))  # hidden ones are looked at once, outside
    return papers.order_by(F("trending_score").desc(nulls_last=True), "-pk").values_list("pk", flat=True)

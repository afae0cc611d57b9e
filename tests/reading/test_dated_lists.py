"""The first rows of a list by its date, whose statement is written out once for all dates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from papers.models import Listing
from papers.models.listing import DayCursor, SpanCursor, StoredCursor
from papers.services.lists.rows import DatedList, read_list_rows
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = pytest.mark.django_db
DAYS = [TODAY - timedelta(days=number) for number in range(0, 70, 7)]
LISTS = {
    "best_of_day": DayCursor,
    "newest_of_day": StoredCursor,
    "best_of_week": SpanCursor,
    "best_of_month": SpanCursor,
}


@pytest.mark.parametrize("name", LISTS)
def test_each_date_gets_its_own_rows(name: str) -> None:
    for number, day in enumerate(DAYS):
        for place in range(number % 4):
            listing = factories.listing(
                factories.paper(vote_count=place % 2), day, position=place, pinned_at=NOW if place == 2 else None
            )
            Listing.objects.filter(pk=listing.pk).update(vote_count=place % 2)
    columns: tuple[str, ...] = LISTS[name]._fields  # type: ignore[attr-defined]  # named tuples
    find = getattr(Listing.objects, name)
    first_days = dict.fromkeys(day for row in Listing.objects.all() for day in (row.day, row.week, row.month))
    found = 0
    for _ in range(2):
        for day in (*DAYS, *first_days):
            rows = DatedList(find, day).read_first_rows(columns, per_page=2)
            assert rows == read_list_rows(find(day, after=None), columns, per_page=2)
            found += len(rows)
    assert found > 10


def test_a_list_that_does_not_ask_for_its_date_is_refused() -> None:
    with pytest.raises(ValueError, match="does not ask for it"):
        DatedList(lambda _day, after: Listing.objects.all(), TODAY).read_first_rows(("pk",))

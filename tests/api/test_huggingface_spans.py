"""A month by trending, for the Hugging Face client: sorted once in some minutes, and never with what is hidden."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers.models import Paper
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.people import anonymous_client

DAILY = "/api/daily_papers"
DAY = f"{DAILY}?date={TODAY}"

pytestmark = pytest.mark.django_db


def ids(path: str) -> list[str]:
    return [entry["paper"]["id"] for entry in anonymous_client().get(path).json()]


def test_a_month_by_trending_is_sorted_once_in_some_minutes() -> None:
    for score in (2.0, 9.0, None, 5.0):
        factories.listing(factories.paper(trending_score=score))
    month = f"{DAILY}?month={TODAY:%Y-%m}&sort=trending"
    scores = list(Paper.objects.order_by(F("trending_score").desc(nulls_last=True)).values_list("public_id", flat=True))
    assert ids(month) == scores
    assert ids(f"{month}&limit=2&p=1") == scores[2:]
    hidden = Paper.objects.get(trending_score=9.0)
    Paper.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    with CaptureQueriesContext(connection) as queries:
        assert ids(f"{month}&limit=3") == scores[1:3]
    assert not any("NULLS LAST" in query["sql"] for query in queries)
    assert ids(f"{DAY}&sort=trending") == scores[1:]  # a day is as it is now

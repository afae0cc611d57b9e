"""Lists cost as many queries at 40 papers as at 10, for visitors and for readers, with and without a cache."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import PaperVersion, Topic
from papers.process_memory import forget_everything
from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import anonymous_client, client_of, reader
from tests.support.query_counts import count_queries

pytestmark = pytest.mark.django_db

FEW, MANY = 10, 40
# path → queries with all cards in the cache: for a visitor (one of them the topics), and for a reader (session, account
# and marks more).
LISTS = {
    f"/papers/date/{TODAY}": (3, 6),
    f"/papers/date/{TODAY}?sort=newest": (3, 6),
    "/papers/week/2026-W10": (3, 6),
    "/papers/month/2026-03": (3, 6),
    "/papers/trending": (2, 5),
    "/papers/new": (2, 5),
    "/papers/new?category=cs.CL": (2, 5),
    # One more: how many papers the topic has of each week of a year.
    "/topics/counted": (4, 7),
    "/topics/counted?sort=votes": (4, 7),
    "/": (6, 9),  # which is the newest edition, and why it is not today's
}


def fill(number: int) -> None:
    voter = factories.user()
    factories.source()
    topic = Topic.objects.filter(slug="counted").first() or factories.topic("counted")
    others = [factories.topic(query="a") for _ in range(2)]
    for place in range(number):
        paper = factories.paper(authors=["A", "B"], links={"abs": {"url": "https://arxiv.org/abs/1", "found": "arxiv"}})
        factories.external_counts(paper, votes=place)
        factories.listing(paper, position=place, by="submission", user=voter, pinned_at=NOW if place < 3 else None)
        factories.listing(paper, TODAY - timedelta(days=1), position=place)
        set_vote(user=voter, paper_id=paper.pk, on=True)

        factories.topic_match(paper, topic, vote_count=1)
        for other in others:
            factories.topic_match(paper, other)


def forget() -> None:
    cache.clear()
    forget_everything()


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_for_few_and_for_many(path: str) -> None:
    visitor, member = anonymous_client(), client_of(reader())
    factories.topic("counted")
    member.get(path)  # notes that a visit began
    cold: list[tuple[int, int]] = []
    for number in (FEW, MANY - FEW):
        fill(number)
        forget()
        before = count_queries(path, visitor)
        forget()
        cold.append((before, count_queries(path, member)))
        assert (count_queries(path, visitor), count_queries(path, member)) == LISTS[path]
    assert cold[0] == cold[1]


def test_the_number_of_papers_is_never_counted() -> None:
    fill(FEW)
    for path in LISTS:
        with CaptureQueriesContext(connection) as captured:
            anonymous_client().get(path)
        said = " ".join(query["sql"] for query in captured).upper()
        assert "COUNT(" not in said
        assert "OFFSET" not in said


def paper_page(versions: int, days: int) -> str:
    paper = factories.paper(authors=[f"A{number}" for number in range(versions)])
    for number in range(versions):
        PaperVersion.objects.create(paper=paper, version=number + 1, seen_at=NOW)
    for number in range(days):
        factories.listing(paper, TODAY - timedelta(days=number))
    return paper.get_absolute_url()


def test_a_paper_s_page_costs_the_same_however_much_is_known() -> None:
    visitor, member = anonymous_client(), client_of(reader())
    few, many = paper_page(1, 1), paper_page(12, 12)
    count_queries(few, visitor)  # reads the group's choices, which are kept
    assert count_queries(few, visitor) == count_queries(many, visitor) == 5
    assert count_queries(few, member) == count_queries(many, member) == 9

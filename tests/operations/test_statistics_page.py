"""The desk of figures and a topic's year: what they show is what happened, and costs the same however much that is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from digests.models import Delivery, MailDay
from digests.services.delivery_statistics import RECOUNT_SPAN, count_days, mail_charts, mail_queues
from papers.models import CommentReport, Paper, Submission, Topic, TopicMatch, TopicWeek
from papers.ranking.charts import BarChart, QueueChart
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.operations.queue_ages import MAX_COUNTED, paper_queues
from papers.services.operations.statistics_page import read_statistics, topic_year_chart
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import page_text, parse_html
from tests.support.people import client_of, curator, staff

pytestmark = pytest.mark.django_db


def by_label(bars: BarChart) -> dict[str, tuple[int | None, ...]]:
    return {row.label: row.values for row in bars.rows if row.total}


def queue(name: str) -> QueueChart:
    return next(one for one in paper_queues(now=NOW) if one.name == name)


# --- Days and sources -----------------------------------------------------------------------------------------------


def test_a_day_shows_what_is_stored_and_what_is_missing() -> None:
    factories.edition(TODAY, listed_count=240, announced_count=243, stored_count=241, missing=["2603.1", "2603.2"])
    factories.edition(TODAY - timedelta(days=1), listed_count=50, check_note="No list was read.")
    factories.edition(TODAY - timedelta(days=40), listed_count=9)
    factories.edition(TODAY - timedelta(days=2), listed_count=9, is_sample=True)
    shown = read_statistics(now=NOW)
    assert by_label(shown.announced) == {"Tue 3 Mar": (0, 0, 50), "Wed 4 Mar": (241, 2, 0)}
    assert len(shown.announced.rows) == 30
    assert shown.announced.rows[-2].note == "No list was read."
    assert shown.editions.total == 240 + 50 + 9
    assert [cell.day for cell in shown.editions.cells if cell.is_marked] == [TODAY]


def test_a_source_shows_what_its_visits_of_a_day_brought() -> None:
    source, other = factories.source(name="arXiv"), factories.source(name="Blog")
    for hour in (1, 2):
        factories.fetch_run(
            source,
            state="done",
            started_at=factories.at_hour(TODAY, hour),
            new=10,
            updated=2,
            failed=1,
            announced=20 + hour,
        )
    factories.fetch_run(source, state="failed", started_at=factories.at_hour(TODAY, 3), error="away")
    factories.fetch_run(source, state="done", started_at=NOW - timedelta(days=31), new=99)
    first, second = read_statistics(now=NOW).sources
    assert (first.source, second.source) == (source, other)
    assert by_label(first.bars) == {"Wed 4 Mar": (20, 4, 2)}
    assert first.bars.rows[-1].note == "22 announced, 1 fetch failed"
    assert second.bars.is_empty


def test_other_sources_are_compared_with_their_own_lists() -> None:
    arxiv, hugging, blog, records = (
        factories.source(kind) for kind in ("arxiv_rss", "huggingface", "feed", "arxiv_oai")
    )
    factories.source_day(hugging, record_count=60, stored=57)
    factories.source_day(hugging, TODAY - timedelta(days=30), record_count=9, stored=9)
    factories.source_day(blog, TODAY - timedelta(days=1), record_count=12, stored=12)
    shown = read_statistics(now=NOW)
    assert [one.source for one in shown.lists] == [hugging, blog]
    assert [by_label(one.bars) for one in shown.lists] == [{"Wed 4 Mar": (57, 3)}, {"Tue 3 Mar": (12, 0)}]
    assert shown.without_lists == [records]
    assert arxiv in [one.source for one in shown.sources]
    page = page_text("/curate/figures", client_of(curator()))
    assert "arxiv_oai has no daily list: it sends new and changed papers" in page


# --- Queues ---------------------------------------------------------------------------------------------------------


def waiting_since(ago: timedelta, number: int = 1) -> None:
    rows = [factories.submission(state="waiting") for _ in range(number)]
    Submission.objects.filter(pk__in=[row.pk for row in rows]).update(created_at=NOW - ago)


def test_a_queue_says_how_long_it_has_waited() -> None:
    for ago in (timedelta(minutes=5), timedelta(hours=3), timedelta(days=3), timedelta(days=9)):
        waiting_since(ago)
    factories.submission(state="accepted")
    found = queue("Submissions for a curator")
    assert (found.ages, found.oldest, found.is_cut) == ((1, 1, 1, 1), timedelta(days=9), False)
    assert queue("Reported comments").oldest is None


def test_settled_reports_do_not_wait() -> None:
    comment = factories.comment(factories.paper())
    CommentReport.objects.create(comment=comment, user=factories.user(), resolved_at=NOW)
    CommentReport.objects.create(comment=comment, user=factories.user())
    assert queue("Reported comments").waiting == 1


def test_a_long_queue_is_not_counted_to_its_end() -> None:
    user = factories.user()
    Submission.objects.bulk_create(
        Submission(user=user, reference=str(number), state="waiting") for number in range(MAX_COUNTED + 5)
    )
    found = queue("Submissions for a curator")
    assert found.is_cut
    assert found.waiting == MAX_COUNTED + 1


# --- Mail -----------------------------------------------------------------------------------------------------------


def test_mails_are_counted_by_day_and_by_how_they_ended() -> None:
    for number, state in enumerate(["sent", "sent", "skipped", "failed", "unknown", "superseded", "planned"]):
        factories.delivery(
            factories.schedule(factories.subscriber(email=f"{number}@example.org"), kinds=["daily"]), state=state
        )
    then = NOW - timedelta(days=20)
    factories.delivery(factories.schedule(kinds=["daily"]), state="sent", period_on=then.date(), planned_at=then)
    count_days(now=NOW)
    assert list(MailDay.objects.values_list("day", "sent", "skipped", "failed", "ended", "waiting")) == [
        (TODAY, 2, 1, 2, 1, 1)
    ]
    count_days(now=NOW, span=RECOUNT_SPAN)
    count_days(now=NOW, span=RECOUNT_SPAN)
    assert MailDay.objects.count() == 2
    (bars,) = mail_charts(TODAY)
    assert by_label(bars) == {"Thu 12 Feb": (1, 0, 0, 0, 0), "Wed 4 Mar": (2, 1, 1, 2, 1)}
    Delivery.objects.all().delete()
    count_days(now=NOW)
    assert [row.day for row in MailDay.objects.all()] == [TODAY - timedelta(days=20)]


def test_mail_that_may_leave_waits() -> None:
    factories.delivery(factories.schedule(kinds=["daily"]), not_before=NOW - timedelta(hours=2))
    factories.delivery(factories.schedule(kinds=["daily"]), not_before=NOW + timedelta(hours=2))
    (found,) = mail_queues(NOW)
    assert found.ages == (0, 1, 0, 0)


# --- A topic's year -------------------------------------------------------------------------------------------------


def weeks(topic: Topic) -> dict[date, int]:
    return {row.week: row.papers for row in TopicWeek.objects.filter(topic=topic) if row.papers}


def counted(topic: Topic) -> dict[date, int]:
    found: dict[date, int] = {}
    for at in TopicMatch.objects.filter(topic=topic).values_list("listed_at", flat=True):
        monday = at.date() - timedelta(days=at.weekday())
        found[monday] = found.get(monday, 0) + 1
    return found


def test_weeks_are_counted_with_every_change_of_the_matches() -> None:
    topic, other = factories.topic("trees"), factories.topic("ice")
    papers = [factories.paper(listed_at=NOW - timedelta(days=3 * number)) for number in range(8)]
    TopicMatch.objects.bulk_create(
        TopicMatch(topic=one, paper=paper, release=1, listed_at=paper.listed_at)
        for paper in papers
        for one in (topic, other)
    )
    assert weeks(topic) == counted(topic) != {}
    TopicMatch.objects.filter(topic=topic, paper=papers[0]).delete()
    TopicMatch.objects.filter(topic=topic, paper=papers[1]).update(listed_at=NOW - timedelta(days=100), vote_count=3)
    TopicMatch.objects.filter(topic=topic).update(vote_count=7)
    move_related_rows({papers[2].pk: papers[3].pk})
    Paper.objects.filter(pk=papers[4].pk).delete()
    assert weeks(topic) == counted(topic)
    assert weeks(other) == counted(other)
    topic.delete()
    assert not TopicWeek.objects.filter(topic=topic.pk).exists()
    assert weeks(other) == counted(other) != {}


def test_a_week_ends_on_sunday_midnight_utc() -> None:
    topic = factories.topic("trees")
    for at in (datetime(2026, 3, 1, 23, 59, tzinfo=NOW.tzinfo), datetime(2026, 3, 2, tzinfo=NOW.tzinfo)):
        factories.topic_match(factories.paper(listed_at=at), topic)
    assert weeks(topic) == {date(2026, 2, 23): 1, date(2026, 3, 2): 1}


def test_a_topic_s_page_draws_its_year(client: Client) -> None:
    topic = factories.topic("trees")
    factories.topic_match(factories.paper(listed_at=NOW - timedelta(days=7)), topic)
    factories.topic_match(factories.paper(listed_at=NOW - timedelta(days=600)), topic)
    year = topic_year_chart(topic, today=TODAY)
    assert len(year.rows) == 53
    assert by_label(year) == {"23 Feb 2026": (1,)}
    page = parse_html(client.get("/topics/trees").content.decode())
    assert page.xpath("//section[@class='pictured']//table")


# --- The page -------------------------------------------------------------------------------------------------------


def fill() -> None:
    for number in range(5):
        factories.edition(TODAY - timedelta(days=number), listed_count=number + 1)
        factories.delivery(factories.schedule(kinds=["daily"]))
        waiting_since(timedelta(days=number))
        factories.topic(pending_since=NOW)
        factories.fetch_run(factories.source(), state="done", new=3)
        factories.source_day(factories.source("feed"))
    count_days(now=NOW)


def test_every_picture_has_its_table() -> None:
    fill()
    page = parse_html(client_of(curator()).get(f"/curate/figures?until={TODAY}").content.decode())
    pictures = page.xpath("//div[@class='chart' or @class='chart small']//*[local-name()='svg']")
    tables = page.xpath("//div[@class='chart' or @class='chart small']//table")
    assert len(pictures) == len(tables) == 2 + 1 + 5 + 5
    assert all(picture.get("aria-label") for picture in page.xpath("//main//*[local-name()='svg']"))


def test_the_page_costs_the_same_however_much_there_is() -> None:
    client, costs = client_of(staff()), []
    client.get("/curate/figures")  # the group's settings are cached
    for _ in range(2):
        fill()
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/curate/figures").status_code == 200
        costs.append(len(captured))
    assert costs[0] == costs[1] < 25


@pytest.mark.parametrize("until", ["2026-02-02", "9999-01-01", "nonsense", ""])
def test_one_may_look_back(until: str) -> None:
    answer = client_of(curator()).get(f"/curate/figures?until={until}")
    assert answer.status_code == 200
    assert ("Waiting time" in answer.content.decode()) == (until != "2026-02-02")

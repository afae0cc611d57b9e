"""What a source's own list of a day held, and what of it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from papers.models import SourceDay
from tests.support.fake_upstream import TODAY, Behaviour, FakeUpstream, fake_upstream, make_catalogue, weekdays
from tests.support.fetch_runs import create_source, disable_rate_limits, run_fetch
from tests.support.source_context import FRIDAY_MORNING

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)


@pytest.fixture
def upstream(settings: Any) -> Iterator[FakeUpstream]:
    with fake_upstream(make_catalogue(weekdays(TODAY, 2), 12)) as running:
        settings.FETCH_ALLOW = (running.host,)
        yield running


def test_each_day_s_list_is_told(upstream: FakeUpstream) -> None:
    run_fetch(create_source("huggingface", upstream))
    featured = [paper for paper in upstream.catalogue.papers.values() if paper.is_featured]
    lists = {row.day: (row.record_count, row.stored) for row in SourceDay.objects.all()}
    for day in upstream.catalogue.days:
        count = sum(paper.announced_on == day for paper in featured)
        assert lists[day] == (count, count)


def test_what_of_a_list_could_not_be_stored_is_told_and_told_anew(upstream: FakeUpstream) -> None:
    source, paper = (
        create_source("huggingface", upstream),
        next(paper for paper in upstream.catalogue.papers.values() if paper.is_featured),
    )
    upstream.script("/api/daily_papers", Behaviour(spoil_ids=(paper.arxiv_id,), times=100))
    run_fetch(source)
    told = SourceDay.objects.get(source=source, day=paper.announced_on)
    assert told.record_count - told.stored == 1
    upstream.clear_script()
    run_fetch(source, since=paper.announced_on)
    again = SourceDay.objects.get(pk=told.pk)
    assert (again.record_count, again.stored) == (told.record_count, told.record_count)


def test_a_feed_is_told_on_the_day_it_was_read_unless_it_had_not_changed(upstream: FakeUpstream) -> None:
    source = create_source("feed", upstream)
    run_fetch(source)
    assert [(day.day, day.record_count, day.stored) for day in SourceDay.objects.all()] == [
        (FRIDAY_MORNING.date(), 3, 3)
    ]
    run_fetch(source, now=FRIDAY_MORNING + timedelta(days=1))
    assert SourceDay.objects.count() == 1


def test_a_list_that_was_not_read_to_its_end_is_not_told(upstream: FakeUpstream) -> None:
    upstream.script("/api/daily_papers", Behaviour(status=500))
    run_fetch(create_source("huggingface", upstream))
    assert not SourceDay.objects.exists()

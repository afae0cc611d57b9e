"""A clock that was ahead and is set back holds nothing up for as long as it was ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.beat import SteadyScheduler, app
from config.redis_cache import ForgivingRedisCache
from papers import hooks
from papers.models import AttemptCount, Heartbeat, HostSlot, Source
from papers.services.accounts.attempts import take_attempt
from papers.services.operations.clock_steps import CLOCK, WAITS, mend_clock_step
from papers.services.operations.heartbeat import is_alive, record_heartbeat
from papers.services.operations.scheduler import collect_due_work
from tests.support import factories

DAY = timedelta(days=1)


def set_back(step: timedelta) -> None:
    """As the tables are found when the clock was ahead by so much until now."""
    Heartbeat.objects.update_or_create(name=CLOCK, defaults={"at": timezone.now() + step})


@pytest.mark.django_db
class TestRows:
    @pytest.mark.parametrize("step", [timedelta(hours=1), DAY])
    def test_what_was_to_be_done_is_done_as_soon_as_it_would_have_been(self, step: timedelta) -> None:
        ahead = timezone.now() + step
        late = factories.source(next_fetch_at=ahead + timedelta(minutes=30))
        HostSlot.objects.create(group="arxiv", not_before=ahead + timedelta(seconds=3))
        mail = factories.delivery(factories.schedule(), due_at=ahead)
        mail.not_before = ahead - timedelta(minutes=10)
        mail.save()
        set_back(step)
        assert abs(mend_clock_step() - step) < timedelta(seconds=10)
        late.refresh_from_db()
        mail.refresh_from_db()
        now = timezone.now()
        assert late.next_fetch_at
        assert timedelta(minutes=29) < late.next_fetch_at - now < timedelta(minutes=31)
        assert HostSlot.objects.get().not_before < now + timedelta(seconds=5)
        assert mail.not_before <= now
        assert mail.due_at == ahead, "when a mail is due is a matter of the calendar"

    def test_what_is_past_and_what_is_empty_stays(self) -> None:
        past = timezone.now() - timedelta(hours=3)
        was_due, never = factories.source(next_fetch_at=past), factories.source(name="b", next_fetch_at=None)
        set_back(DAY)
        mend_clock_step()
        assert Source.objects.get(pk=was_due.pk).next_fetch_at == past
        assert Source.objects.get(pk=never.pk).next_fetch_at is None

    def test_nobody_is_locked_out_for_as_long(self) -> None:
        take_attempt(name="sign-in-account", key="ada@example.org", most=50, seconds=3600)
        AttemptCount.objects.update(ends_at=timezone.now() + DAY + timedelta(hours=1))
        set_back(DAY)
        mend_clock_step()
        assert AttemptCount.objects.get().ends_at < timezone.now() + timedelta(hours=1, minutes=1)

    def test_without_a_step_nothing_is_touched_and_it_costs_two_statements(self) -> None:
        source = factories.source(next_fetch_at=timezone.now() + timedelta(hours=1))
        mend_clock_step()
        set_back(timedelta(seconds=5))  # clocks are kept right by steps like that
        with CaptureQueriesContext(connection) as queries:
            assert mend_clock_step() == timedelta()
        assert len(queries) == 4, "and the savepoint around them"
        assert Source.objects.get().next_fetch_at == source.next_fetch_at

    def test_it_is_mended_once(self) -> None:
        set_back(DAY)
        assert mend_clock_step()
        source = factories.source(next_fetch_at=timezone.now() + timedelta(hours=30))
        assert not mend_clock_step()
        assert Source.objects.get().next_fetch_at == source.next_fetch_at

    def test_the_scheduler_mends_before_it_looks(self) -> None:
        source = factories.source(next_fetch_at=timezone.now() + DAY)
        set_back(DAY + timedelta(minutes=1))
        assert collect_due_work(now=timezone.now()).source_ids == (source.pk,)

    def test_a_claim_in_the_cache_does_not_last_a_day(self) -> None:
        source = factories.source(next_fetch_at=timezone.now())
        now = timezone.now()
        assert collect_due_work(now=now).source_ids == (source.pk,)
        assert collect_due_work(now=now).source_ids == (), "it was enqueued a moment ago"
        set_back(DAY)
        assert collect_due_work(now=now).source_ids == (source.pk,)


def test_every_column_is_there() -> None:
    known = {
        (model._meta.db_table, field.column) for model in apps.get_models() for field in model._meta.concrete_fields
    }
    assert {*WAITS, *hooks.waiting_columns} <= known
    assert ("digests_delivery", "not_before") in hooks.waiting_columns


@pytest.mark.django_db
def test_a_heartbeat_from_the_future_is_no_sign_of_life() -> None:
    now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    assert not is_alive(now + DAY, now=now)
    assert is_alive(now + timedelta(seconds=30), now=now), "another machine's clock"
    record_heartbeat(now=timezone.now() + DAY)
    set_back(DAY)
    mend_clock_step()
    assert Heartbeat.objects.filter(at__gt=timezone.now() + timedelta(seconds=1)).count() == 0


def test_emptying_the_cache_leaves_the_queue_alone() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    cache = ForgivingRedisCache(settings.REDIS_URL, {"KEY_PREFIX": "broadsheet"})
    client.set("broadsheet-queue:of-this-test", b"x", ex=60)
    cache.set("of-this-test", 1, 60)
    cache.clear()
    assert cache.get("of-this-test") is None
    assert client.get("broadsheet-queue:of-this-test") == b"x"
    client.delete("broadsheet-queue:of-this-test")


class TestBeat:
    def test_it_rings_at_once_after_the_clock_was_set_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[str] = []
        scheduler = SteadyScheduler(app)
        monkeypatch.setattr(scheduler, "apply_entry", lambda entry, producer=None: rung.append(entry.name))
        names = set(app.conf.beat_schedule)
        for entry in scheduler.schedule.values():
            entry.last_run_at = app.now() + DAY
        for _ in range(3 * len(names)):
            seconds = scheduler.tick()
        assert set(rung) >= names
        assert 0 < seconds <= 15
        assert len(rung) == len(set(rung)), "each once"

    def test_it_is_the_one_that_beat_takes(self) -> None:
        assert app.conf.beat_scheduler == "config.beat:SteadyScheduler"

"""What must hold for subscriptions, whoever writes them; and what follows when a reader changes something."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from digests.models import Delivery, Schedule, Subscriber, Subscription, Suppression
from digests.models.delivery import DeliveryState
from digests.services.schedules import (
    end_schedule,
    pause_schedule,
    save_schedule,
    set_subscriptions,
    start_schedules,
)
from tests.support import factories
from tests.support.mail import mail_key
from tests.support.people import client_of, reader, staff

pytestmark = pytest.mark.django_db

NOW = factories.NOW  # a Wednesday at noon, UTC


def test_an_address_subscribes_once_however_it_is_written() -> None:
    factories.subscriber(email="ada@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscriber.objects.create(email="Ada@Example.org")
    assert Subscriber.objects.with_address(" ADA@example.org ").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"weekday": 7},
        {"month_day": 0},
        {"month_day": 32},
        {"max_papers": 0},
        {"max_papers": 41},
        {"next_due_at": None},
        {"ended_at": NOW},
    ],
)
def test_the_database_refuses_a_schedule_that_makes_no_sense(wrong) -> None:
    schedule = factories.schedule()
    with pytest.raises(IntegrityError), transaction.atomic():
        Schedule.objects.filter(pk=schedule.pk).update(**wrong)


def test_a_subscription_has_a_topic_if_it_is_to_one_and_is_there_once() -> None:
    schedule = factories.schedule()
    topic = factories.topic()
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(schedule=schedule, kind="topic")
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(schedule=schedule, kind="daily", topic=topic)
    Subscription.objects.create(schedule=schedule, kind="daily")
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(schedule=schedule, kind="daily")


def test_one_mail_a_schedule_and_date() -> None:
    schedule = factories.schedule()
    factories.delivery(schedule, period_on=factories.TODAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.delivery(schedule, period_on=factories.TODAY)


def test_a_lease_has_an_end() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.delivery(factories.schedule(), state=DeliveryState.SENDING)


def test_a_suppressed_address_is_found_however_it_is_written() -> None:
    Suppression.objects.create(address="Ada@Example.org", reason="bounced")
    assert Suppression.objects.of("ada@example.ORG").exists()
    with pytest.raises(ValidationError):
        Suppression(address="ada@example.org", reason="complained").full_clean()


# --- what a reader decides -----------------------------------------------------------------------------------------


def test_nothing_is_planned_for_an_address_that_was_not_confirmed() -> None:
    subscriber = factories.subscriber(confirmed_at=None)
    schedule = save_schedule(subscriber=subscriber, frequency="daily", now=NOW)
    assert schedule.next_due_at is None
    subscriber.confirmed_at = NOW
    subscriber.save()
    start_schedules(subscriber=subscriber, now=NOW)
    schedule.refresh_from_db()
    assert schedule.next_due_at == factories.at_hour(date(2026, 3, 5), 7) + timedelta(minutes=30)


def test_a_frequency_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="hourly"):
        save_schedule(subscriber=factories.subscriber(), frequency="hourly", now=NOW)
    assert not Schedule.objects.exists()


def test_a_change_of_the_hour_moves_the_next_mail_and_nothing_else() -> None:
    schedule = factories.schedule()
    before = (schedule.last_release, schedule.covers_from, mail_key(schedule))
    changed = save_schedule(
        subscriber=schedule.subscriber, frequency="daily", now=NOW, local_time=time(18), time_zone="Europe/Berlin"
    )
    assert changed.next_due_at == factories.at_hour(factories.TODAY, 17)
    assert (changed.last_release, changed.covers_from, mail_key(changed)) == before


def test_the_date_of_the_last_mail_is_not_sent_for_again() -> None:
    schedule = factories.schedule(last_on=factories.TODAY)
    changed = save_schedule(subscriber=schedule.subscriber, frequency="daily", now=NOW, local_time=time(18))
    assert changed.next_on == date(2026, 3, 5)


def test_a_pause_lasts_until_its_day_and_may_drop_what_came_meanwhile() -> None:
    schedule = factories.schedule()
    waiting = factories.delivery(schedule, period_on=factories.TODAY)
    pause_schedule(schedule=schedule, until=date(2026, 3, 20), keeps_papers=False, now=NOW)
    schedule.refresh_from_db()
    waiting.refresh_from_db()
    assert schedule.next_on == date(2026, 3, 20)
    assert schedule.covers_from == factories.at_hour(date(2026, 3, 19), 7) + timedelta(minutes=30)
    assert waiting.state == DeliveryState.CANCELLED
    pause_schedule(schedule=schedule, until=None, keeps_papers=True, now=NOW)
    schedule.refresh_from_db()
    assert schedule.next_on == date(2026, 3, 5)


def test_an_end_cancels_what_is_waiting_and_not_what_is_in_a_workers_hands() -> None:
    schedule = factories.schedule()
    waiting = factories.delivery(schedule, period_on=date(2026, 3, 3), state=DeliveryState.RETRY)
    held = factories.delivery(schedule, period_on=factories.TODAY, state=DeliveryState.SENDING, leased_until=NOW)
    end_schedule(schedule=schedule, now=NOW)
    end_schedule(schedule=schedule, now=NOW + timedelta(hours=1))
    schedule.refresh_from_db()
    assert (schedule.ended_at, schedule.next_due_at) == (NOW, None)
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {waiting.pk: DeliveryState.CANCELLED, held.pk: DeliveryState.SENDING}


def test_who_comes_back_is_not_sent_all_that_came_while_away() -> None:
    schedule = factories.schedule()
    end_schedule(schedule=schedule, now=NOW)
    later = NOW + timedelta(days=90)
    again = save_schedule(subscriber=schedule.subscriber, frequency="daily", now=later)
    assert again.pk == schedule.pk
    assert again.covers_from == later - timedelta(days=1)


def test_subscriptions_that_stay_keep_their_links() -> None:
    schedule = factories.schedule()
    one, two = factories.topic(), factories.topic()
    set_subscriptions(schedule=schedule, kinds=["daily"], topic_ids=[one.pk])
    before = {mail_key(one) for one in schedule.subscriptions.all()}
    set_subscriptions(schedule=schedule, kinds=["daily", "versions"], topic_ids=[two.pk])
    after = {one.kind: mail_key(one) for one in schedule.subscriptions.all()}
    assert set(after) == {"daily", "versions", "topic"}
    assert after["daily"] in before
    assert len(before & set(after.values())) == 1


# --- the admin -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["subscriber", "schedule", "delivery", "suppression", "sendingpause"])
def test_the_admin_shows_it_to_the_staff_and_no_key_of_any_reader(model) -> None:
    schedule = factories.schedule()
    delivery = factories.delivery(schedule)
    rows = {"subscriber": schedule.subscriber_id, "schedule": schedule.pk, "delivery": delivery.pk}
    pages = [reverse(f"admin:digests_{model}_changelist")]
    if model in rows:
        pages.append(reverse(f"admin:digests_{model}_change", args=[rows[model]]))
    administrator, other = client_of(staff()), client_of(reader())
    for page in pages:
        html = administrator.get(page).content.decode()
        assert not any(key in html for key in (mail_key(schedule), mail_key(schedule.subscriber), mail_key(delivery)))
        assert other.get(page).status_code == 302

"""Keys in mails: a copy of the tables opens nothing, and a link holds whatever becomes of SECRET_KEY."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from digests.models import Delivery, FormerKey, Schedule, Subscriber, Subscription
from digests.models.delivery import DELIVERY_RETENTION
from digests.models.mail_keys import KeyPurpose, derive_key, digest_of_key
from digests.services.mail_keys import delete_expired_mail_keys, find_by_key
from digests.services.planning import plan_due
from papers.models import Topic
from tests.digests.test_digest_sending import DUE, bodies, parsed, planned, send, state_of, use
from tests.support import factories
from tests.support.mail import mail_key
from tests.support.mail_sink import MailSink, mail_sink
from tests.support.people import anonymous_client
from tests.support.table_snapshot import snapshot_tables

pytestmark = pytest.mark.django_db

NEW_SECRET = "the-secret-key-that-came-after-0123456789-abcdefgh"
DAY = timedelta(days=1)


@pytest.fixture
def sink(settings: Any) -> Iterator[MailSink]:
    with mail_sink() as running:
        use(settings, running)
        yield running


def lose_secret_key(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_SECRET, []
    cache.clear()  # what is in it was sealed with the key


def links_in(sink: MailSink, number: int = -1) -> set[str]:
    """The paths of all links of a mail that have a key, in both parts and in the headers."""
    one = sink.taken[number]
    whole = "\n".join([*bodies(one), *(str(value) for value in parsed(one).values())])
    return set(re.findall(r"https://papers\.example\.org(/(?:u|subscriptions|mail|s)/[\w/-]+)", whole))


def keys_in(links: set[str]) -> set[str]:
    return {path.split("/")[2] for path in links}


def codes(links: set[str]) -> dict[str, int]:
    return {path: anonymous_client().get(path).status_code for path in links}


def everything_stored() -> str:
    return str(snapshot_tables())


def mail_of_the_next_day(sink: MailSink) -> set[str]:
    factories.topic_match(factories.paper(), Topic.objects.get())
    plan_due(now=DUE + DAY)
    assert send(DUE + DAY).counts == {"sent": 1}
    return links_in(sink)


def test_no_key_of_a_mail_is_in_the_tables_before_or_after_it_left(sink: MailSink) -> None:
    (delivery,) = planned()
    sink.script = lambda step, to: "450 4.2.0 later" if step == "dot" else None
    send()
    assert state_of(delivery) == "retry"
    assert delivery.content_spec
    between = everything_stored()
    sink.script = lambda step, to: None
    send(DUE + timedelta(hours=1))
    links = links_in(sink)
    assert len(keys_in(links)) == 4
    assert set(codes(links).values()) == {200}
    for stored in (between, everything_stored()):
        assert not [key for key in keys_in(links) if key in stored]


def test_what_the_tables_have_opens_nothing(sink: MailSink) -> None:
    planned()
    send()
    reader = Subscriber.objects.get()
    digest = bytes(reader.key_digest or b"")
    forged = derive_key(KeyPurpose.READER, reader.pk, nonce=uuid4())
    for key in (digest.hex(), "\\x" + digest.hex(), reader.key_nonce.hex, str(reader.key_nonce), forged, "", "é\x00"):
        assert find_by_key(Subscriber.objects.all(), key) is None, key


def test_links_hold_when_the_secret_key_is_lost_and_new_mails_have_new_keys(sink: MailSink, settings: Any) -> None:
    planned()
    send()
    before = links_in(sink)
    lose_secret_key(settings)
    assert set(codes(before).values()) == {200}
    after = mail_of_the_next_day(sink)
    assert not keys_in(before) & keys_in(after)
    assert set(codes(before | after).values()) == {200}
    (one_click,) = re.findall(r"/u/[\w-]+", parsed(sink.taken[0])["List-Unsubscribe"])
    anonymous_client().post(one_click)
    assert Schedule.objects.get().ended_at is not None


def test_links_hold_when_an_old_key_comes_back_and_goes_again(sink: MailSink, settings: Any) -> None:
    (delivery,) = planned()
    old, reader = settings.SECRET_KEY, delivery.subscriber
    keys = set()
    for secret in (old, NEW_SECRET, old, NEW_SECRET):
        settings.SECRET_KEY = secret
        reader.refresh_from_db()
        keys.add(mail_key(reader))
    assert len(keys) == 2
    assert all(find_by_key(Subscriber.objects.all(), key) == reader for key in keys)


def test_a_mail_that_was_planned_before_the_key_changed_opens_its_page(sink: MailSink, settings: Any) -> None:
    planned()
    lose_secret_key(settings)
    send()
    assert set(codes(links_in(sink)).values()) == {200}


def test_a_mail_that_is_sent_again_after_the_key_changed_is_the_same_mail(sink: MailSink, settings: Any) -> None:
    planned()
    sink.script = lambda step, to: "450 4.2.0 later" if step == "dot" else None
    send()
    lose_secret_key(settings)
    sink.script = lambda step, to: None
    send(DUE + timedelta(hours=1))
    assert parsed(sink.taken[0])["Message-ID"].startswith(f"<d.{Delivery.objects.get().pk}.")
    assert set(codes(links_in(sink)).values()) == {200}


def test_links_of_mails_from_before_keys_were_derived(sink: MailSink) -> None:
    """The migration makes of each key the digest of itself; the next mail has another beside it."""
    planned()
    send()
    subscription, delivery = Subscription.objects.get(), Delivery.objects.get()
    old = {"/subscriptions/old-reader", "/u/old-reader", "/u/old-schedule", "/u/old-subject", "/mail/old-mail"}
    migration = import_module("digests.migrations.0003_mail_key_digests").Migration
    were = {
        "digests_subscriber": ("key", "old-reader"),
        "digests_schedule": ("unsub_key", "old-schedule"),
        "digests_subscription": ("unsub_key", "old-subject"),
        "digests_delivery": ("key", "old-mail"),
    }
    with connection.cursor() as cursor:
        cursor.execute("UPDATE digests_delivery SET content_spec = 'has old-mail'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, (column, key) in were.items():
            cursor.execute(f"ALTER TABLE {table} RENAME COLUMN key_digest TO {column}")
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar(22) USING '{key}'")
        for operation in migration.operations[:4]:
            for step in operation.database_operations:
                cursor.execute(step.sql)
    assert set(codes(old).values()) == {200}
    assert "old-" not in everything_stored()
    new = mail_of_the_next_day(sink)
    assert set(codes(old | new).values()) == {200}
    assert FormerKey.objects.count() == 3
    assert mail_key(subscription) != "old-subject"
    assert delivery.pk in Delivery.objects.values_list("pk", flat=True)


def test_no_two_purposes_and_no_two_readers_have_the_same_key() -> None:
    nonce, other = UUID(int=1), UUID(int=2)
    made = [derive_key(purpose, row, nonce=by) for purpose in KeyPurpose for row in (1, 2) for by in (nonce, other)]
    assert len(set(made)) == len(made) == 20
    assert {len(key) for key in made} == {22}


def test_the_key_of_one_purpose_opens_no_other(sink: MailSink) -> None:
    planned()
    send()
    reader, schedule, mail = Subscriber.objects.get(), Schedule.objects.get(), Delivery.objects.get()
    subject = schedule.subscriptions.get()
    for key in (mail_key(schedule), mail_key(subject), mail_key(mail)):
        assert anonymous_client().get(f"/subscriptions/{key}").status_code == 404
    for key in (mail_key(reader), mail_key(schedule), mail_key(subject)):
        assert anonymous_client().get(f"/mail/{key}").status_code == 404


def test_keys_cost_statements_with_the_first_mail_only_and_as_many_for_many(sink: MailSink) -> None:
    planned(5)
    with CaptureQueriesContext(connection) as first:
        send()
    factories.topic_match(factories.paper(), Topic.objects.get())
    plan_due(now=DUE + DAY)
    with CaptureQueriesContext(connection) as second:
        send(DUE + DAY)
    assert [len([one for one in run if "digests_formerkey" in one["sql"]]) for run in (first, second)] == [3, 0]
    assert len(sink.taken) == 10


def test_a_key_that_is_known_is_found_with_one_query_along_an_index() -> None:
    reader = factories.subscriber()
    key = mail_key(reader)
    with CaptureQueriesContext(connection) as captured:
        assert find_by_key(Subscriber.objects.all(), key) == reader
    assert len(captured) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan TO off")
    plan = Subscriber.objects.filter(key_digest=digest_of_key(key)).explain()
    assert "subscriber_key" in plan


def test_what_is_kept_of_old_keys_goes_with_its_reader_or_mail(settings: Any) -> None:
    delivery = factories.delivery(factories.schedule(), state="sent", sent_at=DUE)
    reader = delivery.subscriber
    keys = mail_key(reader), mail_key(delivery)
    lose_secret_key(settings)
    reader.refresh_from_db()
    delivery.refresh_from_db()
    mail_key(reader)
    mail_key(delivery)
    assert FormerKey.objects.count() == 2
    kept_at = FormerKey.objects.latest("created_at").created_at
    assert delete_expired_mail_keys(now=kept_at + DELIVERY_RETENTION - DAY) == 0
    assert delete_expired_mail_keys(now=kept_at + DELIVERY_RETENTION + DAY) == 1
    assert find_by_key(Subscriber.objects.all(), keys[0]) == reader
    reader.delete()
    assert not FormerKey.objects.exists()

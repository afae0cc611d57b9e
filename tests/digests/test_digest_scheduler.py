"""The minute's work for mail, from the task that beat names to the sending that it asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone
from kombu import Queue

from digests import tasks
from digests.services import mail_scheduler, outbox, sending
from digests.services.sending import SendingResult
from papers.enqueue import TaskName
from tests.digests.test_digest_sending import DUE, planned
from tests.support import factories
from tests.support.mail import RecordingTransport

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("minutes", "is_waiting"), [(-1, True), (5, False)])
def test_a_tick_says_whether_something_may_be_sent_now(minutes: int, is_waiting: bool) -> None:
    factories.delivery(factories.schedule(), not_before=factories.NOW + timedelta(minutes=minutes))
    assert mail_scheduler.run_scheduled_work(now=factories.NOW).is_waiting is is_waiting


def test_the_task_has_what_waits_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueued: list[TaskName] = []
    monkeypatch.setattr(tasks, "enqueue", enqueued.append)
    monkeypatch.setattr(timezone, "now", lambda: factories.NOW)  # so that the schedule's own mail isn't due as well
    tasks.run_scheduled_work()
    assert enqueued == []
    factories.delivery(factories.schedule(), not_before=factories.NOW - timedelta(minutes=1))
    tasks.run_scheduled_work()
    assert enqueued == [TaskName.SEND_WAITING]


@pytest.mark.django_db(transaction=True)
def test_while_a_message_waits_for_a_sender_no_second_one_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*, enqueue_another: Callable[[], None]) -> SendingResult:
        for _ in range(3):
            enqueue_another()
        return SendingResult(Counter())

    monkeypatch.setattr(sending, "send_waiting", busy)
    with current_app.connection_for_write() as connection:
        mail = Queue("mail", channel=connection.default_channel)
        mail.purge()
        tasks.send_waiting()
        assert mail.purge() == 1
        tasks.send_waiting()
        assert mail.purge() == 1, "and another, once it was taken"


def test_a_sender_calls_another_for_what_it_has_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    planned(count=5)
    monkeypatch.setattr(outbox, "BATCH", 2)
    called: list[int] = []
    post = RecordingTransport()
    sending.send_waiting(clock=lambda: DUE, transport=post, enqueue_another=lambda: called.append(len(post.taken)))
    assert called == [0, 2]

"""Work is enqueued by name: each name is a task's, and the message is sent when the work is there to be found."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from papers.enqueue import TaskName, enqueue

OURS = ("papers.", "digests.", "config.")


def test_each_name_is_a_registered_task_and_each_task_has_a_name() -> None:
    current_app.loader.import_default_modules()
    assert {name for name in current_app.tasks if name.startswith(OURS)} == set(TaskName)


def test_what_beat_calls_are_tasks() -> None:
    assert {entry["task"] for entry in current_app.conf.beat_schedule.values()} <= set(TaskName)


@pytest.mark.django_db(transaction=True)
class TestSending:
    @pytest.fixture
    def sent(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
        messages: list[tuple[str, tuple[int, ...]]] = []
        monkeypatch.setattr(current_app, "send_task", lambda name, args: messages.append((name, args)))
        return messages

    def test_the_message_follows_the_commit(self, sent: list[Any]) -> None:
        with transaction.atomic():
            enqueue(TaskName.FETCH_SOURCE, 7)
            assert sent == []
        assert sent == [("papers.fetch_source", (7,))]

    def test_what_is_rolled_back_is_not_sent(self, sent: list[Any]) -> None:
        with transaction.atomic():
            enqueue(TaskName.FETCH_SOURCE, 7)
            transaction.set_rollback(True)
        assert sent == []

    def test_a_queue_that_is_away_fails_nobody(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def away(*_: object) -> None:
            raise OperationalError

        monkeypatch.setattr(current_app, "send_task", away)
        with caplog.at_level(logging.WARNING, logger="papers.enqueue"):
            enqueue(TaskName.CLEANUP)
        assert "papers.cleanup is found again" in caplog.text

"""The parts of Broadsheet: one table from which commands, queues and the doctor's words come."""

from __future__ import annotations

from typing import Any

import pytest
from celery import current_app
from celery.signals import beat_init
from django.core.management import CommandError, call_command
from kombu.exceptions import OperationalError

from config.beat import app, begin_at_once
from config.local.programs import BEAT, EMBEDDER, FETCHER, MAILER, PARTS, WEB, WORKER, WebServer, program_of


def test_parts_start_the_web_server_first_and_beat_last() -> None:
    assert list(PARTS.values()) == [WEB, WORKER, FETCHER, MAILER, EMBEDDER, BEAT]
    assert [program_of(part).name for part in PARTS.values()] == list(PARTS)


def test_each_queue_has_a_worker_and_each_worker_a_queue() -> None:
    assert {queue.name for queue in app.conf.task_queues} == {"default", "fetch", "mail"}
    for part in (WORKER, FETCHER, MAILER):
        arguments = program_of(part, processes=3).arguments
        assert arguments[arguments.index("-Q") + 1] == part.queue
        assert arguments[arguments.index("-c") + 1] == ("3" if part.has_processes else "1")


def waiting_tasks() -> int:
    with app.connection_for_read() as broker:
        channel: Any = broker.default_channel
        return sum(int(channel.queue_declare(queue=name).message_count) for name in app.amqp.queues)


def test_beat_has_due_work_collected_when_it_starts() -> None:
    app.control.purge()
    beat_init.send(sender=None)
    assert waiting_tasks() == 1
    app.control.purge()


def test_beat_starts_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", fail)
    begin_at_once()


def test_tasks_belong_to_the_app_of_the_workers_also_where_beats_is_imported() -> None:
    assert current_app.main == "broadsheet"


def test_the_web_server_listens_where_it_is_told() -> None:
    program = program_of(WEB, host="127.0.0.1", port=1)
    assert isinstance(program, WebServer)
    assert not program.is_ready()


def test_run_names_the_parts_that_there_are() -> None:
    with pytest.raises(CommandError, match="'web', 'worker', 'fetcher', 'mailer', 'embedder', 'beat'"):
        call_command("run", "nothing")

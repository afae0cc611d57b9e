"""The minute's work for mail, from the task that beat names to the sending that it asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from digests import tasks
from digests.services import ticking
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("minutes", "is_waiting"), [(-1, True), (5, False)])
def test_a_tick_says_whether_something_may_be_sent_now(minutes: int, is_waiting: bool) -> None:
    make.delivery(make.schedule(), not_before=make.NOW + timedelta(minutes=minutes))
    assert ticking.tick(now=make.NOW).is_waiting is is_waiting


def test_the_task_has_what_waits_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(tasks.send_waiting, "delay", lambda: rung.append(True))
    monkeypatch.setattr(timezone, "now", lambda: make.NOW)  # so that the schedule's own mail isn't due as well
    tasks.tick()
    assert rung == []
    make.delivery(make.schedule(), not_before=make.NOW - timedelta(minutes=1))
    tasks.tick()
    assert rung == [True]

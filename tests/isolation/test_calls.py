"""What a child brings back, and what ends one that takes too long, too much, or dies."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from papers.isolation import calls
from papers.isolation.calls import ChildEndedError, ChildTooLargeError, ChildTooSlowError, call_isolated
from papers.isolation.limits import DEADLINE_SECONDS
from papers.outbound.errors import SourceError
from tests.isolation import hostile


def test_a_result_comes_back_from_another_process() -> None:
    child, parent = call_isolated(hostile.process_ids)
    assert os.getpid() not in (child, parent)
    assert call_isolated(hostile.paper, "On ice") == hostile.paper("On ice")


def test_as_much_as_a_file_may_hold_goes_there_and_back() -> None:
    data = os.urandom(1024) * 12_000
    assert call_isolated(hostile.double, data) == data * 2


def test_an_error_is_raised_as_it_was_with_the_traceback_of_the_child() -> None:
    with pytest.raises(SourceError, match="not here") as refused:
        call_isolated(hostile.refuse, "not here")
    assert refused.value.retry_after_seconds == 5
    with pytest.raises(KeyError, match="nobody thought") as failed:
        call_isolated(hostile.fail)
    assert "hostile.py" in "".join(failed.value.__notes__)


def test_a_child_is_ended_at_its_deadline_and_others_are_served_meanwhile() -> None:
    with ThreadPoolExecutor(2) as threads:
        started = time.monotonic()
        holding: list[Future[Any]] = [
            threads.submit(call_isolated, hostile.hold, b"a" * 60),
            threads.submit(call_isolated, hostile.sleep, 60.0),
        ]
        while time.monotonic() - started < 1:
            assert call_isolated(hostile.double, b"x") == b"xx"
        for held in holding:
            with pytest.raises(ChildTooSlowError, match="longer than 10 seconds"):
                held.result()
        assert time.monotonic() - started < DEADLINE_SECONDS + 4


def test_a_child_gets_no_more_memory_than_its_limit() -> None:
    assert call_isolated(hostile.take, 100) == 100 * 1024**2
    with pytest.raises(ChildTooLargeError, match="512 MB"):
        call_isolated(hostile.take, 600)


def test_a_child_that_is_killed_is_told_and_the_next_is_served() -> None:
    with pytest.raises(ChildEndedError):
        call_isolated(hostile.die)
    assert call_isolated(hostile.double, b"x") == b"xx"


def test_what_comes_back_runs_nothing(tmp_path: Path) -> None:
    with pytest.raises(ChildEndedError):
        call_isolated(hostile.touch_from_what_comes_back, str(tmp_path / "ran"))
    assert not (tmp_path / "ran").exists()


def test_a_server_that_ended_is_started_anew() -> None:
    _, first = call_isolated(hostile.process_ids)
    os.kill(first, 9)
    _, second = call_isolated(hostile.process_ids)
    assert second != first


def test_many_threads_are_served_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: call_isolated(hostile.double, b"%d" % number), range(40)))
    assert answers == [b"%d" % number * 2 for number in range(40)]


def test_a_process_that_was_forked_has_a_server_of_its_own() -> None:
    _, ours = call_isolated(hostile.process_ids)
    child = os.fork()
    if child == 0:
        _, theirs = call_isolated(hostile.process_ids)
        calls._servers.restart()
        os._exit(0 if theirs != ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert call_isolated(hostile.process_ids)[1] == ours

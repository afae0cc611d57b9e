"""The file that a worker and beat touch, by which a container's health check tells whether they go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import alive_file
from config.beat import SteadyScheduler, app
from tests.meta.source_files import ROOT


def wait_until(is_so: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.slow
def test_a_workers_loop_touches_it_until_it_hangs(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    command = [sys.executable, "-m", "config.celery_command", "worker", "config.celery", "--pool", "solo"]
    worker = subprocess.Popen(
        [*command, "-Q", "of-nobody", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=ROOT,
        env={**os.environ, "BROADSHEET_ALIVE_FILE": str(file)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def is_touched() -> bool:
        return file.exists() and file.stat().st_mtime > 1_000

    try:
        assert wait_until(is_touched, 90)
        os.utime(file, (1, 1))
        assert wait_until(is_touched, 5 * alive_file.TOUCH_SECONDS), "again and again"
        worker.send_signal(signal.SIGSTOP)
        os.utime(file, (1, 1))
        assert not wait_until(is_touched, 1.5 * alive_file.TOUCH_SECONDS), "a worker that hangs touches nothing"
    finally:
        worker.kill()
        worker.wait()


def test_beat_touches_it_with_each_look(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ALIVE_FILE = str(tmp_path / "alive")
    scheduler = SteadyScheduler(app)
    monkeypatch.setattr(scheduler, "apply_entry", lambda entry, producer=None: None)
    scheduler.tick()
    assert (tmp_path / "alive").exists()


def test_without_a_name_nothing_is_written_and_a_full_disk_stops_nobody(settings: Any, tmp_path: Path) -> None:
    settings.ALIVE_FILE = ""
    alive_file.touch()
    settings.ALIVE_FILE = str(tmp_path / "no-folder" / "alive")
    alive_file.touch()
    assert list(tmp_path.iterdir()) == []

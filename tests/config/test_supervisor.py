"""The supervisor's own part: logs that stay small, pauses that grow, services that do not want to stop."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.local import supervisor as module
from config.local.paths import DataDir, OperatorError
from config.local.processes import process_identity
from config.local.supervisor import Supervisor, data_dir_lock, restart_delay


@dataclass
class Script:
    """A service that runs a few lines of Python."""

    text: str
    name: str = "script"
    stage: int = 1
    stop_signal: int = signal.SIGTERM
    force_stop_signal: int = signal.SIGKILL
    stop_seconds: float = 5.0
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.defpath})

    def command(self, *, parent: int) -> list[str]:
        return [sys.executable, "-S", "-c", self.text]

    def before_start(self) -> None: ...

    def is_ready(self) -> bool:
        return False


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path / "data")
    data.make()
    return data


@pytest.fixture
def large_log(data: DataDir, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "LOG_CAP_BYTES", 1000)
    log = data.log_dir / "web.log"
    log.write_bytes(b"x" * 1500)
    return log


def test_a_log_is_cut_and_one_older_part_kept_while_its_writer_goes_on(data: DataDir, large_log: Path) -> None:
    with large_log.open("ab") as writer:
        Supervisor(data)._cap_logs()
        writer.write(b"next line")

    assert large_log.read_bytes() == b"next line"
    assert (data.log_dir / "web.log.1").read_bytes() == b"x" * 1500


def test_logs_take_no_more_however_often_they_are_cut(data: DataDir, large_log: Path) -> None:
    for _ in range(5):
        large_log.write_bytes(b"y" * 1500)
        Supervisor(data)._cap_logs()
    assert sum(path.stat().st_size for path in data.log_dir.iterdir()) == 1500


def test_on_a_full_disk_a_log_is_cut_without_a_copy(
    data: DataDir, large_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("config.local.supervisor.shutil.copyfile", full)
    Supervisor(data)._cap_logs()
    assert large_log.stat().st_size == 0


def test_pauses_grow_to_half_a_minute() -> None:
    assert [restart_delay(number) for number in range(1, 9)] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_service_that_stops_at_once_is_said_in_its_own_words(data: DataDir) -> None:
    with Supervisor(data) as supervisor:
        service = Script("import sys; sys.exit('the wheel has come off')")
        supervisor.start(service)
        with pytest.raises(OperatorError, match=r"script stopped with exit code 1\.\n    the wheel has come off"):
            supervisor.wait_for(service, seconds=20)


def test_a_service_that_does_not_stop_is_killed_in_the_end(data: DataDir) -> None:
    text = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    supervisor = Supervisor(data)
    supervisor.start(Script(text, stop_seconds=0.3))
    while not supervisor.log_file("script").read_bytes():
        time.sleep(0.02)
    pid = supervisor.pid_of("script")

    supervisor.stop()

    assert process_identity(pid) is None
    assert list(data.run_dir.glob("*.pid")) == []


@dataclass
class Forker(Script):
    """Forks others once a file is there."""

    path: Path = Path()

    def is_ready(self) -> bool:
        return self.path.exists()


def test_what_died_waits_for_the_service_that_forks_where_that_one_comes_back(
    data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both killed: a web server that loads all by itself beside it takes longer, and shares nothing afterwards."""
    monkeypatch.setattr(module, "LOG_CHECK_SECONDS", 0.2)  # no signal wakes `run` here, which is in a thread
    forker = Forker("import time; time.sleep(60)", name="forker", path=tmp_path / "ready")
    part, below = Script("import time; time.sleep(60)", name="part"), Script("import time; time.sleep(60)", "below", 0)
    forked: list[str] = []

    def fork(service: module.Service, _: Path) -> int:
        forked.append(service.name)
        return 0

    with Supervisor(data) as supervisor:
        for service in (forker, part, below):
            supervisor.start(service)
        supervisor.use_forks(fork, by=["forker"])
        for name in ("forker", "part", "below"):
            os.kill(supervisor.pid_of(name), signal.SIGKILL)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            wait_until(lambda: len(forked) == 2)
            time.sleep(1)
            assert sorted(forked) == ["below", "forker"]
            forker.path.touch()
            wait_until(lambda: supervisor.pid_of("part"))
        finally:
            supervisor._stops_asked = 1
            thread.join()


def test_a_service_that_forks_and_does_not_come_back_is_not_waited_for(data: DataDir, tmp_path: Path) -> None:
    forker = Forker("import time; time.sleep(60)", name="forker", path=tmp_path / "never")
    with Supervisor(data) as supervisor:
        supervisor.start(forker)
        supervisor.start(Script("import time; time.sleep(60)", name="part"))
        supervisor.use_forks(lambda service, log: 0, by=["forker"])
        part = supervisor._children["part"]
        assert supervisor._can_soon_be_forked(part)
        supervisor._children["forker"].started -= module.FORK_WAIT_SECONDS + 1
        assert not supervisor._can_soon_be_forked(part)
        supervisor._children["forker"].pid, pid = 0, supervisor.pid_of("forker")
        supervisor._children["forker"].failures = 3
        assert not supervisor._can_soon_be_forked(part)
        supervisor._children["forker"].pid = pid


def test_one_of_two_services_that_fork_is_enough(data: DataDir, tmp_path: Path) -> None:
    """Nobody waits while one is there, and of two that are gone the first waits for nobody."""
    sleeps = "import time; time.sleep(60)"
    first, spare = (Forker(sleeps, name=name, path=tmp_path / name) for name in ("first", "spare"))
    with Supervisor(data) as supervisor:
        for service in (first, spare, Script(sleeps, name="part")):
            supervisor.start(service)
        supervisor.use_forks(lambda service, log: 0, by=["first", "spare"])

        def waiting() -> list[str]:
            return [name for name, child in supervisor._children.items() if supervisor._can_soon_be_forked(child)]

        assert waiting() == ["spare", "part"]
        spare.path.touch()
        assert waiting() == ["spare"]  # if it had died, the first would soon be there to fork it
        first.path.touch()
        assert waiting() == []


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_supervisor_a_folder(data: DataDir) -> None:
    refusal = pytest.raises(OperatorError, match=rf"already runs .*process {os.getpid()}")
    with data_dir_lock(data), refusal, data_dir_lock(data):
        pass
    with data_dir_lock(data):  # free again
        pass
